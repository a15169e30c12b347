//! When and where timers fire. Nothing here says how late: only that none fires too early, that it fires, or that it does not
//! while others do.

use std::time::{Duration, SystemTime};

use bpfsmith::base::{Clock, TimerFlags};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::rig::{AGAIN, HASH, HOUR, MILLISECOND, Rig, Seen, Setup, add_both, has_flags, may_use_timers};
use crate::dialect::{Dialect, add_dialects};
use crate::support::{Condition, Suite, with_own_descriptors};

/// Those that start timers for a point in time.
const ABSOLUTE: [&str; 5] = [
    "a point in time is waited for, of MONOTONIC and BOOTTIME",
    "a point in time that has passed fires at once, on every clock",
    "a point in time to come does not fire before",
    "REALTIME behaves as MONOTONIC",
    "starting an armed timer moves it, forth and back",
];

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 8] = [
        ("a span is waited for, on every clock", spans),
        ("a point in time is waited for, of MONOTONIC and BOOTTIME", points),
        ("a point in time that has passed fires at once, on every clock", passed),
        ("a point in time to come does not fire before", to_come),
        ("REALTIME behaves as MONOTONIC", realtime),
        ("huge spans never come, and are armed", never),
        ("starting an armed timer moves it, forth and back", moved),
        ("without a pause in between it fires as often as it is started", at_once),
    ];
    for (name, test) in tests {
        let absolute = ABSOLUTE.contains(&name);
        let flags = if absolute { TimerFlags::ABS } else { TimerFlags::empty() };
        let may = move || may_use_timers().and_then(|()| has_flags(flags));
        add_both(suite, may, &format!("timer deadlines: {name}"), test);
    }
    let pin = || has_flags(TimerFlags::CPU_PIN).and_then(|()| can_choose_cpus());
    add_dialects(suite, pin, "timer deadlines: CPU_PIN fires on the CPU it is started on", pinned);
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap()
}

/// One that is ready on `clock`.
fn ready(clock: Clock) -> Rig {
    let rig = HASH.load();
    rig.first().prepare(clock);
    rig
}

fn start(rig: &Rig, time: u64, flags: TimerFlags) {
    assert_eq!(rig.first().start(time, flags), 0);
}

/// The times of start and firing by the clock the timer goes by.
fn times(rig: &Rig, clock: Clock) -> (u64, u64) {
    match clock.goes_by() {
        Clock::Boottime => (rig.seen(Seen::StartedAtBoot), rig.seen(Seen::FiredAtBoot)),
        _ => (rig.seen(Seen::StartedAt), rig.seen(Seen::FiredAt)),
    }
}

fn assert_not_fired(rig: &Rig) {
    rig.wait_for_ticks();
    assert_eq!((rig.fired(), rig.first().cancel()), (0, 1));
}

fn spans() {
    for clock in Clock::ALL {
        for span in [0, 1, MILLISECOND, 30 * MILLISECOND] {
            let rig = ready(clock);
            start(&rig, span, TimerFlags::empty());
            rig.wait_for(1);
            let (started, fired) = times(&rig, clock);
            assert!(fired >= started + span, "{clock}: {started} + {span} > {fired}");
        }
    }
}

fn points() {
    for clock in [Clock::Monotonic, Clock::Boottime] {
        let rig = ready(clock);
        // What the clock says: a program has looked when it started the timer, and did not fire.
        start(&rig, HOUR, TimerFlags::empty());
        let (now, _) = times(&rig, clock);
        let deadline = now + 30 * MILLISECOND;
        start(&rig, deadline, TimerFlags::ABS);
        rig.wait_for(1);
        let (_, fired) = times(&rig, clock);
        assert!(fired >= deadline, "{clock}: {fired} < {deadline}");
    }
}

