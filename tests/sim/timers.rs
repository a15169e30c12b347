//! The four helpers of timers and the clock, call by call: what they return, when timers fire.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7};
use bpfsmith::asm::{Reg, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Clock, Helper};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, Machine, TimerEvent};

use crate::common::{assembler, machine};

const FP: Reg = Reg::FP;
const EPERM: i64 = -1;
const EBUSY: i64 = -16;
const EINVAL: i64 = -22;
const EDEADLK: i64 = -35;

#[derive(BtfType, Default)]
#[repr(C)]
struct Elem {
    timer: Timer,
    fired: u64,
    /// What the callback does with its own timer: 0 nothing, 1 cancels it.
    order: u64,
    /// What came of it.
    answer: i64,
}

/// A program for each helper; the context holds the key, then two arguments.
fn timers(spec: MapSpec<u32, Elem>) -> Machine {
    let mut object = ObjectBuilder::new("timers").license("GPL");
    object.add_map(spec.max_entries(4));
    let calls = [
        ("init", Helper::TIMER_INIT),
        ("set", Helper::TIMER_SET_CALLBACK),
        ("start", Helper::TIMER_START),
        ("cancel", Helper::TIMER_CANCEL),
    ];
    for (name, helper) in calls {
        let mut a = assembler();
        let found = a.label();
        a.mov(R6, R1).ldx(Size::W, R2, R6, 0).stx(Size::W, FP, -4, R2);
        a.load_map(R1, "timers").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
        a.jne(R0, 0, found).exit().bind(found).mov(R1, R0);
        a.ldx(Size::DW, R2, R6, 8).ldx(Size::DW, R3, R6, 16);
        match helper {
            Helper::TIMER_INIT => a.mov(R3, R2).load_map(R2, "timers"),
            Helper::TIMER_SET_CALLBACK => a.load_function(R2, "fire"),
            _ => &mut a,
        };
        a.call(helper).exit();
        object.add_program(ProgramSpec::new(name, ProgramKind::SYSCALL), a.finish());
    }
    let mut a = assembler();
    let out = a.label();
    a.mov(R7, R3).ldx(Size::DW, R1, R7, Elem::FIRED.off()).add(R1, 1);
    a.stx(Size::DW, R7, Elem::FIRED.off(), R1);
    a.ldx(Size::DW, R1, R7, Elem::ORDER.off()).jne(R1, 1, out);
    a.mov(R1, R7).call(Helper::TIMER_CANCEL).stx(Size::DW, R7, Elem::ANSWER.off(), R0);
    a.bind(out).mov(R0, 0).exit();
    object.add_function("fire", a.finish());
    let mut machine = machine(&object.finish().unwrap());
    for key in 0..4 {
        machine.map("timers").unwrap().update(&key, &Elem::default(), ElemFlags::empty()).unwrap();
    }
    machine
}

fn both() -> [Machine; 2] {
    [timers(MapSpec::hash("timers")), timers(MapSpec::array("timers"))]
}

fn call(machine: &mut Machine, program: &str, key: u32, arguments: [u64; 2]) -> i64 {
    let [a, b] = arguments.map(u64::to_ne_bytes);
    let context = [&u64::from(key).to_ne_bytes()[..], &a, &b].concat();
    // The key is four bytes, at the start whatever the byte order.
    let mut context = context;
    context[..4].copy_from_slice(&key.to_ne_bytes());
    machine.run(program, &Input::context(&context)).unwrap().result.cast_signed()
}

fn fired(machine: &mut Machine, key: u32) -> u64 {
    machine.map::<u32, Elem>("timers").unwrap().get(&key).unwrap().map_or(0, |elem| elem.fired)
}

fn ready(machine: &mut Machine, key: u32) {
    assert_eq!(call(machine, "init", key, [Clock::Monotonic.number(), 0]), 0);
    assert_eq!(call(machine, "set", key, [0, 0]), 0);
}

fn ns(nanoseconds: u64) -> Duration {
    Duration::from_nanos(nanoseconds)
}

#[test]
fn what_comes_too_early_or_is_no_clock_is_refused() {
    for machine in &mut both() {
        for program in ["set", "start", "cancel"] {
            assert_eq!(call(machine, program, 0, [0, 0]), EINVAL, "{program}");
        }
        for clock in [2, 8, 16, 1 << 32] {
            assert_eq!(call(machine, "init", 0, [clock, 0]), EINVAL);
        }
        assert_eq!(call(machine, "init", 0, [7, 0]), 0);
        assert_eq!(call(machine, "init", 0, [7, 0]), EBUSY);
        assert_eq!(call(machine, "init", 0, [2, 0]), EINVAL, "the clock is looked at first");
        assert_eq!(call(machine, "start", 0, [5, 0]), EINVAL, "no callback");
        assert_eq!(call(machine, "cancel", 0, [0, 0]), 0);
        assert_eq!(call(machine, "set", 0, [0, 0]), 0);
        assert_eq!(call(machine, "start", 0, [5, 4]), EINVAL, "an unknown flag");
    }
}

