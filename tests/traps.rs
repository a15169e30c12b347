//! What other emitters and loaders get wrong, as far as it shows before a kernel is asked: each is right here, or a typed
//! error at the line of Rust that caused it. (What is the assembler's alone stands in its own tests; what needs a kernel, in
//! `tests/kernel`.)
#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Isa, Reg, Size};
use bpfsmith::base::Endian;
use bpfsmith::btf::special::FieldKind;
use bpfsmith::btf::{StructDef, Timer, TypeId};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::plan::{Command, Plan, PlanError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;

const FILE: &str = "tests/traps.rs";

fn builder() -> ObjectBuilder {
    ObjectBuilder::new("traps").license("GPL")
}

fn returns(number: i32) -> Result<Code, AsmError> {
    Assembler::new().mov(R0, number).exit().finish()
}

fn with_program(code: Result<Code, AsmError>) -> ObjectBuilder {
    let mut object = builder();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), code);
    object
}

fn refused(object: ObjectBuilder, line: u32) -> ObjectError {
    let error = object.finish().unwrap_err();
    let loc = error.loc().unwrap_or_else(|| panic!("no line: {error}"));
    assert_eq!((loc.file(), loc.line()), (FILE, line), "{error}");
    error
}

#[test]
fn a_map_load_whose_map_was_never_given() {
    let mut a = Assembler::new();
    a.mov(R2, 0);
    let line = line!() + 1;
    a.load_map(R1, "nowhere");
    a.mov(R0, 0).exit();
    let error = refused(with_program(a.finish()), line);
    assert!(
        matches!(&error, ObjectError::UnknownMap { function, map, .. } if function == "prog" && map == "nowhere")
    );
}

#[test]
fn a_call_of_a_function_that_was_never_given() {
    let mut a = Assembler::new();
    let line = line!() + 1;
    a.call_function("nowhere");
    a.exit();
    let error = refused(with_program(a.finish()), line);
    assert!(matches!(&error, ObjectError::UnknownFunction { callee, .. } if callee == "nowhere"));
}

