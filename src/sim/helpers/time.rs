//! The virtual clock.

use super::Row;
use crate::base::{Clock, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::KTIME_GET_NS, monotonic),
    (Helper::KTIME_GET_BOOT_NS, boottime),
    (Helper::KTIME_GET_COARSE_NS, coarse),
    (Helper::KTIME_GET_TAI_NS, tai),
    (Helper::JIFFIES64, jiffies),
];

/// Between two ticks (`CONFIG_HZ=250`), in nanoseconds.
const TICK: u64 = 4_000_000;
/// `INITIAL_JIFFIES`: 32 bits of them are full five minutes after boot.
const FIRST_TICK: u64 = (-300_i32 * 250).cast_unsigned() as u64;

fn monotonic(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.timers.clock.now(Clock::Monotonic)))
}

fn boottime(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.timers.clock.now(Clock::Boottime)))
}

/// The time of the last tick.
fn coarse(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    let now = world.timers.clock.now(Clock::Monotonic);
    Ok(Answer::Value(now - now % TICK))
}

/// Nobody has told the kernel of leap seconds.
fn tai(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.timers.clock.now(Clock::Realtime)))
}

fn jiffies(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(FIRST_TICK + world.timers.clock.now(Clock::Monotonic) / TICK))
}
