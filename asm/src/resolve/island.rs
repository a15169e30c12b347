//! Relaxation without 32-bit jumps: islands of intermediate jumps, which code that falls through jumps over.
//!
//! One pass over the instructions, laying them out. A jump that is waiting for its target, and a place that is still
//! jumped back to, can be reached from so far and no further: each waits in a queue, oldest first. Before the oldest
//! gets out of reach, an island is put here, with an intermediate jump for each that has waited long; from then on it
//! waits at its intermediate jump.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use super::{Jump, Layout, Reach, aimed, is_inside, reach};
use crate::{AsmError, Assembler, Insn, LocId, code::Line};

/// How far a jump reaches, in slots; one more backwards.
const REACH: usize = i16::MAX as usize;
/// Room for the widest instruction, what it adds to the queue, and the jump over the island.
const MARGIN: usize = 8;
/// Jumps over no more slots than this should reach without help, whatever islands come in between.
const NEAR: i64 = i16::MAX as i64 / 2;
/// Intermediate jumps of one island: with more, there would be more islands than program.
const CAPACITY: usize = REACH / 3;
/// What would need another island before so many instructions is moved on with the others.
const NEXT_ISLAND: usize = REACH / 2;

pub(super) fn relax(asm: &Assembler, jumps: &[Jump]) -> core::result::Result<Layout, AsmError> {
    let layout = match Islands::new(asm, jumps, NEAR).run() {
        Err(Failure::NearTooFar(_)) => Islands::new(asm, jumps, -1).run(),
        result => result,
    };
    layout.map_err(|failure| match failure {
        Failure::NearTooFar(jump) | Failure::Crowded(jump) => AsmError::Crowded { jump: asm.loc(jump) },
    })
}

/// Why no layout was found, and one of the jumps it was not found for.
enum Failure {
    /// A jump that should have reached without help does not.
    NearTooFar(LocId),
    /// More jumps cross one place than an island within their reach has room for.
    Crowded(LocId),
}

type Result<T> = core::result::Result<T, Failure>;

/// A place that far jumps go to.
struct Place {
    /// The slot as emitted.
    slot: usize,
    /// The last far jump back to it, as emitted.
    last_back: Option<usize>,
    /// The last of the jumps that wait for it: an index into `Islands::waiting`.
    newest: Option<usize>,
    /// The first of those, in the new layout.
    oldest: usize,
    /// Where a jump back can go: the place itself, or the last intermediate jump to it. In the new layout.
    nearest: Option<usize>,
}

/// A jump in the new layout that waits for its target, and the one before it in the list.
struct Waiting {
    at: usize,
    before: Option<usize>,
}

/// Something that will be out of reach one day.
#[derive(Clone, Copy)]
struct Deadline {
    /// Where it waits, in the new layout.
    at: usize,
    place: usize,
    back: bool,
}

struct Islands<'a> {
    asm: &'a Assembler,
    jumps: &'a [Jump],
    /// Jumps over at most so many slots take no part.
    near: i64,
    places: Vec<Place>,
    waiting: Vec<Waiting>,
    deadlines: VecDeque<Deadline>,
    lines: Vec<Line>,
    moved: Vec<u32>,
}

/// The pass.
impl<'a> Islands<'a> {
    fn new(asm: &'a Assembler, jumps: &'a [Jump], near: i64) -> Self {
        let mut islands = Self {
            asm,
            jumps,
            near,
            places: Vec::new(),
            waiting: Vec::new(),
            deadlines: VecDeque::new(),
            lines: Vec::with_capacity(asm.lines().len()),
            moved: Vec::with_capacity(asm.lines().len() + 1),
        };
        islands.find_places();
        islands
    }

    fn find_places(&mut self) {
        let mut slots: Vec<u32> =
            self.jumps.iter().filter(|jump| self.is_far(jump)).map(|jump| jump.to).collect();
        slots.sort_unstable();
        slots.dedup();
        let unseen = |slot| Place { slot, last_back: None, newest: None, oldest: 0, nearest: None };
        self.places = slots.into_iter().map(|slot| unseen(slot as usize)).collect();
        for jump in self.jumps {
            if jump.to <= jump.from && self.is_far(jump) {
                let place = self.place_of(jump);
                self.places[place].last_back = Some(jump.from as usize);
            }
        }
    }

