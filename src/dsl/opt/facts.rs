//! What is known of values: where they are made, how often they are used, how many of their bits can be set.

use super::super::eval;
use super::super::ir::{Base, Block, Function, Op, Operand, Val};
use crate::asm::{AluOp, Size, SwapBits, Width};

/// How many low bits of a value can be set; all above are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    /// In truth.
    pub(super) real: u8,
    /// As the verifier of Linux 6.1 sees it: never fewer. A mask is only superfluous if the verifier thinks so too.
    pub(super) seen: u8,
}

impl Bits {
    pub(super) const ALL: Self = Self::of(64);

    const fn of(bits: u8) -> Self {
        Self { real: bits, seen: bits }
    }

    fn of_number(number: i64) -> Self {
        Self::of(64 - number.leading_zeros() as u8)
    }

    fn min(self, other: Self) -> Self {
        Self { real: self.real.min(other.real), seen: self.seen.min(other.seen) }
    }

    fn max(self, other: Self) -> Self {
        Self { real: self.real.max(other.real), seen: self.seen.max(other.seen) }
    }

    /// So many more, as far as the width goes.
    fn plus(self, more: Self, width: Width) -> Self {
        let most = width.bits() as u8;
        Self {
            real: self.real.saturating_add(more.real).min(most),
            seen: self.seen.saturating_add(more.seen).min(most),
        }
    }

    fn minus(self, fewer: u8) -> Self {
        Self { real: self.real.saturating_sub(fewer), seen: self.seen.saturating_sub(fewer) }
    }

    /// The verifier loses track.
    fn unseen(self) -> Self {
        Self { seen: 64, ..self }
    }
}

/// Where a value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Nowhere,
    Param(Block),
    Inst(Block, u32),
}

/// Where each value is made.
pub(super) fn made(function: &Function) -> Vec<Made> {
    let mut made = vec![Made::Nowhere; function.values as usize];
    for (number, block) in function.blocks.iter().enumerate() {
        let number = Block(number as u32);
        for param in &block.params {
            made[param.index()] = Made::Param(number);
        }
        for (index, inst) in block.insts.iter().enumerate() {
            inst.made().for_each(|value| made[value.index()] = Made::Inst(number, index as u32));
        }
    }
    made
}

/// How often each value is used.
pub(super) fn uses(function: &Function) -> Vec<u32> {
    let mut uses = vec![0; function.values as usize];
    for block in &function.blocks {
        for inst in &block.insts {
            inst.op.each_use(|value| uses[value.index()] += 1);
        }
        if let Some((end, _)) = &block.end {
            end.each_use(|value| uses[value.index()] += 1);
        }
    }
    uses
}

/// Which values are the base of an address.
pub(super) fn bases(function: &Function) -> Vec<bool> {
    let mut bases = vec![false; function.values as usize];
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let Some(Base::Val(base)) = inst.op.addr().map(|addr| addr.base) {
            bases[base.index()] = true;
        }
    }
    bases
}

