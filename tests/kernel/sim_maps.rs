//! Maps of the simulator and of the kernel, side by side: the same operations by user space and by a program, chosen by a seed,
//! come to the same results, errors and contents.

use std::sync::OnceLock;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::kernel::{self, Loaded, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{self, Input, Machine};
use bpfsmith::target::Target;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::common::{Assembled, FP, builder, load};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    for subject in subjects() {
        let name = format!("simulator: maps as the kernel's: {}", subject.name);
        suite.test_if(all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon]), &name, move || {
            on_one_cpu(|| compare_all(&subject))
        });
    }
    suite.test_if(
        all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon]),
        "simulator: maps refused as by the kernel",
        refusals,
    );
}

/// A map to compare, and which keys are tried.
struct Subject {
    name: &'static str,
    spec: MapSpec,
    keys: Keys,
    values: Values,
    rounds: u32,
}

#[derive(Clone, Copy)]
enum Values {
    Any,
    /// Numbers below this one, in the first byte.
    Below(u32),
}

#[derive(Clone, Copy)]
enum Keys {
    /// Numbers below this one.
    Below(u32),
    /// Prefixes of these many bits at most, and a length that is too much now and then.
    Prefixes(u32),
    /// There are none.
    None,
}

fn subjects() -> Vec<Subject> {
    let subject = |name, kind, sizes: (u32, u32), entries, flags, keys, rounds| Subject {
        name,
        spec: MapSpec::new(kind, "subject")
            .key_size(sizes.0)
            .value_size(sizes.1)
            .max_entries(entries)
            .flags(flags),
        keys,
        values: Values::Any,
        rounds,
    };
    // None, or the one that every network has.
    let devices = |name, kind| Subject {
        values: Values::Below(2),
        ..subject(name, kind, (4, 4), 5, MapFlags::empty(), Keys::Below(9), 200)
    };
    let none = MapFlags::empty();
    let below = Keys::Below;
    vec![
        subject("array", MapKind::ARRAY, (4, 12), 5, none, below(7), 400),
        subject("per-CPU array", MapKind::PERCPU_ARRAY, (4, 12), 5, none, below(7), 400),
        subject("hash", MapKind::HASH, (4, 12), 5, none, below(9), 600),
        subject(
            "hash without elements set aside",
            MapKind::HASH,
            (8, 8),
            5,
            MapFlags::NO_PREALLOC,
            below(9),
            600,
        ),
        subject("per-CPU hash", MapKind::PERCPU_HASH, (4, 12), 5, none, below(9), 600),
        subject(
            "per-CPU hash without elements set aside",
            MapKind::PERCPU_HASH,
            (4, 8),
            5,
            MapFlags::NO_PREALLOC,
            below(9),
            600,
        ),
        subject("LRU hash, tiny", MapKind::LRU_HASH, (4, 12), 3, none, below(9), 600),
        subject("LRU hash", MapKind::LRU_HASH, (4, 12), 50, none, below(90), 1500),
        subject("LRU hash, large", MapKind::LRU_HASH, (4, 12), 700, none, below(1500), 6000),
        subject(
            "LRU hash, own lists",
            MapKind::LRU_HASH,
            (4, 8),
            21,
            MapFlags::NO_COMMON_LRU,
            below(40),
            1500,
        ),
        subject("per-CPU LRU hash", MapKind::LRU_PERCPU_HASH, (4, 12), 50, none, below(90), 1500),
        subject(
            "per-CPU LRU hash, own lists",
            MapKind::LRU_PERCPU_HASH,
            (4, 8),
            22,
            MapFlags::NO_COMMON_LRU,
            below(40),
            1500,
        ),
        subject("trie", MapKind::LPM_TRIE, (8, 12), 20, MapFlags::NO_PREALLOC, Keys::Prefixes(32), 1000),
        subject(
            "trie of odd keys",
            MapKind::LPM_TRIE,
            (7, 4),
            30,
            MapFlags::NO_PREALLOC,
            Keys::Prefixes(24),
            1000,
        ),
        subject("queue", MapKind::QUEUE, (0, 12), 5, none, Keys::None, 400),
        subject("stack", MapKind::STACK, (0, 12), 5, none, Keys::None, 400),
        subject("bloom filter", MapKind::BLOOM_FILTER, (0, 8), 20, MapFlags::ZERO_SEED, Keys::None, 400),
        subject(
            "bloom filter of bytes",
            MapKind::BLOOM_FILTER,
            (0, 13),
            20,
            MapFlags::ZERO_SEED,
            Keys::None,
            400,
        ),
        subject("read by user space only", MapKind::HASH, (4, 8), 5, MapFlags::RDONLY, below(9), 200),
        subject("written by user space only", MapKind::HASH, (4, 8), 5, MapFlags::WRONLY, below(9), 200),
        devices("devices", MapKind::DEVMAP),
        devices("devices by number", MapKind::DEVMAP_HASH),
        subject("CPUs", MapKind::CPUMAP, (4, 4), 5, none, below(7), 200),
        subject("stack traces", MapKind::STACK_TRACE, (4, 16), 5, none, below(9), 100),
    ]
}

