//! Arithmetic: `dst = dst op src`.

use core::panic::Location;

use crate::{
    AluOp, AsmError, Assembler, Cast, Extend, Insn, Loc, Reg, SwapBits, SwapOp, Width,
    assembler::At,
    emit::{Imm64, Operand},
};

/// Two methods of each operation: one on 64 bits, one on 32.
macro_rules! arithmetic {
    ($($(#[$doc:meta])* $op:ident: $name:ident $name32:ident $shown:literal;)+) => {
        impl Assembler {
            $(
                #[doc = concat!("`", $shown, "`, 64 bits.")]
                $(#[$doc])*
                #[track_caller]
                #[inline]
                pub fn $name(&mut self, dst: Reg, src: impl Into<Operand>) -> &mut Self {
                    self.put_alu(AluOp::$op, Width::Bits64, dst, src.into(), Location::caller())
                }

                #[doc = concat!("`", $shown, "`, 32 bits: the upper half of the result is zero.")]
                $(#[$doc])*
                #[track_caller]
                #[inline]
                pub fn $name32(&mut self, dst: Reg, src: impl Into<Operand>) -> &mut Self {
                    self.put_alu(AluOp::$op, Width::Bits32, dst, src.into(), Location::caller())
                }
            )+
        }
    };
}

arithmetic! {
    #[doc(alias = "BPF_MOV")]
    Mov: mov mov32 "dst = src";
    #[doc(alias = "BPF_ADD")]
    Add: add add32 "dst += src";
    #[doc(alias = "BPF_SUB")]
    Sub: sub sub32 "dst -= src";
    #[doc(alias = "BPF_MUL")]
    Mul: mul mul32 "dst *= src";
    /// Unsigned; 0 where `src` is 0. Dividing by the number 0 is an error.
    #[doc(alias = "BPF_DIV")]
    Div: div div32 "dst /= src";
    /// Signed; 0 where `src` is 0. Dividing by the number 0 is an error. Since Linux 6.6 ([`Isa::CPUV4`](crate::Isa)).
    SDiv: sdiv sdiv32 "dst s/= src";
    /// Unsigned; unchanged where `src` is 0. Dividing by the number 0 is an error.
    #[doc(alias = "BPF_MOD")]
    Mod: mod_ mod32 "dst %= src";
    /// Signed, with the sign of `dst`; unchanged where `src` is 0. Dividing by the number 0 is an error. Since Linux 6.6
    /// ([`Isa::CPUV4`](crate::Isa)).
    SMod: smod smod32 "dst s%= src";
    #[doc(alias = "BPF_AND")]
    And: and and32 "dst &= src";
    #[doc(alias = "BPF_OR")]
    Or: or or32 "dst |= src";
    #[doc(alias = "BPF_XOR")]
    Xor: xor xor32 "dst ^= src";
    /// A register counts modulo the width; a number that is not below it is an error.
    #[doc(alias = "BPF_LSH")]
    Lsh: lsh lsh32 "dst <<= src";
    /// Fills with zeros. A register counts modulo the width; a number that is not below it is an error.
    #[doc(alias = "BPF_RSH")]
    Rsh: rsh rsh32 "dst >>= src";
    /// Fills with the sign. A register counts modulo the width; a number that is not below it is an error.
    #[doc(alias = "BPF_ARSH")]
    Arsh: arsh arsh32 "dst s>>= src";
}

impl Assembler {
    /// `dst = dst op src` of any operation and width.
    #[track_caller]
    #[inline]
    pub fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: impl Into<Operand>) -> &mut Self {
        self.put_alu(op, width, dst, src.into(), Location::caller())
    }

    /// `dst = -dst`, 64 bits.
    #[doc(alias = "BPF_NEG")]
    #[track_caller]
    #[inline]
    pub fn neg(&mut self, dst: Reg) -> &mut Self {
        self.emit(Insn::Neg { width: Width::Bits64, dst }, Location::caller())
    }

    /// `dst = -dst`, 32 bits: the upper half of the result is zero.
    #[doc(alias = "BPF_NEG")]
    #[track_caller]
    #[inline]
    pub fn neg32(&mut self, dst: Reg) -> &mut Self {
        self.emit(Insn::Neg { width: Width::Bits32, dst }, Location::caller())
    }

    /// `dst = (s8)src`: extends the sign of the low 8, 16 or 32 bits to 64. Since Linux 6.6; three instructions before.
    #[track_caller]
    pub fn movsx(&mut self, dst: Reg, src: Reg, bits: u32) -> &mut Self {
        self.put_movsx(Extend::new(bits, Width::Bits64), dst, src, bits, Location::caller())
    }

    /// `w_dst = (s8)w_src`: extends the sign of the low 8 or 16 bits to 32; the upper half of the result is zero. Since
    /// Linux 6.6; three instructions before.
    #[track_caller]
    pub fn movsx32(&mut self, dst: Reg, src: Reg, bits: u32) -> &mut Self {
        self.put_movsx(Extend::new(bits, Width::Bits32), dst, src, bits, Location::caller())
    }

    /// `dst = bswap32 dst`: reverses the low 2, 4 or 8 bytes (16, 32 or 64 bits); those above become zero. Since Linux
    /// 6.6; two instructions before.
    #[doc(alias = "BPF_BSWAP")]
    #[track_caller]
    pub fn bswap(&mut self, dst: Reg, bits: u32) -> &mut Self {
        self.put_swap(SwapOp::Swap, dst, bits, Location::caller())
    }

    /// `dst = be32 dst`: between the machine's byte order and big-endian, 16, 32 or 64 bits; those above become zero.
    #[doc(alias = "BPF_TO_BE")]
    #[track_caller]
    pub fn to_be(&mut self, dst: Reg, bits: u32) -> &mut Self {
        self.put_swap(SwapOp::ToBe, dst, bits, Location::caller())
    }

    /// `dst = le32 dst`: between the machine's byte order and little-endian, 16, 32 or 64 bits; those above become
    /// zero.
    #[doc(alias = "BPF_TO_LE")]
    #[track_caller]
    pub fn to_le(&mut self, dst: Reg, bits: u32) -> &mut Self {
        self.put_swap(SwapOp::ToLe, dst, bits, Location::caller())
    }

    /// `dst = value ll`: 64 bits, in two slots.
    #[doc(alias = "BPF_LD_IMM64")]
    #[track_caller]
    #[inline]
    pub fn load_imm64(&mut self, dst: Reg, value: impl Into<Imm64>) -> &mut Self {
        self.emit(Insn::LoadImm64 { dst, value: value.into().0 }, Location::caller())
    }

    /// `dst = addr_space_cast(src, 0, 1)` or `(src, 1, 0)`, for programs with an arena map. Since Linux 6.9.
    #[doc(alias = "BPF_ADDR_SPACE_CAST")]
    #[track_caller]
    pub fn addr_space_cast(&mut self, dst: Reg, src: Reg, cast: Cast) -> &mut Self {
        self.emit(Insn::AddrSpaceCast { cast, dst, src }, Location::caller())
    }

    #[inline]
    fn put_alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand, at: At) -> &mut Self {
        match self.source(src, width, at) {
            Some(src) => self.emit(Insn::Alu { op, width, dst, src }, at),
            None => self,
        }
    }

    fn put_movsx(&mut self, extend: Option<Extend>, dst: Reg, src: Reg, bits: u32, at: At) -> &mut Self {
        match extend {
            Some(extend) => self.emit(Insn::MovSx { extend, dst, src }, at),
            None => self.fail(AsmError::Bits { loc: Loc::of(at), bits }),
        }
    }

    fn put_swap(&mut self, op: SwapOp, dst: Reg, bits: u32, at: At) -> &mut Self {
        match u8::try_from(bits).ok().and_then(SwapBits::from_bits) {
            Some(bits) => self.emit(Insn::Swap { op, bits, dst }, at),
            None => self.fail(AsmError::Bits { loc: Loc::of(at), bits }),
        }
    }
}
