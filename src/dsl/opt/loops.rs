//! Which blocks are repeated.

use super::super::ir::dominators::{Dominators, Predecessors};
use super::super::ir::{Block, Function};

/// The loops of a function: those that are entered at one block.
#[derive(Debug)]
pub(super) struct Loops {
    /// The head of the innermost loop a block is in.
    head: Vec<Option<Block>>,
    /// The head of the loop around the one with this head.
    around: Vec<Option<Block>>,
}

impl Loops {
    pub(super) fn new(function: &Function, dominators: &Dominators) -> Self {
        let count = function.blocks.len();
        let mut loops = Self { head: vec![None; count], around: vec![None; count] };
        let predecessors = Predecessors::new(function, &dominators.order);
        // Inner heads come later in the order than those around them.
        for &head in dominators.order.iter().rev() {
            let ways = predecessors.of(head).iter().copied();
            let mut work: Vec<_> = ways.filter(|from| dominators.dominates(head, *from)).collect();
            while let Some(block) = work.pop() {
                loops.add(block, head, &predecessors, &mut work);
            }
        }
        loops
    }

    fn add(&mut self, block: Block, head: Block, predecessors: &Predecessors, work: &mut Vec<Block>) {
        // Of an inner loop only the outermost head counts.
        let outermost = self.outermost(block);
        match outermost {
            Some(outermost) if outermost == head => return,
            Some(inner) => {
                self.around[inner.index()] = Some(head);
                work.extend(
                    predecessors.of(inner).iter().filter(|from| self.outermost(**from) != Some(inner)),
                );
            }
            None => {
                self.head[block.index()] = Some(head);
                if block != head {
                    work.extend(predecessors.of(block));
                }
            }
        }
        if self.head[head.index()].is_none() {
            self.head[head.index()] = Some(head);
        }
    }

    fn outermost(&self, block: Block) -> Option<Block> {
        let mut head = self.head[block.index()]?;
        while let Some(around) = self.around[head.index()] {
            head = around;
        }
        Some(head)
    }

    /// Whether a block is run no more often than another one that leads to it: every loop it is in, the other one is in.
    pub(super) fn no_deeper(&self, block: Block, than: Block) -> bool {
        let Some(head) = self.head[block.index()] else { return true };
        let mut outer = self.head[than.index()];
        while let Some(other) = outer {
            if other == head {
                return true;
            }
            outer = self.around[other.index()];
        }
        false
    }
}
