//! Arithmetic made simpler, exactly, in both widths.

use super::super::eval;
use super::super::ir::{Memory, Op, Operand};
use super::facts;
use super::values::{Here, Walk};
use crate::asm::{AluOp, Size, Width};

/// Makes an operation simpler; what stands for it, if it need not be made at all.
pub(super) fn simplify(op: &mut Op, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Operand> {
    // Each rule leaves something simpler, so this ends.
    while let Some(next) = step(op, walk, here) {
        match next {
            Next::Is(operand) => return Some(operand),
            Next::Op(simpler) => *op = simpler,
        }
    }
    None
}

enum Next {
    Is(Operand),
    Op(Op),
}

fn is(operand: impl Into<Operand>) -> Option<Next> {
    Some(Next::Is(operand.into()))
}

fn step(op: &Op, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    match *op {
        Op::Copy { a } => is(a),
        Op::Alu { op, width, a, b } => binary(Alu { op, width, a, b }, walk, here),
        Op::Neg { width, a: Operand::Imm(a) } => is(eval::truncated(width, a.wrapping_neg())),
        Op::Neg { width: Width::Bits64, a } => match walk.op_used_once(a, here)? {
            Op::Neg { width: Width::Bits64, a } => is(*a),
            _ => None,
        },
        Op::ZeroExtend { bits, a } => zero_extend(bits, a, walk, here),
        Op::SignExtend { bits, width, a } => sign_extend(bits, width, a, walk, here),
        Op::Select { compare, then, otherwise } => match eval::decided(&compare) {
            _ if then == otherwise => is(then),
            Some(true) => is(then),
            Some(false) => is(otherwise),
            None => None,
        },
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Alu {
    op: AluOp,
    width: Width,
    a: Operand,
    b: Operand,
}

impl From<Alu> for Op {
    fn from(Alu { op, width, a, b }: Alu) -> Self {
        Self::Alu { op, width, a, b }
    }
}

fn binary(alu: Alu, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    let Alu { op, width, a, b } = alu;
    match (a, b) {
        (Operand::Imm(a), Operand::Imm(b)) => is(eval::alu(op, width, a, b)),
        (Operand::Imm(_), _) if eval::commutes(op) => Some(Next::Op(Alu { a: b, b: a, ..alu }.into())),
        (Operand::Imm(a), _) => of_constant(op, width, a, b),
        (_, Operand::Imm(by)) => match canonical(op, width, by) {
            canonical if canonical != by => Some(Next::Op(Alu { b: canonical.into(), ..alu }.into())),
            by => by_constant(alu, by, walk)
                .or_else(|| chain(alu, by, walk, here))
                .or_else(|| strip(alu, walk, here)),
        },
        _ if a == b => of_itself(alu, walk),
        _ => without_bits(alu, walk, here).or_else(|| strip(alu, walk, here)),
    }
}

/// One way to write a constant: by the sign of its width; a shift below the width.
fn canonical(op: AluOp, width: Width, number: i64) -> i64 {
    if op.shifts() { number & i64::from(width.bits() - 1) } else { eval::signed(width, number) }
}

fn of_constant(op: AluOp, width: Width, a: i64, b: Operand) -> Option<Next> {
    let zero_stays = matches!(
        op,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh | AluOp::Div | AluOp::Mod | AluOp::SDiv | AluOp::SMod
    );
    match op {
        AluOp::Sub if eval::truncated(width, a) == 0 => Some(Next::Op(Op::Neg { width, a: b })),
        _ if zero_stays && eval::truncated(width, a) == 0 => is(0),
        _ => None,
    }
}

fn of_itself(alu: Alu, walk: &Walk<'_>) -> Option<Next> {
    match alu.op {
        AluOp::Sub | AluOp::Xor => is(0),
        AluOp::And | AluOp::Or => same(alu.width, alu.a, walk),
        _ => None,
    }
}

/// A number without some of its bits: `x ^ (x & mask)`, `x - (x & mask)`.
fn without_bits(alu: Alu, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    let (x, masked) = match alu.op {
        AluOp::Sub | AluOp::Xor => (alu.a, alu.b),
        _ => return None,
    };
    let Op::Alu { op: AluOp::And, a, b: Operand::Imm(mask), width } = *walk.op_of(masked, here)? else {
        return None;
    };
    // A mask of 32 bits clears the upper half: so does a number that is not negative in 64.
    if a != x || (width != alu.width && mask < 0) {
        return None;
    }
    walk.exchanged(masked, Operand::Imm(0));
    Some(Next::Op(Op::Alu { op: AluOp::And, width: alu.width, a: x, b: (!mask).into() }))
}

/// The operand as this width leaves it.
fn same(width: Width, a: Operand, walk: &Walk<'_>) -> Option<Next> {
    if width == Width::Bits64 || walk.bits(a).real <= 32 {
        is(a)
    } else {
        Some(Next::Op(Op::ZeroExtend { bits: 32, a }))
    }
}

fn by_constant(alu: Alu, by: i64, walk: &Walk<'_>) -> Option<Next> {
    let Alu { op, width, a, .. } = alu;
    let with = |op, b: i64| Some(Next::Op(Alu { op, b: b.into(), ..alu }.into()));
    let negated = || Some(Next::Op(Op::Neg { width, a }));
    let power = power_of_two(width, by);
    match (op, by) {
        (AluOp::Add | AluOp::Or | AluOp::Xor | AluOp::Lsh | AluOp::Rsh | AluOp::Arsh | AluOp::Sub, 0) => {
            same(width, a, walk)
        }
        (AluOp::Mul | AluOp::Div | AluOp::SDiv, 1) => same(width, a, walk),
        (AluOp::Mod | AluOp::SMod, 0) => same(width, a, walk),
        (AluOp::Mul | AluOp::And | AluOp::Div | AluOp::SDiv, 0) => is(0),
        (AluOp::Mod | AluOp::SMod, 1) | (AluOp::SMod, -1) => is(0),
        (AluOp::Mul | AluOp::SDiv, -1) => negated(),
        (AluOp::Or, -1) => is(eval::truncated(width, -1)),
        (AluOp::And, mask) if masks_nothing(width, mask, a, walk) => same(width, a, walk),
        // One form for both, which goes into offsets.
        (AluOp::Sub, _) => with(AluOp::Add, eval::signed(width, by.wrapping_neg())),
        (AluOp::Mul, _) => with(AluOp::Lsh, power?),
        (AluOp::Div, _) => with(AluOp::Rsh, power?),
        (AluOp::Mod, _) => power.and_then(|power| with(AluOp::And, (1_i64 << power).wrapping_sub(1))),
        _ => None,
    }
}

fn power_of_two(width: Width, number: i64) -> Option<i64> {
    let number = eval::truncated(width, number).cast_unsigned();
    number.is_power_of_two().then(|| number.trailing_zeros().into())
}

/// Whether all bits that can be set are in the mask, and the verifier knows it.
fn masks_nothing(width: Width, mask: i64, a: Operand, walk: &Walk<'_>) -> bool {
    let kept = eval::truncated(width, mask).trailing_ones();
    let bits = walk.bits(a);
    if kept >= 32 && width == Width::Bits32 {
        return true;
    }
    u32::from(bits.seen) <= kept
}

/// Two constants one after the other become one, if what lies between has no other use: the verifier may have learned
/// of it where it was compared.
fn chain(alu: Alu, by: i64, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    let inner = walk.op_used_once(alu.a, here).or_else(|| step_of_pointer(alu, walk, here))?;
    let Op::Alu { op, width, a, b: Operand::Imm(first) } = *inner else { return None };
    if width != alu.width {
        return None;
    }
    let bits = i64::from(width.bits());
    let (op, by) = match (op, alu.op) {
        (AluOp::Add, AluOp::Add) => (AluOp::Add, first.wrapping_add(by)),
        (AluOp::Mul, AluOp::Mul) => (AluOp::Mul, first.wrapping_mul(by)),
        (AluOp::And, AluOp::And) => (AluOp::And, first & by),
        (AluOp::Or, AluOp::Or) => (AluOp::Or, first | by),
        (AluOp::Xor, AluOp::Xor) => (AluOp::Xor, first ^ by),
        (AluOp::Lsh, AluOp::Lsh) if first + by < bits => (AluOp::Lsh, first + by),
        (AluOp::Rsh, AluOp::Rsh) if first + by < bits => (AluOp::Rsh, first + by),
        (AluOp::Lsh, AluOp::Rsh)
            if first == by && width == Width::Bits64 && matches!(bits - by, 8 | 16 | 32) =>
        {
            walk.exchanged(alu.a, a);
            return Some(Next::Op(Op::ZeroExtend { bits: (bits - by) as u8, a }));
        }
        (AluOp::Lsh, AluOp::Arsh) if first == by && matches!(bits - by, 8 | 16 | 32) => {
            walk.exchanged(alu.a, a);
            return Some(Next::Op(Op::SignExtend { bits: (bits - by) as u8, width, a }));
        }
        _ => return None,
    };
    walk.exchanged(alu.a, a);
    Some(Next::Op(Op::Alu { op, width, a, b: eval::signed(width, by).into() }))
}

/// The step before a step of a pointer.
fn step_of_pointer<'s>(alu: Alu, walk: &'s Walk<'_>, here: &Here<'s>) -> Option<&'s Op> {
    let inner = walk.op_of(alu.a, here)?;
    match inner {
        Op::Alu { op: AluOp::Add, a, .. } if walk.is_pointer(alu.a) || walk.is_pointer(*a) => Some(inner),
        _ => None,
    }
}

/// What only changes bits that the operation does not look at is left out.
fn strip(alu: Alu, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    if alu.width != Width::Bits32 {
        return None;
    }
    if let Some(a) = stripped(32, alu.a, walk, here) {
        walk.exchanged(alu.a, a);
        return Some(Next::Op(Alu { a, ..alu }.into()));
    }
    let b = stripped(32, alu.b, walk, here)?;
    walk.exchanged(alu.b, b);
    Some(Next::Op(Alu { b, ..alu }.into()))
}

/// An operand whose low bits, so many, are those of another one.
pub(super) fn stripped(bits: u8, operand: Operand, walk: &Walk<'_>, here: &Here<'_>) -> Option<Operand> {
    match *walk.op_used_once(operand, here)? {
        Op::ZeroExtend { bits: kept, a } | Op::SignExtend { bits: kept, a, .. } if kept >= bits => Some(a),
        Op::Alu { op: AluOp::And, a, b: Operand::Imm(mask), .. } if mask.trailing_ones() >= bits.into() => {
            Some(a)
        }
        _ => None,
    }
}

fn zero_extend(bits: u8, a: Operand, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    if let Operand::Imm(number) = a {
        return is(number & ((1 << bits) - 1));
    }
    let known = walk.bits(a);
    // Of 32 bits the truth will do: comparisons of what fits them are made in 64 bits, which the verifier follows.
    if if bits == 32 { known.real <= 32 } else { known.seen <= bits } {
        return is(a);
    }
    if let Some(a) = narrowed(bits, a, walk, here) {
        return Some(Next::Op(a));
    }
    if let Some(inner) = stripped(bits, a, walk, here) {
        walk.exchanged(a, inner);
        return Some(Next::Op(Op::ZeroExtend { bits, a: inner }));
    }
    if bits < 32 {
        let mask = Operand::Imm((1 << bits) - 1);
        return Some(Next::Op(Op::Alu { op: AluOp::And, width: Width::Bits32, a, b: mask }));
    }
    None
}

/// A 64-bit operation of which only the lower half is wanted, in 32 bits.
fn narrowed(bits: u8, a: Operand, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Op> {
    let Op::Alu { op, width: Width::Bits64, a: left, b: right } = *walk.op_used_once(a, here)? else {
        return None;
    };
    let fits = match op {
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => true,
        AluOp::Lsh => facts::constant(right).is_some_and(|by| by < 32),
        _ => false,
    };
    // The verifier takes no 32-bit arithmetic on pointers, not even their difference.
    let numbers = [left, right].into_iter().all(|operand| is_number(operand, walk, here, 0));
    if bits != 32 || !fits || !numbers {
        return None;
    }
    walk.exchanged(a, left);
    let b = facts::constant(right).map_or(right, |number| eval::signed(Width::Bits32, number).into());
    Some(Op::Alu { op, width: Width::Bits32, a: left, b })
}

/// How many operations back are looked at.
const FAR: u32 = 4;

/// Whether an operand is certainly no pointer.
fn is_number(operand: Operand, walk: &Walk<'_>, here: &Here<'_>, back: u32) -> bool {
    let Some(op) = walk.op_of(operand, here) else { return facts::constant(operand).is_some() };
    match *op {
        Op::Load { size: Size::B | Size::H, .. } => true,
        // Those of a context can be pointers, whatever their size.
        Op::Load { memory: Memory::Map | Memory::Packet | Memory::ReadOnly, .. } => true,
        Op::Load { memory, .. } => memory != Memory::Context && walk.bits(operand).real <= 32,
        Op::Alu { op: AluOp::Add | AluOp::Sub, width: Width::Bits64, a, b } => {
            back < FAR && is_number(a, walk, here, back + 1) && is_number(b, walk, here, back + 1)
        }
        Op::Alu { .. } | Op::Neg { .. } | Op::ZeroExtend { .. } | Op::SignExtend { .. } | Op::Swap { .. } => {
            true
        }
        _ => false,
    }
}

fn sign_extend(bits: u8, width: Width, a: Operand, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<Next> {
    if let Operand::Imm(number) = a {
        let by = 64 - u32::from(bits);
        return is(eval::truncated(width, number << by >> by));
    }
    if walk.bits(a).seen < bits {
        return is(a);
    }
    let inner = stripped(bits, a, walk, here)?;
    walk.exchanged(a, inner);
    Some(Next::Op(Op::SignExtend { bits, width, a: inner }))
}
