//! A branch whose two ways only hand different values to one block becomes a choice of one of them: a move, a jump over
//! a move, and the rest goes straight on.

use super::super::ir::{End, Function, Inst, Op, Target, Val};

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
    changed
}

/// The one argument that differs, if both go to the same block.
fn differs_in_one(then: &Target, otherwise: &Target) -> Option<usize> {
    let mut differing =
        then.args.iter().zip(&otherwise.args).enumerate().filter(|(_, (one, other))| one != other);
    let (index, _) = differing.next().filter(|_| then.block == otherwise.block)?;
    differing.next().is_none().then_some(index)
}
