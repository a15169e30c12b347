//! The format language of programs: what `bpf_bprintf_prepare` takes, as `bstr_printf` prints it.

use super::probe::Whose;
use crate::base::Errno;
use crate::sim::random::Random;
use crate::sim::world::World;

/// Room for arguments, as the kernel stores them between the two steps (`MAX_BPRINTF_BIN_ARGS`).
const ARGUMENTS: usize = 512;

/// The text of a format and its arguments. What the kernel prints in its first step, it forgets once `size` bytes are full.
///
/// # Errors
/// EINVAL: what the language does not have, or more conversions than arguments. ENOSPC: the arguments take too much room.
pub(super) fn format(world: &World, format: &[u8], arguments: &[u64], size: usize) -> Result<Vec<u8>, Errno> {
    let mut out = Vec::new();
    let mut arguments = arguments.iter().copied();
    let mut room = Room(0);
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, rest.first()) {
            (b'%', Some(b'%')) => {
                out.push(b'%');
                rest = &rest[1..];
            }
            (b'%', _) => {
                let argument = arguments.next().ok_or(Errno::EINVAL)?;
                let (spec, what, after) = parse(rest).ok_or(Errno::EINVAL)?;
                room.take(world, what, argument)?;
                if !what.is_early() || out.len() < size {
                    spec.print(world, what, argument, &mut out);
                }
                rest = after;
            }
            _ if byte.is_ascii_graphic() || is_space(byte) => out.push(byte),
            // UTF-8 is let through since 7.0; before, and other control characters, are refused.
            _ => return Err(Errno::EINVAL),
        }
    }
    Ok(out)
}

/// `isspace`, for ASCII.
const fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Whether a conversion may end before this byte.
fn ends(after: &[u8]) -> bool {
    after.first().is_none_or(|byte| is_space(*byte) || byte.is_ascii_punctuation())
}

/// What a conversion prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Number {
        signed: bool,
        base: u32,
        upper: bool,
        long: bool,
    },
    Character,
    /// `%s`
    String,
    /// `%pks`, `%pus`
    StringOf(Whose),
    Pointer(Pointer),
}

impl What {
    /// Whether it is printed in the first step, before width counts.
    const fn is_early(self) -> bool {
        matches!(
            self,
            Self::StringOf(_)
                | Self::Pointer(Pointer::Backtrace | Pointer::Ipv4 { .. } | Pointer::Ipv6 { .. })
        )
    }

    /// Whose text it is, if it is text.
    const fn string(self) -> Option<Whose> {
        match self {
            Self::String => Some(Whose::Kernel),
            Self::StringOf(whose) => Some(whose),
            _ => None,
        }
    }
}

/// What a conversion makes of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pointer {
    /// `%p`, `%pK`: a number that tells nothing of the address.
    Hashed,
    /// `%px`
    Plain,
    /// `%ps`, `%pS`
    Symbol,
    /// `%pB`, printed before width counts.
    Backtrace,
    /// `%pi4`, `%pI4`; whether zeros lead.
    Ipv4 { zeros: bool },
    /// `%pi6`, `%pI6`; whether colons stand between.
    Ipv6 { colons: bool },
}

/// Room that arguments take.
struct Room(usize);

impl Room {
    fn take(&mut self, world: &World, what: What, argument: u64) -> Result<(), Errno> {
        let left = ARGUMENTS - self.0;
        let (least, size) = match what {
            What::Character => (1, 1),
            What::String | What::StringOf(_) => (1, text(world, what, argument).len().min(left) + 1),
            What::Pointer(Pointer::Ipv4 { .. }) => (4, text(world, what, argument).len() + 1),
            What::Pointer(Pointer::Ipv6 { .. }) => (16, text(world, what, argument).len() + 1),
            What::Pointer(Pointer::Backtrace) => (0, text(world, what, argument).len() + 1),
            What::Pointer(_) | What::Number { long: true, .. } => {
                self.0 = self.0.next_multiple_of(4);
                (8, 8)
            }
            What::Number { .. } => {
                self.0 = self.0.next_multiple_of(4);
                (4, 4)
            }
        };
        if ARGUMENTS.checked_sub(self.0).is_none_or(|left| left < least) {
            return Err(Errno::ENOSPC);
        }
        self.0 = (self.0 + size).min(ARGUMENTS);
        Ok(())
    }
}

/// What stands between `%` and the conversion.
#[derive(Clone, Copy, Debug, Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    width: Option<usize>,
}

/// What follows a `%`: flags, width, conversion, and what follows that.
fn parse(mut rest: &[u8]) -> Option<(Spec, What, &[u8])> {
    /// Nothing is wider: the text would not fit anywhere.
    const WIDEST: usize = 1 << 16;
    let mut spec = Spec::default();
    while let Some((flag @ (b'0' | b'+' | b'-' | b' '), after)) = rest.split_first() {
        match flag {
            b'0' => spec.zero = true,
            b'+' => spec.plus = true,
            b'-' => spec.left = true,
            _ => spec.space = true,
        }
        rest = after;
    }
    while let Some((digit @ b'0'..=b'9', after)) = rest.split_first() {
        let width = spec.width.unwrap_or(0) * 10 + usize::from(digit - b'0');
        spec.width = Some(width.min(WIDEST));
        rest = after;
    }
    let (what, after) = conversion(rest)?;
    Some((spec, what, after))
}

fn conversion(rest: &[u8]) -> Option<(What, &[u8])> {
    let (&what, after) = rest.split_first()?;
    match what {
        b'p' => pointer(after),
        b's' if ends(after) => Some((What::String, after)),
        b'c' => Some((What::Character, after)),
        _ => number(rest),
    }
}

