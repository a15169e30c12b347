//! `BPF_MAP_TYPE_ARRAY` and `BPF_MAP_TYPE_PERCPU_ARRAY`: all elements in one region, from the start.

use super::given::Given;
use super::{Around, Element, Map, Shape};
use crate::base::flags::ElemFlags;
use crate::base::{Endian, Errno};
use crate::sim::memory::{MOST, Memory, Region, RegionId, RegionKind, stride};

#[derive(Debug)]
pub(super) struct Array {
    values: RegionId,
    /// The room of the values of all CPUs.
    room: u32,
}

impl Array {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        let kind = RegionKind::Values(shape.id);
        // Global data has no other element to be kept apart from.
        let (mut region, room) = match shape.max_entries {
            1 if shape.lanes() == 1 => {
                (Region::whole(kind, Vec::new(), shape.permit()), shape.value_size.into())
            }
            _ => {
                let region = Region::elements(kind, shape.value_size.min(1 << 30), shape.permit());
                (region, u64::from(stride(shape.value_size.min(1 << 30))) * u64::from(shape.lanes()))
            }
        };
        let bytes = room * u64::from(shape.max_entries);
        if bytes > MOST {
            return Err(Errno::ENOMEM);
        }
        region.bytes = vec![0; bytes as usize];
        Ok(Self { values: memory.add(region), room: room as u32 })
    }

    fn address(&self, index: u32) -> u64 {
        self.values.at(index * self.room)
    }

    fn index(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        let index = index(key, at.memory.endian)?;
        (index < at.shape.max_entries).then_some(index)
    }

    fn set(&mut self, at: &mut Around<'_>, key: &[u8], value: Given<'_>, flags: u64) -> Result<(), Errno> {
        let flags = match value {
            Given::One(_) => at.shape.check_flags(flags)?,
            Given::All(_) => Shape::check_plain_flags(flags)?,
        };
        let index = self.index(at, key).ok_or(Errno::E2BIG)?;
        if flags.contains(ElemFlags::NOEXIST) {
            return Err(Errno::EEXIST);
        }
        if flags.contains(ElemFlags::LOCK) && !at.shape.has_lock() {
            return Err(Errno::EINVAL);
        }
        let first = self.address(index);
        value.write(at, first);
        match value {
            Given::One(_) => at.free_fields(at.lane(first)),
            Given::All(_) => at.free_lanes(first),
        }
        Ok(())
    }
}

/// The element behind another, of a map whose elements have no value to point to.
pub(super) fn next(at: &Around<'_>, after: Option<u32>) -> Option<Element> {
    let position = after.map_or(0, |after| after.saturating_add(1));
    let key = RegionId::INDEXES.at(position.checked_mul(4)?);
    (position < at.shape.max_entries).then_some(Element { position, key, value: 0 })
}

/// A key of four bytes.
pub(super) fn index(key: &[u8], endian: Endian) -> Option<u32> {
    let key = *key.first_chunk()?;
    Some(if endian == Endian::Little { u32::from_le_bytes(key) } else { u32::from_be_bytes(key) })
}

/// The key of an index.
pub(super) fn key(index: u32, endian: Endian) -> [u8; 4] {
    if endian == Endian::Little { index.to_le_bytes() } else { index.to_be_bytes() }
}

impl Map for Array {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        let first = self.address(self.index(at, key)?);
        Some(at.lane(first))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.set(at, key, Given::One(value), flags)
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let position = after.map_or(0, |after| after.saturating_add(1));
        let key = RegionId::INDEXES.at(position.checked_mul(4)?);
        let value = || at.lane(self.address(position));
        (position < at.shape.max_entries).then(|| Element { position, key, value: value() })
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.index(at, key)
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        let index = u32::try_from(at.memory.offset(value)).unwrap_or(0) / self.room;
        RegionId::INDEXES.at(index * 4)
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        let index = self.index(at, key).ok_or(Errno::ENOENT)?;
        at.show(self.address(index), value);
        Ok(())
    }

    fn user_set(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let value = if at.shape.kind.is_per_cpu() { Given::All(value) } else { Given::One(value) };
        self.set(at, key, value, flags)
    }
}
