//! What the four helpers return.

use std::time::Duration;

use bpfsmith::asm::Helper;
use bpfsmith::asm::Reg::{R1, R2, R3, R8};
use bpfsmith::base::{Clock, TimerFlags};
use bpfsmith::kernel::Map;

use super::rig::{
    ARRAY, Callback, EBUSY, EDEADLK, EINVAL, EPERM, HASH, HOUR, MILLISECOND, Rig, Setup, add_both, again,
    has_flags, is_simulated, keep, may_use_ids, may_use_timers, other_timer, own_timer,
};
use crate::dialect::add_dialects;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 8] = [
        ("init: 0 for three clocks, -EINVAL for any other number", init),
        ("init: -EBUSY of a timer that is ready, -EINVAL before that", init_twice),
        ("set_callback: 0, -EINVAL of a timer that is not ready", set_callback),
        ("start: 0, -EINVAL of flags, of a timer that is not ready, without a callback", start),
        ("cancel: 1 and 0, -EINVAL of a timer that is not ready", cancel),
        ("cancel drops the callback: start is -EINVAL until it is set again", start_after_cancel),
        ("cancel is -EDEADLK in the timer's own callback, which changes nothing", cancel_own),
        ("a callback cancels another timer", cancel_other),
    ];
    for (name, test) in tests {
        add_both(suite, may_use_timers, &format!("timer codes: {name}"), test);
    }
    add_dialects(
        suite,
        may_use_ids,
        "timer codes: init is -EPERM where no user holds the map",
        without_users,
    );
}

fn init() {
    let rig = ARRAY.load();
    for (key, clock) in (1..).zip(Clock::ALL) {
        assert_eq!(rig.at(key).init(clock), 0, "{clock}");
    }
    let wrong = (0..64).chain((6..64).map(|bit| 1 << bit | 1)).filter(|&n| Clock::from_number(n).is_none());
    for number in wrong {
        assert_eq!(rig.first().init(number), EINVAL, "{number}");
    }
    assert_eq!(rig.first().init(Clock::Monotonic), 0);
}

fn init_twice() {
    let timer = HASH.load();
    assert_eq!(timer.first().init(Clock::Monotonic), 0);
    assert_eq!(timer.first().init(Clock::Monotonic), EBUSY);
    assert_eq!(timer.first().init(Clock::Boottime), EBUSY);
    assert_eq!(timer.first().init(2_u64), EINVAL);
    assert_eq!(timer.first().init(16_u64 | Clock::Monotonic.number()), EINVAL);
}

fn set_callback() {
    let rig = HASH.load();
    assert_eq!(rig.first().set(), EINVAL);
    assert_eq!(rig.first().init(Clock::Monotonic), 0);
    assert_eq!([rig.first().set(), rig.first().set(), rig.first().set_other(), rig.first().set()], [0; 4]);
}

fn start() {
    let rig = HASH.load();
    assert_eq!(rig.first().start(HOUR, 0_u64), EINVAL);
    assert_eq!(rig.first().init(Clock::Monotonic), 0);
    assert_eq!(rig.first().start(HOUR, 0_u64), EINVAL);
    assert_eq!(rig.first().set(), 0);
    for wrong in (2..64).map(|bit| 1_u64 << bit) {
        assert_eq!(rig.first().start(HOUR, wrong | TimerFlags::ABS.bits()), EINVAL, "{wrong:#x}");
    }
    assert_eq!(rig.first().cancel(), 0);
    assert_eq!(rig.first().set(), 0);
    for flags in [TimerFlags::empty(), TimerFlags::ABS, TimerFlags::CPU_PIN, TimerFlags::all()] {
        // As a point in time, about 36 years after boot.
        let expected = if is_simulated() || has_flags(flags).is_ok() { 0 } else { EINVAL };
        assert_eq!(rig.first().start(1 << 60, flags), expected, "{flags}");
    }
    assert_eq!(rig.first().start(1 << 60, 0_u64), 0);
    assert_eq!(rig.first().cancel(), 1);
}

