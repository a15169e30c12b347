//! Blocks that do the same and go on in the same place: one of them is enough.

use std::collections::hash_map::Entry;

use regalloc2 as ra;

use super::super::emit::Placed;
use super::Layout;
use crate::dsl::ir::hash::Map;

/// Longer blocks are hardly ever the same.
const LONGEST: u32 = 4;

/// So many of one shape are compared with each other.
const CANDIDATES: usize = 8;

/// The blocks that stand for others, by where they lead and how many instructions and moves they have.
type Known = Map<(Option<usize>, u32, usize), Vec<usize>>;

impl Layout {
    /// Lets jumps lead to the first of the same blocks. What they are about to do must be known: where their own jumps end up.
    pub(super) fn join_same(&mut self, placed: &Placed<'_>) {
        let blocks = &placed.machine.blocks;
        let mut known = Known::default();
        let mut stands_in: Vec<usize> = (0..blocks.len()).collect();
        let mut joined = false;
        for block in 1..blocks.len() {
            let info = &blocks[block];
            if self.destinations[block] != block || info.ways > 1 || info.end - info.first > LONGEST {
                continue;
            }
            let to = (info.ways == 1).then(|| self.end_of_jump(placed, block));
            let shape = (to, info.end - info.first, placed.edits(block).len());
            match known.entry(shape) {
                Entry::Vacant(first) => drop(first.insert(vec![block])),
                Entry::Occupied(mut others) => {
                    let others = others.get_mut();
                    match others.iter().find(|other| same(placed, **other, block)) {
                        Some(other) => (stands_in[block], joined) = (*other, true),
                        None if others.len() < CANDIDATES => others.push(block),
                        None => {}
                    }
                }
            }
        }
        if joined {
            self.destinations.iter_mut().for_each(|to| *to = stands_in[*to]);
        }
    }
}

/// Whether two blocks that lead to the same place do the same.
fn same(placed: &Placed<'_>, one: usize, other: usize) -> bool {
    let insts = |block: usize| {
        let info = &placed.machine.blocks[block];
        info.first..info.end
    };
    let edits = |block: usize| {
        let first = insts(block).start as usize;
        let of = move |point: ra::ProgPoint| (point.inst().index() - first, point.pos());
        placed.edits(block).iter().map(move |(point, ra::Edit::Move { from, to })| (of(*point), *from, *to))
    };
    insts(one).zip(insts(other)).all(|(one, other)| placed.same_inst(one, other))
        && edits(one).eq(edits(other))
}
