//! Map kinds: one table of what the kernel asks of a map of each.

use super::{BtfRule, EntriesRule, FdKind, MapFlags, SizeRule};
use crate::base::{Capabilities, KernelVersion, open_set};
use crate::btf::special::FieldKinds;

open_set! {
/// The kind of a map (`map_type` of `BPF_MAP_CREATE`); any number can be held.
///
/// The rules are those of `map_alloc_check`, `map_alloc` and `map_check_btf` in Linux 6.12 to 6.18. A number without a
/// constant has rules that refuse nothing.
#[doc(alias = "bpf_map_type")]
MapKind {
    /// A hash table.
    HASH = 1, "hash", "BPF_MAP_TYPE_HASH", 3, 19;
    /// An array; its elements always exist.
    ARRAY = 2, "array", "BPF_MAP_TYPE_ARRAY", 3, 19;
    /// Programs, for tail calls.
    PROG_ARRAY = 3, "prog_array", "BPF_MAP_TYPE_PROG_ARRAY", 4, 2;
    /// Perf events, one a CPU: rings to user space, or counters.
    PERF_EVENT_ARRAY = 4, "perf_event_array", "BPF_MAP_TYPE_PERF_EVENT_ARRAY", 4, 3;
    /// A hash table with a value a CPU.
    PERCPU_HASH = 5, "percpu_hash", "BPF_MAP_TYPE_PERCPU_HASH", 4, 6;
    /// An array with a value a CPU.
    PERCPU_ARRAY = 6, "percpu_array", "BPF_MAP_TYPE_PERCPU_ARRAY", 4, 6;
    /// Call stacks, by id.
    STACK_TRACE = 7, "stack_trace", "BPF_MAP_TYPE_STACK_TRACE", 4, 6;
    /// Cgroups, to test membership.
    CGROUP_ARRAY = 8, "cgroup_array", "BPF_MAP_TYPE_CGROUP_ARRAY", 4, 8;
    /// A hash table that evicts what was not used for long.
    LRU_HASH = 9, "lru_hash", "BPF_MAP_TYPE_LRU_HASH", 4, 10;
    /// A hash table with a value a CPU that evicts what was not used for long.
    LRU_PERCPU_HASH = 10, "lru_percpu_hash", "BPF_MAP_TYPE_LRU_PERCPU_HASH", 4, 10;
    /// Prefixes; a look-up finds the longest that matches.
    LPM_TRIE = 11, "lpm_trie", "BPF_MAP_TYPE_LPM_TRIE", 4, 11;
    /// An array of maps.
    ARRAY_OF_MAPS = 12, "array_of_maps", "BPF_MAP_TYPE_ARRAY_OF_MAPS", 4, 12;
    /// A hash table of maps.
    HASH_OF_MAPS = 13, "hash_of_maps", "BPF_MAP_TYPE_HASH_OF_MAPS", 4, 12;
    /// Network devices, to redirect to.
    DEVMAP = 14, "devmap", "BPF_MAP_TYPE_DEVMAP", 4, 14;
    /// Sockets, by number.
    SOCKMAP = 15, "sockmap", "BPF_MAP_TYPE_SOCKMAP", 4, 14;
    /// CPUs, to redirect to.
    CPUMAP = 16, "cpumap", "BPF_MAP_TYPE_CPUMAP", 4, 15;
    /// AF_XDP sockets, to redirect to.
    XSKMAP = 17, "xskmap", "BPF_MAP_TYPE_XSKMAP", 4, 18;
    /// Sockets, by key.
    SOCKHASH = 18, "sockhash", "BPF_MAP_TYPE_SOCKHASH", 4, 18;
    /// One value a cgroup and attached program; deprecated, see CGRP_STORAGE.
    CGROUP_STORAGE = 19, "cgroup_storage", "BPF_MAP_TYPE_CGROUP_STORAGE", 4, 19;
    /// Sockets of a reuseport group.
    REUSEPORT_SOCKARRAY = 20, "reuseport_sockarray", "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY", 4, 19;
    /// As CGROUP_STORAGE, with a value a CPU; deprecated.
    PERCPU_CGROUP_STORAGE = 21, "percpu_cgroup_storage", "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE", 4, 20;
    /// First in, first out.
    QUEUE = 22, "queue", "BPF_MAP_TYPE_QUEUE", 4, 20;
    /// Last in, first out.
    STACK = 23, "stack", "BPF_MAP_TYPE_STACK", 4, 20;
    /// One value a socket.
    SK_STORAGE = 24, "sk_storage", "BPF_MAP_TYPE_SK_STORAGE", 5, 2;
    /// Network devices, by any number.
    DEVMAP_HASH = 25, "devmap_hash", "BPF_MAP_TYPE_DEVMAP_HASH", 5, 4;
    /// A kernel table of functions, written as programs.
    STRUCT_OPS = 26, "struct_ops", "BPF_MAP_TYPE_STRUCT_OPS", 5, 6;
    /// A ring of records from programs to user space.
    RINGBUF = 27, "ringbuf", "BPF_MAP_TYPE_RINGBUF", 5, 8;
    /// One value an inode.
    INODE_STORAGE = 28, "inode_storage", "BPF_MAP_TYPE_INODE_STORAGE", 5, 10;
    /// One value a task.
    TASK_STORAGE = 29, "task_storage", "BPF_MAP_TYPE_TASK_STORAGE", 5, 11;
    /// A set that may answer yes by mistake.
    BLOOM_FILTER = 30, "bloom_filter", "BPF_MAP_TYPE_BLOOM_FILTER", 5, 16;
    /// A ring of records from user space to programs.
    USER_RINGBUF = 31, "user_ringbuf", "BPF_MAP_TYPE_USER_RINGBUF", 6, 1;
    /// One value a cgroup.
    CGRP_STORAGE = 32, "cgrp_storage", "BPF_MAP_TYPE_CGRP_STORAGE", 6, 2;
    /// Memory shared by programs and user space.
    ARENA = 33, "arena", "BPF_MAP_TYPE_ARENA", 6, 9;
    /// Instructions of a program, to jump to.
    INSN_ARRAY = 34, "insn_array", "BPF_MAP_TYPE_INSN_ARRAY", 6, 19;}
}

