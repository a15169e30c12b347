//! The task that a program finds itself in.

use super::{Row, done, outcome};
use crate::base::{Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::memory::{Permit, Region, RegionKind};
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::GET_CURRENT_PID_TGID, pid_tgid),
    (Helper::GET_CURRENT_UID_GID, uid_gid),
    (Helper::GET_CURRENT_COMM, comm),
    (Helper::GET_CURRENT_TASK, task),
    (Helper::GET_CURRENT_TASK_BTF, task),
    (Helper::GET_CURRENT_CGROUP_ID, cgroup_id),
    (Helper::GET_CURRENT_ANCESTOR_CGROUP_ID, ancestor_cgroup_id),
    (Helper::SKB_CGROUP_ID, cgroup_id),
    (Helper::SKB_ANCESTOR_CGROUP_ID, socket_ancestor_cgroup_id),
    (Helper::SK_CGROUP_ID, cgroup_id),
    (Helper::SK_ANCESTOR_CGROUP_ID, socket_ancestor_cgroup_id),
    (Helper::GET_NS_CURRENT_PID_TGID, namespace_pid_tgid),
    (Helper::SEND_SIGNAL, signal),
    (Helper::SEND_SIGNAL_THREAD, signal),
];

fn pid_tgid(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(u64::from(world.task.tgid) << 32 | u64::from(world.task.pid)))
}

fn uid_gid(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(u64::from(world.task.gid) << 32 | u64::from(world.task.uid)))
}

/// The name, cut where the kernel or the program has no more room, zeros behind it (`strscpy_pad`).
fn comm(world: &mut World, [to, size, ..]: [u64; 5]) -> Result<Answer, Trap> {
    /// `TASK_COMM_LEN`
    const MOST: usize = 16;
    let size = size as u32 as usize;
    let mut bytes = world.task.comm.clone();
    bytes.truncate(size.min(MOST).saturating_sub(1));
    bytes.resize(size, 0);
    world.write(to, &bytes)?;
    Ok(done(Ok(())))
}

/// A pointer that can be compared; there is nothing to read behind it.
fn task(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    let memory = &mut world.memory;
    let new = || Region::whole(RegionKind::Kernel("task_struct"), Vec::new(), Permit::READ);
    let region = *world.task_region.get_or_insert_with(|| memory.add(new()));
    Ok(Answer::Value(region.at(0)))
}

/// Sockets are in the cgroup of the task that made them: this one.
fn cgroup_id(world: &mut World, _: [u64; 5]) -> Result<Answer, Trap> {
    Ok(Answer::Value(world.task.cgroups.last().copied().unwrap_or(0)))
}

fn ancestor_cgroup_id(world: &mut World, [level, ..]: [u64; 5]) -> Result<Answer, Trap> {
    Ok(ancestor(world, level))
}

fn socket_ancestor_cgroup_id(world: &mut World, [_, level, ..]: [u64; 5]) -> Result<Answer, Trap> {
    Ok(ancestor(world, level))
}

fn ancestor(world: &World, level: u64) -> Answer {
    let level = usize::try_from(level as i32).ok();
    Answer::Value(level.and_then(|level| world.task.cgroups.get(level)).copied().unwrap_or(0))
}

/// There is one namespace, and no file that stands for it.
fn namespace_pid_tgid(world: &mut World, [_, _, to, size, _]: [u64; 5]) -> Result<Answer, Trap> {
    world.write(to, &vec![0; size as u32 as usize])?;
    Ok(done(Err(Errno::EINVAL)))
}

/// Process 1 cannot be killed from here.
fn signal(world: &mut World, [signal, ..]: [u64; 5]) -> Result<Answer, Trap> {
    /// `_NSIG`
    const LAST: u32 = 64;
    if world.task.tgid == 1 {
        return Ok(done(Err(Errno::EPERM)));
    }
    Ok(match signal as u32 {
        ..=LAST => outcome(Ok(0)),
        _ => done(Err(Errno::EINVAL)),
    })
}
