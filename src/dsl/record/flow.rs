//! Structured control flow as blocks: each construct opens a scope for every closure and says where it goes on.

use super::{CondId, Comparison, Datum, Returns, State};
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Block, Operand, Variable};
use crate::dsl::record::Binary;
use crate::dsl::types::Scalar;

/// The arms of an if or a switch while they are recorded.
#[derive(Debug)]
pub(crate) struct Arm {
    /// Where the other arm begins; the end, where there is none.
    otherwise: Block,
    done: Block,
    /// Whether the construct can be reached.
    live: bool,
    /// Whether its end can.
    done_live: bool,
}

/// A loop while its body is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    head: Block,
    /// Where continue goes.
    next: Block,
    next_live: bool,
    exit: Block,
    exit_live: bool,
}

/// A switch while its cases are recorded.
#[derive(Debug)]
pub(crate) struct Cases {
    dispatch: Block,
    value: Datum,
    cases: Vec<(i64, Block)>,
    done: Block,
    live: bool,
    done_live: bool,
}

/// A for loop while its body is recorded.
#[derive(Debug)]
pub(crate) struct Count {
    counter: Variable,
    end: Datum,
}

impl State {
    fn jump(&mut self, block: Block, at: At) {
        if self.ir.current().is_some() {
            self.ir.jump(block, at);
        }
    }

    /// Begins an if: what follows is recorded into its first arm.
    pub(crate) fn if_begin(&mut self, cond: CondId, has_else: bool, at: At) -> Arm {
        let (then, done) = (self.ir.block(), self.ir.block());
        let otherwise = if has_else { self.ir.block() } else { done };
        self.branch(cond, then, otherwise, at);
        self.go_on_in(then);
        self.open_scope(at);
        Arm { otherwise, done, live: self.live, done_live: self.live && !has_else }
    }

    /// Ends the first arm and begins the other one.
    pub(crate) fn if_else(&mut self, arm: &mut Arm, at: At) {
        arm.done_live |= self.live;
        self.jump(arm.done, at);
        self.close_scope();
        self.go_on_in(arm.otherwise);
        self.open_scope(at);
        self.live = arm.live;
    }

    /// Ends the last arm.
    pub(crate) fn if_end(&mut self, arm: &Arm, at: At) {
        let done_live = arm.done_live | self.live;
        self.jump(arm.done, at);
        self.close_scope();
        self.go_on_in(arm.done);
        self.live = done_live;
    }

    /// Begins a loop: what follows is recorded into its head, where it begins each round.
    pub(crate) fn loop_begin(&mut self, at: At) {
        let (head, exit) = (self.ir.block(), self.ir.block());
        self.jump(head, at);
        self.ir.switch_to(head);
        self.open_scope(at);
        self.loops.push(Loop { head, next: head, next_live: self.live, exit, exit_live: false });
    }

    /// Goes on with the loop if the condition holds.
    pub(crate) fn loop_while(&mut self, cond: CondId, at: At) {
        let body = self.ir.block();
        let live = self.live;
        if let Some(last) = self.loops.last_mut() {
            last.exit_live |= live;
            let exit = last.exit;
            self.branch(cond, body, exit, at);
        }
        self.go_on_in(body);
    }

    /// Ends the innermost loop.
    pub(crate) fn loop_end(&mut self, at: At) {
        let Some(last) = self.loops.pop() else { return };
        self.jump(last.head, at);
        self.ir.seal(last.head);
        self.leave_loop(&last);
    }

    fn leave_loop(&mut self, last: &Loop) {
        self.close_scope();
        self.go_on_in(last.exit);
        self.live = last.exit_live;
    }

    /// Begins a loop that counts from `start` to `end`, which it does not reach. The number of the round.
    pub(crate) fn count_begin(&mut self, start: Datum, end: Datum, at: At) -> (Count, Datum) {
        let (head, next, exit) = (self.ir.block(), self.ir.block(), self.ir.block());
        let compare = self.compare(Comparison::Lt, start, end, at);
        let counter = self.ir.variable();
        self.ir.set(counter, start.operand);
        let known = start.number().zip(end.number());
        match known {
            Some((start, end)) if start < end => self.jump(head, at),
            _ => self.ir.branch(compare, head, exit, at),
        }
        self.ir.switch_to(head);
        self.open_scope(at);
        let always = known.is_some_and(|(start, end)| start < end);
        let exit_live = self.live && !always;
        self.loops.push(Loop { head, next, next_live: false, exit, exit_live });
        let index = self.ir.get(counter);
        let made = self.made(index, start.ty);
        let most = below(start, end).unwrap_or(made.most);
        (Count { counter, end }, Datum { most, ..made })
    }

