//! Conditions: trees of comparisons, which become branches where they are used.

use super::{Datum, Scope, State};
use crate::asm::{Cond, Width};
use crate::dsl::ir::{At, Block, Compare, Operand};
use crate::dsl::types::ScalarType;

/// A condition of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CondId {
    index: u32,
    pub(crate) scope: Scope,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CondNode {
    Compare(Compare),
    Not(CondId),
    And(CondId, CondId),
    Or(CondId, CondId),
}

impl State {
    fn condition(&mut self, node: CondNode) -> CondId {
        let index = u32::try_from(self.conds.len()).unwrap_or(u32::MAX);
        self.conds.push(node);
        CondId { index, scope: self.scope() }
    }

    pub(crate) fn comparison(&mut self, compare: Compare) -> CondId {
        self.condition(CondNode::Compare(compare))
    }

    /// Whether any of the bits of `mask` are set.
    pub(crate) fn bits_set(&mut self, a: Datum, mask: Datum, at: At) -> CondId {
        if a.ty != mask.ty {
            self.mismatch(a.ty, mask.ty, at);
        }
        let (left, right) = (self.use_of(a, at), self.use_of(mask, at));
        self.comparison(Compare { cond: Cond::Set, width: a.ty.width(), a: left, b: right })
    }

    /// Whether a truth value is true.
    pub(crate) fn truth(&mut self, a: Datum, at: At) -> CondId {
        if !a.ty.is_bool() {
            self.mismatch(ScalarType::BOOL, a.ty, at);
        }
        let a = self.use_of(a, at);
        self.comparison(Compare { cond: Cond::Ne, width: Width::Bits32, a, b: Operand::Imm(0) })
    }

    pub(crate) fn not(&mut self, a: CondId, at: At) -> CondId {
        self.check_scope(a.scope, at);
        self.condition(CondNode::Not(a))
    }

    pub(crate) fn and(&mut self, a: CondId, b: CondId, at: At) -> CondId {
        self.check_scope(a.scope, at);
        self.check_scope(b.scope, at);
        self.condition(CondNode::And(a, b))
    }

    pub(crate) fn or(&mut self, a: CondId, b: CondId, at: At) -> CondId {
        self.check_scope(a.scope, at);
        self.check_scope(b.scope, at);
        self.condition(CondNode::Or(a, b))
    }

    /// Goes to `then` if the condition holds, else to `otherwise`. Neither may be sealed yet.
    pub(crate) fn branch(&mut self, cond: CondId, then: Block, otherwise: Block, at: At) {
        self.check_scope(cond.scope, at);
        self.branch_node(cond, then, otherwise, at);
    }

    fn branch_node(&mut self, cond: CondId, then: Block, otherwise: Block, at: At) {
        match self.conds[cond.index as usize] {
            CondNode::Compare(compare) => self.ir.branch(compare, then, otherwise, at),
            CondNode::Not(inner) => self.branch_node(inner, otherwise, then, at),
            CondNode::And(a, b) => {
                let both = self.ir.block();
                self.branch_node(a, both, otherwise, at);
                self.go_on_in(both);
                self.branch_node(b, then, otherwise, at);
            }
            CondNode::Or(a, b) => {
                let neither = self.ir.block();
                self.branch_node(a, then, neither, at);
                self.go_on_in(neither);
                self.branch_node(b, then, otherwise, at);
            }
        }
    }

    /// Goes on in a block that nothing else will jump to.
    pub(crate) fn go_on_in(&mut self, block: Block) {
        self.ir.seal(block);
        self.ir.switch_to(block);
    }
}

impl State {
    /// The condition as a number: 1 if it holds, else 0.
    pub(crate) fn truth_of(&mut self, cond: CondId, at: At) -> Datum {
        let (holds, not, done) = (self.ir.block(), self.ir.block(), self.ir.block());
        let variable = self.ir.variable();
        self.branch(cond, holds, not, at);
        for (block, number) in [(holds, 1), (not, 0)] {
            self.go_on_in(block);
            self.ir.set(variable, Operand::Imm(number));
            self.ir.jump(done, at);
        }
        self.go_on_in(done);
        self.get_variable(variable, ScalarType::BOOL)
    }
}
