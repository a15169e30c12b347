//! `BPF_MAP_TYPE_LPM_TRIE`: a look-up finds the longest prefix of the key.
//!
//! Prefixes are kept in the order of the kernel's walk: longer ones before what they continue.

use std::collections::BTreeMap;

use super::given::Given;
use super::slots::Slots;
use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::sim::memory::Memory;

/// The length of the prefix, before its bytes.
const LENGTH: usize = 4;

/// A prefix, a byte for each bit and [`END`]: so it is ordered.
type Bits = Box<[u8]>;

/// Comes after both bits.
const END: u8 = 2;

#[derive(Debug)]
pub(super) struct Trie {
    order: BTreeMap<Bits, u32>,
    slots: Slots,
}

impl Trie {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        // Room for an element that replaces another.
        let slots = Slots::make(shape, memory, shape.max_entries)?;
        Ok(Self { order: BTreeMap::new(), slots })
    }

    /// The longest of the prefixes of a key that are there.
    fn longest(&self, bits: &[u8]) -> Option<u32> {
        let mut prefix = bits.to_vec();
        loop {
            if let Some(slot) = self.order.get(&*prefix) {
                return Some(*slot);
            }
            prefix.pop();
            *prefix.last_mut()? = END;
        }
    }

    fn check(&self, at: &Around<'_>, old: Option<u32>, flags: ElemFlags) -> Result<(), Errno> {
        match old {
            Some(_) if flags.contains(ElemFlags::NOEXIST) => Err(Errno::EEXIST),
            None if flags.contains(ElemFlags::EXIST) => Err(Errno::ENOENT),
            None if self.order.len() >= at.shape.max_entries as usize => Err(Errno::ENOSPC),
            _ => Ok(()),
        }
    }
}

/// What a key says: none where its prefix is longer than it.
fn bits(at: &Around<'_>, key: &[u8]) -> Option<Bits> {
    let length = super::array::index(key, at.memory.endian)? as usize;
    let data = key.get(LENGTH..)?;
    let bit = |bit: usize| data.get(bit / 8).map(|byte| byte >> (7 - bit % 8) & 1);
    let bits: Option<Vec<u8>> = (0..length.min(data.len() * 8 + 1)).map(bit).chain([Some(END)]).collect();
    bits.map(Into::into)
}

impl Map for Trie {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        Some(self.slots.value(self.longest(&bits(at, key)?)?))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let flags = Shape::check_plain_flags(flags)?;
        let bits = bits(at, key).ok_or(Errno::EINVAL)?;
        let old = self.order.get(&bits).copied();
        self.check(at, old, flags)?;
        let new = self.slots.take(at.memory);
        self.slots.fill(at, new, key);
        Given::One(value).write(at, self.slots.value(new));
        if let Some(old) = self.order.insert(bits, new) {
            self.slots.empty(at, old);
            self.slots.give_back(old);
        }
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let bits = bits(at, key).ok_or(Errno::EINVAL)?;
        let slot = self.order.remove(&bits).ok_or(Errno::ENOENT)?;
        self.slots.empty(at, slot);
        self.slots.give_back(slot);
        Ok(())
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let slot = match after {
            None => self.order.first_key_value().map(|(_, slot)| *slot),
            Some(after) => {
                let key = at.memory.peek(self.slots.key(after), at.shape.key_size as usize);
                let bits = bits(at, key)?;
                let later = (std::ops::Bound::Excluded(bits), std::ops::Bound::Unbounded);
                self.order.range(later).next().map(|(_, slot)| *slot)
            }
        };
        slot.map(|slot| self.slots.element(slot))
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.order.get(&bits(at, key)?).copied()
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.slots.key(self.slots.at(at.memory, value))
    }
}
