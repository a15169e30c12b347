//! The first program of the kernel's page on timers: a hash map whose values hold a counter and a timer; the callback counts
//! and arms the timer again, every 10 ms.

mod support;

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Reg, Size};
use bpfsmith::base::Clock;
use bpfsmith::btf::Timer;
use bpfsmith::kernel::TestRun;
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

const PERIOD: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let Some(loaded) = support::load_or_explain(&object()?)? else { return Ok(()) };
    let hmap = loaded.typed_map::<i32, MapElem>("hmap")?;
    hmap.set(&0, &MapElem::default())?;
    start_timer(&loaded, || Ok(hmap.get(&0)?.ok_or("the element is gone")?.counter))?;
    for _ in 0..10 {
        sleep(Duration::from_millis(100));
        let elem = hmap.get(&0)?.ok_or("the element is gone")?;
        println!("counter = {}", elem.counter);
    }
    Ok(())
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("map_elem").license("GPL");
    object.add_map(MapSpec::hash::<i32, MapElem>("hmap").max_entries(1000));
    object.add_program(ProgramSpec::new("bpf_prog1", ProgramKind::SYSCALL), bpf_prog1());
    object.add_function("timer_cb1", timer_cb1());
    object.finish()
}

/// Initialises, ties to its callback and starts the timer of key 0.
fn bpf_prog1() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, Reg::FP, -4, 0); // key = 0
    a.load_map(R1, "hmap").mov(R2, Reg::FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).mov(R6, R0).add(R6, MapElem::TIMER.off());
    a.mov(R1, R6).load_map(R2, "hmap").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_function(R2, "timer_cb1").call(Helper::TIMER_SET_CALLBACK);
    start(&mut a, R6);
    a.bind(out).mov(R0, 0).exit();
    a.finish()
}

/// The callback: r1 = the map, r2 = the key, r3 = the value.
fn timer_cb1() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    a.mov(R6, R3).ldx(Size::W, R1, R6, MapElem::COUNTER.off()).add32(R1, 1);
    a.stx(Size::W, R6, MapElem::COUNTER.off(), R1);
    a.add(R6, MapElem::TIMER.off());
    start(&mut a, R6);
    a.mov(R0, 0).exit();
    a.finish()
}

fn start(a: &mut Assembler, timer: Reg) {
    let nanoseconds = i64::try_from(PERIOD.as_nanos()).unwrap_or(i64::MAX);
    a.mov(R1, timer).mov(R2, nanoseconds).mov(R3, 0).call(Helper::TIMER_START);
}

/// Runs the program until its timer fires. It tells nobody where `bpf_timer_init` found no memory; running it again does no
/// harm to a timer that is there.
fn start_timer(
    loaded: &bpfsmith::kernel::Loaded,
    counter: impl Fn() -> Result<i32, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let counted = support::until_memory(
        |counter| if *counter == 0 { -support::ENOMEM } else { 0 },
        || {
            loaded.program("bpf_prog1")?.test_run(&TestRun::new())?;
            sleep(2 * PERIOD);
            counter()
        },
    )?;
    if counted == 0 { Err("the timer does not fire".into()) } else { Ok(()) }
}
