//! `BPF_MAP_TYPE_PROG_ARRAY`: the programs that tail calls may go to. A program is written as its number in the object.

use super::array::index;
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
        let program = index(value, at.memory.endian).ok_or(Errno::EBADF)?;
        *self.slot(key, at.memory.endian).ok_or(Errno::E2BIG)? = Some(program);
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let slot = self.slot(key, at.memory.endian).ok_or(Errno::E2BIG)?;
        slot.take().map(drop).ok_or(Errno::ENOENT)
    }

    fn next(&self, _: &Around<'_>, _: Option<u32>) -> Option<Element> {
        None
    }

    fn position(&self, _: &Around<'_>, _: &[u8]) -> Option<u32> {
        None
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        0
    }

    fn program(&self, index: u32) -> Option<u32> {
        self.0.get(index as usize).copied().flatten()
    }
}
