//! Registers, numbers of a certain size, and places in memory.

use super::{Mistake, Parsed, TextErrorKind, cursor::Cursor, error::Number, mistake};
use crate::{
    Reg, StackArg,
    op::{Narrow, Size, Width, special},
    text::words,
};

/// A register as written: `r1` or `w1`.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) width: Width,
    pub(super) reg: Reg,
}

/// `(r10 - 4)`, or the stack arguments.
#[derive(Clone, Copy)]
pub(super) enum Place {
    At(Reg, i16),
    Arg(i16),
}

/// What stands between `*(` and `*)`.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Unsigned(Size),
    Signed(Narrow),
}

/// Whether a word is a register's name, and the number after its letter.
#[inline]
pub(super) fn register_word(word: &str) -> Option<(Width, u32)> {
    let (width, digits) = match word.as_bytes() {
        [b'r', digits @ ..] => (Width::Bits64, digits),
        [b'w', digits @ ..] => (Width::Bits32, digits),
        _ => return None,
    };
    match digits {
        [digit @ b'0'..=b'9'] => Some((width, u32::from(digit - b'0'))),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            Some((width, word.get(1..)?.parse().unwrap_or(u32::MAX)))
        }
        _ => None,
    }
}

#[inline]
pub(super) fn named(width: Width, number: u32, at: usize) -> Parsed<Named> {
    match u8::try_from(number).ok().and_then(Reg::from_number) {
        Some(reg) => Ok(Named { width, reg }),
        None => mistake(at, TextErrorKind::Register { number }),
    }
}

impl Cursor<'_> {
    /// A register, if one stands here.
    #[inline]
    pub(super) fn try_register(&mut self) -> Parsed<Option<Named>> {
        self.blanks()?;
        if !matches!(self.peek(), Some(b'r' | b'w')) {
            return Ok(None);
        }
        let at = self.at();
        match register_word(self.word()) {
            Some((width, number)) => named(width, number, at).map(Some),
            None => {
                self.back_to(at);
                Ok(None)
            }
        }
    }

    #[inline]
    pub(super) fn register(&mut self) -> Parsed<Named> {
        match self.try_register()? {
            Some(register) => Ok(register),
            None => Err(self.expected("a register")),
        }
    }

    /// All of a register, not its half.
    #[inline]
    pub(super) fn whole_register(&mut self) -> Parsed<Reg> {
        self.blanks()?;
        let at = self.at();
        match self.register()? {
            Named { width: Width::Bits64, reg } => Ok(reg),
            _ => mistake(at, TextErrorKind::Widths),
        }
    }

    /// A register of an instruction that names others of this width.
    #[inline]
    pub(super) fn register_of(&mut self, width: Width) -> Parsed<Reg> {
        self.blanks()?;
        let at = self.at();
        let register = self.register()?;
        if register.width == width { Ok(register.reg) } else { mistake(at, TextErrorKind::Widths) }
    }

    /// A register for memory of this size: its half will do for up to four bytes.
    #[inline]
    pub(super) fn register_for(&mut self, size: Size) -> Parsed<Reg> {
        self.blanks()?;
        let at = self.at();
        let register = self.register()?;
        fits(register, size, at)
    }

    /// A register again.
    pub(super) fn same_register(&mut self, first: Reg, width: Width) -> Parsed<()> {
        self.blanks()?;
        let at = self.at();
        let second = self.register_of(width)?;
        if second == first { Ok(()) } else { mistake(at, TextErrorKind::TwoRegisters) }
    }

    /// A number that a place can hold: `take` says how, `what` is its name.
    #[inline]
    pub(super) fn number_in<T>(&mut self, what: &'static str, take: impl Fn(i64) -> Option<T>) -> Parsed<T> {
        self.blanks()?;
        let at = self.at();
        let value = self.number()?;
        within(at, value, what, take)
    }

    /// An immediate of 32 bits; those of 32-bit operations can be written without a sign.
    #[inline]
    pub(super) fn immediate(&mut self, width: Width) -> Parsed<i32> {
        self.blanks()?;
        let at = self.at();
        let value = self.number()?;
        immediate(at, value, width)
    }

    /// A distance with its sign: `+3`.
    #[inline]
    pub(super) fn distance<T: TryFrom<i64>>(&mut self, what: &'static str) -> Parsed<T> {
        self.number_in(what, |value| T::try_from(value).ok())
    }

    /// `*(u32 *)`
    #[inline]
    pub(super) fn pointed(&mut self) -> Parsed<Type> {
        self.expect("*")?;
        self.pointer()
    }

    /// `(u32 *)`
    #[inline]
    pub(super) fn pointer(&mut self) -> Parsed<Type> {
        self.expect("(")?;
        self.blanks()?;
        let at = self.at();
        let Some(found) = memory_type(self.word()) else {
            self.back_to(at);
            return Err(self.expected("u8, u16, u32, u64, s8, s16 or s32"));
        };
        self.expect("*")?;
        self.expect(")")?;
        Ok(found)
    }

    /// The same, where it cannot be signed.
    #[inline]
    pub(super) fn unsigned_pointer(&mut self) -> Parsed<Size> {
        self.blanks()?;
        let at = self.at();
        match self.pointer()? {
            Type::Unsigned(size) => Ok(size),
            Type::Signed(_) => {
                self.back_to(at);
                Err(self.expected("(u8 *), (u16 *), (u32 *) or (u64 *)"))
            }
        }
    }

    /// `(r10 - 4)`
    #[inline]
    pub(super) fn place(&mut self) -> Parsed<Place> {
        self.expect("(")?;
        let place = self.bare_place()?;
        self.expect(")")?;
        Ok(place)
    }

    /// `(r10 - 4)` with a register that can be named.
    #[inline]
    pub(super) fn register_place(&mut self) -> Parsed<(Reg, i16)> {
        self.expect("(")?;
        let place = self.bare_register_place()?;
        self.expect(")")?;
        Ok(place)
    }

    pub(super) fn bare_register_place(&mut self) -> Parsed<(Reg, i16)> {
        self.blanks()?;
        let at = self.at();
        match self.bare_place()? {
            Place::At(base, off) => Ok((base, off)),
            Place::Arg(_) => mistake(at, TextErrorKind::StackArg),
        }
    }

    #[inline]
    fn bare_place(&mut self) -> Parsed<Place> {
        self.blanks()?;
        let at = self.at();
        let base = register_word(self.word());
        let off = match (base, self.sign()?) {
            (Some(_), Some(_)) => self.distance("an offset of 16 bits")?,
            (Some(_), None) => return Err(self.expected("+ or - and an offset")),
            (None, _) => {
                self.back_to(at);
                return Err(self.expected("a register"));
            }
        };
        match base {
            Some((Width::Bits64, number)) if number == u32::from(special::ARGS_BASE) => Ok(Place::Arg(off)),
            Some((Width::Bits64, number)) => Ok(Place::At(named(Width::Bits64, number, at)?.reg, off)),
            _ => mistake(at, TextErrorKind::Widths),
        }
    }

    /// Which sign stands here, if one does.
    #[inline]
    pub(super) fn sign(&mut self) -> Parsed<Option<u8>> {
        self.blanks()?;
        Ok(self.peek().filter(|byte| matches!(byte, b'+' | b'-')))
    }
}