#[test]
fn a_value_with_padding_as_a_key() {
    #[derive(BtfType)]
    #[repr(C)]
    struct Key {
        small: u8,
        large: u64,
    }
    let mut object = builder().endian(Endian::Big);
    let map = object.add_map(MapSpec::hash::<Key, u32>("map").max_entries(1));
    object.add_entry(map, &Key { small: 0xaa, large: 0x0102_0304_0506_0708 }, &9);
    let object = object.finish().unwrap();
    let entry = &object.map("map").unwrap().entries[0];
    assert_eq!(entry.key, [0xaa, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn instructions_that_a_kernel_would_take_for_others() {
    let v4 = |emit: fn(&mut Assembler)| {
        let mut a = Assembler::with_isa(Isa::V4);
        a.mov(R0, 7).mov(R1, 2);
        let line = line!() + 1;
        emit(&mut a);
        (with_program(a.exit().finish()).finish().unwrap(), line)
    };
    let emitters: [fn(&mut Assembler); 4] = [
        |a| {
            a.sdiv(R0, R1);
        },
        |a| {
            a.smod(R0, R1);
        },
        |a| {
            a.movsx(R0, R1, 8);
        },
        |a| {
            a.bswap(R0, 32);
        },
    ];
    for emit in emitters {
        let (object, _) = v4(emit);
        let error = Plan::new(&object, &Target::of_kernel(6, 5)).unwrap_err();
        let PlanError::Lacks { what, since, .. } = &error else { panic!("{error}") };
        assert_eq!((what.as_str(), since.to_string().as_str()), ("function `prog`, instruction 2", "6.6"));
        assert_eq!(error.loc().unwrap().file(), FILE);
        Plan::new(&object, &Target::of_kernel(6, 6)).unwrap();
    }
}

#[test]
fn a_licence_holds_no_nul() {
    let mut object = ObjectBuilder::new("traps").license("GPL\0 and more");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), returns(0));
    let error = object.finish().unwrap_err();
    assert!(matches!(&error, ObjectError::Name { what: "licence", .. }), "{error}");
    let long = ObjectBuilder::new("traps").license("x".repeat(128)).finish();
    assert!(matches!(long, Err(ObjectError::Name { what: "licence", .. })));
}

/// A program that takes the address of the function `callback`, and the line where it does.
fn takes_callback() -> (ObjectBuilder, u32) {
    let mut a = Assembler::new();
    a.mov(R1, 1);
    let line = line!() + 1;
    a.load_function(R2, "callback");
    a.mov(Reg::R3, 0).mov(Reg::R4, 0).call(Helper::LOOP).mov(R0, 0).exit();
    (with_program(a.finish()), line)
}

#[test]
fn a_callback_always_comes_with_func_info() {
    let (mut object, _) = takes_callback();
    object.add_function("callback", returns(0));
    let object = object.finish().unwrap();
    let plan = Plan::new(&object, &Target::of_kernel(6, 12)).unwrap();
    let load = plan.commands().find_map(|command| match command {
        Command::ProgLoad(load) => load.btf.clone(),
        _ => None,
    });
    assert_eq!(load.unwrap().func_info.len(), 2 * 8);
    let error = Plan::new(&object, &Target::of_kernel(5, 12)).unwrap_err();
    assert!(matches!(error, PlanError::Lacks { .. }), "{error}");
}

#[test]
fn a_callback_with_global_linkage() {
    let (mut object, line) = takes_callback();
    let proto = object.btf().func_proto(TypeId::VOID, &[]).unwrap();
    object.add_global_function("callback", proto, returns(0));
    let error = refused(object, line);
    assert!(matches!(error, ObjectError::GlobalCallback { .. }), "{error}");
}

#[test]
fn a_callback_that_is_the_entry_of_a_program() {
    let mut a = Assembler::new();
    let line = line!() + 1;
    a.load_function(R2, "prog");
    a.mov(R0, 0).exit();
    let error = refused(with_program(a.finish()), line);
    assert!(matches!(error, ObjectError::EntryUsedAsFunction { .. }), "{error}");
}

#[derive(BtfType)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

#[test]
fn types_of_a_value_without_a_type_of_the_key() {
    let mut object = builder();
    let value = <Elem as BtfType>::btf(object.btf()).unwrap();
    let line = line!() + 1;
    object.add_map(MapSpec::new(MapKind::HASH, "map").key_size(4).value_type(value).max_entries(1));
    refused(object, line);
}

#[test]
fn types_of_another_size_than_the_value_cannot_be_said() {
    let mut object = builder();
    let value = <Elem as BtfType>::btf(object.btf()).unwrap();
    let key = <u32 as BtfType>::btf(object.btf()).unwrap();
    // A type and a size: the later one counts, and a size alone has no type.
    let spec = MapSpec::new(MapKind::HASH, "map").key_type(key).value_size(8).value_type(value);
    object.add_map(spec.max_entries(1));
    let object = object.finish().unwrap();
    assert_eq!(object.map("map").unwrap().value_size, 24);
}

fn field_error(members: impl FnOnce(&mut ObjectBuilder) -> StructDef) -> String {
    let mut object = builder();
    let def = members(&mut object);
    let value = object.btf().structure(def).unwrap();
    let key = <u32 as BtfType>::btf(object.btf()).unwrap();
    let line = line!() + 1;
    object.add_map(MapSpec::new(MapKind::HASH, "timers").key_type(key).value_type(value).max_entries(1));
    let error = refused(object, line);
    assert!(matches!(error, ObjectError::Field { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_timer_that_is_misaligned() {
    let error = field_error(|object| {
        let timer = <Timer as BtfType>::btf(object.btf()).unwrap();
        StructDef::new("value").member_at("t", timer, 4)
    });
    assert!(
        error.contains("map `timers`: struct value, t (bpf_timer at byte 4): must be at a multiple of 8"),
        "{error}"
    );
}

#[test]
fn two_timers_in_a_value() {
    let error = field_error(|object| {
        let timer = <Timer as BtfType>::btf(object.btf()).unwrap();
        StructDef::new("value").member("first", timer).member("second", timer)
    });
    assert!(error.contains("second"), "{error}");
}

#[test]
fn a_timer_in_a_per_cpu_hash() {
    let mut object = builder();
    let line = line!() + 1;
    object.add_map(MapSpec::percpu_hash::<u32, Elem>("timers").max_entries(1));
    let error = refused(object, line);
    let ObjectError::FieldKind { map, kind, field, path, offset, .. } = &error else { panic!("{error}") };
    assert_eq!((map.as_str(), *kind, *field), ("timers", MapKind::PERCPU_HASH, FieldKind::Timer));
    assert_eq!((path.contains("timer"), *offset), (true, 8));
}

fn timer_in(kind: ProgramKind) -> (Object, u32) {
    let mut a = Assembler::new();
    a.st(Size::W, Reg::FP, -4, 0).load_map(R1, "timers").mov(R2, Reg::FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).mov(R1, R0);
    let line = line!() + 1;
    a.call(Helper::TIMER_CANCEL);
    a.mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, Elem>("timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", kind), a.finish());
    (object.finish().unwrap(), line)
}

#[test]
fn a_timer_in_a_tracing_program_before_7_0() {
    for kind in
        [ProgramKind::KPROBE, ProgramKind::TRACEPOINT, ProgramKind::PERF_EVENT, ProgramKind::RAW_TRACEPOINT]
    {
        let (object, line) = timer_in(kind);
        let error = Plan::new(&object, &Target::of_kernel(6, 19)).unwrap_err();
        let PlanError::Lacks { since, .. } = &error else { panic!("{error}") };
        assert_eq!((since.to_string().as_str(), error.loc().unwrap().line()), ("7.0", line), "{error}");
        Plan::new(&object, &Target::of_kernel(7, 0)).unwrap();
    }
    let (object, _) = timer_in(ProgramKind::SOCKET_FILTER);
    Plan::new(&object, &Target::of_kernel(5, 15)).unwrap();
    assert!(matches!(Plan::new(&object, &Target::of_kernel(5, 14)), Err(PlanError::Lacks { .. })));
}
