//! Maps: what programs and user space find in them.

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6};
use bpfsmith::asm::{Assembler, Reg, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Errno, Helper, TimerFlags};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, Machine, MapError, SimError};
use bpfsmith::target::Target;

use crate::common::{Assembled, assembler, machine};

const FP: Reg = Reg::FP;
const ANY: ElemFlags = ElemFlags::empty();

fn object(maps: Vec<MapSpec>, code: Assembled) -> Object {
    let mut object = ObjectBuilder::new("test").license("GPL");
    for map in maps {
        object.add_map(map);
    }
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
    object.finish().unwrap()
}

fn run(machine: &mut Machine) -> i64 {
    machine.run("prog", &Input::empty()).unwrap().result.cast_signed()
}

fn errno<T: std::fmt::Debug>(result: Result<T, MapError>) -> Errno {
    match result {
        Err(MapError::Refused { errno, .. }) => errno,
        other => panic!("{other:?}"),
    }
}

/// r0 = the value of the key `key`.
fn look_up(a: &mut Assembler, map: &str, key: i32) {
    a.st(Size::W, FP, -4, key).load_map(R1, map).mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
}

#[test]
fn a_ring_holds_back_what_is_not_handed_over() {
    // Reserves two records; hands the second over, or lets it fall, then the first.
    let program = |second: Helper| {
        let mut a = assembler();
        let (out, back) = (a.label(), a.label());
        a.load_map(R1, "ring")
            .mov(R2, 8)
            .mov(R3, 0)
            .call(Helper::RINGBUF_RESERVE)
            .jeq(R0, 0, out)
            .mov(R6, R0);
        a.load_map(R1, "ring").mov(R2, 8).mov(R3, 0).call(Helper::RINGBUF_RESERVE).jeq(R0, 0, back);
        a.st(Size::DW, R6, 0, 1).st(Size::DW, R0, 0, 2).mov(R1, R0).mov(R2, 0).call(second);
        a.load_map(R1, "ring").mov(R2, 0).call(Helper::RINGBUF_QUERY).mov(R3, R0);
        a.stx(Size::DW, FP, -8, R3).bind(back).mov(R1, R6).mov(R2, 0).call(Helper::RINGBUF_SUBMIT);
        a.ldx(Size::DW, R0, FP, -8).bind(out).exit();
        a.finish()
    };
    for (second, records) in [(Helper::RINGBUF_SUBMIT, vec![1u64, 2]), (Helper::RINGBUF_DISCARD, vec![1])] {
        let mut machine = machine(&object(vec![MapSpec::ringbuf("ring", 4096)], program(second)));
        assert_eq!(run(&mut machine), 32, "each record has a header of eight bytes");
        assert_eq!(machine.ring::<u64>("ring").unwrap().read_all().unwrap(), records);
        // Only the first was what user space waited for.
        assert_eq!(machine.raw_ring("ring").unwrap().wakeups().unwrap(), 1);
    }
}

#[test]
fn a_full_ring_takes_nothing() {
    let mut a = assembler();
    a.st(Size::DW, FP, -8, 7).load_map(R1, "ring").mov(R2, FP).add(R2, -8).mov(R3, 8).mov(R4, 1);
    a.call(Helper::RINGBUF_OUTPUT).exit();
    let mut machine = machine(&object(vec![MapSpec::ringbuf("ring", 4096)], a.finish()));
    let written = (0..300).take_while(|_| run(&mut machine) == 0).count();
    // One byte of a ring stays free, and records are sixteen.
    assert_eq!(written, 255);
    assert_eq!(run(&mut machine), -i64::from(Errno::EAGAIN.0));
    let mut ring = machine.raw_ring("ring").unwrap();
    assert_eq!(ring.wakeups().unwrap(), 0, "the flag said so");
    assert_eq!(ring.read().unwrap(), Some(7u64.to_ne_bytes().to_vec()));
    assert_eq!(run(&mut machine), 0);
    assert!(matches!(machine.raw_ring("ring").unwrap().open(0), Err(MapError::Kind { .. })));
}

