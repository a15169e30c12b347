//! Timers: they fire as often as they should, and stop with their maps.
//!
//! In the assembler only: what the helpers return, one after the other in one program. Most of it is mistakes that `check` warns
//! of; `timer codes` has each answer in both dialects.

use std::path::Path;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6, R7};
use bpfsmith::asm::{Assembler, Helper, Reg, Size};
use bpfsmith::base::Clock;
use bpfsmith::btf::{Field, Timer};
use bpfsmith::dsl::{Syscall, TimerFlags};
use bpfsmith::kernel::{ElemFlags, Loaded, Map, unpin};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, FP, builder, load, look_up, run, wait_until};
use crate::dialect::{Dialect, add_dialects, with_bpffs};
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin};

pub fn add(suite: &mut Suite) {
    add_dialects(suite, has_cap_bpf, "timers: at the start of a value, CAP_BPF is enough", at_the_start);
    // Elsewhere in a value the verifier wants CAP_PERFMON.
    let tests: [(&str, fn()); 8] = [
        ("a one-shot timer fires exactly once", one_shot),
        ("starting an armed timer moves it, it fires once", start_twice),
        ("a re-arming timer goes on after its program is closed", program_closed),
        ("the last handle of the map stops them, a second one keeps them", map_closed),
        ("in every kind of map that holds them", kinds),
        ("user space sees zero bytes at a running timer", zero_bytes),
        ("an update in an array stops them, garbage in it does no harm", array_update),
        ("a delete in a hash stops them", hash_delete),
    ];
    for (name, test) in tests {
        add_dialects(suite, all(&[has_cap_bpf, has_cap_perfmon]), &format!("timers: {name}"), test);
    }
    let codes = "timers: the four helpers return what the kernel's rules say";
    suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), codes, return_codes);
    add_dialects(
        suite,
        all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin]),
        "timers: a pinned map keeps them, unpinning stops them",
        || with_bpffs(pinned),
    );
}

/// Four bytes of padding between the two.
#[derive(BtfType, Default)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

/// Without any before the timer.
#[derive(BtfType)]
#[repr(C)]
struct TimerFirst {
    timer: Timer,
    counter: i32,
}

/// A value that counts how often its timer has fired.
trait Counted: BtfType {
    const COUNTER: Field<Self, i32>;
    const TIMER: Field<Self, Timer>;
}

impl Counted for Elem {
    const COUNTER: Field<Self, i32> = Self::COUNTER;
    const TIMER: Field<Self, Timer> = Self::TIMER;
}

impl Counted for TimerFirst {
    const COUNTER: Field<Self, i32> = Self::COUNTER;
    const TIMER: Field<Self, Timer> = Self::TIMER;
}

const PERIOD: Duration = Duration::from_millis(1);
const ENOMEM: i32 = -12;
const MILLISECOND: i32 = 1_000_000;
const FOREVER: i64 = i32::MAX as i64;

/// What happens to a timer of the map `timers`: its program `arm` starts it, its callback counts in the map `fired` (and in
/// the value, where that has a counter) and, if it re-arms, starts it again.
#[derive(Clone, Copy)]
struct Case {
    kind: MapKind,
    timer_first: bool,
    rearms: bool,
    starts: usize,
}

const ONCE: Case = Case { kind: MapKind::HASH, timer_first: false, rearms: false, starts: 1 };
const AGAIN: Case = Case { rearms: true, ..ONCE };

impl Case {
    fn object(self) -> Object {
        let assembler = || self.assembled();
        Dialect::current().object(assembler, || match self.timer_first {
            true => self.closures::<TimerFirst>(),
            false => self.closures::<Elem>(),
        })
    }

    fn closures<V: Counted>(self) -> Object {
        let mut object = builder();
        let timers = object.map(MapSpec::typed::<u32, V>(self.kind, "timers").max_entries(4));
        let fired = object.map(MapSpec::array::<u64>("fired").max_entries(1));
        let callback = object.timer_callback(&timers, "callback", |f, _map, _key, value| {
            value.field(V::COUNTER).fetch_add(1);
            f.map_lookup(&fired, &f.local(0u32)).or_return(()).fetch_add(1);
            if self.rearms {
                f.timer_start(value.field(V::TIMER), PERIOD, TimerFlags::empty());
            }
        });
        object.program("arm", Syscall::SYSCALL, |f, _ctx| {
            let timer = f.map_lookup(&timers, &f.local(0u32)).or_return(0).field(V::TIMER);
            let err = f.timer_init(timer, Clock::Monotonic);
            f.timer_set_callback(timer, callback);
            for _ in 0..self.starts {
                f.timer_start(timer, PERIOD, TimerFlags::empty());
            }
            f.return_(err.to::<i32>())
        });
        object.finish().unwrap()
    }

