//! Values that belong to objects of the kernel: sockets, inodes, tasks, cgroups. The key is the number of the object.

use super::given::Given;
use super::hash::Hash;
use super::slots::Slots;
use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::map::MapKind;
use crate::sim::memory::Memory;

/// The key of the socket that a test run gives its packet.
const RUN_SOCKET: [u8; 4] = [0; 4];

/// `BPF_MAP_TYPE_SK_STORAGE` and its kin.
#[derive(Debug)]
pub(super) struct LocalStorage(Hash);

impl LocalStorage {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        Hash::endless(shape, memory).map(Self)
    }
}

impl Map for LocalStorage {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        self.0.lookup(at, key)
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.0.set(at, key, Given::One(value), flags)
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        self.0.delete(at, key)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        self.0.next(at, after)
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.0.position(at, key)
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.0.key_of(at, value)
    }

    /// Nobody can list whose values there are.
    fn user_next(&self, _: &Around<'_>, _: Option<&[u8]>) -> Result<Option<Element>, Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn create(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8]) -> Result<u64, Errno> {
        if self.0.find(key).is_none() {
            self.0.set(at, key, Given::One(value), ElemFlags::NOEXIST.bits())?;
        }
        self.0.find(key).ok_or(Errno::ENOENT)
    }

    /// The socket of a test run ends with it; tasks, inodes and cgroups stay.
    fn run_over(&mut self, at: &mut Around<'_>) {
        if at.shape.kind == MapKind::SK_STORAGE {
            // It may have none.
            let _ = self.0.delete(at, &RUN_SOCKET);
        }
    }
}

/// `BPF_MAP_TYPE_CGROUP_STORAGE` and `BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`: an element comes and goes with a program that is
/// attached to a cgroup.
#[derive(Debug)]
pub(super) struct CgroupStorage {
    slots: Slots,
    /// In the order they came.
    order: Vec<(Box<[u8]>, u32)>,
}

impl CgroupStorage {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        if shape.kind == MapKind::CGROUP_STORAGE && shape.value_size > 4096 {
            return Err(Errno::E2BIG);
        }
        Ok(Self { slots: Slots::make(shape, memory, 0)?, order: Vec::new() })
    }

    fn slot(&self, key: &[u8]) -> Option<u32> {
        self.order.iter().find(|(known, _)| **known == *key).map(|(_, slot)| *slot)
    }
}

impl Map for CgroupStorage {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        Some(at.lane(self.slots.value(self.slot(key)?)))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.set(at, key, Given::One(value), flags)
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let element = self.slots.next(after)?;
        Some(Element { value: at.lane(element.value), ..element })
    }

    fn position(&self, _: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.slot(key)
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.slots.key(self.slots.at(at.memory, value))
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        at.show(self.slots.value(self.slot(key).ok_or(Errno::ENOENT)?), value);
        Ok(())
    }

    fn user_set(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let value = if at.shape.kind.is_per_cpu() { Given::All(value) } else { Given::One(value) };
        self.set(at, key, value, flags)
    }

    /// A program is attached to the cgroup.
    fn create(&mut self, at: &mut Around<'_>, key: &[u8], _: &[u8]) -> Result<u64, Errno> {
        let slot = match self.slot(key) {
            Some(slot) => slot,
            None => {
                let slot = self.slots.take(at.memory);
                self.slots.fill(at, slot, key);
                self.order.push((key.into(), slot));
                slot
            }
        };
        Ok(at.lane(self.slots.value(slot)))
    }

    /// A test run has storage of its own (`bpf_cgroup_storages_alloc` in `bpf_test_run`).
    fn run_over(&mut self, at: &mut Around<'_>) {
        for (_, slot) in std::mem::take(&mut self.order) {
            self.slots.empty(at, slot);
            self.slots.give_back(slot);
        }
    }
}

impl CgroupStorage {
    fn set(&mut self, at: &mut Around<'_>, key: &[u8], value: Given<'_>, flags: u64) -> Result<(), Errno> {
        let known =
            if at.shape.kind.is_per_cpu() { ElemFlags::EXIST } else { ElemFlags::EXIST | ElemFlags::LOCK };
        let flags = ElemFlags::from_bits_retain(flags);
        let lacks_lock = flags.contains(ElemFlags::LOCK) && !at.shape.has_lock();
        if !known.contains(flags) || lacks_lock {
            return Err(Errno::EINVAL);
        }
        let slot = self.slot(key).ok_or(Errno::ENOENT)?;
        value.write(at, self.slots.value(slot));
        Ok(())
    }
}
