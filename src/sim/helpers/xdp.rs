//! Packets of XDP.

use super::skb::give;
use super::{Row, done, outcome};
use crate::base::{Errno, Helper};
use crate::sim::context::is_metadata;
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::XDP_ADJUST_HEAD, adjust_head),
    (Helper::XDP_ADJUST_TAIL, adjust_tail),
    (Helper::XDP_ADJUST_META, adjust_meta),
    (Helper::XDP_LOAD_BYTES, load_bytes),
    (Helper::XDP_STORE_BYTES, store_bytes),
    (Helper::XDP_GET_BUFF_LEN, get_buff_len),
];

/// A packet keeps at least its Ethernet header.
const ETHERNET: i64 = 14;

fn adjust_head(world: &mut World, [context, offset, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::XDP_ADJUST_HEAD, context)?;
    let offset = i64::from(offset as i32);
    let meta = frame.packet.meta;
    let start = frame.packet.before.len() as i64 + offset;
    if start < frame.packet.room.reserved as i64 || offset > frame.data().len() as i64 - ETHERNET {
        return Ok(done(Err(Errno::EINVAL)));
    }
    let moved = frame.region.bytes[..meta].to_vec();
    frame.start_at(start as usize);
    // The metadata goes along.
    frame.region.bytes[..meta].copy_from_slice(&moved);
    Ok(done(Ok(())))
}

fn adjust_tail(world: &mut World, [context, offset, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::XDP_ADJUST_TAIL, context)?;
    let offset = i64::from(offset as i32);
    let (len, tail) = (frame.data().len() as i64 + offset, frame.packet.room.tail as i64 - offset);
    if tail < 0 || len < ETHERNET {
        return Ok(done(Err(Errno::EINVAL)));
    }
    frame.resize(len as usize);
    frame.packet.room.tail = tail as usize;
    Ok(done(Ok(())))
}

fn adjust_meta(world: &mut World, [context, offset, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::XDP_ADJUST_META, context)?;
    let offset = i64::from(offset as i32);
    let start = frame.packet.before.len() as i64 + offset;
    let meta = frame.packet.meta as i64 - offset;
    if start < frame.packet.room.reserved as i64 || meta < 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    if !is_metadata(meta as usize) {
        return Ok(done(Err(Errno::EACCES)));
    }
    frame.start_at(start as usize);
    frame.packet.meta = meta as usize;
    Ok(done(Ok(())))
}

/// Whether bytes of a packet may be asked for (`bpf_xdp_pointer`).
fn inside(offset: u64, len: u64, whole: usize) -> Result<(usize, usize), Errno> {
    let (offset, len) = (offset as u32, len as u32);
    match (offset as usize, len as usize) {
        _ if offset > 0xffff || len > 0xffff => Err(Errno::EFAULT),
        (offset, len) if offset + len > whole => Err(Errno::EINVAL),
        inside => Ok(inside),
    }
}

fn load_bytes(world: &mut World, [context, offset, to, len, _]: [u64; 5]) -> Result<Answer, Trap> {
    let frame = world.frame(Helper::XDP_LOAD_BYTES, context)?;
    let (offset, len) = match inside(offset, len, frame.data().len()) {
        Ok(inside) => inside,
        Err(errno) => return Ok(done(Err(errno))),
    };
    let found = frame.read(offset as i64, len);
    give(world, to, len, found)
}

fn store_bytes(world: &mut World, [context, offset, from, len, _]: [u64; 5]) -> Result<Answer, Trap> {
    let bytes = world.read(from, len as u32 as usize)?.to_vec();
    let mut frame = world.frame(Helper::XDP_STORE_BYTES, context)?;
    let (offset, len) = match inside(offset, len, frame.data().len()) {
        Ok(inside) => inside,
        Err(errno) => return Ok(done(Err(errno))),
    };
    if let Some(room) = frame.part(offset, len) {
        room.copy_from_slice(&bytes);
    }
    Ok(done(Ok(())))
}

fn get_buff_len(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let frame = world.frame(Helper::XDP_GET_BUFF_LEN, context)?;
    Ok(outcome(Ok(frame.data().len() as i64)))
}
