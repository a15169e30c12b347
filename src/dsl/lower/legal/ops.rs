//! Operations that the instruction set lacks, exactly, out of others: signed division before 6.6, comparisons of 32 bits
//! before 5.1.

use super::super::super::ir::{At, Compare, End, Function, Inst, Op, Operand, Val};
use crate::asm::{AluOp, Cond, Isa, Width};

/// Replaces the operations of a function that the set lacks.
pub(super) fn expand(function: &mut Function, isa: Isa) {
    let divides = !isa.contains(Isa::CPUV4);
    let compares = !isa.contains(Isa::JUMP32);
    let mut values = function.values;
    for block in &mut function.blocks {
        if divides && block.insts.iter().any(|inst| is_signed_division(&inst.op)) {
            let insts = std::mem::take(&mut block.insts);
            block.insts.reserve(insts.len() + 10);
            for inst in insts {
                divide(inst, &mut Made { insts: &mut block.insts, values: &mut values });
            }
        }
        if compares && block.insts.iter().any(|inst| matches!(inst.op, Op::Select { .. })) {
            let insts = std::mem::take(&mut block.insts);
            for mut inst in insts {
                let mut made = Made { insts: &mut block.insts, values: &mut values };
                if let Op::Select { compare, .. } = &mut inst.op
                    && compare.width == Width::Bits32
                {
                    widen(compare, &mut made, inst.at);
                }
                block.insts.push(inst);
            }
        }
        if let Some((End::Branch { compare, .. }, at)) = &mut block.end
            && compares
            && compare.width == Width::Bits32
        {
            widen(compare, &mut Made { insts: &mut block.insts, values: &mut values }, at);
        }
    }
    function.values = values;
}

const fn is_signed_division(op: &Op) -> bool {
    matches!(op, Op::Alu { op: AluOp::SDiv | AluOp::SMod, .. })
}

/// Where new operations go.
struct Made<'a> {
    insts: &'a mut Vec<Inst>,
    values: &'a mut u32,
}

impl Made<'_> {
    fn push(&mut self, op: Op, at: At) -> Operand {
        let value = Val(*self.values);
        *self.values += 1;
        self.insts.push(Inst { op, result: Some(value), results: 1, at });
        value.into()
    }

    fn alu(&mut self, op: AluOp, width: Width, a: Operand, b: impl Into<Operand>, at: At) -> Operand {
        match (op, a, b.into()) {
            (AluOp::Xor | AluOp::Sub, a, Operand::Imm(0)) => a,
            (AluOp::Xor, Operand::Imm(0), b) => b,
            (op, a, b) => self.push(Op::Alu { op, width, a, b }, at),
        }
    }
}

/// By the magnitudes, which are divided without sign; then the sign of the quotient, or of what was divided, is given
/// back. Zero divides as the machine does it, and the least number by -1 is the least number again.
fn divide(inst: Inst, made: &mut Made<'_>) {
    let Op::Alu { op: op @ (AluOp::SDiv | AluOp::SMod), width, a, b } = inst.op else {
        return made.insts.push(inst);
    };
    let at = inst.at;
    if let Operand::Imm(by) = b
        && let Some(power) = power_of_two(by, width)
    {
        return divide_by_power(inst, power, made);
    }
    let (sign_a, a) = magnitude(a, width, made, at);
    let (sign_b, b) = magnitude(b, width, made, at);
    let (unsigned, sign) = if op == AluOp::SDiv {
        (AluOp::Div, made.alu(AluOp::Xor, width, sign_a, sign_b, at))
    } else {
        (AluOp::Mod, sign_a)
    };
    let result = made.alu(unsigned, width, a, b, at);
    let flipped = made.alu(AluOp::Xor, width, result, sign, at);
    let op = Op::Alu { op: AluOp::Sub, width, a: flipped, b: sign };
    made.insts.push(Inst { op, ..inst });
}

/// The power, from 1 on, if a positive number is one of two.
fn power_of_two(number: i64, width: Width) -> Option<i64> {
    let power = i64::from(number.trailing_zeros());
    (number > 1 && number.count_ones() == 1 && power < i64::from(width.bits()) - 1).then_some(power)
}

/// A shift rounds down, a division towards zero: what is negative gets as much more as the divisor is, but for one.
fn divide_by_power(inst: Inst, power: i64, made: &mut Made<'_>) {
    let (at, result) = (inst.at, inst);
    let Op::Alu { op, width, a, .. } = result.op else { return };
    let bits = i64::from(width.bits());
    let sign = made.alu(AluOp::Arsh, width, a, bits - 1, at);
    let more = made.alu(AluOp::Rsh, width, sign, bits - power, at);
    let sum = made.alu(AluOp::Add, width, a, more, at);
    let op = if op == AluOp::SDiv {
        Op::Alu { op: AluOp::Arsh, width, a: sum, b: power.into() }
    } else {
        let whole = made.alu(AluOp::And, width, sum, -(1_i64 << power), at);
        Op::Alu { op: AluOp::Sub, width, a, b: whole }
    };
    made.insts.push(Inst { op, ..result });
}

/// The sign of a number, spread over all its bits, and how large it is without.
fn magnitude(number: Operand, width: Width, made: &mut Made<'_>, at: At) -> (Operand, Operand) {
    if let Operand::Imm(number) = number {
        let number = if width == Width::Bits32 { i64::from(number as i32) } else { number };
        let magnitude = number.unsigned_abs().cast_signed();
        return (Operand::Imm(number >> 63), Operand::Imm(magnitude));
    }
    let sign = made.alu(AluOp::Arsh, width, number, i64::from(width.bits() - 1), at);
    let flipped = made.alu(AluOp::Xor, width, number, sign, at);
    (sign, made.alu(AluOp::Sub, width, flipped, sign, at))
}

/// A comparison of 32 bits as one of 64: shifted up, which keeps any order, or just of what is zero above.
fn widen(compare: &mut Compare, made: &mut Made<'_>, at: At) {
    let signed = matches!(compare.cond, Cond::SGt | Cond::SGe | Cond::SLt | Cond::SLe);
    for operand in [&mut compare.a, &mut compare.b] {
        *operand = match *operand {
            Operand::Imm(number) if signed => Operand::Imm(i64::from(number as i32)),
            Operand::Imm(number) => Operand::Imm(i64::from(number as u32)),
            value if signed => {
                let up = made.alu(AluOp::Lsh, Width::Bits64, value, 32, at);
                made.alu(AluOp::Arsh, Width::Bits64, up, 32, at)
            }
            value => made.push(Op::ZeroExtend { bits: 32, a: value }, at),
        };
    }
    compare.width = Width::Bits64;
}
