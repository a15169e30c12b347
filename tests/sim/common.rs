//! What the tests share.

use bpfsmith::asm::{AsmError, Assembler, Code, Isa};
use bpfsmith::base::Endian;
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Fault, Input, Machine, RunError};
use bpfsmith::target::Target;

pub type Assembled = Result<Code, AsmError>;

/// An assembler of every instruction there is.
pub fn assembler() -> Assembler {
    Assembler::with_isa(Isa::all())
}

pub fn object_of(kind: ProgramKind, code: Assembled) -> Object {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_program(ProgramSpec::new("prog", kind), code);
    object.finish().unwrap()
}

/// As [`object_of`], a syscall program, in a byte order.
pub fn object_in(endian: Endian, code: Assembled) -> Object {
    let mut object = ObjectBuilder::new("test").license("GPL").endian(endian);
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
    object.finish().unwrap()
}

pub fn machine(object: &Object) -> Machine {
    Machine::new(object, &Target::simulated()).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a syscall program on a context of numbers: r0, and the context as it left it.
pub fn run_on(endian: Endian, code: Assembled, context: &[u64]) -> (u64, Vec<u64>) {
    let bytes: Vec<u8> = context.iter().flat_map(|number| to_bytes(endian, *number)).collect();
    let outcome = machine(&object_in(endian, code)).run("prog", &Input::context(&bytes)).unwrap();
    let numbers = outcome.context.chunks_exact(8).map(|bytes| from_bytes(endian, bytes.try_into().unwrap()));
    (outcome.result, numbers.collect())
}

pub fn to_bytes(endian: Endian, number: u64) -> [u8; 8] {
    if endian == Endian::Little { number.to_le_bytes() } else { number.to_be_bytes() }
}

fn from_bytes(endian: Endian, bytes: [u8; 8]) -> u64 {
    if endian == Endian::Little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) }
}

/// Runs a syscall program without input; r0.
pub fn result_of(code: Assembled) -> u64 {
    machine(&object_of(ProgramKind::SYSCALL, code)).run("prog", &Input::empty()).unwrap().result
}

/// Runs a syscall program that does what it may not.
pub fn fault_of(code: Assembled) -> Fault {
    match machine(&object_of(ProgramKind::SYSCALL, code)).run("prog", &Input::context(&[0; 16])) {
        Err(RunError::Fault(fault)) => *fault,
        other => panic!("no fault: {other:?}"),
    }
}
