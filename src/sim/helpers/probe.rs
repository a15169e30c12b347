//! Memory at any address: what cannot be read is an error, and zeros.

use super::{Row, done, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::PROBE_READ, read_any),
    (Helper::PROBE_READ_KERNEL, read_kernel),
    (Helper::PROBE_READ_USER, read_user),
    (Helper::PROBE_READ_STR, string_any),
    (Helper::PROBE_READ_KERNEL_STR, string_kernel),
    (Helper::PROBE_READ_USER_STR, string_user),
    (Helper::PROBE_WRITE_USER, write_user),
    (Helper::COPY_FROM_USER, copy_from_user),
];

/// Whose memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Kernel,
    User,
}

impl Whose {
    /// Where user space ends (`TASK_SIZE` of x86-64).
    const fn of(address: u64) -> Self {
        if address < 1 << 47 { Self::User } else { Self::Kernel }
    }
}

impl World {
    /// A byte, wherever it is.
    pub(super) fn peek(&self, whose: Whose, address: u64) -> Option<u8> {
        match whose {
            Whose::Kernel => self.memory.peek(address, 1).first().copied(),
            Whose::User => self.user_memory.get(address),
        }
    }

    fn peek_all(&self, whose: Whose, address: u64, size: u64) -> Option<Vec<u8>> {
        (0..size).map(|at| self.peek(whose, address.wrapping_add(at))).collect()
    }

    /// The bytes up to a NUL, at most so many; none if they cannot be read.
    pub(super) fn peek_string(&self, whose: Whose, address: u64, most: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for at in 0..most as u64 {
            match self.peek(whose, address.wrapping_add(at))? {
                0 => break,
                byte => text.push(byte),
            }
        }
        Some(text)
    }
}

fn read(world: &mut World, whose: Whose, to: u64, size: u64, from: u64) -> Result<Answer, Trap> {
    let size = u64::from(size as u32);
    match world.peek_all(whose, from, size) {
        Some(found) => {
            world.write(to, &found)?;
            Ok(done(Ok(())))
        }
        None => refused(world, whose, to, size as usize, from),
    }
}

/// Zeros, and why: what cannot be an address of the kernel's is ERANGE (`copy_from_kernel_nofault_allowed`).
fn refused(world: &mut World, whose: Whose, to: u64, size: usize, from: u64) -> Result<Answer, Trap> {
    world.write(to, &vec![0; size])?;
    let kernel = from.cast_signed() >> 47 == -1 || world.memory.kind(from).is_some();
    Ok(done(Err(if whose == Whose::Kernel && !kernel { Errno::ERANGE } else { Errno::EFAULT })))
}

fn string(world: &mut World, whose: Whose, to: u64, size: u64, from: u64) -> Result<Answer, Trap> {
    let size = size as u32 as usize;
    if size == 0 {
        return Ok(outcome(Ok(0)));
    }
    // The last byte is read too, though a NUL takes its place.
    match world.peek_string(whose, from, size) {
        Some(mut text) => {
            text.truncate(size - 1);
            text.push(0);
            world.write(to, &text)?;
            Ok(outcome(Ok(text.len() as i64)))
        }
        None => refused(world, whose, to, size, from),
    }
}

fn read_any(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    read(world, Whose::of(from), to, size, from)
}

fn read_kernel(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    read(world, Whose::Kernel, to, size, from)
}

fn read_user(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    read(world, Whose::User, to, size, from)
}

fn string_any(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    string(world, Whose::of(from), to, size, from)
}

fn string_kernel(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    string(world, Whose::Kernel, to, size, from)
}

fn string_user(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    string(world, Whose::User, to, size, from)
}

fn copy_from_user(world: &mut World, [to, size, from, ..]: [u64; 5]) -> Result<Answer, Trap> {
    read(world, Whose::User, to, size, from)
}

fn write_user(world: &mut World, [to, from, size, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let bytes = world.read(from, size as u32 as usize)?.to_vec();
    let written = world.user_memory.write(to, &bytes);
    Ok(done(if written { Ok(()) } else { Err(Errno::EFAULT) }))
}
