//! Values for which others stand, put in their place all at once.

use super::super::ir::{Function, Operand, Val};

/// What stands for which value.
#[derive(Debug)]
pub(super) struct Aliases {
    of: Vec<Option<Operand>>,
    any: bool,
}

impl Aliases {
    pub(super) fn new(function: &Function) -> Self {
        Self { of: vec![None; function.values as usize], any: false }
    }

    pub(super) fn set(&mut self, value: Val, operand: Operand) {
        self.of[value.index()] = Some(operand);
        self.any = true;
    }

    /// What stands for an operand in the end.
    pub(super) fn resolve(&mut self, operand: Operand) -> Operand {
        let mut found = operand;
        while let Some(next) = self.next(found) {
            found = next;
        }
        // The way is shorter next time.
        let mut at = operand;
        while let (Operand::Val(value), Some(next)) = (at, self.next(at)) {
            self.of[value.index()] = Some(found);
            at = next;
        }
        found
    }

    /// Puts them in place; whether there were any.
    pub(super) fn apply(mut self, function: &mut Function) -> bool {
        if self.any {
            let mut values = function.values;
            for block in &mut function.blocks {
                block.replace(&mut values, |value| self.resolve(value.into()));
            }
            function.values = values;
        }
        self.any
    }

    fn next(&self, operand: Operand) -> Option<Operand> {
        match operand {
            Operand::Val(value) => self.of[value.index()],
            Operand::Imm(_) => None,
        }
    }
}
