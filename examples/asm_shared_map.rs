//! The three programs of the kernel's page on timers that share one map: `bpf_prog1` makes the timer of an element ready,
//! `bpf_prog2` gives it a callback, `bpf_prog3` starts it. Each works on what the others did, in whatever order they come:
//! what is too early is refused with -EINVAL.
//!
//! A program is told the key of the element in its context and returns what the helper returned.

mod support;

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Reg, Size};
use bpfsmith::base::Clock;
use bpfsmith::btf::Timer;
use bpfsmith::kernel::{Loaded, Program, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::program::ProgramSpec;

/// Four bytes of padding, then the timer at 8: offsets come from the compiler.
#[derive(BtfType, Default)]
#[btf(name = "map_elem")]
#[repr(C)]
struct MapElem {
    counter: i32,
    timer: Timer,
}

const ENOENT: i32 = 2;
const PERIOD: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let Some(mut loaded) = support::load_or_explain(&object()?)? else { return Ok(()) };
    loaded.typed_map::<i32, MapElem>("hmap")?.set(&0, &MapElem::default())?;
    for name in ["bpf_prog2", "bpf_prog3", "bpf_prog1", "bpf_prog3", "bpf_prog2", "bpf_prog3"] {
        println!("{name} = {}", run_patiently(loaded.program(name)?, 0)?);
    }
    println!("without an element: bpf_prog1 = {}", run(loaded.program("bpf_prog1")?, 1)?);

    // The timer holds the program whose callback it calls; the map's timers live as long as somebody holds the map.
    for name in ["bpf_prog1", "bpf_prog2", "bpf_prog3"] {
        drop(loaded.take_program(name));
    }
    for map in loaded.stopped_by_drop()? {
        println!("dropping `{}`: {}", map.name(), map.on_drop()?);
    }
    wait_for_counter(&loaded, 10)?;
    println!("the callback runs, with every program closed");
    Ok(())
}

fn run(program: &Program, key: i32) -> Result<i32, Box<dyn Error>> {
    let outcome = program.test_run(&TestRun::new().context(key.to_ne_bytes()))?;
    Ok(outcome.retval.cast_signed())
}

fn wait_for_counter(loaded: &Loaded, enough: i32) -> Result<(), Box<dyn Error>> {
    let hmap = loaded.typed_map::<i32, MapElem>("hmap")?;
    let begun = Instant::now();
    while hmap.get(&0)?.ok_or("the element is gone")?.counter < enough {
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("the timer does not fire".into());
        }
        sleep(PERIOD);
    }
    Ok(())
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("shared_map").license("GPL");
    object.add_map(MapSpec::hash::<i32, MapElem>("hmap").max_entries(1000));
    object.add_program(ProgramSpec::new("bpf_prog1", ProgramKind::SYSCALL), bpf_prog1());
    object.add_program(ProgramSpec::new("bpf_prog2", ProgramKind::SYSCALL), bpf_prog2());
    object.add_program(ProgramSpec::new("bpf_prog3", ProgramKind::SYSCALL), bpf_prog3());
    object.add_function("timer_cb", timer_cb());
    object.finish()
}

fn bpf_prog1() -> Result<Code, AsmError> {
    with_timer(|a| {
        a.load_map(R2, "hmap").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
    })
}

fn bpf_prog2() -> Result<Code, AsmError> {
    with_timer(|a| {
        a.load_function(R2, "timer_cb").call(Helper::TIMER_SET_CALLBACK);
    })
}

fn bpf_prog3() -> Result<Code, AsmError> {
    with_timer(start)
}

/// Returns what `call` leaves in r0, called with r1 = the timer of the element the context names; -ENOENT where there is none.
fn with_timer(call: impl Fn(&mut Assembler)) -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let found = a.label();
    a.ldx(Size::W, R1, R1, 0).stx(Size::W, Reg::FP, -4, R1);
    a.load_map(R1, "hmap").mov(R2, Reg::FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jne(R0, 0, found).mov(R0, -ENOENT).exit();
    a.bind(found).mov(R1, R0).add(R1, MapElem::TIMER.off());
    call(&mut a);
    a.exit();
    a.finish()
}

/// The callback: r1 = the map, r2 = the key, r3 = the value. Counts, and starts the timer again.
fn timer_cb() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    a.mov(R6, R3).ldx(Size::W, R1, R6, MapElem::COUNTER.off()).add32(R1, 1);
    a.stx(Size::W, R6, MapElem::COUNTER.off(), R1);
    a.mov(R1, R6).add(R1, MapElem::TIMER.off());
    start(&mut a);
    a.mov(R0, 0).exit();
    a.finish()
}

/// r1 = the timer.
fn start(a: &mut Assembler) {
    let nanoseconds = i64::try_from(PERIOD.as_nanos()).unwrap_or(i64::MAX);
    a.mov(R2, nanoseconds).mov(R3, 0).call(Helper::TIMER_START);
}

fn run_patiently(program: &Program, key: i32) -> Result<i32, Box<dyn Error>> {
    support::until_memory(|code| i64::from(*code), || run(program, key))
}