fn number(mut rest: &[u8]) -> Option<(What, &[u8])> {
    let longs = rest.iter().take(2).take_while(|byte| **byte == b'l').count();
    rest = &rest[longs..];
    let (&what, after) = rest.split_first()?;
    let (signed, base) = match what {
        b'd' | b'i' => (true, 10),
        b'u' => (false, 10),
        b'x' | b'X' => (false, 16),
        _ => return None,
    };
    Some((What::Number { signed, base, upper: what == b'X', long: longs > 0 }, after))
}

fn pointer(after: &[u8]) -> Option<(What, &[u8])> {
    if ends(after) {
        return Some((What::Pointer(Pointer::Hashed), after));
    }
    let (what, len) = match after {
        [b'k', b's', ..] => return string(Whose::Kernel, &after[2..]),
        [b'u', b's', ..] => return string(Whose::User, &after[2..]),
        [b'K', ..] => (Pointer::Hashed, 1),
        [b'x', ..] => (Pointer::Plain, 1),
        [b's' | b'S', ..] => (Pointer::Symbol, 1),
        [b'B', ..] => (Pointer::Backtrace, 1),
        [kind @ (b'i' | b'I'), b'4', ..] => (Pointer::Ipv4 { zeros: *kind == b'i' }, 2),
        [kind @ (b'i' | b'I'), b'6', ..] => (Pointer::Ipv6 { colons: *kind == b'I' }, 2),
        _ => return None,
    };
    // What looks like more of it is taken along, and tells nothing.
    let more = after[len..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    Some((What::Pointer(what), &after[len + more..]))
}

fn string(whose: Whose, after: &[u8]) -> Option<(What, &[u8])> {
    ends(after).then_some((What::StringOf(whose), after))
}

impl Spec {
    fn print(&self, world: &World, what: What, argument: u64, out: &mut Vec<u8>) {
        let mut text = text(world, what, argument);
        let mut spec = *self;
        match what {
            _ if what.is_early() => {
                out.extend(text);
                return;
            }
            What::Pointer(Pointer::Hashed | Pointer::Plain) if spec.width.is_none() => {
                (spec.width, spec.zero) = (Some(16), true);
            }
            What::Character | What::String | What::Pointer(Pointer::Symbol) => spec.zero = false,
            What::Number { signed: true, .. } if text.first() != Some(&b'-') => {
                let sign: &[u8] = if spec.plus {
                    b"+"
                } else if spec.space {
                    b" "
                } else {
                    b""
                };
                text.splice(..0, sign.iter().copied());
            }
            _ => {}
        }
        spec.pad(&text, out);
    }

    fn pad(&self, text: &[u8], out: &mut Vec<u8>) {
        let padding = self.width.unwrap_or(0).saturating_sub(text.len());
        if self.left {
            out.extend(text);
            out.extend(std::iter::repeat_n(b' ', padding));
        } else if self.zero {
            let sign = usize::from(matches!(text.first(), Some(b'-' | b'+' | b' ')));
            out.extend(&text[..sign]);
            out.extend(std::iter::repeat_n(b'0', padding));
            out.extend(&text[sign..]);
        } else {
            out.extend(std::iter::repeat_n(b' ', padding));
            out.extend(text);
        }
    }
}

/// A value without its padding.
fn text(world: &World, what: What, argument: u64) -> Vec<u8> {
    match what {
        What::Number { signed, base, upper, long } => {
            integer(argument, signed, base, upper, long).into_bytes()
        }
        What::Character => vec![argument as u8],
        What::String | What::StringOf(_) => {
            let whose = what.string().unwrap_or(Whose::Kernel);
            world.peek_string(whose, argument, ARGUMENTS - 1).unwrap_or_default()
        }
        What::Pointer(pointer) => address(world, pointer, argument).into_bytes(),
    }
}

fn integer(argument: u64, signed: bool, base: u32, upper: bool, long: bool) -> String {
    let short = if long { argument } else { u64::from(argument as u32) };
    match (signed, base, upper) {
        (true, ..) if long => argument.cast_signed().to_string(),
        (true, ..) => (argument as i32).to_string(),
        (_, 16, true) => format!("{short:X}"),
        (_, 16, false) => format!("{short:x}"),
        _ => short.to_string(),
    }
}

fn address(world: &World, pointer: Pointer, address: u64) -> String {
    /// Addresses from here on are errors, and printed as they are.
    const ERRORS: u64 = u64::MAX - 4094;
    let bytes = |count| (0..count).map(|at| world.peek(Whose::Kernel, address.wrapping_add(at)));
    let read = |count| bytes(count).collect::<Option<Vec<u8>>>().unwrap_or_else(|| vec![0; count as usize]);
    match pointer {
        Pointer::Hashed if address != 0 && address < ERRORS => {
            format!("{:016x}", Random::new(address).next() >> 32)
        }
        Pointer::Hashed | Pointer::Plain => format!("{address:x}"),
        Pointer::Symbol | Pointer::Backtrace => format!("{address:#x}"),
        Pointer::Ipv4 { zeros } => {
            let part = |byte: u8| if zeros { format!("{byte:03}") } else { byte.to_string() };
            read(4).into_iter().map(part).collect::<Vec<_>>().join(".")
        }
        Pointer::Ipv6 { colons } => {
            let words = read(16);
            let words: Vec<String> =
                words.chunks(2).map(|word| format!("{:02x}{:02x}", word[0], word[1])).collect();
            words.join(if colons { ":" } else { "" })
        }
    }
}
