//! The order of blocks: as few jumps as possible, loops tested at their bottom.

mod same;

use regalloc2::{self as ra, Edit};

use super::emit::Placed;
use super::machine::Kind;

/// Where blocks stand and where jumps end up.
pub(super) struct Layout {
    /// The blocks that are emitted, in their order.
    pub(super) order: Vec<usize>,
    /// Where a jump to a block ends up: behind empty ones.
    destinations: Vec<usize>,
    /// Whether nothing is in a block but its branch, so that who knows the outcome need not go there.
    bare_branch: Vec<bool>,
    /// Of a block that branches to two returns of constants: what it does in the place of one of them.
    shared_exit: Vec<Option<SharedExit>>,
}

/// The constant of a return is put into r0 before the branch, which then leads to the other return's last instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedExit {
    /// The return that is not emitted, and which way leads there.
    pub(super) gone: usize,
    pub(super) way: usize,
    /// The one whose end is shared, and which follows the branch.
    pub(super) kept: usize,
}

impl Layout {
    pub(super) fn new(placed: &Placed<'_>) -> Self {
        let count = placed.machine.blocks.len();
        let idle: Vec<_> =
            (0..count).map(|block| placed.edits(block).iter().all(|(_, edit)| is_idle(edit))).collect();
        let empty = |block: usize| idle[block] && only(placed, block) == Some(Kind::Jump);
        let bare = |block: usize| idle[block] && matches!(only(placed, block), Some(Kind::Branch { .. }));
        let mut layout = Self {
            order: Vec::new(),
            destinations: destinations(placed, empty),
            bare_branch: (0..count).map(bare).collect(),
            shared_exit: vec![None; count],
        };
        layout.join_same(placed);
        layout.order = layout.chained(placed);
        layout
    }

    /// Where a jump to a block ends up.
    pub(super) fn destination(&self, block: ra::Block) -> usize {
        self.destinations[block.index()]
    }

    /// Where the jump at the end of a block ends up: beyond a branch whose outcome is known there.
    pub(super) fn end_of_jump(&self, placed: &Placed<'_>, block: usize) -> usize {
        let info = &placed.machine.blocks[block];
        let next = self.destination(info.successors[0]);
        match info.known_way {
            Some(way) if next == info.successors[0].index() && self.bare_branch[next] => {
                self.destination(placed.machine.blocks[next].successors[usize::from(way)])
            }
            _ => next,
        }
    }

    /// Chains of blocks, each falling through to the next, as many links as can be had: a jump that is not needed for
    /// each. The way back of a loop comes first, so that the loop's head follows its body.
    fn chained(&mut self, placed: &Placed<'_>) -> Vec<usize> {
        let blocks = &placed.machine.blocks;
        let mut emitted = self.reached(placed);
        let mut chains = Chains::new(blocks.len());
        self.share_exits(placed, &mut emitted, &mut chains);
        let jumps = emitted.iter().filter(|block| blocks[**block].ways == 1);
        let jumps: Vec<_> = jumps.map(|block| (*block, self.end_of_jump(placed, *block))).collect();
        for back in [true, false] {
            for (from, to) in jumps.iter().filter(|(from, to)| (to <= from) == back) {
                chains.link(*from, *to);
            }
        }
        let ways_in = self.ways_in(placed, &emitted);
        for &block in emitted.iter().filter(|block| blocks[**block].ways == 2) {
            let mut next = blocks[block].successors.map(|next| self.destination(next));
            // What returns can stand anywhere; what others lead to can follow one of those.
            // Without an opposite only the second way can be fallen into.
            if placed.inverts(block) {
                next.sort_by_key(|next| (blocks[*next].ways == 0, ways_in[*next]));
            } else {
                next.reverse();
            }
            if !chains.link(block, next[0]) {
                chains.link(block, next[1]);
            }
        }
        // What only returns is out of the way at the end.
        let aside = |block: &usize| blocks[*block].ways == 0 && *block != 0;
        let (last, first): (Vec<_>, Vec<_>) = emitted.into_iter().partition(aside);
        chains.in_order(&[first, last].concat())
    }
}

impl Layout {
    /// The blocks that are still reached, in their old order: a branch that everybody knows the outcome of is not.
    fn reached(&self, placed: &Placed<'_>) -> Vec<usize> {
        let mut reached = vec![false; placed.machine.blocks.len()];
        let mut work = vec![0];
        reached[0] = true;
        while let Some(block) = work.pop() {
            let info = &placed.machine.blocks[block];
            let ends = info.successors().iter().map(|next| match info.ways {
                1 => self.end_of_jump(placed, block),
                _ => self.destination(*next),
            });
            for next in ends {
                if !std::mem::replace(&mut reached[next], true) {
                    work.push(next);
                }
            }
        }
        (0..reached.len()).filter(|block| reached[*block]).collect()
    }

