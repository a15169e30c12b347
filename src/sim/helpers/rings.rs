//! Records to user space, and from it: ring buffers and perf events.

use super::{Row, done, dynptr, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::{Answer, Callbacks, Step};
use crate::sim::maps::{Ring, Wake};
use crate::sim::memory::{Permit, Region, RegionId, RegionKind};
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::RINGBUF_OUTPUT, output),
    (Helper::RINGBUF_RESERVE, reserve),
    (Helper::RINGBUF_SUBMIT, submit),
    (Helper::RINGBUF_DISCARD, discard),
    (Helper::RINGBUF_QUERY, query),
    (Helper::PERF_EVENT_OUTPUT, perf_output),
    (Helper::USER_RINGBUF_DRAIN, drain),
];

/// How many records a drain takes at most (`BPF_MAX_USER_RINGBUF_SAMPLES`).
const MOST_RECORDS: u64 = 128 << 10;

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

fn drain(world: &mut World, [map, function, context, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    let helper = Helper::USER_RINGBUF_DRAIN;
    let number = world.map_argument(helper, 1, map)?;
    if !world.with_map(number, |map, _| map.user_ring().is_some()) {
        return Err(Trap::Argument { helper, argument: 1, address: map, expected: "a user ring buffer" });
    }
    if flags > 3 {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    }
    Ok(Answer::Call(function, Box::new(Drain { map: number, context, count: 0, lent: None })))
}

/// `bpf_user_ringbuf_drain` under way.
#[derive(Debug)]
struct Drain {
    map: u32,
    context: u64,
    count: u64,
    /// The record and the dynptr to it that the function has.
    lent: Option<[RegionId; 2]>,
}

impl Callbacks for Drain {
    fn next(&mut self, world: &mut World, returned: Option<u64>) -> Result<Step, Trap> {
        for region in self.lent.take().into_iter().flatten() {
            world.memory.remove(region);
        }
        let stop = returned.is_some_and(|value| value != 0) || self.count == MOST_RECORDS;
        let record = if stop { None } else { world.with_map(self.map, |map, _| map.user_ring()?.take()) };
        let Some(record) = record else { return Ok(Step::Return(self.count)) };
        self.count += 1;
        let kind = RegionKind::Record(self.map);
        let size = record.len() as u32;
        let bytes = world.memory.add(Region::whole(kind, record.into(), Permit::BOTH));
        let dynptr = dynptr::to_memory(bytes.at(0), size, world.memory.endian);
        let dynptr = world.memory.add(Region::whole(kind, dynptr, Permit::READ));
        self.lent = Some([bytes, dynptr]);
        Ok(Step::Call([dynptr.at(0), self.context, 0, 0, 0]))
    }
}
