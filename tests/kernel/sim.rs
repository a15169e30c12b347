//! The simulator and the kernel run the same programs, and come to the same.

use bpfsmith::asm::Reg::{R0, R1, R2, R6};
use bpfsmith::asm::{Assembler, Helper, Insn, Isa, Reg, Size, walk};
use bpfsmith::kernel::TestRun;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, Machine};
use bpfsmith::target::Target;

use crate::common::{Assembled, builder, load, object_of};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "simulator: every instruction of arithmetic and memory", instructions);
    suite.test_if(has_cap_bpf, "simulator: every conditional jump", jumps);
    suite.test_if(has_cap_bpf, "simulator: a loop of too many rounds", too_many_rounds);
    let net: &'static [_] = &[has_cap_bpf, has_cap_net_admin];
    suite.test_if(all(net), "simulator: storage of a test run's own", storage_of_a_run);
}

const NUMBERS: [u64; 7] = [0, 5, 63, u64::MAX, 1 << 31, 1 << 63, 0x8234_5678_9abc_def0];

/// Both on every pair of operands: what they return, and the context as they leave it.
fn compare(object: &Object, name: &str) {
    let mut machine = Machine::new(object, &Target::simulated()).unwrap();
    let loaded = load(object);
    let program = loaded.program("prog").unwrap();
    for left in NUMBERS {
        for right in NUMBERS {
            let context: Vec<u8> = [left, right, 0].iter().flat_map(|number| number.to_ne_bytes()).collect();
            let real = program.test_run(&TestRun::new().context(context.clone())).unwrap();
            let simulated = machine.run("prog", &Input::context(&context)).unwrap();
            assert_eq!(
                (simulated.retval, simulated.context),
                (real.retval, real.context),
                "{name}, {left:#x}, {right:#x}"
            );
        }
    }
}

/// r1, r2 and the eight bytes under the frame pointer hold the operands; all three end up in the context.
fn around(emit: impl FnOnce(&mut Assembler)) -> Assembled {
    let mut a = Assembler::with_isa(Isa::V4 | Isa::ACQUIRE_RELEASE);
    a.mov(R6, R1).ldx(Size::DW, R1, R6, 0).ldx(Size::DW, R2, R6, 8).mov(R0, R1);
    a.stx(Size::DW, Reg::FP, -8, R1);
    emit(&mut a);
    a.stx(Size::DW, R6, 0, R1).stx(Size::DW, R6, 8, R2);
    a.ldx(Size::DW, R1, Reg::FP, -8).stx(Size::DW, R6, 16, R1).exit();
    a.finish()
}

fn instructions() {
    let plain = |insn: &Insn| {
        matches!(
            insn,
            Insn::Alu { .. }
                | Insn::Neg { .. }
                | Insn::MovSx { .. }
                | Insn::Swap { .. }
                | Insn::Load { .. }
                | Insn::LoadSx { .. }
                | Insn::Store { .. }
                | Insn::StoreImm { .. }
                | Insn::Atomic { .. }
                | Insn::LoadImm64 { .. }
        )
    };
    let insns: Vec<Insn> = walk::all().filter(plain).collect();
    assert!(insns.len() > 90, "{}", insns.len());
    for insn in insns {
        let code = around(|a| {
            a.insn(insn);
        });
        compare(&object_of(ProgramKind::SYSCALL, code), &insn.to_string());
    }
}

fn jumps() {
    for insn in walk::all() {
        let Insn::Jump { cond, width, dst, src, .. } = insn else { continue };
        let code = around(|a| {
            let taken = a.label();
            a.mov(R0, 1).jump_if(cond, width, dst, src, taken).mov(R0, 0).bind(taken);
        });
        compare(&object_of(ProgramKind::SYSCALL, code), &insn.to_string());
    }
}

/// The verifier puts instructions in place of the call, if there are no flags: what they return has 32 bits.
fn too_many_rounds() {
    let mut a = Assembler::new();
    a.mov(R6, R1).mov(R1, 0x80_0001).load_function(R2, "round").mov(Reg::R3, 0).mov(Reg::R4, 0);
    a.call(Helper::LOOP).stx(Size::DW, R6, 0, R0).exit();
    let mut round = Assembler::new();
    round.mov(R0, 0).exit();
    let mut object = builder();
    object.add_function("round", round.finish());
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    compare(&object.finish().unwrap(), "bpf_loop");
}

/// What a run stores in its cgroup, or at the socket of its packet, the next does not find.
fn storage_of_a_run() {
    let sized = |kind| MapSpec::new(kind, "storage").key_size(8).value_size(8);
    let socket = MapSpec::typed::<u32, u64>(MapKind::SK_STORAGE, "storage").flags(MapFlags::NO_PREALLOC);
    for (kind, spec) in [
        (MapKind::CGROUP_STORAGE, sized(MapKind::CGROUP_STORAGE)),
        (MapKind::PERCPU_CGROUP_STORAGE, sized(MapKind::PERCPU_CGROUP_STORAGE)),
        (MapKind::SK_STORAGE, socket.untyped()),
    ] {
        let mut object = builder();
        object.add_map(spec);
        let code = counts(kind == MapKind::SK_STORAGE);
        object.add_program(ProgramSpec::new("prog", ProgramKind::CGROUP_SKB_EGRESS), code);
        let object = object.finish().unwrap();
        let (loaded, mut machine) = (load(&object), Machine::new(&object, &Target::simulated()).unwrap());
        for _ in 0..2 {
            let real = loaded.program("prog").unwrap().test_run(&TestRun::new().data([0; 20])).unwrap();
            let simulated = machine.run("prog", &Input::packet(&[0; 20])).unwrap();
            assert_eq!((simulated.retval, real.retval), (1, 1), "{kind}");
        }
    }
}

/// Counts in its storage, and returns the lowest bit.
fn counts(of_socket: bool) -> Assembled {
    let mut a = Assembler::new();
    let none = a.label();
    if of_socket {
        a.ldx(Size::DW, R1, R1, 168).jeq(R1, 0, none).call(Helper::SK_FULLSOCK).jeq(R0, 0, none);
        a.mov(R2, R0).load_map(R1, "storage").mov(Reg::R3, 0).mov(Reg::R4, 1).call(Helper::SK_STORAGE_GET);
    } else {
        a.load_map(R1, "storage").mov(R2, 0).call(Helper::GET_LOCAL_STORAGE);
    }
    a.jeq(R0, 0, none).ldx(Size::DW, R1, R0, 0).add(R1, 1).stx(Size::DW, R0, 0, R1);
    a.mov(R0, R1).and(R0, 1).exit().bind(none).mov(R0, 0).exit();
    a.finish()
}
