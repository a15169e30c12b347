//! Calls, callbacks, tail calls, loops.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6};
use bpfsmith::asm::{Code, Reg, Size};
use bpfsmith::base::Helper;
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{FaultKind, Input, RunError};

use crate::common::{Assembled, assembler, machine, result_of};

const FP: Reg = Reg::FP;

fn run(functions: Vec<(&str, Assembled)>) -> Result<u64, RunError> {
    let mut object = ObjectBuilder::new("test").license("GPL");
    for (name, code) in functions {
        if name == "prog" {
            object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
        } else {
            object.add_function(name, code);
        }
    }
    let outcome = machine(&object.finish().unwrap()).run("prog", &Input::empty())?;
    Ok(outcome.result)
}

#[test]
fn a_function_keeps_what_it_must() {
    let mut a = assembler();
    a.mov(R6, 5).st(Size::DW, FP, -8, 30).mov(R1, 7).mov(R2, FP).call_function("twice");
    a.add(R0, R6).ldx(Size::DW, R1, FP, -8).add(R0, R1).exit();
    // The caller's stack can be read and written; r6 and the frame pointer are the caller's again.
    let mut b = assembler();
    b.mov(R6, 99).ldx(Size::DW, R3, R2, -8).add(R3, 1).stx(Size::DW, R2, -8, R3);
    b.st(Size::DW, FP, -8, 1000).mov(R0, R1).add(R0, R1).exit();
    let result = run(vec![("prog", a.finish()), ("twice", b.finish())]);
    assert_eq!(result.unwrap(), 14 + 5 + 31);
}

#[test]
fn functions_nest_so_deep_and_no_deeper() {
    // A chain of functions, each of which calls the next.
    let chain = |length: usize| {
        let names: Vec<String> =
            (1..length).map(|depth| format!("f{depth}")).chain([String::new()]).collect();
        let code = |next: &str| -> Assembled {
            let mut a = assembler();
            match next {
                "" => a.mov(R0, 1).exit(),
                next => a.call_function(next).add(R0, 1).exit(),
            };
            a.finish()
        };
        let callers = std::iter::once("prog").chain(names.iter().map(String::as_str));
        run(callers.zip(&names).map(|(name, next)| (name, code(next))).collect())
    };
    assert_eq!(chain(8).unwrap(), 8);
    let RunError::Fault(fault) = chain(9).unwrap_err() else { panic!() };
    assert_eq!((fault.function.as_str(), fault.kind), ("f7", FaultKind::CallDepth { limit: 8 }));
}

/// Sums the indexes of `rounds` rounds, and leaves early when the sum reaches `enough`.
fn summing(rounds: i32, enough: i32) -> u64 {
    let mut a = assembler();
    a.st(Size::DW, FP, -8, 0).mov(R1, rounds).load_function(R2, "add").mov(R3, FP).add(R3, -8).mov(R4, 0);
    a.call(Helper::LOOP).ldx(Size::DW, R1, FP, -8).lsh(R0, 32).or(R0, R1).exit();
    let mut b = assembler();
    let stop = b.label();
    b.ldx(Size::DW, R3, R2, 0).add(R3, R1).stx(Size::DW, R2, 0, R3).jge(R3, enough, stop);
    b.mov(R0, 0).exit().bind(stop).mov(R0, 1).exit();
    run(vec![("prog", a.finish()), ("add", b.finish())]).unwrap()
}

#[test]
fn bpf_loop_counts_its_rounds() {
    assert_eq!(summing(5, 1000), 5 << 32 | 10);
    assert_eq!(summing(5, 3), 3 << 32 | 3);
    assert_eq!(summing(0, 1000), 0);
    assert_eq!(summing(1 << 24, 1000) >> 32, 0xffff_fff9, "-E2BIG");
}

#[test]
fn a_walk_sees_every_element() {
    for spec in [MapSpec::hash::<u32, u64>("map"), MapSpec::array::<u64>("map")] {
        let mut a = assembler();
        a.st(Size::DW, FP, -8, 0).load_map(R1, "map").load_function(R2, "add").mov(R3, FP).add(R3, -8);
        a.mov(R4, 0).call(Helper::FOR_EACH_MAP_ELEM);
        a.ldx(Size::DW, R1, FP, -8).lsh(R0, 32).or(R0, R1).exit();
        // Key times value.
        let mut b = assembler();
        b.ldx(Size::W, R1, R2, 0).ldx(Size::DW, R2, R3, 0).mul(R1, R2);
        b.ldx(Size::DW, R2, R4, 0).add(R2, R1).stx(Size::DW, R4, 0, R2).mov(R0, 0).exit();
        let mut object = ObjectBuilder::new("test").license("GPL");
        object.add_map(spec.max_entries(3));
        object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
        object.add_function("add", b.finish());
        let mut machine = machine(&object.finish().unwrap());
        for key in 0..3 {
            let mut map = machine.map::<u32, u64>("map").unwrap();
            map.update(&key, &(10 + u64::from(key)), ElemFlags::empty()).unwrap();
        }
        assert_eq!(machine.run("prog", &Input::empty()).unwrap().result, 3 << 32 | (11 + 24));
    }
}

#[test]
fn tail_calls_end_at_33() {
    // Each round counts in the context's mark; the last one returns.
    let code = || -> Result<Code, _> {
        let mut a = assembler();
        a.mov(R6, R1).ldx(Size::W, R2, R1, 8).add(R2, 1).stx(Size::W, R1, 8, R2);
        a.load_map(R2, "jumps").mov(R3, 0).call(Helper::TAIL_CALL);
        a.ldx(Size::W, R0, R6, 8).exit();
        a.finish()
    };
    let mut object = ObjectBuilder::new("test").license("GPL");
    let jumps = object.add_map(MapSpec::prog_array("jumps").max_entries(1));
    object.add_entry_program(jumps, &0, "prog");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SCHED_CLS), code());
    let mut machine = machine(&object.finish().unwrap());
    assert_eq!(machine.run("prog", &Input::packet(&[0; 64])).unwrap().retval, 34);
}

#[test]
fn may_goto_ends_a_loop() {
    let mut a = assembler();
    let (again, out) = (a.label(), a.label());
    a.mov(R0, 0).bind(again).may_goto(out).add(R0, 1).ja(again).bind(out).exit();
    assert_eq!(result_of(a.finish()), 8 << 20);
}

#[test]
fn a_legacy_load_outside_the_packet_returns() {
    let mut a = assembler();
    a.mov(R6, R1).insn(bpfsmith::asm::Insn::LoadAbs { size: bpfsmith::asm::Narrow::H, offset: 2 });
    a.mov(R6, R0).mov(R0, 1).lsh(R0, 16).or(R0, R6).exit();
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), a.finish());
    let mut machine = machine(&object.finish().unwrap());
    let mut packet = [0; 18];
    packet[16..].copy_from_slice(&[0x12, 0x34]);
    assert_eq!(machine.run("prog", &Input::packet(&packet)).unwrap().retval, 0x1_1234);
    assert_eq!(machine.run("prog", &Input::packet(&packet[..17])).unwrap().retval, 0);
}
