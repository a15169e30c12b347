//! `BPF_MAP_TYPE_HASH`: a table of slots; keys in one region, values in another, by the number of the slot.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::sim::memory::{MOST, Memory, Permit, Region, RegionId, RegionKind, stride};

/// Slots by key. Nothing walks it: the order of slots is the order of walks.
type Index = HashMap<Box<[u8]>, u32, BuildHasherDefault<DefaultHasher>>;

#[derive(Debug)]
pub(super) struct Hash {
    index: Index,
    /// Whether a slot holds an element.
    used: Vec<bool>,
    /// Slots that were used; the last is used next.
    free: Vec<u32>,
    keys: RegionId,
    values: RegionId,
    key_stride: u32,
    stride: u32,
}

impl Hash {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        if shape.max_entries == 0 || shape.key_size == 0 || shape.value_size == 0 {
            return Err(Errno::EINVAL);
        }
        let (key_stride, stride) = (stride(shape.key_size), stride(shape.value_size));
        // One more than there are elements: an update fills a slot before it empties the old one.
        if u64::from(stride.max(key_stride)) * (u64::from(shape.max_entries) + 1) > MOST {
            return Err(Errno::ENOMEM);
        }
        let keys = Region::elements(RegionKind::Keys(shape.id), shape.key_size, Permit::READ);
        let values = Region::elements(RegionKind::Values(shape.id), shape.value_size, shape.permit());
        Ok(Self {
            index: Index::default(),
            used: Vec::new(),
            free: Vec::new(),
            keys: memory.add(keys),
            values: memory.add(values),
            key_stride,
            stride,
        })
    }

    fn value(&self, slot: u32) -> u64 {
        self.values.at(slot * self.stride)
    }

    fn key(&self, slot: u32) -> u64 {
        self.keys.at(slot * self.key_stride)
    }

    /// A slot that holds nothing, its bytes zero.
    fn take_slot(&mut self, memory: &mut Memory) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| self.grow(memory));
        let value = self.value(slot);
        memory.own(value, self.stride as usize).fill(0);
        slot
    }

    fn grow(&mut self, memory: &mut Memory) -> u32 {
        let slot = self.used.len();
        self.used.push(false);
        memory.region_mut(self.keys).bytes.resize((slot + 1) * self.key_stride as usize, 0);
        memory.region_mut(self.values).bytes.resize((slot + 1) * self.stride as usize, 0);
        slot as u32
    }

    fn fill(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8]) -> u32 {
        let slot = self.take_slot(at.memory);
        at.memory.own(self.key(slot), key.len()).copy_from_slice(key);
        at.write_value(self.value(slot), value);
        self.used[slot as usize] = true;
        slot
    }

    fn empty(&mut self, at: &mut Around<'_>, slot: u32) {
        at.free_fields(self.value(slot));
        self.used[slot as usize] = false;
        self.free.push(slot);
    }
}

impl Map for Hash {
    fn lookup(&mut self, _: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        Some(self.value(*self.index.get(key)?))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let flags = at.shape.check_flags(flags)?;
        let locked = flags.contains(ElemFlags::LOCK);
        if locked && !at.shape.has_lock() {
            return Err(Errno::EINVAL);
        }
        match self.index.get(key).copied() {
            Some(_) if flags.contains(ElemFlags::NOEXIST) => return Err(Errno::EEXIST),
            None if flags.contains(ElemFlags::EXIST) => return Err(Errno::ENOENT),
            None if self.index.len() >= at.shape.max_entries as usize => return Err(Errno::E2BIG),
            Some(old) if locked => at.write_value(self.value(old), value),
            Some(old) => {
                let new = self.fill(at, key, value);
                self.index.insert(key.into(), new);
                self.empty(at, old);
            }
            None => {
                let new = self.fill(at, key, value);
                self.index.insert(key.into(), new);
            }
        }
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let slot = self.index.remove(key).ok_or(Errno::ENOENT)?;
        self.empty(at, slot);
        Ok(())
    }

    fn next(&self, _: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let start = after.map_or(0, |after| after as usize + 1);
        let used = self.used.iter().enumerate().skip(start).find(|(_, used)| **used);
        let position = used?.0 as u32;
        Some(Element { position, key: self.key(position), value: self.value(position) })
    }

    fn position(&self, _: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.index.get(key).copied()
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.key(u32::try_from(at.memory.offset(value)).unwrap_or(0) / self.stride)
    }
}
