//! The 512 bytes below the frame pointer: places of the function first, then what finds no register.

use super::super::ir::{Function, Local};
use super::LowerError;
use crate::asm::{Loc, limits};

/// The size of a slot that holds a register.
const SLOT: u32 = 8;

/// Where things lie, relative to the frame pointer.
#[derive(Debug)]
pub(super) struct Frame {
    offsets: Vec<i32>,
    locals: u32,
}

impl Frame {
    /// Places of great alignment first, so that nothing is lost between them.
    pub(super) fn new(function: &Function) -> Self {
        let mut order: Vec<_> = (0..function.locals.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(function.locals[*index].align.min(SLOT)));
        let mut offsets = vec![0; function.locals.len()];
        let mut used = 0_u32;
        for index in order {
            let local = &function.locals[index];
            used = used.saturating_add(local.size).next_multiple_of(local.align.clamp(1, SLOT));
            offsets[index] = -i32::try_from(used).unwrap_or(i32::MAX);
        }
        Self { offsets, locals: used.next_multiple_of(SLOT) }
    }

    pub(super) fn local(&self, local: Local) -> i32 {
        self.offsets[local.index()]
    }

    /// A slot for a register, numbered by the allocator.
    pub(super) fn spill(&self, slot: usize) -> i32 {
        let below = self.locals as usize + SLOT as usize * (slot + 1);
        -i32::try_from(below).unwrap_or(i32::MAX)
    }

    /// Whether it all fits.
    pub(super) fn check(&self, function: &Function, spillslots: usize) -> Result<(), LowerError> {
        let spills = u32::try_from(spillslots).unwrap_or(u32::MAX).saturating_mul(SLOT);
        if self.locals.saturating_add(spills) <= limits::STACK_BYTES {
            return Ok(());
        }
        // The place that takes most, or where the function begins.
        let largest = function.locals.iter().max_by_key(|local| local.size).map(|local| local.at);
        let at = largest.filter(|_| self.locals > spills).or(super::first_at(function));
        let loc = at.map_or_else(|| Loc::new("", 0, 0, None), Loc::of);
        Err(LowerError::Frame { function: function.name.clone(), locals: self.locals, spills, loc })
    }
}
