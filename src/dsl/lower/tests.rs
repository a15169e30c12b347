//! What every allocation in tests must withstand.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicBool, Ordering};

use regalloc2::checker::Checker;
use regalloc2::{MachineEnv, Output};

use super::machine::Machine;

/// Whether that is done: not where time is taken.
pub(crate) static FOLLOWING: AtomicBool = AtomicBool::new(true);

/// Follows every value through registers and stack slots.
pub(super) fn follow(machine: &Machine, environment: &MachineEnv, output: &Output) {
    if !FOLLOWING.load(Ordering::Relaxed) {
        return;
    }
    let mut checker = Checker::new(machine, environment);
    checker.prepare(output);
    checker.run().unwrap_or_else(|errors| panic!("{errors:?}"));
}
