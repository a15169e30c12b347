//! Timers with CAP_BPF alone: at the start of a value the verifier takes them, anywhere else it does not.
//!
//! In the assembler only: at which byte the pointer is, and on which line it is moved there, is what is tried.

use std::process::ExitCode;

use bpfsmith::BtfType;
use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{Helper, Size};
use bpfsmith::base::{Capabilities, Clock};
use bpfsmith::btf::Timer;
use bpfsmith::check::{Rule, check};
use bpfsmith::kernel::{self, LoadError, Loaded};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Needs, Object};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;

use super::rig::Plain;
use crate::calls::{can_drop, this_program, without_capabilities};
use crate::common::{FP, builder, look_up, run, wait_until};
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    suite.test_if(can_drop, "timer with CAP_BPF alone: at byte 0 it fires", || {
        assert_eq!(told("0", &["bpf"]), "it fired\n");
    });
    suite.test("timer with CAP_BPF alone: we warn of byte 8 at the helper that reaches for it", || {
        let target = Target::running(&Needs::default()).unwrap().with_capabilities(Capabilities::BPF);
        let (object, line) = object::<Plain>(Plain::TIMER.off());
        let report = check(&object, &target);
        let warning = report.suspects().find(|finding| finding.rule == Rule::TimerPerfmon).unwrap();
        assert_eq!(warning.site.loc().unwrap().line(), line + 2);
        let (object, _) = self::object::<First>(First::TIMER.off());
        assert!(check(&object, &target).is_empty());
    });
    suite.test_if(can_drop, "timer with CAP_BPF alone: at byte 8 it is EACCES on the line", || {
        let (_, line) = object::<Plain>(Plain::TIMER.off());
        let expected = format!("EACCES at {}:{line}: {MESSAGE}; {HINT}\n", file!());
        assert_eq!(told("8", &["bpf"]), expected);
        assert_eq!(told("8", &["bpf", "perfmon"]), "it fired\n");
    });
}

const MESSAGE: &str = "bpf_timer cannot be accessed directly by load/store";
const HINT: &str = "the hint names CAP_PERFMON";

/// The variable that says at which byte this program shall start a timer instead of running tests.
const OFFSET: &str = "BPFSMITH_TEST_TIMER_AT";

fn told(offset: &str, keep: &[&str]) -> String {
    let mut command = without_capabilities(keep);
    command.env(OFFSET, offset);
    this_program(command)
}

/// Loads what the variable says, prints how that went.
pub fn child() -> Option<ExitCode> {
    let (object, _) = match std::env::var(OFFSET).ok()?.as_str() {
        "0" => object::<First>(First::TIMER.off()),
        _ => object::<Plain>(Plain::TIMER.off()),
    };
    match kernel::load(&object) {
        Ok(loaded) => fire(&loaded),
        Err(error) => println!("{}", refusal(&error)),
    }
    Some(ExitCode::SUCCESS)
}

fn fire(loaded: &Loaded) {
    run(loaded.program("prog").unwrap());
    let fired = loaded.typed_map::<u32, u64>("fired").unwrap();
    wait_until("the timer fires", || fired.get(&0).unwrap() == Some(1));
    println!("it fired");
}

fn refusal(error: &LoadError) -> String {
    let Some(rejection) = error.rejection() else { return error.to_string() };
    let Some(loc) = rejection.loc() else { return rejection.to_string() };
    let hint = rejection.hint().is_some_and(|hint| hint.contains("CAP_PERFMON"));
    let hint = if hint { HINT } else { "no hint" };
    let reason = rejection.reason();
    let first = reason.split("; ").next().unwrap_or_default();
    format!("{} at {}:{}: {first}; {hint}", rejection.errno().name().unwrap_or("?"), loc.file(), loc.line())
}

#[derive(BtfType)]
#[repr(C)]
struct First {
    timer: Timer,
}

/// With the line that moves a pointer onto the timer.
fn object<V: BtfType>(offset: i32) -> (Object, u32) {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "timers").jeq(R0, 0, out).mov(R6, R0);
    let line = line!() + 2;
    if offset > 0 {
        a.add(R6, offset);
    }
    a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_function(R2, "callback").call(Helper::TIMER_SET_CALLBACK);
    a.mov(R1, R6).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
    a.bind(out).mov(R0, 0).exit();
    let mut callback = Assembler::new();
    callback.load_map_value(R1, "fired", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2).mov(R0, 0).exit();

    let mut object = builder();
    object.add_map(MapSpec::array::<V>("timers").max_entries(1));
    object.add_map(MapSpec::array::<u64>("fired").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    object.add_function("callback", callback.finish());
    (object.finish().unwrap(), line)
}
