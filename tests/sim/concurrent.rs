//! Functions of timers beside what other CPUs do: what spec and kernel say comes out, for many interleavings.

use std::collections::BTreeSet;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7, R8};
use bpfsmith::asm::{Assembler, Reg, Size};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Clock, Helper};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{
    FaultKind, Input, Machine, RunError, Task, TaskOutcome, TaskResult, TimerEvent, explore,
};
use bpfsmith::target::{Fact, Feature, Subject, Target};

use crate::common::assembler;

const FP: Reg = Reg::FP;
const EINVAL: i64 = -22;
const EDEADLK: i64 = -35;
const HOUR: i32 = 1_000_000_000;
/// What a callback leaves that has not come so far.
const UNSET: i64 = 77;
const SEEDS: std::ops::Range<u64> = 0..150;

#[derive(BtfType, Default)]
#[repr(C)]
struct Elem {
    timer: Timer,
    number: u64,
}

/// Before 7.0, or since.
fn target(any_context: bool, cpus: u32) -> Target {
    let fact = if any_context { Fact::Yes } else { Fact::No };
    Target::simulated().with_possible_cpus(cpus).with_fact(Subject::Feature(Feature::TracingTimers), fact)
}

/// Timers in the elements of `timers`; programs that act on one; the callback does `emit`, with r6 its value and r7 the numbers
/// of `seen`, which are kept.
fn machine(any_context: bool, emit: fn(&mut Assembler)) -> Machine {
    let mut object = ObjectBuilder::new("concurrent").license("GPL");
    object.add_map(MapSpec::hash::<u32, Elem>("timers").max_entries(4));
    object.add_map(MapSpec::array::<[i64; 4]>("seen").max_entries(1));
    for (name, act) in PROGRAMS {
        let mut a = assembler();
        let found = a.label();
        a.mov(R6, R1).ldx(Size::W, R2, R6, 0).stx(Size::W, FP, -4, R2);
        a.load_map(R1, "timers").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
        a.jne(R0, 0, found).mov(R0, -2).exit().bind(found).mov(R6, R0);
        act(&mut a);
        a.exit();
        object.add_program(ProgramSpec::new(*name, ProgramKind::SYSCALL), a.finish());
    }
    let mut a = assembler();
    a.mov(R6, R3).load_map_value(R7, "seen", 0);
    emit(&mut a);
    a.mov(R0, 0).exit();
    object.add_function("tick", a.finish());
    let mut machine = Machine::new(&object.finish().unwrap(), &target(any_context, 2)).unwrap();
    for key in 0..2u32 {
        let elem = Elem { number: key.into(), ..Elem::default() };
        machine.map("timers").unwrap().update(&key, &elem, ElemFlags::empty()).unwrap();
    }
    machine.map("seen").unwrap().update(&0u32, &[UNSET; 4], ElemFlags::empty()).unwrap();
    machine
}

type Emit = fn(&mut Assembler);

const PROGRAMS: &[(&str, Emit)] = &[
    ("arm", |a| {
        a.mov(R1, R6)
            .load_map(R2, "timers")
            .mov(R3, Clock::Monotonic.number() as i32)
            .call(Helper::TIMER_INIT);
        a.mov(R1, R6).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
        a.mov(R1, R6).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
    }),
    ("cancel", |a| {
        a.mov(R1, R6).call(Helper::TIMER_CANCEL);
    }),
    ("start", |a| {
        a.mov(R1, R6).mov(R2, HOUR).mov(R3, 0).call(Helper::TIMER_START);
    }),
];

/// Takes its time.
fn busy(a: &mut Assembler) {
    let again = a.label();
    a.mov(R8, 60).bind(again).sub(R8, 1).jne(R8, 0, again);
}

/// Keeps a number.
fn keep(a: &mut Assembler, nth: i32) {
    a.stx(Size::DW, R7, 8 * nth, R0);
}

/// Starts its own timer again, and keeps what that returned.
fn restart(a: &mut Assembler) {
    a.mov(R1, R6).mov(R2, HOUR).mov(R3, 0).call(Helper::TIMER_START);
    keep(a, 0);
}

fn done(a: &mut Assembler) {
    a.mov(R0, 1);
    keep(a, 1);
}

