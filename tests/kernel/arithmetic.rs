//! Arithmetic gives in the kernel what the instruction set says: signed and unsigned, both widths, at the edges.
//!
//! In the assembler only: negation, sign extension and byte order as the single instructions they are. Closures convert between
//! types, which the tests `dsl: arithmetic ..` cover; they pick the instructions themselves.

use bpfsmith::asm::Reg::{R0, R1, R6, R7, R8};
use bpfsmith::asm::{AluOp, Assembler, Extend, Insn, Isa, Operand, Size, SwapBits, SwapOp, Width};
use bpfsmith::dsl::Syscall;
use bpfsmith::dsl::dynamic::{Binary, ScalarType};
use bpfsmith::kernel::Program;
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::Object;

use crate::common::{Assembled, builder, load, object_of, run_on};
use crate::dialect::{Dialect, add_dialects};
use crate::support::{Suite, has_cap_bpf, may_use};

pub fn add(suite: &mut Suite) {
    add_dialects(suite, may_use(Isa::V4), "arithmetic: every operation on registers", || {
        every_operation(None)
    });
    add_dialects(suite, may_use(Isa::V4), "arithmetic: every operation with a positive number", || {
        every_operation(Some(13))
    });
    add_dialects(suite, may_use(Isa::V4), "arithmetic: every operation with a negative number", || {
        every_operation(Some(-13))
    });
    suite.test_if(may_use(Isa::V4), "arithmetic: negation, sign extension, byte order", || {
        one_operand(Isa::V4)
    });
    suite.test_if(has_cap_bpf, "arithmetic: sign extension and byte order out of older instructions", || {
        one_operand(Isa::V1);
    });
}

const NUMBERS: [u64; 12] = [
    0,
    1,
    7,
    13,
    63,
    u64::MAX,
    (-13_i64).cast_unsigned(),
    1 << 31,
    1 << 63,
    0xffff_ffff,
    0x1234_5678_9abc_def0,
    0xfedc_ba98_8765_4321,
];

/// The context: two operands; the first becomes the result.
fn program(isa: Isa, emit: impl FnOnce(&mut Assembler)) -> Assembled {
    let mut a = Assembler::with_isa(isa);
    a.mov(R6, R1).ldx(Size::DW, R7, R6, 0).ldx(Size::DW, R8, R6, 8);
    emit(&mut a);
    a.stx(Size::DW, R6, 0, R7).mov(R0, 0).exit();
    a.finish()
}

fn result(program: &Program, left: u64, right: u64) -> u64 {
    run_on(program, &[left, right])[0]
}

/// Shifts by a number that is too wide, or negative, cannot be written.
fn every_operation(number: Option<i32>) {
    for &op in AluOp::ALL {
        if op.shifts() && number.is_some_and(|number| number < 0) {
            continue;
        }
        for &width in Width::ALL {
            let object =
                Dialect::current().object(|| assembled(op, width, number), || closure(op, width, number));
            let loaded = load(&object);
            let program = loaded.program("prog").unwrap();
            for left in NUMBERS {
                let rights =
                    number.map_or(NUMBERS.to_vec(), |number| vec![i64::from(number).cast_unsigned()]);
                for right in rights {
                    let expected = expected(op, width, left, right);
                    assert_eq!(
                        result(program, left, right),
                        expected,
                        "{left:#x} {op:?} {right:#x}, {width:?}"
                    );
                }
            }
        }
    }
}

fn assembled(op: AluOp, width: Width, number: Option<i32>) -> Object {
    let right = number.map_or(Operand::from(R8), Operand::from);
    let code = program(Isa::V4, |a| {
        a.alu(op, width, R7, right);
    });
    object_of(ProgramKind::SYSCALL, code)
}

/// On values of the type that makes it this instruction. A move is no operator: what is moved is the right value.
fn closure(op: AluOp, width: Width, number: Option<i32>) -> Object {
    let mut object = builder().isa(Isa::V4);
    object.program("prog", Syscall::SYSCALL, |f, ctx| {
        let (context, ty) = (ctx.args::<[u64; 2]>(), ty(op, width));
        let right = match number {
            Some(number) => f.val(i64::from(number).cast_unsigned()),
            None => context.at(1).get(),
        };
        let [left, right] = [context.at(0).get(), right].map(|value| value.dynamic().convert(ty));
        let result = operator(op).map_or(right, |op| left.binary(op, right));
        let unsigned = if width == Width::Bits64 { ScalarType::U64 } else { ScalarType::U32 };
        context.at(0).set(result.convert(unsigned).convert(ScalarType::U64).typed::<u64>());
        f.return_(0)
    });
    object.finish().unwrap()
}

fn ty(op: AluOp, width: Width) -> ScalarType {
    let is_signed = matches!(op, AluOp::SDiv | AluOp::SMod | AluOp::Arsh);
    match (is_signed, width) {
        (false, Width::Bits32) => ScalarType::U32,
        (false, Width::Bits64) => ScalarType::U64,
        (true, Width::Bits32) => ScalarType::I32,
        (true, Width::Bits64) => ScalarType::I64,
    }
}