    fn run(mut self) -> Result<Layout> {
        let (mut next_jump, mut next_place) = (0, 0);
        for (slot, line) in self.asm.lines().iter().enumerate() {
            if !is_inside(self.asm, slot) {
                self.keep_in_reach(slot)?;
            }
            if self.places.get(next_place).is_some_and(|place| place.slot == slot) {
                self.arrive(next_place, slot)?;
                next_place += 1;
            }
            self.moved.push(self.lines.len() as u32);
            self.lines.push(*line);
            if let Some(jump) = self.jumps.get(next_jump).filter(|jump| jump.from as usize == slot) {
                self.depart(*jump)?;
                next_jump += 1;
            }
        }
        self.moved.push(self.lines.len() as u32);
        self.settle_near()?;
        Ok(Layout { lines: self.lines, moved: self.moved })
    }

    /// A place has been reached: what waits for it can go there.
    fn arrive(&mut self, place: usize, slot: usize) -> Result<()> {
        let here = self.lines.len();
        self.release(place, here)?;
        self.places[place].nearest = Some(here);
        if self.places[place].last_back.is_some_and(|last| last >= slot) {
            self.deadlines.push_back(Deadline { at: here, place, back: true });
        }
        Ok(())
    }

    /// A jump has been copied: it goes back to where its place is nearest, or waits.
    fn depart(&mut self, jump: Jump) -> Result<()> {
        if !self.is_far(&jump) {
            return Ok(());
        }
        let place = self.place_of(&jump);
        let here = self.lines.len() - 1;
        match self.places[place].nearest {
            Some(nearest) => self.aim(here, nearest),
            None => {
                self.wait(place, here);
                Ok(())
            }
        }
    }

    /// The jumps that took no part go where their targets have gone.
    fn settle_near(&mut self) -> Result<()> {
        for jump in self.jumps {
            if !self.is_far(jump) {
                let (from, to) = (self.moved[jump.from as usize], self.moved[jump.to as usize]);
                self.aim(from as usize, to as usize).map_err(|failure| match failure {
                    Failure::NearTooFar(loc) | Failure::Crowded(loc) => Failure::NearTooFar(loc),
                })?;
            }
        }
        Ok(())
    }
}

