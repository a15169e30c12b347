//! Timers in the running kernel: every answer of the four helpers, what ends a timer, deadlines, who may use them.

mod alone;
mod closures;
mod codes;
mod concurrent;
mod deadlines;
mod elements;
mod kinds;
mod lifetime;
mod references;
mod rig;
mod shared;

pub use alone::child;

use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    alone::add(suite);
    codes::add(suite);
    concurrent::add(suite);
    deadlines::add(suite);
    elements::add(suite);
    kinds::add(suite);
    lifetime::add(suite);
    references::add(suite);
    shared::add(suite);
}