/// The argument that lies `bytes` away from the base.
pub(super) fn stack_arg(at: usize, bytes: Option<i16>) -> Parsed<StackArg> {
    let arg = bytes.and_then(StackArg::from_bytes);
    arg.ok_or_else(|| Mistake::new(at, TextErrorKind::StackArg))
}

#[inline]
pub(super) fn fits(register: Named, size: Size, at: usize) -> Parsed<Reg> {
    match (register.width, size) {
        (Width::Bits32, Size::DW) => mistake(at, TextErrorKind::HalfRegister),
        _ => Ok(register.reg),
    }
}

#[inline]
pub(super) fn within<T>(
    at: usize,
    value: Number,
    what: &'static str,
    take: impl Fn(i64) -> Option<T>,
) -> Parsed<T> {
    let taken = value.signed().and_then(take);
    taken.ok_or_else(|| Mistake::new(at, TextErrorKind::Range { value, what }))
}

#[inline]
pub(super) fn immediate(at: usize, value: Number, width: Width) -> Parsed<i32> {
    match width {
        Width::Bits64 => {
            within(at, value, "an immediate of 32 bits, whose sign is extended", |n| n.try_into().ok())
        }
        Width::Bits32 => within(at, value, "an immediate of 32 bits", low_word),
    }
}

/// 32 bits, written with a sign or without.
pub(super) fn low_word(value: i64) -> Option<i32> {
    i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
}

#[inline]
fn memory_type(word: &str) -> Option<Type> {
    let unsigned = Size::ALL.iter().find(|size| words::size(**size) == word);
    unsigned.map(|size| Type::Unsigned(*size)).or_else(|| {
        let signed = Narrow::ALL.iter().find(|size| words::signed(**size) == word);
        signed.map(|size| Type::Signed(*size))
    })
}
