//! What the tests share: loading with a readable failure, small programs, waiting without clocks.

use std::thread::sleep;
use std::time::{Duration, Instant};

use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Reg};
use bpfsmith::kernel::{self, LoadError, Loaded, Program, Rejection, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;

/// What a function comes to.
pub type Assembled = Result<Code, AsmError>;

/// The frame pointer.
pub const FP: Reg = Reg::FP;

/// How long something may take that ought to happen: machines under load are slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// An empty object that may use every helper.
pub fn builder() -> ObjectBuilder {
    ObjectBuilder::new("test").license("GPL")
}

/// Loads an object; a refusal fails the test with the whole log.
pub fn load(object: &Object) -> Loaded {
    kernel::load(object).unwrap_or_else(|error| panic!("{}", explained(&error)))
}

fn explained(error: &LoadError) -> String {
    match error.rejection() {
        Some(rejection) => format!("{error}\n{}", String::from_utf8_lossy(rejection.raw_log())),
        None => error.to_string(),
    }
}

/// A function that returns a number.
pub fn returns(number: i32) -> Assembled {
    Assembler::new().mov(R0, number).exit().finish()
}

/// r0 = the value of the key at fp - 4, or null.
pub fn look_up<'a>(a: &'a mut Assembler, map: &str) -> &'a mut Assembler {
    a.load_map(R1, map).mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM)
}

/// An object of one program `prog`.
pub fn object_of(kind: ProgramKind, code: Assembled) -> Object {
    let mut object = builder();
    object.add_program(ProgramSpec::new("prog", kind), code);
    object.finish().unwrap()
}

/// The verifier's refusal of an object.
pub fn rejection(object: &Object) -> Rejection {
    match kernel::load(object) {
        Err(error) => match error.rejection() {
            Some(rejection) => rejection.clone(),
            None => panic!("not a rejection: {error}"),
        },
        Ok(_) => panic!("the kernel took it"),
    }
}

/// Runs a program once; what it returned.
pub fn run(program: &Program) -> u32 {
    program.test_run(&TestRun::new()).unwrap().retval
}

/// Runs a program of packets once, on an empty packet; what it returned.
pub fn run_on_packet(program: &Program) -> u32 {
    program.test_run(&TestRun::new().data([0; 14])).unwrap().retval
}

/// Runs a syscall program on a context of numbers; the context as it left it.
pub fn run_on(program: &Program, context: &[u64]) -> Vec<u64> {
    let bytes: Vec<u8> = context.iter().flat_map(|number| number.to_ne_bytes()).collect();
    let outcome = program.test_run(&TestRun::new().context(bytes)).unwrap();
    assert_eq!(outcome.retval, 0);
    outcome.context.chunks_exact(8).map(|number| u64::from_ne_bytes(number.try_into().unwrap())).collect()
}

/// Waits until something holds, for as long as a slow machine may need.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(1));
    }
}
