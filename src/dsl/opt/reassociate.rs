//! Constant steps of a pointer behind variable ones: `(data + 14) + length` becomes `(data + length) + 14`, whose end goes
//! into the offsets of what is accessed there.

use super::super::ir::{Base, End, Function, Inst, Op, Operand, Val};
use super::facts::{self, Made};
use crate::asm::{AluOp, Width};

/// Moves constants outwards; whether there were any to be moved.
///
/// Only of pointers (a number with a negative constant need not be what the verifier allows to be added), and only if the
/// pointer with the constant is not compared: what the check says must hold for the register that is used later.
pub(super) fn reassociate(function: &mut Function) -> bool {
    if !has_chance(function) {
        return false;
    }
    let made = facts::made(function);
    let roles = Roles::new(function);
    let found: Vec<_> = function
        .ids()
        .map(|block| {
            let insts = function.block(block).insts.iter();
            insts.map(|inst| steps(function, inst, &made, &roles)).collect::<Vec<_>>()
        })
        .collect();
    let before = function.values;
    let mut values = before;
    for (block, found) in function.blocks.iter_mut().zip(found) {
        if found.iter().all(Option::is_none) {
            continue;
        }
        let insts = std::mem::take(&mut block.insts);
        for (mut inst, steps) in insts.into_iter().zip(found) {
            if let Some((base, by, constant)) = steps {
                let sum = Val(values);
                values += 1;
                let op = Op::Alu { op: AluOp::Add, width: Width::Bits64, a: base.into(), b: by };
                block.insts.push(Inst { op, result: Some(sum), results: 1, at: inst.at });
                inst.op = Op::Alu { op: AluOp::Add, width: Width::Bits64, a: sum.into(), b: constant.into() };
            }
            block.insts.push(inst);
        }
    }
    function.values = values;
    values != before
}

/// Whether there is a sum of two values at all.
fn has_chance(function: &Function) -> bool {
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts
        .any(|inst| matches!(inst.op, Op::Alu { op: AluOp::Add, a: Operand::Val(_), b: Operand::Val(_), .. }))
}

/// Of a sum of a pointer with a constant step and a variable: the pointer, the variable, the constant.
fn steps(function: &Function, inst: &Inst, made: &[Made], roles: &Roles) -> Option<(Val, Operand, i64)> {
    let Op::Alu { op: AluOp::Add, width: Width::Bits64, a: Operand::Val(a), b: Operand::Val(b) } = inst.op
    else {
        return None;
    };
    [(a, b), (b, a)].into_iter().find_map(|(pointer, by)| {
        let Made::Inst(block, index) = made[pointer.index()] else { return None };
        let Op::Alu {
            op: AluOp::Add,
            width: Width::Bits64,
            a: Operand::Val(base),
            b: Operand::Imm(constant),
        } = function.block(block).insts[index as usize].op
        else {
            return None;
        };
        let is_pointer = roles.is_base[base.index()] || roles.is_base[pointer.index()];
        (is_pointer && !roles.is_compared[pointer.index()]).then_some((base, by.into(), constant))
    })
}

/// How values are used.
struct Roles {
    is_base: Vec<bool>,
    is_compared: Vec<bool>,
}

impl Roles {
    fn new(function: &Function) -> Self {
        let none = vec![false; function.values as usize];
        let mut roles = Self { is_base: none.clone(), is_compared: none };
        for block in &function.blocks {
            for inst in &block.insts {
                if let Some(Base::Val(base)) = inst.op.addr().map(|addr| addr.base) {
                    roles.is_base[base.index()] = true;
                }
                if let Op::Select { compare, .. } = &inst.op {
                    roles.compared(compare.a);
                    roles.compared(compare.b);
                }
            }
            if let Some((end @ (End::Branch { .. } | End::Switch { .. }), _)) = &block.end {
                end.each_operand(|operand| roles.compared(operand));
            }
        }
        roles
    }

    fn compared(&mut self, operand: Operand) {
        if let Operand::Val(value) = operand {
            self.is_compared[value.index()] = true;
        }
    }
}
