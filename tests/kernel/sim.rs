//! The simulator and the kernel run the same programs, and come to the same.

use bpfsmith::asm::Reg::{R0, R1, R2, R6};
use bpfsmith::asm::{Assembler, Insn, Isa, Reg, Size, walk};
use bpfsmith::kernel::TestRun;
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;
use bpfsmith::sim::{Input, Machine};
use bpfsmith::target::Target;

use crate::common::{Assembled, load, object_of};
use crate::support::{Suite, has_cap_bpf};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "simulator: every instruction of arithmetic and memory", instructions);
    suite.test_if(has_cap_bpf, "simulator: every conditional jump", jumps);
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
