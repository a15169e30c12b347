//! A branch whose two ways only hand different values to one block becomes a choice of one of them: a move, a jump over
//! a move, and the rest goes straight on.

use super::super::ir::dominators::Predecessors;
use super::super::ir::{End, Function, Inst, Op, Operand, Target, Val};

/// Makes choices of such branches; whether there were any.
pub(super) fn choose(function: &mut Function) -> bool {
    let mut changed = false;
    let mut values = function.values;
    for block in &mut function.blocks {
        let Some((End::Branch { compare, then, otherwise }, at)) = &block.end else { continue };
        let Some(index) = differs_in_one(then, otherwise) else { continue };
        let op = Op::Select { compare: *compare, then: then.args[index], otherwise: otherwise.args[index] };
        let (result, at) = (Val(values), *at);
        values += 1;
        let mut target = then.clone();
        target.args[index] = result.into();
        block.insts.push(Inst { op, result: Some(result), results: 1, at });
        block.end = Some((End::Jump(target), at));
        changed = true;
    }
    function.values = values;
    changed |= choose_returns(function);
    changed
}

/// The same of a branch to two returns of constants that nothing else leads to.
fn choose_returns(function: &mut Function) -> bool {
    let order = function.reverse_postorder();
    let predecessors = Predecessors::new(function, &order);
    let returned = |function: &Function, target: &Target| {
        let block = function.block(target.block);
        match &block.end {
            Some((End::Return(value @ Operand::Imm(_)), _)) if block.insts.is_empty() => {
                (predecessors.of(target.block).len() == 1).then_some(*value)
            }
            _ => None,
        }
    };
    let mut changed = false;
    for block in order {
        let Some((End::Branch { compare, then, otherwise }, at)) = &function.block(block).end else {
            continue;
        };
        let (Some(one), Some(other)) = (returned(function, then), returned(function, otherwise)) else {
            continue;
        };
        let (op, at) = (Op::Select { compare: *compare, then: one, otherwise: other }, *at);
        let result = Val(function.values);
        function.values += 1;
        let block = &mut function.blocks[block.index()];
        block.insts.push(Inst { op, result: Some(result), results: 1, at });
        block.end = Some((End::Return(result.into()), at));
        changed = true;
    }
    changed
}

/// The one argument that differs, if both go to the same block.
fn differs_in_one(then: &Target, otherwise: &Target) -> Option<usize> {
    let mut differing =
        then.args.iter().zip(&otherwise.args).enumerate().filter(|(_, (one, other))| one != other);
    let (index, _) = differing.next().filter(|_| then.block == otherwise.block)?;
    differing.next().is_none().then_some(index)
}
