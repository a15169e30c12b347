//! Where packets are sent: it is written down, and goes with the outcome of the run.

use super::{Row, done, outcome};
use crate::base::{Errno, Helper};
use crate::kind::ProgType;
use crate::map::MapKind;
use crate::sim::context::{Redirect, RedirectTo};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] = &[
    (Helper::REDIRECT, redirect),
    (Helper::REDIRECT_PEER, redirect_peer),
    (Helper::REDIRECT_NEIGH, redirect_neigh),
    (Helper::REDIRECT_MAP, redirect_map),
    (Helper::CLONE_REDIRECT, clone_redirect),
    (Helper::FIB_LOOKUP, fib_lookup),
];

const BPF_F_INGRESS: u64 = 1;
const TC_ACT_SHOT: u64 = 2;
const TC_ACT_REDIRECT: u64 = 7;
const XDP_ABORTED: u64 = 0;
const XDP_REDIRECT: u64 = 4;

/// Writes down where the packet of the run goes.
fn send(world: &mut World, to: RedirectTo, flags: u64, answer: u64) -> Answer {
    world.here().set_redirect(Redirect::new(to, flags));
    Answer::Value(answer)
}

fn redirect(world: &mut World, [interface, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let xdp = world.here().kind().is_some_and(|kind| kind.prog_type() == ProgType::XDP);
    let (known, refused, answer) =
        if xdp { (0, XDP_ABORTED, XDP_REDIRECT) } else { (BPF_F_INGRESS, TC_ACT_SHOT, TC_ACT_REDIRECT) };
    if flags & !known != 0 {
        return Ok(Answer::Value(refused));
    }
    Ok(send(world, RedirectTo::Interface(interface as u32), flags, answer))
}

fn redirect_peer(world: &mut World, [interface, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    if flags != 0 {
        return Ok(Answer::Value(TC_ACT_SHOT));
    }
    Ok(send(world, RedirectTo::Peer(interface as u32), 0, TC_ACT_REDIRECT))
}

fn redirect_neigh(world: &mut World, [interface, params, size, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    /// `sizeof(struct bpf_redir_neigh)`.
    const PARAMS: u32 = 20;
    let size = size as u32;
    if flags != 0 || size != 0 && size < PARAMS {
        return Ok(Answer::Value(TC_ACT_SHOT));
    }
    if size != 0 {
        world.read(params, size as usize)?;
    }
    Ok(send(world, RedirectTo::Neighbour(interface as u32), 0, TC_ACT_REDIRECT))
}

/// `__bpf_xdp_redirect_map`: the two lowest bits of the flags are what it returns for an entry that is not there.
fn redirect_map(world: &mut World, [map, key, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    const ACTION: u64 = 3;
    const BPF_F_BROADCAST: u64 = 1 << 3;
    const BPF_F_EXCLUDE_INGRESS: u64 = 1 << 4;
    let map = world.map_argument(Helper::REDIRECT_MAP, 1, map)?;
    let to_devices = matches!(world.shape(map).kind, MapKind::DEVMAP | MapKind::DEVMAP_HASH);
    let known = ACTION | if to_devices { BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS } else { 0 };
    if flags & !known != 0 {
        return Ok(Answer::Value(XDP_ABORTED));
    }
    let bytes = match world.memory.endian {
        crate::base::Endian::Little => (key as u32).to_le_bytes(),
        crate::base::Endian::Big => (key as u32).to_be_bytes(),
    };
    let found = world.with_map(map, |map, at| map.lookup(at, &bytes)).is_some();
    if !found && flags & BPF_F_BROADCAST == 0 {
        return Ok(Answer::Value(flags & ACTION));
    }
    let to = RedirectTo::Map { map: world.shape(map).name.clone(), key: u64::from(key as u32) };
    Ok(send(world, to, flags, XDP_REDIRECT))
}

fn clone_redirect(world: &mut World, [context, interface, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let frame = world.frame(Helper::CLONE_REDIRECT, context)?;
    if flags & !BPF_F_INGRESS != 0 || interface as u32 == 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    // Segments without a type are not let out.
    if frame.field("gso_size") != 0 {
        return Ok(done(Err(Errno::EBADMSG)));
    }
    let packet = frame.data().to_vec();
    frame
        .packet
        .sent
        .push(Redirect { packet, ..Redirect::new(RedirectTo::Interface(interface as u32), flags) });
    Ok(done(Ok(())))
}

/// There are no routes.
fn fib_lookup(world: &mut World, [context, params, size, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    /// `sizeof(struct bpf_fib_lookup)`.
    const PARAMS: u32 = 64;
    const AF_INET: u64 = 2;
    const AF_INET6: u64 = 10;
    /// `BPF_FIB_LOOKUP_DIRECT` to `BPF_FIB_LOOKUP_MARK`.
    const FLAGS: u64 = 0x3f;
    const BPF_FIB_LKUP_RET_NOT_FWDED: i64 = 4;
    world.frame(Helper::FIB_LOOKUP, context)?;
    let family = number(&world.read(params, size as u32 as usize)?[..1], crate::base::Endian::Little);
    if (size as u32) < PARAMS || flags & !FLAGS != 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    Ok(match family {
        AF_INET | AF_INET6 => outcome(Ok(BPF_FIB_LKUP_RET_NOT_FWDED)),
        _ => done(Err(Errno::EAFNOSUPPORT)),
    })
}
