//! One map of timers, and a program for each thing that can be done to one of them: in the kernel, and in the simulator.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6, R7, R8, R9};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::backend::{Backend, Input, Simulated};
use bpfsmith::base::{Clock, KernelVersion, TimerFlags};
use bpfsmith::btf::{SpinLock, Timer};
use bpfsmith::kernel::{ElemFlags, Loaded, Map, Program, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sys::host;

use super::closures::{self, Tick};
use crate::common::{Assembled, FP, builder, load, look_up, returns, wait_until};
use crate::dialect::{Dialect, add_dialects};
use crate::support::{Condition, Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_since};

pub const EPERM: i32 = -1;
pub const ENOENT: i32 = -2;
pub const ENOMEM: i32 = -12;
pub const EBUSY: i32 = -16;
pub const EINVAL: i32 = -22;
pub const EDEADLK: i32 = -35;

pub const MILLISECOND: u64 = 1_000_000;
/// Longer than any test.
pub const HOUR: u64 = 3_600_000 * MILLISECOND;

/// The timer is not at the start of its value, so the verifier wants `CAP_PERFMON`.
pub fn may_use_timers() -> Condition {
    all(&[has_cap_bpf, has_cap_perfmon])()
}

/// A kernel that knows these flags of `bpf_timer_start`.
pub fn has_flags(flags: TimerFlags) -> Condition {
    has_since(flags.since(), "such flags of timers")
}

/// Values have locks, and the programs, which may sleep, may take them.
pub fn may_use_locks() -> Condition {
    has_since(KernelVersion::new(6, 7), "spin locks in programs that may sleep")?;
    may_use_ids()
}

/// ... and objects are looked up by id.
pub fn may_use_ids() -> Condition {
    all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin])()
}

#[derive(BtfType, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Plain {
    pub counter: i32,
    pub rest: i32,
    pub timer: Timer,
}

#[derive(BtfType, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Locked {
    pub counter: i32,
    pub lock: SpinLock,
    pub timer: Timer,
}

const TIMER: i32 = Plain::TIMER.off();
const _: () = assert!(Plain::TIMER.off() == Locked::TIMER.off() && Plain::SIZE == Locked::SIZE);

/// What the programs leave behind, by index.
#[derive(Clone, Copy)]
pub enum Seen {
    Fired,
    FiredAt,
    FiredAtBoot,
    FiredOn,
    StartedAt,
    StartedAtBoot,
    StartedOn,
    OtherFired,
    /// For a callback of the test's own, and those after it.
    Own,
}

pub const SEEN: usize = 16;

impl Seen {
    pub const fn off(self) -> i32 {
        8 * self as i32
    }
}

#[derive(Clone, Copy)]
pub struct Setup {
    pub kind: MapKind,
    pub flags: MapFlags,
    pub locked: bool,
    pub entries: u32,
    pub callback: Callback,
}

/// What the callback does beside counting, in both dialects.
#[derive(Clone, Copy)]
pub struct Callback {
    /// r6 = its value, r7 = what was seen; both are to be kept.
    pub asm: fn(&mut Assembler),
    pub dsl: for<'f> fn(Tick<'f>),
}

/// Nothing.
const COUNTS: Callback = Callback { asm: |_| {}, dsl: |_| {} };
/// Starts its timer again, in a millisecond.
pub const AGAIN: Callback = Callback {
    asm: again,
    dsl: |tick| {
        tick.again();
    },
};

pub const HASH: Setup =
    Setup { kind: MapKind::HASH, flags: MapFlags::empty(), locked: false, entries: 4, callback: COUNTS };
pub const ARRAY: Setup = Setup { kind: MapKind::ARRAY, ..HASH };

impl Setup {
    /// Loads it. Element 0 is there.
    pub fn load(self) -> Rig {
        let assembler = || self.assembled();
        let object = Dialect::current().object(assembler, || match self.locked {
            true => closures::object::<Locked>(self),
            false => closures::object::<Plain>(self),
        });
        let rig = Rig::new(&object);
        rig.insert(0);
        rig
    }

