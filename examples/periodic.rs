//! A timer that arms itself again, for as long as its value says: the callback fires `left` times, `period` nanoseconds apart.
//!
//! Each deadline is the one before plus the period ([`TimerFlags::ABS`]), so that lateness does not add up: armed by a time from
//! now, a timer comes later and later.

mod support;

use std::error::Error;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::Input;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{Clock, Syscall, TimerFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use support::Running;

/// The value of the map `periodic`.
#[derive(BtfType, Debug, Default)]
#[repr(C)]
struct Periodic {
    timer: Timer,
    /// Nanoseconds.
    period: u64,
    /// When it fires next, or did last: `CLOCK_MONOTONIC`, in nanoseconds.
    deadline: u64,
    /// How often it is to fire yet.
    left: u32,
    fired: u32,
}

const PERIOD: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let mut running = Running::start(&object()?)?;
    let period = u64::try_from(PERIOD.as_nanos())?;
    running.set("periodic", &0u32, &Periodic { period, left: 40, ..Periodic::default() })?;
    let started = support::until_memory(
        |code| i64::from(*code),
        || Ok(running.run("start", &Input::empty())?.retval.cast_signed()),
    )?;
    if started != 0 {
        return Err(format!("the timer was not started: {started}").into());
    }
    loop {
        running.wait(Duration::from_millis(200))?;
        let value: Periodic = running.get("periodic", &0u32)?.ok_or("an array has every element")?;
        println!("fired {} times, {} to come", value.fired, value.left);
        if value.left == 0 {
            return Ok(());
        }
    }
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("periodic").license("GPL");
    let periodic = object.map(MapSpec::array::<Periodic>("periodic").max_entries(1));

    let tick = object.timer_callback(&periodic, "tick", |f, _map, _key, value| {
        let (left, fired) = (value.field(Periodic::LEFT), value.field(Periodic::FIRED));
        fired.set(fired.get() + 1);
        left.set(left.get() - 1);
        f.if_(left.get().gt(0), || {
            let deadline = value.field(Periodic::DEADLINE);
            deadline.set(deadline.get() + value.field(Periodic::PERIOD).get());
            f.timer_start(value.field(Periodic::TIMER), deadline.get(), TimerFlags::ABS);
        });
    });

    object.program("start", Syscall::SYSCALL, |f, _ctx| {
        let value = f.map_lookup(&periodic, &f.local(0u32)).or_return(0);
        let timer = value.field(Periodic::TIMER);
        let err = f.timer_init(timer, Clock::Monotonic);
        f.if_(err.ne(0), || f.return_(err.to::<i32>()));
        f.timer_set_callback(timer, tick);
        let deadline = value.field(Periodic::DEADLINE);
        deadline.set(f.ktime_get_ns() + value.field(Periodic::PERIOD).get());
        f.return_(f.timer_start(timer, deadline.get(), TimerFlags::ABS).to::<i32>())
    });
    object.finish()
}
