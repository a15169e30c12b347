//! Elements with a key and a value of their own, by number: keys in one region, values in another.

use super::{Around, Element, Shape};
use crate::base::Errno;
use crate::sim::memory::{MOST, Memory, Permit, Region, RegionId, RegionKind, stride};

#[derive(Debug)]
pub(super) struct Slots {
    /// Whether a slot holds an element.
    used: Vec<bool>,
    /// Slots that were used; the last is used next.
    free: Vec<u32>,
    keys: RegionId,
    values: RegionId,
    key_stride: u32,
    /// The room of the values of all CPUs.
    room: u32,
}

impl Slots {
    /// Room for `most` elements.
    pub(super) fn make(shape: &Shape, memory: &mut Memory, most: u32) -> Result<Self, Errno> {
        if shape.key_size >= 1 << 30 || shape.value_size >= 1 << 30 {
            return Err(Errno::E2BIG);
        }
        let key_stride = stride(shape.key_size);
        let room = u64::from(stride(shape.value_size)) * u64::from(shape.lanes());
        // One more than there are elements: an update fills a slot before it empties the old one.
        if room.max(key_stride.into()) * (u64::from(most) + 1) > MOST {
            return Err(Errno::ENOMEM);
        }
        let keys = Region::elements(RegionKind::Keys(shape.id), shape.key_size, Permit::READ);
        let values = Region::elements(RegionKind::Values(shape.id), shape.value_size, shape.permit());
        let (keys, values) = (memory.add(keys), memory.add(values));
        Ok(Self { used: Vec::new(), free: Vec::new(), keys, values, key_stride, room: room as u32 })
    }

    /// The address of the value of a slot; in a per-CPU map, that of the first CPU.
    pub(super) fn value(&self, slot: u32) -> u64 {
        self.values.at(slot * self.room)
    }

    /// The address of the key of a slot.
    pub(super) fn key(&self, slot: u32) -> u64 {
        self.keys.at(slot * self.key_stride)
    }

    /// The slot whose value is at an address.
    pub(super) fn at(&self, memory: &Memory, value: u64) -> u32 {
        u32::try_from(memory.offset(value)).unwrap_or(0) / self.room
    }

    /// A slot that holds nothing.
    pub(super) fn take(&mut self, memory: &mut Memory) -> u32 {
        match self.free.pop() {
            Some(slot) => slot,
            None => self.grow(memory),
        }
    }

    /// Slots up to a number, for who keeps account of the free ones.
    pub(super) fn reserve(&mut self, memory: &mut Memory, slots: u32) {
        while (self.used.len() as u32) < slots {
            self.grow(memory);
        }
    }

    fn grow(&mut self, memory: &mut Memory) -> u32 {
        let slot = self.used.len();
        self.used.push(false);
        memory.region_mut(self.keys).bytes.resize((slot + 1) * self.key_stride as usize, 0);
        memory.region_mut(self.values).bytes.resize((slot + 1) * self.room as usize, 0);
        slot as u32
    }

    /// A slot holds an element from now on, its value zero.
    pub(super) fn fill(&mut self, at: &mut Around<'_>, slot: u32, key: &[u8]) {
        at.memory.own(self.key(slot), key.len()).copy_from_slice(key);
        at.memory.own(self.value(slot), self.room as usize).fill(0);
        self.used[slot as usize] = true;
    }

    /// A slot holds nothing any more: what lives in the special fields of its value ends.
    pub(super) fn empty(&mut self, at: &mut Around<'_>, slot: u32) {
        at.free_lanes(self.value(slot));
        self.used[slot as usize] = false;
    }

    /// An empty slot may be taken again.
    pub(super) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The element in a slot.
    pub(super) fn element(&self, slot: u32) -> Element {
        Element { position: slot, key: self.key(slot), value: self.value(slot) }
    }

    /// The element in the next slot that holds one.
    pub(super) fn next(&self, after: Option<u32>) -> Option<Element> {
        let start = after.map_or(0, |after| after as usize + 1);
        let used = self.used.iter().enumerate().skip(start).find(|(_, used)| **used);
        used.map(|(slot, _)| self.element(slot as u32))
    }
}
