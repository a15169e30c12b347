//! Records to user space: ring buffers and perf events.

use super::{Row, done};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::maps::{Ring, Wake};
use crate::sim::memory::RegionKind;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::RINGBUF_OUTPUT, output),
    (Helper::RINGBUF_RESERVE, reserve),
    (Helper::RINGBUF_SUBMIT, submit),
    (Helper::RINGBUF_DISCARD, discard),
    (Helper::RINGBUF_QUERY, query),
    (Helper::PERF_EVENT_OUTPUT, perf_output),
];

fn output(world: &mut World, [map, data, size, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    let (helper, map) = (Helper::RINGBUF_OUTPUT, map);
    let bytes = world.read(data, size as usize)?.to_vec();
    let written = ring(world, helper, map, |ring, _| ring.output(&bytes, flags))?;
    Ok(done(written))
}

fn reserve(world: &mut World, [map, size, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let record = ring(world, Helper::RINGBUF_RESERVE, map, |ring, memory| ring.reserve(memory, size, flags))?;
    Ok(Answer::Value(record.unwrap_or(0)))
}

fn submit(world: &mut World, [record, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    hand_over(world, Helper::RINGBUF_SUBMIT, record, flags, false)
}

fn discard(world: &mut World, [record, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    hand_over(world, Helper::RINGBUF_DISCARD, record, flags, true)
}

/// Ends a reservation: the record is read, or passed over.
pub(super) fn hand_over(
    world: &mut World,
    helper: Helper,
    record: u64,
    flags: u64,
    discard: bool,
) -> Result<Answer, Trap> {
    let trap = Trap::Argument { helper, argument: 1, address: record, expected: "a reserved record" };
    let Some(RegionKind::Record(map)) = world.memory.kind(record) else { return Err(trap) };
    let wake = Wake::of_record(flags);
    let handed = world.with_map(map, |map, at| {
        map.ring().is_some_and(|ring| ring.hand_over(at.memory, record, wake, discard))
    });
    if handed { Ok(Answer::Nothing) } else { Err(trap) }
}

fn query(world: &mut World, [map, what, ..]: [u64; 5]) -> Result<Answer, Trap> {
    ring(world, Helper::RINGBUF_QUERY, map, |ring, _| ring.query(what)).map(Answer::Value)
}

/// Works on the ring that an argument names.
pub(super) fn ring<T>(
    world: &mut World,
    helper: Helper,
    address: u64,
    work: impl FnOnce(&mut Ring, &mut crate::sim::memory::Memory) -> T,
) -> Result<T, Trap> {
    let map = world.map_argument(helper, 1, address)?;
    let found = world.with_map(map, |map, at| Some(work(map.ring()?, at.memory)));
    found.ok_or(Trap::Argument { helper, argument: 1, address, expected: "a ring buffer" })
}

fn perf_output(world: &mut World, [_, map, flags, data, size]: [u64; 5]) -> Result<Answer, Trap> {
    let helper = Helper::PERF_EVENT_OUTPUT;
    let number = world.map_argument(helper, 2, map)?;
    let bytes = world.read(data, size as usize)?.to_vec();
    // The length of a sample has 16 bits.
    if size > u64::from(u16::MAX) {
        return Ok(done(Err(Errno::E2BIG)));
    }
    let written =
        world.with_map(number, |map, at| map.events().map(|events| events.output(at.cpu, flags, bytes)));
    let trap = Trap::Argument { helper, argument: 2, address: map, expected: "a perf event array" };
    written.map(done).ok_or(trap)
}
