//! `BPF_MAP_TYPE_ARRAY`: all elements in one region, from the start.

use super::{Around, Element, Map, Shape};
use crate::base::flags::ElemFlags;
use crate::base::{Endian, Errno};
use crate::sim::memory::{MOST, Memory, Region, RegionId, RegionKind, stride};

#[derive(Debug)]
pub(super) struct Array {
    values: RegionId,
    stride: u32,
}

impl Array {
    pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Result<Self, Errno> {
        if shape.key_size != 4 || shape.max_entries == 0 || shape.value_size == 0 {
            return Err(Errno::EINVAL);
        }
        let kind = RegionKind::Values(shape.id);
        // Global data has no other element to be kept apart from.
        let (mut region, stride) = match shape.max_entries {
            1 => (Region::whole(kind, Vec::new(), shape.permit()), shape.value_size),
            _ => (Region::elements(kind, shape.value_size, shape.permit()), stride(shape.value_size)),
        };
        let bytes = u64::from(stride) * u64::from(shape.max_entries);
        if bytes > MOST {
            return Err(Errno::ENOMEM);
        }
        region.bytes = vec![0; bytes as usize];
        Ok(Self { values: memory.add(region), stride })
    }

    fn address(&self, index: u32) -> u64 {
        self.values.at(index * self.stride)
    }

    fn index(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        let index = index(key, at.memory.endian)?;
        (index < at.shape.max_entries).then_some(index)
    }
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
        Some(self.address(self.index(at, key)?))
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let flags = at.shape.check_flags(flags)?;
        let index = self.index(at, key).ok_or(Errno::E2BIG)?;
        if flags.contains(ElemFlags::NOEXIST) {
            return Err(Errno::EEXIST);
        }
        if flags.contains(ElemFlags::LOCK) && !at.shape.has_lock() {
            return Err(Errno::EINVAL);
        }
        let address = self.address(index);
        at.write_value(address, value);
        at.free_fields(address);
        Ok(())
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let position = after.map_or(0, |after| after.saturating_add(1));
        let key = RegionId::INDEXES.at(position.checked_mul(4)?);
        (position < at.shape.max_entries).then(|| Element { position, key, value: self.address(position) })
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.index(at, key)
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        let index = u32::try_from(at.memory.offset(value)).unwrap_or(0) / self.stride;
        RegionId::INDEXES.at(index * 4)
    }
}
