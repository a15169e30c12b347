//! Which registers are read again: what a path leaves in the others does not tell it from another path.

use super::cfg::{self, Shape};
use super::program::{At, Program};
use crate::asm::{AluOp, AtomicOp, Insn, Reg, Source};

/// Registers, as bits.
pub(super) type Set = u16;

const ALL: Set = (1 << 11) - 1;
const ARGUMENTS: Set = 0b11_1110;
const CLOBBERED: Set = 0b11_1111;

/// How often a function is gone through; one that needs more has every register alive.
const PASSES: usize = 12;

/// For each slot, the registers that some path from it on reads before it writes them.
pub(super) fn live(program: &Program<'_>, shape: &Shape) -> Vec<Set> {
    let mut live = vec![0; program.len()];
    for function in 0..program.functions().len() {
        let range = program.range(function);
        let settled = (0..PASSES).any(|_| !pass(program, shape, range.clone(), &mut live));
        if !settled {
            live[range].fill(ALL);
        }
    }
    live
}

/// Goes through a function from its end; tells whether anything changed that an earlier slot may have looked at.
fn pass(program: &Program<'_>, shape: &Shape, range: std::ops::Range<usize>, live: &mut [Set]) -> bool {
    let mut again = false;
    for slot in range.rev() {
        let known = |slot: Option<usize>| slot.and_then(|slot| live.get(slot)).copied().unwrap_or(0);
        let after = known(cfg::follows(program, slot)) | known(cfg::target(program, slot));
        let now = match program.at(slot) {
            Some(At::Insn(insn, _)) => {
                let (reads, writes) = touched(insn);
                (after & !writes) | reads
            }
            Some(At::Second) => 0,
            _ => ALL,
        };
        again |= live[slot] != now && shape.is_loop_head(slot);
        live[slot] = now;
    }
    again
}

/// What an instruction reads, and what it writes.
fn touched(insn: Insn) -> (Set, Set) {
    match insn {
        Insn::Alu { op: AluOp::Mov, dst, src, .. } => (operand(src), bit(dst)),
        Insn::Alu { dst, src, .. } => (bit(dst) | operand(src), bit(dst)),
        Insn::Neg { dst, .. } | Insn::Swap { dst, .. } => (bit(dst), bit(dst)),
        Insn::MovSx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => (bit(src), bit(dst)),
        Insn::Load { dst, base, .. }
        | Insn::LoadSx { dst, base, .. }
        | Insn::LoadAcquire { dst, base, .. } => (bit(base), bit(dst)),
        Insn::Store { base, src, .. } | Insn::StoreRelease { base, src, .. } => (bit(base) | bit(src), 0),
        Insn::StoreImm { base, .. } => (bit(base), 0),
        Insn::Atomic { op, base, src, .. } => {
            let compared = if op == AtomicOp::CmpXchg { bit(Reg::R0) } else { 0 };
            (bit(base) | bit(src) | compared, 0)
        }
        Insn::LoadArg { dst, .. } => (0, bit(dst)),
        Insn::StoreArg { src, .. } => (bit(src), 0),
        Insn::StoreArgImm { .. } | Insn::Ja { .. } | Insn::JaLong { .. } | Insn::MayGoto { .. } => (0, 0),
        Insn::LoadAbs { .. } => (bit(Reg::R6), CLOBBERED),
        Insn::LoadInd { src, .. } => (bit(Reg::R6) | bit(src), CLOBBERED),
        Insn::LoadImm64 { dst, .. }
        | Insn::LoadMap { dst, .. }
        | Insn::LoadMapValue { dst, .. }
        | Insn::LoadBtfId { dst, .. }
        | Insn::LoadFunction { dst, .. } => (0, bit(dst)),
        Insn::Jump { dst, src, .. } => (bit(dst) | operand(src), 0),
        Insn::Gotox { .. } => (ALL, 0),
        Insn::Call { helper } => {
            let count = helper.proto().map_or(5, |proto| proto.args.len());
            (ARGUMENTS & ((2 << count) - 1), CLOBBERED)
        }
        Insn::CallFunction { .. } | Insn::CallKfunc { .. } => (ARGUMENTS, CLOBBERED),
        Insn::Exit => (bit(Reg::R0), 0),
    }
}

const fn bit(reg: Reg) -> Set {
    1 << reg.number()
}

const fn operand(source: Source) -> Set {
    match source {
        Source::Reg(reg) => bit(reg),
        Source::Imm(_) => 0,
    }
}
