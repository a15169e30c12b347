//! Text for people, to the machine's log, and text for the program.

use super::format::format;
use super::{Row, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] = &[
    (Helper::TRACE_PRINTK, trace_printk),
    (Helper::TRACE_VPRINTK, trace_vprintk),
    (Helper::SNPRINTF, snprintf),
];

/// `MAX_BPRINTF_VARARGS`
const MOST_ARGUMENTS: u64 = 12;
/// How much of a line is kept (`MAX_BPRINTF_BUF`), the NUL included.
const LINE: usize = 1024;

fn trace_printk(world: &mut World, [text, size, a, b, c]: [u64; 5]) -> Result<Answer, Trap> {
    print(world, text, size, &[a, b, c])
}

fn trace_vprintk(world: &mut World, [text, size, arguments, len, _]: [u64; 5]) -> Result<Answer, Trap> {
    match list(world, arguments, len)? {
        Some(arguments) => print(world, text, size, &arguments),
        None => Ok(outcome::<i64>(Err(Errno::EINVAL))),
    }
}

fn print(world: &mut World, text: u64, size: u64, arguments: &[u64]) -> Result<Answer, Trap> {
    let bytes = world.read(text, size as u32 as usize)?;
    // The kernel wants the NUL inside of what it is given.
    let Some(end) = bytes.iter().position(|byte| *byte == 0) else {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    };
    let bytes = bytes[..end].to_vec();
    let text = format(world, &bytes, arguments, LINE);
    if let Ok(text) = &text {
        // A NUL that `%c` printed ends the line, but not the number of bytes.
        let line = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let line = String::from_utf8_lossy(&line[..line.len().min(LINE - 1)]);
        world.printed.push(line.trim_end_matches('\n').to_owned());
    }
    Ok(outcome(text.map(|text| text.len() as i64)))
}

/// Arguments that lie in memory; none: there are too many, or their size is odd.
fn list(world: &World, arguments: u64, len: u64) -> Result<Option<Vec<u64>>, Trap> {
    let len = u64::from(len as u32);
    if !len.is_multiple_of(8) || len > MOST_ARGUMENTS * 8 || len != 0 && arguments == 0 {
        return Ok(None);
    }
    let bytes = if len == 0 { &[][..] } else { world.read(arguments, len as usize)? };
    Ok(Some(bytes.chunks_exact(8).map(|bytes| number(bytes, world.memory.endian)).collect()))
}

fn snprintf(world: &mut World, [to, size, text, arguments, len]: [u64; 5]) -> Result<Answer, Trap> {
    let Some(arguments) = list(world, arguments, len)? else {
        return Ok(outcome::<i64>(Err(Errno::EINVAL)));
    };
    let mut bytes = Vec::new();
    for at in text.. {
        match world.read(at, 1)?[0] {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    let text = match format(world, &bytes, &arguments, size as u32 as usize) {
        Ok(text) => text,
        Err(errno) => return Ok(outcome::<i64>(Err(errno))),
    };
    if let Some(room) = (size as u32 as usize).checked_sub(1) {
        let mut part = text[..text.len().min(room)].to_vec();
        part.push(0);
        world.write(to, &part)?;
    }
    Ok(outcome(Ok(text.len() as i64 + 1)))
}
