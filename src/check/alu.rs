//! Arithmetic, on numbers and on pointers.

use super::Rule;
use super::scalar::{Scalar, Truth};
use super::value::{Memory, Null, Pointer, Value};
use super::walk::{Step, Walk};
use crate::asm::{AluOp, Extend, Reg, Source, Width, limits};

impl Walk<'_, '_, '_> {
    pub(super) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Source) -> Step {
        let operand = match src {
            Source::Reg(reg) => self.read(reg)?,
            Source::Imm(imm) => self.immediate(imm),
        };
        if op == AluOp::Mov {
            let moved = self.moved(operand, width);
            return self.write(dst, moved);
        }
        let old = self.read(dst)?;
        if dst == Reg::FP {
            return self.write(dst, old);
        }
        let result = match (old, operand) {
            (Value::Scalar(a), Value::Scalar(b)) => {
                Value::Scalar(self.compute(op, width, a, b, same(dst, src)))
            }
            (Value::Pointer(_), Value::Pointer(_)) => self.both_pointers(op)?,
            (Value::Pointer(pointer), Value::Scalar(by)) => self.offset(op, width, pointer, by, false)?,
            (Value::Scalar(by), Value::Pointer(pointer)) => self.offset(op, width, pointer, by, true)?,
            _ => Value::Unknown,
        };
        self.write(dst, result)
    }

    fn moved(&mut self, value: Value, width: Width) -> Value {
        match (value, width) {
            (value, Width::Bits64) => value,
            (Value::Scalar(scalar), _) => Value::Scalar(scalar.low()),
            // The low half of an address.
            (Value::Pointer(_), _) => Value::Scalar(Scalar::some().low()),
            (other, _) => other,
        }
    }

    fn compute(&mut self, op: AluOp, width: Width, a: Scalar, b: Scalar, same: bool) -> Scalar {
        if same && matches!(op, AluOp::Sub | AluOp::Xor) {
            return Scalar::constant(0);
        }
        let id = self.fresh();
        a.alu(op, width, b, id)
    }

    fn both_pointers(&mut self, op: AluOp) -> Step<Value> {
        if op == AluOp::Sub {
            // The difference of two addresses: allowed with CAP_PERFMON.
            return Ok(Value::Scalar(Scalar::some()));
        }
        Err(self
            .wrong(Rule::PointerArithmetic, "both operands are pointers; only their difference can be taken"))
    }

    /// `pointer op number`, or `number op pointer` if `swapped`.
    fn offset(
        &mut self,
        op: AluOp,
        width: Width,
        pointer: Pointer,
        by: Scalar,
        swapped: bool,
    ) -> Step<Value> {
        if width == Width::Bits32 {
            if op == AluOp::Sub {
                return Ok(Value::Scalar(Scalar::some().low()));
            }
            return Err(self.wrong(Rule::PointerArithmetic, "32-bit arithmetic on a pointer"));
        }
        self.may_be_moved(op, pointer, by)?;
        match op {
            AluOp::Add => self.moved_by(pointer, by),
            AluOp::Sub if swapped => {
                Err(self.wrong(Rule::PointerArithmetic, "a pointer is subtracted from a number"))
            }
            AluOp::Sub if matches!(pointer.memory, Memory::Stack(_)) => Err(self.wrong(
                Rule::PointerArithmetic,
                "a number is subtracted from a pointer to the stack; add its negative",
            )),
            AluOp::Sub => {
                let id = self.fresh();
                self.moved_by(pointer, by.negate(Width::Bits64, id))
            }
            _ => {
                let reason = format!("{} does not allow this operation", pointer.describe());
                Err(self.wrong(Rule::PointerArithmetic, reason))
            }
        }
    }

    fn may_be_moved(&mut self, op: AluOp, pointer: Pointer, by: Scalar) -> Step {
        match (pointer.null, pointer.memory) {
            (Null::Maybe, _) => {
                let reason = format!("{}: arithmetic needs a comparison with 0 first", pointer.describe());
                Err(self.wrong(Rule::PointerArithmetic, reason))
            }
            (Null::Perhaps, _) => {
                let before = self.program.is_before(6, 15);
                self.wrong_if(
                    before,
                    Rule::PointerArithmetic,
                    "before Linux 6.15 a look-up may always give null",
                )
            }
            (_, Memory::Map(_) | Memory::PacketEnd) if by.value() != Some(0) || op != AluOp::Add => {
                let reason = format!("{} cannot be moved", pointer.describe());
                let sure = by.value().is_some() || !by.may_be(0) || by.has_unsigned_ends();
                if sure {
                    Err(self.wrong(Rule::PointerArithmetic, reason))
                } else {
                    self.wrong_if(false, Rule::PointerArithmetic, reason)
                }
            }
            _ => Ok(()),
        }
    }

    fn moved_by(&mut self, pointer: Pointer, by: Scalar) -> Step<Value> {
        if pointer.memory == Memory::Object {
            return Ok(Value::Unknown);
        }
        let limit = i64::from(limits::VARIABLE_OFFSET);
        if let Some(value) = by.value() {
            let value = value.cast_signed();
            if !(-limit < value && value < limit) {
                return Err(
                    self.wrong(Rule::PointerArithmetic, format!("{value} is too much to add to a pointer"))
                );
            }
            let off = pointer.off.saturating_add(value);
            if !(-limit < off && off < limit) {
                return Err(
                    self.wrong(Rule::PointerArithmetic, format!("{off} bytes are too far from its start"))
                );
            }
            return Ok(Value::Pointer(Pointer { off, ..pointer }));
        }
        let packet = pointer.memory.is_packet();
        if packet && by.truth == Truth::Some {
            // The kernel may know a constant, and what was checked holds on.
            return Ok(Value::Unknown);
        }
        if by.smin() == i64::MIN && by.has_signed_ends() {
            return Err(self.wrong(Rule::PointerArithmetic, "the number that is added has no lower bound"));
        }
        let var = match pointer.var {
            None => by,
            Some(var) => {
                let id = self.fresh();
                var.alu(AluOp::Add, Width::Bits64, by, id)
            }
        };
        let pointer = match packet {
            true => Pointer { id: self.fresh(), range: 0, behind: false, ..pointer },
            false => pointer,
        };
        Ok(Value::Pointer(match var.value() {
            Some(value) => {
                Pointer { var: None, off: pointer.off.wrapping_add(value.cast_signed()), ..pointer }
            }
            None => Pointer { var: Some(var), ..pointer },
        }))
    }

    pub(super) fn negate(&mut self, width: Width, dst: Reg) -> Step {
        let id = self.fresh();
        let result = match self.read(dst)? {
            Value::Scalar(scalar) => Value::Scalar(scalar.negate(width, id)),
            Value::Pointer(_) => Value::Scalar(Scalar::some()),
            other => other,
        };
        self.write(dst, result)
    }

    pub(super) fn extend(&mut self, extend: Extend, dst: Reg, src: Reg) -> Step {
        let id = self.fresh();
        let result = match self.read(src)? {
            Value::Scalar(scalar) => Value::Scalar(scalar.extend_sign(extend.from(), extend.to(), id)),
            Value::Pointer(_) => Value::Scalar(Scalar::some()),
            other => other,
        };
        self.write(dst, result)
    }

    /// Byte order: the result is some number, whatever it was.
    pub(super) fn swap(&mut self, dst: Reg) -> Step {
        let result = match self.read(dst)? {
            Value::Unknown => Value::Unknown,
            _ => Value::Scalar(Scalar::some()),
        };
        self.write(dst, result)
    }
}

fn same(dst: Reg, src: Source) -> bool {
    src == Source::Reg(dst)
}
