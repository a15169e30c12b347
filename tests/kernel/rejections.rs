//! What the verifier refuses is shown on the line of Rust that emitted it.
//!
//! Most of these are in the assembler only: of closures `finish` returns what the kernel would refuse for sure, before it is
//! asked. What is left to the kernel is what only a walk of every round shows.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R5, R6, R7};
use bpfsmith::asm::{Assembler, Helper, Size, Slot};
use bpfsmith::base::Errno;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::Syscall;
use bpfsmith::kernel::Rejection;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, FP, builder, load, object_of, rejection};
use crate::dialect::assert_flawless;
use crate::refused;
use crate::support::{Condition, Suite, all, has_cap_bpf};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "rejections: the line in a main function", in_main);
    suite.test_if(
        has_cap_bpf,
        "rejections: the line in a subfunction that two programs share",
        in_subfunction,
    );
    suite.test_if(has_cap_bpf, "rejections: the line in a callback", in_callback);
    suite.test_if(has_cap_bpf, "rejections: a callback that does not return 0", callback_returns_one);
    suite.test_if(has_cap_bpf, "rejections: the second program of an object", second_program);
    suite.test_if(has_cap_bpf, "rejections: a GPL-only helper under another licence", licence);
    suite.test_if(has_cap_bpf, "rejections: an opcode that no kernel has", unknown_opcode);
    suite.test_if(has_cap_bpf, "rejections: an instruction that nothing reaches", unreachable);
    suite.test_if(has_cap_bpf, "rejections [dsl]: a loop that the verifier sees no end of", endless_closure);
    suite.test_if(has_cap_bpf, "rejections: a log longer than the first buffer", long_log);
    suite.test_if(has_cap_bpf, "rejections: a valid program of that length loads", long_program);
    suite.test_if(all(&[has_cap_bpf, is_6_18]), "rejections: the report, as rustc would draw it", report);
}

/// Messages and register states are those of a release.
fn is_6_18() -> Condition {
    let kernel = bpfsmith::sys::host::kernel_version().map_err(|errno| errno.to_string())?;
    let expected = bpfsmith::base::KernelVersion::new(6, 18);
    if kernel == expected {
        Ok(())
    } else {
        Err(format!("the golden file is of Linux 6.18, this is {kernel}"))
    }
}

/// What is known of 6.1 and of 6.12: messages changed somewhere between.
fn before(major: u16, minor: u16) -> bool {
    bpfsmith::sys::host::kernel_version().unwrap() < bpfsmith::base::KernelVersion::new(major, minor)
}

const FILE: &str = "tests/kernel/rejections.rs";

/// Where the kernel ought to say that something is wrong, and what.
struct Expected {
    program: &'static str,
    function: &'static str,
    instruction: u32,
    line: u32,
    reason: &'static str,
}

fn assert_refused(rejection: &Rejection, expected: &Expected) {
    let Expected { program, function, instruction, line, reason } = *expected;
    assert_eq!(rejection.reason(), reason);
    assert_eq!(rejection.program(), program);
    assert_eq!(rejection.function(), Some(function));
    assert_eq!(rejection.instruction(), Some(instruction));
    let loc = rejection.loc().unwrap();
    assert_eq!((loc.file(), loc.line()), (FILE, line), "{rejection}");
    let column = loc.column();
    let short = format!(
        "the verifier refused program `{program}` at instruction {instruction} of `{function}`, {FILE}:{line}:{column}: {reason}"
    );
    assert_eq!(rejection.to_string(), short);
}

fn in_main() {
    let mut a = Assembler::new();
    a.mov(R6, R1).mov(R7, 7);
    let line = line!() + 1;
    a.mov(R0, R5);
    a.exit();
    let rejection = rejection(&object_of(ProgramKind::SOCKET_FILTER, a.finish()));
    let reason = "R5 !read_ok";
    assert_refused(&rejection, &Expected { program: "prog", function: "prog", instruction: 2, line, reason });
    assert_eq!(rejection.errno(), Errno::EACCES);
    let known = |name: &str| {
        let register = rejection.registers().iter().find(|register| register.name == name);
        String::from_utf8(register.unwrap_or_else(|| panic!("{name}")).value.clone()).unwrap()
    };
    let context = if before(6, 12) { "ctx(off=0,imm=0)" } else { "ctx()" };
    assert_eq!((known("R6").as_str(), known("R7").as_str()), (context, "7"));
    assert!(!rejection.raw_log().is_empty());
}

/// Reads a register that its caller did not set, on the line that comes back.
fn reads_r3(wide: bool) -> (Assembled, u32) {
    let mut a = Assembler::new();
    if wide {
        a.load_imm64(R0, 1_u64 << 40);
    }
    let line = line!() + 1;
    a.mov(R0, R3);
    a.exit();
    (a.finish(), line)
}

fn calls(name: &str) -> Assembled {
    let mut a = Assembler::new();
    a.mov(R1, 1).mov(R2, 2).call_function(name).mov(R0, 0).exit();
    a.finish()
}

fn in_subfunction() {
    let mut object = builder();
    let (code, line) = reads_r3(true);
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), calls("first"));
    object.add_program(ProgramSpec::new("other", ProgramKind::SOCKET_FILTER), calls("bad"));
    object.add_function("bad", code);
    object.add_function("first", calls("bad"));
    let rejection = rejection(&object.finish().unwrap());
    let reason = "R3 !read_ok";
    assert_refused(&rejection, &Expected { program: "prog", function: "bad", instruction: 2, line, reason });
}

/// A program that has a timer call the function `callback`.
fn arms(callback: Assembled) -> ObjectBuilder {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, FP, -4, 0).load_map(R1, "timers").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).mov(R1, R0).load_function(R2, "callback").call(Helper::TIMER_SET_CALLBACK);
    a.bind(out).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::typed::<u32, Timers>(bpfsmith::map::MapKind::ARRAY, "timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), a.finish());
    object.add_function("callback", callback);
    object
}

