//! Passes that make a function smaller and faster, and never change what the verifier can know of it.
//!
//! The verifier of Linux 6.1 is the measure: it follows a bound from the register that was compared to its copies, but
//! not to other values that happen to be the same; it forgets a bound in a division or a byte swap; and it wants the
//! pointer that was checked, not another one computed alike. So values are shared and moved down, never computed twice
//! or moved up, and a value that is compared is left as it is.

mod alias;
mod alu;
mod choose;
mod compare;
mod dead;
mod extend;
mod facts;
mod flow;
mod loops;
mod memory;
mod order;
mod params;
mod reassociate;
mod sink;
mod stores;
mod values;

use super::ir::Function;
use super::ir::dominators::Dominators;
use crate::asm::Isa;

/// Runs all passes.
pub(crate) fn optimise(function: &mut Function, isa: Isa) {
    flow::simplify(function, false);
    number(function, isa);
    // What was folded decides branches, and what is chosen or joined can be folded again.
    let mut changed = flow::simplify(function, true);
    if choose::choose(function) {
        flow::simplify(function, false);
        changed = true;
    }
    if changed | reassociate::reassociate(function) {
        number(function, isa);
        flow::simplify(function, true);
    }
    order::compare_unswapped(function, isa);
    stores::drop_overwritten(function);
    extend::fuse(function, isa);
    let dominators = Dominators::new(function);
    dead::drop_unused(function, &dominators.order);
    sink::sink(function, &dominators);
}

fn number(function: &mut Function, isa: Isa) {
    let dominators = Dominators::new(function);
    values::number(function, &dominators, isa);
    dead::drop_unused(function, &dominators.order);
}
