//! The maps that programs work on, and what both sides hold in them after a run.

use bpfsmith::base::flags::ElemFlags;
use bpfsmith::btf::{BtfType, SpinLock, Timer};
use bpfsmith::kernel::{self, Loaded};
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::ObjectBuilder;
use bpfsmith::sim::{self, Machine};

use crate::generate::NOTES;
use crate::helpers::KEYS;

#[derive(BtfType, Default)]
#[repr(C)]
struct Locked {
    lock: SpinLock,
    number: u64,
}

#[derive(BtfType, Default)]
#[repr(C)]
struct Timed {
    number: u64,
    timer: Timer,
}

fn sized(kind: MapKind, name: &str, key: u32, value: u32, entries: u32) -> MapSpec {
    MapSpec::new(kind, name).key_size(key).value_size(value).max_entries(entries)
}

/// Adds a map by its name.
pub fn add(object: &mut ObjectBuilder, name: &str) {
    let small = |kind| sized(kind, name, 4, 16, KEYS / 2);
    let spec = match name {
        "notes" => sized(MapKind::ARRAY, name, 4, NOTES as u32, 1),
        "array" => small(MapKind::ARRAY),
        "hash" => small(MapKind::HASH),
        "percpu_array" => small(MapKind::PERCPU_ARRAY),
        "percpu_hash" => small(MapKind::PERCPU_HASH),
        "lru" => small(MapKind::LRU_HASH),
        "lru_percpu" => small(MapKind::LRU_PERCPU_HASH),
        "trie" => sized(MapKind::LPM_TRIE, name, 8, 16, 4).flags(MapFlags::NO_PREALLOC),
        "queue" => sized(MapKind::QUEUE, name, 0, 16, 3),
        "stack" => sized(MapKind::STACK, name, 0, 16, 3),
        "bloom" => sized(MapKind::BLOOM_FILTER, name, 0, 16, 8).flags(MapFlags::ZERO_SEED),
        "devmap" => sized(MapKind::DEVMAP, name, 4, 4, 4),
        "devmap_hash" => sized(MapKind::DEVMAP_HASH, name, 4, 4, 4),
        "cpumap" => sized(MapKind::CPUMAP, name, 4, 4, 4),
        "xskmap" => sized(MapKind::XSKMAP, name, 4, 4, 4),
        "sockmap" => sized(MapKind::SOCKMAP, name, 4, 4, 4),
        "sockhash" => sized(MapKind::SOCKHASH, name, 4, 4, 4),
        "sk_storage" => storage(MapKind::SK_STORAGE, name),
        "task_storage" => storage(MapKind::TASK_STORAGE, name),
        "cgroup_storage" => sized(MapKind::CGROUP_STORAGE, name, 8, 16, 0),
        "percpu_cgroup_storage" => sized(MapKind::PERCPU_CGROUP_STORAGE, name, 8, 16, 0),
        "locked" => MapSpec::array::<Locked>(name).max_entries(1).untyped(),
        "timers" => MapSpec::array::<Timed>(name).max_entries(KEYS).untyped(),
        "ring" => MapSpec::ringbuf(name, 4096).untyped(),
        "user_ring" => MapSpec::new(MapKind::USER_RINGBUF, name).max_entries(4096),
        "perf" => MapSpec::perf_event_array(name).untyped(),
        _ => return add_filled(object, name),
    };
    object.add_map(spec);
}

fn storage(kind: MapKind, name: &str) -> MapSpec {
    MapSpec::typed::<u32, [u64; 2]>(kind, name).flags(MapFlags::NO_PREALLOC).untyped()
}

/// Maps that begin with something in them.
fn add_filled(object: &mut ObjectBuilder, name: &str) {
    let inner = || sized(MapKind::ARRAY, "array", 4, 16, KEYS / 2);
    match name {
        "array_of_maps" => {
            let map = object.add_map(MapSpec::array_of_maps(name, inner()).max_entries(4));
            object.add_entry_map(map, &1, "array");
            object.add_entry_map(map, &2, "array");
        }
        "hash_of_maps" => {
            let map = object.add_map(MapSpec::hash_of_maps::<u32>(name, inner()).max_entries(4));
            object.add_entry_map(map, &3, "array");
        }
        "programs" => {
            let map = object.add_map(MapSpec::prog_array(name).max_entries(4));
            object.add_entry_program(map, &0, "target");
            object.add_entry_program(map, &2, "target");
        }
        "text" => {
            let spec = sized(MapKind::ARRAY, name, 4, 8, 1).freeze().flags(MapFlags::RDONLY_PROG);
            let map = object.add_map(spec);
            object.add_entry_bytes(map, &[0; 4], b"%d %u\0\0\0");
        }
        _ => panic!("no map is called {name}"),
    }
}

