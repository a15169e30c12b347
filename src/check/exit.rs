//! Exits: what R0 must hold, and what must not be held any more.

use super::Rule;
use super::scalar::Scalar;
use super::state::Returns;
use super::value::{Memory, Pointer, Value};
use super::walk::{Step, Stop, Walk};
use crate::asm::Reg;
use crate::kind::ProgType;

impl Walk<'_, '_, '_> {
    pub(super) fn exit(&mut self) -> Step {
        match self.state.frame().returns {
            Returns::To(slot) => self.back_to(slot),
            Returns::FromCallback => self.end_of_callback(),
            Returns::FromAsync => self.end_of_async(),
            Returns::FromGlobal => self.end_of_global(),
            Returns::FromProgram => self.end_of_program(),
        }
    }

    fn back_to(&mut self, slot: usize) -> Step {
        let result = self.state.get(Reg::R0);
        if matches!(result, Value::Pointer(Pointer { memory: Memory::Stack(_), .. })) {
            return Err(self.wrong(Rule::StackEscape, "R0 is a pointer to the stack"));
        }
        self.state.frames.pop();
        self.state.clobber();
        self.state.set(Reg::R0, result);
        self.next = slot;
        Ok(())
    }

    fn end_of_callback(&mut self) -> Step {
        match self.read(Reg::R0)? {
            Value::Scalar(number) => self.in_range(number, 0, 1, Rule::CallbackReturn)?,
            Value::Unknown => {}
            other => {
                let reason = format!("R0 is {}", other.describe());
                return Err(self.wrong(Rule::CallbackReturn, reason));
            }
        }
        Err(Stop)
    }

    fn end_of_async(&mut self) -> Step {
        self.nothing_held()?;
        match self.read(Reg::R0)? {
            Value::Scalar(number) => self.in_range(number, 0, 0, Rule::CallbackReturn)?,
            Value::Unknown => {}
            other => {
                let reason = format!("R0 is {}, and must be 0", other.describe());
                return Err(self.wrong(Rule::CallbackReturn, reason));
            }
        }
        Err(Stop)
    }

    fn end_of_global(&mut self) -> Step {
        self.nothing_held()?;
        Err(Stop)
    }

    fn end_of_program(&mut self) -> Step {
        self.nothing_held()?;
        // Programs in place of others return what those do, which may be nothing.
        let typed = [ProgType::EXT, ProgType::STRUCT_OPS, ProgType::LSM, ProgType::TRACING];
        if typed.contains(&self.program.kind.prog_type()) {
            return Err(Stop);
        }
        let result = self.read(Reg::R0)?;
        let Some(range) = self.program.kind.return_range() else { return Err(Stop) };
        let (low, high) = (i64::from(*range.start()), i64::from(*range.end()));
        match result {
            Value::Scalar(number) => self.in_range(number, low, high, Rule::ReturnValue)?,
            Value::Unknown => {}
            other => {
                let reason = format!("R0 is {}, and must be from {low} to {high}", other.describe());
                return Err(self.wrong(Rule::ReturnValue, reason));
            }
        }
        Err(Stop)
    }

    fn in_range(&mut self, number: Scalar, low: i64, high: i64, rule: Rule) -> Step {
        let (first, last) = (number.smin(), number.smax());
        if low <= first && last <= high {
            return Ok(());
        }
        let must = if low == high { format!("{low}") } else { format!("from {low} to {high}") };
        let reason = match number.value() {
            Some(value) => format!("R0 is {}, and must be {must}", value.cast_signed()),
            None => format!("R0 may be anything from {first} to {last}, and must be {must}"),
        };
        let sure = last < low || first > high || number.has_signed_ends();
        self.wrong_if(sure, rule, reason)
    }

    fn nothing_held(&mut self) -> Step {
        if self.state.lock.is_some() {
            return Err(self.wrong(Rule::LockAtExit, "the lock was not released on this path"));
        }
        if let Some(&(_, slot)) = self.state.references.first() {
            let at = slot - self.program.range(self.program.function_of(slot)).start;
            let reason = format!("what instruction {at} acquired is still held on this path");
            return Err(self.wrong(Rule::MissingRelease, reason));
        }
        Ok(())
    }
}
