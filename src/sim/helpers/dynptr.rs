//! Pointers that know their length (`struct bpf_dynptr`), to memory of a program, to records of rings.
//!
//! ```text
//!  0            8             12       16
//! +------------+-------------+--------+
//! | address    | type | size | offset |
//! +------------+-------------+--------+
//! ```
//! The size has 24 bits, the type the 7 above them, and the highest says that it is read-only.

use super::{Row, done, rings};
use crate::base::{Endian, Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] = &[
    (Helper::DYNPTR_FROM_MEM, from_mem),
    (Helper::DYNPTR_READ, read),
    (Helper::DYNPTR_WRITE, write),
    (Helper::DYNPTR_DATA, data),
    (Helper::RINGBUF_RESERVE_DYNPTR, reserve),
    (Helper::RINGBUF_SUBMIT_DYNPTR, submit),
    (Helper::RINGBUF_DISCARD_DYNPTR, discard),
];

/// `BPF_DYNPTR_TYPE_LOCAL`
const LOCAL: u32 = 1;
/// `BPF_DYNPTR_TYPE_RINGBUF`
const RINGBUF: u32 = 2;
const TYPE_SHIFT: u32 = 24;
/// `DYNPTR_MAX_SIZE`
const MOST: u32 = (1 << TYPE_SHIFT) - 1;

/// What a dynptr says: where its bytes are, and how many.
#[derive(Clone, Copy, Debug)]
struct Dynptr {
    address: u64,
    size: u32,
}

impl Dynptr {
    /// None: it is null.
    fn load(world: &World, helper: Helper, argument: u8, at: u64) -> Result<Option<Self>, Trap> {
        let endian = world.memory.endian;
        let bytes = world.read(at, 16)?;
        let (address, size) = (number(&bytes[..8], endian), number(&bytes[8..12], endian) as u32);
        let offset = number(&bytes[12..], endian);
        match size >> TYPE_SHIFT {
            _ if address == 0 => Ok(None),
            LOCAL | RINGBUF => Ok(Some(Self { address: address.wrapping_add(offset), size: size & MOST })),
            _ => Err(Trap::Argument { helper, argument, address: at, expected: "a dynptr" }),
        }
    }

    fn part(self, offset: u64, len: u64) -> Result<u64, Errno> {
        let (offset, len) = (offset as u32, len as u32);
        if len > self.size || offset > self.size - len {
            return Err(Errno::E2BIG);
        }
        Ok(self.address.wrapping_add(offset.into()))
    }
}

fn from_mem(world: &mut World, [address, size, flags, to, _]: [u64; 5]) -> Result<Answer, Trap> {
    let size = size as u32;
    let result = match (size, flags) {
        (size, _) if size > MOST => Err(Errno::E2BIG),
        (_, 0) => Ok(()),
        _ => Err(Errno::EINVAL),
    };
    set(world, to, result.map(|()| (address, size)), LOCAL)
}

/// Writes a dynptr; null where there is none.
fn set(world: &mut World, to: u64, result: Result<(u64, u32), Errno>, kind: u32) -> Result<Answer, Trap> {
    let (address, size) = result.map_or((0, 0), |(address, size)| (address, size | kind << TYPE_SHIFT));
    world.write(to, &encoded(address, size, world.memory.endian))?;
    Ok(done(result.map(|_| ())))
}

/// A dynptr to memory, as it lies in a program's.
pub(super) fn to_memory(address: u64, size: u32, endian: Endian) -> Vec<u8> {
    encoded(address, size | LOCAL << TYPE_SHIFT, endian).to_vec()
}

fn encoded(address: u64, size: u32, endian: Endian) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (address, size) = match endian {
        Endian::Little => (address.to_le_bytes(), size.to_le_bytes()),
        Endian::Big => (address.to_be_bytes(), size.to_be_bytes()),
    };
    bytes[..8].copy_from_slice(&address);
    bytes[8..12].copy_from_slice(&size);
    bytes
}

fn reserve(world: &mut World, [map, size, flags, to, _]: [u64; 5]) -> Result<Answer, Trap> {
    let size = size as u32;
    let result = match (flags, size) {
        (0, ..=MOST) => {
            let helper = Helper::RINGBUF_RESERVE_DYNPTR;
            let record =
                rings::ring(world, helper, map, |ring, memory| ring.reserve(memory, size.into(), 0))?;
            record.map(|record| (record, size)).ok_or(Errno::EINVAL)
        }
        (0, _) => Err(Errno::E2BIG),
        _ => Err(Errno::EINVAL),
    };
    set(world, to, result, RINGBUF)
}

fn submit(world: &mut World, [dynptr, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    hand_over(world, Helper::RINGBUF_SUBMIT_DYNPTR, dynptr, flags, false)
}

fn discard(world: &mut World, [dynptr, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    hand_over(world, Helper::RINGBUF_DISCARD_DYNPTR, dynptr, flags, true)
}

fn hand_over(world: &mut World, helper: Helper, at: u64, flags: u64, discard: bool) -> Result<Answer, Trap> {
    if let Some(dynptr) = Dynptr::load(world, helper, 1, at)? {
        rings::hand_over(world, helper, dynptr.address, flags, discard)?;
        set(world, at, Err(Errno::EINVAL), RINGBUF)?;
    }
    Ok(Answer::Nothing)
}

fn read(world: &mut World, [to, len, from, offset, flags]: [u64; 5]) -> Result<Answer, Trap> {
    let found = match Dynptr::load(world, Helper::DYNPTR_READ, 3, from)? {
        Some(dynptr) if flags == 0 => dynptr.part(offset, len),
        _ => Err(Errno::EINVAL),
    };
    move_bytes(world, found.map(|from| (to, from)), len)
}

fn write(world: &mut World, [to, offset, from, len, flags]: [u64; 5]) -> Result<Answer, Trap> {
    let found = match Dynptr::load(world, Helper::DYNPTR_WRITE, 1, to)? {
        Some(dynptr) => dynptr.part(offset, len),
        None => Err(Errno::EINVAL),
    };
    let found = found.and_then(|to| if flags == 0 { Ok((to, from)) } else { Err(Errno::EINVAL) });
    move_bytes(world, found, len)
}

fn move_bytes(world: &mut World, found: Result<(u64, u64), Errno>, len: u64) -> Result<Answer, Trap> {
    if let Ok((to, from)) = found {
        let bytes = world.read(from, len as u32 as usize)?.to_vec();
        world.write(to, &bytes)?;
    }
    Ok(done(found.map(|_| ())))
}

fn data(world: &mut World, [from, offset, len, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let dynptr = Dynptr::load(world, Helper::DYNPTR_DATA, 1, from)?;
    Ok(Answer::Value(dynptr.and_then(|dynptr| dynptr.part(offset, len).ok()).unwrap_or(0)))
}