/// Islands.
impl Islands<'_> {
    /// Puts an island before `slot`, if after it would be too late.
    fn keep_in_reach(&mut self, slot: usize) -> Result<()> {
        while self.deadlines.front().is_some_and(|oldest| !self.is_live(oldest, slot)) {
            self.deadlines.pop_front();
        }
        let Some(oldest) = self.deadlines.front().copied() else { return Ok(()) };
        if !self.is_urgent(&oldest, self.deadlines.len()) {
            return Ok(());
        }
        self.put_island(slot)?;
        match self.deadlines.front() {
            Some(oldest) if self.is_urgent(oldest, self.deadlines.len()) => {
                Err(Failure::Crowded(self.lines[oldest.at].1))
            }
            _ => Ok(()),
        }
    }

    fn put_island(&mut self, slot: usize) -> Result<()> {
        let queue: Vec<Deadline> = mem::take(&mut self.deadlines)
            .into_iter()
            .filter(|deadline| self.is_live(deadline, slot))
            .collect();
        let count = queue.len();
        let moves_on = |deadline: &Deadline| self.moves_on(deadline, slot, count);
        let (moving, staying): (Vec<_>, Vec<_>) = queue.into_iter().partition(moves_on);
        self.deadlines.extend(staying);
        self.jump_over(&moving)?;
        moving.into_iter().try_for_each(|deadline| self.put_intermediate(deadline))
    }

    /// Whether something is moved on to an island before `slot`, with `count` in the queue.
    fn moves_on(&self, deadline: &Deadline, slot: usize, count: usize) -> bool {
        if self.is_urgent(deadline, count) {
            return true;
        }
        let settled = match (deadline.back, &self.places[deadline.place]) {
            (true, place) => place.last_back.unwrap_or(slot),
            (false, place) => place.slot,
        };
        let end_of_reach = deadline.at + REACH;
        let behind_island = self.lines.len() + 2 * (count + MARGIN);
        behind_island + NEXT_ISLAND > end_of_reach
            && behind_island + count + settled.saturating_sub(slot) > end_of_reach
    }

    /// What falls through to the island goes on behind it.
    fn jump_over(&mut self, moving: &[Deadline]) -> Result<()> {
        let (Some(first), Some((last, _))) = (moving.first(), self.lines.last()) else { return Ok(()) };
        let loc = self.loc_of(*first);
        if moving.len() > CAPACITY {
            return Err(Failure::Crowded(loc));
        }
        let ends = matches!(
            Insn::decode(&[*last]),
            Ok((Insn::Ja { .. } | Insn::JaLong { .. } | Insn::Gotox { .. } | Insn::Exit, _))
        );
        if !ends {
            self.lines.push((Insn::Ja { off: moving.len() as i16 }.encode().first(), loc));
        }
        Ok(())
    }

    fn put_intermediate(&mut self, deadline: Deadline) -> Result<()> {
        let here = self.lines.len();
        let loc = self.loc_of(deadline);
        if !deadline.back {
            self.release(deadline.place, here)?;
        }
        self.lines.push((Insn::Ja { off: 0 }.encode().first(), loc));
        if deadline.back {
            self.aim(here, deadline.at)?;
            self.places[deadline.place].nearest = Some(here);
            self.deadlines.push_back(Deadline { at: here, ..deadline });
        } else {
            self.wait(deadline.place, here);
        }
        Ok(())
    }

    /// The place in the source of the jump that an intermediate jump is for.
    fn loc_of(&self, deadline: Deadline) -> LocId {
        match self.places[deadline.place].last_back {
            Some(last) if deadline.back => self.asm.lines()[last].1,
            _ => self.lines[deadline.at].1,
        }
    }

    /// Whether it could be out of reach of an island after the next instruction, with `count` in the queue.
    fn is_urgent(&self, deadline: &Deadline, count: usize) -> bool {
        self.lines.len() + count + MARGIN > deadline.at + REACH
    }

    fn is_live(&self, deadline: &Deadline, slot: usize) -> bool {
        let place = &self.places[deadline.place];
        if deadline.back {
            place.nearest == Some(deadline.at) && place.last_back.is_some_and(|last| last >= slot)
        } else {
            place.newest.is_some() && place.oldest == deadline.at
        }
    }
}

/// Jumps.
impl Islands<'_> {
    fn is_far(&self, jump: &Jump) -> bool {
        let distance = i64::from(jump.to) - i64::from(jump.from) - 1;
        let slot = self.asm.lines()[jump.from as usize].0;
        distance.abs() > self.near && reach(slot) == Some(Reach::Off)
    }

    /// The place of a far jump, which is among the places by construction.
    fn place_of(&self, jump: &Jump) -> usize {
        self.places.partition_point(|place| place.slot < jump.to as usize)
    }

    /// A jump in the new layout waits for a place.
    fn wait(&mut self, place: usize, at: usize) {
        let before = self.places[place].newest.replace(self.waiting.len());
        self.waiting.push(Waiting { at, before });
        if before.is_none() {
            self.places[place].oldest = at;
            self.deadlines.push_back(Deadline { at, place, back: false });
        }
    }

    /// All that wait for a place go to `to`.
    fn release(&mut self, place: usize, to: usize) -> Result<()> {
        let mut next = self.places[place].newest.take();
        while let Some(index) = next {
            let Waiting { at, before } = self.waiting[index];
            self.aim(at, to)?;
            next = before;
        }
        Ok(())
    }

    /// A jump in the new layout goes to `to`.
    fn aim(&mut self, at: usize, to: usize) -> Result<()> {
        let (slot, loc) = self.lines[at];
        let distance = to as i64 - at as i64 - 1;
        self.lines[at].0 = aimed(slot, distance).ok_or(Failure::Crowded(loc))?;
        Ok(())
    }
}