impl MapKind {
    /// The sizes a key may have.
    #[must_use]
    pub const fn key_size(self) -> SizeRule {
        self.row().key
    }

    /// The sizes a value may have; for per-CPU kinds, the value of one CPU.
    #[must_use]
    pub const fn value_size(self) -> SizeRule {
        self.row().value
    }

    /// What `max_entries` may be.
    #[must_use]
    pub const fn max_entries(self) -> EntriesRule {
        self.row().entries
    }

    /// What the kernel makes of BTF for key and value.
    #[must_use]
    pub const fn btf(self) -> BtfRule {
        self.row().btf
    }

    /// Whether there is a value for each CPU; user space then reads and writes them all, each rounded up to 8 bytes.
    #[must_use]
    pub const fn is_per_cpu(self) -> bool {
        matches!(
            self,
            Self::PERCPU_HASH | Self::PERCPU_ARRAY | Self::LRU_PERCPU_HASH | Self::PERCPU_CGROUP_STORAGE
        )
    }

    /// What the file descriptors user space stores stand for; `None` where values are bytes.
    ///
    /// The values of device and CPU maps may hold a program beside the device or the queue; they count as bytes.
    #[must_use]
    pub const fn fd_values(self) -> Option<FdKind> {
        match self {
            Self::PROG_ARRAY => Some(FdKind::Program),
            Self::ARRAY_OF_MAPS | Self::HASH_OF_MAPS => Some(FdKind::Map),
            Self::PERF_EVENT_ARRAY => Some(FdKind::PerfEvent),
            Self::CGROUP_ARRAY => Some(FdKind::Cgroup),
            Self::SOCKMAP | Self::SOCKHASH | Self::REUSEPORT_SOCKARRAY => Some(FdKind::Socket),
            Self::XSKMAP => Some(FdKind::XdpSocket),
            _ => None,
        }
    }

    /// The first release that has the batch commands for the kind; `None`: never.
    #[must_use]
    pub const fn batch(self) -> Option<KernelVersion> {
        let (major, minor) = match self {
            Self::HASH | Self::PERCPU_HASH | Self::LRU_HASH | Self::LRU_PERCPU_HASH | Self::ARRAY => (5, 6),
            Self::PERCPU_ARRAY | Self::LPM_TRIE => (5, 13),
            Self::ARRAY_OF_MAPS | Self::HASH_OF_MAPS => (5, 19),
            _ => return None,
        };
        Some(KernelVersion::new(major, minor))
    }

