//! What the mnemonics take as a second operand.

use crate::{AsmError, Assembler, Loc, Reg, Source, Width, assembler::At};

/// The second operand of arithmetic and of a comparison: a register, or a number of any of Rust's types.
///
/// The instruction has 32 bits for a number and extends its sign to 64. A number that this would change is an error:
/// `u32::MAX` fits a 32-bit operation but not a 64-bit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// A number.
    Imm(i64),
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<Source> for Operand {
    fn from(source: Source) -> Self {
        match source {
            Source::Reg(reg) => Self::Reg(reg),
            Source::Imm(imm) => Self::Imm(imm.into()),
        }
    }
}

/// The number of a 64-bit load: all that fits 64 bits, signed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Imm64(pub u64);

impl From<u64> for Imm64 {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

macro_rules! numbers {
    ($($number:ty)+) => {
        $(
            impl From<$number> for Operand {
                fn from(value: $number) -> Self {
                    Self::Imm(value.into())
                }
            }

            impl From<$number> for Imm64 {
                fn from(value: $number) -> Self {
                    Self(i64::from(value) as u64)
                }
            }
        )+
    };
}

numbers! { i8 i16 i32 i64 u8 u16 u32 }

impl Assembler {
    /// The operand as an instruction holds it, or an error kept.
    #[inline]
    pub(crate) fn source(&mut self, operand: Operand, width: Width, at: At) -> Option<Source> {
        match operand {
            Operand::Reg(reg) => Some(Source::Reg(reg)),
            Operand::Imm(value) => match immediate(value, width) {
                Some(imm) => Some(Source::Imm(imm)),
                None => {
                    self.fail(AsmError::Immediate { loc: Loc::of(at), value, width });
                    None
                }
            },
        }
    }

    /// The offset as an instruction holds it, or an error kept.
    #[inline]
    pub(crate) fn offset(&mut self, off: i32, at: At) -> Option<i16> {
        let narrow = i16::try_from(off).ok();
        if narrow.is_none() {
            self.fail(AsmError::Offset { loc: Loc::of(at), value: off });
        }
        narrow
    }
}

/// The immediate that stands for a number in an operation of this width, if one does.
#[inline]
pub(crate) fn immediate(value: i64, width: Width) -> Option<i32> {
    match width {
        Width::Bits64 => i32::try_from(value).ok(),
        Width::Bits32 => {
            i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
        }
    }
}
