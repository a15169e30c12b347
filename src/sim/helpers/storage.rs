//! Values that belong to tasks and sockets.

use super::{Row, done};
use crate::base::{Endian, Errno, Helper};
use crate::sim::cpu::Answer;
use crate::sim::memory::RegionKind;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::SK_STORAGE_GET, of_socket),
    (Helper::SK_STORAGE_DELETE, delete_of_socket),
    (Helper::TASK_STORAGE_GET, of_task),
    (Helper::TASK_STORAGE_DELETE, delete_of_task),
];

/// The map of an argument, and the key of the object of the next: a task by its pid, a socket, of which there is one, by 0.
/// None: the object is null.
fn element(world: &World, helper: Helper, map: u64, object: u64) -> Result<(u32, Option<Vec<u8>>), Trap> {
    let map = world.map_argument(helper, 1, map)?;
    let number = match world.memory.kind(object) {
        _ if object == 0 => return Ok((map, None)),
        Some(RegionKind::Kernel("task_struct")) => world.task.pid,
        Some(RegionKind::Kernel("bpf_sock")) => 0,
        _ => {
            let expected = "an object of the kernel's";
            return Err(Trap::Argument { helper, argument: 2, address: object, expected });
        }
    };
    let key = match world.memory.endian {
        Endian::Little => number.to_le_bytes(),
        Endian::Big => number.to_be_bytes(),
    };
    Ok((map, Some(key.to_vec())))
}

fn get(world: &mut World, helper: Helper, [map, object, value, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    /// `BPF_LOCAL_STORAGE_GET_F_CREATE`
    const CREATE: u64 = 1;
    let (map, key) = element(world, helper, map, object)?;
    let Some(key) = key.filter(|_| flags & !CREATE == 0) else { return Ok(Answer::Value(0)) };
    let size = world.shape(map).value_size as usize;
    let first = if value == 0 { vec![0; size] } else { world.read(value, size)?.to_vec() };
    let found = world.with_map(map, |map, at| match map.lookup(at, &key) {
        None if flags & CREATE != 0 => map.create(at, &key, &first).ok(),
        found => found,
    });
    Ok(Answer::Value(found.unwrap_or(0)))
}

fn delete(world: &mut World, helper: Helper, [map, object, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let (map, key) = element(world, helper, map, object)?;
    let Some(key) = key else { return Ok(done(Err(Errno::EINVAL))) };
    Ok(done(world.with_map(map, |map, at| map.delete(at, &key))))
}

fn of_socket(world: &mut World, arguments: [u64; 5]) -> Result<Answer, Trap> {
    get(world, Helper::SK_STORAGE_GET, arguments)
}

fn delete_of_socket(world: &mut World, arguments: [u64; 5]) -> Result<Answer, Trap> {
    delete(world, Helper::SK_STORAGE_DELETE, arguments)
}

fn of_task(world: &mut World, arguments: [u64; 5]) -> Result<Answer, Trap> {
    get(world, Helper::TASK_STORAGE_GET, arguments)
}

fn delete_of_task(world: &mut World, arguments: [u64; 5]) -> Result<Answer, Trap> {
    delete(world, Helper::TASK_STORAGE_DELETE, arguments)
}