#[test]
fn a_map_in_a_map_is_a_map() {
    let mut a = assembler();
    let none = a.label();
    look_up(&mut a, "outer", 1);
    a.jeq(R0, 0, none).mov(R1, R0).mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM).jeq(R0, 0, none);
    a.ldx(Size::DW, R0, R0, 0).bind(none).exit();
    let inner = || MapSpec::hash::<u32, u64>("inner").max_entries(4);
    let mut builder = ObjectBuilder::new("test").license("GPL");
    builder.add_map(inner());
    builder.add_map(MapSpec::hash::<u32, u32>("other").max_entries(4));
    builder.add_map(MapSpec::array_of_maps("outer", inner()).max_entries(2));
    builder.add_program(ProgramSpec::new("prog", ProgramKind::SCHED_CLS), a.finish());
    let mut machine = machine(&builder.finish().unwrap());
    let packet = Input::packet(&[0; 64]);
    assert_eq!(machine.run("prog", &packet).unwrap().retval, 0);

    machine.map::<u32, u64>("inner").unwrap().update(&1, &99, ANY).unwrap();
    let mut outer = machine.raw_map("outer").unwrap();
    let number = |number: u32| number.to_ne_bytes();
    assert_eq!(errno(outer.update(&number(1), &number(1), ANY)), Errno::EINVAL, "values of another size");
    assert_eq!(errno(outer.update(&number(1), &number(9), ANY)), Errno::EBADF);
    assert_eq!(errno(outer.update(&number(2), &number(0), ANY)), Errno::E2BIG);
    outer.update(&number(1), &number(0), ANY).unwrap();
    assert_eq!(machine.run("prog", &packet).unwrap().retval, 99);
    machine.raw_map("outer").unwrap().delete(&number(1)).unwrap();
    assert_eq!(machine.run("prog", &packet).unwrap().retval, 0);
}

#[test]
fn each_cpu_has_its_value() {
    for spec in
        [MapSpec::percpu_array::<u64>("hits").untyped(), MapSpec::percpu_hash::<u32, u64>("hits").untyped()]
    {
        let object = object(vec![spec.max_entries(3)], hits());
        let mut machine = Machine::new(&object, &Target::simulated().with_possible_cpus(3)).unwrap();
        let mut hits = machine.map::<u32, u64>("hits").unwrap();
        hits.set_per_cpu(&1, &[10, 20, 30], ANY).unwrap();
        assert!(matches!(hits.get(&1), Err(MapError::PerCpu(_))));
        assert!(matches!(hits.set_per_cpu(&1, &[1, 2], ANY), Err(MapError::Size { .. })));
        assert_eq!(run(&mut machine), 20);
        let mut hits = machine.map::<u32, u64>("hits").unwrap();
        assert_eq!(hits.get_per_cpu(&1).unwrap(), Some(vec![11, 20, 30]));
        let text = machine.dump("hits").unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with('1')).collect();
        assert_eq!(lines, ["1, cpu 0: 11", "1, cpu 1: 20", "1, cpu 2: 30"]);
    }
}

/// Counts a hit on its CPU, and returns the hits of the second.
fn hits() -> Assembled {
    let mut a = assembler();
    let none = a.label();
    look_up(&mut a, "hits", 1);
    a.jeq(R0, 0, none).mov(R1, 1).atomic_add(Size::DW, R0, 0, R1);
    a.load_map(R1, "hits").mov(R2, FP).add(R2, -4).mov(R3, 1).call(Helper::MAP_LOOKUP_PERCPU_ELEM);
    a.jeq(R0, 0, none).ldx(Size::DW, R0, R0, 0).bind(none).exit();
    a.finish()
}

#[derive(BtfType)]
#[repr(C)]
struct Session {
    id: u32,
    name: [u8; 4],
    timer: Timer,
}

