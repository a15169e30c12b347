//! Fewer stack slots: the allocator hands them out by the dozen in a long function; those that are never needed at the
//! same time become one.

use regalloc2::{Allocation, Edit, Output};

use super::machine::Machine;

/// The slot that takes the place of each, and how many there are.
pub(super) struct Slots {
    pub(super) number: Vec<u32>,
    pub(super) count: usize,
}

impl Slots {
    /// Drops the moves to slots that nothing reads afterwards, too. The allocator saves a register that it borrows whether or not
    /// there is a value in it, and the verifier refuses to have one saved that was never written.
    pub(super) fn new(machine: &Machine, registers: &mut Output) -> Self {
        let count = registers.num_spillslots;
        if count == 0 {
            return Self { number: Vec::new(), count };
        }
        let events = Events::new(machine, registers);
        let live = events.live_at_end(machine, count);
        let (conflicts, idle) = events.conflicts(&live, count);
        drop_edits(registers, &idle);
        let (number, count) = colour(&conflicts, count);
        Self { number, count }
    }
}

/// Takes away the edits of these indexes, which ascend.
fn drop_edits(registers: &mut Output, idle: &[usize]) {
    let (mut index, mut idle) = (0, idle.iter().peekable());
    registers.edits.retain(|_| {
        index += 1;
        idle.next_if_eq(&&(index - 1)).is_none()
    });
}

/// Bits of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set(Vec<u64>);

impl Set {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn add(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    fn remove(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    fn has(&self, slot: usize) -> bool {
        self.0[slot / 64] >> (slot % 64) & 1 != 0
    }

    /// Adds all of another set; whether any were new.
    fn join(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            changed |= *other & !*own != 0;
            *own |= other;
        }
        changed
    }
}

#[derive(Clone, Copy)]
enum Event {
    /// Which slot, by which edit.
    Written(usize, usize),
    Read(usize),
}

/// What happens to slots, block by block.
struct Events {
    all: Vec<Event>,
    /// One behind the last of each block.
    ends: Vec<u32>,
}

impl Events {
    fn new(machine: &Machine, registers: &Output) -> Self {
        let mut events = Self { all: Vec::new(), ends: Vec::with_capacity(machine.blocks.len()) };
        let mut edits = registers.edits.iter().enumerate().peekable();
        // Blocks and edits both are in the order of the instructions. Operands are in registers, all of them.
        for block in &machine.blocks {
            while let Some((edit, (_, Edit::Move { from, to }))) =
                edits.next_if(|(_, (point, _))| point.inst().index() < block.end as usize)
            {
                events.all.extend(slot(*from).filter(|_| from != to).map(Event::Read));
                events.all.extend(slot(*to).filter(|_| from != to).map(|slot| Event::Written(slot, edit)));
            }
            events.ends.push(events.all.len() as u32);
        }
        events
    }

    fn of(&self, block: usize) -> &[Event] {
        let start = block.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[block] as usize]
    }

    /// What is read later, at the end of each block.
    fn live_at_end(&self, machine: &Machine, count: usize) -> Vec<Set> {
        let mut at_start = vec![Set::new(count); machine.blocks.len()];
        let mut at_end = at_start.clone();
        loop {
            let mut changed = false;
            for block in (0..machine.blocks.len()).rev() {
                for next in machine.blocks[block].successors() {
                    at_end[block].join(&at_start[next.index()]);
                }
                let mut live = at_end[block].clone();
                self.backwards(block, &mut live, |_, _, _| ());
                changed |= at_start[block].join(&live);
            }
            if !changed {
                return at_end;
            }
        }
    }

    /// Walks up a block; tells of each slot that is written, by which edit, and what is live behind it, maybe the slot itself.
    fn backwards(&self, block: usize, live: &mut Set, mut written: impl FnMut(usize, usize, &Set)) {
        for event in self.of(block).iter().rev() {
            match *event {
                Event::Written(slot, edit) => {
                    written(slot, edit, live);
                    live.remove(slot);
                }
                Event::Read(slot) => live.add(slot),
            }
        }
    }

    /// Which slots are written while which others are live; and the edits that write what nothing reads.
    fn conflicts(&self, at_end: &[Set], count: usize) -> (Vec<Set>, Vec<usize>) {
        let mut conflicts = vec![Set::new(count); count];
        let mut idle = Vec::new();
        for (block, live) in at_end.iter().enumerate() {
            let mut live = live.clone();
            self.backwards(block, &mut live, |slot, edit, live| {
                if live.has(slot) {
                    conflicts[slot].join(live);
                } else {
                    idle.push(edit);
                }
            });
        }
        idle.sort_unstable();
        for one in 0..count {
            for other in (0..count).filter(|other| *other != one) {
                if conflicts[one].has(other) {
                    conflicts[other].add(one);
                }
            }
        }
        (conflicts, idle)
    }
}

fn slot(allocation: Allocation) -> Option<usize> {
    allocation.as_stack().map(|slot| slot.index())
}

/// Gives each slot the first number that none in conflict with it has; and how many numbers there are.
fn colour(conflicts: &[Set], count: usize) -> (Vec<u32>, usize) {
    let mut number = vec![0; count];
    let mut used = 0;
    for slot in 0..count {
        let mut taken = vec![false; used + 1];
        (0..slot)
            .filter(|other| conflicts[slot].has(*other))
            .for_each(|other| taken[number[other] as usize] = true);
        let free = taken.iter().position(|taken| !taken).unwrap_or(used);
        number[slot] = free as u32;
        used = used.max(free + 1);
    }
    (number, used)
}
