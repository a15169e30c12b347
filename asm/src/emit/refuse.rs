//! What can be encoded but what every kernel refuses.

use crate::{AluOp, AsmError, Insn, Loc, Reg, Source, Width, assembler::At};

/// Why every kernel refuses an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    DivisionByZero,
    Shift { by: i32, width: Width },
    FramePointer,
}

impl Refusal {
    #[cold]
    pub(crate) fn at(self, at: At) -> AsmError {
        let loc = Loc::of(at);
        match self {
            Self::DivisionByZero => AsmError::DivisionByZero { loc },
            Self::Shift { by, width } => AsmError::Shift { loc, by, width },
            Self::FramePointer => AsmError::FramePointer { loc },
        }
    }
}

impl Insn {
    /// Why every kernel refuses this instruction, if it does.
    #[inline(always)] // Folds where the shape is known.
    pub(crate) const fn refusal(self) -> Option<Refusal> {
        if let Some(Reg::R10) = self.written() {
            return Some(Refusal::FramePointer);
        }
        match self {
            Self::Alu { op, src: Source::Imm(imm), width, .. } => refused_immediate(op, imm, width),
            _ => None,
        }
    }

    /// The register that the instruction names as its result, if any.
    #[inline(always)] // As above.
    const fn written(self) -> Option<Reg> {
        match self {
            Self::Alu { dst, .. }
            | Self::Neg { dst, .. }
            | Self::MovSx { dst, .. }
            | Self::Swap { dst, .. }
            | Self::AddrSpaceCast { dst, .. }
            | Self::Load { dst, .. }
            | Self::LoadSx { dst, .. }
            | Self::LoadAcquire { dst, .. }
            | Self::LoadArg { dst, .. }
            | Self::LoadImm64 { dst, .. }
            | Self::LoadMap { dst, .. }
            | Self::LoadMapValue { dst, .. }
            | Self::LoadBtfId { dst, .. }
            | Self::LoadFunction { dst, .. } => Some(dst),
            Self::Atomic { op, src, .. } if op.fetches_into_source() => Some(src),
            _ => None,
        }
    }
}

#[inline(always)] // As above.
const fn refused_immediate(op: AluOp, imm: i32, width: Width) -> Option<Refusal> {
    if op.divides() && imm == 0 {
        return Some(Refusal::DivisionByZero);
    }
    if op.shifts() && (imm < 0 || imm >= width.bits()) {
        return Some(Refusal::Shift { by: imm, width });
    }
    None
}
