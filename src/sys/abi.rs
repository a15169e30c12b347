//! The memory layout of bpf(2): commands, attributes, replies, flags.
//!
//! Everything here is plain data as of Linux 6.18. One struct stands for one member of `union bpf_attr`; `LINK_CREATE`,
//! whose member is a union itself, has one struct for each of its arms. The structs have no padding of their own: where C
//! pads, a field named `_pad` stands, and the kernel sees zeros there.
//!
//! [`FIELDS`] and [`REPLY_FIELDS`] list every field with its place and the release it came with. A test compares them with
//! the BTF of the running kernel.

mod attr;
mod info;

use crate::base::KernelVersion;

pub use crate::base::BpfCommand as Command;
pub use crate::base::flags::*;
pub use attr::*;
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
