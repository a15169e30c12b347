//! What helpers do: one file a family, one row a helper.
//!
//! A helper is a function of [`Run`]'s shape and a row in the `ROWS` of its family; a family is a line in [`FAMILIES`].
//! Numbers, names and prototypes are in [`Helper`]; which kinds of programs may call it is `check`'s concern.

mod flow;
mod map;
mod print;
mod rings;
mod system;
mod time;
mod timer;

use super::cpu::Answer;
use super::trap::Trap;
use super::world::World;
use crate::base::{Errno, Helper};

/// What a helper does with `r1` to `r5`. Errors the kernel returns are values; a trap is what the verifier would have refused.
pub(super) type Run = fn(&mut World, [u64; 5]) -> Result<Answer, Trap>;

/// A helper and what it does.
pub(super) type Row = (Helper, Run);

/// Every family.
const FAMILIES: &[&[Row]] =
    &[flow::ROWS, map::ROWS, print::ROWS, rings::ROWS, system::ROWS, time::ROWS, timer::ROWS];

/// What a helper does; none: the simulator does not have it.
pub(super) fn find(helper: Helper) -> Option<Run> {
    FAMILIES.iter().copied().flatten().find(|(known, _)| *known == helper).map(|(_, run)| *run)
}

/// Every helper that the simulator has.
pub fn all() -> impl Iterator<Item = Helper> {
    FAMILIES.iter().copied().flatten().map(|(helper, _)| *helper)
}

/// A result as helpers return it: a number, or a negative error.
fn outcome<T: Into<i64>>(result: Result<T, Errno>) -> Answer {
    let number = match result {
        Ok(number) => number.into(),
        Err(errno) => i64::from(-errno.0),
    };
    Answer::Value(number.cast_unsigned())
}

/// A result without a number: 0, or a negative error.
fn done(result: Result<(), Errno>) -> Answer {
    outcome(result.map(|()| 0))
}
