//! The machine itself: its CPU, its random numbers.

use super::Row;
use crate::base::Helper;
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::GET_PRANDOM_U32, random),
    (Helper::GET_SMP_PROCESSOR_ID, processor),
    (Helper::GET_NUMA_NODE_ID, node),
];

fn random(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.random.next() >> 32))
}

fn processor(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.cpu.into()))
}

/// All memory is equally near.
fn node(_: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(0))
}