    fn assembled(self) -> Object {
        let mut object = builder();
        object.add_map(self.timers().max_entries(self.entries).flags(self.flags));
        object.add_map(MapSpec::array::<[i64; SEEN]>("seen").max_entries(1));
        for (name, code) in PROGRAMS {
            object.add_program(ProgramSpec::new(*name, ProgramKind::SYSCALL), with_timer(*code));
        }
        object.add_function("tick", callback(Seen::Fired, self.callback.asm));
        object.add_function("other", callback(Seen::OtherFired, |_| {}));
        object.add_function("nothing", returns(0));
        object.finish().unwrap()
    }

    fn timers(self) -> MapSpec {
        if self.locked {
            MapSpec::typed::<u32, Locked>(self.kind, "timers").untyped()
        } else {
            MapSpec::typed::<u32, Plain>(self.kind, "timers").untyped()
        }
    }
}

type Emit = fn(&mut Assembler);

/// r6 = the timer, r8 = the context's second number, r9 = its third; returns r0.
const PROGRAMS: &[(&str, Emit)] = &[
    ("init", |a| {
        a.mov(R1, R6).load_map(R2, "timers").mov(R3, R9).call(Helper::TIMER_INIT);
    }),
    ("set", |a| {
        a.mov(R1, R6).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
    }),
    ("set_other", |a| {
        a.mov(R1, R6).load_function(R2, "other").call(Helper::TIMER_SET_CALLBACK);
    }),
    ("start", |a| {
        a.load_map_value(R7, "seen", 0);
        note_time(a, Seen::StartedAt);
        a.mov(R1, R6).mov(R2, R8).mov(R3, R9).call(Helper::TIMER_START);
    }),
    ("cancel", |a| {
        a.mov(R1, R6).call(Helper::TIMER_CANCEL);
    }),
    ("update", |a| {
        a.st(Size::DW, FP, -32, 0).st(Size::DW, FP, -24, 0).st(Size::DW, FP, -16, 0);
        a.load_map(R1, "timers").mov(R2, FP).add(R2, -4).mov(R3, FP).add(R3, -32).mov(R4, 0);
        a.call(Helper::MAP_UPDATE_ELEM);
    }),
    ("delete", |a| {
        a.load_map(R1, "timers").mov(R2, FP).add(R2, -4).call(Helper::MAP_DELETE_ELEM);
    }),
];

fn with_timer(emit: Emit) -> Assembled {
    let mut a = Assembler::new();
    let found = a.label();
    a.mov(R7, R1).ldx(Size::DW, R8, R7, 8).ldx(Size::DW, R9, R7, 16);
    a.ldx(Size::DW, R1, R7, 0).stx(Size::W, FP, -4, R1);
    look_up(&mut a, "timers").jne(R0, 0, found).mov(R0, ENOENT).exit();
    a.bind(found).mov(R6, R0).add(R6, TIMER);
    emit(&mut a);
    a.exit();
    a.finish()
}

/// The time of both clocks and the CPU, from `first` on in what was seen, at r7.
fn note_time(a: &mut Assembler, first: Seen) {
    a.call(Helper::KTIME_GET_NS).stx(Size::DW, R7, first.off(), R0);
    a.call(Helper::KTIME_GET_BOOT_NS).stx(Size::DW, R7, first.off() + 8, R0);
    a.call(Helper::GET_SMP_PROCESSOR_ID).stx(Size::DW, R7, first.off() + 16, R0);
}

fn callback(counter: Seen, emit: Emit) -> Assembled {
    let mut a = Assembler::new();
    a.mov(R6, R3).load_map_value(R7, "seen", 0);
    note_time(&mut a, Seen::FiredAt);
    emit(&mut a);
    a.mov(R1, 1).atomic_add(Size::DW, R7, counter.off(), R1);
    a.mov(R0, 0).exit();
    a.finish()
}

/// In a callback: r1 = its own timer.
pub fn own_timer(a: &mut Assembler) {
    a.mov(R1, R6).add(R1, TIMER);
}

/// In a callback: starts its own timer again, in a millisecond; r0 as the kernel leaves it.
pub fn again(a: &mut Assembler) {
    own_timer(a);
    a.mov(R2, MILLISECOND as i64).mov(R3, 0).call(Helper::TIMER_START);
}

