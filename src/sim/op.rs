//! The machine's own instruction: what the engine reads, with every operand resolved.

use crate::asm::{AluOp, Cond, Narrow, Size, Width};

/// One slot of a program, decoded. The second slot of a 64-bit load is a [`Code::Never`], so that an index of this
/// array is a slot of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) code: Code,
    /// A register, 0 to 10.
    pub(super) dst: u8,
    /// A register, 0 to 10.
    pub(super) src: u8,
    /// The index jumped to; the row of a helper; an offset where `imm` is taken; the operation of an atomic.
    pub(super) aux: u32,
    /// A number, its sign extended; the offset of a load or store of a register.
    pub(super) imm: u64,
}

const _: () = assert!(size_of::<Op>() == 16);

impl Op {
    pub(super) const fn new(code: Code) -> Self {
        Self { code, dst: 0, src: 0, aux: 0, imm: 0 }
    }
}

/// Codes of arithmetic and jumps stand in rows: with a register or an immediate, on 64 or on 32 bits.
macro_rules! codes {
    (
        alu { $($alu:ident: $alu_r:ident $alu_i:ident $alu_r32:ident $alu_i32:ident;)* }
        jump { $($cond:ident: $jump_r:ident $jump_i:ident $jump_r32:ident $jump_i32:ident;)* }
        other { $($(#[$meta:meta])* $other:ident,)* }
    ) => {
        /// What an [`Op`] does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Code {
            $($alu_r, $alu_i, $alu_r32, $alu_i32,)*
            $($jump_r, $jump_i, $jump_r32, $jump_i32,)*
            $($(#[$meta])* $other,)*
        }

        impl Code {
            pub(super) const fn alu(op: AluOp, width: Width, register: bool) -> Self {
                match (op, width, register) {
                    $((AluOp::$alu, Width::Bits64, true) => Self::$alu_r,
                    (AluOp::$alu, Width::Bits64, false) => Self::$alu_i,
                    (AluOp::$alu, Width::Bits32, true) => Self::$alu_r32,
                    (AluOp::$alu, Width::Bits32, false) => Self::$alu_i32,)*
                }
            }

            pub(super) const fn jump(cond: Cond, width: Width, register: bool) -> Self {
                match (cond, width, register) {
                    $((Cond::$cond, Width::Bits64, true) => Self::$jump_r,
                    (Cond::$cond, Width::Bits64, false) => Self::$jump_i,
                    (Cond::$cond, Width::Bits32, true) => Self::$jump_r32,
                    (Cond::$cond, Width::Bits32, false) => Self::$jump_i32,)*
                }
            }
        }
    };
}

codes! {
    alu {
        Add: AddR AddI AddR32 AddI32;
        Sub: SubR SubI SubR32 SubI32;
        Mul: MulR MulI MulR32 MulI32;
        Div: DivR DivI DivR32 DivI32;
        SDiv: SDivR SDivI SDivR32 SDivI32;
        Or: OrR OrI OrR32 OrI32;
        And: AndR AndI AndR32 AndI32;
        Lsh: LshR LshI LshR32 LshI32;
        Rsh: RshR RshI RshR32 RshI32;
        Mod: ModR ModI ModR32 ModI32;
        SMod: SModR SModI SModR32 SModI32;
        Xor: XorR XorI XorR32 XorI32;
        Mov: MovR MovI MovR32 MovI32;
        Arsh: ArshR ArshI ArshR32 ArshI32;
    }
    jump {
        Eq: JeqR JeqI JeqR32 JeqI32;
        Gt: JgtR JgtI JgtR32 JgtI32;
        Ge: JgeR JgeI JgeR32 JgeI32;
        Set: JsetR JsetI JsetR32 JsetI32;
        Ne: JneR JneI JneR32 JneI32;
        SGt: JsgtR JsgtI JsgtR32 JsgtI32;
        SGe: JsgeR JsgeI JsgeR32 JsgeI32;
        Lt: JltR JltI JltR32 JltI32;
        Le: JleR JleI JleR32 JleI32;
        SLt: JsltR JsltI JsltR32 JsltI32;
        SLe: JsleR JsleI JsleR32 JsleI32;
    }
    other {
        Neg, Neg32,
        Sx8, Sx16, Sx32, Sx8To32, Sx16To32,
        Swap16, Swap32, Swap64, Cut16, Cut32,
        /// A number of 64 bits; the next op is skipped.
        Wide,
        Load1, Load2, Load4, Load8,
        LoadSx1, LoadSx2, LoadSx4,
        Store1, Store2, Store4, Store8,
        StoreI1, StoreI2, StoreI4, StoreI8,
        /// `aux` is the index of the operation in `AtomicOp::ALL`.
        Atomic32, Atomic64,
        /// `aux` is the number of bytes.
        Acquire, Release,
        /// `aux` is the number of the argument, from 0.
        LoadArg, StoreArg, StoreArgI,
        /// `aux` is the number of bytes, `imm` the offset.
        LoadAbs, LoadInd,
        Ja, MayGoto, Helper, CallFunction, Exit,
        /// What a program cannot reach.
        Never,
    }
}

impl Code {
    pub(super) const fn load(size: Size) -> Self {
        match size {
            Size::B => Self::Load1,
            Size::H => Self::Load2,
            Size::W => Self::Load4,
            Size::DW => Self::Load8,
        }
    }

    pub(super) const fn load_sx(size: Narrow) -> Self {
        match size {
            Narrow::B => Self::LoadSx1,
            Narrow::H => Self::LoadSx2,
            Narrow::W => Self::LoadSx4,
        }
    }

    pub(super) const fn store(size: Size) -> Self {
        match size {
            Size::B => Self::Store1,
            Size::H => Self::Store2,
            Size::W => Self::Store4,
            Size::DW => Self::Store8,
        }
    }

    pub(super) const fn store_imm(size: Size) -> Self {
        match size {
            Size::B => Self::StoreI1,
            Size::H => Self::StoreI2,
            Size::W => Self::StoreI4,
            Size::DW => Self::StoreI8,
        }
    }
}
