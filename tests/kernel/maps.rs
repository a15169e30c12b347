//! Maps through Rust types: looked up, updated, deleted, walked.

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{Assembler, Helper, Reg, Size};
use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::btf::Timer;
use bpfsmith::kernel::{ElemFlags, Loaded, Map, MapError};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Feature;

use crate::common::{Assembled, FP, builder, load, run, run_on_packet};
use crate::support::{Suite, all, has_cap_bpf, has_cap_sys_admin};

pub fn add(suite: &mut Suite) {
    suite.since(
        KernelVersion::new(5, 14),
        "syscall programs, and look-ups that delete from a hash",
        |suite| {
            let name = "maps: a key with padding is found again, from Rust and from a program";
            suite.test_if(has_cap_bpf, name, padded_key);
            suite.test_if(has_cap_bpf, "maps: a value is taken out of a hash", taken);
        },
    );
    suite.test_if(has_cap_bpf, "maps: keys and values of more than 256 bytes", large);
    suite.test_if(has_cap_bpf, "maps: every key of a walk comes once, and none of an empty map", walk);
    suite.test_if(has_cap_bpf, "maps: what is new, what is there, what is full", flags);
    suite.test_if(has_cap_bpf, "maps: deleted is gone, from an array nothing is", delete);
    suite.test_if(has_cap_bpf, "maps: a Rust type of another size is refused", sizes);
    suite.test_if(has_cap_bpf, "maps: bytes that are no value of the Rust type", no_value);
    suite.test_if(has_cap_bpf, "maps: a value for each CPU", per_cpu);
    suite.test_if(
        has_cap_bpf,
        "maps: one value where each CPU has one, and the other way round",
        wrong_number,
    );
    suite.test_if(has_cap_bpf, "maps: longest prefix first", prefixes);
    suite.test_if(has_cap_bpf, "maps: a queue is written and its head is read", queue);
    suite.test_if(has_cap_bpf, "maps: a queue gives the oldest, a stack the newest", pushed_and_popped);
    suite.test_if(has_cap_bpf, "maps: a hash of 10,000 in batches of 512 comes whole", batches);
    suite.test_if(has_cap_bpf, "maps: batches with keys shorter than the cursor", short_keys);
    suite.test_if(has_cap_bpf, "maps: a batch smaller than a bucket grows", small_batches);
    suite.test_if(has_cap_bpf, "maps: a batch that stops says how far it came", stopped_batch);
    suite.test_if(has_cap_bpf, "maps: maps and programs put into maps that hold them", descriptors);
    suite.since(Feature::Timers.since(), "timers", |suite| {
        suite.test_if(has_cap_bpf, "maps: one with timers cannot be frozen", freeze);
    });
    suite.test_if(
        all(&[has_cap_bpf, has_cap_sys_admin]),
        "maps: the same map by id and by descriptor",
        by_id,
    );
}

fn one_map<K, V>(spec: MapSpec<K, V>) -> Loaded {
    let mut object = builder();
    object.add_map(spec);
    load(&object.finish().unwrap())
}

fn error(operation: &'static str, errno: Errno) -> MapError {
    MapError::Kernel { map: "map".into(), operation, errno }
}

/// Three bytes of padding between the two, one after them.
#[derive(BtfType, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
struct Key {
    small: u8,
    large: u32,
    last: u16,
}

fn padded_key() {
    let mut object = builder();
    object.add_map(MapSpec::hash::<Key, u64>("map").max_entries(4));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), finds_key());
    let loaded = load(&object.finish().unwrap());
    let map = loaded.typed_map::<Key, u64>("map").unwrap();
    let key = Key { small: 1, large: 2, last: 3 };
    map.set(&key, &77).unwrap();
    dirty_stack();
    assert_eq!(map.get(&Key { small: 1, ..key }).unwrap(), Some(77));
    assert_eq!(map.keys().map(Result::unwrap).collect::<Vec<_>>(), [key]);
    assert_eq!(run(loaded.program("prog").unwrap()), 77);
    dirty_stack();
    assert!(map.delete(&key).unwrap());
}

/// What a careless copy of a struct would take its padding from.
#[inline(never)]
fn dirty_stack() {
    std::hint::black_box([0xa5_u8; 4096]);
}

