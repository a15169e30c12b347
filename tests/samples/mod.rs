//! Objects for tests that need no kernel: those of the examples, and one for each part of a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::duplicate_mod)]
#![allow(dead_code, unreachable_pub)]

/// A program, and a callback that arms its timer again.
#[path = "../../examples/asm_map_elem.rs"]
pub mod asm_map_elem;
/// Three programs that share a timer.
#[path = "../../examples/asm_shared_map.rs"]
pub mod asm_shared_map;
/// A timer that is cancelled at once.
#[path = "../../examples/asm_timer_cancel.rs"]
pub mod asm_timer_cancel;
/// The same in the DSL.
#[path = "../../examples/map_elem.rs"]
pub mod map_elem;
/// The same in the DSL.
#[path = "../../examples/shared_map.rs"]
pub mod shared_map;
/// The same in the DSL.
#[path = "../../examples/timer_cancel.rs"]
pub mod timer_cancel;

use bpfsmith::asm::Reg::{self, R0, R1, R2, R3};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Insn, Isa, Size};
use bpfsmith::base::Endian;
use bpfsmith::btf::{Builder, IntEncoding, Linkage, StructDef, TypeId, VarSecInfo};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::{Command, Plan};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;

/// Every object, by name, little endian whatever the machine.
pub fn all() -> Vec<(&'static str, Object)> {
    vec![
        ("asm_timer_cancel", asm_timer_cancel::object(true).unwrap()),
        ("asm_map_elem", asm_map_elem::object().unwrap()),
        ("asm_shared_map", asm_shared_map::object().unwrap()),
        ("timer_cancel", timer_cancel::object(true).unwrap()),
        ("map_elem", map_elem::object().unwrap()),
        ("shared_map", shared_map::object().unwrap()),
        ("trivial", trivial()),
        ("maps", maps()),
        ("tail_calls", tail_calls()),
        ("pinned", pinned()),
        ("functions", functions()),
        ("kernel_names", kernel_names()),
    ]
}

fn builder(name: &str) -> ObjectBuilder {
    ObjectBuilder::new(name).license("GPL").endian(Endian::Little)
}

pub fn returns(value: i32) -> Result<Code, AsmError> {
    Assembler::new().mov(R0, value).exit().finish()
}

/// `return 0;`
pub fn trivial() -> Object {
    let mut object = builder("trivial");
    object.add_program(ProgramSpec::new("nothing", ProgramKind::SOCKET_FILTER), returns(0));
    object.finish().unwrap()
}

/// A map of maps with its contents, a per-CPU map, a ring buffer, one that is frozen, one the caller supplies.
pub fn maps() -> Object {
    let mut object = builder("maps");
    let inner = || MapSpec::array::<u64>("inner").max_entries(2);
    object.add_map(MapSpec::array::<u64>("first").max_entries(2));
    let outer = object.add_map(MapSpec::array_of_maps("outer", inner()).max_entries(4));
    object.add_entry_map(outer, &1, "first");
    object.add_map(MapSpec::array::<u64>("globals").max_entries(1));
    let each = object.add_map(MapSpec::percpu_array::<u32>("per_cpu").max_entries(1));
    object.add_entry(each, &0, &7);
    object.add_map(MapSpec::ringbuf("events", 1 << 16));
    object.add_map(MapSpec::perf_event_array("perf"));
    let frozen = MapSpec::hash::<u32, u32>("constants").max_entries(2).flags(MapFlags::RDONLY_PROG).freeze();
    let frozen = object.add_map(frozen);
    object.add_entry(frozen, &1, &2);
    object.add_map(MapSpec::hash::<u32, u32>("shared").max_entries(8).supplied());
    let mut a = Assembler::new();
    a.st(Size::W, Reg::FP, -4, 1).load_map(R1, "outer").mov(R2, Reg::FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).load_map(R1, "shared").load_map(R1, "outer");
    a.load_map_value(R1, "globals", 4).mov(R0, 0).exit();
    object.add_program(ProgramSpec::new("look", ProgramKind::SOCKET_FILTER), a.finish());
    object.finish().unwrap()
}

/// Two programs, the first of which jumps to the second.
pub fn tail_calls() -> Object {
    let mut object = builder("tail_calls");
    let table = object.add_map(MapSpec::prog_array("table").max_entries(2));
    object.add_entry_program(table, &1, "second");
    let mut a = Assembler::new();
    a.load_map(R2, "table").mov(R3, 1).call(Helper::TAIL_CALL).mov(R0, 0).exit();
    object.add_program(ProgramSpec::new("first", ProgramKind::XDP), a.finish());
    object.add_program(ProgramSpec::new("second", ProgramKind::XDP), returns(2));
    object.finish().unwrap()
}

/// A map that outlives its process.
pub fn pinned() -> Object {
    let mut object = builder("pinned");
    let map = MapSpec::hash::<u32, u64>("kept").max_entries(16).pinned("/sys/fs/bpf/kept");
    let map = object.add_map(map);
    object.add_entry(map, &1, &10);
    let mut a = Assembler::new();
    a.load_map(R1, "kept").mov(R0, 0).exit();
    object.add_program(ProgramSpec::new("use_it", ProgramKind::SOCKET_FILTER), a.finish());
    object.finish().unwrap()
}

