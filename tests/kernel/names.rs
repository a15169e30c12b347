//! What code names: functions of the program, locks in values, types and symbols of the kernel.

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R6, R7};
use bpfsmith::asm::{AluOp, Assembler, BtfScope, CoreKind, Helper, Insn, Size, Source, Width};
use bpfsmith::btf::{Kind, SpinLock, StructDef, View};
use bpfsmith::kernel;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sys::host;

use crate::common::{Assembled, FP, builder, load, look_up, object_of, returns, run, run_on_packet};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_vmlinux_btf};

pub fn add(suite: &mut Suite) {
    suite.test_if(
        has_cap_bpf,
        "names: static functions call one another, shared and nested",
        static_functions,
    );
    suite.test_if(has_cap_bpf, "names: a global function is verified on its own", global_function);
    let net = all(&[has_cap_bpf, has_cap_net_admin]);
    suite.test_if(net, "names: a lock in a value guards the rest of it", spin_lock);
    let vmlinux = || all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf]);
    suite.test_if(vmlinux(), "names: the id of a kernel type", kernel_type);
    suite.test_if(vmlinux(), "names: the kernel finds its own offset of a field (CO-RE)", core_offset);
    suite.test_if(
        vmlinux(),
        "names: what the kernel does not have is an error on the line that names it",
        missing,
    );
}

/// The function returns twice what `callee` returns, and one more.
fn doubles(callee: &str) -> Assembled {
    let mut a = Assembler::new();
    a.call_function(callee).add(R0, R0).add(R0, 1).exit();
    a.finish()
}

fn static_functions() {
    let mut object = builder();
    let mut a = Assembler::new();
    a.call_function("twice").mov(R6, R0).call_function("once").add(R0, R6).exit();
    object.add_function("leaf", returns(10));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    object.add_function("twice", doubles("once"));
    object.add_function("once", doubles("leaf"));
    object.add_program(ProgramSpec::new("other", ProgramKind::SYSCALL), doubles("leaf"));
    object.add_function("unused", returns(0));
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 43 + 21);
    assert_eq!(run(loaded.program("other").unwrap()), 21);
}

fn global_function() {
    let mut object = builder();
    let int = <i32 as BtfType>::btf(object.btf()).unwrap();
    let proto = object.btf().func_proto(int, &[("number", int)]).unwrap();
    let mut a = Assembler::new();
    a.mov(R0, R1).mul(R0, 3).exit();
    object.add_global_function("three_times", proto, a.finish());
    let mut a = Assembler::new();
    a.mov(R1, 14).call_function("three_times").exit();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 42);
}

#[derive(BtfType, Default)]
#[repr(C)]
struct Guarded {
    lock: SpinLock,
    number: u32,
}

fn spin_lock() {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "map").jeq(R0, 0, out).mov(R6, R0).mov(R1, R6).call(Helper::SPIN_LOCK);
    a.ldx(Size::W, R7, R6, Guarded::NUMBER.off()).add(R7, 1).stx(Size::W, R6, Guarded::NUMBER.off(), R7);
    a.mov(R1, R6).call(Helper::SPIN_UNLOCK).bind(out).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::array::<Guarded>("map").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SCHED_CLS), a.finish());
    let loaded = load(&object.finish().unwrap());
    let map = loaded.typed_map::<u32, Guarded>("map").unwrap();
    map.set(&0, &Guarded { number: 8, ..Guarded::default() }).unwrap();
    run_on_packet(loaded.program("prog").unwrap());
    assert_eq!(map.get(&0).unwrap().unwrap().number, 9);
}

fn kernel_type() {
    let mut a = Assembler::new();
    a.load_btf_id(R0, BtfScope::Kernel, "struct task_struct").exit();
    let loaded = load(&object_of(ProgramKind::SYSCALL, a.finish()));
    let btf = host::vmlinux_btf().unwrap();
    let id = View::new(btf.as_ref()).unwrap().find(Kind::Struct, "task_struct").unwrap();
    assert_eq!(run(loaded.program("prog").unwrap()), id.0);
}

/// The local type has the field at another place.
fn core_offset() {
    let mut object = builder();
    let int = <i32 as BtfType>::btf(object.btf()).unwrap();
    let local = object.btf().structure(StructDef::new("task_struct").member("tgid", int)).unwrap();
    let zero = Insn::Alu { op: AluOp::Mov, width: Width::Bits64, dst: R0, src: Source::Imm(0) };
    let mut a = Assembler::new();
    a.core(zero, CoreKind::FieldByteOffset, "task_struct", local.0, "0:0").exit();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), offset_of_tgid());
}

fn offset_of_tgid() -> u32 {
    let btf = host::vmlinux_btf().unwrap();
    let view = View::new(btf.as_ref()).unwrap();
    let task = view.find(Kind::Struct, "task_struct").unwrap();
    let bpfsmith::btf::Type::Struct(task) = view.get(task).unwrap() else { panic!("no struct") };
    let member = task.members.iter().find(|member| member.name == "tgid").unwrap();
    member.bit_offset / 8
}

fn missing() {
    let emitters: [fn(&mut Assembler); 4] = [
        |a| {
            a.call_kfunc("no_such_function");
        },
        |a| {
            a.load_ksym_typed(R1, "no_such_symbol");
        },
        |a| {
            a.load_ksym(R1, "no_such_symbol");
        },
        |a| {
            a.load_btf_id(R1, BtfScope::Kernel, "struct no_such_type");
        },
    ];
    for emit in emitters {
        let mut a = Assembler::new();
        emit(&mut a);
        a.mov(R0, 0).exit();
        let error = kernel::load(&object_of(ProgramKind::SYSCALL, a.finish())).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("no_such_") && text.contains(" at tests/kernel/names.rs:"), "{text}");
    }
}