fn finds_key() -> Assembled {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::DW, FP, -16, 0).st(Size::DW, FP, -8, 0);
    a.st(Size::B, FP, -16 + Key::SMALL.off(), 1).st(Size::W, FP, -16 + Key::LARGE.off(), 2);
    a.st(Size::H, FP, -16 + Key::LAST.off(), 3);
    a.load_map(R1, "map").mov(R2, FP).add(R2, -16).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).ldx(Size::DW, R0, R0, 0).bind(out).exit();
    a.finish()
}

fn large() {
    let loaded = one_map(MapSpec::hash::<[u16; 200], [u64; 300]>("map").max_entries(2));
    let map = loaded.typed_map::<[u16; 200], [u64; 300]>("map").unwrap();
    let (mut key, mut value) = ([1; 200], [2; 300]);
    (key[199], value[299]) = (0x1234, u64::MAX);
    map.set(&key, &value).unwrap();
    assert_eq!(map.get(&key).unwrap(), Some(value));
    assert_eq!(map.iter().map(Result::unwrap).collect::<Vec<_>>(), [(key, value)]);
    key[199] = 0;
    assert_eq!(map.get(&key).unwrap(), None);
}

fn walk() {
    const COUNT: u32 = 1000;
    let loaded = one_map(MapSpec::hash::<u32, u32>("map").max_entries(COUNT));
    let map = loaded.typed_map::<u32, u32>("map").unwrap();
    assert_eq!(map.keys().count(), 0);
    (0..COUNT).for_each(|key| map.set(&(key * 7), &key).unwrap());
    let mut held: Vec<_> = map.iter().map(Result::unwrap).collect();
    held.sort_unstable();
    assert_eq!(held, (0..COUNT).map(|key| (key * 7, key)).collect::<Vec<_>>());
    let loaded = one_map(MapSpec::array::<u8>("map").max_entries(3));
    let map = loaded.typed_map::<u32, u8>("map").unwrap();
    assert_eq!(map.keys().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
}

fn flags() {
    let loaded = one_map(MapSpec::hash::<u32, u32>("map").max_entries(2));
    let map = loaded.typed_map::<u32, u32>("map").unwrap();
    let refused = |errno| Err(error("MAP_UPDATE_ELEM", errno));
    assert_eq!(map.set_with(&1, &1, ElemFlags::EXIST), refused(Errno::ENOENT));
    map.set_with(&1, &1, ElemFlags::NOEXIST).unwrap();
    assert_eq!(map.set_with(&1, &2, ElemFlags::NOEXIST), refused(Errno::EEXIST));
    map.set_with(&1, &3, ElemFlags::EXIST).unwrap();
    map.set(&2, &4).unwrap();
    assert_eq!(map.set(&3, &5), refused(Errno::E2BIG));
    assert_eq!((map.get(&1).unwrap(), map.get(&3).unwrap()), (Some(3), None));
}

fn delete() {
    let loaded = one_map(MapSpec::hash::<u32, u32>("map").max_entries(2));
    let map = loaded.typed_map::<u32, u32>("map").unwrap();
    map.set(&1, &1).unwrap();
    assert!(map.delete(&1).unwrap());
    assert!(!map.delete(&1).unwrap());
    assert_eq!(map.get(&1).unwrap(), None);
    let loaded = one_map(MapSpec::array::<u32>("map").max_entries(2));
    let map = loaded.typed_map::<u32, u32>("map").unwrap();
    assert_eq!(map.delete(&1), Err(error("MAP_DELETE_ELEM", Errno::EINVAL)));
    assert_eq!(map.get(&2).unwrap(), None);
    assert_eq!(map.set(&2, &0), Err(error("MAP_UPDATE_ELEM", Errno::E2BIG)));
}

fn sizes() {
    let loaded = one_map(MapSpec::hash::<u32, u64>("map").max_entries(2));
    let map = loaded.map("map").unwrap();
    let error = map.typed::<u64, u64>().unwrap_err();
    assert_eq!(error, MapError::Size { map: "map".into(), part: "key", actual: 4, given: 8 });
    let error = map.typed::<u32, u32>().unwrap_err();
    assert_eq!(error.to_string(), "map `map`: its value has 8 bytes, the Rust type has 4");
    assert!(map.lookup(&[0; 3], &mut [0; 8]).is_err());
    assert!(map.lookup(&[0; 4], &mut [0; 7]).is_err());
    assert!(map.update(&[0; 4], &[0; 9], ElemFlags::empty()).is_err());
    assert!(map.next_key(None, &mut [0; 5]).is_err());
}

fn no_value() {
    let loaded = one_map(MapSpec::array::<bool>("map").max_entries(1));
    loaded.map("map").unwrap().update(&[0; 4], &[2], ElemFlags::empty()).unwrap();
    let error = loaded.typed_map::<u32, bool>("map").unwrap().get(&0).unwrap_err();
    assert_eq!(error, MapError::Value { map: "map".into(), part: "value" });
}

fn per_cpu() {
    for kind in [MapKind::PERCPU_ARRAY, MapKind::PERCPU_HASH, MapKind::LRU_PERCPU_HASH] {
        let loaded = one_map(MapSpec::typed::<u32, [u16; 3]>(kind, "map").max_entries(64));
        let map = loaded.typed_map::<u32, [u16; 3]>("map").unwrap();
        let cpus = u16::try_from(map.untyped().values_per_key()).unwrap();
        assert_eq!(u32::from(cpus), bpfsmith::sys::host::possible_cpus().unwrap());
        let values: Vec<_> = (0..cpus).map(|cpu| [cpu, cpu + 1, cpu + 2]).collect();
        map.set_per_cpu(&1, &values).unwrap();
        assert_eq!(map.get_per_cpu(&1).unwrap(), Some(values), "{kind}");
        // With one CPU it is used as any other, though the kernel goes on padding its values.
        if cpus == 1 {
            map.set(&1, &[7, 8, 9]).unwrap();
            assert_eq!(map.get(&1).unwrap(), Some([7, 8, 9]), "{kind}");
            map.set_batch(&[(2, [1, 2, 3]), (3, [4, 5, 6])]).unwrap();
            let found: Vec<_> =
                map.batches(64).flat_map(Result::unwrap).filter(|(key, _)| *key == 3).collect();
            assert_eq!(found, [(3, [4, 5, 6])], "{kind}");
        }
    }
}

fn wrong_number() {
    let loaded = one_map(MapSpec::percpu_array::<u64>("map").max_entries(1));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    let cpus = map.untyped().values_per_key();
    let refused = |actual, given| MapError::PerCpu { map: "map".into(), actual, given };
    let short = vec![0; cpus + 1];
    assert_eq!(map.set_per_cpu(&0, &short), Err(refused(cpus, cpus + 1)));
    if cpus > 1 {
        assert_eq!(map.get(&0), Err(refused(cpus, 1)));
        assert_eq!(map.set(&0, &1), Err(refused(cpus, 1)));
    }
    let loaded = one_map(MapSpec::array::<u64>("map").max_entries(1));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    assert_eq!(map.set_per_cpu(&0, &[1, 2]), Err(refused(1, 2)));
    assert_eq!(map.get_per_cpu(&0), Ok(Some(vec![0])));
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Prefix {
    bits: u32,
    address: [u8; 4],
}

fn prefixes() {
    let loaded = one_map(MapSpec::lpm_trie::<Prefix, u32>("map").max_entries(4));
    let map = loaded.typed_map::<Prefix, u32>("map").unwrap();
    map.set(&Prefix { bits: 8, address: [10, 0, 0, 0] }, &8).unwrap();
    map.set(&Prefix { bits: 24, address: [10, 1, 2, 0] }, &24).unwrap();
    let longest = |address| map.get(&Prefix { bits: 32, address }).unwrap();
    assert_eq!(longest([10, 1, 2, 3]), Some(24));
    assert_eq!(longest([10, 1, 3, 3]), Some(8));
    assert_eq!(longest([11, 1, 2, 3]), None);
}

fn queue() {
    let loaded = one_map(MapSpec::queue::<u32>("map").max_entries(2));
    let map = loaded.map("map").unwrap();
    let mut head = [0; 4];
    assert!(!map.lookup(&[], &mut head).unwrap());
    map.update(&[], &7_u32.to_ne_bytes(), ElemFlags::empty()).unwrap();
    map.update(&[], &8_u32.to_ne_bytes(), ElemFlags::empty()).unwrap();
    assert!(map.lookup(&[], &mut head).unwrap());
    assert_eq!(u32::from_ne_bytes(head), 7);
}

fn freeze() {
    let loaded = one_map(MapSpec::array::<Armed>("map").max_entries(1));
    assert_eq!(loaded.map("map").unwrap().freeze(), Err(error("MAP_FREEZE", Errno::ENOTSUPP)));
    let loaded = one_map(MapSpec::array::<u32>("map").max_entries(1));
    loaded.map("map").unwrap().freeze().unwrap();
    // Since some release between 6.1 and 6.12 the kernel asks first whether the map can be written.
    let again = loaded.map("map").unwrap().freeze();
    let frozen = [Errno::EPERM, Errno::EBUSY].map(|errno| Err(error("MAP_FREEZE", errno)));
    assert!(frozen.contains(&again), "{again:?}");
}

#[derive(BtfType)]
#[repr(C)]
struct Armed {
    timer: Timer,
}

fn by_id() {
    let loaded = one_map(MapSpec::array::<u32>("map").max_entries(1));
    let map = loaded.map("map").unwrap();
    map.typed::<u32, u32>().unwrap().set(&0, &3).unwrap();
    let same = Map::from_id(map.id().unwrap()).unwrap();
    assert_eq!(same.typed::<u32, u32>().unwrap().get(&0).unwrap(), Some(3));
    assert_eq!((same.key_size(), same.value_size(), same.values_per_key()), (4, 4, 1));
    let clone = map.try_clone().unwrap();
    assert_eq!(clone.id().unwrap(), same.id().unwrap());
    assert!(matches!(Map::from_id(u32::MAX), Err(MapError::Kernel { errno: Errno::ENOENT, .. })));
}

fn pushed_and_popped() {
    for (spec, order) in
        [(MapSpec::queue::<u64>("map"), [1, 2, 3]), (MapSpec::stack::<u64>("map"), [3, 2, 1])]
    {
        let loaded = one_map(spec.max_entries(3));
        let queue = loaded.queue::<u64>("map").unwrap();
        assert_eq!((queue.peek().unwrap(), queue.pop().unwrap()), (None, None));
        (1..=3).for_each(|number| queue.push(&number).unwrap());
        assert_eq!(queue.push(&4), Err(error("MAP_UPDATE_ELEM", Errno::E2BIG)));
        assert_eq!(queue.peek().unwrap(), Some(order[0]));
        assert_eq!(order.map(|_| queue.pop().unwrap().unwrap()), order);
        (1..=4).for_each(|number| queue.push_over(&number).unwrap());
        assert_eq!(std::iter::from_fn(|| queue.pop().unwrap()).count(), 3);
    }
    let size = |part, actual, given| MapError::Size { map: "map".into(), part, actual, given };
    let loaded = one_map(MapSpec::queue::<u64>("map").max_entries(3));
    assert_eq!(loaded.map("map").unwrap().queue::<u32>().unwrap_err(), size("value", 8, 4));
    let loaded = one_map(MapSpec::hash::<u32, u64>("map").max_entries(3));
    assert_eq!(loaded.map("map").unwrap().queue::<u64>().unwrap_err(), size("key", 4, 0));
}

fn taken() {
    let loaded = one_map(MapSpec::hash::<u32, u64>("map").max_entries(2));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    map.set(&1, &10).unwrap();
    assert_eq!((map.take(&1).unwrap(), map.take(&1).unwrap(), map.get(&1).unwrap()), (Some(10), None, None));
    let loaded = one_map(MapSpec::array::<u64>("map").max_entries(2));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    assert_eq!(map.take(&1), Err(error("MAP_LOOKUP_AND_DELETE_ELEM", Errno::ENOTSUPP)));
}

fn filled<K: BtfType + Copy>(spec: MapSpec<K, u64>, keys: impl Iterator<Item = K>) -> Loaded {
    let loaded = one_map(spec);
    let entries: Vec<_> = keys.zip(0..).collect();
    loaded.typed_map::<K, u64>("map").unwrap().set_batch(&entries).unwrap();
    loaded
}

fn batches() {
    for spec in [MapSpec::hash::<u32, u64>("map"), MapSpec::array::<u64>("map")] {
        let loaded = filled(spec.max_entries(10_000), 0..10_000);
        let map = loaded.typed_map::<u32, u64>("map").unwrap();
        let mut all: Vec<_> = map.batches(512).flat_map(Result::unwrap).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq((0..10_000).map(|key| (key, u64::from(key)))));
    }
    let loaded = one_map(MapSpec::hash::<u32, u64>("map").max_entries(3));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    assert_eq!(map.batches(512).count(), 0);
    assert_eq!((map.set_batch(&[]), map.delete_batch(&[])), (Ok(()), Ok(())));
}

fn short_keys() {
    let loaded = filled(MapSpec::hash::<u16, u64>("map").max_entries(1000), 0..1000);
    let map = loaded.typed_map::<u16, u64>("map").unwrap();
    let mut keys: Vec<_> = map.batches(64).flat_map(Result::unwrap).map(|(key, _)| key).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..1000));
}

