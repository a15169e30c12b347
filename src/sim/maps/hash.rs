//! `BPF_MAP_TYPE_HASH` and its kin: one value or one for each CPU, and with a list of what was used last or without.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::given::Given;
use super::lru::Lru;
use super::slots::Slots;
use super::{Around, Element, Map, Rules, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::map::{MapFlags, MapKind};
use crate::sim::memory::Memory;

/// Slots by key. Nothing walks it: the order of slots is the order of walks.
type Index = HashMap<Box<[u8]>, u32, BuildHasherDefault<DefaultHasher>>;

#[derive(Debug)]
pub(super) struct Hash {
    index: Index,
    slots: Slots,
    lru: Option<Lru>,
    /// The most elements it takes.
    most: u32,
}

impl Hash {
    /// One that is never full.
    pub(super) fn endless(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        let slots = Slots::make(shape, memory, 0)?;
        Ok(Self { index: Index::default(), slots, lru: None, most: u32::MAX })
    }

    pub(super) fn make(shape: &Shape, memory: &mut Memory, rules: Rules) -> Result<Self, Errno> {
        let evicts = matches!(shape.kind, MapKind::LRU_HASH | MapKind::LRU_PERCPU_HASH);
        if !evicts {
            let slots = Slots::make(shape, memory, shape.max_entries)?;
            return Ok(Self { index: Index::default(), slots, lru: None, most: shape.max_entries });
        }
        let own_lists = shape.flags.contains(MapFlags::NO_COMMON_LRU);
        let most = if own_lists { rounded(shape.max_entries, shape.cpus) } else { shape.max_entries };
        let mut slots = Slots::make(shape, memory, most)?;
        slots.reserve(memory, most);
        let lru = Lru::new(most, shape.cpus, own_lists, rules.small_lru_batches);
        Ok(Self { index: Index::default(), slots, lru: Some(lru), most })
    }

    /// The address of the value of `key`; in a per-CPU map, that of the first CPU. Nothing is marked as used.
    pub(super) fn find(&self, key: &[u8]) -> Option<u64> {
        Some(self.slots.value(*self.index.get(key)?))
    }

    pub(super) fn set(
        &mut self,
        at: &mut Around<'_>,
        key: &[u8],
        value: Given<'_>,
        flags: u64,
    ) -> Result<(), Errno> {
        let plain = at.shape.kind.is_per_cpu() || self.lru.is_some();
        let flags = if plain { Shape::check_plain_flags(flags)? } else { at.shape.check_flags(flags)? };
        if flags.contains(ElemFlags::LOCK) && !at.shape.has_lock() {
            return Err(Errno::EINVAL);
        }
        match self.lru {
            Some(_) if at.shape.kind.is_per_cpu() => self.set_per_cpu_lru(at, key, value, flags),
            Some(_) => self.set_lru(at, key, value, flags),
            None => self.set_plain(at, key, value, flags),
        }
    }

    fn set_plain(
        &mut self,
        at: &mut Around<'_>,
        key: &[u8],
        value: Given<'_>,
        flags: ElemFlags,
    ) -> Result<(), Errno> {
        let old = self.check(key, flags)?;
        match old {
            Some(old) if flags.contains(ElemFlags::LOCK) => value.write(at, self.slots.value(old)),
            Some(old) if at.shape.kind.is_per_cpu() => self.overwrite(at, old, value),
            None if self.index.len() >= self.most as usize => return Err(Errno::E2BIG),
            old => {
                let new = self.slots.take(at.memory);
                self.fill(at, new, key, value);
                if let Some(old) = old {
                    self.slots.empty(at, old);
                    self.slots.give_back(old);
                }
            }
        }
        Ok(())
    }

    /// As `htab_lru_map_update_elem`: room is made before anything is looked up, and what is given up for it may be the
    /// element itself.
    fn set_lru(
        &mut self,
        at: &mut Around<'_>,
        key: &[u8],
        value: Given<'_>,
        flags: ElemFlags,
    ) -> Result<(), Errno> {
        let new = self.evict(at)?;
        match self.check(key, flags) {
            Err(errno) => {
                self.put_back(new);
                Err(errno)
            }
            Ok(old) => {
                self.fill(at, new, key, value);
                if let Some(old) = old {
                    self.mark(new);
                    self.slots.empty(at, old);
                    self.put_back(old);
                }
                Ok(())
            }
        }
    }

    /// As `__htab_lru_percpu_map_update_elem`.
    fn set_per_cpu_lru(
        &mut self,
        at: &mut Around<'_>,
        key: &[u8],
        value: Given<'_>,
        flags: ElemFlags,
    ) -> Result<(), Errno> {
        let new = if flags == ElemFlags::EXIST { None } else { Some(self.evict(at)?) };
        let checked = self.check(key, flags);
        match (checked, new) {
            (Ok(None), Some(new)) => self.fill(at, new, key, value),
            (Ok(old), new) => {
                if let Some(new) = new {
                    self.put_back(new);
                }
                if let Some(old) = old {
                    self.mark(old);
                    self.overwrite(at, old, value);
                }
            }
            (Err(errno), new) => {
                if let Some(new) = new {
                    self.put_back(new);
                }
                return Err(errno);
            }
        }
        Ok(())
    }

    /// The slot of the key, and whether the flags allow it to be there or not.
    fn check(&self, key: &[u8], flags: ElemFlags) -> Result<Option<u32>, Errno> {
        match self.index.get(key).copied() {
            Some(_) if flags.contains(ElemFlags::NOEXIST) => Err(Errno::EEXIST),
            None if flags.contains(ElemFlags::EXIST) => Err(Errno::ENOENT),
            slot => Ok(slot),
        }
    }

    /// The element of the key is in this slot from now on.
    fn fill(&mut self, at: &mut Around<'_>, slot: u32, key: &[u8], value: Given<'_>) {
        self.slots.fill(at, slot, key);
        value.write(at, self.slots.value(slot));
        self.index.insert(key.into(), slot);
    }

    fn overwrite(&mut self, at: &mut Around<'_>, slot: u32, value: Given<'_>) {
        let first = self.slots.value(slot);
        value.write(at, first);
        match value {
            Given::One(_) => at.free_fields(at.lane(first)),
            Given::All(_) => at.free_lanes(first),
        }
    }

    /// A slot for a new element; others are given up for it.
    fn evict(&mut self, at: &mut Around<'_>) -> Result<u32, Errno> {
        let Self { index, slots, lru, .. } = self;
        let lru = lru.as_mut().ok_or(Errno::ENOMEM)?;
        let key_size = at.shape.key_size as usize;
        let found = lru.take(at.cpu, &mut |slot| {
            index.remove(at.memory.peek(slots.key(slot), key_size));
            slots.empty(at, slot);
        });
        found.ok_or(Errno::ENOMEM)
    }

    fn mark(&mut self, slot: u32) {
        if let Some(lru) = &mut self.lru {
            lru.mark(slot);
        }
    }

    fn put_back(&mut self, slot: u32) {
        match &mut self.lru {
            Some(lru) => lru.give_back(slot),
            None => self.slots.give_back(slot),
        }
    }
}

/// Lists of their own have equally many elements each: rounded up, or down where that is too many.
fn rounded(entries: u32, cpus: u32) -> u32 {
    let up = entries.checked_next_multiple_of(cpus);
    up.unwrap_or(entries / cpus * cpus)
}

impl Map for Hash {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        let slot = *self.index.get(key)?;
        self.mark(slot);
        Some(at.lane(self.slots.value(slot)))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.set(at, key, Given::One(value), flags)
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let slot = self.index.remove(key).ok_or(Errno::ENOENT)?;
        self.slots.empty(at, slot);
        self.put_back(slot);
        Ok(())
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let element = self.slots.next(after)?;
        Some(Element { value: at.lane(element.value), ..element })
    }

    fn position(&self, _: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.index.get(key).copied()
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.slots.key(self.slots.at(at.memory, value))
    }

    /// Looking from user space does not make an element used.
    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        at.show(self.find(key).ok_or(Errno::ENOENT)?, value);
        Ok(())
    }

    fn user_set(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let value = if at.shape.kind.is_per_cpu() { Given::All(value) } else { Given::One(value) };
        self.set(at, key, value, flags)
    }

    fn user_take(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.user_get(at, key, value)?;
        self.delete(at, key)
    }
}
