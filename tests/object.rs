//! Objects as bytes and text: what the linker makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod samples;

use std::fmt::Write;

use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::R0;
use bpfsmith::btf::{StrOff, View};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::linker::{self, LinkedProgram};
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;
use proptest::prelude::*;

/// Instructions, func_info and line_info of each program, then the BTF as C and type by type.
fn describe(object: &Object) -> String {
    let linked = linker::link(object).unwrap();
    let mut out = String::new();
    for program in &linked.programs {
        describe_program(&mut out, program, &linked.btf);
    }
    writeln!(out, "{}\n{}", linked.btf.all_to_c().unwrap(), linked.btf.listing()).unwrap();
    out
}

fn describe_program(out: &mut String, program: &LinkedProgram<'_>, btf: &View<'_>) {
    writeln!(out, "program {} ({})", program.def.name, program.def.kind).unwrap();
    for placed in &program.functions {
        writeln!(out, "{}: at {}\n{}", placed.def.name, placed.start, placed.def.code).unwrap();
    }
    let text = |offset: StrOff| String::from_utf8_lossy(btf.string(offset).unwrap()).into_owned();
    for info in &program.func_info {
        writeln!(out, "func_info {}: {}", info.insn_off, info.type_id).unwrap();
    }
    for info in &program.line_info {
        let file = text(info.file_name_off);
        writeln!(out, "line_info {}: {file}:{}:{}", info.insn_off, info.line(), info.column()).unwrap();
    }
    writeln!(out).unwrap();
}

#[test]
fn the_samples() {
    for (name, object) in samples::all() {
        insta::assert_snapshot!(format!("object_{name}"), describe(&object));
    }
}

#[test]
fn the_same_object_twice_is_the_same_bytes() {
    for ((name, first), (_, second)) in samples::all().into_iter().zip(samples::all()) {
        let plans = [first, second].map(|object| {
            let target = samples::answering(Target::unknown(object.endian()));
            format!("{:#}", bpfsmith::plan::Plan::new(&object, &target).unwrap())
        });
        assert_eq!(plans[0], plans[1], "{name}");
    }
}

#[test]
fn no_place_is_absolute_or_of_this_crate() {
    for (name, object) in samples::all() {
        for function in object.functions() {
            for loc in function.code.locs() {
                assert!(!loc.file().starts_with('/') && !loc.file().starts_with("src/"), "{name}: {loc}");
            }
        }
    }
}

/// `count` functions in a row, each calling the next, the last calling `last`.
fn chain(count: usize, last: Option<&str>) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("chain").license("GPL");
    for index in 0..count {
        let next = format!("f{}", index + 1);
        let mut a = Assembler::new();
        match (index + 1 < count, last) {
            (true, _) => a.call_function(&next),
            (false, Some(last)) => a.call_function(last),
            (false, None) => a.mov(R0, 1),
        };
        let code = a.mov(R0, 0).exit().finish();
        if index == 0 {
            object.add_program(ProgramSpec::new("f0", ProgramKind::SOCKET_FILTER), code);
        } else {
            object.add_function(format!("f{index}"), code);
        }
    }
    object.finish()
}

#[test]
fn a_circle_of_calls_is_an_error() {
    assert!(chain(5, None).is_ok());
    let error = chain(5, Some("f2")).unwrap_err();
    let ObjectError::Recursion { cycle, .. } = &error else { panic!("{error}") };
    assert_eq!(cycle, &["f2", "f3", "f4"]);
    let error = chain(2, Some("f1")).unwrap_err();
    assert!(matches!(error, ObjectError::Recursion { ref cycle, .. } if cycle.len() == 1), "{error}");
}

#[test]
fn a_callback_may_name_itself() {
    let mut object = ObjectBuilder::new("callbacks");
    let mut a = Assembler::new();
    let code = a.load_function(R0, "again").mov(R0, 0).exit().finish();
    object.add_function("again", code.clone());
    object.add_program(ProgramSpec::new("main", ProgramKind::SOCKET_FILTER), code);
    assert!(object.finish().is_ok());
}

#[test]
fn a_program_has_256_functions_at_most() {
    assert!(linker::link(&chain(256, None).unwrap()).is_ok());
    let object = chain(257, None).unwrap();
    let error = linker::link(&object).unwrap_err();
    assert!(matches!(error, ObjectError::TooManyFunctions { count: 257, .. }), "{error}");
}

/// `count` programs that share one function.
fn many(count: usize) -> Object {
    let mut object = ObjectBuilder::new("many").license("GPL");
    object.add_function("shared", samples::returns(1));
    for index in 0..count {
        let code = Assembler::new().call_function("shared").exit().finish();
        object.add_program(ProgramSpec::new(format!("p{index}"), ProgramKind::SOCKET_FILTER), code);
    }
    object.finish().unwrap()
}

#[test]
fn linking_twice_as_many_programs_makes_twice_as_much() {
    let sizes = [1000, 2000].map(|count| {
        let object = many(count);
        let linked = linker::link(&object).unwrap();
        let slots: usize = linked.programs.iter().map(|program| program.slots.len()).sum();
        (slots, linked.btf.len())
    });
    assert_eq!(sizes[1].0, 2 * sizes[0].0);
    assert_eq!(sizes[1].1 - sizes[0].1, 1000, "one FUNC a program");
}

/// No absolute times: four times as many programs take far less than sixteen times as long.
#[test]
fn linking_is_linear() {
    let (small, large) = (many(1000), many(4000));
    let time = |object: &Object| {
        let best = (0..5).map(|_| {
            let start = std::time::Instant::now();
            linker::link(object).unwrap();
            start.elapsed()
        });
        best.min().unwrap()
    };
    assert!(time(&large) < 12 * time(&small));
}

proptest! {
    #[test]
    fn only_keeps_what_is_named_and_what_it_reaches(chosen in prop::collection::btree_set(0..8_usize, 0..8)) {
        let object = tree();
        let names: Vec<String> = chosen.iter().map(|index| format!("p{index}")).collect();
        let part = object.only(&names);
        let kept: Vec<_> = part.programs().iter().map(|program| program.name.clone()).collect();
        prop_assert_eq!(&kept, &names);
        // Closed: it links, and every program is what it was.
        let (whole, part_linked) = (linker::link(&object).unwrap(), linker::link(&part).unwrap());
        for program in &part_linked.programs {
            let same = whole.programs.iter().find(|other| other.def.name == program.def.name).unwrap();
            prop_assert_eq!(&program.slots, &same.slots);
        }
        // Nothing is left that is not reached.
        for function in part.functions() {
            let reached = part_linked.programs.iter().flat_map(|program| &program.functions);
            prop_assert!(reached.into_iter().any(|placed| placed.def.name == function.name));
        }
        prop_assert_eq!(part.only(&names), part);
    }
}

/// Eight programs; program i calls function i / 2, which calls function i / 4.
fn tree() -> Object {
    let mut object = ObjectBuilder::new("tree");
    for index in 0..2 {
        object.add_function(format!("b{index}"), samples::returns(index));
    }
    for index in 0..4 {
        let code = Assembler::new().call_function(format!("b{}", index / 2)).exit().finish();
        object.add_function(format!("a{index}"), code);
    }
    for index in 0..8 {
        let code = Assembler::new().call_function(format!("a{}", index / 2)).exit().finish();
        object.add_program(ProgramSpec::new(format!("p{index}"), ProgramKind::SOCKET_FILTER), code);
    }
    object.finish().unwrap()
}
