//! What the machine or its instruction set lacks, made of what it has: switches, edges that moves can stand on.

use super::super::ir::dominators::Predecessors;
use super::super::ir::{At, Block, BlockData, Compare, End, Function, Operand, Target};
use crate::asm::{Cond, Isa, Width};

mod ops;

pub(super) fn legalise(function: &mut Function, isa: Isa) {
    for block in function.ids() {
        let Some((End::Switch { width, value, cases, default }, at)) =
            &mut function.blocks[block.index()].end
        else {
            continue;
        };
        let (width, value, at, cases) = (*width, *value, *at, std::mem::take(cases));
        let default = Target { block: default.block, args: std::mem::take(&mut default.args) };
        chain(function, block, (width, value), cases, default, at);
    }
    ops::expand(function, isa);
    split_edges(function);
}

/// One comparison after the other.
fn chain(
    function: &mut Function,
    mut block: Block,
    (width, value): (Width, Operand),
    cases: Vec<(i64, Target)>,
    default: Target,
    at: At,
) {
    let mut cases = cases.into_iter().peekable();
    while let Some((case, then)) = cases.next() {
        let compare = Compare { cond: Cond::Eq, width, a: value, b: case.into() };
        let otherwise = match cases.peek() {
            Some(_) => Target { block: Block(function.blocks.len() as u32), args: Vec::new() },
            None => default.clone(),
        };
        let next = otherwise.block;
        function.blocks[block.index()].end = Some((End::Branch { compare, then, otherwise }, at));
        if cases.peek().is_some() {
            function.blocks.push(BlockData::default());
            block = next;
        }
    }
    let end = &mut function.blocks[block.index()].end;
    if !matches!(end, Some((End::Branch { .. }, _))) {
        *end = Some((End::Jump(default), at));
    }
}

/// Gives every way out of a branch that needs a place for moves a block of its own.
fn split_edges(function: &mut Function) {
    let order = function.reverse_postorder();
    let predecessors = Predecessors::new(function, &order);
    let (mut added, count) = (Vec::new(), function.blocks.len());
    for block in order {
        let Some((End::Branch { then, otherwise, .. }, at)) = &mut function.blocks[block.index()].end else {
            continue;
        };
        let crowded = |target: &Target| predecessors.of(target.block).len() > 1 || !target.args.is_empty();
        for target in [then, otherwise].into_iter().filter(|target| crowded(target)) {
            let between = Block((count + added.len()) as u32);
            let onward = std::mem::replace(target, Target { block: between, args: Vec::new() });
            added.push(BlockData { end: Some((End::Jump(onward), *at)), ..BlockData::default() });
        }
    }
    function.blocks.append(&mut added);
}
