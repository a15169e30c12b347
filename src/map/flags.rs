//! The flags of `BPF_MAP_CREATE`.

use std::fmt;

use crate::base::{KernelVersion, flags};

bitflags::bitflags! {
    /// Flags of a map (`map_flags` of `BPF_MAP_CREATE`); bits without a name are kept.
    ///
    /// ```
    /// use bpfsmith::map::MapFlags;
    ///
    /// assert_eq!(MapFlags::NO_PREALLOC.bits(), 1);
    /// assert_eq!((MapFlags::NO_PREALLOC | MapFlags::MMAPABLE).since().unwrap().to_string(), "5.5");
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct MapFlags: u32 {
        /// Elements are allocated when they are added. Required by LPM_TRIE and the local storages. Since 4.6.
        #[doc(alias = "BPF_F_NO_PREALLOC")]
        const NO_PREALLOC = 1 << 0;
        /// Every CPU keeps its own LRU list. Since 4.10.
        #[doc(alias = "BPF_F_NO_COMMON_LRU")]
        const NO_COMMON_LRU = 1 << 1;
        /// The memory comes from the node in `numa_node`. Since 4.14.
        #[doc(alias = "BPF_F_NUMA_NODE")]
        const NUMA_NODE = flags::BPF_F_NUMA_NODE;
        /// User space reads only. Since 4.15.
        #[doc(alias = "BPF_F_RDONLY")]
        const RDONLY = flags::BPF_F_RDONLY;
        /// User space writes only. Since 4.15.
        #[doc(alias = "BPF_F_WRONLY")]
        const WRONLY = flags::BPF_F_WRONLY;
        /// Stacks are stored as build ids and offsets, 32 bytes a frame. Since 4.17.
        #[doc(alias = "BPF_F_STACK_BUILD_ID")]
        const STACK_BUILD_ID = 1 << 5;
        /// The hash starts from 0 (needs `CAP_SYS_ADMIN` for hash tables). Since 5.0.
        #[doc(alias = "BPF_F_ZERO_SEED")]
        const ZERO_SEED = 1 << 6;
        /// Programs read only. Since 5.2.
        #[doc(alias = "BPF_F_RDONLY_PROG")]
        const RDONLY_PROG = 1 << 7;
        /// Programs write only. Since 5.2.
        #[doc(alias = "BPF_F_WRONLY_PROG")]
        const WRONLY_PROG = 1 << 8;
        /// A cloned socket gets a copy of the value. Since 5.4.
        #[doc(alias = "BPF_F_CLONE")]
        const CLONE = 1 << 9;
        /// User space can map the values into its memory. Since 5.5.
        #[doc(alias = "BPF_F_MMAPABLE")]
        const MMAPABLE = 1 << 10;
        /// Perf events stay when their owner closes the map. Since 5.10.
        #[doc(alias = "BPF_F_PRESERVE_ELEMS")]
        const PRESERVE_ELEMS = 1 << 11;
        /// As an inner map it may stand beside arrays of other sizes. Since 5.10.
        #[doc(alias = "BPF_F_INNER_MAP")]
        const INNER_MAP = 1 << 12;
        /// The table of functions is registered by a link. Since 6.4.
        #[doc(alias = "BPF_F_LINK")]
        const LINK = 1 << 13;
        /// The value type is in the module BTF of `value_type_btf_obj_fd`. Since 6.9.
        #[doc(alias = "BPF_F_VTYPE_BTF_OBJ_FD")]
        const VTYPE_BTF_OBJ_FD = flags::BPF_F_VTYPE_BTF_OBJ_FD;
        /// The rights come from the token in `map_token_fd`. Since 6.9.
        #[doc(alias = "BPF_F_TOKEN_FD")]
        const TOKEN_FD = flags::BPF_F_TOKEN_FD;
        /// User space gets a signal where the arena has no page, instead of a fresh page. Since 6.9.
        #[doc(alias = "BPF_F_SEGV_ON_FAULT")]
        const SEGV_ON_FAULT = 1 << 17;
        /// Pointers of the arena are not translated for user space. Since 6.9.
        #[doc(alias = "BPF_F_NO_USER_CONV")]
        const NO_USER_CONV = 1 << 18;

        const _ = !0;
    }
}

impl MapFlags {
    /// The rights of user space and of programs.
    pub const ACCESS: Self =
        Self::RDONLY.union(Self::WRONLY).union(Self::RDONLY_PROG).union(Self::WRONLY_PROG);

    /// The first release that knows all of the flags; `None` without a flag, or with one that has no name.
    #[must_use]
    pub fn since(self) -> Option<KernelVersion> {
        self.iter().map(Self::since_one).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether the kernel refuses the pair: read only and write only, for user space or for programs.
    #[must_use]
    pub const fn contradict(self) -> bool {
        self.contains(Self::RDONLY.union(Self::WRONLY))
            || self.contains(Self::RDONLY_PROG.union(Self::WRONLY_PROG))
    }

    fn since_one(flag: Self) -> Option<KernelVersion> {
        let (major, minor) = match flag {
            Self::NO_PREALLOC => (4, 6),
            Self::NO_COMMON_LRU => (4, 10),
            Self::NUMA_NODE => (4, 14),
            Self::RDONLY | Self::WRONLY => (4, 15),
            Self::STACK_BUILD_ID => (4, 17),
            Self::ZERO_SEED => (5, 0),
            Self::RDONLY_PROG | Self::WRONLY_PROG => (5, 2),
            Self::CLONE => (5, 4),
            Self::MMAPABLE => (5, 5),
            Self::PRESERVE_ELEMS | Self::INNER_MAP => (5, 10),
            Self::LINK => (6, 4),
            Self::VTYPE_BTF_OBJ_FD | Self::TOKEN_FD | Self::SEGV_ON_FAULT | Self::NO_USER_CONV => (6, 9),
            _ => return None,
        };
        Some(KernelVersion::new(major, minor))
    }
}

impl fmt::Display for MapFlags {
    /// The names, joined by `|`; `0` without a flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("0");
        }
        bitflags::parser::to_writer(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_flag_has_a_release() {
        for (name, flag) in MapFlags::all().iter_names() {
            assert!(flag.since().is_some(), "{name}");
        }
        assert_eq!(MapFlags::empty().since(), None);
        assert_eq!(MapFlags::from_bits_retain(1 << 31).since(), None);
    }

    #[test]
    fn read_only_and_write_only_contradict() {
        assert!((MapFlags::RDONLY | MapFlags::WRONLY).contradict());
        assert!(MapFlags::ACCESS.contradict());
        assert!(!(MapFlags::RDONLY | MapFlags::WRONLY_PROG).contradict());
    }
}
