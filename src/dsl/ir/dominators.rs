//! Which block every way to another one leads through: "A Simple, Fast Dominance Algorithm" (Cooper, Harvey, Kennedy).

use super::{Block, Function};

/// The dominator tree of the blocks the entry reaches.
#[derive(Debug)]
pub(crate) struct Dominators {
    /// The reached blocks in reverse postorder.
    pub(crate) order: Vec<Block>,
    /// The nearest strict dominator of each block; the entry's is itself, an unreached block has none.
    above: Vec<Option<Block>>,
    /// Where in the walk over the tree a block is entered and left.
    spans: Vec<(u32, u32)>,
}

impl Dominators {
    pub(crate) fn new(function: &Function) -> Self {
        let order = function.reverse_postorder();
        let above = nearest(function, &order);
        let spans = spans(&order, &above);
        Self { order, above, spans }
    }

    /// The nearest strict dominator.
    pub(crate) fn above(&self, block: Block) -> Option<Block> {
        self.above[block.index()].filter(|above| *above != block)
    }

    pub(crate) fn is_reached(&self, block: Block) -> bool {
        self.above[block.index()].is_some()
    }

    /// Whether every way to `other` leads through `block`, which may be the same.
    pub(crate) fn dominates(&self, block: Block, other: Block) -> bool {
        let (outer, inner) = (self.spans[block.index()], self.spans[other.index()]);
        outer.0 <= inner.0 && inner.1 <= outer.1
    }
}

fn nearest(function: &Function, order: &[Block]) -> Vec<Option<Block>> {
    let mut rank = vec![u32::MAX; function.blocks.len()];
    for (index, block) in order.iter().enumerate() {
        rank[block.index()] = index as u32;
    }
    let ways = Predecessors::new(function, order);
    let mut above = vec![None; function.blocks.len()];
    above[0] = Some(Block(0));
    loop {
        let mut changed = false;
        for &block in order.iter().skip(1) {
            let known = ways.of(block).iter().copied().filter(|from| above[from.index()].is_some());
            let meet = known.reduce(|one, other| meet(one, other, &rank, &above));
            changed |= above[block.index()] != meet;
            above[block.index()] = meet;
        }
        if !changed {
            return above;
        }
    }
}

fn meet(mut one: Block, mut other: Block, rank: &[u32], above: &[Option<Block>]) -> Block {
    while one != other {
        let later = if rank[one.index()] > rank[other.index()] { &mut one } else { &mut other };
        *later = above[later.index()].unwrap_or(Block(0));
    }
    one
}

/// Numbers the tree so that a block's span encloses those of what it dominates.
fn spans(order: &[Block], above: &[Option<Block>]) -> Vec<(u32, u32)> {
    let mut sizes = vec![1_u32; above.len()];
    for block in order.iter().skip(1).rev() {
        if let Some(above) = above[block.index()] {
            sizes[above.index()] += sizes[block.index()];
        }
    }
    // An unreached block encloses nothing and nothing encloses it.
    let mut spans = vec![(u32::MAX, 0); above.len()];
    let mut next = vec![0; above.len()];
    for block in order {
        let start = match above[block.index()].filter(|above| above != block) {
            Some(above) => {
                let start = next[above.index()];
                next[above.index()] += sizes[block.index()];
                start
            }
            None => 0,
        };
        next[block.index()] = start + 1;
        spans[block.index()] = (start, start + sizes[block.index()]);
    }
    spans
}

/// Who jumps to each block: slices of one vector.
#[derive(Debug)]
pub(crate) struct Predecessors {
    ends: Vec<u32>,
    blocks: Vec<Block>,
}

impl Predecessors {
    /// Of the jumps of these blocks, each as often as there are ways.
    pub(crate) fn new(function: &Function, from: &[Block]) -> Self {
        let mut ends = vec![0; function.blocks.len() + 1];
        for target in from.iter().flat_map(|block| function.successors(*block)) {
            ends[target.index() + 1] += 1;
        }
        for index in 1..ends.len() {
            ends[index] += ends[index - 1];
        }
        // As starts first: each grows to its end while the blocks are put in.
        let mut blocks = vec![Block(0); ends.last().map_or(0, |end| *end as usize)];
        for &block in from {
            for target in function.successors(block) {
                let end = &mut ends[target.index()];
                blocks[*end as usize] = block;
                *end += 1;
            }
        }
        Self { ends, blocks }
    }

    pub(crate) fn of(&self, block: Block) -> &[Block] {
        let start = block.index().checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.blocks[start as usize..self.ends[block.index()] as usize]
    }
}