fn cancel() {
    let rig = HASH.load();
    assert_eq!(rig.first().cancel(), EINVAL);
    rig.first().prepare(Clock::Monotonic);
    assert_eq!([rig.first().cancel(), rig.first().cancel()], [0, 0]);
    assert_eq!(rig.first().set(), 0);
    assert_eq!(rig.first().start(HOUR, 0_u64), 0);
    assert_eq!([rig.first().cancel(), rig.first().cancel()], [1, 0]);
    assert_eq!(rig.fired(), 0);
}

fn start_after_cancel() {
    let rig = HASH.load();
    rig.first().arm(HOUR);
    assert_eq!(rig.first().cancel(), 1);
    assert_eq!(rig.first().start(0, 0_u64), EINVAL);
    assert_eq!(rig.first().init(Clock::Monotonic), EBUSY);
    assert_eq!(rig.first().set(), 0);
    assert_eq!(rig.first().start(0, 0_u64), 0);
    rig.wait_for(1);
}

/// It may still start itself afterwards.
fn cancel_own() {
    let callback: Setup = Setup {
        callback: Callback {
            asm: |a| {
                own_timer(a);
                a.call(Helper::TIMER_CANCEL);
                keep(a, 0);
                again(a);
                keep(a, 1);
            },
            dsl: |tick| {
                tick.keep(0, tick.f.dynamic().timer_cancel(tick.timer()));
                tick.keep(1, tick.again());
            },
        },
        ..HASH
    };
    let rig = callback.load();
    rig.first().arm(0);
    rig.wait_for(3);
    assert_eq!(rig.own(), [i64::from(EDEADLK), 0]);
}

fn cancel_other() {
    let callback: Setup = Setup {
        callback: Callback {
            asm: |a| {
                other_timer(a, 1, |a| {
                    a.mov(R1, R8).call(Helper::TIMER_CANCEL);
                    keep(a, 0);
                    a.mov(R1, R8).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
                    keep(a, 1);
                });
            },
            dsl: |tick| {
                tick.other_timer(1, |other| tick.keep(0, tick.f.dynamic().timer_cancel(other)));
                // Looked up again: of a start right after a cancel `check` warns.
                tick.other_timer(1, |other| {
                    tick.keep(1, tick.f.dynamic().timer_start(other, Duration::ZERO, TimerFlags::empty()));
                });
            },
        },
        ..HASH
    };
    let rig = callback.load();
    rig.insert(1);
    rig.at(1).arm(HOUR);
    rig.first().arm(0);
    rig.wait_for(1);
    assert_eq!(rig.own(), [1, i64::from(EINVAL)]);
    rig.wait_for_ticks();
    assert_eq!(rig.fired(), 1);
}

/// The documentation's -EPERM of `bpf_timer_set_callback` is out of reach: by the time that no user is left, the timer is freed
/// too, and the answer is -EINVAL.
fn without_users() {
    let mut rig = HASH.load();
    let id = rig.map().id().unwrap();
    rig.insert(1);
    rig.first().arm(HOUR);
    drop(rig.loaded_mut().take_map("timers").unwrap());
    assert_freed(&rig);
    assert_eq!(rig.at(1).init(Clock::Monotonic), EPERM);
    assert_eq!(rig.first().init(Clock::Monotonic), EPERM);
    assert_eq!(rig.first().init(2_u64), EINVAL);
    // Nothing was left half made.
    assert_freed(&rig);

    // The programs have kept the map; a new descriptor is a user.
    let user = Map::from_id(id).unwrap();
    assert_freed(&rig);
    rig.first().arm(MILLISECOND);
    rig.wait_for(1);
    drop(user);
    assert_freed(&rig);
}

fn assert_freed(rig: &Rig) {
    let timer = rig.first();
    assert_eq!([timer.set(), timer.start(0, 0_u64), timer.cancel()], [EINVAL; 3]);
}
