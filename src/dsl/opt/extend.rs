//! A load whose sign is extended at once, where one instruction does both.

use super::super::ir::{Function, Op, Operand, Val};
use super::alias::Aliases;
use super::facts::{self, Made};
use crate::asm::{Isa, Narrow, Width};

/// Puts such pairs together.
pub(super) fn fuse(function: &mut Function, isa: Isa) {
    let extends = |op: &Op| matches!(op, Op::SignExtend { width: Width::Bits64, .. });
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    if !isa.contains(Isa::CPUV4) || !insts.into_iter().any(|inst| extends(&inst.op)) {
        return;
    }
    let (made, uses) = (facts::made(function), facts::uses(function));
    let mut aliases = Aliases::new(function);
    let mut found = Vec::new();
    for inst in function.blocks.iter().flat_map(|block| &block.insts) {
        if let (Op::SignExtend { bits, width: Width::Bits64, a: Operand::Val(a) }, Some(result)) =
            (&inst.op, inst.result)
            && uses[a.index()] == 1
            && let Some(size) = loaded(function, *a, &made).filter(|size| size.bytes() * 8 == *bits)
        {
            aliases.set(result, (*a).into());
            found.push((*a, size));
        }
    }
    for (value, size) in found {
        if let Made::Inst(block, index) = made[value.index()] {
            let op = &mut function.blocks[block.index()].insts[index as usize].op;
            if let Op::Load { addr, memory, .. } = *op {
                *op = Op::LoadSx { size, addr, memory };
            }
        }
    }
    aliases.apply(function);
}

fn loaded(function: &Function, value: Val, made: &[Made]) -> Option<Narrow> {
    let Made::Inst(block, index) = made[value.index()] else { return None };
    match function.block(block).insts[index as usize].op {
        Op::Load { size, .. } => size.narrow(),
        _ => None,
    }
}
