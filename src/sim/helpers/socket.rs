//! Sockets that contexts lead to.

use super::Row;
use crate::base::Helper;
use crate::sim::cpu::Answer;
use crate::sim::memory::RegionKind;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] =
    &[(Helper::SK_FULLSOCK, full), (Helper::TCP_SOCK, none), (Helper::GET_LISTENER_SOCK, none)];

/// The sockets of test runs are whole.
fn full(world: &mut World, [socket, ..]: [u64; 5]) -> Result<Answer, Trap> {
    argument(world, Helper::SK_FULLSOCK, socket)?;
    Ok(Answer::Value(socket))
}

/// They are of no protocol, so not of TCP, and do not listen.
fn none(world: &mut World, [socket, ..]: [u64; 5]) -> Result<Answer, Trap> {
    argument(world, Helper::TCP_SOCK, socket)?;
    Ok(Answer::Value(0))
}

fn argument(world: &World, helper: Helper, address: u64) -> Result<(), Trap> {
    match world.memory.kind(address) {
        Some(RegionKind::Kernel("bpf_sock")) => Ok(()),
        _ => Err(Trap::Argument { helper, argument: 1, address, expected: "a socket" }),
    }
}