fn is_line(kind: MapKind) -> bool {
    matches!(kind, MapKind::QUEUE | MapKind::STACK | MapKind::BLOOM_FILTER)
}

/// Whether programs can do all of look-up, update, delete.
fn has_program(subject: &Subject) -> bool {
    !matches!(subject.keys, Keys::Below(_))
        || matches!(
            kind_of(subject),
            MapKind::ARRAY
                | MapKind::PERCPU_ARRAY
                | MapKind::HASH
                | MapKind::PERCPU_HASH
                | MapKind::LRU_HASH
                | MapKind::LRU_PERCPU_HASH
        )
}

fn kind_of(subject: &Subject) -> MapKind {
    let mut object = builder();
    object.add_map(subject.spec.clone());
    object.finish().unwrap().maps()[0].kind
}

/// Bytes of the map through which the program is told what to do: the operation, the flags, the result, the key, the value.
const OPERATION: i32 = 0;
const FLAGS: i32 = 8;
const RESULT: i32 = 16;
const KEY: i32 = 24;
const VALUE: i32 = 40;
const ORDER: usize = 56;

/// Does what the element of `order` says.
fn program(kind: MapKind, value_size: u32) -> Assembled {
    let mut a = Assembler::new();
    let (update, delete, end, missing) = (a.label(), a.label(), a.label(), a.label());
    a.st(Size::W, FP, -4, 0).load_map(R1, "order").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, missing).mov(R6, R0);
    for word in 0..4 {
        a.ldx(Size::DW, R1, R6, KEY + word * 8).stx(Size::DW, FP, -32 + word * 8, R1);
    }
    // The key is at fp - 32, the value at fp - 16.
    a.load_map(R1, "subject").mov(R2, FP).add(R2, if is_line(kind) { -16 } else { -32 });
    a.ldx(Size::DW, R3, R6, OPERATION).jeq(R3, 1, update).jeq(R3, 2, delete);
    if is_line(kind) {
        a.call(Helper::MAP_PEEK_ELEM);
        copy(&mut a, FP, -16, value_size);
        a.ja(end).bind(update).ldx(Size::DW, R3, R6, FLAGS).call(Helper::MAP_PUSH_ELEM).ja(end).bind(delete);
        // Filters only grow.
        if kind == MapKind::BLOOM_FILTER {
            a.mov(R0, 0);
        } else {
            a.call(Helper::MAP_POP_ELEM);
            copy(&mut a, FP, -16, value_size);
        }
    } else {
        let none = a.label();
        a.call(Helper::MAP_LOOKUP_ELEM).jeq(R0, 0, none);
        copy(&mut a, R0, 0, value_size);
        a.mov(R0, 1).bind(none).ja(end).bind(update).mov(R3, FP).add(R3, -16).ldx(Size::DW, R4, R6, FLAGS);
        a.call(Helper::MAP_UPDATE_ELEM).ja(end).bind(delete).call(Helper::MAP_DELETE_ELEM);
    }
    a.bind(end).stx(Size::DW, R6, RESULT, R0).bind(missing).mov(R0, 0).exit();
    a.finish()
}

fn copy(a: &mut Assembler, from: bpfsmith::asm::Reg, offset: i32, size: u32) {
    for byte in 0..size.cast_signed() {
        a.ldx(Size::B, R1, from, offset + byte).stx(Size::B, R6, VALUE + byte, R1);
    }
}

fn object(subject: &Subject) -> Object {
    let mut object = builder();
    object.add_map(subject.spec.clone());
    let shape = shape(subject);
    if has_program(subject) {
        object.add_map(
            MapSpec::new(MapKind::ARRAY, "order").key_size(4).value_size(ORDER as u32).max_entries(1),
        );
        let code = program(shape.kind, shape.value_size);
        object.add_program(ProgramSpec::new("prog", ProgramKind::SCHED_CLS), code);
    }
    object.finish().unwrap()
}

struct Shape {
    kind: MapKind,
    value_size: u32,
}

fn shape(subject: &Subject) -> Shape {
    let mut object = builder();
    object.add_map(subject.spec.clone());
    let object = object.finish().unwrap();
    Shape { kind: object.maps()[0].kind, value_size: object.maps()[0].value_size }
}