#[test]
fn what_is_evicted_takes_its_timer_along() {
    let mut a = assembler();
    let none = a.label();
    look_up(&mut a, "sessions", 0);
    a.jeq(R0, 0, none).mov(R6, R0).add(R6, 8);
    a.mov(R1, R6).load_map(R2, "sessions").mov(R3, 1).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_function(R2, "fired").call(Helper::TIMER_SET_CALLBACK);
    a.mov(R1, R6).mov(R2, 1000).mov(R3, TimerFlags::empty().bits() as i32).call(Helper::TIMER_START);
    a.bind(none).exit();
    let mut builder = ObjectBuilder::new("test").license("GPL");
    builder.add_map(MapSpec::lru_hash::<u32, Session>("sessions").max_entries(2));
    builder.add_program(ProgramSpec::new("prog", ProgramKind::SCHED_CLS), a.finish());
    builder.add_function("fired", assembler().mov(R0, 0).exit().finish());
    let mut machine = machine(&builder.finish().unwrap());
    let session = |id: u32| Session { id, name: *b"tcp\0", timer: Timer::default() };
    machine.map("sessions").unwrap().update(&0u32, &session(7), ANY).unwrap();
    machine.run("prog", &Input::packet(&[0; 64])).unwrap();
    assert_eq!(machine.armed_timers(), 1);
    let text = "0: {.id = 7, .name = {116, 99, 112, 0}, .timer = {}}\n";
    assert_eq!(machine.dump("sessions").unwrap(), text);
    for key in 1..5u32 {
        machine.map("sessions").unwrap().update(&key, &session(key), ANY).unwrap();
    }
    let mut sessions = machine.map::<u32, Session>("sessions").unwrap();
    assert!(sessions.get(&0).unwrap().is_none());
    assert_eq!(sessions.entries().unwrap().len(), 2);
    assert_eq!(machine.armed_timers(), 0);
}

#[test]
fn a_frozen_map_stays_as_it_is() {
    let mut machine =
        machine(&object(vec![MapSpec::hash::<u32, u64>("map").untyped().max_entries(3)], returns()));
    let mut map = machine.raw_map("map").unwrap();
    map.update(&[1; 4], &[1; 8], ANY).unwrap();
    map.freeze().unwrap();
    assert_eq!(errno(map.update(&[1; 4], &[2; 8], ANY)), Errno::EPERM);
    assert_eq!(errno(map.delete(&[1; 4])), Errno::EPERM);
    assert_eq!(errno(map.take(&[1; 4])), Errno::EPERM);
    assert_eq!(errno(map.freeze()), Errno::EPERM);
    assert_eq!(map.get(&[1; 4]).unwrap(), Some(vec![1; 8]));
}

fn returns() -> Assembled {
    assembler().mov(R0, 0).exit().finish()
}

#[test]
fn batches_go_on_where_they_ended() {
    let mut machine =
        machine(&object(vec![MapSpec::hash::<u32, u64>("map").untyped().max_entries(5)], returns()));
    let mut map = machine.raw_map("map").unwrap();
    let entries: Vec<_> = (0..7u8).map(|key| (vec![key; 4], vec![key; 8])).collect();
    let Err(MapError::Batch { done, error }) = map.update_batch(&entries, ANY) else { panic!() };
    assert_eq!((done, errno::<()>(Err(*error))), (5, Errno::E2BIG));
    let first = map.lookup_batch(None, 3).unwrap();
    let second = map.take_batch(first.next, 3).unwrap();
    assert_eq!((first.entries.len(), second.entries.len(), second.next), (3, 2, None));
    assert_eq!(map.entries(), first.entries);
    let Err(MapError::Batch { done, .. }) = map.delete_batch(&[vec![0; 4], vec![6; 4]]) else { panic!() };
    assert_eq!((done, map.entries().len()), (1, 2));
}

