//! Registers for values, by regalloc2.

use std::cell::RefCell;

use regalloc2::{Ctx, MachineEnv, Output, PRegSet, RegAllocError, RegallocOptions};

use super::machine::{Machine, set};
use crate::asm::Reg;

/// Beyond so many instructions the memory of a run is given back instead of being kept for the next.
const KEPT: usize = 10_000;

thread_local! {
    /// What the allocator works in: most of the time for a small function would go into making it.
    static SCRATCH: RefCell<Ctx> = RefCell::default();
}

/// The registers and stack slots of all operands.
///
/// The allocator is generic over what it works on, and large: this is the only place that makes an instance of it.
pub(super) fn allocate(machine: &Machine) -> Result<Output, RegAllocError> {
    let output = SCRATCH.with_borrow_mut(|scratch| {
        let output = regalloc2::run_with_ctx(machine, &environment(), &options(), scratch)?.clone();
        if machine.insts.len() > KEPT {
            *scratch = Ctx::default();
        }
        Ok(output)
    });
    #[cfg(test)]
    if let Ok(output) = &output {
        super::tests::follow(machine, &environment(), output);
    }
    output
}

fn options() -> RegallocOptions {
    RegallocOptions { validate_ssa: cfg!(debug_assertions), ..RegallocOptions::default() }
}

/// r0 to r5 are lost in calls, r6 to r9 are not; nobody has to save those, so they are only second choice because what
/// lives across calls has no other.
fn environment() -> MachineEnv {
    let none = PRegSet::empty();
    let first = set([Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5]);
    let second = set([Reg::R0, Reg::R6, Reg::R7, Reg::R8, Reg::R9]);
    MachineEnv {
        preferred_regs_by_class: [first, none, none],
        non_preferred_regs_by_class: [second, none, none],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}
