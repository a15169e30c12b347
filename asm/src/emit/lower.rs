//! What to emit for an instruction that the set lacks: others, where they do exactly the same, or an error.

use crate::{
    AluOp, AsmError, Assembler, Cond, Extend, Insn, Isa, Loc, Narrow, Reg, Source, SwapOp, Width,
    assembler::{At, Target},
};

impl Assembler {
    /// Emits what stands for an instruction that cannot be emitted as it is, or keeps an error.
    #[cold]
    pub(crate) fn emit_otherwise(&mut self, insn: Insn, at: At) -> &mut Self {
        if let Some(refusal) = insn.refusal() {
            return self.fail(refusal.at(at));
        }
        let first = self.next_slot();
        self.lower(insn, at).lowered_since(first);
        self
    }

    /// The same for an instruction that jumps.
    #[cold]
    pub(crate) fn emit_jump_otherwise(&mut self, insn: Insn, target: Target, at: At) -> &mut Self {
        match insn {
            // As far as it must, once the distance is known.
            Insn::JaLong { .. } => self.emit_jump(Insn::Ja { off: 0 }, target, at),
            Insn::Jump { cond, width: Width::Bits64, dst, src, .. } => {
                let first = self.next_slot();
                self.lower_jump(cond, dst, src, target, at).lowered_since(first);
                self
            }
            _ => self.emit_otherwise(insn, at),
        }
    }

    fn lower(&mut self, insn: Insn, at: At) -> &mut Self {
        match insn {
            Insn::MovSx { extend, dst, src } => self.lower_movsx(extend, dst, src, at),
            Insn::LoadSx { size, dst, base, off } => {
                self.emit(Insn::Load { size: size.into(), dst, base, off }, at);
                self.extend_in_place(dst, size, at)
            }
            // One of the two swaps and the other does nothing, whatever the byte order of the machine.
            Insn::Swap { op: SwapOp::Swap, bits, dst } => {
                self.emit(Insn::Swap { op: SwapOp::ToLe, bits, dst }, at);
                self.emit(Insn::Swap { op: SwapOp::ToBe, bits, dst }, at)
            }
            _ => self.lacks(insn, at),
        }
    }

    fn lower_movsx(&mut self, extend: Extend, dst: Reg, src: Reg, at: At) -> &mut Self {
        let width = extend.to();
        self.emit(Insn::Alu { op: AluOp::Mov, width, dst, src: Source::Reg(src) }, at);
        self.shift_up_and_down(dst, width, i32::from(extend.from()), at)
    }

    fn extend_in_place(&mut self, dst: Reg, from: Narrow, at: At) -> &mut Self {
        self.shift_up_and_down(dst, Width::Bits64, i32::from(from.bytes()) * 8, at)
    }

    /// Extends the sign of the low `bits` of a register.
    fn shift_up_and_down(&mut self, dst: Reg, width: Width, bits: i32, at: At) -> &mut Self {
        let src = Source::Imm(width.bits() - bits);
        self.emit(Insn::Alu { op: AluOp::Lsh, width, dst, src }, at);
        self.emit(Insn::Alu { op: AluOp::Arsh, width, dst, src }, at)
    }

    /// Less-than as greater-than with the operands the other way round; beside an immediate, as a jump over a jump.
    fn lower_jump(&mut self, cond: Cond, dst: Reg, src: Source, target: Target, at: At) -> &mut Self {
        let width = Width::Bits64;
        let plain = |cond: Cond, dst, src| Insn::Jump { cond, width, dst, src, off: 0 };
        match (src, cond.inverse()) {
            (Source::Reg(src), _) if self.isa().contains(cond.swapped().isa(width)) => {
                self.emit_jump(plain(cond.swapped(), src, Source::Reg(dst)), target, at)
            }
            (_, Some(inverse)) if self.isa().contains(inverse.isa(width) | Isa::BASE32) => {
                let over = Target::Slot(self.slot_asked_for() + 1);
                self.emit_jump(plain(inverse, dst, src), over, at);
                self.emit_jump(Insn::Ja { off: 0 }, target, at)
            }
            _ => self.lacks(plain(cond, dst, src), at),
        }
    }

    fn lacks(&mut self, insn: Insn, at: At) -> &mut Self {
        let missing = insn.isa() - self.isa();
        self.fail(AsmError::Isa { loc: Loc::of(at), insn, missing })
    }
}
