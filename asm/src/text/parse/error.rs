//! What can be wrong with a text.

use alloc::boxed::Box;
use core::fmt;

use crate::{AsmError, Loc};

/// Why a text is no function: the mistake, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// File, line, column (in bytes, from 1) and the text of the line.
    pub loc: Loc,
    /// What is wrong.
    pub kind: TextErrorKind,
}

impl fmt::Display for TextError {
    /// `file:line:column: message`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // It begins with its place itself.
            TextErrorKind::Assembler(error) => error.fmt(f),
            kind => write!(f, "{}: {kind}", self.loc),
        }
    }
}

impl core::error::Error for TextError {}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextErrorKind {
    /// Something else had to stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What had to stand here.
        expected: &'static str,
        /// The word or character that stands here, or the end of the line.
        found: Box<str>,
    },
    /// A certain word or character had to stand here.
    #[error("expected `{expected}`, found {found}")]
    Token {
        /// What had to stand here.
        expected: &'static str,
        /// The word or character that stands here, or the end of the line.
        found: Box<str>,
    },
    /// A word that means nothing here.
    #[error("unknown word {word:?}")]
    Unknown {
        /// The word.
        word: Box<str>,
    },
    /// There is no register with this number.
    #[error("there is no register r{number}: they end at r10")]
    Register {
        /// The number.
        number: u32,
    },
    /// A number has more bits than its place.
    #[error("{value} does not fit {what}")]
    Range {
        /// The number.
        value: Number,
        /// Its place.
        what: &'static str,
    },
    /// A number that not even 64 bits hold.
    #[error("{word} does not fit 64 bits")]
    Huge {
        /// What is written.
        word: Box<str>,
    },
    /// A number is not written as one: it has other digits, or begins with 0.
    #[error("{word:?} is no number (0x begins a hexadecimal one)")]
    Number {
        /// What is written.
        word: Box<str>,
    },
    /// `r11` is the base of the arguments on the stack, and no register otherwise.
    #[error(
        "r11 is for arguments on the stack: r1 = *(u64 *)(r11 + 8), *(u64 *)(r11 - 8) = r1, at multiples of 8"
    )]
    StackArg,
    /// An instruction names all of one register (`r1`) and half of another (`w2`).
    #[error("the instruction mixes r registers with w registers")]
    Widths,
    /// A register of 32 bits for eight bytes of memory.
    #[error("eight bytes of memory need an r register")]
    HalfRegister,
    /// An instruction that works in place, or names its operand twice, names two registers.
    #[error("both have to be the same register")]
    TwoRegisters,
    /// `callx`: no kernel takes a call of an address in a register.
    #[error("callx: no kernel calls an address in a register")]
    Callx,
    /// A second label of the same name.
    #[error("the label {name:?} stands in line {first} already")]
    LabelTwice {
        /// The name.
        name: Box<str>,
        /// The line of the first.
        first: u32,
    },
    /// A jump to a name that is no label of the text.
    #[error("there is no label {name:?}")]
    NoLabel {
        /// The name.
        name: Box<str>,
    },
    /// A string or comment has no end.
    #[error("no end of the {what}")]
    Unterminated {
        /// What has no end.
        what: &'static str,
    },
    /// A name that nothing can have: it is empty, or holds a NUL.
    #[error("nothing can have the name {name:?}")]
    Name {
        /// The name.
        name: Box<str>,
    },
    /// The instructions can be read, but do not make a function.
    #[error("{0}")]
    Assembler(Box<AsmError>),
}

/// A number as written: a sign and up to 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Whether a minus stands in front.
    pub negative: bool,
    /// The number without its sign.
    pub magnitude: u64,
}

impl Number {
    /// The number, if a signed one of 64 bits can hold it.
    #[must_use]
    pub const fn signed(self) -> Option<i64> {
        match (self.negative, self.magnitude) {
            (false, magnitude) if magnitude <= i64::MAX as u64 => Some(magnitude as i64),
            (true, magnitude) if magnitude <= i64::MIN.unsigned_abs() => {
                Some((magnitude as i64).wrapping_neg())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}", self.magnitude)
    }
}