#[derive(bpfsmith::BtfType)]
#[repr(C)]
struct Timers {
    timer: Timer,
}

fn in_callback() {
    let mut a = Assembler::new();
    a.ldx(Size::W, R1, R2, 0);
    let line = line!() + 1;
    a.mov(R0, R4);
    a.exit();
    let rejection = rejection(&arms(a.finish()).finish().unwrap());
    let reason = "R4 !read_ok";
    assert_refused(
        &rejection,
        &Expected { program: "prog", function: "callback", instruction: 1, line, reason },
    );
}

fn callback_returns_one() {
    let mut a = Assembler::new();
    a.mov(R0, 1);
    let line = line!() + 1;
    a.exit();
    let rejection = rejection(&arms(a.finish()).finish().unwrap());
    let reason = if before(6, 12) {
        "At async callback the register R0 has value (0x1; 0x0) should have been in (0x0; 0x0)"
    } else {
        "At async callback return the register R0 has smin=1 smax=1 should have been in [0, 0]"
    };
    assert_refused(
        &rejection,
        &Expected { program: "prog", function: "callback", instruction: 1, line, reason },
    );
    assert!(rejection.hint().is_some());
}

fn second_program() {
    let (code, line) = reads_r3(false);
    let mut object = builder();
    object.add_program(ProgramSpec::new("good", ProgramKind::SOCKET_FILTER), calls("fine"));
    object.add_program(ProgramSpec::new("bad", ProgramKind::SOCKET_FILTER), code);
    object.add_function("fine", Assembler::new().mov(R0, 0).exit().finish());
    let rejection = rejection(&object.finish().unwrap());
    let reason = "R3 !read_ok";
    assert_refused(&rejection, &Expected { program: "bad", function: "bad", instruction: 0, line, reason });
}

fn licence() {
    let mut a = Assembler::new();
    a.mov(R1, 0);
    let line = line!() + 1;
    a.call(Helper::TIMER_CANCEL);
    a.mov(R0, 0).exit();
    let mut object = ObjectBuilder::new("test").license("Proprietary");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), a.finish());
    let rejection = rejection(&object.finish().unwrap());
    let reason = "cannot call GPL-restricted function from non-GPL compatible program";
    assert_refused(&rejection, &Expected { program: "prog", function: "prog", instruction: 1, line, reason });
    assert_eq!(rejection.errno(), Errno::EINVAL);
}

/// The kernel names no instruction here, only the opcode.
fn unknown_opcode() {
    let mut a = Assembler::new();
    a.mov(R0, 0);
    let line = line!() + 1;
    a.raw(Slot::new(0xff, 0, 0, 0, 0).unwrap());
    a.exit();
    let rejection = rejection(&object_of(ProgramKind::SOCKET_FILTER, a.finish()));
    let reason = "unknown opcode ff";
    assert_refused(&rejection, &Expected { program: "prog", function: "prog", instruction: 1, line, reason });
}

fn unreachable() {
    let mut a = Assembler::new();
    a.mov(R0, 0).exit();
    let line = line!() + 1;
    a.mov(R0, 1);
    a.exit();
    let rejection = rejection(&object_of(ProgramKind::SOCKET_FILTER, a.finish()));
    let reason = "unreachable insn 2";
    assert_refused(&rejection, &Expected { program: "prog", function: "prog", instruction: 2, line, reason });
}

fn endless_closure() {
    let mut object = builder();
    let first = line!() + 1;
    object.program("prog", Syscall::SYSCALL, |f, _ctx| {
        let rounds = f.var(0u8);
        f.while_(|| f.get_prandom_u32().ne(7), || rounds.set(rounds + 1));
        f.return_(rounds.get().to::<i32>())
    });
    let loop_is_at = first + 2;
    let object = object.finish().unwrap();
    assert_flawless(&object);
    let rejection = rejection(&object);
    assert_eq!((rejection.program(), rejection.function()), ("prog", Some("prog")));
    let loc = rejection.loc().unwrap();
    assert_eq!((loc.file(), loc.line()), (FILE, loop_is_at), "{rejection}");
}

/// Instructions that the verifier writes more than a mebibyte about.
const MANY: u32 = 40_000;

fn long(a: &mut Assembler) {
    a.mov(R0, 0);
    for _ in 1..MANY {
        a.add(R0, 1);
    }
}

fn long_log() {
    let mut a = Assembler::new();
    long(&mut a);
    let line = line!() + 1;
    a.mov(R0, R5);
    a.exit();
    let rejection = rejection(&object_of(ProgramKind::SOCKET_FILTER, a.finish()));
    let reason = "R5 !read_ok";
    assert_refused(
        &rejection,
        &Expected { program: "prog", function: "prog", instruction: MANY, line, reason },
    );
    assert_eq!(rejection.errno(), Errno::EACCES);
    assert!(rejection.raw_log().len() > 1 << 20, "{} bytes", rejection.raw_log().len());
}

fn long_program() {
    let mut a = Assembler::new();
    long(&mut a);
    a.exit();
    drop(load(&object_of(ProgramKind::SOCKET_FILTER, a.finish())));
}

#[cfg(feature = "report")]
fn report() {
    use bpfsmith::kernel::Sources;

    let rejection = rejection(&refused::unchecked_look_up());
    let sources = Sources::none().root(env!("CARGO_MANIFEST_DIR"));
    insta::assert_snapshot!("rejection", rejection.report(&sources));
}

#[cfg(not(feature = "report"))]
fn report() {
    rejection(&refused::unchecked_look_up());
}
