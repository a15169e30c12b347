//! Comparisons made simpler, in the form that the verifier learns most from.

use super::super::eval;
use super::super::ir::{Compare, Op, Operand};
use super::facts;
use super::values::{Here, Walk};
use crate::asm::{AluOp, Cond, Isa, Width};

/// Makes a comparison simpler; whether it now says the opposite.
///
/// What is decided becomes one of constants.
pub(super) fn simplify(compare: &mut Compare, walk: &mut Walk<'_>, here: &Here<'_>) -> bool {
    let mut inverted = false;
    // Each rule leaves something simpler, so this ends.
    while let Some((simpler, opposite)) = step(*compare, walk, here) {
        *compare = simpler;
        inverted ^= opposite;
    }
    inverted
}

/// A comparison that is decided.
fn always(holds: bool) -> Compare {
    Compare { cond: Cond::Eq, width: Width::Bits64, a: Operand::Imm(0), b: Operand::Imm(i64::from(!holds)) }
}

fn step(compare: Compare, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<(Compare, bool)> {
    let Compare { cond, width, a, b } = compare;
    if let Some(holds) = eval::decided(&compare) {
        return (!matches!((a, b), (Operand::Imm(0), Operand::Imm(0 | 1)))).then(|| (always(holds), false));
    }
    let Operand::Imm(number) = b else {
        if facts::constant(a).is_some() {
            return Some((Compare { cond: cond.swapped(), width, a: b, b: a }, false));
        }
        return widened(compare, walk).map(|wider| (wider, false));
    };
    let canonical = eval::signed(width, number);
    if canonical != number {
        return Some((Compare { b: canonical.into(), ..compare }, false));
    }
    let simpler = bounded(compare, number, walk)
        .or_else(|| to_zero(compare, number))
        .or_else(|| widened(compare, walk));
    match simpler {
        Some(simpler) => Some((simpler, false)),
        None => of_bits(compare, number, walk, here).or_else(|| of_condition(compare, number, walk, here)),
    }
}

/// In 64 bits where both sides are zero above: the verifier of 6.1 then knows the bound in both widths, whatever it
/// thought of the upper half before.
fn widened(compare: Compare, walk: &Walk<'_>) -> Option<Compare> {
    let signed = matches!(compare.cond, Cond::SGt | Cond::SGe | Cond::SLt | Cond::SLe);
    if compare.width == Width::Bits64 || signed {
        return None;
    }
    let b = match compare.b {
        // A number above 2^31 has no place in a 64-bit comparison.
        Operand::Imm(number) => {
            Operand::Imm(u32::try_from(number).ok().filter(|n| i32::try_from(*n).is_ok())?.into())
        }
        value => value,
    };
    let narrow = walk.bits(compare.a).real <= 32 && walk.bits(b).real <= 32;
    narrow.then_some(Compare { width: Width::Bits64, b, ..compare })
}

/// Decided by how many bits there are; and in 32 bits where the constant fits no 64-bit comparison.
fn bounded(compare: Compare, number: i64, walk: &Walk<'_>) -> Option<Compare> {
    let bits = walk.bits(compare.a);
    let number = eval::truncated(compare.width, number).cast_unsigned();
    if bits.real >= compare.width.bits() as u8 {
        return None;
    }
    // A check that tells the verifier what it does not know stays.
    let above = number.checked_shr(bits.seen.into()).is_some_and(|above| above != 0);
    let top = 1_u64.checked_shl(bits.seen.into()).is_some_and(|limit| number == limit - 1);
    let decided = match compare.cond {
        Cond::Eq | Cond::Gt | Cond::Ge if above => Some(false),
        Cond::Ne | Cond::Lt | Cond::Le if above => Some(true),
        Cond::Gt if top => Some(false),
        Cond::Le if top => Some(true),
        _ => None,
    };
    if let Some(holds) = decided {
        return Some(always(holds));
    }
    let unsigned = matches!(compare.cond, Cond::Eq | Cond::Ne | Cond::Gt | Cond::Ge | Cond::Lt | Cond::Le);
    let only_in_32_bits = i32::try_from(number).is_err() && u32::try_from(number).is_ok() && bits.real <= 32;
    let narrower =
        unsigned && compare.width == Width::Bits64 && only_in_32_bits && walk.isa.contains(Isa::JUMP32);
    let b = eval::signed(Width::Bits32, number.cast_signed()).into();
    narrower.then_some(Compare { width: Width::Bits32, b, ..compare })
}

/// Comparisons with the ends of the numbers.
fn to_zero(compare: Compare, number: i64) -> Option<Compare> {
    let to = |cond, number: i64| Some(Compare { cond, b: number.into(), ..compare });
    match (compare.cond, number) {
        (Cond::Lt, 0) | (Cond::Gt, -1) => Some(always(false)),
        (Cond::Ge, 0) | (Cond::Le, -1) => Some(always(true)),
        (Cond::Lt, 1) | (Cond::Le, 0) => to(Cond::Eq, 0),
        (Cond::Ge, 1) | (Cond::Gt, 0) => to(Cond::Ne, 0),
        (Cond::Set, 0) => Some(always(false)),
        (Cond::Set, -1) => to(Cond::Ne, 0),
        _ => None,
    }
}

/// `(x & mask) != 0` in one instruction.
fn of_bits(compare: Compare, number: i64, walk: &mut Walk<'_>, here: &Here<'_>) -> Option<(Compare, bool)> {
    if number != 0 || !matches!(compare.cond, Cond::Eq | Cond::Ne) {
        return None;
    }
    let Op::Alu { op: AluOp::And, width, a, b } = *walk.op_used_once(compare.a, here)? else { return None };
    // What does not fit an instruction was better made once.
    if facts::constant(b).is_some_and(|mask| i32::try_from(mask).is_err()) {
        return None;
    }
    if width == Width::Bits32 && !walk.isa.contains(Isa::JUMP32) {
        return None;
    }
    walk.exchanged(compare.a, a);
    Some((Compare { cond: Cond::Set, width, a, b }, compare.cond == Cond::Eq))
}

/// A comparison of what a comparison made: 1 where it holds, else 0.
fn of_condition(
    compare: Compare,
    number: i64,
    walk: &mut Walk<'_>,
    here: &Here<'_>,
) -> Option<(Compare, bool)> {
    let value = facts::value(compare.a)?;
    let Some(&Op::Select { compare: inner, then: Operand::Imm(then), otherwise: Operand::Imm(otherwise) }) =
        walk.op(value, here)
    else {
        return None;
    };
    let holds = |value| eval::holds(compare.cond, compare.width, value, number);
    match (holds(then), holds(otherwise)) {
        (true, true) => Some((always(true), false)),
        (false, false) => Some((always(false), false)),
        (then, _) => {
            walk.exchanged(compare.a, inner.a);
            Some((inner, !then))
        }
    }
}
