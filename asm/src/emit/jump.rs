//! Jumps to labels, and the end of the function.

use core::panic::Location;

use crate::{
    AsmError, Assembler, Cond, Insn, Label, Loc, Reg, Width,
    assembler::{At, Target},
    emit::Operand,
};

macro_rules! conditions {
    ($($(#[$doc:meta])* $cond:ident: $name:ident $name32:ident $shown:literal;)+) => {
        impl Assembler {
            $(
                #[doc = concat!("`if ", $shown, " goto label`, 64 bits; the sign of a number is extended.")]
                $(#[$doc])*
                #[track_caller]
                #[inline]
                pub fn $name(&mut self, dst: Reg, src: impl Into<Operand>, label: Label) -> &mut Self {
                    self.put_jump(Cond::$cond, Width::Bits64, dst, src.into(), label, Location::caller())
                }

                #[doc = concat!("`if ", $shown, " goto label`, the low 32 bits. Since Linux 5.1.")]
                $(#[$doc])*
                #[track_caller]
                #[inline]
                pub fn $name32(&mut self, dst: Reg, src: impl Into<Operand>, label: Label) -> &mut Self {
                    self.put_jump(Cond::$cond, Width::Bits32, dst, src.into(), label, Location::caller())
                }
            )+
        }
    };
}

conditions! {
    #[doc(alias = "BPF_JEQ")]
    Eq: jeq jeq32 "dst == src";
    #[doc(alias = "BPF_JNE")]
    Ne: jne jne32 "dst != src";
    /// Unsigned.
    #[doc(alias = "BPF_JGT")]
    Gt: jgt jgt32 "dst > src";
    /// Unsigned.
    #[doc(alias = "BPF_JGE")]
    Ge: jge jge32 "dst >= src";
    /// Unsigned. Since Linux 4.14; other instructions before.
    #[doc(alias = "BPF_JLT")]
    Lt: jlt jlt32 "dst < src";
    /// Unsigned. Since Linux 4.14; other instructions before.
    #[doc(alias = "BPF_JLE")]
    Le: jle jle32 "dst <= src";
    /// Signed.
    #[doc(alias = "BPF_JSGT")]
    SGt: jsgt jsgt32 "dst s> src";
    /// Signed.
    #[doc(alias = "BPF_JSGE")]
    SGe: jsge jsge32 "dst s>= src";
    /// Signed. Since Linux 4.14; other instructions before.
    #[doc(alias = "BPF_JSLT")]
    SLt: jslt jslt32 "dst s< src";
    /// Signed. Since Linux 4.14; other instructions before.
    #[doc(alias = "BPF_JSLE")]
    SLe: jsle jsle32 "dst s<= src";
    /// Any bit in common.
    #[doc(alias = "BPF_JSET")]
    Set: jset jset32 "dst & src";
}

impl Assembler {
    /// `goto label`, however far.
    #[doc(alias = "BPF_JA")]
    #[track_caller]
    #[inline]
    pub fn ja(&mut self, label: Label) -> &mut Self {
        self.emit_jump(Insn::Ja { off: 0 }, Target::Label(label), Location::caller())
    }

    /// `if dst cond src goto label` of any condition and width.
    #[track_caller]
    #[inline]
    pub fn jump_if(
        &mut self,
        cond: Cond,
        width: Width,
        dst: Reg,
        src: impl Into<Operand>,
        label: Label,
    ) -> &mut Self {
        self.put_jump(cond, width, dst, src.into(), label, Location::caller())
    }

    /// `may_goto label`: falls through a limited number of times, then jumps: the way out of a loop the verifier cannot
    /// bound. Since Linux 6.9.
    #[doc(alias = "BPF_JCOND")]
    #[track_caller]
    pub fn may_goto(&mut self, label: Label) -> &mut Self {
        self.emit_jump(Insn::MayGoto { off: 0 }, Target::Label(label), Location::caller())
    }

    /// `gotox dst`: jumps to an address that was read from an instruction array map. Since Linux 6.19.
    #[track_caller]
    pub fn gotox(&mut self, dst: Reg) -> &mut Self {
        self.emit(Insn::Gotox { dst }, Location::caller())
    }

    /// `exit`: returns `R0`.
    #[doc(alias = "BPF_EXIT")]
    #[track_caller]
    #[inline]
    pub fn exit(&mut self) -> &mut Self {
        self.emit(Insn::Exit, Location::caller())
    }

    /// Emits a jump to a label, whatever distance it holds, as if `at` had called one of the mnemonics. What is no jump
    /// is an error.
    pub fn jump_at(&mut self, insn: Insn, label: Label, at: &'static Location<'static>) -> &mut Self {
        match insn {
            Insn::Ja { .. } | Insn::JaLong { .. } | Insn::Jump { .. } | Insn::MayGoto { .. } => {
                self.emit_jump(insn, Target::Label(label), at)
            }
            _ => self.fail(AsmError::NoJump { loc: Loc::of(at), insn }),
        }
    }

    #[inline]
    fn put_jump(
        &mut self,
        cond: Cond,
        width: Width,
        dst: Reg,
        src: Operand,
        label: Label,
        at: At,
    ) -> &mut Self {
        match self.source(src, width, at) {
            Some(src) => {
                self.emit_jump(Insn::Jump { cond, width, dst, src, off: 0 }, Target::Label(label), at)
            }
            None => self,
        }
    }
}
