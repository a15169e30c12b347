//! What every allocation in tests must withstand.
#![allow(clippy::unwrap_used, clippy::panic)]

use regalloc2::checker::Checker;
use regalloc2::{MachineEnv, Output};

use super::machine::Machine;

/// Follows every value through registers and stack slots.
pub(super) fn follow(machine: &Machine, environment: &MachineEnv, output: &Output) {
    let mut checker = Checker::new(machine, environment);
    checker.prepare(output);
    checker.run().unwrap_or_else(|errors| panic!("{errors:?}"));
}
