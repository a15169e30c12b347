//! What the machine makes of constants.

use super::ir::{Compare, Operand};
use crate::asm::{AluOp, Cond, Width};

/// A number as an operation of this width leaves it: zero above.
pub(crate) fn truncated(width: Width, number: i64) -> i64 {
    if width == Width::Bits32 { i64::from(number as u32) } else { number }
}

/// A number whose sign, in this width, goes all the way up.
pub(crate) fn signed(width: Width, number: i64) -> i64 {
    if width == Width::Bits32 { i64::from(number as i32) } else { number }
}

/// The result of an operation.
pub(crate) fn alu(op: AluOp, width: Width, a: i64, b: i64) -> i64 {
    match width {
        Width::Bits64 => alu64(op, a, b),
        Width::Bits32 => i64::from(alu32(op, a as i32, b as i32).cast_unsigned()),
    }
}

macro_rules! operations {
    ($name:ident $signed:ty) => {
        /// Division by zero gives zero, its rest is what was divided; shifts count modulo the width (RFC 9669, 4.1).
        fn $name(op: AluOp, a: $signed, b: $signed) -> $signed {
            let (left, right) = (a.cast_unsigned(), b.cast_unsigned());
            match op {
                AluOp::Add => a.wrapping_add(b),
                AluOp::Sub => a.wrapping_sub(b),
                AluOp::Mul => a.wrapping_mul(b),
                AluOp::Div => left.checked_div(right).unwrap_or(0).cast_signed(),
                AluOp::Mod => left.checked_rem(right).unwrap_or(left).cast_signed(),
                AluOp::SDiv if b == 0 => 0,
                AluOp::SDiv => a.wrapping_div(b),
                AluOp::SMod if b == 0 => a,
                AluOp::SMod => a.wrapping_rem(b),
                AluOp::Or => a | b,
                AluOp::And => a & b,
                AluOp::Xor => a ^ b,
                AluOp::Lsh => a.wrapping_shl(b as u32),
                AluOp::Rsh => left.wrapping_shr(b as u32).cast_signed(),
                AluOp::Arsh => a.wrapping_shr(b as u32),
                AluOp::Mov => b,
            }
        }
    };
}

operations!(alu64 i64);
operations!(alu32 i32);

/// Whether a comparison of constants holds.
pub(crate) fn holds(cond: Cond, width: Width, a: i64, b: i64) -> bool {
    let (sa, sb) = (signed(width, a), signed(width, b));
    let (a, b) = (truncated(width, a).cast_unsigned(), truncated(width, b).cast_unsigned());
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::SGt => sa > sb,
        Cond::SGe => sa >= sb,
        Cond::SLt => sa < sb,
        Cond::SLe => sa <= sb,
        Cond::Set => a & b != 0,
    }
}

/// Whether a comparison holds, if both sides are constants or the same value.
pub(crate) fn decided(compare: &Compare) -> Option<bool> {
    match (compare.a, compare.b) {
        (Operand::Imm(a), Operand::Imm(b)) => Some(holds(compare.cond, compare.width, a, b)),
        (a, b) if a == b => match compare.cond {
            Cond::Eq | Cond::Ge | Cond::Le | Cond::SGe | Cond::SLe => Some(true),
            Cond::Ne | Cond::Gt | Cond::Lt | Cond::SGt | Cond::SLt => Some(false),
            Cond::Set => None,
        },
        _ => None,
    }
}

/// Operators whose operands can change places.
pub(crate) const fn commutes(op: AluOp) -> bool {
    matches!(op, AluOp::Add | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor)
}