/// One function that two programs share, one global, one that is only a callback.
pub fn functions() -> Object {
    let mut object = builder("functions");
    let int = object.btf().int("int", 4, IntEncoding::SIGNED).unwrap();
    let proto = object.btf().func_proto(int, &[("x", int)]).unwrap();
    object.add_map(MapSpec::array::<u32>("numbers").max_entries(4));
    object.add_function("shared", returns(1));
    object.add_global_function("global", proto, returns(2));
    object.add_function("each", returns(0));
    let mut a = Assembler::new();
    a.call_function("shared").mov(R1, 3).call_function("global").mov(R0, 0).exit();
    object.add_program(ProgramSpec::new("calls", ProgramKind::SCHED_CLS), a.finish());
    let mut a = Assembler::new();
    a.call_function("shared").load_map(R1, "numbers").load_function(R2, "each").mov(R3, 0).mov(Reg::R4, 0);
    a.call(Helper::FOR_EACH_MAP_ELEM).mov(R0, 0).exit();
    object.add_program(ProgramSpec::new("walks", ProgramKind::SCHED_CLS), a.finish());
    object.finish().unwrap()
}

/// A kfunc, one of a module, a kernel variable with its type and one of a module, an address, a type, an attach target.
pub fn kernel_names() -> Object {
    let mut object = builder("kernel_names");
    object.add_map(MapSpec::array::<u32>("numbers").max_entries(1));
    let mut a = Assembler::new();
    a.call_kfunc("bpf_kfunc").call_kfunc("module_kfunc").load_map(R1, "numbers");
    a.load_ksym(R1, "variable").load_ksym_typed(R2, "variable").load_ksym_typed(R3, "module_variable");
    a.mov(R0, 0).exit();
    object.add_program(
        ProgramSpec::new("traced", ProgramKind::FENTRY).attach_to("traced_function"),
        a.finish(),
    );
    object.finish().unwrap()
}

/// BTF of a kernel with the names of [`kernel_names`], and of a module.
pub fn kernel_btf() -> (Vec<u8>, Vec<u8>) {
    let mut kernel = Builder::new();
    let int = kernel.int("int", 4, IntEncoding::SIGNED).unwrap();
    let proto = kernel.func_proto(int, &[]).unwrap();
    kernel.func("bpf_kfunc", proto, Linkage::Static).unwrap();
    kernel.func("traced_function", proto, Linkage::Static).unwrap();
    kernel.var("variable", int, Linkage::Global).unwrap();
    let kernel = kernel.finish().unwrap();
    let mut module = Builder::split(kernel.clone().into());
    module.func("module_kfunc", proto, Linkage::Static).unwrap();
    module.var("module_variable", int, Linkage::Global).unwrap();
    (kernel.encode(Endian::Little), module.finish().unwrap().encode(Endian::Little))
}

/// The unpatched kernel of a release that answers everything the objects here ask for.
pub fn answers(major: u16, minor: u16) -> Target {
    answering(Target::of_kernel(major, minor))
}

/// The same of any target.
pub fn answering(target: Target) -> Target {
    let (kernel, module) = kernel_btf();
    target
        .with_endian(Endian::Little)
        .with_btf(kernel)
        .with_module("module", 42, module)
        .with_symbol("variable", 0xffff_ffff_8123_4568)
        .with_possible_cpus(4)
        .with_page_size(4096)
}

/// A kind of map without types.
pub fn untyped(kind: MapKind, name: &str) -> MapSpec {
    MapSpec::new(kind, name).key_size(4).value_size(4).max_entries(1)
}

/// Every instruction of `isa` is free to use.
pub fn one(insn: Insn) -> Result<Code, AsmError> {
    Assembler::with_isa(Isa::all()).mov(R0, 0).insn(insn).exit().finish()
}

/// Every kind of BTF.
pub fn every_kind() -> Object {
    let mut object = ObjectBuilder::new("every_kind").license("GPL").endian(Endian::Little);
    let value = describe(object.btf());
    object.add_map(MapSpec::new(MapKind::HASH, "map").key_type(value.0).value_type(value.1).max_entries(1));
    let mut a = Assembler::new();
    object.add_program(
        ProgramSpec::new("main", ProgramKind::SOCKET_FILTER),
        a.load_map(R1, "map").mov(R0, 0).exit().finish(),
    );
    object.finish().unwrap()
}

fn describe(b: &mut Builder) -> (TypeId, TypeId) {
    let int = b.int("int", 4, IntEncoding::SIGNED).unwrap();
    let float = b.float("double", 8).unwrap();
    let wide = b.enumeration64("wide", 8, true, &[("low", u64::MAX), ("high", 1)]).unwrap();
    let signed = b.enumeration("signed", 4, true, &[("minus", -1), ("plus", 1)]).unwrap();
    let tagged = b.type_tag("rcu", int).unwrap();
    let pointer = b.ptr(tagged).unwrap();
    let proto = b.func_proto(int, &[("x", pointer)]).unwrap();
    let callback = b.ptr(proto).unwrap();
    let var = b.var("counter", int, Linkage::Global).unwrap();
    b.datasec(".data.mine", 4, &[VarSecInfo { var, offset: 0, size: 4 }]).unwrap();
    let def = StructDef::new("value")
        .member("f", float)
        .member("w", wide)
        .member("s", signed)
        .member("p", pointer)
        .member("c", callback);
    let value = b.structure(def).unwrap();
    b.decl_tag("note", value, None).unwrap();
    (int, value)
}

/// The BTF that is loaded for `target`.
pub fn loaded_btf(object: &Object, target: &Target) -> Vec<u8> {
    let plan = Plan::new(object, target).unwrap();
    let load = plan.commands().find_map(|command| match command {
        Command::BtfLoad(load) => Some(load.bytes.to_vec()),
        _ => None,
    });
    load.unwrap()
}
