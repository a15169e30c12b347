//! `BPF_MAP_TYPE_PERF_EVENT_ARRAY`: one event for each CPU, with the samples that programs write.

use std::collections::VecDeque;

use super::array::{self, index};
use super::{Around, Element, Map, Shape};
use crate::base::Errno;
use crate::sim::memory::RegionId;

/// The part of the flags that is an index; all ones mean the CPU that runs (`BPF_F_INDEX_MASK`).
const INDEX: u64 = 0xffff_ffff;

#[derive(Debug)]
pub(in crate::sim) struct Events(Vec<Option<Event>>);

#[derive(Debug)]
struct Event {
    cpu: u32,
    samples: VecDeque<Box<[u8]>>,
}

impl Events {
    pub(super) fn make(shape: &Shape) -> Self {
        Self((0..shape.max_entries).map(|_| None).collect())
    }

    /// User space puts the event of a CPU, a software event for what programs write, at an index.
    pub(in crate::sim) fn open(&mut self, index: u32, cpu: u32) -> Result<(), Errno> {
        let place = self.0.get_mut(index as usize).ok_or(Errno::E2BIG)?;
        *place = Some(Event { cpu, samples: VecDeque::new() });
        Ok(())
    }

    /// `bpf_perf_event_output`, on a CPU.
    pub(in crate::sim) fn output(&mut self, cpu: u32, flags: u64, bytes: Vec<u8>) -> Result<(), Errno> {
        if flags & !INDEX != 0 {
            return Err(Errno::EINVAL);
        }
        let index = if flags == INDEX { cpu } else { flags as u32 };
        let place = self.0.get_mut(index as usize).ok_or(Errno::E2BIG)?;
        let event = place.as_mut().ok_or(Errno::ENOENT)?;
        if event.cpu != cpu {
            return Err(Errno::EOPNOTSUPP);
        }
        event.samples.push_back(padded(bytes));
        Ok(())
    }

    /// User space reads the next sample of a CPU.
    pub(in crate::sim) fn read(&mut self, cpu: u32) -> Option<Box<[u8]>> {
        let mut events = self.0.iter_mut().flatten().filter(|event| event.cpu == cpu);
        events.find_map(|event| event.samples.pop_front())
    }
}

/// A sample with its length, four bytes, ends at a multiple of eight.
fn padded(mut bytes: Vec<u8>) -> Box<[u8]> {
    bytes.resize((bytes.len() + 4).next_multiple_of(8) - 4, 0);
    bytes.into()
}

impl Map for Events {
    /// Programs cannot look them up.
    fn lookup(&mut self, _: &mut Around<'_>, _: &[u8]) -> Option<u64> {
        None
    }

    /// The value is the number of a CPU, whose event is opened.
    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let key = index(key, at.memory.endian).ok_or(Errno::EINVAL)?;
        let cpu = index(value, at.memory.endian).filter(|cpu| *cpu < at.shape.cpus).ok_or(Errno::EBADF)?;
        self.open(key, cpu)
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        let key = index(key, at.memory.endian).ok_or(Errno::EINVAL)?;
        self.0.get_mut(key as usize).ok_or(Errno::E2BIG)?.take().map(drop).ok_or(Errno::ENOENT)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        array::next(at, after)
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        index(key, at.memory.endian).filter(|index| *index < at.shape.max_entries)
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        RegionId::INDEXES.at(0)
    }

    fn user_get(&mut self, _: &mut Around<'_>, _: &[u8], _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    fn events(&mut self) -> Option<&mut Events> {
        Some(self)
    }
}