fn small_batches() {
    let loaded = filled(MapSpec::hash::<u32, u64>("map").max_entries(1000), 0..1000);
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    for count in [0, 1] {
        assert_eq!(map.batches(count).flat_map(Result::unwrap).count(), 1000);
    }
}

fn stopped_batch() {
    let loaded = filled(MapSpec::hash::<u32, u64>("map").max_entries(4), 0..4);
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    let stopped = |operation, errno, done| Err(MapError::Batch { map: "map".into(), operation, errno, done });
    assert_eq!(map.delete_batch(&[0, 1, 77, 2]), stopped("MAP_DELETE_BATCH", Errno::ENOENT, 2));
    let entries = [(10, 1), (11, 1), (12, 1), (13, 1)];
    assert_eq!(map.set_batch(&entries), stopped("MAP_UPDATE_BATCH", Errno::E2BIG, 2));
    assert_eq!(map.delete_batch(&[2, 3]), Ok(()));
    let loaded = one_map(MapSpec::percpu_hash::<u32, u64>("map").max_entries(4));
    let map = loaded.typed_map::<u32, u64>("map").unwrap();
    if map.untyped().values_per_key() > 1 {
        let refused = map.batches(4).next().unwrap().unwrap_err();
        assert!(matches!(refused, MapError::PerCpu { given: 1, .. }), "{refused}");
    }
}

