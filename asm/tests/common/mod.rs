//! A small interpreter: what the instructions say, without memory.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bpfsmith_asm::{AluOp, Code, Cond, Extend, Insn, Reg, Source, SwapBits, SwapOp, Width};

/// Runs a function to its exit, with these values of `R1` to `R5`, as a little-endian machine does.
///
/// `may_goto` falls through once.
pub(crate) fn run(code: &Code, args: &[u64]) -> u64 {
    let slots: Vec<_> = code.slots().collect();
    let mut regs = [0u64; 11];
    regs[1..=args.len()].copy_from_slice(args);
    let mut may_goto = 1;
    let mut pc = 0usize;
    for _ in 0..10_000_000 {
        let (insn, taken) = Insn::decode(&slots[pc..]).unwrap_or_else(|error| panic!("slot {pc}: {error}"));
        let next = pc + taken;
        let to = |off: i64| usize::try_from(next as i64 + off).unwrap();
        pc = next;
        match insn {
            Insn::Alu { op, width, dst, src } => {
                let value = alu(op, width, regs[dst as usize], source(&regs, src));
                regs[dst as usize] = value;
            }
            Insn::Neg { width, dst } => regs[dst as usize] = cut(width, regs[dst as usize].wrapping_neg()),
            Insn::MovSx { extend, dst, src } => regs[dst as usize] = extended(extend, regs[src as usize]),
            Insn::Swap { op, bits, dst } => regs[dst as usize] = swapped(op, bits, regs[dst as usize]),
            Insn::LoadImm64 { dst, value } => regs[dst as usize] = value,
            Insn::Ja { off } => pc = to(off.into()),
            Insn::JaLong { off } => pc = to(off.into()),
            Insn::Jump { cond, width, dst, src, off } => {
                if holds(cond, width, regs[dst as usize], source(&regs, src)) {
                    pc = to(off.into());
                }
            }
            Insn::MayGoto { off } => {
                if may_goto == 0 {
                    pc = to(off.into());
                } else {
                    may_goto -= 1;
                }
            }
            Insn::Exit => return regs[Reg::R0 as usize],
            other => panic!("slot {pc}: {other:?} is not for this interpreter"),
        }
    }
    panic!("it does not end");
}

fn source(regs: &[u64; 11], src: Source) -> u64 {
    match src {
        Source::Reg(reg) => regs[reg as usize],
        Source::Imm(imm) => i64::from(imm) as u64,
    }
}

fn cut(width: Width, value: u64) -> u64 {
    match width {
        Width::Bits32 => value as u32 as u64,
        Width::Bits64 => value,
    }
}

fn signed(width: Width, value: u64) -> i64 {
    match width {
        Width::Bits32 => i64::from(value as u32 as i32),
        Width::Bits64 => value as i64,
    }
}

fn alu(op: AluOp, width: Width, dst: u64, src: u64) -> u64 {
    let (a, b) = (cut(width, dst), cut(width, src));
    let shift = (b % width.bits() as u64) as u32;
    let (sa, sb) = (signed(width, a), signed(width, b));
    let value = match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::Div => a.checked_div(b).unwrap_or(0),
        AluOp::SDiv if b == 0 => 0,
        AluOp::SDiv => sa.wrapping_div(sb) as u64,
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Lsh => a << shift,
        AluOp::Rsh => a >> shift,
        AluOp::Mod => a.checked_rem(b).unwrap_or(a),
        AluOp::SMod if b == 0 => a,
        AluOp::SMod => sa.wrapping_rem(sb) as u64,
        AluOp::Xor => a ^ b,
        AluOp::Mov => b,
        AluOp::Arsh => (sa >> shift) as u64,
    };
    cut(width, value)
}

fn extended(extend: Extend, value: u64) -> u64 {
    let wide = match extend.from() {
        8 => i64::from(value as i8),
        16 => i64::from(value as i16),
        _ => i64::from(value as i32),
    };
    cut(extend.to(), wide as u64)
}

fn swapped(op: SwapOp, bits: SwapBits, value: u64) -> u64 {
    let swap = op != SwapOp::ToLe;
    match bits {
        SwapBits::B16 if swap => (value as u16).swap_bytes().into(),
        SwapBits::B16 => (value as u16).into(),
        SwapBits::B32 if swap => (value as u32).swap_bytes().into(),
        SwapBits::B32 => (value as u32).into(),
        SwapBits::B64 if swap => value.swap_bytes(),
        SwapBits::B64 => value,
    }
}

/// Whether a condition holds.
pub(crate) fn holds(cond: Cond, width: Width, dst: u64, src: u64) -> bool {
    let (a, b) = (cut(width, dst), cut(width, src));
    let (sa, sb) = (signed(width, a), signed(width, b));
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::SGt => sa > sb,
        Cond::SGe => sa >= sb,
        Cond::SLt => sa < sb,
        Cond::SLe => sa <= sb,
        Cond::Set => a & b != 0,
    }
}
