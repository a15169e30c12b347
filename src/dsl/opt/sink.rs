//! Values that are only needed further on are made there: on fewer ways through the function, and in fewer registers.
//!
//! Down never harms: what a check says of an operand holds below it too, and a value is still made only once.

use super::super::ir::dominators::Dominators;
use super::super::ir::{Block, Function, Inst, Memory, Op, Val};
use super::facts;
use super::loops::Loops;
use super::memory;

/// Moves pure operations down into the block that all their uses are behind.
pub(super) fn sink(function: &mut Function, dominators: &Dominators) {
    if function.blocks.len() == 1 {
        return;
    }
    let loops = Loops::new(function, dominators);
    let context_changes = memory::context_changes(function);
    let mut places = Places::new(function, dominators);
    let uses = facts::uses(function);
    for &block in dominators.order.iter().rev() {
        let insts = std::mem::take(&mut function.blocks[block.index()].insts);
        let mut kept = Vec::with_capacity(insts.len());
        for inst in insts.into_iter().rev() {
            let to = target(&inst, block, context_changes, &uses, &places, &loops, dominators);
            match to {
                Some(to) => {
                    inst.op.each_use(|value| places.use_in(value, to, dominators));
                    places.lowered[to.index()].push(inst);
                }
                None => {
                    inst.op.each_use(|value| places.use_in(value, block, dominators));
                    kept.push(inst);
                }
            }
        }
        kept.reverse();
        function.blocks[block.index()].insts = kept;
    }
    // What comes from further above came last and is made first.
    for (block, mut lowered) in function.blocks.iter_mut().zip(places.lowered) {
        if !lowered.is_empty() {
            lowered.reverse();
            lowered.append(&mut block.insts);
            block.insts = lowered;
        }
    }
}

fn target(
    inst: &Inst,
    block: Block,
    context_changes: bool,
    uses: &[u32],
    places: &Places,
    loops: &Loops,
    dominators: &Dominators,
) -> Option<Block> {
    let result = inst.result.filter(|_| inst.results == 1 && can_move(&inst.op, context_changes))?;
    let mut to = places.of[result.index()]?;
    // Two operands that end here would live on in its place.
    let mut ending = 0;
    inst.op.each_use(|value| ending += u32::from(uses[value.index()] == 1));
    if ending > 1 {
        return None;
    }
    while to != block && !loops.no_deeper(to, block) {
        to = dominators.above(to)?;
    }
    (to != block && dominators.dominates(block, to)).then_some(to)
}

fn can_move(op: &Op, context_changes: bool) -> bool {
    match op {
        Op::Alu { .. } | Op::Neg { .. } | Op::ZeroExtend { .. } | Op::SignExtend { .. } => true,
        Op::Swap { .. } | Op::Select { .. } => true,
        Op::Load { memory, .. } | Op::LoadSx { memory, .. } => match memory {
            Memory::ReadOnly => true,
            Memory::Context => !context_changes,
            _ => false,
        },
        _ => false,
    }
}

/// Where values are used: the block that leads to all of their uses.
struct Places {
    of: Vec<Option<Block>>,
    /// What comes to a block from above, the last first.
    lowered: Vec<Vec<Inst>>,
}

impl Places {
    /// The uses at the ends of blocks; the operations follow as they are passed.
    fn new(function: &Function, dominators: &Dominators) -> Self {
        let lowered = function.blocks.iter().map(|_| Vec::new()).collect();
        let mut places = Self { of: vec![None; function.values as usize], lowered };
        for &block in &dominators.order {
            if let Some((end, _)) = &function.block(block).end {
                end.each_use(|value| places.use_in(value, block, dominators));
            }
        }
        places
    }

    fn use_in(&mut self, value: Val, block: Block, dominators: &Dominators) {
        let place = &mut self.of[value.index()];
        let mut meet = place.unwrap_or(block);
        while !dominators.dominates(meet, block) {
            let Some(above) = dominators.above(meet) else { break };
            meet = above;
        }
        *place = Some(meet);
    }
}
