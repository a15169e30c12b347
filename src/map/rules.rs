//! The vocabulary of the table of map kinds.

use std::fmt;

/// Which sizes of a key or a value the kernel takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeRule {
    /// No rule is known.
    Any,
    /// This size.
    Exactly(u32),
    /// One of two sizes.
    Either(u32, u32),
    /// Between two sizes, both included. `u32::MAX`: as much as the kernel can allocate.
    Between(u32, u32),
    /// A multiple, but not 0.
    MultipleOf(u32),
    /// The size of the kernel's own struct.
    KernelStruct,
}

impl SizeRule {
    /// Whether the kernel takes the size, as far as the rule tells.
    #[must_use]
    pub const fn allows(self, size: u32) -> bool {
        match self {
            Self::Any | Self::KernelStruct => true,
            Self::Exactly(only) => size == only,
            Self::Either(one, other) => size == one || size == other,
            Self::Between(least, most) => least <= size && size <= most,
            Self::MultipleOf(unit) => size != 0 && size.is_multiple_of(unit),
        }
    }
}

impl fmt::Display for SizeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => write!(f, "any size"),
            Self::Exactly(size) => write!(f, "{size}"),
            Self::Either(one, other) => write!(f, "{one} or {other}"),
            Self::Between(least, u32::MAX) => write!(f, "at least {least}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::MultipleOf(unit) => write!(f, "a multiple of {unit}"),
            Self::KernelStruct => write!(f, "the size of the kernel's struct"),
        }
    }
}

/// Which `max_entries` the kernel takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntriesRule {
    /// No rule is known.
    Any,
    /// At least 1.
    Some,
    /// 0: the elements belong to something else.
    Zero,
    /// 1.
    One,
    /// Bytes: a power of two and a multiple of the page size.
    RingBytes,
    /// Pages: at least 1, at most 4 GiB in all.
    Pages,
}

impl EntriesRule {
    /// Whether the kernel takes the number, on machines with pages of this many bytes.
    #[must_use]
    pub const fn allows(self, entries: u32, page_size: u32) -> bool {
        match self {
            Self::Any => true,
            Self::Some => entries != 0,
            Self::Zero => entries == 0,
            Self::One => entries == 1,
            Self::RingBytes => entries.is_power_of_two() && entries.is_multiple_of(page_size),
            Self::Pages => entries != 0 && entries as u64 * page_size as u64 <= 1 << 32,
        }
    }
}

impl fmt::Display for EntriesRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any number",
            Self::Some => "at least 1",
            Self::Zero => "0",
            Self::One => "1",
            Self::RingBytes => "a power of two and a multiple of the page size",
            Self::Pages => "a number of pages of 4 GiB at most in all",
        })
    }
}

/// What the kernel makes of BTF for key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BtfRule {
    /// Taken, for key and value together.
    Optional,
    /// Taken; the key is a 32-bit integer, or there is none and the value is a DATASEC of the one element.
    ArrayKey,
    /// Taken; the key is a struct.
    StructKey,
    /// Taken; the key is a 64-bit integer, or a struct of a 64-bit integer and a 32-bit one (`bpf_cgroup_storage_key`).
    CgroupKey,
    /// Taken, for the value alone.
    ValueOnly,
    /// Required; the key is a 32-bit integer.
    Required,
    /// The value is a struct of the kernel's BTF (`btf_vmlinux_value_type_id`).
    KernelStruct,
    /// Refused.
    Refused,
}

/// What the file descriptor in a value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FdKind {
    /// A program.
    Program,
    /// A map.
    Map,
    /// A perf event.
    PerfEvent,
    /// A cgroup's directory.
    Cgroup,
    /// A socket.
    Socket,
    /// An AF_XDP socket.
    XdpSocket,
}
