//! Arithmetic, comparisons and conversions of values whose types are known at run time.

use super::flow::truncated;
use super::{Datum, State};
use crate::asm::{AluOp, Cond, Width};
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Compare, Op, Operand};
use crate::dsl::types::ScalarType;

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `+`, which wraps.
    Add,
    /// `-`, which wraps.
    Sub,
    /// `*`, which wraps.
    Mul,
    /// `/`; by 0 it is 0.
    Div,
    /// `%`; by 0 it is the left operand.
    Rem,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `<<`
    Shl,
    /// `>>`, which keeps the sign of a signed number.
    Shr,
}

impl Binary {
    const fn op(self, signed: bool) -> AluOp {
        match (self, signed) {
            (Self::Add, _) => AluOp::Add,
            (Self::Sub, _) => AluOp::Sub,
            (Self::Mul, _) => AluOp::Mul,
            (Self::Div, false) => AluOp::Div,
            (Self::Div, true) => AluOp::SDiv,
            (Self::Rem, false) => AluOp::Mod,
            (Self::Rem, true) => AluOp::SMod,
            (Self::And, _) => AluOp::And,
            (Self::Or, _) => AluOp::Or,
            (Self::Xor, _) => AluOp::Xor,
            (Self::Shl, _) => AluOp::Lsh,
            (Self::Shr, false) => AluOp::Rsh,
            (Self::Shr, true) => AluOp::Arsh,
        }
    }

    /// Whether the result of two numbers below 32 bits, extended, may be one that is not.
    const fn overflows(self, signed: bool) -> bool {
        match self {
            Self::And | Self::Or | Self::Xor | Self::Shr | Self::Rem => false,
            Self::Div => signed,
            Self::Add | Self::Sub | Self::Mul | Self::Shl => true,
        }
    }

    const fn is_shift(self) -> bool {
        matches!(self, Self::Shl | Self::Shr)
    }