/// What an operation came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Refused(Errno),
    Missing,
    Done(Vec<u8>),
}

/// Something to do to the map.
#[derive(Debug)]
enum Act {
    Get(Vec<u8>, ElemFlags, Vec<u8>),
    Update(Vec<u8>, Vec<u8>, ElemFlags),
    Delete(Vec<u8>),
    Take(Vec<u8>),
    Next(Option<Vec<u8>>),
    /// The program, with its order.
    Run(Vec<u8>),
}

struct Pair {
    loaded: Loaded,
    machine: Machine,
    /// Bytes of a value as user space gives it.
    size: usize,
    /// Bytes of the value of one CPU, 0 where there is one for all.
    lane: usize,
    has_program: bool,
    random: u64,
}

impl Pair {
    fn random(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) as u32 % below
    }

    fn key(&mut self, subject: &Subject, size: usize) -> Vec<u8> {
        let mut key = vec![0; size];
        match subject.keys {
            Keys::None => {}
            Keys::Below(most) => key[..4].copy_from_slice(&self.random(most).to_ne_bytes()),
            Keys::Prefixes(most) => {
                let most = if self.random(20) == 0 { most + 2 } else { most };
                let length =
                    if self.random(3) == 0 { self.random(most + 1) } else { most.min(self.random(6) * 8) };
                key[..4].copy_from_slice(&length.to_ne_bytes());
                for byte in &mut key[4..] {
                    *byte = [0, 0x80, 0xff, 0x0f][self.random(4) as usize];
                }
            }
        }
        key
    }

    /// Numbers are small, so that filters are asked for what they hold.
    fn value(&mut self, size: usize) -> Vec<u8> {
        let mut value = vec![0; size];
        for chunk in value.chunks_mut(8) {
            chunk[0] = self.random(40) as u8;
            if let Some(last) = chunk.last_mut() {
                *last = self.random(3) as u8;
            }
        }
        value
    }

    fn flags(&mut self) -> ElemFlags {
        let flags = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 1 << 40];
        ElemFlags::from_bits_retain(flags[self.random(16) as usize])
    }

    fn act(&mut self, subject: &Subject, key_size: usize) -> Act {
        let key = self.key(subject, key_size);
        let value = match subject.values {
            Values::Any => self.value(self.size),
            Values::Below(most) => {
                let mut value = vec![0; self.size];
                value[0] = self.random(most) as u8;
                value
            }
        };
        match self.random(if self.has_program { 20 } else { 11 }) {
            0..3 => {
                let flags = if self.random(8) == 0 { self.flags() } else { ElemFlags::empty() };
                Act::Get(key, flags, value)
            }
            3..7 => Act::Update(key, value, self.flags()),
            7 => Act::Delete(key),
            8 => Act::Take(key),
            9..11 => Act::Next((self.random(4) > 0).then_some(key)),
            _ => {
                let operation = [0, 0, 1, 1, 1, 1, 2][self.random(7) as usize];
                let mut order = vec![0; ORDER];
                order[0] = operation;
                order[8..16].copy_from_slice(&self.flags().bits().to_ne_bytes());
                order[24..24 + key.len()].copy_from_slice(&key);
                let value = self.value(16);
                order[40..].copy_from_slice(&value);
                Act::Run(order)
            }
        }
    }

    fn kernel(&self, act: &Act) -> Came {
        let map = self.loaded.map("subject").unwrap();
        match act {
            Act::Get(key, flags, value) => {
                let mut value = value.clone();
                found(map.lookup_with(key, &mut value, *flags), value)
            }
            Act::Update(key, value, flags) => came(map.update(key, value, *flags)),
            Act::Delete(key) => match map.delete(key) {
                Ok(true) => Came::Done(Vec::new()),
                Ok(false) => Came::Missing,
                Err(error) => Came::Refused(kernel_errno(&error)),
            },
            Act::Take(key) => {
                let mut value = vec![0; self.size];
                found(map.take(key, &mut value, ElemFlags::empty()), value)
            }
            Act::Next(key) => {
                let mut next = vec![0; map.key_size()];
                found(map.next_key(key.as_deref(), &mut next), next)
            }
            Act::Run(order) => {
                let orders = self.loaded.map("order").unwrap();
                orders.update(&[0; 4], order, ElemFlags::empty()).unwrap();
                self.loaded.program("prog").unwrap().test_run(&TestRun::new().data([0; 14])).unwrap();
                let mut order = order.clone();
                assert!(orders.lookup(&[0; 4], &mut order).unwrap());
                Came::Done(order)
            }
        }
    }

    fn simulator(&mut self, act: &Act, kind: MapKind) -> Came {
        let mut map = self.machine.raw_map("subject").unwrap();
        match act {
            Act::Get(_, flags, value) if kind == MapKind::BLOOM_FILTER && flags.is_empty() => {
                match map.may_contain(value) {
                    Ok(true) => Came::Done(value.clone()),
                    Ok(false) => Came::Missing,
                    Err(error) => Came::Refused(errno(&error)),
                }
            }
            Act::Get(key, flags, _) => value(map.get_with(key, *flags)),
            Act::Update(key, value, flags) => map
                .update(key, value, *flags)
                .map_or_else(|error| refused(&error), |()| Came::Done(Vec::new())),
            Act::Delete(key) => {
                map.delete(key).map_or_else(|error| refused(&error), |()| Came::Done(Vec::new()))
            }
            Act::Take(key) => value(map.take(key)),
            Act::Next(key) => value(map.next_key(key.as_deref())),
            Act::Run(order) => {
                let mut orders = self.machine.raw_map("order").unwrap();
                orders.update(&[0; 4], order, ElemFlags::empty()).unwrap();
                self.machine.run("prog", &Input::packet(&[0; 14])).unwrap();
                let order = self.machine.raw_map("order").unwrap().get(&[0; 4]).unwrap();
                Came::Done(order.unwrap())
            }
        }
    }

    /// Bytes that only round the value of a CPU up are whatever the kernel's memory held before.
    fn trim(&self, value: &mut [u8]) {
        if value.len() == self.size && self.lane > 0 {
            value.chunks_mut(self.lane.next_multiple_of(8)).for_each(|value| value[self.lane..].fill(0));
        }
    }

    fn trimmed(&self, came: Came) -> Came {
        match came {
            Came::Done(mut value) => {
                self.trim(&mut value);
                Came::Done(value)
            }
            came => came,
        }
    }

    /// All elements of both, in the order of their keys.
    fn contents(&mut self, subject: &str) {
        let map = self.loaded.map("subject").unwrap();
        let (mut real, mut key) = (Vec::new(), None);
        let mut next = vec![0; map.key_size()];
        while map.next_key(key.as_deref(), &mut next).unwrap_or(false) {
            let mut value = vec![0; self.size];
            if map.lookup(&next, &mut value).unwrap_or(false) {
                real.push((next.clone(), value));
            }
            key = Some(next.clone());
        }
        let mut simulated = self.machine.raw_map("subject").unwrap().entries();
        for (_, value) in real.iter_mut().chain(&mut simulated) {
            self.trim(value);
        }
        real.sort();
        simulated.sort();
        assert_eq!(simulated, real, "{subject}");
    }
}

