//! Checksums of the Internet (RFC 1071): sums of sixteen bits with the carry added to their end.

use super::{Row, done, outcome};
use crate::base::{Endian, Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] = &[
    (Helper::L3_CSUM_REPLACE, l3_csum_replace),
    (Helper::L4_CSUM_REPLACE, l4_csum_replace),
    (Helper::CSUM_DIFF, csum_diff),
    (Helper::CSUM_UPDATE, csum_update),
    (Helper::CSUM_LEVEL, csum_level),
];

/// `BPF_F_HDR_FIELD_MASK`: how many bytes of the header have changed.
const FIELD: u64 = 0xf;

fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum.wrapping_add(carry.into())
}

fn sub(a: u32, b: u32) -> u32 {
    add(a, !b)
}

/// Sixteen bits of a sum (`csum_from32to16`).
fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum as u16).wrapping_add((sum >> 16) as u16)
}

/// The checksum after a change (`csum_replace2`, `csum_replace4`, `csum_replace_by_diff`); none for other sizes.
fn replaced(sum: u16, from: u64, to: u64, size: u64) -> Result<u16, Errno> {
    match size {
        0 if from != 0 => Err(Errno::EINVAL),
        0 => Ok(!fold(add(to as u32, !u32::from(sum)))),
        2 => {
            let plus = |a: u16, b: u16| {
                let (sum, carry) = a.overflowing_add(b);
                sum.wrapping_add(carry.into())
            };
            Ok(!plus(plus(!sum, !(from as u16)), to as u16))
        }
        4 => Ok(!fold(add(sub(!u32::from(sum), from as u32), to as u32))),
        _ => Err(Errno::EINVAL),
    }
}

fn l3_csum_replace(world: &mut World, [context, offset, from, to, flags]: [u64; 5]) -> Result<Answer, Trap> {
    if flags & !FIELD != 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    replace(world, Helper::L3_CSUM_REPLACE, context, offset as u32, |sum| {
        replaced(sum, from, to, flags & FIELD)
    })
}

fn l4_csum_replace(world: &mut World, [context, offset, from, to, flags]: [u64; 5]) -> Result<Answer, Trap> {
    const BPF_F_PSEUDO_HDR: u64 = 1 << 4;
    const BPF_F_MARK_MANGLED_0: u64 = 1 << 5;
    const BPF_F_MARK_ENFORCE: u64 = 1 << 6;
    /// 6.16; changes only what is known of packets whose checksum is complete.
    const BPF_F_IPV6: u64 = 1 << 7;
    let known = FIELD | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6;
    if flags & !known != 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    let has = |flag| flags & flag != 0;
    replace(world, Helper::L4_CSUM_REPLACE, context, offset as u32, |sum| {
        if has(BPF_F_MARK_MANGLED_0) && !has(BPF_F_MARK_ENFORCE) && sum == 0 {
            return Ok(0);
        }
        // `CSUM_MANGLED_0`: zero would say that there is none.
        match replaced(sum, from, to, flags & FIELD)? {
            0 if has(BPF_F_MARK_MANGLED_0) => Ok(0xffff),
            sum => Ok(sum),
        }
    })
}

fn replace(
    world: &mut World,
    helper: Helper,
    context: u64,
    offset: u32,
    new: impl FnOnce(u16) -> Result<u16, Errno>,
) -> Result<Answer, Trap> {
    let mut frame = world.frame(helper, context)?;
    let endian = frame.endian;
    let room = if offset > 0xffff || offset & 1 != 0 { None } else { frame.part(offset as usize, 2) };
    let Some(room) = room else { return Ok(done(Err(Errno::EFAULT))) };
    Ok(done(new(number(room, endian) as u16).map(|sum| {
        room.copy_from_slice(&match endian {
            Endian::Little => sum.to_le_bytes(),
            Endian::Big => sum.to_be_bytes(),
        });
    })))
}

/// The sum of words of four bytes, the last filled with zeros (`csum_partial`).
fn partial(bytes: &[u8], endian: Endian, seed: u32) -> u32 {
    bytes.chunks(4).fold(seed, |sum, word| {
        let mut whole = [0; 4];
        whole[..word.len()].copy_from_slice(word);
        add(sum, number(&whole, endian) as u32)
    })
}

/// As kernels since 6.13 have it: results have sixteen bits on every machine, sizes need not be multiples of four.
fn csum_diff(world: &mut World, [from, from_size, to, to_size, seed]: [u64; 5]) -> Result<Answer, Trap> {
    let (from_size, to_size, seed) = (from_size as u32, to_size as u32, seed as u32);
    let endian = world.memory.endian;
    let bytes = |address, size| match size {
        0 => Ok(&[][..]),
        size => world.read(address, size as usize),
    };
    let (from, to) = (bytes(from, from_size)?, bytes(to, to_size)?);
    let sum = match (from_size, to_size) {
        (0, 0) => seed,
        (0, _) => partial(to, endian, seed),
        (_, 0) => !partial(from, endian, !seed),
        _ => sub(partial(to, endian, seed), partial(from, endian, 0)),
    };
    Ok(Answer::Value(fold(sum).into()))
}

/// No checksum of a test run's packet is complete.
fn csum_update(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    world.frame(Helper::CSUM_UPDATE, context)?;
    Ok(done(Err(Errno::ENOTSUPP)))
}

fn csum_level(world: &mut World, [context, level, ..]: [u64; 5]) -> Result<Answer, Trap> {
    /// `SKB_MAX_CSUM_LEVEL`.
    const MOST: u8 = 3;
    let checked = &mut world.frame(Helper::CSUM_LEVEL, context)?.packet.checked;
    *checked = match level {
        // BPF_CSUM_LEVEL_QUERY
        0 => return Ok(outcome(checked.ok_or(Errno::EACCES))),
        // BPF_CSUM_LEVEL_INC
        1 => Some(checked.map_or(0, |level| (level + 1).min(MOST))),
        // BPF_CSUM_LEVEL_DEC
        2 => checked.and_then(|level| level.checked_sub(1)),
        // BPF_CSUM_LEVEL_RESET
        3 => None,
        _ => return Ok(outcome::<i64>(Err(Errno::EINVAL))),
    };
    Ok(done(Ok(())))
}
