//! Elements of maps.

use super::{Row, done, outcome};
use crate::base::Helper;
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::World;

pub(super) const ROWS: &[Row] = &[
    (Helper::MAP_LOOKUP_ELEM, lookup),
    (Helper::MAP_UPDATE_ELEM, update),
    (Helper::MAP_DELETE_ELEM, delete),
    (Helper::MAP_PUSH_ELEM, push),
    (Helper::MAP_POP_ELEM, pop),
    (Helper::MAP_PEEK_ELEM, peek),
    (Helper::MAP_LOOKUP_PERCPU_ELEM, lookup_of_cpu),
    (Helper::GET_LOCAL_STORAGE, local_storage),
];

fn lookup(world: &mut World, [map, key, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_LOOKUP_ELEM, 1, map)?;
    let found = world.with_map_bytes(map, key, None, |map, at, key, _| map.lookup(at, key))?;
    Ok(Answer::Value(found.unwrap_or(0)))
}

/// Where there is no such CPU, there is no value.
fn lookup_of_cpu(world: &mut World, [map, key, cpu, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_LOOKUP_PERCPU_ELEM, 1, map)?;
    let shape = world.shape(map);
    let (cpu, lanes) = (cpu as u32, shape.lanes());
    let key = world.read(key, shape.key_size as usize)?.to_vec();
    if cpu >= lanes {
        return Ok(Answer::Value(0));
    }
    let found = world.with_map_of(cpu, map, |map, at| map.lookup(at, &key));
    Ok(Answer::Value(found.unwrap_or(0)))
}

/// The machine has one cgroup: its storage is the element whose key is all zeros.
fn local_storage(world: &mut World, [map, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::GET_LOCAL_STORAGE, 1, map)?;
    let key = vec![0; world.shape(map).key_size as usize];
    Ok(outcome(world.with_map(map, |map, at| map.create(at, &key, &[])).map(u64::cast_signed)))
}

fn update(world: &mut World, [map, key, value, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_UPDATE_ELEM, 1, map)?;
    let result = world
        .with_map_bytes(map, key, Some(value), |map, at, key, value| map.update(at, key, value, flags))?;
    Ok(done(result))
}

fn delete(world: &mut World, [map, key, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_DELETE_ELEM, 1, map)?;
    let result = world.with_map_bytes(map, key, None, |map, at, key, _| map.delete(at, key))?;
    Ok(done(result))
}

fn push(world: &mut World, [map, value, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_PUSH_ELEM, 1, map)?;
    let value = world.read(value, world.shape(map).value_size as usize)?.to_vec();
    Ok(done(world.with_map(map, |map, at| map.push(at, &value, flags))))
}

fn pop(world: &mut World, [map, value, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_POP_ELEM, 1, map)?;
    next_in_line(world, map, value, true)
}

fn peek(world: &mut World, [map, value, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let map = world.map_argument(Helper::MAP_PEEK_ELEM, 1, map)?;
    next_in_line(world, map, value, false)
}

fn next_in_line(world: &mut World, map: u32, room: u64, take: bool) -> Result<Answer, Trap> {
    // What a bloom filter is asked for stands there already.
    let mut value = world
        .read(room, world.shape(map).value_size as usize)
        .map_or_else(|_| vec![0; world.shape(map).value_size as usize], <[u8]>::to_vec);
    let result = world.with_map(map, |map, at| map.pop(at, &mut value, take));
    // Where there is none, the kernel fills with zeros.
    world.write(room, &value)?;
    Ok(done(result))
}
