//! `BPF_MAP_TYPE_USER_RINGBUF`: records from user space to programs.

use std::collections::VecDeque;

use super::{Around, Element, Map, Shape};
use crate::base::Errno;

/// Bytes of a record's header.
const HEADER: usize = 8;

#[derive(Debug)]
pub(in crate::sim) struct UserRing {
    size: usize,
    /// Bytes that are written and not read.
    filled: usize,
    records: VecDeque<Box<[u8]>>,
}

impl UserRing {
    pub(super) fn make(shape: &Shape) -> Self {
        Self { size: shape.max_entries as usize, filled: 0, records: VecDeque::new() }
    }

    /// User space writes a record: E2BIG if there will never be room, ENOSPC if there is none now, as libbpf says.
    pub(in crate::sim) fn push(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let total = total(bytes.len());
        if total > self.size {
            return Err(Errno::E2BIG);
        }
        if self.filled + total > self.size {
            return Err(Errno::ENOSPC);
        }
        self.filled += total;
        self.records.push_back(bytes.into());
        Ok(())
    }

    /// A program takes the next record (`bpf_user_ringbuf_drain`).
    pub(in crate::sim) fn take(&mut self) -> Option<Box<[u8]>> {
        let bytes = self.records.pop_front()?;
        self.filled -= total(bytes.len());
        Some(bytes)
    }
}

fn total(size: usize) -> usize {
    (size + HEADER).next_multiple_of(HEADER)
}

impl Map for UserRing {
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    fn update(&mut self, _: &mut Around<'_>, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn delete(&mut self, _: &mut Around<'_>, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
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

    fn user_get(&mut self, _: &mut Around<'_>, _: &[u8], _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn user_next(&self, _: &Around<'_>, _: Option<&[u8]>) -> Result<Option<Element>, Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn user_ring(&mut self) -> Option<&mut UserRing> {
        Some(self)
    }
}
