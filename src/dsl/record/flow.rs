//! Structured control flow as blocks: each construct opens a scope for every closure and says where it goes on.

use super::{Comparison, CondId, Datum, Returns, State};
use crate::asm::AluOp;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Block, Op, Operand, Variable};
use crate::dsl::types::ScalarType;

/// The arms of an if while they are recorded.
#[derive(Debug)]
pub(crate) struct Arm {
    /// Where the other arm begins; the end, where there is none.
    otherwise: Block,
    done: Block,
}

/// A loop while its body is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    head: Block,
    /// Where continue goes.
    next: Block,
    exit: Block,
}

/// A switch while its cases are recorded.
#[derive(Debug)]
pub(crate) struct Cases {
    arms: Vec<Block>,
    done: Block,
}

/// A for loop while its body is recorded.
#[derive(Debug)]
pub(crate) struct Count {
    counter: Variable,
    end: Datum,
}

impl State {
    pub(super) fn loops_open(&self) -> usize {
        self.loops.len()
    }

    /// Whether what is recorded now can be reached.
    pub(crate) fn is_live(&self) -> bool {
        self.ir.current().is_some()
    }

    /// Begins an if: what follows is recorded into its first arm.
    pub(crate) fn if_begin(&mut self, cond: CondId, has_else: bool, at: At) -> Arm {
        let (then, done) = (self.ir.block(), self.ir.block());
        let otherwise = if has_else { self.ir.block() } else { done };
        self.branch(cond, then, otherwise, at);
        self.go_on_in(then);
        self.open_scope(at);
        Arm { otherwise, done }
    }

    /// Ends the first arm and begins the other one.
    pub(crate) fn if_else(&mut self, arm: &Arm, at: At) {
        self.ir.jump(arm.done, at);
        self.close_scope();
        self.go_on_in(arm.otherwise);
        self.open_scope(at);
    }

    /// Ends the last arm.
    pub(crate) fn if_end(&mut self, arm: &Arm, at: At) {
        self.ir.jump(arm.done, at);
        self.close_scope();
        self.go_on_in(arm.done);
    }

    /// Begins a loop: what follows is recorded into its head, where it begins each round.
    pub(crate) fn loop_begin(&mut self, at: At) {
        let (head, exit) = (self.ir.block(), self.ir.block());
        self.ir.jump(head, at);
        self.ir.switch_to(head);
        self.open_scope(at);
        self.loops.push(Loop { head, next: head, exit });
    }

    /// Goes on with the loop if the condition holds.
    pub(crate) fn loop_while(&mut self, cond: CondId, at: At) {
        let Some(&Loop { exit, .. }) = self.loops.last() else { return };
        let body = self.ir.block();
        self.branch(cond, body, exit, at);
        self.go_on_in(body);
    }

    /// Ends the innermost loop.
    pub(crate) fn loop_end(&mut self, at: At) {
        let Some(Loop { head, exit, .. }) = self.loops.pop() else { return };
        self.ir.jump(head, at);
        self.ir.seal(head);
        self.close_scope();
        self.go_on_in(exit);
    }

    /// Begins a loop that counts from `start` to `end`, which it does not reach. The number of the round.
    pub(crate) fn count_begin(&mut self, start: Datum, end: Datum, at: At) -> (Count, Datum) {
        let (head, next, exit) = (self.ir.block(), self.ir.block(), self.ir.block());
        let compare = self.compare(Comparison::Lt, start, end, at);
        let counter = self.ir.variable();
        self.ir.set(counter, start.operand);
        match start.number().zip(end.number()) {
            Some((start, end)) if start < end => self.ir.jump(head, at),
            _ => self.ir.branch(compare, head, exit, at),
        }
        self.ir.switch_to(head);
        self.open_scope(at);
        self.loops.push(Loop { head, next, exit });
        let index = self.ir.get(counter);
        let made = self.made(index, start.ty);
        let most = below(start, end).unwrap_or(made.most);
        (Count { counter, end }, Datum { most, ..made })
    }

    /// Ends the innermost loop, one that counts.
    pub(crate) fn count_end(&mut self, count: &Count, at: At) {
        let Some(Loop { head, next, exit }) = self.loops.pop() else { return };
        self.ir.jump(next, at);
        self.go_on_in(next);
        let index = self.ir.get(count.counter);
        let index = self.made(index, count.end.ty);
        // It is below the end, so what follows it is a number of its type without being made one. The verifier forgets the
        // least it can be where it is made one.
        let (width, one) = (index.ty.width(), Operand::Imm(1));
        let raised = self.push(Op::Alu { op: AluOp::Add, width, a: index.operand, b: one }, at);
        let raised = self.made(raised, index.ty);
        self.ir.set(count.counter, raised.operand);
        let compare = self.compare(Comparison::Lt, raised, count.end, at);
        self.ir.branch(compare, head, exit, at);
        self.ir.seal(head);
        self.close_scope();
        self.go_on_in(exit);
    }

