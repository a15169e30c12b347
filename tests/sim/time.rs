//! Time, the lifetime of timers, and what the timeline says.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7};
use bpfsmith::asm::{Assembler, Reg, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Clock, Helper, TimerFlags};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{FaultKind, Input, Machine, RunError, TimerEvent};

use crate::common::{assembler, machine};

const EINVAL: i32 = -22;
const EPERM: i32 = -1;

#[derive(BtfType, Default)]
#[repr(C)]
struct Elem {
    timer: Timer,
    fired: u64,
}

/// `arm` prepares and starts the timer of the key in the context, by a clock, after a time, with flags; what it returns is the sum
/// of what the helpers did. The callback counts, then does `emit`, with r7 its value.
fn timers(emit: fn(&mut Assembler)) -> Machine {
    let mut object = ObjectBuilder::new("time").license("GPL");
    object.add_map(MapSpec::hash::<u32, Elem>("ti<m>ers").max_entries(4));
    let mut a = assembler();
    let (found, out) = (a.label(), a.label());
    a.mov(R6, R1).ldx(Size::W, R2, R6, 0).stx(Size::W, Reg::FP, -4, R2);
    a.load_map(R1, "ti<m>ers").mov(R2, Reg::FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jne(R0, 0, found).mov(R0, 99).exit().bind(found).mov(R7, R0);
    a.mov(R1, R7).load_map(R2, "ti<m>ers").ldx(Size::DW, R3, R6, 8).call(Helper::TIMER_INIT).jne(R0, 0, out);
    a.mov(R1, R7).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK).jne(R0, 0, out);
    a.mov(R1, R7).ldx(Size::DW, R2, R6, 16).ldx(Size::DW, R3, R6, 24).call(Helper::TIMER_START);
    a.bind(out).exit();
    object.add_program(ProgramSpec::new("arm", ProgramKind::SYSCALL), a.finish());
    let mut a = assembler();
    a.mov(R7, R3).ldx(Size::DW, R1, R7, Elem::FIRED.off()).add(R1, 1);
    a.stx(Size::DW, R7, Elem::FIRED.off(), R1);
    emit(&mut a);
    a.mov(R0, 0).exit();
    object.add_function("tick", a.finish());
    let mut machine = machine(&object.finish().unwrap());
    for key in 0..4u32 {
        machine.map("ti<m>ers").unwrap().update(&key, &Elem::default(), ElemFlags::empty()).unwrap();
    }
    machine
}

fn arm(machine: &mut Machine, key: u64, clock: Clock, nanoseconds: u64, flags: TimerFlags) -> i32 {
    let context = [key.to_le(), clock.number(), nanoseconds, flags.bits()].map(u64::to_ne_bytes).concat();
    machine.run("arm", &Input::context(&context)).unwrap().retval.cast_signed()
}

fn arm_in(machine: &mut Machine, key: u64, nanoseconds: u64) -> i32 {
    arm(machine, key, Clock::Monotonic, nanoseconds, TimerFlags::empty())
}

fn ns(nanoseconds: u64) -> Duration {
    Duration::from_nanos(nanoseconds)
}

/// Starts its timer again, in a millisecond.
fn again(a: &mut Assembler) {
    a.mov(R1, R7).mov(R2, 1_000_000).mov(R3, 0).call(Helper::TIMER_START);
}

fn keys_fired(machine: &Machine) -> Vec<u8> {
    let fired = machine.timeline().into_iter().filter(|entry| entry.event == TimerEvent::Fired);
    fired.map(|entry| *entry.key.iter().max().unwrap()).collect()
}

#[test]
fn in_one_pass_the_monotonic_base_comes_before_boottime() {
    let mut machine = timers(|_| {});
    for (key, clock) in [(1, Clock::Boottime), (2, Clock::Realtime), (3, Clock::Monotonic)] {
        assert_eq!(arm(&mut machine, key, clock, 10, TimerFlags::empty()), 0);
    }
    assert_eq!(machine.advance(ns(9)).unwrap(), 0);
    assert_eq!(machine.advance(ns(1)).unwrap(), 3);
    assert_eq!(keys_fired(&machine), [2, 3, 1]);
}

#[test]
fn asleep_only_boottime_goes_on() {
    let mut machine = timers(|_| {});
    arm(&mut machine, 1, Clock::Boottime, 1_000, TimerFlags::empty());
    arm(&mut machine, 2, Clock::Monotonic, 1_000, TimerFlags::empty());
    let before = machine.now();
    machine.suspend(ns(999));
    assert_eq!((machine.now(), machine.now_by(Clock::Boottime)), (before, before + 999));
    assert_eq!(machine.advance(ns(0)).unwrap(), 0);
    assert_eq!(machine.advance(ns(1)).unwrap(), 1);
    assert_eq!(keys_fired(&machine), [1]);
    assert_eq!(machine.advance(ns(999)).unwrap(), 1);
}

#[test]
fn until_idle_or_until_enough_have_fired() {
    let mut machine = timers(|_| {});
    arm_in(&mut machine, 1, 5_000_000_000);
    arm_in(&mut machine, 2, u64::MAX);
    let before = machine.now();
    assert_eq!(machine.run_until_idle(10).unwrap(), 1);
    assert_eq!(
        (machine.now(), machine.armed_timers()),
        (before + 5_000_000_000, 1),
        "what never fires is idle"
    );

    let mut machine = timers(again);
    arm_in(&mut machine, 1, 0);
    let error = machine.run_until_idle(10).unwrap_err();
    assert!(matches!(error, RunError::NotIdle { fired: 10, armed: 1, .. }), "{error}");
    assert_eq!(machine.advance_to(machine.now() + 2_000_000).unwrap(), 2);
    assert_eq!(machine.advance_to(0).unwrap(), 0, "time does not go back");
}

