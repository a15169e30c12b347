//! What the machine or its instruction set lacks, made of what it has: switches, edges that moves can stand on.

use super::super::eval;
use super::super::ir::dominators::Predecessors;
use super::super::ir::{At, Block, BlockData, Compare, End, Function, Operand, Target};
use crate::asm::{Cond, Isa, Width};

mod ops;

pub(super) fn legalise(function: &mut Function, isa: Isa) {
    for block in function.ids() {
        if let Some((End::Switch { width, value, cases, default }, at)) =
            &mut function.blocks[block.index()].end
        {
            let (cases, default) = (std::mem::take(cases), default.clone());
            let switch = Switch { width: *width, value: *value, default, at };
            switch.expand(function, block, cases);
        }
    }
    ops::expand(function, isa);
    split_edges(function);
}

/// What all comparisons of a switch share.
struct Switch {
    width: Width,
    value: Operand,
    default: Target,
    at: At,
}

/// So many cases are compared one after the other; more are halved first.
const CHAIN: usize = 8;

/// How many cases are left when halving ends.
const LEAF: usize = 4;

impl Switch {
    fn expand(&self, function: &mut Function, block: Block, mut cases: Vec<(i64, Target)>) {
        if cases.len() <= CHAIN {
            return self.chain(function, block, &cases);
        }
        let mut switch = self;
        let shared;
        if !self.default.args.is_empty() {
            // Many ways lead there: what it is handed is made once.
            let block = added(function);
            self.end(function, block, End::Jump(self.default.clone()));
            shared = Self { default: to(block), ..*self };
            switch = &shared;
        }
        cases.sort_by_key(|(case, _)| eval::truncated(self.width, *case).cast_unsigned());
        switch.halve(function, block, &cases);
    }

    /// Cases in ascending order, without sign.
    fn halve(&self, function: &mut Function, block: Block, cases: &[(i64, Target)]) {
        if cases.len() <= LEAF {
            return self.chain(function, block, cases);
        }
        let (low, high) = cases.split_at(cases.len() / 2);
        let Some((middle, _)) = high.first() else { return };
        let (then, otherwise) = (added(function), added(function));
        let compare = self.compare(Cond::Lt, *middle);
        self.end(function, block, End::Branch { compare, then: to(then), otherwise: to(otherwise) });
        self.halve(function, then, low);
        self.halve(function, otherwise, high);
    }

    /// One comparison after the other.
    fn chain(&self, function: &mut Function, mut block: Block, cases: &[(i64, Target)]) {
        let Some(((last, target), others)) = cases.split_last() else {
            return self.end(function, block, End::Jump(self.default.clone()));
        };
        for (case, then) in others {
            let (compare, next) = (self.compare(Cond::Eq, *case), added(function));
            self.end(function, block, End::Branch { compare, then: then.clone(), otherwise: to(next) });
            block = next;
        }
        let (compare, otherwise) = (self.compare(Cond::Eq, *last), self.default.clone());
        self.end(function, block, End::Branch { compare, then: target.clone(), otherwise });
    }

    fn compare(&self, cond: Cond, case: i64) -> Compare {
        Compare { cond, width: self.width, a: self.value, b: case.into() }
    }

    fn end(&self, function: &mut Function, block: Block, end: End) {
        function.blocks[block.index()].end = Some((end, self.at));
    }
}

fn added(function: &mut Function) -> Block {
    function.blocks.push(BlockData::default());
    Block(function.blocks.len() as u32 - 1)
}

fn to(block: Block) -> Target {
    Target { block, args: Vec::new() }
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