fn operator(op: AluOp) -> Option<Binary> {
    Some(match op {
        AluOp::Add => Binary::Add,
        AluOp::Sub => Binary::Sub,
        AluOp::Mul => Binary::Mul,
        AluOp::Div | AluOp::SDiv => Binary::Div,
        AluOp::Mod | AluOp::SMod => Binary::Rem,
        AluOp::Or => Binary::Or,
        AluOp::And => Binary::And,
        AluOp::Xor => Binary::Xor,
        AluOp::Lsh => Binary::Shl,
        AluOp::Rsh | AluOp::Arsh => Binary::Shr,
        AluOp::Mov => return None,
    })
}

fn expected(op: AluOp, width: Width, left: u64, right: u64) -> u64 {
    match width {
        Width::Bits64 => in_64_bits(op, left, right),
        Width::Bits32 => in_32_bits(op, left as u32, right as u32).into(),
    }
}

macro_rules! operations {
    ($name:ident $unsigned:ty) => {
        /// RFC 9669, section 4.1: division by zero gives zero, its rest is what was divided.
        fn $name(op: AluOp, left: $unsigned, right: $unsigned) -> $unsigned {
            let (a, b) = (left.cast_signed(), right.cast_signed());
            match op {
                AluOp::Add => left.wrapping_add(right),
                AluOp::Sub => left.wrapping_sub(right),
                AluOp::Mul => left.wrapping_mul(right),
                AluOp::Div => left.checked_div(right).unwrap_or(0),
                AluOp::SDiv if right == 0 => 0,
                AluOp::SDiv => a.wrapping_div(b).cast_unsigned(),
                AluOp::Mod => left.checked_rem(right).unwrap_or(left),
                AluOp::SMod if right == 0 => left,
                AluOp::SMod => a.wrapping_rem(b).cast_unsigned(),
                AluOp::Or => left | right,
                AluOp::And => left & right,
                AluOp::Xor => left ^ right,
                AluOp::Lsh => left.wrapping_shl(right as u32),
                AluOp::Rsh => left.wrapping_shr(right as u32),
                AluOp::Arsh => a.wrapping_shr(right as u32).cast_unsigned(),
                AluOp::Mov => right,
            }
        }
    };
}

operations!(in_64_bits u64);
operations!(in_32_bits u32);

fn one_operand(isa: Isa) {
    let assert_all = |insn, expected: &dyn Fn(u64) -> u64| assert_all(isa, insn, expected);
    assert_all(Insn::Neg { width: Width::Bits64, dst: R7 }, &u64::wrapping_neg);
    assert_all(Insn::Neg { width: Width::Bits32, dst: R7 }, &|number| (number as u32).wrapping_neg().into());
    for &extend in Extend::ALL {
        assert_all(Insn::MovSx { extend, dst: R7, src: R7 }, &|number| extended(extend, number));
    }
    for &op in SwapOp::ALL {
        for &bits in SwapBits::ALL {
            assert_all(Insn::Swap { op, bits, dst: R7 }, &|number| swapped(op, bits, number));
        }
    }
}

fn assert_all(isa: Isa, insn: Insn, expected: &dyn Fn(u64) -> u64) {
    let code = program(isa, |a| {
        a.insn(insn);
    });
    let loaded = load(&object_of(ProgramKind::SYSCALL, code));
    for number in NUMBERS {
        assert_eq!(
            result(loaded.program("prog").unwrap(), number, 0),
            expected(number),
            "{insn} {number:#x}"
        );
    }
}

fn extended(extend: Extend, number: u64) -> u64 {
    let wide = match extend.from() {
        8 => i64::from(number as i8),
        16 => i64::from(number as i16),
        _ => i64::from(number as i32),
    };
    match extend.to() {
        Width::Bits64 => wide.cast_unsigned(),
        Width::Bits32 => (wide as u32).into(),
    }
}

fn swapped(op: SwapOp, bits: SwapBits, number: u64) -> u64 {
    let (half, word) = (number as u16, number as u32);
    match (op, bits) {
        (SwapOp::Swap, SwapBits::B16) => half.swap_bytes().into(),
        (SwapOp::Swap, SwapBits::B32) => word.swap_bytes().into(),
        (SwapOp::Swap, SwapBits::B64) => number.swap_bytes(),
        (SwapOp::ToBe, SwapBits::B16) => half.to_be().into(),
        (SwapOp::ToBe, SwapBits::B32) => word.to_be().into(),
        (SwapOp::ToBe, SwapBits::B64) => number.to_be(),
        (SwapOp::ToLe, SwapBits::B16) => half.to_le().into(),
        (SwapOp::ToLe, SwapBits::B32) => word.to_le().into(),
        (SwapOp::ToLe, SwapBits::B64) => number.to_le(),
    }
}
