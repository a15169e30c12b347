//! `BPF_MAP_TYPE_STACK_TRACE`: call stacks by number. Programs put them there; user space reads them.

use std::collections::BTreeMap;

use super::array::index;
use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::sim::memory::RegionId;

#[derive(Debug)]
pub(super) struct Stacks {
    stacks: BTreeMap<u32, Box<[u8]>>,
}

impl Stacks {
    pub(super) fn make(_: &Shape) -> Self {
        Self { stacks: BTreeMap::new() }
    }

    fn get(&self, at: &Around<'_>, key: &[u8]) -> Option<&[u8]> {
        self.stacks.get(&index(key, at.memory.endian)?).map(|stack| &**stack)
    }
}

impl Map for Stacks {
    /// The verifier refuses it.
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    fn update(&mut self, _: &mut Around<'_>, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let id = index(key, at.memory.endian).filter(|id| *id < places(at)).ok_or(Errno::E2BIG)?;
        self.stacks.remove(&id).map(drop).ok_or(Errno::ENOENT)
    }

    fn next(&self, _: &Around<'_>, after: Option<u32>) -> Option<Element> {
        let start = after.map_or(0, |after| after.saturating_add(1));
        let (&position, _) = self.stacks.range(start..).next()?;
        Some(Element { position, key: RegionId::INDEXES.at(position.checked_mul(4)?), value: 0 })
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        index(key, at.memory.endian).filter(|id| *id < places(at))
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        0
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        let stack = self.get(at, key).ok_or(Errno::ENOENT)?;
        value.fill(0);
        for (to, from) in value.iter_mut().zip(stack) {
            *to = *from;
        }
        Ok(())
    }

    fn user_take(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.user_get(at, key, value)?;
        self.delete(at, key)
    }

    /// The stack with this number, 0 for who asks.
    fn create(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8]) -> Result<u64, Errno> {
        let id = index(key, at.memory.endian).filter(|id| *id < places(at)).ok_or(Errno::E2BIG)?;
        self.stacks.insert(id, value.into());
        Ok(0)
    }
}

/// How many stacks there is place for.
fn places(at: &Around<'_>) -> u32 {
    at.shape.max_entries.checked_next_power_of_two().unwrap_or(u32::MAX)
}