fn came(result: Result<(), kernel::MapError>) -> Came {
    match result {
        Ok(()) => Came::Done(Vec::new()),
        Err(error) => match kernel_errno(&error) {
            Errno::ENOENT => Came::Missing,
            errno => Came::Refused(errno),
        },
    }
}

fn found(result: Result<bool, kernel::MapError>, value: Vec<u8>) -> Came {
    match result {
        Ok(true) => Came::Done(value),
        Ok(false) => Came::Missing,
        Err(error) => Came::Refused(kernel_errno(&error)),
    }
}

fn value(result: Result<Option<Vec<u8>>, sim::MapError>) -> Came {
    match result {
        Ok(Some(value)) => Came::Done(value),
        Ok(None) => Came::Missing,
        Err(error) => refused(&error),
    }
}

fn refused(error: &sim::MapError) -> Came {
    match errno(error) {
        Errno::ENOENT => Came::Missing,
        errno => Came::Refused(errno),
    }
}

fn errno(error: &sim::MapError) -> Errno {
    match error {
        sim::MapError::Refused { errno, .. } => *errno,
        other => panic!("{other}"),
    }
}

fn kernel_errno(error: &kernel::MapError) -> Errno {
    match error {
        kernel::MapError::Kernel { errno, .. } => *errno,
        other => panic!("{other}"),
    }
}

/// With as many CPUs as the kernel has.
fn target() -> Target {
    static CPUS: OnceLock<usize> = OnceLock::new();
    let cpus = *CPUS.get_or_init(|| {
        let mut object = builder();
        object.add_map(MapSpec::percpu_array::<u64>("cpus").max_entries(1));
        load(&object.finish().unwrap()).map("cpus").unwrap().values_per_key()
    });
    Target::simulated().with_possible_cpus(cpus.try_into().unwrap())
}

fn compare_all(subject: &Subject) {
    for seed in 1..=2 {
        compare(subject, seed);
    }
}