    /// The special fields a value may hold.
    #[must_use]
    pub const fn special(self) -> FieldKinds {
        const LOCKS: FieldKinds = FieldKinds::SPIN_LOCK.union(FieldKinds::RES_SPIN_LOCK);
        const KPTRS: FieldKinds = FieldKinds::KPTRS.union(FieldKinds::REFCOUNT);
        const ROOTS: FieldKinds = FieldKinds::LIST_HEAD.union(FieldKinds::RB_ROOT);
        const ASYNC: FieldKinds =
            FieldKinds::TIMER.union(FieldKinds::WORK_QUEUE).union(FieldKinds::TASK_WORK);
        match self {
            Self::HASH | Self::ARRAY => LOCKS.union(KPTRS).union(ROOTS).union(ASYNC),
            Self::LRU_HASH => KPTRS.union(ROOTS).union(ASYNC),
            Self::PERCPU_HASH | Self::LRU_PERCPU_HASH | Self::PERCPU_ARRAY => KPTRS,
            Self::CGROUP_STORAGE => LOCKS,
            Self::SK_STORAGE | Self::INODE_STORAGE | Self::CGRP_STORAGE => LOCKS.union(KPTRS),
            Self::TASK_STORAGE => LOCKS.union(KPTRS).union(FieldKinds::UPTR),
            _ => FieldKinds::empty(),
        }
    }

    /// The flags the kernel takes.
    #[must_use]
    pub const fn flags(self) -> MapFlags {
        self.row().flags.union(self.row().required).union(MapFlags::TOKEN_FD)
    }

    /// The flags the kernel insists on.
    #[must_use]
    pub const fn required_flags(self) -> MapFlags {
        self.row().required
    }

    /// Which sizes a value may have in a map with these flags: stacks of build ids take 32 bytes a frame.
    #[must_use]
    pub const fn value_size_with(self, flags: MapFlags) -> SizeRule {
        match self {
            Self::STACK_TRACE if flags.contains(MapFlags::STACK_BUILD_ID) => SizeRule::MultipleOf(32),
            _ => self.value_size(),
        }
    }

    /// The flags the kernel adds by itself, and tells of the map afterwards (`dev_map_init_map`, since 5.3).
    #[must_use]
    pub const fn added_flags(self) -> MapFlags {
        match self {
            Self::DEVMAP | Self::DEVMAP_HASH => MapFlags::RDONLY_PROG,
            _ => MapFlags::empty(),
        }
    }

    /// Whether 0 entries mean one for each possible CPU.
    #[must_use]
    pub const fn one_entry_per_cpu(self) -> bool {
        matches!(self, Self::PERF_EVENT_ARRAY)
    }

    /// Whether a program can have the address of a value (`BPF_PSEUDO_MAP_VALUE`, since 5.2): `map_direct_value_addr`.
    #[must_use]
    pub const fn has_direct_value(self) -> bool {
        matches!(self, Self::ARRAY | Self::ARENA | Self::INSN_ARRAY)
    }

    /// Whether user space writes values of its own, not descriptors.
    #[must_use]
    pub const fn has_own_values(self) -> bool {
        self.fd_values().is_none()
    }

    /// Whether `map_extra` has a meaning: the number of hash functions, or the address of an arena.
    #[must_use]
    pub const fn takes_extra(self) -> bool {
        matches!(self, Self::BLOOM_FILTER | Self::ARENA)
    }

    /// Whether the map is made after the pattern of an inner map (`inner_map_fd`).
    #[must_use]
    pub const fn has_inner(self) -> bool {
        matches!(self, Self::ARRAY_OF_MAPS | Self::HASH_OF_MAPS)
    }

