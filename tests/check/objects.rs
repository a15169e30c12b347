//! Maps that the programs of these tests share, and objects of one program.
// Each test file uses a part.
#![allow(dead_code)]

use bpfsmith::BtfType;
use bpfsmith::asm::{AsmError, Assembler, Code};
use bpfsmith::btf::{SpinLock, Timer};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::program::ProgramSpec;

/// A value with a timer at byte 8.
#[derive(BtfType, Debug, Default)]
#[btf(name = "elem")]
#[repr(C)]
pub(crate) struct Elem {
    pub counter: i32,
    pub timer: Timer,
}

/// A value with a timer at byte 0.
#[derive(BtfType, Debug, Default)]
#[btf(name = "only_timer")]
#[repr(C)]
pub(crate) struct OnlyTimer {
    pub timer: Timer,
    pub rest: u64,
}

/// A value with a lock.
#[derive(BtfType, Debug, Default)]
#[btf(name = "locked")]
#[repr(C)]
pub(crate) struct Locked {
    pub lock: SpinLock,
    pub counter: u32,
    pub rest: u64,
}

/// An object of the program `main`, which is `code`, and of the maps it uses.
pub(crate) fn object(
    kind: ProgramKind,
    license: &str,
    code: Code,
    functions: Vec<(&'static str, Code)>,
) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("test").license(license);
    object.add_map(MapSpec::array::<[u64; 2]>("array").max_entries(4));
    object.add_map(MapSpec::hash::<u32, [u64; 2]>("hash").max_entries(8));
    object.add_map(MapSpec::hash::<u32, Elem>("timers").max_entries(8));
    object.add_map(MapSpec::hash::<u32, OnlyTimer>("other").max_entries(8));
    object.add_map(MapSpec::array::<Locked>("locks").max_entries(2));
    object.add_map(MapSpec::array::<u64>("constant").max_entries(1).flags(MapFlags::RDONLY_PROG));
    object.add_map(MapSpec::array::<[u64; 4]>("global").max_entries(1));
    object.add_map(MapSpec::ringbuf("ring", 4096));
    object.add_map(MapSpec::prog_array("programs").max_entries(4));
    object.add_map(MapSpec::new(MapKind::QUEUE, "queue").value_size(8).max_entries(4));
    object.add_program(ProgramSpec::new("main", kind), Ok(code));
    for (name, code) in functions {
        object.add_function(name, Ok::<_, AsmError>(code));
    }
    object.finish()?.only(["main"])
}

/// Assembles a function.
pub(crate) fn code(body: impl FnOnce(&mut Assembler)) -> Code {
    let mut a = Assembler::new();
    body(&mut a);
    a.finish().unwrap()
}

/// The value of the timers of `timer_cancel`.
#[derive(BtfType, Debug, Default)]
#[btf(name = "elem")]
#[repr(C)]
struct First {
    t: Timer,
}

/// One of the examples, with other functions.
pub(crate) fn example_of(example: &Object, codes: Vec<Code>) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new(example.name()).license(example.license());
    for map in example.maps() {
        match map.name.as_str() {
            "timers" => drop(object.add_map(MapSpec::array::<First>("timers").max_entries(1))),
            "runs" => drop(object.add_map(MapSpec::array::<u64>("runs").max_entries(1))),
            "results" => drop(object.add_map(MapSpec::array::<[u64; 4]>("results").max_entries(1))),
            "hmap" => drop(object.add_map(MapSpec::hash::<i32, Elem>("hmap").max_entries(1000))),
            other => panic!("what is {other}?"),
        }
    }
    for (function, code) in example.functions().iter().zip(codes) {
        match example.program(&function.name) {
            Some(program) => {
                object.add_program(ProgramSpec::new(program.name.clone(), program.kind), Ok(code))
            }
            None => object.add_function(function.name.clone(), Ok(code)),
        }
    }
    object.finish()
}
