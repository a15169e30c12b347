//! Helpers that lead to other code: loops and walks with a callback.

use super::{Row, outcome};
use crate::asm::limits;
use crate::base::{Errno, Helper};
use crate::sim::cpu::{Answer, Callbacks, Step};
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] =
    &[(Helper::LOOP, repeat), (Helper::FOR_EACH_MAP_ELEM, for_each), (Helper::TAIL_CALL, tail_call)];

fn repeat(_: &mut World, [rounds, function, context, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    if flags != 0 {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    }
    let rounds = rounds as u32;
    if rounds > limits::LOOPS {
        // Without flags the verifier puts instructions in place of the call, and those leave the upper half zero.
        return Ok(Answer::Value((-Errno::E2BIG.0).cast_unsigned().into()));
    }
    Ok(Answer::Call(function, Box::new(Loop { done: 0, rounds, context })))
}

/// `bpf_loop` under way.
#[derive(Debug)]
struct Loop {
    done: u32,
    rounds: u32,
    context: u64,
}

impl Callbacks for Loop {
    fn next(&mut self, _: &mut World, returned: Option<u64>) -> Result<Step, Trap> {
        let stop = returned.is_some_and(|value| value != 0);
        if stop || self.done == self.rounds {
            return Ok(Step::Return(self.done.into()));
        }
        let index = self.done;
        self.done += 1;
        Ok(Step::Call([index.into(), self.context, 0, 0, 0]))
    }
}

fn tail_call(world: &mut World, [_, map, index, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::TAIL_CALL, 2, map)?;
    let program = world.with_map(map, |map, _| map.program(index as u32));
    Ok(program.map_or(Answer::Nothing, Answer::TailCall))
}

fn for_each(world: &mut World, [map, function, context, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::FOR_EACH_MAP_ELEM, 1, map)?;
    if flags != 0 {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    }
    Ok(Answer::Call(function, Box::new(Walk { map, context, at: None, count: 0 })))
}

/// `bpf_for_each_map_elem` under way.
#[derive(Debug)]
struct Walk {
    map: u32,
    context: u64,
    /// The element the function was called for.
    at: Option<u32>,
    count: u64,
}

impl Callbacks for Walk {
    fn next(&mut self, world: &mut World, returned: Option<u64>) -> Result<Step, Trap> {
        if returned.is_some_and(|value| value != 0) {
            return Ok(Step::Return(self.count));
        }
        let Some(element) = world.with_map(self.map, |map, at| map.next(at, self.at)) else {
            return Ok(Step::Return(self.count));
        };
        (self.at, self.count) = (Some(element.position), self.count + 1);
        Ok(Step::Call([world.handle(self.map), element.key, element.value, self.context, 0]))
    }
}