    pub(crate) fn break_(&mut self, at: At) {
        self.unlock_to_jump(at);
        self.check_lent(at);
        match self.loops.last() {
            Some(&Loop { exit, .. }) => self.ir.jump(exit, at),
            None if self.returns == Returns::Flow => self.ir.ret(Operand::Imm(1), at),
            None => self.fail(Error::NoLoop { what: "break", site: site(at) }),
        }
    }

    pub(crate) fn continue_(&mut self, at: At) {
        self.unlock_to_jump(at);
        self.check_lent(at);
        match self.loops.last() {
            Some(&Loop { next, .. }) => self.ir.jump(next, at),
            None if self.returns == Returns::Flow => self.ir.ret(Operand::Imm(0), at),
            None => self.fail(Error::NoLoop { what: "continue", site: site(at) }),
        }
    }

    /// Begins a switch with all its cases; the arms are recorded one after the other, the default last.
    pub(crate) fn switch_begin(&mut self, value: Datum, cases: &[(i128, At)], at: At) -> Cases {
        let operand = self.use_of(value, at);
        let mut arms = Vec::with_capacity(cases.len() + 1);
        let mut known = Vec::with_capacity(cases.len());
        for &(number, at) in cases {
            let block = self.ir.block();
            arms.push(block);
            self.case(&mut known, value.ty, number, block, at);
        }
        let default = self.ir.block();
        arms.push(default);
        self.ir.switch(value.ty.width(), operand, &known, default, at);
        arms.reverse();
        Cases { arms, done: self.ir.block() }
    }

    fn case(&mut self, known: &mut Vec<(i64, Block)>, ty: ScalarType, number: i128, block: Block, at: At) {
        let register = ty.canonical(truncated(number));
        if !ty.holds(number) {
            self.fail(Error::Number { number, ty, site: site(at) });
        }
        if known.iter().any(|(case, _)| *case == register) {
            self.fail(Error::DuplicateCase { number, site: site(at) });
        } else {
            known.push((register, block));
        }
    }

    /// What follows is recorded into the next arm.
    pub(crate) fn arm_begin(&mut self, cases: &mut Cases, at: At) {
        if let Some(block) = cases.arms.pop() {
            self.go_on_in(block);
        }
        self.open_scope(at);
    }

    pub(crate) fn arm_end(&mut self, cases: &Cases, at: At) {
        self.ir.jump(cases.done, at);
        self.close_scope();
    }

    pub(crate) fn switch_end(&mut self, cases: &Cases) {
        self.go_on_in(cases.done);
    }

    /// Returns from the function.
    pub(crate) fn return_(&mut self, value: Datum, at: At) {
        self.check_lent(at);
        let operand = self.use_of(value, at);
        match self.returns {
            Returns::Typed(ty) if ty != value.ty => self.mismatch(ty, value.ty, at),
            _ => {}
        }
        self.check_verdict(value, at);
        self.unlock_to_return(at);
        // A number that the kernel compares with a range is one of 64 bits, whatever its type.
        let operand = match (operand, value.number()) {
            (Operand::Imm(_), Some(number)) => Operand::Imm(truncated(number)),
            _ => operand,
        };
        self.ir.ret(operand, at);
    }

    fn check_verdict(&mut self, value: Datum, at: At) {
        if self.returns == Returns::Flow {
            return;
        }
        let (Some(kind), Some(number)) = (self.kind, value.number()) else { return };
        let Some(range) = kind.return_range() else { return };
        let (least, most) = (*range.start(), *range.end());
        if number < i128::from(least) || number > i128::from(most) {
            self.fail(Error::Verdict { kind, least, most, number, site: site(at) });
        }
    }

    /// A variable of the function, with a value.
    pub(crate) fn variable(&mut self, value: Datum, at: At) -> Variable {
        let operand = self.use_of(value, at);
        let variable = self.ir.variable();
        self.ir.set(variable, operand);
        variable
    }

    pub(crate) fn set_variable(&mut self, variable: Variable, ty: ScalarType, value: Datum, at: At) {
        if ty != value.ty {
            self.mismatch(ty, value.ty, at);
        }
        let operand = self.use_of(value, at);
        self.ir.set(variable, operand);
    }

    pub(crate) fn get_variable(&mut self, variable: Variable, ty: ScalarType) -> Datum {
        let operand = self.ir.get(variable);
        self.made(operand, ty)
    }
}

/// The largest number a loop from `start` to `end` counts, where no negative one is among them.
fn below(start: Datum, end: Datum) -> Option<u64> {
    let least = if start.ty.is_signed() { start.number()? } else { 0 };
    let last = end.number()?.checked_sub(1)?.max(0);
    (least >= 0).then(|| u64::try_from(last).ok())?
}

/// The lowest 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "it is what the name says")]
pub(crate) const fn truncated(number: i128) -> i64 {
    number as i64
}
