//! What a program may not do stops it, with its line; what the simulator lacks is said before anything runs.

use bpfsmith::asm::Reg::{R0, R1, R2, R3};
use bpfsmith::asm::{AtomicOp, Insn, Reg, Size, Slot, Width};
use bpfsmith::base::Helper;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{FaultKind, Input, Machine, RunError, SimError};
use bpfsmith::target::Target;

use crate::common::{assembler, fault_of, machine, object_of};

const FP: Reg = Reg::FP;

#[test]
fn memory_has_bounds() {
    for (base, off, expected) in [
        (R1, 16, "a load of 8 bytes at the context+16: out of bounds"),
        (R1, 9, "a load of 8 bytes at the context+9: out of bounds"),
        (R1, -1, "a load of 8 bytes at the context-1: out of bounds"),
        (FP, 0, "a load of 8 bytes at fp+0 of frame 0: out of bounds"),
        (FP, -520, "a load of 8 bytes at fp-520 of frame 0: out of bounds"),
        (R0, 0, "a load of 8 bytes at 0x0: the pointer is null"),
        (R2, 0, "a load of 8 bytes at 0x123456789: the address is no pointer"),
    ] {
        let mut a = assembler();
        a.mov(R0, 0).load_imm64(R2, 0x1_2345_6789_u64);
        let line = line!() + 1;
        a.ldx(Size::DW, R3, base, off);
        a.exit();
        let fault = fault_of(a.finish());
        assert_eq!(fault.kind.to_string(), expected);
        assert_eq!(fault.site.loc().unwrap().line(), line);
        assert_eq!((fault.program.as_str(), fault.function.as_str(), fault.slot), ("prog", "prog", 3));
    }
}

#[test]
fn atomics_are_aligned() {
    let mut a = assembler();
    a.mov(R0, 0).insn(Insn::Atomic { op: AtomicOp::Add, width: Width::Bits64, base: R1, off: 4, src: R0 });
    a.exit();
    let expected = "an atomic operation of 8 bytes at the context+4: not aligned";
    assert_eq!(fault_of(a.finish()).kind.to_string(), expected);
}

#[test]
fn an_element_ends_before_the_next() {
    for (at, stores, expected) in [
        (8, false, "a load of 1 bytes at the values of `values`+8: out of bounds"),
        (0, true, "a store of 1 bytes at the values of `values`+0: read-only"),
    ] {
        let mut a = assembler();
        let out = a.label();
        a.st(Size::W, FP, -4, 0).load_map(R1, "values").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
        a.jeq(R0, 0, out);
        if stores {
            a.st(Size::B, R0, at, 1);
        } else {
            a.ldx(Size::B, R0, R0, at);
        }
        a.bind(out).mov(R0, 0).exit();
        let mut object = ObjectBuilder::new("test").license("GPL");
        object.add_map(MapSpec::array::<u64>("values").max_entries(2).flags(MapFlags::RDONLY_PROG));
        object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
        let fault = machine(&object.finish().unwrap()).run("prog", &Input::empty()).unwrap_err();
        assert!(fault.to_string().ends_with(expected), "{fault}");
    }
}

#[test]
fn a_context_has_fields() {
    let mut a = assembler();
    a.ldx(Size::H, R0, R1, 0).exit();
    let error = machine(&object_of(ProgramKind::XDP, a.finish())).run("prog", &Input::packet(&[0; 14]));
    let RunError::Fault(fault) = error.unwrap_err() else { panic!() };
    assert!(matches!(fault.kind, FaultKind::Field { size: 2, offset: 0, context: "xdp_md", .. }), "{fault}");
}

#[test]
fn an_endless_loop_has_a_budget() {
    let mut a = assembler();
    let again = a.label();
    a.mov(R0, 0).bind(again).add(R0, 1).ja(again).exit();
    let mut machine = machine(&object_of(ProgramKind::SYSCALL, a.finish()));
    machine.set_budget(1000);
    let RunError::Fault(fault) = machine.run("prog", &Input::empty()).unwrap_err() else { panic!() };
    assert_eq!(fault.kind, FaultKind::Budget { instructions: 1000 });
}

#[test]
fn what_it_lacks_it_says_first() {
    let new = |code| Machine::new(&object_of(ProgramKind::SYSCALL, code), &Target::simulated()).unwrap_err();
    let mut a = assembler();
    let line = line!() + 1;
    a.call(Helper::SYS_CLOSE).exit();
    let SimError::Helper { helper, site, slot: 0, .. } = new(a.finish()) else { panic!() };
    assert_eq!((helper, site.loc().unwrap().line()), (Helper::SYS_CLOSE, line));

    let mut a = assembler();
    a.gotox(R0).exit();
    assert!(matches!(new(a.finish()), SimError::Instruction { slot: 0, .. }));

    let mut a = assembler();
    a.mov(R0, 0).raw(Slot::new(0xff, 0, 0, 0, 0).unwrap()).exit();
    assert!(matches!(new(a.finish()), SimError::NoInstruction { slot: 1, .. }));
}

#[test]
fn kinds_of_maps_it_lacks_have_a_name() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_map(MapSpec::new(MapKind::ARENA, "stacks").max_entries(1).flags(MapFlags::MMAPABLE));
    let error = Machine::new(&object.finish().unwrap(), &Target::simulated()).unwrap_err();
    assert!(matches!(error, SimError::MapKind { kind: MapKind::ARENA, .. }), "{error}");
}
