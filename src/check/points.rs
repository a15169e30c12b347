//! Where paths meet: what came there before, and what is still to be walked.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

use super::merge::Merge;
use super::program::Program;
use super::state::State;

/// What became of a path that came to a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It goes on from there, later.
    Queued,
    /// What can be found on it is found on another.
    Known,
    /// It came back to where it was, and nothing is different.
    Forever,
}

/// A state that came to a slot; a number of one is its index.
struct Met {
    slot: u32,
    /// The state the path was in before, at the join before.
    parent: Id,
    /// Another that came to the same slot.
    next: Id,
    /// Waits to be walked on from.
    waits: bool,
    state: Option<Rc<State>>,
}

/// The states at one slot that may be compared: in the same calls, with as much held.
#[derive(Clone, Copy)]
struct Group {
    first: Id,
    count: usize,
    /// The one that all further states are merged into, and how often one was.
    merged: Option<(Id, u32)>,
}

/// 1 + an index; 0 for none.
type Id = u32;

/// The states at all slots.
#[derive(Default)]
pub(super) struct Points {
    /// For each slot, the group of the states that called nothing and hold nothing.
    groups_at: Vec<Id>,
    /// The others, by slot and kind.
    others: HashMap<(usize, (u32, u32)), Id>,
    groups: Vec<Group>,
    met: Vec<Met>,
    /// The lowest rank comes first: callees before their callers, and within a function what stands first.
    queue: BinaryHeap<Reverse<(usize, Id)>>,
    /// States that were walked on from, and are kept for others to be compared with.
    kept: Vec<Id>,
    /// Nothing comes to a slot before this one any more, once the queue is there.
    front: usize,
}

impl Points {
    pub(super) fn new(slots: usize) -> Self {
        Self { groups_at: vec![0; slots], ..Self::default() }
    }

    /// A path comes to a slot, from the state `parent`; more than `patience` states are merged into one.
    pub(super) fn arrive(
        &mut self,
        program: &Program<'_>,
        (slot, parent): (usize, Id),
        state: State,
        patience: usize,
        merge: &mut Merge<'_, '_>,
    ) -> Arrival {
        let group = self.group(slot, &state);
        if let Some(known) = self.known(group, &state) {
            return if self.is_forever(known, parent, &state) { Arrival::Forever } else { Arrival::Known };
        }
        let Group { first, count, merged, .. } = self.groups[group];
        let Some((id, rounds)) = merged.filter(|_| count >= patience) else {
            let id = self.push(Met {
                slot: u32::try_from(slot).unwrap_or(u32::MAX),
                parent,
                next: first,
                waits: true,
                state: Some(Rc::new(state)),
            });
            let group = &mut self.groups[group];
            (group.first, group.count) = (id, count + 1);
            if group.count >= patience {
                group.merged = Some((id, 0));
            }
            self.queue.push(Reverse((program.rank(slot), id)));
            return Arrival::Queued;
        };
        self.groups[group].merged = Some((id, rounds + 1));
        let met = &mut self.met[id as usize - 1];
        let Some(known) = met.state.as_mut().map(Rc::make_mut) else {
            met.state = Some(Rc::new(state));
            return self.wait(program, slot, id);
        };
        if merge.states(known, &state, rounds) { self.wait(program, slot, id) } else { Arrival::Known }
    }

    fn push(&mut self, met: Met) -> Id {
        self.met.push(met);
        u32::try_from(self.met.len()).unwrap_or(u32::MAX)
    }

    fn wait(&mut self, program: &Program<'_>, slot: usize, id: Id) -> Arrival {
        let met = &mut self.met[id as usize - 1];
        if !met.waits {
            met.waits = true;
            self.queue.push(Reverse((program.rank(slot), id)));
        }
        Arrival::Queued
    }

    fn group(&mut self, slot: usize, state: &State) -> usize {
        let kind = state.kind();
        let id = match kind {
            (0, 0) => &mut self.groups_at[slot],
            kind => self.others.entry((slot, kind)).or_insert(0),
        };
        if *id == 0 {
            self.groups.push(Group { first: 0, count: 0, merged: None });
            *id = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        }
        *id as usize - 1
    }

    /// A state that came before, on which all was found that could be found on this one.
    fn known(&self, group: usize, state: &State) -> Option<Id> {
        let mut at = self.groups[group].first;
        while at != 0 {
            let met = &self.met[at as usize - 1];
            if met.state.as_ref().is_some_and(|known| known.covers(state)) {
                return Some(at);
            }
            at = met.next;
        }
        None
    }

    /// Whether the path came from the same state, round a loop that nothing ends.
    fn is_forever(&self, known: Id, parent: Id, state: &State) -> bool {
        let same = |known: &Rc<State>| !state.bounded && known.same(state);
        let mut at = parent;
        while at > known {
            at = self.met[at as usize - 1].parent;
        }
        at == known && self.met[known as usize - 1].state.as_ref().is_some_and(same)
    }

    /// The next state to walk on from, and its number.
    pub(super) fn next(&mut self, comes_again: impl Fn(usize) -> bool) -> Option<(usize, State, Id)> {
        let Reverse((_, id)) = self.queue.pop()?;
        let met = self.met.get_mut(id as usize - 1)?;
        met.waits = false;
        let slot = met.slot as usize;
        let again = met.state.as_ref().is_some_and(|state| state.depth() > 0) || comes_again(slot);
        let state = if again {
            self.kept.push(id);
            met.state.clone()
        } else {
            met.state.take()
        };
        if !again && self.front != slot {
            self.front = slot;
            self.forget();
        }
        Some((slot, Rc::unwrap_or_clone(state?), id))
    }

    /// Drops the states that nothing will be compared with.
    fn forget(&mut self) {
        for id in self.kept.drain(..) {
            let met = &mut self.met[id as usize - 1];
            if !met.waits {
                met.state = None;
            }
        }
    }

    /// Forgets what is still to be walked.
    pub(super) fn give_up(&mut self) {
        self.queue.clear();
        self.met.iter_mut().for_each(|met| met.waits = false);
    }
}
