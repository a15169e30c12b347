//! Flag sets of the calls of bpf(2). Bits a set does not name are kept and passed on: the kernel judges them.
//!
//! The flags that belong to what is created, not to the call, are [`MapFlags`](crate::map::MapFlags) and
//! [`ProgramFlags`](crate::program::ProgramFlags): here are only those bits of theirs that a call sets itself.

use std::fmt;

use bitflags::bitflags;

/// `map_flags`: `numa_node` counts (4.14).
pub const BPF_F_NUMA_NODE: u32 = 1 << 2;
/// `map_flags`, `file_flags`, `open_flags`: this descriptor of the map may only read (4.15).
pub const BPF_F_RDONLY: u32 = 1 << 3;
/// `map_flags`, `file_flags`, `open_flags`: this descriptor of the map may only write (4.15).
pub const BPF_F_WRONLY: u32 = 1 << 4;
/// `file_flags`: `path_fd` counts (6.5).
pub const BPF_F_PATH_FD: u32 = 1 << 14;
/// `map_flags`: `value_type_btf_obj_fd` counts (6.9).
pub const BPF_F_VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
/// `map_flags`, `prog_flags`, `btf_flags`, `open_flags`: the token's descriptor counts (6.9).
pub const BPF_F_TOKEN_FD: u32 = 1 << 16;

impl ElemFlags {
    /// Create or replace: no flag.
    #[doc(alias = "BPF_ANY")]
    pub const ANY: Self = Self::empty();
}

bitflags! {
    /// How an element is updated or looked up.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ElemFlags: u64 {
        /// Only create.
        #[doc(alias = "BPF_NOEXIST")]
        const NOEXIST = 1;
        /// Only replace.
        #[doc(alias = "BPF_EXIST")]
        const EXIST = 2;
        /// Copy under the value's spin lock (5.1).
        #[doc(alias = "BPF_F_LOCK")]
        const LOCK = 4;
        const _ = !0;
    }

    /// When whoever reads a ring buffer is woken up; without a flag, if it has read all before.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct RingbufFlags: u64 {
        /// It is not.
        #[doc(alias = "BPF_RB_NO_WAKEUP")]
        const NO_WAKEUP = 1;
        /// It is in any case.
        #[doc(alias = "BPF_RB_FORCE_WAKEUP")]
        const FORCE_WAKEUP = 2;
        const _ = !0;
    }

    /// What the verifier writes into its log.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct LogLevel: u32 {
        /// The path to a mistake (`BPF_LOG_LEVEL1`).
        #[doc(alias = "BPF_LOG_LEVEL1")]
        const ERRORS = 1;
        /// Every instruction on every path (`BPF_LOG_LEVEL2`).
        #[doc(alias = "BPF_LOG_LEVEL2")]
        const TRACE = 2;
        /// What the verification cost (5.2).
        #[doc(alias = "BPF_LOG_STATS")]
        const STATS = 4;
        /// A full buffer keeps its beginning, not its end (6.4).
        #[doc(alias = "BPF_LOG_FIXED")]
        const FIXED = 8;
        const _ = !0;
    }

    /// How a program is attached, and where among the programs already there.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct AttachFlags: u32 {
        /// A cgroup below may put its own program in place of this one.
        #[doc(alias = "BPF_F_ALLOW_OVERRIDE")]
        const ALLOW_OVERRIDE = 1 << 0;
        /// Programs of cgroups below run too (4.15).
        #[doc(alias = "BPF_F_ALLOW_MULTI")]
        const ALLOW_MULTI = 1 << 1;
        /// Takes the place of a given program (5.6).
        #[doc(alias = "BPF_F_REPLACE")]
        const REPLACE = 1 << 2;
        /// Before a given program, or first (6.6).
        #[doc(alias = "BPF_F_BEFORE")]
        const BEFORE = 1 << 3;
        /// After a given program, or last (6.6).
        #[doc(alias = "BPF_F_AFTER")]
        const AFTER = 1 << 4;
        /// The given program or link is named by id, not by descriptor (6.6).
        #[doc(alias = "BPF_F_ID")]
        const ID = 1 << 5;
        /// A parent's program runs before its children's (6.15).
        #[doc(alias = "BPF_F_PREORDER")]
        const PREORDER = 1 << 6;
        /// The given one is a link, not a program (6.6).
        #[doc(alias = "BPF_F_LINK")]
        const LINK = 1 << 13;
        const _ = !0;
    }

    /// How attached programs are asked for.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct QueryFlags: u32 {
        /// What runs at a cgroup, its parents' programs included.
        #[doc(alias = "BPF_F_QUERY_EFFECTIVE")]
        const EFFECTIVE = 1 << 0;
        const _ = !0;
    }

    /// How a test run is made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct TestFlags: u32 {
        /// On a chosen CPU (5.10).
        #[doc(alias = "BPF_F_TEST_RUN_ON_CPU")]
        const ON_CPU = 1 << 0;
        /// XDP frames are really sent where the program says (5.18).
        #[doc(alias = "BPF_F_TEST_XDP_LIVE_FRAMES")]
        const XDP_LIVE_FRAMES = 1 << 1;
        /// The packet counts as checksummed (6.11).
        #[doc(alias = "BPF_F_TEST_SKB_CHECKSUM_COMPLETE")]
        const SKB_CHECKSUM_COMPLETE = 1 << 2;
        const _ = !0;
    }

    /// How a link on many probes is made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MultiFlags: u32 {
        /// At the return, not at the entry.
        #[doc(alias = "BPF_F_KPROBE_MULTI_RETURN")]
        #[doc(alias = "BPF_F_UPROBE_MULTI_RETURN")]
        const RETURN = 1 << 0;
        const _ = !0;
    }
}

/// How a descriptor of a map is opened. Of other objects there is only [`ReadWrite`](Self::ReadWrite).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// For reading and writing.
    #[default]
    ReadWrite,
    /// For reading only.
    #[doc(alias = "BPF_F_RDONLY")]
    ReadOnly,
    /// For writing only.
    #[doc(alias = "BPF_F_WRONLY")]
    WriteOnly,
}

impl Access {
    /// The bits of `file_flags` and `open_flags`.
    #[must_use]
    pub const fn flags(self) -> u32 {
        match self {
            Self::ReadWrite => 0,
            Self::ReadOnly => BPF_F_RDONLY,
            Self::WriteOnly => BPF_F_WRONLY,
        }
    }
}

/// What a program prints to with `bpf_stream_vprintk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Stream {
    /// `BPF_STDOUT`.
    #[doc(alias = "BPF_STDOUT")]
    Stdout = 1,
    /// `BPF_STDERR`: the kernel's own reports of the program too.
    #[doc(alias = "BPF_STDERR")]
    Stderr = 2,
}

/// The names of the flags, joined by `|`; `0` without one.
macro_rules! display {
    ($($set:ident),*) => {$(
        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.is_empty() { f.write_str("0") } else { bitflags::parser::to_writer(self, f) }
            }
        }
    )*};
}
display!(ElemFlags, RingbufFlags, LogLevel, AttachFlags, QueryFlags, TestFlags, MultiFlags);