fn descriptors() {
    let mut object = builder();
    let spec = |name: &str| MapSpec::hash::<u32, u64>(name).max_entries(1);
    object.add_map(MapSpec::array_of_maps("outer", spec("template")).max_entries(1));
    object.add_map(spec("inner"));
    object.add_map(MapSpec::prog_array("calls").max_entries(1));
    object.add_program(ProgramSpec::new("caller", ProgramKind::SOCKET_FILTER), tail_call());
    object.add_program(
        ProgramSpec::new("called", ProgramKind::SOCKET_FILTER),
        Assembler::new().mov(R0, 5).exit().finish(),
    );
    let loaded = load(&object.finish().unwrap());
    let map = |name| loaded.map(name).unwrap();
    map("outer").set_fd(&0_u32, map("inner")).unwrap();
    let id = map("outer").typed::<u32, u32>().unwrap().get(&0).unwrap();
    assert_eq!(id, Some(map("inner").id().unwrap()));

    assert_eq!(run_on_packet(loaded.program("caller").unwrap()), 1);
    map("calls").set_fd(&0_u32, loaded.program("called").unwrap()).unwrap();
    assert_eq!(run_on_packet(loaded.program("caller").unwrap()), 5);

    let wrong = map("inner").set_fd(&0_u32, map("outer")).unwrap_err();
    assert_eq!(wrong.to_string(), "map `inner`: a map of kind hash holds bytes, not descriptors");
    let wrong = map("outer").set_fd(&0_u64, map("inner")).unwrap_err();
    assert!(matches!(wrong, MapError::Size { part: "key", .. }), "{wrong}");
    let wrong = map("outer").set_fd(&0_u32, map("calls")).unwrap_err();
    assert!(matches!(wrong, MapError::Kernel { errno: Errno::EINVAL, .. }), "{wrong}");
}

/// Returns what the first program of `calls` does, 1 where there is none.
fn tail_call() -> Assembled {
    let mut a = Assembler::new();
    a.load_map(R2, "calls").mov(Reg::R3, 0).call(Helper::TAIL_CALL).mov(R0, 1).exit();
    a.finish()
}
