//! `BPF_MAP_TYPE_QUEUE` and `BPF_MAP_TYPE_STACK`: values without keys, in a line.

use std::collections::VecDeque;

use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::map::MapKind;

#[derive(Debug)]
pub(super) struct Line {
    /// The oldest in front.
    values: VecDeque<Box<[u8]>>,
    /// The newest leaves first.
    stack: bool,
}

impl Line {
    pub(super) fn make(shape: &Shape) -> Result<Self, Errno> {
        // What the kernel allocates at once.
        if shape.value_size > 4 << 20 {
            return Err(Errno::E2BIG);
        }
        Ok(Self { values: VecDeque::new(), stack: shape.kind == MapKind::STACK })
    }

    fn end(&self) -> Option<usize> {
        if self.stack { self.values.len().checked_sub(1) } else { Some(0) }
    }
}

impl Map for Line {
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    fn update(&mut self, _: &mut Around<'_>, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
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

    /// Where there is no room, `BPF_EXIST` lets the oldest go.
    fn push(&mut self, at: &mut Around<'_>, value: &[u8], flags: u64) -> Result<(), Errno> {
        let flags = Shape::check_plain_flags(flags)?;
        if flags.contains(ElemFlags::NOEXIST) {
            return Err(Errno::EINVAL);
        }
        if self.values.len() >= at.shape.max_entries as usize {
            if !flags.contains(ElemFlags::EXIST) {
                return Err(Errno::E2BIG);
            }
            self.values.pop_front();
        }
        self.values.push_back(value.into());
        Ok(())
    }

    fn pop(&mut self, _: &mut Around<'_>, value: &mut [u8], take: bool) -> Result<(), Errno> {
        let found = self.end().and_then(|end| Some((end, self.values.get(end)?)));
        let Some((end, found)) = found else {
            value.fill(0);
            return Err(Errno::ENOENT);
        };
        value.copy_from_slice(found);
        if take {
            self.values.remove(end);
        }
        Ok(())
    }

    fn user_get(&mut self, at: &mut Around<'_>, _: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.pop(at, value, false)
    }

    fn user_set(&mut self, at: &mut Around<'_>, _: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.push(at, value, flags)
    }

    fn user_take(&mut self, at: &mut Around<'_>, _: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.pop(at, value, true)
    }

    fn user_next(&self, _: &Around<'_>, _: Option<&[u8]>) -> Result<Option<Element>, Errno> {
        Err(Errno::EINVAL)
    }
}