    /// What making such a map asks for where `kernel.unprivileged_bpf_disabled` is not 0, as is usual.
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::SOCKMAP | Self::SOCKHASH | Self::DEVMAP | Self::DEVMAP_HASH | Self::XSKMAP => {
                Capabilities::BPF.union(Capabilities::NET_ADMIN)
            }
            _ => Capabilities::BPF,
        }
    }

    const fn row(self) -> Row {
        use EntriesRule as Entries;
        use SizeRule::{Between, Either, Exactly, KernelStruct, MultipleOf};

        const SOME: SizeRule = Between(1, u32::MAX);
        const PER_CPU: SizeRule = Between(1, 32 << 10);
        const NUMA: MapFlags = MapFlags::NUMA_NODE;
        const ACCESS: MapFlags = MapFlags::ACCESS;
        const USER: MapFlags = MapFlags::RDONLY.union(MapFlags::WRONLY);
        const SEED: MapFlags = MapFlags::ZERO_SEED;

        match self {
            Self::HASH => {
                Row::new(SOME, SOME).flags(NUMA.union(ACCESS).union(SEED).union(MapFlags::NO_PREALLOC))
            }
            Self::PERCPU_HASH => {
                Row::new(SOME, PER_CPU).flags(ACCESS.union(SEED).union(MapFlags::NO_PREALLOC))
            }
            Self::LRU_HASH => {
                Row::new(SOME, SOME).flags(NUMA.union(ACCESS).union(SEED).union(MapFlags::NO_COMMON_LRU))
            }
            Self::LRU_PERCPU_HASH => {
                Row::new(SOME, PER_CPU).flags(ACCESS.union(SEED).union(MapFlags::NO_COMMON_LRU))
            }
            Self::HASH_OF_MAPS => Row::new(SOME, Exactly(4))
                .btf(BtfRule::Refused)
                .flags(NUMA.union(ACCESS).union(SEED).union(MapFlags::NO_PREALLOC)),
            Self::ARRAY => Row::new(Exactly(4), Between(1, i32::MAX as u32))
                .btf(BtfRule::ArrayKey)
                .flags(NUMA.union(ACCESS).union(MapFlags::MMAPABLE).union(MapFlags::INNER_MAP)),
            Self::PERCPU_ARRAY => Row::new(Exactly(4), PER_CPU).btf(BtfRule::ArrayKey).flags(ACCESS),
            Self::PROG_ARRAY => Row::new(Exactly(4), Exactly(4)).flags(NUMA.union(USER)),
            Self::PERF_EVENT_ARRAY => Row::new(Exactly(4), Exactly(4))
                .btf(BtfRule::Refused)
                .flags(NUMA.union(USER).union(MapFlags::PRESERVE_ELEMS)),
            Self::CGROUP_ARRAY | Self::ARRAY_OF_MAPS => {
                Row::new(Exactly(4), Exactly(4)).btf(BtfRule::Refused).flags(NUMA.union(USER))
            }
            Self::STACK_TRACE => Row::new(Exactly(4), MultipleOf(8))
                .btf(BtfRule::Refused)
                .flags(NUMA.union(USER).union(MapFlags::STACK_BUILD_ID)),
            Self::LPM_TRIE => Row::new(Between(5, 260), SOME)
                .btf(BtfRule::StructKey)
                .flags(NUMA.union(ACCESS))
                .required(MapFlags::NO_PREALLOC),
            Self::DEVMAP | Self::DEVMAP_HASH | Self::SOCKMAP => {
                Row::new(Exactly(4), Either(4, 8)).btf(BtfRule::Refused).flags(NUMA.union(USER))
            }
            Self::CPUMAP => Row::new(Exactly(4), Either(4, 8)).btf(BtfRule::Refused).flags(NUMA),
            Self::XSKMAP => Row::new(Exactly(4), Exactly(4)).btf(BtfRule::Refused).flags(NUMA.union(USER)),
            Self::SOCKHASH => {
                Row::new(Between(1, 512), Either(4, 8)).btf(BtfRule::Refused).flags(NUMA.union(USER))
            }
            Self::REUSEPORT_SOCKARRAY => Row::new(Exactly(4), Either(4, 8)).flags(NUMA.union(ACCESS)),
            Self::CGROUP_STORAGE => Row::new(Either(8, 16), SOME)
                .entries(Entries::Zero)
                .btf(BtfRule::CgroupKey)
                .flags(NUMA.union(ACCESS)),
            Self::PERCPU_CGROUP_STORAGE => Row::new(Either(8, 16), PER_CPU)
                .entries(Entries::Zero)
                .btf(BtfRule::CgroupKey)
                .flags(NUMA.union(ACCESS)),
            Self::QUEUE | Self::STACK => {
                Row::new(Exactly(0), SOME).btf(BtfRule::Refused).flags(NUMA.union(ACCESS))
            }
            Self::SK_STORAGE | Self::INODE_STORAGE | Self::TASK_STORAGE | Self::CGRP_STORAGE => {
                Row::new(Exactly(4), Between(1, u16::MAX as u32))
                    .entries(Entries::Zero)
                    .btf(BtfRule::Required)
                    .flags(MapFlags::CLONE)
                    .required(MapFlags::NO_PREALLOC)
            }
            Self::STRUCT_OPS => Row::new(Exactly(4), KernelStruct)
                .entries(Entries::One)
                .btf(BtfRule::KernelStruct)
                .flags(MapFlags::LINK.union(MapFlags::VTYPE_BTF_OBJ_FD)),
            Self::RINGBUF | Self::USER_RINGBUF => {
                Row::new(Exactly(0), Exactly(0)).entries(Entries::RingBytes).btf(BtfRule::Refused).flags(NUMA)
            }
            Self::BLOOM_FILTER => {
                Row::new(Exactly(0), SOME).btf(BtfRule::ValueOnly).flags(NUMA.union(ACCESS).union(SEED))
            }
            Self::ARENA => Row::new(Exactly(0), Exactly(0))
                .entries(Entries::Pages)
                .btf(BtfRule::Refused)
                .flags(MapFlags::SEGV_ON_FAULT.union(MapFlags::NO_USER_CONV))
                .required(MapFlags::MMAPABLE),
            Self::INSN_ARRAY => Row::new(Exactly(4), Exactly(16)),
            _ => Row::UNKNOWN,
        }
    }
}

