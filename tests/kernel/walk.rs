//! Each instruction there is, in a program that makes its operands valid: the kernel takes what our encoder calls valid.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6};
use bpfsmith::asm::{Assembler, Helper, Insn, Isa, MapRef, RelocKind, Size, walk};
use bpfsmith::kernel::{self, Inputs, LoadError, Loaded, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::Plan;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sys::host;
use bpfsmith::target::{Fact, Feature, Subject, Target};

use crate::common::{Assembled, FP, builder};
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon, has_vmlinux_btf};

pub fn add(suite: &mut Suite) {
    let needed = || all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf]);
    suite.test_if(needed(), "walk: the kernel takes and runs each instruction it is old enough for", taken);
    suite.test_if(
        needed(),
        "walk: what came after this kernel it refuses, by its opcode or register",
        refused,
    );
    suite.test("walk: the harness holds each instruction as it was given", unchanged);
}

/// The instruction is younger than the running kernel.
fn too_young(insn: &Insn) -> bool {
    let kernel = host::kernel_version().unwrap();
    insn.isa().since().is_some_and(|since| since > kernel)
}

fn taken() {
    let failures: Vec<String> = walk::all()
        .filter(|insn| !too_young(insn))
        .filter_map(|insn| load(&insn).and_then(run).err().map(|error| format!("{insn:?}: {error}")))
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// What kernels say to instructions that came later.
const UNKNOWN: &[(Isa, &str)] =
    &[(Isa::INDIRECT_JUMP, "unknown opcode 0d"), (Isa::STACK_ARGUMENTS, "R11 is invalid")];

fn refused() {
    for insn in walk::all().filter(too_young) {
        let (_, expected) = UNKNOWN.iter().find(|(group, _)| insn.isa() == *group).unwrap();
        let error = load(&insn).expect_err("the kernel took it");
        let rejection = error.rejection().unwrap_or_else(|| panic!("{insn:?}: {error}"));
        assert_eq!(rejection.reason(), *expected, "{insn:?}");
        let code = program(&insn).unwrap();
        let slot = code.insns().find(|(_, decoded)| *decoded == Ok(insn)).unwrap().0;
        assert_eq!(rejection.instruction(), u32::try_from(slot).ok(), "{insn:?}");
    }
}

fn unchanged() {
    for insn in walk::all() {
        let code = program(&insn).unwrap_or_else(|error| panic!("{insn:?}: {error}"));
        let held = code.insns().any(|(_, decoded)| decoded == Ok(without_symbol(insn)));
        assert!(held, "{insn:?}\n{code}");
    }
}

/// Numbers that only a kernel knows are zero in code.
fn without_symbol(insn: Insn) -> Insn {
    match insn {
        Insn::LoadBtfId { dst, .. } => Insn::LoadBtfId { dst, id: 0, btf_fd: 0 },
        Insn::CallKfunc { .. } => Insn::CallKfunc { id: 0, btf_index: 0 },
        insn => insn,
    }
}

fn load(insn: &Insn) -> Result<Loaded, LoadError> {
    let object = object(insn);
    let target = Target::running(&object.needs()).map_err(LoadError::Target)?;
    let fd_array = match insn {
        Insn::LoadMap { map: MapRef::Fd(_), .. } | Insn::LoadMapValue { map: MapRef::Fd(_), .. } => Fact::No,
        _ => Fact::Yes,
    };
    let target = target.with_fact(Subject::Feature(Feature::FdArray), fd_array);
    kernel::load_plan(&object, &Plan::new(&object, &target)?, Inputs::new())
}

fn run(loaded: Loaded) -> Result<(), LoadError> {
    let program = loaded.program("prog")?;
    let syscall = program.prog_type() == ProgramKind::SYSCALL.prog_type();
    let input = if syscall { TestRun::new() } else { TestRun::new().data([0; 64]) };
    assert_eq!(program.test_run(&input).unwrap().retval, 0);
    Ok(())
}

fn object(insn: &Insn) -> Object {
    let mut object = builder();
    let kind = match insn {
        Insn::LoadAbs { .. } | Insn::LoadInd { .. } => ProgramKind::SOCKET_FILTER,
        _ => ProgramKind::SYSCALL,
    };
    object.add_program(ProgramSpec::new("prog", kind), program(insn));
    add_what_it_uses(&mut object, insn);
    object.finish().unwrap()
}

/// Where user space would have the arena.
const ARENA: u64 = 1 << 44;

fn add_what_it_uses(object: &mut ObjectBuilder, insn: &Insn) {
    match insn {
        Insn::AddrSpaceCast { .. } => {
            let arena = MapSpec::new(MapKind::ARENA, "arena").max_entries(1).flags(MapFlags::MMAPABLE);
            object.add_map(arena.extra(ARENA));
        }
        Insn::LoadMap { .. } | Insn::LoadMapValue { .. } => {
            object.add_map(MapSpec::array::<u64>("map").max_entries(1));
        }
        Insn::LoadFunction { .. } | Insn::CallFunction { .. } => {
            object.add_function("function", Assembler::new().mov(R0, 0).exit().finish());
        }
        _ => {}
    }
}

/// Every register and every word of memory that the walk uses holds a number; after the instruction, 0 is returned.
fn program(insn: &Insn) -> Assembled {
    let mut a = Assembler::with_isa(Isa::all());
    a.mov(R6, R1).mov(R0, 1).mov(R1, 2).mov(R2, 3).st(Size::DW, FP, -8, 4);
    if let Insn::AddrSpaceCast { .. } = insn {
        a.load_map(R3, "arena");
    }
    put(&mut a, *insn);
    match insn {
        // The address of a function is to be used as one.
        Insn::LoadFunction { .. } => {
            a.mov(R2, R1).mov(R1, 1).mov(R3, 0).mov(R4, 0).call(Helper::LOOP);
        }
        Insn::CallKfunc { .. } => {
            a.call_kfunc("bpf_rcu_read_unlock");
        }
        // Nothing follows it, or the kernel would call that unreachable.
        Insn::Exit => return a.finish(),
        _ => {}
    }
    a.mov(R0, 0).exit();
    a.finish()
}

/// A function that takes nothing. Its address is the one of a kernel's symbols that every kernel tells: many keep no table
/// of their variables.
const KFUNC: &str = "bpf_rcu_read_lock";

fn put(a: &mut Assembler, insn: Insn) {
    let reloc = match insn {
        Insn::LoadMap { .. } => Some((RelocKind::Map, "map")),
        Insn::LoadMapValue { offset, .. } => Some((RelocKind::MapValue { offset }, "map")),
        Insn::LoadBtfId { .. } => Some((RelocKind::Ksym { typed: true }, KFUNC)),
        Insn::LoadFunction { .. } => Some((RelocKind::LoadFunction, "function")),
        Insn::CallFunction { .. } => Some((RelocKind::CallFunction, "function")),
        Insn::CallKfunc { .. } => Some((RelocKind::Kfunc, KFUNC)),
        _ => None,
    };
    match (insn, reloc) {
        (Insn::Exit, _) => a.mov(R0, 0).exit(),
        (_, Some((kind, name))) => {
            a.reloc_at(without_symbol(insn), kind, name, std::panic::Location::caller())
        }
        (_, None) => a.insn(insn),
    };
}