fn compare(subject: &Subject, seed: u64) {
    let object = object(subject);
    let kind = shape(subject).kind;
    let loaded = load(&object);
    let map = loaded.map("subject").unwrap();
    let size = map.value_size().next_multiple_of(if map.values_per_key() > 1 { 8 } else { 1 })
        * map.values_per_key();
    let lane = if map.values_per_key() > 1 { map.value_size() } else { 0 };
    let key_size = map.key_size();
    let machine = Machine::new(&object, &target()).unwrap();
    let has_program = has_program(subject);
    let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut pair = Pair { loaded, machine, size, lane, has_program, random };
    for round in 0..subject.rounds {
        let act = pair.act(subject, key_size);
        // The order of a hash table's walk is the kernel's own.
        if matches!(act, Act::Next(_)) && matches!(subject.keys, Keys::Below(_)) && is_hash(kind) {
            continue;
        }
        let real = pair.trimmed(pair.kernel(&act));
        let simulated = pair.simulator(&act, kind);
        let simulated = pair.trimmed(simulated);
        assert_eq!(simulated, real, "{}, seed {seed}, round {round}: {act:02x?}", subject.name);
        if round % 64 == 63 {
            pair.contents(&format!("{}, seed {seed}, after round {round}", subject.name));
        }
    }
    pair.contents(&format!("{}, seed {seed}, in the end", subject.name));
}

fn is_hash(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::HASH
            | MapKind::PERCPU_HASH
            | MapKind::LRU_HASH
            | MapKind::LRU_PERCPU_HASH
            | MapKind::DEVMAP_HASH
    )
}

/// Lists of what was used are kept by CPU; the simulator's is the first.
fn on_one_cpu(work: impl FnOnce()) {
    let this = Pid::from_raw(0);
    let before = sched_getaffinity(this).unwrap();
    let mut only = CpuSet::new();
    only.set(0).unwrap();
    sched_setaffinity(this, &only).unwrap();
    work();
    sched_setaffinity(this, &before).unwrap();
}

/// Descriptions of maps: both make them, or say the same.
fn refusals() {
    let flags = [MapFlags::empty(), MapFlags::NO_PREALLOC, MapFlags::NO_COMMON_LRU, MapFlags::RDONLY_PROG];
    let sizes = [(0, 0), (0, 8), (4, 4), (4, 40 << 10), (8, 8)];
    let known = MapKind::ALL
        .iter()
        .filter(|kind| kind.since() <= Some(KernelVersion::new(6, 9)) && !is_special(**kind));
    let (mut compared, mut different) = (0, Vec::new());
    for &kind in known {
        for flags in flags {
            for (key, value) in sizes {
                for entries in [0, 4096] {
                    let Some(difference) = compare_making(kind, flags, (key, value), entries) else {
                        continue;
                    };
                    compared += 1;
                    different.extend(difference);
                }
            }
        }
    }
    // What an object refuses by itself is not compared.
    assert!(compared >= 30, "{compared}");
    assert!(different.is_empty(), "{}:\n{}", different.len(), different.join("\n"));
}

/// Made from more than sizes and flags, or not simulated at all.
fn is_special(kind: MapKind) -> bool {
    kind.has_inner()
        || matches!(
            kind,
            MapKind::STRUCT_OPS
                | MapKind::ARENA
                | MapKind::SK_STORAGE
                | MapKind::INODE_STORAGE
                | MapKind::TASK_STORAGE
                | MapKind::CGRP_STORAGE
        )
}

fn compare_making(kind: MapKind, flags: MapFlags, sizes: (u32, u32), entries: u32) -> Option<Option<String>> {
    let spec =
        MapSpec::new(kind, "subject").key_size(sizes.0).value_size(sizes.1).max_entries(entries).flags(flags);
    let mut object = builder();
    object.add_map(spec);
    // How many CPUs are too many is up to the kernel's configuration.
    if kind == MapKind::CPUMAP && entries > 0 {
        return None;
    }
    // What neither is asked for.
    let object = object.finish().ok()?;
    let simulated = match Machine::new(&object, &target()) {
        Ok(_) => None,
        Err(sim::SimError::Map { errno, .. }) => Some(errno),
        Err(error) => panic!("{error}"),
    };
    let real = match kernel::load(&object) {
        Ok(_) => None,
        Err(kernel::LoadError::Command { errno, .. }) => Some(errno),
        Err(error) => panic!("{error}"),
    };
    let text = || format!("{kind}, {flags}, {sizes:?}, {entries}: {simulated:?}, kernel {real:?}");
    Some((simulated != real).then(text))
}
