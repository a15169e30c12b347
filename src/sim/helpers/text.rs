//! Text that programs read: numbers and comparisons.

use super::{Row, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::error::Access;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] =
    &[(Helper::STRTOL, strtol), (Helper::STRTOUL, strtoul), (Helper::STRNCMP, strncmp)];

/// A number, whether it has a minus, and how many bytes it took (`__bpf_strtoull`).
fn number(text: &[u8], flags: u64) -> Result<(u64, bool, usize), Errno> {
    /// How much of the text is looked at.
    const MOST: usize = 63;
    if !matches!(flags, 0 | 8 | 10 | 16) || text.is_empty() {
        return Err(Errno::EINVAL);
    }
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b || *byte == 0xa0;
    let blank = text.iter().take_while(|byte| space(byte)).count();
    let negative = text.get(blank) == Some(&b'-');
    let before = blank + usize::from(negative);
    let digits = &text[before.min(text.len())..];
    let digits = &digits[..digits.len().min(MOST)];
    let (prefix, base) = radix(digits, flags as u32);
    let mut value = Some(0_u64);
    let mut count = 0;
    for digit in digits[prefix..].iter().map_while(|byte| char::from(*byte).to_digit(base)) {
        value = value.and_then(|value| value.checked_mul(base.into())?.checked_add(digit.into()));
        count += 1;
    }
    let value = value.ok_or(Errno::ERANGE)?;
    if count == 0 { Err(Errno::EINVAL) } else { Ok((value, negative, before + prefix + count)) }
}

/// The length of the prefix, and the base it tells (`_parse_integer_fixup_radix`).
fn radix(digits: &[u8], base: u32) -> (usize, u32) {
    let hex = matches!(digits, [b'0', b'x' | b'X', ..]);
    let base = match (base, digits) {
        (0, [b'0', b'x' | b'X', digit, ..]) if digit.is_ascii_hexdigit() => 16,
        (0, [b'0', ..]) => 8,
        (0, _) => 10,
        (base, _) => base,
    };
    (if base == 16 && hex { 2 } else { 0 }, base)
}

fn strtol(world: &mut World, [text, len, flags, result, _]: [u64; 5]) -> Result<Answer, Trap> {
    parse(world, text, len, flags, result, |value, negative| match (value.cast_signed(), negative) {
        (value, false) if value >= 0 => Ok(value.cast_unsigned()),
        (value, true) if value.wrapping_neg() <= 0 => Ok(value.wrapping_neg().cast_unsigned()),
        _ => Err(Errno::ERANGE),
    })
}

fn strtoul(world: &mut World, [text, len, flags, result, _]: [u64; 5]) -> Result<Answer, Trap> {
    parse(
        world,
        text,
        len,
        flags,
        result,
        |value, negative| if negative { Err(Errno::EINVAL) } else { Ok(value) },
    )
}

fn parse(
    world: &mut World,
    text: u64,
    len: u64,
    flags: u64,
    result: u64,
    value: impl FnOnce(u64, bool) -> Result<u64, Errno>,
) -> Result<Answer, Trap> {
    let text = world.read(text, len as usize)?.to_vec();
    let parsed =
        number(&text, flags).and_then(|(number, negative, used)| Ok((value(number, negative)?, used)));
    world.write_number(result, 8, parsed.map_or(0, |(value, _)| value))?;
    Ok(outcome(parsed.map(|(_, used)| used as i64)))
}

fn strncmp(world: &mut World, [left, len, right, ..]: [u64; 5]) -> Result<Answer, Trap> {
    for at in 0..u64::from(len as u32) {
        let byte = |address: u64| {
            let address = address.wrapping_add(at);
            world.read(address, 1).map(|bytes| bytes[0])
        };
        let (a, b) = (byte(left)?, byte(right)?);
        if a != b {
            return Ok(outcome(Ok(if a < b { -1_i64 } else { 1 })));
        }
        if a == 0 {
            break;
        }
    }
    Ok(outcome(Ok(0)))
}

impl World {
    /// A number in memory, in its byte order.
    pub(super) fn write_number(&mut self, address: u64, size: usize, value: u64) -> Result<(), Trap> {
        let trap = |refusal| Trap::access(Access::Write, size, address, refusal);
        let endian = self.memory.endian;
        let room = self.memory.read_write(address, size).map_err(trap)?;
        match endian {
            crate::base::Endian::Little => room.copy_from_slice(&value.to_le_bytes()[..size]),
            crate::base::Endian::Big => room.copy_from_slice(&value.to_be_bytes()[8 - size..]),
        }
        Ok(())
    }
}
