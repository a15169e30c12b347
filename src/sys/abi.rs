//! The memory layout of bpf(2): commands, attributes, replies, flags.
//!
//! Everything here is plain data as of Linux 6.18. One struct stands for one member of `union bpf_attr`; `LINK_CREATE`,
//! whose member is a union itself, has one struct for each of its arms. The structs have no padding of their own: where C
//! pads, a field named `_pad` stands, and the kernel sees zeros there.
//!
//! [`FIELDS`] and [`REPLY_FIELDS`] list every field with its place and the release it came with. A test compares them with
//! the BTF of the running kernel.

mod attr;
mod flags;
mod info;

use std::fmt;

use crate::base::KernelVersion;

pub use attr::*;
pub use flags::*;
pub use info::*;

/// Marks types that are nothing but their bytes.
///
/// # Safety
/// The type is `#[repr(C)]` and made of integers and arrays of integers only, without padding between or after them, and
/// aligned to at most 8: every byte is initialised, and any bytes are a value.
pub unsafe trait Plain: Copy + Default {
    /// Where each field ends, ascending: the sizes bpf(2) may be told.
    const ENDS: &'static [usize];
}

/// One field of a bpf(2) structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// The C type the field belongs to: `bpf_attr`, `bpf_map_info`, ...
    pub record: &'static str,
    /// The commands that read or write it.
    pub commands: &'static [Command],
    /// Its path in C, `link_create.kprobe_multi.cnt`; anonymous members do not show. Empty: padding, which is zero.
    pub name: &'static str,
    /// Bytes from the start of the record.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
    /// The first kernel release that knows the field.
    pub since: KernelVersion,
}

