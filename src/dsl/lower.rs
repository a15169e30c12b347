//! From the form with values to instructions with registers.
//!
//! [`compile`] is the one way: the passes of [`opt`](super::opt), what the instruction set lacks made of what it has
//! ([`legal`]), instructions with operands that have no register yet ([`select`]), registers ([`alloc`]), slots ([`emit`]).

mod alloc;
mod emit;
mod frame;
mod layout;
mod legal;
mod machine;
mod select;
mod slots;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt::Write;

use emit::Placed;

use super::ir::{At, Flaw, Function, verify};
use crate::asm::{AsmError, Code, Isa, Loc};

/// The text of a function between the stages, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stages {
    /// As it was recorded.
    pub(crate) recorded: String,
    /// As the passes left it.
    pub(crate) optimised: String,
    /// With registers, and the moves and stack slots they took.
    pub(crate) allocated: String,
}

/// Why there is no code for a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LowerError {
    /// The kernel gives a function 512 bytes of stack.
    #[error(
        "{loc}: {function} needs {locals} bytes of stack for its variables and {spills} for what finds no register: more than {}",
        crate::asm::limits::STACK_BYTES
    )]
    Frame { function: String, locals: u32, spills: u32, loc: Loc },
    /// What the instruction set lacks, or cannot say.
    #[error(transparent)]
    Asm(#[from] AsmError),
    /// The form is broken: not the fault of who uses the DSL.
    #[error("{function}: {flaw}")]
    Flaw { function: String, flaw: Flaw },
    /// There are no registers for it: not the fault of who uses the DSL either, but for an assembler block that takes
    /// too many.
    #[error("{function}: no registers ({reason})")]
    Registers { function: String, reason: String },
}

/// Code for a function, in instructions of this set.
///
/// # Errors
/// [`LowerError`]
pub(crate) fn compile(
    mut function: Function,
    isa: Isa,
    mut stages: Option<&mut Stages>,
) -> Result<Code, LowerError> {
    checked(&function)?;
    if let Some(stages) = &mut stages {
        stages.recorded = function.to_string();
    }
    super::opt::optimise(&mut function, isa);
    checked(&function)?;
    if let Some(stages) = &mut stages {
        stages.optimised = function.to_string();
    }
    legal::legalise(&mut function, isa);
    checked(&function)?;
    let frame = frame::Frame::new(&function);
    let machine = select::select(&function, &frame, isa);
    let mut registers = alloc::allocate(&machine).map_err(|reason| no_registers(&function, &reason))?;
    let slots = slots::Slots::new(&machine, &mut registers);
    frame.check(&function, slots.count)?;
    let placed = Placed {
        function: &function,
        frame: &frame,
        machine: &machine,
        registers: &registers,
        slots: &slots,
    };
    if let Some(stages) = &mut stages {
        stages.allocated.clear();
        // Writing to a string does not fail.
        let _ = write!(stages.allocated, "{placed}");
    }
    Ok(placed.emit(isa)?)
}

fn no_registers(function: &Function, reason: &regalloc2::RegAllocError) -> LowerError {
    LowerError::Registers { function: function.name.clone(), reason: reason.to_string() }
}

/// In builds with assertions: the form is sound.
fn checked(function: &Function) -> Result<(), LowerError> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    verify(function).map_err(|flaw| LowerError::Flaw { function: function.name.clone(), flaw })
}

/// The line a function begins at, as far as that is known.
fn first_at(function: &Function) -> Option<At> {
    let entry = function.blocks.first()?;
    entry.insts.first().map(|inst| inst.at).or(entry.end.as_ref().map(|(_, at)| *at))
}