fn key(key: u32) -> Input {
    Input::context(&key.to_ne_bytes())
}

fn arm(machine: &mut Machine, cpu: u32, number: u32) {
    assert_eq!(machine.run_on(cpu, "arm", &key(number)).unwrap().retval, 0);
}

fn seen(machine: &mut Machine) -> [i64; 4] {
    machine.map::<u32, [i64; 4]>("seen").unwrap().get(&0).unwrap().unwrap()
}

fn update(cpu: u32) -> Task {
    Task::update(cpu, "timers", &0u32.to_ne_bytes(), &[0; 24][..size_of::<Elem>()], ElemFlags::empty())
}

/// What comes of a task on CPU 1 that begins while the callback runs on CPU 0, and what the callback saw.
fn beside(
    any_context: bool,
    emit: fn(&mut Assembler),
    task: &Task,
) -> BTreeSet<(Option<i32>, bool, [i64; 2])> {
    let outcomes = explore(SEEDS, |seed| {
        let mut machine = machine(any_context, emit);
        arm(&mut machine, 0, 0);
        let outcomes = machine.concurrently(seed, &[task.clone().beside_a_callback()])?;
        let [outcome] = <[TaskOutcome; 1]>::try_from(outcomes).unwrap();
        let [restarted, done, ..] = seen(&mut machine);
        assert_eq!(done, 1, "the callback always comes to its end");
        // Ends while the callback runs: it was not waited for.
        Ok::<_, RunError>((outcome.retval(), outcome.beside_a_callback, [restarted, done]))
    });
    outcomes.unwrap().into_keys().collect()
}

fn late(a: &mut Assembler) {
    busy(a);
    restart(a);
    done(a);
}

fn early(a: &mut Assembler) {
    restart(a);
    busy(a);
    done(a);
}

#[test]
fn cancel_waits_for_the_callback() {
    for any_context in [false, true] {
        let outcomes = beside(
            any_context,
            |a| {
                busy(a);
                done(a);
            },
            &Task::run(1, "cancel", &key(0)),
        );
        assert_eq!(outcomes, BTreeSet::from([(Some(0), false, [UNSET, 1])]));
    }
}

#[test]
fn a_callback_that_is_cancelled_cannot_start_its_timer_and_one_that_had_is_dequeued() {
    for any_context in [false, true] {
        // Which is first depends on the seed.
        let both = BTreeSet::from([(Some(0), false, [EINVAL, 1]), (Some(1), false, [0, 1])]);
        assert_eq!(beside(any_context, late, &Task::run(1, "cancel", &key(0))), both);
        assert_eq!(beside(any_context, early, &Task::run(1, "cancel", &key(0))), both);
    }
}

#[test]
fn an_update_waits_before_7_0_and_not_since() {
    let ends = |any_context| -> BTreeSet<bool> {
        beside(any_context, late, &update(1)).into_iter().map(|(_, running, _)| running).collect()
    };
    assert_eq!(ends(false), BTreeSet::from([false]));
    assert!(ends(true).contains(&true));
    for any_context in [false, true] {
        let answers: BTreeSet<i64> =
            beside(any_context, late, &update(1)).into_iter().map(|(.., [answer, _])| answer).collect();
        assert_eq!(answers, BTreeSet::from([EINVAL, 0]), "after the update the timer is no more");
    }
}

#[test]
fn what_ends_the_timer_beside_its_callback_leaves_it_unarmed() {
    let tasks = [update(1), Task::delete(1, "timers", &0u32.to_ne_bytes()), Task::close(1, "timers")];
    for (task, any_context) in tasks.iter().flat_map(|task| [(task, false), (task, true)]) {
        for seed in SEEDS {
            let mut machine = machine(any_context, late);
            arm(&mut machine, 0, 0);
            let outcomes = machine.concurrently(seed, std::slice::from_ref(task)).unwrap();
            assert_eq!(outcomes[0].result, TaskResult::Done);
            assert_eq!(machine.armed_timers(), 0, "{task:?} {seed}");
        }
    }
}