/// What the kernel asks of the attributes of one kind.
#[derive(Clone, Copy, Debug)]
struct Row {
    key: SizeRule,
    value: SizeRule,
    entries: EntriesRule,
    btf: BtfRule,
    flags: MapFlags,
    required: MapFlags,
}

impl Row {
    const UNKNOWN: Self = Self {
        key: SizeRule::Any,
        value: SizeRule::Any,
        entries: EntriesRule::Any,
        btf: BtfRule::Optional,
        flags: MapFlags::all(),
        required: MapFlags::empty(),
    };

    const fn new(key: SizeRule, value: SizeRule) -> Self {
        Self { key, value, entries: EntriesRule::Some, flags: MapFlags::empty(), ..Self::UNKNOWN }
    }

    const fn entries(self, entries: EntriesRule) -> Self {
        Self { entries, ..self }
    }

    const fn btf(self, btf: BtfRule) -> Self {
        Self { btf, ..self }
    }

    const fn flags(self, flags: MapFlags) -> Self {
        Self { flags, ..self }
    }

    const fn required(self, required: MapFlags) -> Self {
        Self { required, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let mut text = String::new();
        for &kind in MapKind::ALL {
            text += &format!(
                "{kind}: key {}; value {}; entries {}; btf {:?}; flags {}; required {}; fields {}; batch {}{}\n",
                kind.key_size(),
                kind.value_size(),
                kind.max_entries(),
                kind.btf(),
                kind.flags(),
                kind.required_flags(),
                kind.special(),
                kind.batch().map_or_else(|| "never".into(), |v| v.to_string()),
                if kind.is_per_cpu() { "; per CPU" } else { "" },
            );
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn timers_live_in_three_kinds() {
        let kinds: Vec<_> =
            MapKind::ALL.iter().copied().filter(|kind| kind.special().contains(FieldKinds::TIMER)).collect();
        assert_eq!(kinds, [MapKind::HASH, MapKind::ARRAY, MapKind::LRU_HASH]);
    }

    #[test]
    fn an_unknown_kind_refuses_nothing() {
        let kind = MapKind(4711);
        assert!(kind.key_size().allows(0) && kind.value_size().allows(u32::MAX));
        assert!(kind.max_entries().allows(7, 4096));
        assert!(kind.flags().contains(MapFlags::from_bits_retain(1 << 30)));
        assert_eq!(kind.to_string(), "4711");
    }

    #[test]
    fn rules_allow_what_they_say() {
        assert!(SizeRule::Either(4, 8).allows(8) && !SizeRule::Either(4, 8).allows(6));
        assert!(SizeRule::MultipleOf(8).allows(16) && !SizeRule::MultipleOf(8).allows(0));
        assert!(SizeRule::Between(5, 260).allows(260) && !SizeRule::Between(5, 260).allows(261));
        assert!(EntriesRule::RingBytes.allows(4096, 4096) && !EntriesRule::RingBytes.allows(12288, 4096));
        assert!(!EntriesRule::RingBytes.allows(0, 4096) && !EntriesRule::RingBytes.allows(4096, 65536));
        assert!(EntriesRule::Pages.allows(1 << 20, 4096) && !EntriesRule::Pages.allows((1 << 20) + 1, 4096));
    }
}
