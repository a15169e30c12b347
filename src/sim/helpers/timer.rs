//! The four helpers of timers; what they do is in [`Timers`](crate::sim::timers::Timers).

use super::{Row, done, outcome};
use crate::base::Helper;
use crate::btf::special::FieldKind;
use crate::sim::cpu::Answer;
use crate::sim::memory::RegionKind;
use crate::sim::timers::Home;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::TIMER_INIT, init),
    (Helper::TIMER_SET_CALLBACK, set_callback),
    (Helper::TIMER_START, start),
    (Helper::TIMER_CANCEL, cancel),
];

fn init(world: &mut World, [timer, map, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let owner = timer_map(world, Helper::TIMER_INIT, timer)?;
    let map = world.map_argument(Helper::TIMER_INIT, 2, map)?;
    if map != owner {
        let address = world.handle(map);
        let (helper, expected) = (Helper::TIMER_INIT, "the map the timer is in");
        return Err(Trap::Argument { helper, argument: 2, address, expected });
    }
    let held = world.maps[map as usize].users > 0;
    let value = timer - u64::from(world.memory.element_offset(timer));
    let key = world.with_map(map, |map, at| at.key_bytes(map.key_of(at, value), at.shape.key_size as usize));
    let home = Home { address: timer, map, key: key.into() };
    Ok(done(world.timers.init(world.cpu, home, flags, held)))
}

fn set_callback(world: &mut World, [timer, function, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = timer_map(world, Helper::TIMER_SET_CALLBACK, timer)?;
    if world.memory.kind(function) != Some(RegionKind::Text) {
        return Err(Trap::NotAFunction { address: function });
    }
    let held = world.maps[map as usize].users > 0;
    Ok(done(world.timers.set_callback(world.cpu, timer, function, held)))
}

fn start(world: &mut World, [timer, nanoseconds, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    timer_map(world, Helper::TIMER_START, timer)?;
    Ok(done(world.timers.start(world.cpu, timer, nanoseconds, flags)))
}

fn cancel(world: &mut World, [timer, ..]: [u64; 5]) -> Result<Answer, Trap> {
    timer_map(world, Helper::TIMER_CANCEL, timer)?;
    Ok(match world.timers.cancel(world.cpu, timer) {
        Ok(None) => Answer::Wait,
        Ok(Some(armed)) => outcome(Ok(armed)),
        Err(errno) => done(Err(errno)),
    })
}

/// The map whose timer is at an address.
fn timer_map(world: &World, helper: Helper, address: u64) -> Result<u32, Trap> {
    let trap = Trap::Argument { helper, argument: 1, address, expected: "the timer of a map value" };
    let Some(RegionKind::Values(map)) = world.memory.kind(address) else { return Err(trap) };
    let shape = world.shape(map);
    let timer = shape.fields.iter().find(|field| field.kind == FieldKind::Timer).ok_or(trap)?;
    let inside = world.memory.element_offset(address);
    if inside == timer.offset { Ok(map) } else { Err(trap) }
}
