//! The examples' objects, with the outcomes they have in the kernel.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::sim::{Input, Machine, TimerEvent};

use crate::common::machine;
use crate::samples::{asm_map_elem, asm_shared_map, asm_timer_cancel};

const MS: Duration = Duration::from_millis(1);
const EINVAL: i32 = 22;
const ENOENT: i32 = 2;

#[derive(BtfType, Debug, PartialEq)]
#[repr(C)]
struct Results {
    init: i64,
    set_callback: i64,
    start: i64,
    cancel: i64,
}

/// As `map_elem` of the examples, the timer as bytes.
#[derive(BtfType, Debug, Default, PartialEq)]
#[repr(C)]
struct Elem {
    counter: i32,
    padding: i32,
    timer: [u64; 2],
}

fn arm(cancel: bool) -> (Machine, Results) {
    let object = asm_timer_cancel::object(cancel).unwrap();
    let mut machine = machine(&object);
    let outcome = machine.run("arm", &Input::packet(&[0; 64])).unwrap();
    assert_eq!(outcome.retval, 1);
    machine.advance(50 * MS).unwrap();
    let results = machine.map::<u32, Results>("results").unwrap().get(&0).unwrap().unwrap();
    (machine, results)
}

fn runs(machine: &mut Machine) -> u64 {
    machine.map::<u32, u64>("runs").unwrap().get(&0).unwrap().unwrap()
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let (mut machine, results) = arm(true);
    assert_eq!(results, Results { init: 0, set_callback: 0, start: 0, cancel: 1 });
    assert_eq!(runs(&mut machine), 0);
    assert!(machine.printed().is_empty());
}

#[test]
fn a_timer_fires_once() {
    let (mut machine, results) = arm(false);
    assert_eq!(results, Results { init: 0, set_callback: 0, start: 0, cancel: 0 });
    assert_eq!(runs(&mut machine), 1);
    assert_eq!(machine.printed(), ["the timer fired"]);
    assert_eq!(machine.armed_timers(), 0);
}

#[test]
fn a_callback_arms_its_timer_again() {
    let mut machine = machine(&asm_map_elem::object().unwrap());
    machine.map::<i32, Elem>("hmap").unwrap().update(&0, &Elem::default(), ElemFlags::empty()).unwrap();
    assert_eq!(machine.run("bpf_prog1", &Input::empty()).unwrap().retval, 0);
    for round in 1..=10 {
        assert_eq!(machine.advance(100 * MS).unwrap(), 10);
        let elem = machine.map::<i32, Elem>("hmap").unwrap().get(&0).unwrap().unwrap();
        // The timer is the kernel's: user space sees zeros.
        assert_eq!(elem, Elem { counter: round * 10, ..Elem::default() });
    }
}

#[test]
fn three_programs_share_a_timer() {
    let mut machine = machine(&asm_shared_map::object().unwrap());
    machine.map::<i32, Elem>("hmap").unwrap().update(&0, &Elem::default(), ElemFlags::empty()).unwrap();
    let mut run = |program: &str, key: i32| {
        let outcome = machine.run(program, &Input::context(&key.to_ne_bytes())).unwrap();
        outcome.retval.cast_signed()
    };
    let order = ["bpf_prog2", "bpf_prog3", "bpf_prog1", "bpf_prog3", "bpf_prog2", "bpf_prog3"];
    assert_eq!(order.map(|program| run(program, 0)), [-EINVAL, -EINVAL, 0, -EINVAL, 0, 0]);
    assert_eq!(run("bpf_prog1", 1), -ENOENT);
    machine.advance(100 * MS).unwrap();
    let counter =
        |machine: &mut Machine| machine.map::<i32, Elem>("hmap").unwrap().get(&0).unwrap().unwrap().counter;
    assert_eq!(counter(&mut machine), 10);
    // With the last user of the map its timers end.
    machine.raw_map("hmap").unwrap().drop_users();
    assert_eq!(machine.advance(100 * MS).unwrap(), 0);
    assert_eq!(counter(&mut machine), 10);
}

#[test]
fn the_timeline_knows_the_lines() {
    let (machine, _) = arm(true);
    let timeline = machine.timeline();
    let events: Vec<TimerEvent> = timeline.iter().map(|entry| entry.event).collect();
    let start = i64::try_from(timeline[0].time).unwrap();
    let expected = [
        TimerEvent::Initialised,
        TimerEvent::CallbackSet,
        TimerEvent::Armed(start),
        TimerEvent::Cancelled(true),
    ];
    assert_eq!(events, expected);
    for entry in &timeline {
        assert_eq!((entry.map.as_str(), &entry.key[..]), ("timers", &[0; 4][..]));
        assert!(entry.loc.as_ref().unwrap().file().ends_with("asm_timer_cancel.rs"));
    }
}