#[test]
fn without_a_pause_it_fires_every_microsecond() {
    let mut machine = timers(|a| {
        a.mov(R1, R7).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
    });
    arm_in(&mut machine, 1, 0);
    assert_eq!(machine.advance(ns(10_000)).unwrap(), 11);
}

#[test]
fn a_point_in_time_that_has_passed_makes_a_softirq_that_never_ends() {
    let mut machine = timers(|a| {
        a.mov(R1, R7).mov(R2, 1).mov(R3, TimerFlags::ABS.bits() as i32).call(Helper::TIMER_START);
    });
    arm_in(&mut machine, 1, 0);
    let RunError::Fault(fault) = machine.advance(ns(0)).unwrap_err() else { panic!("no fault") };
    assert!(matches!(fault.kind, FaultKind::EndlessPass { .. }), "{fault}");
    assert_eq!(fault.function, "tick");
}

#[test]
fn timers_end_with_the_last_user_of_their_map() {
    let mut machine = timers(again);
    let map = "ti<m>ers";
    arm_in(&mut machine, 1, 0);
    assert_eq!(machine.map_users(map).unwrap(), 1);
    assert!(machine.pin_map(map, "/sys/fs/bpf/timers").unwrap());
    assert!(!machine.pin_map(map, "/sys/fs/bpf/timers").unwrap());
    machine.close_map(map).unwrap();
    machine.close_map(map).unwrap();
    assert_eq!((machine.map_users(map).unwrap(), machine.advance(ns(3_000_000)).unwrap()), (1, 4), "pinned");
    assert!(machine.unpin("/sys/fs/bpf/timers"));
    assert!(!machine.unpin("/sys/fs/bpf/timers"));
    assert_eq!((machine.armed_timers(), machine.advance(ns(3_000_000)).unwrap()), (0, 0));
    assert_eq!(arm_in(&mut machine, 1, 0), EPERM);
    machine.open_map(map).unwrap();
    assert_eq!(arm_in(&mut machine, 1, 0), 0);
    assert_eq!(machine.advance(ns(0)).unwrap(), 1);
    assert_eq!(arm_in(&mut machine, 9, 0), 99);
    assert_ne!(arm_in(&mut machine, 1, 0), EINVAL, "it is initialised");
    assert_eq!(machine.map_users("none").unwrap_err(), RunError::NoMap("none".to_owned()));
}

#[test]
fn a_timer_holds_the_program_its_function_is_in() {
    let mut machine = timers(again);
    assert_eq!(machine.program_references("arm").unwrap(), 1);
    arm_in(&mut machine, 1, 0);
    arm_in(&mut machine, 2, 0);
    assert_eq!(machine.program_references("arm").unwrap(), 3);
    machine.close_program("arm").unwrap();
    assert_eq!(machine.program_references("arm").unwrap(), 2);
    assert_eq!(machine.advance(ns(0)).unwrap(), 2, "they go on without the descriptor");
    assert_eq!(machine.run("arm", &Input::empty()).unwrap_err(), RunError::NoProgram("arm".to_owned()));
    machine.map("ti<m>ers").unwrap().update(&1u32, &Elem::default(), ElemFlags::empty()).unwrap();
    assert_eq!(machine.program_references("arm").unwrap(), 1);
    machine.close_map("ti<m>ers").unwrap();
    assert_eq!(machine.program_references("arm").unwrap(), 0);
}

fn some_history() -> Machine {
    let mut machine = timers(|_| {});
    arm_in(&mut machine, 1, 2_500_000);
    arm_in(&mut machine, 2, 1_000_000);
    machine.advance(ns(2_000_000)).unwrap();
    machine.map("ti<m>ers").unwrap().update(&1u32, &Elem::default(), ElemFlags::empty()).unwrap();
    arm_in(&mut machine, 3, u64::MAX);
    machine
}

/// Lines and columns of this file are not what is tested.
fn without_lines(text: &str) -> String {
    let (first, rest) = text.split_once("time.rs:").unwrap_or((text, ""));
    let rest =
        rest.split("time.rs:").map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("time.rs")
}

#[test]
fn the_timeline_as_text() {
    insta::assert_snapshot!("timeline_text", without_lines(&some_history().timeline().to_string()));
}

#[test]
fn the_timeline_as_a_picture() {
    let svg = some_history().timeline().svg();
    assert!(!svg.contains("<m>"), "names are escaped");
    insta::assert_snapshot!("timeline_svg", without_lines(&svg));
    assert!(timers(|_| {}).timeline().svg().ends_with("</svg>\n"), "an empty one");
}

#[test]
fn the_timeline_keeps_as_much_as_it_is_told_to() {
    let mut machine = some_history();
    let all = machine.timeline();
    machine.set_timeline_limit(3);
    let timeline = machine.timeline();
    assert_eq!((timeline.len(), timeline.dropped()), (3, all.len() as u64 - 3));
    assert_eq!(timeline[..], all[all.len() - 3..]);
    assert!(timeline.to_string().starts_with(&format!("({} earlier", all.len() - 3)));
    machine.set_timeline_limit(0);
    arm_in(&mut machine, 0, 0);
    assert!(machine.timeline().is_empty());
}
