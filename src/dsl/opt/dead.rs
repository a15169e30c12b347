//! Operations and parameters that nothing needs.

use super::super::ir::{Block, Function, Op, Operand, Val};
use super::facts::{self, Made};

/// Drops them.
pub(super) fn drop_unused(function: &mut Function, order: &[Block]) {
    let needed = Search::new(function, order).run();
    // Arguments first, while the parameters are there to tell which.
    let params: Vec<_> = function.blocks.iter().map(|block| kept(&block.params, &needed)).collect();
    for target in function.blocks.iter_mut().flat_map(|b| &mut b.end).flat_map(|(end, _)| end.targets_mut()) {
        if let Some(kept) = &params[target.block.index()] {
            let mut kept = kept.iter();
            target.args.retain(|_| kept.next().copied().unwrap_or_default());
        }
    }
    for (block, params) in function.blocks.iter_mut().zip(&params).skip(1) {
        if params.is_some() {
            block.params.retain(|param| needed[param.index()]);
        }
    }
    for block in &mut function.blocks {
        block.insts.retain(|inst| has_effect(&inst.op) || inst.made().any(|value| needed[value.index()]));
    }
}

/// Which of the parameters are needed, unless all are.
fn kept(params: &[Val], needed: &[bool]) -> Option<Vec<bool>> {
    let kept = params.iter().map(|param| needed[param.index()]);
    if kept.clone().all(|kept| kept) { None } else { Some(kept.collect()) }
}

/// Whether an operation does more than make a value.
pub(super) fn has_effect(op: &Op) -> bool {
    match op {
        Op::Store { .. } | Op::StoreRelease { .. } | Op::LoadAcquire { .. } | Op::Atomic { .. } => true,
        Op::PacketLoad { .. } | Op::Asm(_) => true,
        Op::Call { pure, .. } => !pure,
        _ => false,
    }
}

/// Looks for what is needed, from effects and decisions back to where values are made.
struct Search<'a> {
    function: &'a Function,
    made: Vec<Made>,
    /// Of each block, who jumps there.
    ways: Vec<Vec<Block>>,
    needed: Vec<bool>,
    work: Vec<Val>,
}

impl<'a> Search<'a> {
    fn new(function: &'a Function, order: &[Block]) -> Self {
        let mut ways = vec![Vec::new(); function.blocks.len()];
        for &block in order {
            for next in function.successors(block) {
                if !function.block(next).params.is_empty() && ways[next.index()].last() != Some(&block) {
                    ways[next.index()].push(block);
                }
            }
        }
        let needed = vec![false; function.values as usize];
        Self { function, made: facts::made(function), ways, needed, work: Vec::new() }
    }

    fn run(mut self) -> Vec<bool> {
        for block in &self.function.blocks {
            for inst in block.insts.iter().filter(|inst| has_effect(&inst.op)) {
                inst.op.each_use(|value| self.need(value));
            }
            if let Some((end, _)) = &block.end {
                end.each_operand(|operand| self.need_operand(operand));
            }
        }
        while let Some(value) = self.work.pop() {
            match self.made[value.index()] {
                Made::Inst(block, index) => {
                    self.function.block(block).insts[index as usize].op.each_use(|value| self.need(value));
                }
                Made::Param(block) => self.arguments(block, value),
                Made::Nowhere => {}
            }
        }
        self.needed
    }

    fn arguments(&mut self, block: Block, param: Val) {
        let function = self.function;
        let Some(index) = function.block(block).params.iter().position(|other| *other == param) else {
            return;
        };
        for way in 0..self.ways[block.index()].len() {
            let from = self.ways[block.index()][way];
            let ends = function.block(from).end.iter().flat_map(|(end, _)| end.targets());
            for target in ends.filter(|target| target.block == block) {
                self.need_operand(target.args[index]);
            }
        }
    }

    fn need_operand(&mut self, operand: Operand) {
        if let Operand::Val(value) = operand {
            self.need(value);
        }
    }

    fn need(&mut self, value: Val) {
        if !std::mem::replace(&mut self.needed[value.index()], true) {
            self.work.push(value);
        }
    }
}