    /// Ends the innermost loop, one that counts.
    pub(crate) fn count_end(&mut self, count: &Count, at: At) {
        let Some(last) = self.loops.pop() else { return };
        let next_live = last.next_live | self.live;
        self.jump(last.next, at);
        self.go_on_in(last.next);
        let index = self.ir.get(count.counter);
        let index = self.made(index, count.end.ty);
        let raised = self.binary(Binary::Add, index, Datum::constant(1, index.ty), at);
        self.ir.set(count.counter, raised.operand);
        let compare = self.compare(Comparison::Lt, raised, count.end, at);
        self.ir.branch(compare, last.head, last.exit, at);
        self.ir.seal(last.head);
        self.leave_loop(&Loop { exit_live: last.exit_live | next_live, ..last });
    }

    pub(crate) fn break_(&mut self, at: At) {
        let live = self.live;
        match self.loops.last_mut() {
            Some(last) => {
                last.exit_live |= live;
                let exit = last.exit;
                self.jump(exit, at);
            }
            None => self.fail(Error::NoLoop { what: "break", site: site(at) }),
        }
        self.live = false;
    }

    pub(crate) fn continue_(&mut self, at: At) {
        let live = self.live;
        match self.loops.last_mut() {
            Some(last) => {
                last.next_live |= live;
                let next = last.next;
                self.jump(next, at);
            }
            None => self.fail(Error::NoLoop { what: "continue", site: site(at) }),
        }
        self.live = false;
    }

    /// Begins a switch; its cases follow.
    pub(crate) fn switch_begin(&mut self, value: Datum, at: At) -> Cases {
        self.use_of(value, at);
        let (dispatch, done) = (self.ir.block(), self.ir.block());
        self.jump(dispatch, at);
        Cases { dispatch, value, cases: Vec::new(), done, live: self.live, done_live: false }
    }

    /// What follows is recorded into the case.
    pub(crate) fn case_begin(&mut self, switch: &mut Cases, number: i128, at: At) {
        let ty = switch.value.ty;
        if !ty.holds(number) {
            self.fail(Error::Number { number, ty, site: site(at) });
        }
        let register = ty.canonical(truncated(number));
        let block = self.ir.block();
        if switch.cases.iter().any(|(known, _)| *known == register) {
            self.fail(Error::DuplicateCase { number, site: site(at) });
        } else {
            switch.cases.push((register, block));
        }
        self.arm_begin(block, switch.live, at);
    }

    fn arm_begin(&mut self, block: Block, live: bool, at: At) {
        self.ir.switch_to(block);
        self.open_scope(at);
        self.live = live;
    }

    /// Ends a case.
    pub(crate) fn case_end(&mut self, switch: &mut Cases, at: At) {
        switch.done_live |= self.live;
        self.jump(switch.done, at);
        self.close_scope();
    }

    /// All cases are there: what follows is recorded into the default.
    pub(crate) fn default_begin(&mut self, switch: &Cases, at: At) {
        let default = self.ir.block();
        self.go_on_in(switch.dispatch);
        let (width, value) = (switch.value.ty.width(), switch.value.operand);
        self.ir.switch(width, value, &switch.cases, default, at);
        for (_, block) in &switch.cases {
            self.ir.seal(*block);
        }
        self.ir.seal(default);
        self.arm_begin(default, switch.live, at);
    }

    /// Ends a switch.
    pub(crate) fn switch_end(&mut self, switch: &Cases) {
        self.go_on_in(switch.done);
        self.live = switch.done_live;
    }

    /// Returns from the function.
    pub(crate) fn return_(&mut self, value: Datum, at: At) {
        let operand = self.use_of(value, at);
        if let Returns::Any(ty) = self.returns {
            if ty != value.ty {
                self.mismatch(ty, value.ty, at);
            }
        }
        self.check_verdict(value, at);
        // A number that the kernel compares with a range is one of 64 bits, whatever its type.
        let operand = match (operand, value.number()) {
            (Operand::Imm(_), Some(number)) => Operand::Imm(truncated(number)),
            _ => operand,
        };
        self.ir.ret(operand, at);
        self.live = false;
    }

    fn check_verdict(&mut self, value: Datum, at: At) {
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

    pub(crate) fn set_variable(&mut self, variable: Variable, ty: Scalar, value: Datum, at: At) {
        if ty != value.ty {
            self.mismatch(ty, value.ty, at);
        }
        let operand = self.use_of(value, at);
        self.ir.set(variable, operand);
    }

    pub(crate) fn get_variable(&mut self, variable: Variable, ty: Scalar) -> Datum {
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
