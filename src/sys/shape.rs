//! How many bytes the kernel moves for one element of a map.

use super::abi::{MapCreate, MapInfo};
use super::host;
use crate::base::Errno;

/// The sizes of a map, as the kernel has them: of maps it created so, or told by the kernel.
///
/// They never change in a map's life, and only this module makes a shape: so holding one proves how long the buffers of
/// element operations have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapShape {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    value_len: usize,
}

impl MapShape {
    /// `enum bpf_map_type`.
    #[must_use]
    pub fn map_type(&self) -> u32 {
        self.map_type
    }

    /// Bytes of a key; 0 for queues, stacks, bloom filters and ring buffers.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.key_size as usize
    }

    /// Bytes of a value as the map was declared: of a per-CPU map, of one CPU's.
    #[must_use]
    pub fn value_size(&self) -> usize {
        self.value_size as usize
    }

    /// The most elements. What was asked for, where this process created the map: the kernel rounds it for some.
    #[must_use]
    pub fn max_entries(&self) -> u32 {
        self.max_entries
    }

    /// What the map was created with: [`MapFlags`](crate::map::MapFlags) bits.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// Bytes of the value buffer of one element operation: of a per-CPU map, [`stride`](Self::stride) for each possible CPU.
    #[must_use]
    pub fn value_len(&self) -> usize {
        self.value_len
    }

    /// Bytes from one CPU's value to the next: the value size rounded up to 8.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.value_size().next_multiple_of(8)
    }

    /// Bytes of the cursor of batch look-ups: hash maps keep a 4-byte bucket number there, others a key.
    pub(super) fn cursor_len(&self) -> usize {
        self.key_size().max(size_of::<u64>())
    }

    /// The shape of a map that was just created with `attr`: the kernel takes both sizes as they are or refuses.
    pub(super) fn created(attr: &MapCreate) -> Result<Self, Errno> {
        Self::new(attr.map_type, [attr.key_size, attr.value_size, attr.max_entries], attr.map_flags)
    }

    /// The shape of the map that `info` tells of.
    pub(super) fn told(info: &MapInfo) -> Result<Self, Errno> {
        Self::new(info.map_type, [info.key_size, info.value_size, info.max_entries], info.map_flags)
    }

    fn new(map_type: u32, [key_size, value_size, max_entries]: [u32; 3], flags: u32) -> Result<Self, Errno> {
        let value_len = value_len(map_type, value_size)?;
        Ok(Self { map_type, key_size, value_size, max_entries, flags, value_len })
    }
}

/// How the values of a map type lie in a buffer.
enum Values {
    One,
    EachCpu,
}

/// The types up to Linux 7.2 are known; of a later one each CPU may have a value, so its buffers are as long as that takes.
fn values(map_type: u32) -> Values {
    const LAST_KNOWN: u32 = 35; // BPF_MAP_TYPE_RHASH
    match map_type {
        // PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE
        5 | 6 | 10 | 21 => Values::EachCpu,
        ..=LAST_KNOWN => Values::One,
        _ => Values::EachCpu,
    }
}

/// `bpf_map_value_size()` in the kernel's syscall.c.
fn value_len(map_type: u32, value_size: u32) -> Result<usize, Errno> {
    let one = value_size as usize;
    match values(map_type) {
        Values::One => Ok(one),
        Values::EachCpu => {
            one.next_multiple_of(8).checked_mul(host::possible_cpus()? as usize).ok_or(Errno::E2BIG)
        }
    }
}