/// Declares structs and, from the same lines, the table of their fields.
macro_rules! records {
    (
        $(#[$table_meta:meta])*
        $table:ident;
        $(
            $(#[$meta:meta])*
            struct $name:ident in $record:literal for $commands:tt {
                $(
                    $(#[$field_meta:meta])*
                    $field:ident: $ty:ty = $path:literal since ($major:literal, $minor:literal);
                )*
            }
        )*
    ) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub struct $name {
                $(
                    #[doc = concat!("`", $path, "`, Linux ", $major, ".", $minor, ".")]
                    $(#[$field_meta])*
                    pub $field: $ty,
                )*
            }

            const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$ty>())*, "a gap between fields");
            const _: () = assert!(align_of::<$name>() <= 8);

            // SAFETY: repr(C), fields of integers and arrays of integers only (each struct below), and the assertions
            // above say that there is no padding and no larger alignment.
            unsafe impl $crate::sys::abi::Plain for $name {
                const ENDS: &'static [usize] = &[$(core::mem::offset_of!($name, $field) + size_of::<$ty>()),*];
            }
        )*

        $(#[$table_meta])*
        pub const $table: &[$crate::sys::abi::FieldRow] = &[$($(
            $crate::sys::abi::FieldRow {
                record: $record,
                commands: $crate::sys::abi::list_of!($commands),
                name: $path,
                offset: core::mem::offset_of!($name, $field),
                size: size_of::<$ty>(),
                since: $crate::base::KernelVersion::new($major, $minor),
            },
        )*)*];
    };
}
use records;

/// `[MAP_CREATE, ...]` as constants.
macro_rules! list_of {
    ([$($command:ident),*]) => { &[$($crate::sys::abi::Command::$command),*] };
}
use list_of;

/// A command of bpf(2), `enum bpf_cmd`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(pub u32);

/// Declares the commands by number, kernel name and release.
macro_rules! commands {
    ($($constant:ident = $number:literal, $alias:literal, since ($major:literal, $minor:literal);)*) => {
        impl Command {
            $(
                #[doc = concat!("`", $alias, "`, Linux ", $major, ".", $minor, ".")]
                #[doc(alias = $alias)]
                pub const $constant: Self = Self($number);
            )*

            /// Every command known here, by number.
            pub const ALL: &[Self] = &[$(Self::$constant),*];

            /// The name without `BPF_`: `MAP_CREATE`; nothing for a number not known here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($constant)),)*
                    _ => None,
                }
            }

            /// The first kernel release with the command; nothing for a number not known here.
            #[must_use]
            pub const fn since(self) -> Option<KernelVersion> {
                match self.0 {
                    $($number => Some(KernelVersion::new($major, $minor)),)*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    MAP_CREATE = 0, "BPF_MAP_CREATE", since (3, 18);
    MAP_LOOKUP_ELEM = 1, "BPF_MAP_LOOKUP_ELEM", since (3, 18);
    MAP_UPDATE_ELEM = 2, "BPF_MAP_UPDATE_ELEM", since (3, 18);
    MAP_DELETE_ELEM = 3, "BPF_MAP_DELETE_ELEM", since (3, 18);
    MAP_GET_NEXT_KEY = 4, "BPF_MAP_GET_NEXT_KEY", since (3, 18);
    PROG_LOAD = 5, "BPF_PROG_LOAD", since (3, 18);
    OBJ_PIN = 6, "BPF_OBJ_PIN", since (4, 4);
    OBJ_GET = 7, "BPF_OBJ_GET", since (4, 4);
    PROG_ATTACH = 8, "BPF_PROG_ATTACH", since (4, 10);
    PROG_DETACH = 9, "BPF_PROG_DETACH", since (4, 10);
    PROG_TEST_RUN = 10, "BPF_PROG_TEST_RUN", since (4, 12);
    PROG_GET_NEXT_ID = 11, "BPF_PROG_GET_NEXT_ID", since (4, 13);
    MAP_GET_NEXT_ID = 12, "BPF_MAP_GET_NEXT_ID", since (4, 13);
    PROG_GET_FD_BY_ID = 13, "BPF_PROG_GET_FD_BY_ID", since (4, 13);
    MAP_GET_FD_BY_ID = 14, "BPF_MAP_GET_FD_BY_ID", since (4, 13);
    OBJ_GET_INFO_BY_FD = 15, "BPF_OBJ_GET_INFO_BY_FD", since (4, 13);
    PROG_QUERY = 16, "BPF_PROG_QUERY", since (4, 15);
    RAW_TRACEPOINT_OPEN = 17, "BPF_RAW_TRACEPOINT_OPEN", since (4, 17);
    BTF_LOAD = 18, "BPF_BTF_LOAD", since (4, 18);
    BTF_GET_FD_BY_ID = 19, "BPF_BTF_GET_FD_BY_ID", since (4, 18);
    TASK_FD_QUERY = 20, "BPF_TASK_FD_QUERY", since (4, 18);
    MAP_LOOKUP_AND_DELETE_ELEM = 21, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", since (4, 20);
    MAP_FREEZE = 22, "BPF_MAP_FREEZE", since (5, 2);
    BTF_GET_NEXT_ID = 23, "BPF_BTF_GET_NEXT_ID", since (5, 4);
    MAP_LOOKUP_BATCH = 24, "BPF_MAP_LOOKUP_BATCH", since (5, 6);
    MAP_LOOKUP_AND_DELETE_BATCH = 25, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", since (5, 6);
    MAP_UPDATE_BATCH = 26, "BPF_MAP_UPDATE_BATCH", since (5, 6);
    MAP_DELETE_BATCH = 27, "BPF_MAP_DELETE_BATCH", since (5, 6);
    LINK_CREATE = 28, "BPF_LINK_CREATE", since (5, 7);
    LINK_UPDATE = 29, "BPF_LINK_UPDATE", since (5, 7);
    LINK_GET_FD_BY_ID = 30, "BPF_LINK_GET_FD_BY_ID", since (5, 8);
    LINK_GET_NEXT_ID = 31, "BPF_LINK_GET_NEXT_ID", since (5, 8);
    ENABLE_STATS = 32, "BPF_ENABLE_STATS", since (5, 8);
    ITER_CREATE = 33, "BPF_ITER_CREATE", since (5, 8);
    LINK_DETACH = 34, "BPF_LINK_DETACH", since (5, 9);
    PROG_BIND_MAP = 35, "BPF_PROG_BIND_MAP", since (5, 10);
    TOKEN_CREATE = 36, "BPF_TOKEN_CREATE", since (6, 9);
    PROG_STREAM_READ_BY_FD = 37, "BPF_PROG_STREAM_READ_BY_FD", since (6, 17);
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "BPF_{name}"),
            None => write!(f, "bpf command {}", self.0),
        }
    }
}