/// In a callback: `emit` with r8 = the timer of `key`; nothing where there is none.
pub fn other_timer(a: &mut Assembler, key: i32, emit: Emit) {
    let missing = a.label();
    a.st(Size::W, FP, -4, key);
    look_up(a, "timers").jeq(R0, 0, missing).mov(R8, R0).add(R8, TIMER);
    emit(a);
    a.bind(missing);
}

/// In a callback: keeps r0 as the `nth` of its own.
pub fn keep(a: &mut Assembler, nth: i32) {
    a.stx(Size::DW, R7, Seen::Own.off() + 8 * nth, R0);
}

thread_local! {
    static SIMULATED: Cell<bool> = const { Cell::new(false) };
}

/// Adds a scenario of each dialect twice: in the kernel, if it may, and in the simulator, always.
pub fn add_both(suite: &mut Suite, may: impl Fn() -> Condition, name: &str, test: fn()) {
    add_dialects(suite, may, name, test);
    add_dialects(
        suite,
        || Ok(()),
        &format!("{name} (simulated)"),
        move || {
            let _simulated = InSimulator::begin();
            test();
        },
    );
}

/// While it lives, what this thread loads is loaded into the simulator.
struct InSimulator;

impl InSimulator {
    fn begin() -> Self {
        SIMULATED.set(true);
        Self
    }
}

impl Drop for InSimulator {
    fn drop(&mut self) {
        SIMULATED.set(false);
    }
}

pub fn is_simulated() -> bool {
    SIMULATED.get()
}

/// What was loaded.
pub enum Rig {
    Kernel(Loaded),
    Simulated(Box<Mutex<Simulated>>),
}

impl Rig {
    fn new(object: &Object) -> Self {
        match is_simulated() {
            true => Self::Simulated(Box::new(Mutex::new(Simulated::new(object).unwrap()))),
            false => Self::Kernel(load(object)),
        }
    }

    /// What is in the kernel.
    pub fn loaded(&self) -> &Loaded {
        match self {
            Self::Kernel(loaded) => loaded,
            Self::Simulated(_) => panic!("only the kernel has that"),
        }
    }

    /// As [`loaded`](Self::loaded).
    pub fn loaded_mut(&mut self) -> &mut Loaded {
        match self {
            Self::Kernel(loaded) => loaded,
            Self::Simulated(_) => panic!("only the kernel has that"),
        }
    }

