//! The virtual clock.

use super::Row;
use crate::base::{Clock, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[(Helper::KTIME_GET_NS, monotonic), (Helper::KTIME_GET_BOOT_NS, boottime)];

fn monotonic(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.timers.clock.now(Clock::Monotonic)))
}

fn boottime(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.timers.clock.now(Clock::Boottime)))
}
