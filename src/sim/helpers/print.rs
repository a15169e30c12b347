//! Text for people: `bpf_trace_printk`, whose lines go to the machine's log.

use super::{Row, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[(Helper::TRACE_PRINTK, trace_printk)];

fn trace_printk(world: &mut World, [format, size, a, b, c]: [u64; 5]) -> Result<Answer, Trap> {
    let bytes = world.read(format, size as usize)?.to_vec();
    // The kernel wants the NUL inside of what it is given.
    let Some(end) = bytes.iter().position(|byte| *byte == 0) else {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    };
    let text = print(world, &bytes[..end], &[a, b, c]);
    if let Ok(text) = &text {
        world.printed.push(String::from_utf8_lossy(text).trim_end_matches('\n').to_owned());
    }
    Ok(outcome(text.map(|text| text.len() as i64)))
}

/// `format` with its arguments, as `bpf_bprintf_prepare` and `bstr_printf` make it.
pub(super) fn print(world: &World, format: &[u8], arguments: &[u64]) -> Result<Vec<u8>, Errno> {
    let mut out = Vec::new();
    let mut arguments = arguments.iter().copied();
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' if rest.first() == Some(&b'%') => {
                out.push(b'%');
                rest = &rest[1..];
            }
            b'%' => {
                let (spec, after) = Spec::parse(rest).ok_or(Errno::EINVAL)?;
                let argument = arguments.next().ok_or(Errno::EINVAL)?;
                spec.print(world, argument, &mut out);
                rest = after;
            }
            // As the kernel: text is ASCII, without control characters but white space.
            _ if byte.is_ascii_graphic() || byte.is_ascii_whitespace() => out.push(byte),
            _ => return Err(Errno::EINVAL),
        }
    }
    Ok(out)
}

/// One conversion.
struct Spec {
    left: bool,
    zero: bool,
    width: usize,
    /// 64 bits, not 32.
    long: bool,
    what: u8,
}

impl Spec {
    /// What follows a `%`, and what follows that.
    fn parse(mut rest: &[u8]) -> Option<(Self, &[u8])> {
        let mut spec = Self { left: false, zero: false, width: 0, long: false, what: 0 };
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'-' => spec.left = true,
                b'0' if spec.width == 0 => spec.zero = true,
                b'0'..=b'9' => spec.width = (spec.width * 10 + usize::from(byte - b'0')).min(512),
                b'l' => spec.long = true,
                b'd' | b'i' | b'u' | b'x' | b'X' | b'c' | b's' | b'p' => {
                    return Some((Self { what: byte, ..spec }, rest));
                }
                _ => return None,
            }
        }
        None
    }

    fn print(&self, world: &World, argument: u64, out: &mut Vec<u8>) {
        let short = if self.long { argument } else { u64::from(argument as u32) };
        let signed = if self.long { argument.cast_signed() } else { i64::from(argument as i32) };
        let text = match self.what {
            b'd' | b'i' => signed.to_string().into_bytes(),
            b'u' => short.to_string().into_bytes(),
            b'x' => format!("{short:x}").into_bytes(),
            b'X' => format!("{short:X}").into_bytes(),
            b'c' => vec![argument as u8],
            b'p' => format!("{argument:016x}").into_bytes(),
            _ => string(world, argument),
        };
        let padding = self.width.saturating_sub(text.len());
        let zero = self.zero && !self.left && self.what != b's' && self.what != b'c';
        if zero && text.first() == Some(&b'-') {
            out.push(b'-');
            out.extend(std::iter::repeat_n(b'0', padding));
            out.extend(&text[1..]);
            return;
        }
        let fill = if zero { b'0' } else { b' ' };
        let (before, behind) = if self.left { (0, padding) } else { (padding, 0) };
        out.extend(std::iter::repeat_n(fill, before));
        out.extend(text);
        out.extend(std::iter::repeat_n(b' ', behind));
    }
}

/// The bytes up to a NUL; what cannot be read ends them.
fn string(world: &World, address: u64) -> Vec<u8> {
    let byte = |at| world.memory.get::<1>(address.wrapping_add(at)).map(|[byte]| byte);
    (0..512).map_while(|at| byte(at).filter(|byte| *byte != 0)).collect()
}