#[test]
fn it_fires_once_and_not_before_its_time() {
    for machine in &mut both() {
        ready(machine, 1);
        assert_eq!(call(machine, "start", 1, [100, 0]), 0);
        assert_eq!((machine.advance(ns(99)).unwrap(), fired(machine, 1)), (0, 0));
        assert_eq!((machine.advance(ns(1)).unwrap(), fired(machine, 1)), (1, 1));
        assert_eq!(machine.advance(ns(1000)).unwrap(), 0);
    }
}

#[test]
fn starting_again_moves_it() {
    for machine in &mut both() {
        ready(machine, 1);
        call(machine, "start", 1, [100, 0]);
        call(machine, "start", 1, [300, 0]);
        assert_eq!(machine.advance(ns(299)).unwrap(), 0);
        assert_eq!(machine.advance(ns(1)).unwrap(), 1);
    }
}

#[test]
fn absolute_deadlines_and_those_that_never_come() {
    for machine in &mut both() {
        ready(machine, 1);
        let deadline = machine.now() + 50;
        assert_eq!(call(machine, "start", 1, [deadline, 1]), 0);
        assert_eq!(machine.advance(ns(49)).unwrap(), 0);
        assert_eq!(machine.advance(ns(1)).unwrap(), 1);
        assert_eq!(call(machine, "start", 1, [0, 1]), 0, "the past is now");
        assert_eq!(machine.advance(ns(0)).unwrap(), 1);
        for never in [u64::MAX, i64::MAX as u64] {
            assert_eq!(call(machine, "start", 1, [never, 0]), 0);
            assert_eq!(machine.advance(Duration::from_secs(1 << 30)).unwrap(), 0);
            assert_eq!(machine.armed_timers(), 1);
        }
        assert_eq!(call(machine, "cancel", 1, [0, 0]), 1);
    }
}

#[test]
fn cancelling_takes_the_callback_away() {
    for machine in &mut both() {
        ready(machine, 1);
        call(machine, "start", 1, [100, 0]);
        assert_eq!(call(machine, "cancel", 1, [0, 0]), 1);
        assert_eq!(call(machine, "cancel", 1, [0, 0]), 0);
        assert_eq!(call(machine, "start", 1, [100, 0]), EINVAL);
        assert_eq!(call(machine, "set", 1, [0, 0]), 0);
        assert_eq!(call(machine, "start", 1, [100, 0]), 0);
        assert_eq!(machine.advance(ns(100)).unwrap(), 1);
    }
}

#[test]
fn it_cannot_cancel_itself() {
    for machine in &mut both() {
        let elem = Elem { order: 1, ..Elem::default() };
        machine.map("timers").unwrap().update(&1, &elem, ElemFlags::empty()).unwrap();
        ready(machine, 1);
        call(machine, "start", 1, [100, 0]);
        assert_eq!(machine.advance(ns(100)).unwrap(), 1);
        let elem = machine.map::<u32, Elem>("timers").unwrap().get(&1).unwrap().unwrap();
        assert_eq!(elem.answer, EDEADLK);
    }
}

#[test]
fn an_update_or_a_delete_ends_it() {
    for machine in &mut both() {
        ready(machine, 1);
        call(machine, "start", 1, [100, 0]);
        machine.map("timers").unwrap().update(&1, &Elem::default(), ElemFlags::empty()).unwrap();
        assert_eq!(machine.armed_timers(), 0);
        assert_eq!(call(machine, "start", 1, [100, 0]), EINVAL);
        assert_eq!(call(machine, "init", 1, [1, 0]), 0);
        assert_eq!(machine.timeline().iter().filter(|entry| entry.event == TimerEvent::Freed).count(), 1);
    }
    let machine = &mut timers(MapSpec::hash("timers"));
    ready(machine, 1);
    call(machine, "start", 1, [100, 0]);
    machine.map::<u32, Elem>("timers").unwrap().delete(&1).unwrap();
    assert_eq!(machine.advance(ns(1000)).unwrap(), 0);
}

#[test]
fn without_users_there_are_no_timers() {
    for machine in &mut both() {
        ready(machine, 1);
        call(machine, "start", 1, [100, 0]);
        machine.raw_map("timers").unwrap().drop_users();
        assert_eq!(machine.advance(ns(1000)).unwrap(), 0);
        assert_eq!(call(machine, "start", 1, [100, 0]), EINVAL);
        assert_eq!(call(machine, "init", 1, [1, 0]), EPERM);
    }
}

#[test]
fn they_fire_by_time_then_by_turn() {
    for machine in &mut both() {
        for (key, after) in [(0, 300), (1, 100), (2, 200), (3, 100)] {
            ready(machine, key);
            call(machine, "start", key, [after, 0]);
        }
        assert_eq!(machine.advance(ns(300)).unwrap(), 4);
        let fired = machine.timeline().into_iter().filter(|entry| entry.event == TimerEvent::Fired);
        let keys: Vec<u8> = fired.map(|entry| entry.key.iter().copied().max().unwrap()).collect();
        assert_eq!(keys, [1, 3, 2, 0]);
    }
}
