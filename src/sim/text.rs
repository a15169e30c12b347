//! The code of a machine: every program, decoded once, one behind the other.

mod decode;

use super::error::SimError;
use super::helpers::Run;
use super::maps::Shape;
use super::memory::{BASE, RegionId};
use super::op::Op;
use super::trap::Trap;
use crate::asm::Loc;
use crate::object::Object;
use crate::object::linker::{LinkedProgram, Placed};

/// All code.
#[derive(Debug)]
pub(super) struct Text {
    object: Object,
    pub(super) ops: Vec<Op>,
    /// What [`Code::Helper`](super::op::Code::Helper) calls, by its `aux`.
    pub(super) helpers: Vec<Run>,
    /// In the object's order.
    pub(super) programs: Vec<Program>,
}

/// Where a program is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// The index of its first op.
    pub(super) start: usize,
}

/// Where an op comes from.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub(super) program: &'a LinkedProgram,
    pub(super) function: Option<&'a Placed>,
    pub(super) slot: usize,
}

impl Origin<'_> {
    /// The Rust line.
    pub(super) fn loc(&self) -> Option<&Loc> {
        self.program.loc(self.slot)
    }
}

impl Text {
    /// Decodes every program. `values` tells where the values of a map begin: what global data is addressed by.
    pub(super) fn new(object: &Object, maps: &[Shape], values: &[u64]) -> Result<Self, SimError> {
        let mut text =
            Self { object: object.clone(), ops: Vec::new(), helpers: Vec::new(), programs: Vec::new() };
        for program in &object.linked().programs {
            text.programs.push(Program { start: text.ops.len() });
            decode::program(&mut text, object, program, maps, values)?;
        }
        Ok(text)
    }

    /// Where an op comes from; none for an index no program has.
    pub(super) fn origin(&self, op: usize) -> Option<Origin<'_>> {
        let index = self.program_of(op)?;
        let program = self.object.linked().programs.get(index)?;
        let slot = op - self.programs[index].start;
        let function = program.function_at(slot).map(|(placed, _)| placed);
        Some(Origin { program, function, slot })
    }

    /// The number of the program an op is in.
    pub(super) fn program_of(&self, op: usize) -> Option<usize> {
        self.programs.partition_point(|program| program.start <= op).checked_sub(1)
    }

    /// The op a function's address means.
    pub(super) fn function(&self, address: u64) -> Result<usize, Trap> {
        let at = (address as u32).wrapping_sub(BASE) as usize;
        let found = RegionId::of(address) == RegionId::TEXT && at < self.ops.len();
        if found { Ok(at) } else { Err(Trap::NotAFunction { address }) }
    }
}

/// The address of the function that begins at an op.
pub(super) const fn function_address(op: usize) -> u64 {
    RegionId::TEXT.at(op as u32)
}
