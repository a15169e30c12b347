//! The commands of bpf(2) by number, name and release.

use std::fmt;

use super::KernelVersion;

/// The number of a command of bpf(2), `enum bpf_cmd`.
#[doc(alias = "bpf_cmd")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BpfCommand(pub u32);

/// Declares the commands by number, kernel name and release.
macro_rules! commands {
    ($($constant:ident = $number:literal, $alias:literal, since ($major:literal, $minor:literal);)*) => {
        impl BpfCommand {
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

impl fmt::Debug for BpfCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BpfCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "BPF_{name}"),
            None => write!(f, "bpf command {}", self.0),
        }
    }
}