    /// What a branch does in the place of a return, if it does.
    pub(super) fn shared_exit(&self, block: usize) -> Option<SharedExit> {
        self.shared_exit[block]
    }

    /// Two returns of constants behind one branch need only one `exit`, if nothing else leads to one of them and r0 is
    /// free when the branch is taken.
    fn share_exits(&mut self, placed: &Placed<'_>, emitted: &mut Vec<usize>, chains: &mut Chains) {
        let ways_in = self.ways_in(placed, emitted);
        let blocks = &placed.machine.blocks;
        // Who knows the outcome of a branch leads on from it by himself.
        let mut passed = vec![false; blocks.len()];
        emitted.iter().filter(|block| blocks[**block].known_way.is_some()).for_each(|block| {
            passed[self.destination(blocks[*block].successors[0])] = true;
        });
        let mut gone = vec![false; blocks.len()];
        for &block in emitted.iter().filter(|block| blocks[**block].ways == 2 && !passed[**block]) {
            let next = blocks[block].successors.map(|next| self.destination(next));
            let both_return = next.iter().all(|next| placed.returns_constant(*next)) && next[0] != next[1];
            if !both_return || !placed.leaves_r0(block) {
                continue;
            }
            let Some(way) = (0..2).find(|way| ways_in[next[*way]] == 1) else { continue };
            let inverts = way == 0 || placed.inverts(block);
            if inverts && chains.link(block, next[1 - way]) {
                self.shared_exit[block] = Some(SharedExit { gone: next[way], way, kept: next[1 - way] });
                gone[next[way]] = true;
            }
        }
        emitted.retain(|block| !gone[*block]);
    }

    /// How many blocks lead to each.
    fn ways_in(&self, placed: &Placed<'_>, emitted: &[usize]) -> Vec<u32> {
        let mut ways = vec![0; placed.machine.blocks.len()];
        for block in emitted {
            for next in placed.machine.blocks[*block].successors() {
                ways[self.destination(*next)] += 1;
            }
        }
        ways
    }
}

/// Moving a register to itself.
fn is_idle(edit: &Edit) -> bool {
    let Edit::Move { from, to } = edit;
    from == to
}

/// The only instruction of a block.
fn only(placed: &Placed<'_>, block: usize) -> Option<Kind> {
    let info = &placed.machine.blocks[block];
    (info.end - info.first == 1).then(|| placed.machine.insts[info.first as usize].kind)
}

fn destinations(placed: &Placed<'_>, empty: impl Fn(usize) -> bool) -> Vec<usize> {
    const OPEN: usize = usize::MAX;
    let blocks = &placed.machine.blocks;
    let mut found = vec![OPEN; blocks.len()];
    let mut way = Vec::new();
    for start in 0..blocks.len() {
        let mut at = start;
        // A ring of empty blocks ends where it is entered.
        while found[at] == OPEN && empty(at) {
            found[at] = at;
            way.push(at);
            at = blocks[at].successors[0].index();
        }
        let end = if found[at] == OPEN { at } else { found[at] };
        found[at] = end;
        way.drain(..).filter(|passed| *passed != end).for_each(|passed| found[passed] = end);
    }
    found
}

/// Blocks that follow each other.
struct Chains {
    next: Vec<Option<usize>>,
    has_before: Vec<bool>,
    /// Leads to the last block of the chain, by and by.
    towards_last: Vec<usize>,
}

impl Chains {
    fn new(count: usize) -> Self {
        Self { next: vec![None; count], has_before: vec![false; count], towards_last: (0..count).collect() }
    }

    /// Lets a block follow another one, if neither has a neighbour there yet; the entry follows nothing.
    fn link(&mut self, from: usize, to: usize) -> bool {
        if to == 0 || self.next[from].is_some() || self.has_before[to] || self.last(to) == from {
            return false;
        }
        self.next[from] = Some(to);
        self.has_before[to] = true;
        self.towards_last[from] = to;
        true
    }

    fn last(&mut self, mut block: usize) -> usize {
        while self.towards_last[block] != block {
            // Half of the way is gone next time.
            self.towards_last[block] = self.towards_last[self.towards_last[block]];
            block = self.towards_last[block];
        }
        block
    }

    /// One chain after the other: each where its first block in the old order stood.
    fn in_order(&self, emitted: &[usize]) -> Vec<usize> {
        let mut head_of = vec![usize::MAX; self.next.len()];
        for &head in emitted.iter().filter(|block| !self.has_before[**block]) {
            let mut at = Some(head);
            while let Some(block) = at {
                head_of[block] = head;
                at = self.next[block];
            }
        }
        let mut order = Vec::with_capacity(emitted.len());
        let mut done = vec![false; self.next.len()];
        for &block in emitted {
            let head = head_of[block];
            if std::mem::replace(&mut done[head], true) {
                continue;
            }
            let mut at = Some(head);
            while let Some(block) = at {
                order.push(block);
                at = self.next[block];
            }
        }
        order
    }
}