/// The parameters of blocks that are never more than 32 bits: assumed of all, then taken back until it is true.
pub(super) fn narrow_params(function: &Function, order: &[Block]) -> Vec<bool> {
    let mut narrow = vec![false; function.values as usize];
    for block in order.iter().skip(1) {
        function.block(*block).params.iter().for_each(|param| narrow[param.index()] = true);
    }
    if order.iter().skip(1).all(|block| function.block(*block).params.is_empty()) {
        return narrow;
    }
    for round in 0.. {
        mark_narrow_results(function, order, &mut narrow);
        let mut changed = false;
        for target in
            order.iter().flat_map(|block| &function.block(*block).end).flat_map(|(end, _)| end.targets())
        {
            for (param, arg) in function.block(target.block).params.iter().zip(&target.args) {
                // Long chains of loops are not followed to their end.
                if narrow[param.index()] && (round == ROUNDS || !is_narrow(*arg, &narrow)) {
                    narrow[param.index()] = false;
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    narrow
}

/// How often the parameters are looked at before all that are left are given up.
const ROUNDS: u32 = 3;

fn is_narrow(operand: Operand, narrow: &[bool]) -> bool {
    match operand {
        Operand::Imm(number) => u32::try_from(number).is_ok(),
        Operand::Val(value) => narrow[value.index()],
    }
}

fn mark_narrow_results(function: &Function, order: &[Block], narrow: &mut [bool]) {
    for inst in order.iter().flat_map(|block| &function.block(*block).insts) {
        let Some(result) = inst.result else { continue };
        let of = |operand| match operand {
            Operand::Imm(number) => Bits::of_number(number),
            Operand::Val(value) if narrow[value.index()] => Bits::of(32),
            Operand::Val(_) => Bits::ALL,
        };
        narrow[result.index()] = bits(&inst.op, of).real <= 32;
    }
}

/// The bits of what an operation makes, from those of its operands.
pub(super) fn bits(op: &Op, of: impl Fn(Operand) -> Bits) -> Bits {
    match op {
        Op::Copy { a } => of(*a),
        Op::Alu { op, width, a, b } => alu(*op, *width, of(*a), of(*b), *b).min(Bits::of(width.bits() as u8)),
        Op::Neg { width, .. } | Op::SignExtend { width, .. } => Bits::of(width.bits() as u8),
        Op::ZeroExtend { bits, a } => of(*a).min(Bits::of(*bits)),
        Op::Swap { bits: SwapBits::B16, .. } => Bits::of(16).unseen(),
        Op::Swap { bits: SwapBits::B32, .. } => Bits::of(32).unseen(),
        Op::Select { then, otherwise, .. } => of(*then).max(of(*otherwise)),
        Op::Load { size, .. } | Op::LoadAcquire { size, .. } => of_size(*size),
        Op::Atomic { size, .. } => of_size(*size).unseen(),
        Op::PacketLoad { size, .. } => of_size(*size).unseen(),
        _ => Bits::ALL,
    }
}

const fn of_size(size: Size) -> Bits {
    Bits::of(size.bytes() * 8)
}

fn alu(op: AluOp, width: Width, a: Bits, b: Bits, by: Operand) -> Bits {
    let full = Bits::of(width.bits() as u8);
    let shift = match by {
        Operand::Imm(number) => Some((number & i64::from(width.bits() - 1)) as u8),
        Operand::Val(_) => None,
    };
    match (op, shift) {
        (AluOp::And, _) => a.min(b),
        (AluOp::Or | AluOp::Xor, _) => a.max(b),
        (AluOp::Add, _) => a.max(b).plus(Bits::of(1), width),
        (AluOp::Mul, _) => a.plus(b, width),
        (AluOp::Lsh, Some(by)) => a.plus(Bits::of(by), width),
        (AluOp::Rsh, Some(by)) => a.min(full).minus(by),
        // The verifier forgets what it knew of what is divided, or shifted by what may be too much.
        (AluOp::Rsh, None) => a.min(full).unseen(),
        (AluOp::Div, _) => a.min(full).unseen(),
        (AluOp::Mod, Some(_)) if !matches!(by, Operand::Imm(0)) => a.min(b).min(full).unseen(),
        (AluOp::Mod, _) => a.min(full).unseen(),
        _ => full,
    }
}

/// The bits of a constant as an operation of this width takes it.
pub(super) fn of_constant(width: Width, number: i64) -> Bits {
    Bits::of_number(eval::truncated(width, number))
}

/// The number of a value, if it is one.
pub(super) fn constant(operand: Operand) -> Option<i64> {
    match operand {
        Operand::Imm(number) => Some(number),
        Operand::Val(_) => None,
    }
}

/// A value, if it is one.
pub(super) fn value(operand: Operand) -> Option<Val> {
    match operand {
        Operand::Val(value) => Some(value),
        Operand::Imm(_) => None,
    }
}
