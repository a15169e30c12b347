//! Each instruction there is, in a program that makes its operands valid: the kernel takes what our encoder calls valid.
//!
//! In the assembler only: the instructions themselves are what is tried.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6};
use bpfsmith::asm::{Assembler, Helper, Insn, Isa, MapRef, RelocKind, Size, walk};
use bpfsmith::base::KernelVersion;
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
    suite.test(
        "walk: what came after 5.15 older kernels refuse in words that are known",
        every_later_group_has_its_refusal,
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
        .filter_map(|insn| load(&insn).and_then(run).err().map(|error| (insn, error)))
        .filter(|(insn, error)| !is_known_without_operands(insn, error))
        .map(|(insn, error)| format!("{insn:?}: {error}"))
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Groups whose operands only a program of several parts can make: tables of jumps, functions of more than five arguments.
const OF_SEVERAL_PARTS: Isa = Isa::INDIRECT_JUMP.union(Isa::STACK_ARGUMENTS);

/// The kernel knows the instruction, and has something against its operands.
fn is_known_without_operands(insn: &Insn, error: &LoadError) -> bool {
    let reason = error.rejection().map(|rejection| rejection.reason());
    insn.isa().intersects(OF_SEVERAL_PARTS)
        && reason.is_some_and(|reason| refusal(insn) != Some(Refusal::Verifier(reason.to_owned())))
}

/// The oldest kernel that what follows is known for.
const OLDEST: KernelVersion = KernelVersion::new(5, 15);

/// How a kernel refuses what came after it.
#[derive(Debug, PartialEq)]
enum Refusal {
    /// With these words.
    Verifier(String),
    /// It has no maps of the kind that the instruction is for.
    Map,
}

/// What a kernel from 5.15 on says to an instruction of a group that came later (kernel/bpf/verifier.c): to opcodes that it
/// does not know, and to new meanings of fields that had to be zero, in the order it looks.
fn refusal(insn: &Insn) -> Option<Refusal> {
    const LDX: u8 = 0x01;
    const MOV: u8 = 0xb0;
    const DIV: u8 = 0x30;
    const MOD: u8 = 0x90;
    const WORD: u8 = 0x00;
    const DOUBLE: u8 = 0x18;
    let slot = insn.encode().into_iter().next()?;
    let (opcode, group) = (slot.opcode(), insn.isa());
    let arithmetic = matches!(opcode & 0x07, 0x04 | 0x07);
    let words = match opcode {
        _ if group.contains(Isa::STACK_ARGUMENTS) => "R11 is invalid".to_owned(),
        _ if group.contains(Isa::ARENA) => return Some(Refusal::Map),
        _ if group.contains(Isa::ACQUIRE_RELEASE) && matches!(opcode & 0x18, WORD | DOUBLE) => {
            format!("BPF_ATOMIC uses invalid atomic opcode {:02x}", slot.imm())
        }
        _ if group.contains(Isa::CPUV4) && opcode & 0x07 == LDX => "BPF_LDX uses reserved fields".to_owned(),
        _ if group.contains(Isa::CPUV4) && arithmetic && opcode & 0xf0 == MOV => {
            "BPF_MOV uses reserved fields".to_owned()
        }
        _ if group.contains(Isa::CPUV4) && arithmetic && matches!(opcode & 0xf0, DIV | MOD) => {
            "BPF_ALU uses reserved fields".to_owned()
        }
        _ if group.since().is_some_and(|since| since > OLDEST) => format!("unknown opcode {opcode:02x}"),
        _ => return None,
    };
    Some(Refusal::Verifier(words))
}

fn refused() {
    for insn in walk::all().filter(too_young) {
        let expected = refusal(&insn).unwrap_or_else(|| panic!("{insn:?}: what kernels say is not known"));
        let error = load(&insn).expect_err("the kernel took it");
        if expected == Refusal::Map {
            assert!(matches!(error, LoadError::Command { command: "MAP_CREATE", .. }), "{insn:?}: {error}");
            continue;
        }
        let rejection = error.rejection().unwrap_or_else(|| panic!("{insn:?}: {error}"));
        assert_eq!(Refusal::Verifier(rejection.reason().to_owned()), expected, "{insn:?}");
        let code = program(&insn).unwrap();
        let slot = code.insns().find(|(_, decoded)| *decoded == Ok(insn)).unwrap().0;
        assert_eq!(rejection.instruction(), u32::try_from(slot).ok(), "{insn:?}");
    }
}

/// The tables of what came when and of what was said before cover one another.
fn every_later_group_has_its_refusal() {
    for insn in walk::all() {
        let later = insn.isa().since().is_some_and(|since| since > OLDEST);
        assert_eq!(refusal(&insn).is_some(), later, "{insn:?}");
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
    let target = Target::running(object.needs()).map_err(LoadError::Target)?;
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
