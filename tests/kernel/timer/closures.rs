//! The rig's programs as closures.

use bpfsmith::BtfType;
use bpfsmith::base::{Clock, Errno, Helper, TimerFlags};
use bpfsmith::btf::{Field, Timer};
use bpfsmith::dsl::dynamic::{self, MapArg};
use bpfsmith::dsl::{Callback, Func, Map, Place, Syscall, UpdateFlags, Value};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};

use super::rig::{Locked, MILLISECOND, Plain, SEEN, Seen, Setup};
use crate::common::builder;

/// A value with a timer, in the map `timers`.
pub trait Element: BtfType {
    const TIMER: Field<Self, Timer>;
}

impl Element for Plain {
    const TIMER: Field<Self, Timer> = Self::TIMER;
}

impl Element for Locked {
    const TIMER: Field<Self, Timer> = Self::TIMER;
}

/// A callback while it is recorded.
#[derive(Clone, Copy)]
pub struct Tick<'f> {
    pub f: Func<'f>,
    timers: MapArg<'f>,
    timer: dynamic::Place<'f>,
    seen: Place<'f, [i64; SEEN]>,
}

impl<'f> Tick<'f> {
    /// Its own timer.
    pub fn timer(self) -> dynamic::Place<'f> {
        self.timer
    }

    /// Starts its own timer again, in a millisecond.
    pub fn again(self) -> dynamic::Value<'f> {
        self.f.dynamic().timer_start(self.timer, MILLISECOND, TimerFlags::empty())
    }

    /// `act` with the timer of `key`; nothing where there is none.
    pub fn other_timer(self, key: u32, act: impl FnOnce(dynamic::Place<'f>)) {
        let key = self.f.local(key).dynamic();
        let found = self.f.dynamic().map_lookup(self.timers, key);
        found.if_some(|value| act(value.field("timer").unwrap()));
    }

    /// Keeps a value as the `nth` of its own.
    pub fn keep(self, nth: usize, value: dynamic::Value<'f>) {
        self.seen.at(Seen::Own as usize + nth).set(value.typed::<i64>());
    }

    /// Says that it has come to the `nth` of its own.
    pub fn reach(self, nth: usize) {
        self.seen.at(Seen::Own as usize + nth).set(1);
    }
}

/// A program while it is recorded, with what its context says.
#[derive(Clone, Copy)]
struct Given<'f> {
    f: Func<'f, i32>,
    key: Place<'f, u32>,
    timer: Place<'f, Timer>,
    first: Value<'f, u64>,
    second: Value<'f, u64>,
}

pub fn object<V: Element>(setup: Setup) -> Object {
    let mut object = builder();
    let spec = MapSpec::typed::<u32, V>(setup.kind, "timers");
    let timers = object.map(spec.max_entries(setup.entries).flags(setup.flags));
    let seen = object.map(MapSpec::array::<[i64; SEEN]>("seen").max_entries(1));
    let tick = callback(&mut object, &timers, &seen, Seen::Fired, setup.callback.dsl);
    let other = callback(&mut object, &timers, &seen, Seen::OtherFired, |_| {});

    program(&mut object, &timers, "init", |given| init(given, &timers));
    program(&mut object, &timers, "set", |given| given.f.timer_set_callback(given.timer, tick));
    program(&mut object, &timers, "set_other", |given| given.f.timer_set_callback(given.timer, other));
    program(&mut object, &timers, "start", |given| {
        given
            .f
            .map_lookup(&seen, &given.f.local(0u32))
            .if_some(|seen| note_time(given.f, seen, Seen::StartedAt));
        start(given)
    });
    program(&mut object, &timers, "cancel", |given| given.f.timer_cancel(given.timer));
    program(&mut object, &timers, "update", |given| {
        given.f.map_update(&timers, &given.key, &given.f.zeroed::<V>(), UpdateFlags::ANY)
    });
    program(&mut object, &timers, "delete", |given| given.f.map_delete(&timers, &given.key));
    object.finish().unwrap()
}

fn program<V: Element>(
    object: &mut ObjectBuilder,
    timers: &Map<u32, V>,
    name: &str,
    body: impl for<'f> FnOnce(Given<'f>) -> Value<'f, i64>,
) {
    object.program(name, Syscall::SYSCALL, |f, ctx| {
        let context = ctx.args::<[u64; 3]>();
        let key = f.local(context.at(0).get().to::<u32>());
        let (first, second) = (context.at(1).get(), context.at(2).get());
        let timer = f.map_lookup(timers, &key).or_return(-Errno::ENOENT).field(V::TIMER);
        f.return_(body(Given { f, key, timer, first, second }).to::<i32>())
    });
}

/// The clocks that `check` has nothing against; of any other number the helper itself is asked.
fn init<'f, V>(given: Given<'f>, timers: &Map<u32, V>) -> Value<'f, i64> {
    let Given { f, timer, second: number, .. } = given;
    let mut clocks = f.switch(number);
    for clock in [Clock::Monotonic, Clock::Boottime] {
        clocks = clocks.case(clock.number(), move || f.timer_init(timer, clock));
    }
    clocks.default(|| {
        let d = f.dynamic();
        let args = [timer.dynamic().into(), d.map(*timers).into(), number.dynamic().into()];
        d.call(Helper::TIMER_INIT, &args).value().typed()
    })
}

/// Those flags that there are; of any others the helper itself is asked.
fn start(given: Given<'_>) -> Value<'_, i64> {
    let Given { f, timer, first: time, second: bits, .. } = given;
    let mut known = f.switch(bits);
    for flags in [TimerFlags::empty(), TimerFlags::ABS, TimerFlags::CPU_PIN, TimerFlags::all()] {
        known = known.case(flags.bits(), move || f.timer_start(timer, time, flags));
    }
    known.default(|| {
        let args = [timer.dynamic().into(), time.dynamic().into(), bits.dynamic().into()];
        f.dynamic().call(Helper::TIMER_START, &args).value().typed()
    })
}

fn callback<V: Element>(
    object: &mut ObjectBuilder,
    timers: &Map<u32, V>,
    seen: &Map<u32, [i64; SEEN]>,
    counter: Seen,
    body: for<'f> fn(Tick<'f>),
) -> Callback<u32, V> {
    let name = if matches!(counter, Seen::Fired) { "tick" } else { "other" };
    object.timer_callback(timers, name, |f, _map, _key, value| {
        let seen = f.map_lookup(seen, &f.local(0u32)).or_return(());
        note_time(f, seen, Seen::FiredAt);
        let timer = value.field(V::TIMER).dynamic();
        body(Tick { f, timers: f.dynamic().map(*timers), timer, seen });
        seen.at(counter as usize).fetch_add(1);
    })
}

/// The time of both clocks and the CPU, from `first` on in what was seen.
fn note_time<'f, R>(f: Func<'f, R>, seen: Place<'f, [i64; SEEN]>, first: Seen) {
    let first = first as usize;
    seen.at(first).set(f.ktime_get_ns().to::<i64>());
    seen.at(first + 1).set(f.ktime_get_boot_ns().to::<i64>());
    seen.at(first + 2).set(f.get_smp_processor_id().to::<i64>());
}