pub const ALL: [&str; 30] = [
    "notes",
    "array",
    "hash",
    "percpu_array",
    "percpu_hash",
    "lru",
    "lru_percpu",
    "trie",
    "queue",
    "stack",
    "bloom",
    "devmap",
    "devmap_hash",
    "cpumap",
    "xskmap",
    "sockmap",
    "sockhash",
    "sk_storage",
    "task_storage",
    "cgroup_storage",
    "percpu_cgroup_storage",
    "locked",
    "timers",
    "ring",
    "user_ring",
    "perf",
    "array_of_maps",
    "hash_of_maps",
    "programs",
    "text",
];

/// Kinds that the simulator has and no program that can be run here reaches, and why.
pub const UNREACHED: &[(MapKind, &str)] = &[
    (MapKind::STACK_TRACE, "the simulator has no helper of stack traces"),
    (MapKind::CGROUP_ARRAY, "the simulator has no helper that asks who is in a cgroup"),
    (MapKind::REUSEPORT_SOCKARRAY, "programs that choose sockets have no test run"),
    (MapKind::INODE_STORAGE, "programs of the LSM have no test run"),
    (MapKind::CGRP_STORAGE, "the simulator has no helper of it"),
];

/// What a map holds, as user space sees it, on one side.
pub type Contents = Vec<Option<Vec<u8>>>;

fn keys(map: &str) -> Vec<Vec<u8>> {
    match map {
        "notes" | "locked" => vec![vec![0; 4]],
        "trie" => {
            let prefix = |bits: u32, bytes: u32| [bits.to_ne_bytes(), bytes.to_ne_bytes()].concat();
            let all = [0, 8, 16, 24, 32]
                .map(|bits| [0, 0xff, 0xff80, 0x80, 0x0102_0380].map(|bytes| prefix(bits, bytes)));
            all.into_iter().flatten().collect()
        }
        "queue" | "stack" => vec![Vec::new()],
        "array" | "hash" | "percpu_array" | "percpu_hash" | "lru" | "lru_percpu" => {
            (0..KEYS + 2).map(|key| key.to_ne_bytes().to_vec()).collect()
        }
        _ => Vec::new(),
    }
}

pub fn in_kernel(loaded: &Loaded, name: &str) -> Contents {
    let map = loaded.map(name).unwrap();
    let lanes = map.values_per_key();
    let size = if lanes > 1 { map.value_size().next_multiple_of(8) * lanes } else { map.value_size() };
    let look_up = |key: Vec<u8>| {
        let mut value = vec![0; size];
        match map.lookup(&key, &mut value) {
            Ok(found) => found.then_some(value),
            Err(kernel::MapError::Kernel { .. }) => None,
            Err(error) => panic!("{name}: {error}"),
        }
    };
    keys(name).into_iter().map(look_up).collect()
}

pub fn simulated(machine: &mut Machine, name: &str) -> Contents {
    let mut map = machine.raw_map(name).unwrap();
    let look_up = |key: Vec<u8>| match map.get(&key) {
        Ok(value) => value,
        Err(sim::MapError::Refused { .. }) => None,
        Err(error) => panic!("{name}: {error}"),
    };
    keys(name).into_iter().map(look_up).collect()
}

/// Sets the inputs, and what was noted to zero.
pub fn reset(loaded: &Loaded, machine: &mut Machine, inputs: &[u8]) {
    let mut value = inputs.to_vec();
    value.resize(NOTES, 0);
    loaded.map("notes").unwrap().update(&[0; 4], &value, ElemFlags::empty()).unwrap();
    machine.raw_map("notes").unwrap().update(&[0; 4], &value, ElemFlags::empty()).unwrap();
}
