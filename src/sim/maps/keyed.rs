//! Maps whose values stand for things outside: devices, CPUs, sockets, cgroups. What the things do is not simulated; whether
//! one is there, and which, is what redirecting and testing helpers ask.

use std::collections::BTreeMap;

use super::array::{self, index};
use super::slots::Slots;
use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::map::{FdKind, MapKind};
use crate::sim::memory::Memory;

/// The longest queue of a CPU.
const CPU_QUEUE: u32 = 16384;

#[derive(Debug)]
pub(super) struct Keyed {
    index: BTreeMap<Box<[u8]>, u32>,
    slots: Slots,
}

impl Keyed {
    /// None: it is not one of these kinds.
    pub(super) fn make(kind: MapKind, shape: &Shape, memory: &mut Memory) -> Option<Result<Self, Errno>> {
        let known = matches!(
            kind,
            MapKind::DEVMAP
                | MapKind::DEVMAP_HASH
                | MapKind::CPUMAP
                | MapKind::XSKMAP
                | MapKind::SOCKMAP
                | MapKind::SOCKHASH
                | MapKind::REUSEPORT_SOCKARRAY
                | MapKind::CGROUP_ARRAY
        );
        let make = |slots| Self { index: BTreeMap::new(), slots };
        known.then(|| Slots::make(shape, memory, shape.max_entries).map(make))
    }

    /// Whether the key can be in the map at all.
    fn check_key(at: &Around<'_>, key: &[u8], error: Errno) -> Result<(), Errno> {
        let outside = |index: u32| index >= at.shape.max_entries;
        let refused = is_indexed(at.shape.kind) && index(key, at.memory.endian).is_none_or(outside);
        if refused { Err(error) } else { Ok(()) }
    }

    /// What the flags say of elements that are there or are not.
    fn check_flags(&self, at: &Around<'_>, old: Option<u32>, flags: ElemFlags) -> Result<(), Errno> {
        let (only_new, only_old) = (flags.contains(ElemFlags::NOEXIST), flags.contains(ElemFlags::EXIST));
        match at.shape.kind {
            MapKind::CGROUP_ARRAY if !flags.is_empty() => Err(Errno::EINVAL),
            // Their elements are always there.
            MapKind::DEVMAP | MapKind::CPUMAP if only_new => Err(Errno::EEXIST),
            MapKind::DEVMAP | MapKind::CPUMAP => Ok(()),
            _ if only_new && old.is_some() => Err(Errno::EEXIST),
            MapKind::DEVMAP_HASH => Ok(()),
            _ if only_old && old.is_none() => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    /// The length of a CPU's queue, and whether there is such a CPU.
    fn check_queue(at: &Around<'_>, key: &[u8], number: u32) -> Result<(), Errno> {
        match at.shape.kind {
            MapKind::CPUMAP if number > CPU_QUEUE => Err(Errno::EOVERFLOW),
            MapKind::CPUMAP if index(key, at.memory.endian).is_none_or(|cpu| cpu >= at.shape.cpus) => {
                Err(Errno::ENODEV)
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], old: Option<u32>) {
        let slot = old.unwrap_or_else(|| self.slots.take(at.memory));
        self.slots.fill(at, slot, key);
        at.write_value(self.slots.value(slot), value);
        self.index.insert(key.into(), slot);
    }

    fn remove(&mut self, at: &mut Around<'_>, key: &[u8]) -> bool {
        let Some(slot) = self.index.remove(key) else { return false };
        self.slots.empty(at, slot);
        self.slots.give_back(slot);
        true
    }
}

/// Whether keys are indexes.
fn is_indexed(kind: MapKind) -> bool {
    !matches!(kind, MapKind::DEVMAP_HASH | MapKind::SOCKHASH)
}

impl Map for Keyed {
    fn lookup(&mut self, _: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        Some(self.slots.value(*self.index.get(key)?))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let flags = Shape::check_plain_flags(flags)?;
        Self::check_key(at, key, Errno::E2BIG)?;
        let number = index(value, at.memory.endian).ok_or(Errno::EINVAL)?;
        let old = self.index.get(key).copied();
        if at.shape.kind == MapKind::DEVMAP_HASH && number == 0 {
            return Err(Errno::EINVAL);
        }
        self.check_flags(at, old, flags)?;
        Self::check_queue(at, key, number)?;
        if number == 0 && matches!(at.shape.kind, MapKind::DEVMAP | MapKind::CPUMAP) {
            self.remove(at, key);
            return Ok(());
        }
        if old.is_none() && self.index.len() >= at.shape.max_entries as usize {
            return Err(Errno::E2BIG);
        }
        self.set(at, key, value, old);
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let (outside, missing) = match at.shape.kind {
            MapKind::DEVMAP | MapKind::CPUMAP | MapKind::XSKMAP => (Errno::EINVAL, None),
            MapKind::SOCKMAP => (Errno::EINVAL, Some(Errno::EINVAL)),
            _ => (Errno::E2BIG, Some(Errno::ENOENT)),
        };
        Self::check_key(at, key, outside)?;
        match (self.remove(at, key), missing) {
            (false, Some(missing)) => Err(missing),
            _ => Ok(()),
        }
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        if is_indexed(at.shape.kind) { array::next(at, after) } else { self.slots.next(after) }
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        if is_indexed(at.shape.kind) {
            return index(key, at.memory.endian).filter(|index| *index < at.shape.max_entries);
        }
        self.index.get(key).copied()
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.slots.key(self.slots.at(at.memory, value))
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        match at.shape.kind.fd_values() {
            Some(FdKind::Cgroup) => return Err(Errno::ENOTSUPP),
            Some(FdKind::XdpSocket) => return Err(Errno::EOPNOTSUPP),
            // What is told of a socket is its cookie.
            Some(FdKind::Socket) if at.shape.value_size != 8 => return Err(Errno::ENOSPC),
            _ => {}
        }
        let address = self.lookup(at, key).ok_or(Errno::ENOENT)?;
        at.show(address, value);
        Ok(())
    }
}