#[test]
fn records_of_user_space_are_drained() {
    let mut a = assembler();
    a.st(Size::DW, FP, -8, 0)
        .load_map(R1, "ring")
        .load_function(R2, "each")
        .mov(R3, FP)
        .add(R3, -8)
        .mov(R4, 0);
    a.call(Helper::USER_RINGBUF_DRAIN).ldx(Size::DW, R1, FP, -8).lsh(R0, 32).or(R0, R1).exit();
    // Adds the length that the dynptr tells; stops after a record of one byte.
    let mut b = assembler();
    b.ldx(Size::W, R3, R1, 8).and(R3, 0xff_ffff).ldx(Size::DW, R4, R2, 0).add(R4, R3).stx(
        Size::DW,
        R2,
        0,
        R4,
    );
    let stop = b.label();
    b.jeq(R3, 1, stop).mov(R0, 0).exit().bind(stop).mov(R0, 1).exit();
    let mut builder = ObjectBuilder::new("test").license("GPL");
    builder.add_map(MapSpec::new(MapKind::USER_RINGBUF, "ring").max_entries(4096));
    builder.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    builder.add_function("each", b.finish());
    let mut machine = machine(&builder.finish().unwrap());
    let mut ring = machine.raw_ring("ring").unwrap();
    for record in [&[1; 5][..], &[2; 1], &[3; 7]] {
        ring.write(record).unwrap();
    }
    assert_eq!(errno(ring.write(&[0; 4096])), Errno::E2BIG);
    assert_eq!(errno(ring.write(&[0; 4080])), Errno::ENOSPC);
    assert_eq!(run(&mut machine), 2 << 32 | 6);
    assert_eq!(run(&mut machine), 1 << 32 | 7);
    assert_eq!(run(&mut machine), 0);
}

#[test]
fn events_belong_to_a_cpu() {
    let mut a = assembler();
    a.st(Size::DW, FP, -8, 7).load_map(R2, "events").mov32(R3, -1).mov(R4, FP).add(R4, -8);
    a.mov(Reg::R5, 6).call(Helper::PERF_EVENT_OUTPUT).exit();
    let mut machine = machine(&object(vec![MapSpec::perf_event_array("events").untyped()], a.finish()));
    assert_eq!(run(&mut machine), -i64::from(Errno::ENOENT.0));
    machine.raw_ring("events").unwrap().open(0).unwrap();
    assert_eq!(run(&mut machine), 0);
    let mut events = machine.raw_ring("events").unwrap();
    // With its length before it, a sample ends at a multiple of eight.
    assert_eq!(
        events.read_cpu(0).unwrap(),
        Some(7u64.to_le_bytes()[..6].iter().copied().chain([0; 6]).collect())
    );
    assert_eq!(events.read_cpu(0).unwrap(), None);
}

#[test]
fn storage_of_a_cgroup_is_there_when_it_is_asked_for() {
    let mut a = assembler();
    a.load_map(R1, "storage").mov(R2, 0).call(Helper::GET_LOCAL_STORAGE);
    a.ldx(Size::DW, R1, R0, 0).add(R1, 1).stx(Size::DW, R0, 0, R1).mov(R0, R1).exit();
    let spec = MapSpec::new(MapKind::CGROUP_STORAGE, "storage").key_size(8).value_size(8);
    let mut machine = machine(&object(vec![spec], a.finish()));
    let mut storage = machine.raw_map("storage").unwrap();
    assert_eq!(storage.update(&[0; 8], &[0; 8], ANY).map_err(|_| ()), Err(()));
    // Each test run has its own.
    assert_eq!((run(&mut machine), run(&mut machine)), (1, 1));
    let mut storage = machine.raw_map("storage").unwrap();
    assert_eq!(storage.get(&[0; 8]).unwrap(), None);
    assert_eq!(errno(storage.delete(&[0; 8])), Errno::EINVAL);
}

#[test]
fn what_is_not_simulated_has_a_name() {
    let spec = MapSpec::new(MapKind::ARENA, "arena").max_entries(1).flags(MapFlags::MMAPABLE);
    let made = Machine::new(&object(vec![spec], returns()), &Target::simulated());
    assert!(matches!(made, Err(SimError::MapKind { kind: MapKind::ARENA, .. })), "{made:?}");
}
