//! Packets with a socket buffer: bytes in and out, what is known of them.

use super::{Row, done, outcome};
use crate::base::{Errno, Helper};
use crate::kind::ProgType;
use crate::sim::cpu::Answer;
use crate::sim::random::Random;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::SKB_LOAD_BYTES, load_bytes),
    (Helper::SKB_LOAD_BYTES_RELATIVE, load_bytes_relative),
    (Helper::SKB_STORE_BYTES, store_bytes),
    (Helper::SKB_PULL_DATA, pull_data),
    (Helper::SKB_CHANGE_TYPE, change_type),
    (Helper::GET_HASH_RECALC, get_hash_recalc),
    (Helper::SET_HASH, set_hash),
    (Helper::SET_HASH_INVALID, set_hash_invalid),
    (Helper::SKB_SET_TSTAMP, set_tstamp),
    (Helper::GET_CGROUP_CLASSID, no_class),
    (Helper::SKB_CGROUP_CLASSID, no_class),
    (Helper::GET_ROUTE_REALM, no_class),
    (Helper::GET_SOCKET_UID, no_class),
    (Helper::GET_SOCKET_COOKIE, first),
    (Helper::GET_NETNS_COOKIE, first),
];

fn load_bytes(world: &mut World, [context, offset, to, len, _]: [u64; 5]) -> Result<Answer, Trap> {
    let (offset, len) = (offset as u32, len as u32 as usize);
    let frame = world.frame(Helper::SKB_LOAD_BYTES, context)?;
    // A test run of a flow dissector has no socket buffer.
    let none = offset > i32::MAX.cast_unsigned() || frame.kind.prog_type() == ProgType::FLOW_DISSECTOR;
    let found = if none { None } else { frame.read(offset.into(), len) };
    give(world, to, len, found)
}

fn load_bytes_relative(
    world: &mut World,
    [context, offset, to, len, start]: [u64; 5],
) -> Result<Answer, Trap> {
    const BPF_HDR_START_MAC: u32 = 0;
    const BPF_HDR_START_NET: u32 = 1;
    let (offset, len) = (offset as u32, len as u32 as usize);
    let frame = world.frame(Helper::SKB_LOAD_BYTES_RELATIVE, context)?;
    let start = match start as u32 {
        BPF_HDR_START_MAC => Some(frame.packet.mac),
        BPF_HDR_START_NET => Some(frame.packet.network),
        _ => None,
    };
    let start = start.filter(|_| offset <= 0xffff);
    let found = start.and_then(|start| frame.read(start + i64::from(offset), len));
    give(world, to, len, found)
}

/// What was found, or zeros and EFAULT.
pub(super) fn give(world: &mut World, to: u64, len: usize, found: Option<Vec<u8>>) -> Result<Answer, Trap> {
    let result = if found.is_some() { Ok(()) } else { Err(Errno::EFAULT) };
    world.write(to, &found.unwrap_or_else(|| vec![0; len]))?;
    Ok(done(result))
}

fn store_bytes(world: &mut World, [context, offset, from, len, flags]: [u64; 5]) -> Result<Answer, Trap> {
    const BPF_F_RECOMPUTE_CSUM: u64 = 1;
    const BPF_F_INVALIDATE_HASH: u64 = 2;
    if flags & !(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH) != 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    let bytes = world.read(from, len as u32 as usize)?.to_vec();
    let mut frame = world.frame(Helper::SKB_STORE_BYTES, context)?;
    let offset = offset as u32;
    let room =
        if offset > i32::MAX.cast_unsigned() { None } else { frame.part(offset as usize, bytes.len()) };
    let Some(room) = room else { return Ok(done(Err(Errno::EFAULT))) };
    room.copy_from_slice(&bytes);
    if flags & BPF_F_INVALIDATE_HASH != 0 {
        frame.packet.hashed = false;
        frame.set("hash", 0);
    }
    Ok(done(Ok(())))
}

/// All of it is at hand already.
fn pull_data(world: &mut World, [context, len, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let frame = world.frame(Helper::SKB_PULL_DATA, context)?;
    let enough = len as u32 as usize <= frame.data().len();
    Ok(done(if enough { Ok(()) } else { Err(Errno::ENOMEM) }))
}

fn change_type(world: &mut World, [context, packet_type, ..]: [u64; 5]) -> Result<Answer, Trap> {
    /// `PACKET_OTHERHOST`: those above it are the kernel's own.
    const LAST: u64 = 3;
    let mut frame = world.frame(Helper::SKB_CHANGE_TYPE, context)?;
    let packet_type = u64::from(packet_type as u32);
    if frame.field("pkt_type") > LAST || packet_type > LAST {
        return Ok(done(Err(Errno::EINVAL)));
    }
    frame.set("pkt_type", packet_type);
    Ok(done(Ok(())))
}

/// The kernel's hash has a secret in it; this one has not.
fn get_hash_recalc(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::GET_HASH_RECALC, context)?;
    if !frame.packet.hashed {
        let mut hash = 0;
        for byte in frame.data() {
            hash = Random::new(hash ^ u64::from(*byte)).next();
        }
        // Zero stands for none.
        frame.set("hash", (hash >> 32).max(1));
        frame.packet.hashed = true;
    }
    Ok(Answer::Value(frame.field("hash")))
}

fn set_hash(world: &mut World, [context, hash, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SET_HASH, context)?;
    frame.packet.hashed = true;
    frame.set("hash", u64::from(hash as u32));
    Ok(done(Ok(())))
}

fn set_hash_invalid(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SET_HASH_INVALID, context)?;
    frame.packet.hashed = false;
    frame.set("hash", 0);
    Ok(done(Ok(())))
}

fn set_tstamp(world: &mut World, [context, time, kind, ..]: [u64; 5]) -> Result<Answer, Trap> {
    const BPF_SKB_CLOCK_REALTIME: u32 = 0;
    const BPF_SKB_CLOCK_MONOTONIC: u32 = 1;
    const BPF_SKB_CLOCK_TAI: u32 = 2;
    let mut frame = world.frame(Helper::SKB_SET_TSTAMP, context)?;
    if !matches!(frame.network_protocol(), Some(4 | 6)) {
        return Ok(done(Err(Errno::EOPNOTSUPP)));
    }
    let kind = kind as u32;
    let wrong = match kind {
        BPF_SKB_CLOCK_REALTIME => false,
        BPF_SKB_CLOCK_MONOTONIC | BPF_SKB_CLOCK_TAI => time == 0,
        _ => true,
    };
    if wrong {
        return Ok(done(Err(Errno::EINVAL)));
    }
    frame.set("tstamp", time);
    frame.set("tstamp_type", kind.into());
    Ok(done(Ok(())))
}

/// Test runs happen outside of traffic classes and routes, and their sockets are root's.
fn no_class(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    if context != 0 {
        world.context_argument(Helper::GET_CGROUP_CLASSID, context)?;
    }
    Ok(outcome(Ok(0)))
}

/// The first cookie that is given out.
fn first(_: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(1))
}
