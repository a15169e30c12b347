//! Arithmetic and conditions against plain Rust, at the edges, in both byte orders.

use bpfsmith::asm::Reg::{R0, R1, R6, R7, R8};
use bpfsmith::asm::{AluOp, Assembler, Cond, Extend, Insn, Operand, Size, SwapBits, SwapOp, Width};
use bpfsmith::base::Endian;

use crate::common::{Assembled, assembler, machine, object_in, run_on, to_bytes};
use bpfsmith::sim::Input;

const NUMBERS: [u64; 13] = [
    0,
    1,
    7,
    13,
    31,
    63,
    u64::MAX,
    (-13_i64).cast_unsigned(),
    1 << 31,
    1 << 63,
    0xffff_ffff,
    0x1234_5678_9abc_def0,
    0xfedc_ba98_8765_4321,
];
const ENDIANS: [Endian; 2] = [Endian::Little, Endian::Big];

/// The context: two operands; the first becomes the result.
fn program(emit: impl FnOnce(&mut Assembler)) -> Assembled {
    let mut a = assembler();
    a.mov(R6, R1).ldx(Size::DW, R7, R6, 0).ldx(Size::DW, R8, R6, 8);
    emit(&mut a);
    a.stx(Size::DW, R6, 0, R7).mov(R0, 0).exit();
    a.finish()
}

/// Runs a program on many pairs of operands.
fn compare(
    name: &str,
    emit: impl Fn(&mut Assembler),
    pairs: &[(u64, u64)],
    expected: impl Fn(u64, u64) -> u64,
) {
    for endian in ENDIANS {
        let mut machine = machine(&object_in(endian, program(&emit)));
        for &(left, right) in pairs {
            let context = [to_bytes(endian, left), to_bytes(endian, right)].concat();
            let outcome = machine.run("prog", &Input::context(&context)).unwrap();
            let result = &outcome.context[..8];
            assert_eq!(
                result,
                to_bytes(endian, expected(left, right)),
                "{name}: {left:#x}, {right:#x}, {endian:?}"
            );
        }
    }
}

fn pairs(number: Option<i32>) -> Vec<(u64, u64)> {
    let rights = number.map_or(NUMBERS.to_vec(), |number| vec![i64::from(number).cast_unsigned()]);
    NUMBERS.into_iter().flat_map(|left| rights.iter().map(move |right| (left, *right))).collect()
}

#[test]
fn every_operation() {
    for &op in AluOp::ALL {
        for &width in Width::ALL {
            for number in [None, Some(13), Some(-13)] {
                if op.shifts() && number.is_some_and(|number| number < 0) {
                    continue;
                }
                let right = number.map_or(Operand::from(R8), Operand::from);
                let emit = |a: &mut Assembler| {
                    a.alu(op, width, R7, right);
                };
                compare(&format!("{op:?} {width:?}"), emit, &pairs(number), |left, right| match width {
                    Width::Bits64 => in_64_bits(op, left, right),
                    Width::Bits32 => in_32_bits(op, left as u32, right as u32).into(),
                });
            }
        }
    }
}

macro_rules! operations {
    ($name:ident $unsigned:ty, $wide:ty) => {
        /// By way of wider numbers, where nothing overflows.
        fn $name(op: AluOp, left: $unsigned, right: $unsigned) -> $unsigned {
            let (a, b) = (<$wide>::from(left.cast_signed()), <$wide>::from(right.cast_signed()));
            let shift = right % <$unsigned>::BITS as $unsigned;
            match op {
                AluOp::Add => (a + b) as $unsigned,
                AluOp::Sub => (a - b) as $unsigned,
                AluOp::Mul => left.wrapping_mul(right),
                AluOp::Div | AluOp::SDiv if right == 0 => 0,
                AluOp::Mod | AluOp::SMod if right == 0 => left,
                AluOp::Div => left / right,
                AluOp::Mod => left % right,
                AluOp::SDiv => (a / b) as $unsigned,
                AluOp::SMod => (a % b) as $unsigned,
                AluOp::Or => left | right,
                AluOp::And => left & right,
                AluOp::Xor => left ^ right,
                AluOp::Lsh => left << shift,
                AluOp::Rsh => left >> shift,
                AluOp::Arsh => (a >> shift) as $unsigned,
                AluOp::Mov => right,
            }
        }
    };
}

operations!(in_64_bits u64, i128);
operations!(in_32_bits u32, i64);

#[test]
fn every_condition() {
    for &cond in Cond::ALL {
        for &width in Width::ALL {
            for number in [None, Some(13), Some(-13)] {
                let right = number.map_or(Operand::from(R8), Operand::from);
                let emit = |a: &mut Assembler| {
                    let out = a.label();
                    a.jump_if(cond, width, R7, right, out).mov(R7, 0);
                    let end = a.label();
                    a.ja(end).bind(out).mov(R7, 1).bind(end);
                };
                compare(&format!("{cond:?} {width:?}"), emit, &pairs(number), |left, right| {
                    holds(cond, width, left, right).into()
                });
            }
        }
    }
}

fn holds(cond: Cond, width: Width, left: u64, right: u64) -> bool {
    let (a, b) = match width {
        Width::Bits64 => (left, right),
        Width::Bits32 => (left << 32, right << 32),
    };
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::SGt => a.cast_signed() > b.cast_signed(),
        Cond::SGe => a.cast_signed() >= b.cast_signed(),
        Cond::SLt => a.cast_signed() < b.cast_signed(),
        Cond::SLe => a.cast_signed() <= b.cast_signed(),
        Cond::Set => a & b != 0,
    }
}

fn one_operand(insn: Insn, expected: impl Fn(u64) -> u64) {
    let emit = |a: &mut Assembler| {
        a.insn(insn);
    };
    compare(&insn.to_string(), emit, &pairs(Some(0)), |number, _| expected(number));
}

#[test]
fn negation_and_sign_extension() {
    one_operand(Insn::Neg { width: Width::Bits64, dst: R7 }, u64::wrapping_neg);
    one_operand(Insn::Neg { width: Width::Bits32, dst: R7 }, |number| {
        u64::from((number as u32).wrapping_neg())
    });
    for &extend in Extend::ALL {
        one_operand(Insn::MovSx { extend, dst: R7, src: R7 }, |number| {
            let unused = 64 - u32::from(extend.from());
            let wide = ((number << unused).cast_signed() >> unused).cast_unsigned();
            if extend.to() == Width::Bits32 { wide & 0xffff_ffff } else { wide }
        });
    }
}

#[test]
fn byte_order() {
    for endian in ENDIANS {
        for &op in SwapOp::ALL {
            for &bits in SwapBits::ALL {
                let code = program(|a| {
                    a.insn(Insn::Swap { op, bits, dst: R7 });
                });
                let (_, context) = run_on(endian, code, &[0x1122_3344_5566_7788, 0]);
                let swaps = match op {
                    SwapOp::Swap => true,
                    SwapOp::ToLe => endian == Endian::Big,
                    SwapOp::ToBe => endian == Endian::Little,
                };
                let expected = match (bits, swaps) {
                    (SwapBits::B16, false) => 0x7788,
                    (SwapBits::B16, true) => 0x8877,
                    (SwapBits::B32, false) => 0x5566_7788,
                    (SwapBits::B32, true) => 0x8877_6655,
                    (SwapBits::B64, false) => 0x1122_3344_5566_7788,
                    (SwapBits::B64, true) => 0x8877_6655_4433_2211,
                };
                assert_eq!(context[0], expected, "{op:?} {bits:?} {endian:?}");
            }
        }
    }
}