    fn assembled(self) -> Object {
        let mut object = builder();
        if self.timer_first {
            object.add_map(MapSpec::typed::<u32, TimerFirst>(self.kind, "timers").max_entries(4));
        } else {
            object.add_map(MapSpec::typed::<u32, Elem>(self.kind, "timers").max_entries(4));
        }
        object.add_map(MapSpec::array::<u64>("fired").max_entries(1));
        object.add_program(ProgramSpec::new("arm", ProgramKind::SYSCALL), self.arm());
        object.add_function("callback", self.callback());
        object.finish().unwrap()
    }

    fn arm(self) -> Assembled {
        let mut a = Assembler::new();
        let out = a.label();
        a.mov(R7, 0).st(Size::W, FP, -4, 0);
        look_up(&mut a, "timers").jeq(R0, 0, out).mov(R6, R0);
        self.to_timer(&mut a);
        a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
        a.mov(R7, R0).mov(R1, R6).load_function(R2, "callback").call(Helper::TIMER_SET_CALLBACK);
        for _ in 0..self.starts {
            start(&mut a, R6);
        }
        a.bind(out).mov(R0, R7).exit();
        a.finish()
    }

    /// r6 = the timer of the value in r6.
    fn to_timer(self, a: &mut Assembler) {
        if !self.timer_first {
            a.add(R6, Elem::TIMER.off());
        }
    }

    fn callback(self) -> Assembled {
        let counter = if self.timer_first { TimerFirst::COUNTER.off() } else { Elem::COUNTER.off() };
        let mut a = Assembler::new();
        a.mov(R6, R3).mov(R1, 1).atomic_add(Size::W, R6, counter, R1);
        count(&mut a);
        if self.rearms {
            self.to_timer(&mut a);
            start(&mut a, R6);
        }
        a.mov(R0, 0).exit();
        a.finish()
    }

    fn start(self) -> Running {
        let loaded = load(&self.object());
        if self.kind != MapKind::ARRAY {
            loaded.map("timers").unwrap().update(&[0; 4], &[0; Elem::SIZE], ElemFlags::empty()).unwrap();
        }
        let running = Running(loaded);
        running.arm();
        running
    }
}

fn start(a: &mut Assembler, timer: Reg) {
    a.mov(R1, timer).mov(R2, MILLISECOND).mov(R3, 0).call(Helper::TIMER_START);
}

/// Adds one to the number in the map `fired`.
fn count(a: &mut Assembler) {
    a.load_map_value(R1, "fired", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2);
}

/// A timer that was started.
struct Running(Loaded);

impl Running {
    /// Since 6.18 `bpf_timer_init` is -ENOMEM also for some milliseconds of a busy allocator.
    fn arm(&self) {
        let arm = self.0.program("arm").unwrap();
        wait_until("there is memory for a timer", || run(arm).cast_signed() != ENOMEM);
    }

    fn fired(&self) -> u64 {
        self.0.typed_map::<u32, u64>("fired").unwrap().get(&0).unwrap().unwrap()
    }

    fn timers(&self) -> &Map {
        self.0.map("timers").unwrap()
    }

    fn assert_goes_on(&self) {
        let before = self.fired();
        wait_until("the timer fires again", || self.fired() >= before + 5);
    }

    /// A second timer of the same period is the clock: while it fires often, this one does not fire.
    fn assert_stopped(&self) {
        let clock = AGAIN.start();
        let tick = || {
            let before = clock.fired();
            wait_until("the other timer fires", || clock.fired() >= before + 20);
        };
        let mut before = self.fired();
        // A callback may have been under way.
        tick();
        if self.fired() != before {
            before = self.fired();
            tick();
        }
        assert_eq!(self.fired(), before);
    }
}

fn one_shot() {
    let timer = ONCE.start();
    wait_until("the timer fires", || timer.fired() > 0);
    timer.assert_stopped();
    assert_eq!(timer.fired(), 1);
    let elem = timer.0.typed_map::<u32, Elem>("timers").unwrap().get(&0).unwrap().unwrap();
    assert_eq!(elem.counter, 1);
}

fn at_the_start() {
    let case = Case { timer_first: true, ..ONCE };
    let timer = case.start();
    wait_until("the timer fires", || timer.fired() > 0);
    let mut again = Case { rearms: true, ..case }.start();
    drop(again.0.take_program("arm").unwrap());
    again.assert_goes_on();
    assert_eq!(timer.fired(), 1);
    assert_eq!(TimerFirst::SIZE, Elem::SIZE);
}

fn start_twice() {
    let timer = Case { starts: 3, ..ONCE }.start();
    wait_until("the timer fires", || timer.fired() > 0);
    timer.assert_stopped();
    assert_eq!(timer.fired(), 1);
}

fn program_closed() {
    let mut timer = AGAIN.start();
    drop(timer.0.take_program("arm").unwrap());
    assert!(timer.0.program("arm").is_err());
    timer.assert_goes_on();
}

fn map_closed() {
    let mut timer = AGAIN.start();
    timer.assert_goes_on();
    let second = timer.timers().try_clone().unwrap();
    drop(timer.0.take_map("timers").unwrap());
    timer.assert_goes_on();
    drop(second);
    // The program, which is still here, uses the map and keeps it; not its timers.
    assert!(timer.0.program("arm").is_ok());
    timer.assert_stopped();
}

