//! `BPF_MAP_TYPE_RINGBUF`: records from programs to user space.
//!
//! Positions count bytes as in the kernel, with a header of eight bytes before each record; the bytes of a record that a
//! program has reserved are a region of their own until it hands them over.

use std::collections::VecDeque;

use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::sim::memory::{Memory, Permit, Region, RegionId, RegionKind};

/// Bytes of a record's header (`BPF_RINGBUF_HDR_SZ`).
const HEADER: u64 = 8;
/// The most bytes of a record (`RINGBUF_MAX_RECORD_SZ`).
const LARGEST: u64 = u32::MAX as u64 / 4;

/// Whether user space is woken when a record is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Wake {
    /// When it had read all before.
    Adaptive,
    Never,
    Always,
}

impl Wake {
    /// What flags of `bpf_ringbuf_submit` say: unknown ones nothing. Being told both, the kernel wakes.
    pub(in crate::sim) const fn of_record(flags: u64) -> Self {
        match flags & 3 {
            0 => Self::Adaptive,
            1 => Self::Never,
            _ => Self::Always,
        }
    }

    /// As [`of_record`](Self::of_record); none: there is no such flag.
    const fn of_output(flags: u64) -> Option<Self> {
        if flags <= 3 { Some(Self::of_record(flags)) } else { None }
    }
}

#[derive(Debug)]
pub(in crate::sim) struct Ring {
    map: u32,
    size: u64,
    /// All that was read, in bytes.
    consumer: u64,
    /// All that was written, in bytes.
    producer: u64,
    records: VecDeque<Record>,
    /// How often user space was woken.
    pub(in crate::sim) wakes: u64,
}

#[derive(Debug)]
struct Record {
    at: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `BPF_RINGBUF_BUSY_BIT`
    Busy(RegionId),
    /// `BPF_RINGBUF_DISCARD_BIT`
    Discarded(u64),
    Ready(Box<[u8]>),
}

impl Ring {
    pub(super) fn make(shape: &Shape) -> Self {
        Self {
            map: shape.id,
            size: shape.max_entries.into(),
            consumer: 0,
            producer: 0,
            records: VecDeque::new(),
            wakes: 0,
        }
    }

    /// `bpf_ringbuf_reserve`: the address of the record; none where there is no room.
    pub(in crate::sim) fn reserve(&mut self, memory: &mut Memory, size: u64, flags: u64) -> Option<u64> {
        if flags != 0 {
            return None;
        }
        self.room(size)?;
        let region = Region::whole(RegionKind::Record(self.map), vec![0; size as usize], Permit::BOTH);
        let region = memory.add(region);
        self.add(size, State::Busy(region));
        Some(region.at(0))
    }

    /// `bpf_ringbuf_submit`, or `bpf_ringbuf_discard`; whether the address is that of a reserved record.
    pub(in crate::sim) fn hand_over(
        &mut self,
        memory: &mut Memory,
        address: u64,
        wake: Wake,
        discard: bool,
    ) -> bool {
        let region = RegionId::of(address);
        let busy = |record: &&mut Record| matches!(record.state, State::Busy(busy) if busy == region);
        let Some(record) = self.records.iter_mut().find(busy).filter(|_| address == region.at(0)) else {
            return false;
        };
        let bytes = std::mem::take(&mut memory.region_mut(region).bytes);
        memory.remove(region);
        let len = bytes.len() as u64;
        record.state = if discard { State::Discarded(len) } else { State::Ready(bytes.into()) };
        let at = record.at;
        self.wake(at, wake);
        true
    }

    /// `bpf_ringbuf_output`
    pub(in crate::sim) fn output(&mut self, bytes: &[u8], flags: u64) -> Result<(), Errno> {
        let wake = Wake::of_output(flags).ok_or(Errno::EINVAL)?;
        self.room(bytes.len() as u64).ok_or(Errno::EAGAIN)?;
        let at = self.producer;
        self.add(bytes.len() as u64, State::Ready(bytes.into()));
        self.wake(at, wake);
        Ok(())
    }

    /// `bpf_ringbuf_query`
    pub(in crate::sim) fn query(&self, what: u64) -> u64 {
        match what {
            0 => self.producer - self.consumer,
            1 => self.size,
            2 => self.consumer,
            3 => self.producer,
            _ => 0,
        }
    }

    /// User space reads the next record; none where none was handed over, or an earlier one was not yet.
    pub(in crate::sim) fn consume(&mut self) -> Option<Box<[u8]>> {
        loop {
            if matches!(self.records.front()?.state, State::Busy(_)) {
                return None;
            }
            match self.records.pop_front()?.state {
                State::Busy(_) => return None,
                State::Discarded(len) => self.consumer += total(len),
                State::Ready(bytes) => {
                    self.consumer += total(bytes.len() as u64);
                    return Some(bytes);
                }
            }
        }
    }

    fn room(&self, size: u64) -> Option<()> {
        let free = size <= LARGEST && self.producer + total(size) - self.consumer < self.size;
        free.then_some(())
    }

    fn add(&mut self, size: u64, state: State) {
        self.records.push_back(Record { at: self.producer, state });
        self.producer += total(size);
    }

    fn wake(&mut self, record: u64, wake: Wake) {
        let caught_up = record % self.size == self.consumer % self.size;
        if wake == Wake::Always || wake == Wake::Adaptive && caught_up {
            self.wakes += 1;
        }
    }
}

/// The bytes a record of `size` bytes takes.
fn total(size: u64) -> u64 {
    (size + HEADER).next_multiple_of(HEADER)
}

impl Map for Ring {
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

    fn ring(&mut self) -> Option<&mut Ring> {
        Some(self)
    }
}