    fn simulated(&self) -> Option<MutexGuard<'_, Simulated>> {
        match self {
            Self::Kernel(_) => None,
            Self::Simulated(simulated) => Some(simulated.lock().unwrap()),
        }
    }

    pub fn map(&self) -> &Map {
        self.loaded().map("timers").unwrap()
    }

    /// Sets an element, with bytes that user space has no business with.
    pub fn insert(&self, key: u32) {
        let value = [0xa5; Plain::SIZE];
        match self.simulated() {
            Some(mut machine) => {
                machine.update("timers", &key.to_ne_bytes(), &value, ElemFlags::empty()).unwrap()
            }
            None => self.map().update(&key.to_ne_bytes(), &value, ElemFlags::empty()).unwrap(),
        }
    }

    /// The monotonic time, in nanoseconds.
    pub fn now(&self) -> u64 {
        match self.simulated() {
            Some(machine) => machine.now().unwrap(),
            None => u64::try_from(host::monotonic().unwrap().as_nanos()).unwrap(),
        }
    }

    /// As [`wait_until`], as time passes for what was loaded.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        if !is_simulated() {
            return wait_until(what, holds);
        }
        for _ in 0..10_000 {
            if holds() {
                return;
            }
            self.pass(MILLISECOND);
        }
        panic!("waited in vain: {what}");
    }

    /// What was due until now has happened, and timers of a millisecond have fired often.
    pub fn wait_for_ticks(&self) {
        match self {
            Self::Kernel(_) => wait_for_ticks(),
            Self::Simulated(_) => self.pass(20 * MILLISECOND),
        }
    }

    fn pass(&self, nanoseconds: u64) {
        if let Some(mut machine) = self.simulated() {
            machine.wait(Duration::from_nanos(nanoseconds)).unwrap();
        }
    }

    pub fn seen(&self, what: Seen) -> u64 {
        self.all_seen()[what as usize].cast_unsigned()
    }

    /// The first of the callback's own.
    pub fn own<const N: usize>(&self) -> [i64; N] {
        let first = Seen::Own as usize;
        self.all_seen()[first..first + N].try_into().unwrap()
    }

    fn all_seen(&self) -> [i64; SEEN] {
        match self.simulated() {
            Some(mut machine) => (&mut *machine as &mut dyn Backend).get("seen", &0_u32).unwrap().unwrap(),
            None => self.loaded().typed_map::<u32, [i64; SEEN]>("seen").unwrap().get(&0).unwrap().unwrap(),
        }
    }

    pub fn fired(&self) -> u64 {
        self.seen(Seen::Fired)
    }

    pub fn wait_for(&self, fired: u64) {
        self.wait_until("the timer fires", || self.fired() >= fired);
    }

    /// Runs one of the programs on an element; what it returned.
    pub fn run(&self, name: &str, key: u32, numbers: [u64; 2]) -> i32 {
        let context: Vec<u8> =
            [u64::from(key), numbers[0], numbers[1]].iter().flat_map(|number| number.to_ne_bytes()).collect();
        if let Some(mut machine) = self.simulated() {
            return machine.run(name, &Input::context(&context)).unwrap().retval.cast_signed();
        }
        let program = self.loaded().program(name).unwrap();
        program.test_run(&TestRun::new().context(context)).unwrap().retval.cast_signed()
    }

    pub fn at(&self, key: u32) -> Place<'_> {
        Place { rig: self, key }
    }

    /// Element 0.
    pub fn first(&self) -> Place<'_> {
        self.at(0)
    }

    /// Closes every program but those named, and says which id the one that sets the callback had.
    pub fn close_programs_but(&mut self, kept: &[&str]) -> u32 {
        let id = self.loaded().program("set").unwrap().id().unwrap();
        for (name, _) in PROGRAMS.iter().filter(|(name, _)| !kept.contains(name)) {
            drop(self.loaded_mut().take_program(name));
        }
        id
    }
}

/// The timer of one element.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    rig: &'a Rig,
    key: u32,
}

impl Place<'_> {
    /// Since 6.18 it is -ENOMEM also for some milliseconds of a busy allocator: then it is called again.
    pub fn init(self, flags: impl Into<u64>) -> i32 {
        let flags = flags.into();
        let mut answer = ENOMEM;
        wait_until("there is memory for a timer", || {
            answer = self.rig.run("init", self.key, [0, flags]);
            answer != ENOMEM
        });
        answer
    }

    pub fn set(self) -> i32 {
        self.rig.run("set", self.key, [0; 2])
    }

    pub fn set_other(self) -> i32 {
        self.rig.run("set_other", self.key, [0; 2])
    }

    pub fn start(self, nanoseconds: u64, flags: impl Into<u64>) -> i32 {
        self.rig.run("start", self.key, [nanoseconds, flags.into()])
    }

    pub fn cancel(self) -> i32 {
        self.rig.run("cancel", self.key, [0; 2])
    }

    /// Ready and with its callback.
    pub fn prepare(self, clock: Clock) {
        assert_eq!((self.init(clock), self.set()), (0, 0));
    }

    /// Armed, relative to now.
    pub fn arm(self, nanoseconds: u64) {
        self.prepare(Clock::Monotonic);
        assert_eq!(self.start(nanoseconds, 0_u64), 0);
    }
}

/// Waits as long as another timer takes to fire often: what was due until now has happened.
pub fn wait_for_ticks() {
    let clock = Setup { callback: AGAIN, ..HASH }.load();
    clock.first().arm(MILLISECOND);
    clock.wait_for(20);
}

/// Whether a program is loaded.
pub fn is_loaded(id: u32) -> bool {
    Program::from_id(id).is_ok()
}

/// Programs are freed some time after the last that needs them.
pub fn assert_goes(id: u32) {
    wait_until("the program is freed", || !is_loaded(id));
}