fn passed() {
    for clock in Clock::ALL {
        for before in [u64::MAX, u64::MAX - 1, 1] {
            let rig = ready(clock);
            // 0, 1, and a moment ago.
            let deadline = if before == 1 { rig.now() - 1 } else { u64::MAX - before };
            start(&rig, deadline, TimerFlags::ABS);
            rig.wait_for(1);
            assert_eq!(rig.first().cancel(), 0);
        }
    }
}

fn to_come() {
    for clock in Clock::ALL {
        let rig = ready(clock);
        start(&rig, rig.now() + HOUR, TimerFlags::ABS);
        assert_not_fired(&rig);
    }
}

/// A point in time that has passed by the wall clock, and is years ahead by the monotonic one.
fn realtime() {
    let rig = ready(Clock::Realtime);
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(nanoseconds(wall) > rig.now() + HOUR, "the machine's clock is not set");
    start(&rig, nanoseconds(wall) - HOUR, TimerFlags::ABS);
    assert_not_fired(&rig);

    let rig = ready(Clock::Realtime);
    let deadline = rig.now() + 10 * MILLISECOND;
    start(&rig, deadline, TimerFlags::ABS);
    rig.wait_for(1);
    assert!(rig.seen(Seen::FiredAt) >= deadline);
}

fn never() {
    for clock in Clock::ALL {
        for nth in 0..4 {
            let rig = ready(clock);
            let most = i64::MAX.cast_unsigned();
            let span = [u64::MAX, 1 << 63, most, most - rig.now()][nth];
            start(&rig, span, TimerFlags::empty());
            assert_not_fired(&rig);
        }
    }
}

fn moved() {
    let rig = ready(Clock::Monotonic);
    start(&rig, HOUR, TimerFlags::empty());
    start(&rig, MILLISECOND, TimerFlags::empty());
    rig.wait_for(1);
    rig.wait_for_ticks();
    assert_eq!((rig.fired(), rig.first().cancel()), (1, 0));

    // Unless it has fired before it could be moved.
    let later = || {
        let rig = ready(Clock::Monotonic);
        let deadline = rig.now() + 50 * MILLISECOND;
        start(&rig, deadline, TimerFlags::ABS);
        start(&rig, HOUR, TimerFlags::empty());
        (rig.fired() == 0).then_some((rig, deadline))
    };
    let (rig, deadline) = (0..100).find_map(|_| later()).unwrap();
    rig.wait_until("the first deadline has passed", || rig.now() > deadline);
    assert_not_fired(&rig);
}

fn at_once() {
    let rig = Setup { callback: AGAIN, ..HASH }.load();
    rig.first().prepare(Clock::Boottime);
    start(&rig, 0, TimerFlags::empty());
    rig.wait_for(20);
    assert_eq!(rig.first().cancel(), 1);
}

pub fn can_choose_cpus() -> Condition {
    may_use_timers()?;
    if online().len() > 1 { Ok(()) } else { Err("there is only one CPU".into()) }
}

/// The CPUs this process may run on.
pub fn online() -> Vec<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect()
}

fn pinned() {
    let (cpus, dialect) = (online(), Dialect::current());
    // On a thread of its own: it is that which moves.
    with_own_descriptors(|| {
        for _ in 0..10 {
            cpus.iter().for_each(|&cpu| dialect.run(|| fires_on(cpu)));
        }
    });
}

/// Keeps this thread on one CPU.
pub fn stay_on(cpu: usize) {
    let mut only = CpuSet::new();
    only.set(cpu).unwrap();
    sched_setaffinity(Pid::from_raw(0), &only).unwrap();
}

fn fires_on(cpu: usize) {
    stay_on(cpu);
    let rig = ready(Clock::Monotonic);
    start(&rig, MILLISECOND, TimerFlags::CPU_PIN);
    rig.wait_for(1);
    let cpu = u64::try_from(cpu).unwrap();
    assert_eq!((rig.seen(Seen::StartedOn), rig.seen(Seen::FiredOn)), (cpu, cpu));
}
