//! `BPF_MAP_TYPE_PROG_ARRAY`: the programs that tail calls may go to. A program is written as its number in the object.

use super::array::{self, index};
use super::{Around, Element, Map, Shape};
use crate::base::{Endian, Errno};

#[derive(Debug)]
pub(super) struct Programs(Vec<Option<u32>>);

impl Programs {
    pub(super) fn make(shape: &Shape) -> Result<Self, Errno> {
        if shape.key_size != 4 || shape.value_size != 4 || shape.max_entries == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Self(vec![None; shape.max_entries as usize]))
    }

    fn slot(&mut self, key: &[u8], endian: Endian) -> Option<&mut Option<u32>> {
        self.0.get_mut(index(key, endian)? as usize)
    }
}

impl Map for Programs {
    /// Programs cannot look them up.
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let slot = self.slot(key, at.memory.endian).ok_or(Errno::E2BIG)?;
        *slot = Some(index(value, at.memory.endian).ok_or(Errno::EBADF)?);
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let slot = self.slot(key, at.memory.endian).ok_or(Errno::E2BIG)?;
        slot.take().map(drop).ok_or(Errno::ENOENT)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        array::next(at, after)
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        index(key, at.memory.endian).filter(|index| *index < at.shape.max_entries)
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        0
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        let program = self.slot(key, at.memory.endian).and_then(|slot| *slot).ok_or(Errno::ENOENT)?;
        value.copy_from_slice(&array::key(program, at.memory.endian));
        Ok(())
    }

    fn program(&self, index: u32) -> Option<u32> {
        self.0.get(index as usize).copied().flatten()
    }
}