/// Each callback cancels the other's timer.
fn cross(a: &mut Assembler) {
    busy(a);
    a.ldx(Size::DW, R1, R6, Elem::NUMBER.off()).mov(R8, R1).mov(R2, 1).sub(R2, R1).stx(Size::W, FP, -4, R2);
    let out = a.label();
    a.load_map(R1, "timers").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).mov(R1, R0).call(Helper::TIMER_CANCEL);
    a.lsh(R8, 3).add(R7, R8);
    keep(a, 0);
    a.bind(out);
}

#[test]
fn two_callbacks_that_cancel_each_other_do_not_wait_for_ever() {
    for any_context in [false, true] {
        let outcomes = explore(0..400, |seed| {
            let mut machine = machine(any_context, cross);
            arm(&mut machine, 0, 0);
            arm(&mut machine, 1, 1);
            machine.concurrently(seed, &[])?;
            let [a, b, ..] = seen(&mut machine);
            Ok::<_, RunError>((a, b))
        });
        let outcomes: BTreeSet<(i64, i64)> = outcomes.unwrap().into_keys().collect();
        for expected in [(EDEADLK, 0), (0, EDEADLK)] {
            assert!(outcomes.contains(&expected), "{outcomes:?}");
        }
        // One may be through before the other begins, which then never runs (1), or finds the first at rest (0).
        let others = [(EDEADLK, 0), (0, EDEADLK), (0, 0), (1, UNSET), (UNSET, 1), (EDEADLK, EDEADLK)];
        assert!(outcomes.iter().all(|outcome| others.contains(outcome)), "{outcomes:?}");
        assert!(!outcomes.contains(&(EDEADLK, EDEADLK)), "one of them comes first");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut machine = machine(false, late);
        arm(&mut machine, 0, 0);
        arm(&mut machine, 1, 1);
        machine.concurrently(seed, &[Task::run(0, "cancel", &key(1)), update(1)]).unwrap();
        machine.timeline().to_string()
    };
    assert!(SEEDS.map(run).collect::<BTreeSet<_>>().len() > 5);
    let mut seeds = SEEDS;
    assert!(seeds.all(|seed| run(seed) == run(seed)));
}

#[test]
fn timers_fire_on_the_cpu_they_are_started_on() {
    let mut machine = machine(false, |a| {
        a.call(Helper::GET_SMP_PROCESSOR_ID);
        keep(a, 0);
    });
    for cpu in [1, 0] {
        arm(&mut machine, cpu, cpu);
        assert_eq!(machine.advance(std::time::Duration::ZERO).unwrap(), 1);
        assert_eq!(seen(&mut machine)[0], cpu.into());
    }
    let error = machine.run_on(2, "arm", &key(0)).unwrap_err();
    assert_eq!(error, RunError::NoCpu { cpu: 2, cpus: 2 });
}

#[test]
fn a_task_beside_a_callback_needs_one() {
    let mut machine = machine(false, late);
    let error = machine.concurrently(0, &[Task::run(1, "cancel", &key(0)).beside_a_callback()]).unwrap_err();
    assert_eq!(error, RunError::NothingBeside { task: 0, cpu: 1 });
}

#[test]
fn a_fault_leaves_the_machine_usable() {
    let mut machine = machine(false, |a| {
        busy(a);
        a.mov(R1, 0).ldx(Size::DW, R0, R1, 0);
    });
    arm(&mut machine, 0, 0);
    let error = machine.concurrently(3, &[Task::run(1, "cancel", &key(0)).beside_a_callback()]).unwrap_err();
    let RunError::Fault(fault) = error else { panic!("{error}") };
    assert!(matches!(fault.kind, FaultKind::Access { .. }), "{fault}");
    assert_eq!(machine.run("cancel", &key(0)).unwrap().retval, 0);
    assert!(machine.timeline().iter().any(|entry| entry.event == TimerEvent::Returned));
}

#[test]
fn a_budget_ends_callbacks_that_do_not_end() {
    let mut machine = machine(false, |a| {
        let again = a.label();
        a.bind(again).ja(again);
    });
    arm(&mut machine, 0, 0);
    machine.set_budget(10_000);
    let RunError::Fault(fault) = machine.concurrently(3, &[]).unwrap_err() else { panic!() };
    assert_eq!(fault.kind, FaultKind::Budget { instructions: 10_000 });
}
