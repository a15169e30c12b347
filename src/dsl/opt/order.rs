//! What is in network order and only compared is compared as it lies: the other side is swapped instead, now.

use super::super::eval;
use super::super::ir::{Compare, End, Function, Op, Operand, Val};
use super::facts::{self, Made};
use crate::asm::{Cond, Isa, SwapBits, SwapOp, Width};

/// Compares it so. The swaps stay behind, unused.
pub(super) fn compare_unswapped(function: &mut Function, isa: Isa) {
    let mut swapped = swapped(function);
    if swapped.is_empty() {
        return;
    }
    let mut left = facts::uses(function);
    let fits = |found: &Swapped, compare: &Compare| unswapped(compare, found, isa).is_some();
    each_decision(function, |decision| {
        let Some(found) = swapped.iter().find(|found| decision.value() == Some(found.result)) else { return };
        if decision.compares().all(|compare| fits(found, &compare)) {
            left[found.result.index()] = left[found.result.index()].saturating_sub(1);
        }
    });
    swapped.retain(|found| left[found.result.index()] == 0);
    each_decision(function, |mut decision| {
        if let Some(found) = swapped.iter().find(|found| decision.value() == Some(found.result)) {
            decision.unswap(found, isa);
        }
    });
}

/// A load in network order.
struct Swapped {
    result: Val,
    loaded: Val,
    bits: u8,
}

fn swapped(function: &Function) -> Vec<Swapped> {
    let insts = || function.blocks.iter().flat_map(|block| &block.insts);
    let swap = |op: &Op| match *op {
        Op::Swap { op: SwapOp::ToBe, bits: SwapBits::B16, a: Operand::Val(loaded) } => Some((loaded, 16)),
        Op::Swap { op: SwapOp::ToBe, bits: SwapBits::B32, a: Operand::Val(loaded) } => Some((loaded, 32)),
        _ => None,
    };
    if !insts().any(|inst| swap(&inst.op).is_some()) {
        return Vec::new();
    }
    let made = facts::made(function);
    let is_load = |value: Val, bits: u8| match made[value.index()] {
        Made::Inst(block, index) => {
            let op = &function.block(block).insts[index as usize].op;
            matches!(op, Op::Load { size, .. } if size.bytes() * 8 == bits)
        }
        _ => false,
    };
    insts()
        .filter_map(|inst| swap(&inst.op).zip(inst.result))
        .filter(|((loaded, bits), _)| is_load(*loaded, *bits))
        .map(|((loaded, bits), result)| Swapped { result, loaded, bits })
        .collect()
}

/// Where values decide.
enum Decision<'a> {
    Compare(&'a mut Compare),
    Switch { width: &'a mut Width, value: &'a mut Operand, cases: Vec<&'a mut i64> },
}

fn each_decision(function: &mut Function, mut f: impl FnMut(Decision<'_>)) {
    for block in &mut function.blocks {
        for inst in &mut block.insts {
            if let Op::Select { compare, .. } = &mut inst.op {
                f(Decision::Compare(compare));
            }
        }
        match &mut block.end {
            Some((End::Branch { compare, .. }, _)) => f(Decision::Compare(compare)),
            Some((End::Switch { width, value, cases, .. }, _)) => {
                let cases = cases.iter_mut().map(|(case, _)| case).collect();
                f(Decision::Switch { width, value, cases });
            }
            _ => {}
        }
    }
}

impl Decision<'_> {
    /// The value that is compared.
    fn value(&self) -> Option<Val> {
        match self {
            Self::Compare(compare) => facts::value(compare.a),
            Self::Switch { value, .. } => facts::value(**value),
        }
    }

    fn compares(&self) -> impl Iterator<Item = Compare> {
        let (one, switch) = match self {
            Self::Compare(compare) => (Some(**compare), None),
            Self::Switch { width, value, cases } => (None, Some((**width, **value, cases))),
        };
        let cases = switch.into_iter().flat_map(|(width, a, cases)| {
            cases.iter().map(move |case| Compare { cond: Cond::Eq, width, a, b: (**case).into() })
        });
        one.into_iter().chain(cases)
    }

    fn unswap(&mut self, found: &Swapped, isa: Isa) {
        let compares: Vec<_> =
            self.compares().filter_map(|compare| unswapped(&compare, found, isa)).collect();
        match self {
            Self::Compare(compare) => **compare = compares.first().copied().unwrap_or(**compare),
            Self::Switch { width, value, cases } => {
                let narrow = compares.iter().any(|compare| compare.width == Width::Bits32);
                **width = if narrow { Width::Bits32 } else { **width };
                **value = found.loaded.into();
                for (case, compare) in cases.iter_mut().zip(compares) {
                    **case = facts::constant(compare.b).unwrap_or(**case);
                }
            }
        }
    }
}

/// The comparison of the value as it lies.
fn unswapped(compare: &Compare, found: &Swapped, isa: Isa) -> Option<Compare> {
    let number = match compare.b {
        Operand::Imm(number) if matches!(compare.cond, Cond::Eq | Cond::Ne | Cond::Set) => number,
        _ => return None,
    };
    let number = u32::try_from(eval::truncated(compare.width, number)).ok()?;
    let number = match found.bits {
        16 => u16::try_from(number).ok()?.swap_bytes().into(),
        _ => number.swap_bytes(),
    };
    let a = found.loaded.into();
    // A number above 2^31 has no place in a 64-bit comparison.
    match i32::try_from(number) {
        Ok(number) => Some(Compare { a, b: i64::from(number).into(), ..*compare }),
        Err(_) if isa.contains(Isa::JUMP32) => {
            let b = i64::from(number.cast_signed()).into();
            Some(Compare { a, b, width: Width::Bits32, ..*compare })
        }
        Err(_) => None,
    }
}