    /// The largest result, where the verifier works it out as well.
    fn most(self, a: Datum, b: Datum) -> Option<u64> {
        match (self, b.operand) {
            (Self::And, _) => Some(a.most.min(b.most)),
            (Self::Shr, Operand::Imm(by)) if !a.ty.is_signed() => a.most.checked_shr(u32::try_from(by).ok()?),
            (Self::Shl, Operand::Imm(by)) => a.most.checked_mul(1u64.checked_shl(u32::try_from(by).ok()?)?),
            (Self::Add, _) => a.most.checked_add(b.most),
            _ => None,
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    const fn cond(self, signed: bool) -> Cond {
        match (self, signed) {
            (Self::Eq, _) => Cond::Eq,
            (Self::Ne, _) => Cond::Ne,
            (Self::Lt, false) => Cond::Lt,
            (Self::Le, false) => Cond::Le,
            (Self::Gt, false) => Cond::Gt,
            (Self::Ge, false) => Cond::Ge,
            (Self::Lt, true) => Cond::SLt,
            (Self::Le, true) => Cond::SLe,
            (Self::Gt, true) => Cond::SGt,
            (Self::Ge, true) => Cond::SGe,
        }
    }
}

impl State {
    /// `a op b`, both of one integer type; the amount of a shift may be of any.
    pub(crate) fn binary(&mut self, op: Binary, a: Datum, b: Datum, at: At) -> Datum {
        let ty = a.ty;
        self.check_integers(op, a, b, at);
        self.check_constant(op, ty, b, at);
        let (left, right) = (self.use_of(a, at), self.use_of(b, at));
        let raw = Op::Alu { op: op.op(ty.is_signed()), width: ty.width(), a: left, b: right };
        let result = self.push(raw, at);
        let most = op.most(a, b).filter(|&most| ty.holds(i128::from(most)));
        let result =
            if op.overflows(ty.is_signed()) && most.is_none() { self.narrow(result, ty, at) } else { result };
        let made = self.made(result, ty);
        Datum { most: most.unwrap_or(made.most), ..made }
    }

    fn check_integers(&mut self, op: Binary, a: Datum, b: Datum, at: At) {
        if a.ty.is_bool() && !matches!(op, Binary::And | Binary::Or | Binary::Xor) {
            self.fail(Error::Type { expected: "number".into(), found: a.ty.to_string(), site: site(at) });
        }
        if a.ty != b.ty && !op.is_shift() {
            self.mismatch(a.ty, b.ty, at);
        }
    }

    fn check_constant(&mut self, op: Binary, ty: ScalarType, b: Datum, at: At) {
        let Operand::Imm(number) = b.operand else { return };
        match op {
            Binary::Div | Binary::Rem if number == 0 => self.fail(Error::DivisionByZero { site: site(at) }),
            Binary::Shl | Binary::Shr if !(0..i64::from(ty.bits())).contains(&number) => {
                self.fail(Error::Shift { ty, amount: number, site: site(at) });
            }
            _ => {}
        }
    }

    pub(crate) fn mismatch(&mut self, expected: ScalarType, found: ScalarType, at: At) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.fail(Error::Type { expected, found, site: site(at) });
    }

    /// Extends the lowest bits of a 32-bit result again, where the type has fewer.
    fn narrow(&mut self, value: Operand, ty: ScalarType, at: At) -> Operand {
        if ty.is_narrow() { self.extend(value, ty, at) } else { value }
    }

    fn extend(&mut self, a: Operand, ty: ScalarType, at: At) -> Operand {
        let bits = ty.bits();
        if let Operand::Imm(number) = a {
            return Operand::Imm(ty.canonical(number));
        }
        match ty.is_signed() && bits < 32 {
            true => self.push(Op::SignExtend { bits, width: Width::Bits32, a }, at),
            false => self.push(Op::ZeroExtend { bits, a }, at),
        }
    }

    /// `-a`, which wraps.
    pub(crate) fn negate(&mut self, a: Datum, at: At) -> Datum {
        self.check_integers(Binary::Sub, a, a, at);
        let operand = self.use_of(a, at);
        let result = self.push(Op::Neg { width: a.ty.width(), a: operand }, at);
        let result = self.narrow(result, a.ty, at);
        self.made(result, a.ty)
    }

    /// `!a`: every bit the other way round; of a truth value its one bit.
    pub(crate) fn complement(&mut self, a: Datum, at: At) -> Datum {
        let ones = if a.ty.is_bool() { 1 } else { -1 };
        let ones = Datum { operand: Operand::Imm(a.ty.canonical(ones)), ..Datum::constant(0, a.ty) };
        self.binary(Binary::Xor, a, ones, at)
    }

    /// The same number as another type, as Rust's `as` has it.
    pub(crate) fn convert(&mut self, a: Datum, to: ScalarType, at: At) -> Datum {
        let operand = self.use_of(a, at);
        if to.is_bool() && !a.ty.is_bool() {
            self.fail(Error::Type { expected: "bool".into(), found: a.ty.to_string(), site: site(at) });
        }
        let result = match operand {
            Operand::Imm(register) => Operand::Imm(to.canonical(truncated(a.ty.number(register)))),
            Operand::Val(_) => self.convert_register(operand, a.ty, to, at),
        };
        let made = self.made(result, to);
        let same = to.holds(i128::from(a.most));
        Datum { most: if same { a.most } else { made.most }, ..made }
    }

    fn convert_register(&mut self, a: Operand, from: ScalarType, to: ScalarType, at: At) -> Operand {
        let fits = to.bits() > from.bits() && (!from.is_signed() || to.is_signed() || to.bits() == 32);
        let same = to.bits() == from.bits() && (to.is_signed() == from.is_signed() || to.bits() >= 32);
        match (to.bits(), from.is_signed()) {
            (64, true) if from.bits() < 64 => {
                self.push(Op::SignExtend { bits: 32, width: Width::Bits64, a }, at)
            }
            _ if fits || same || to.bits() == 64 => a,
            _ => self.extend(a, to, at),
        }
    }

    /// A comparison of two values of one type.
    pub(crate) fn compare(&mut self, op: Comparison, a: Datum, b: Datum, at: At) -> Compare {
        if a.ty != b.ty {
            self.mismatch(a.ty, b.ty, at);
        }
        let (left, right) = (self.use_of(a, at), self.use_of(b, at));
        Compare { cond: op.cond(a.ty.is_signed()), width: a.ty.width(), a: left, b: right }
    }
}