fn kinds() {
    for kind in [MapKind::HASH, MapKind::LRU_HASH, MapKind::ARRAY] {
        let timer = Case { kind, ..AGAIN }.start();
        timer.assert_goes_on();
    }
}

fn pinned(bpffs: &Path) {
    let path = bpffs.join("timers");
    let mut timer = AGAIN.start();
    timer.timers().pin(&path).unwrap();
    drop((timer.0.take_map("timers"), timer.0.take_program("arm")));
    timer.assert_goes_on();
    let counter = {
        let again = Map::open(&path).unwrap();
        again.typed::<u32, Elem>().unwrap().get(&0).unwrap().unwrap().counter
    };
    assert!(counter > 0);
    timer.assert_goes_on();
    unpin(&path).unwrap();
    timer.assert_stopped();
}

fn zero_bytes() {
    let timer = AGAIN.start();
    timer.assert_goes_on();
    let mut value = [0xff; Elem::SIZE];
    assert!(timer.timers().lookup(&[0; 4], &mut value).unwrap());
    assert_ne!(value[..4], [0; 4]);
    assert_eq!(value[Elem::TIMER.offset()..], [0; 16]);
}

fn array_update() {
    let timer = Case { kind: MapKind::ARRAY, ..AGAIN }.start();
    timer.assert_goes_on();
    timer.timers().update(&[0; 4], &[0xa5; Elem::SIZE], ElemFlags::empty()).unwrap();
    timer.assert_stopped();
    timer.arm();
    timer.assert_goes_on();
}

fn hash_delete() {
    let timer = AGAIN.start();
    timer.assert_goes_on();
    assert!(timer.0.typed_map::<u32, Elem>("timers").unwrap().delete(&0).unwrap());
    timer.assert_stopped();
}

/// `CLOCK_MONOTONIC`.
const MONOTONIC: i32 = 1;
const EINVAL: i64 = -22;
const EBUSY: i64 = -16;

/// What one call of a helper ought to return.
type Step = (fn(&mut Assembler), i64);

const STEPS: &[Step] = &[
    (|a| cancel(a), EINVAL),
    (|a| start_with(a, 0), EINVAL),
    (|a| set_callback(a), EINVAL),
    (|a| init(a, 2), EINVAL),
    (|a| init(a, 16 | MONOTONIC), EINVAL),
    (|a| init(a, MONOTONIC), 0),
    (|a| init(a, MONOTONIC), EBUSY),
    (|a| init(a, 2), EINVAL),
    (|a| start_with(a, 0), EINVAL),
    (|a| cancel(a), 0),
    (|a| set_callback(a), 0),
    (|a| set_callback(a), 0),
    (|a| start_with(a, 4), EINVAL),
    (|a| start_with(a, 0), 0),
    (|a| start_with(a, 0), 0),
    (|a| cancel(a), 1),
    (|a| start_with(a, 0), EINVAL),
    (|a| cancel(a), 0),
];

fn init(a: &mut Assembler, flags: i32) {
    a.mov(R1, R6).load_map(R2, "timers").mov(R3, flags).call(Helper::TIMER_INIT);
}

fn set_callback(a: &mut Assembler) {
    a.mov(R1, R6).load_function(R2, "callback").call(Helper::TIMER_SET_CALLBACK);
}

fn start_with(a: &mut Assembler, flags: i32) {
    a.mov(R1, R6).load_imm64(R2, FOREVER << 20).mov(R3, flags).call(Helper::TIMER_START);
}

fn cancel(a: &mut Assembler) {
    a.mov(R1, R6).call(Helper::TIMER_CANCEL);
}

fn return_codes() {
    let mut object = ObjectBuilder::new("codes").license("GPL");
    object.add_map(MapSpec::array::<Elem>("timers").max_entries(1));
    object.add_map(MapSpec::array::<[i64; STEPS.len()]>("returned").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), every_step());
    object.add_function("callback", Assembler::new().mov(R0, 0).exit().finish());
    let object = object.finish().unwrap();
    let mut returned = [0; STEPS.len()];
    wait_until("there is memory for a timer", || {
        let loaded = load(&object);
        run(loaded.program("prog").unwrap());
        returned = loaded.typed_map::<u32, _>("returned").unwrap().get(&0).unwrap().unwrap();
        !returned.contains(&i64::from(ENOMEM))
    });
    let expected: Vec<i64> = STEPS.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(returned.as_slice(), expected);
}

fn every_step() -> Assembled {
    let mut a = Assembler::new();
    let out = a.label();
    a.load_map_value(R7, "returned", 0).st(Size::W, FP, -4, 0).mov(R4, 0);
    look_up(&mut a, "timers").jeq(R0, 0, out).mov(R6, R0).add(R6, Elem::TIMER.off());
    for (index, (step, _)) in STEPS.iter().enumerate() {
        step(&mut a);
        a.stx(Size::DW, R7, i32::try_from(8 * index).unwrap(), R0);
    }
    a.bind(out).mov(R0, 0).exit();
    a.finish()
}
