//! Timers of map values, as `kernel/bpf/helpers.c` has them: what the four helpers do, when one fires, and what ends it.
//!
//! A timer is known by its address, the place in the value. Deadlines wait in a queue ordered by clock, time and turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clock::VirtualClock;
use super::timeline::{Known, Log, Moment, TimerEvent};
use crate::base::{Clock, Errno, TimerFlags};

/// Which kernel's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Profile {
    /// 5.15 to 6.19: a lock in every timer; cancelling waits.
    Locked,
    /// Since 7.0: any context may use them; freeing never waits.
    AnyContext,
}

/// The number of a timer.
type Id = usize;

/// Deadlines: those of `CLOCK_MONOTONIC` before those of `CLOCK_BOOTTIME`, then by time, then by turn.
type Deadline = (Base, i64, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    Monotonic,
    Boottime,
}

impl Base {
    const ALL: [Self; 2] = [Self::Monotonic, Self::Boottime];

    const fn of(clock: Clock) -> Self {
        match clock.goes_by() {
            Clock::Boottime => Self::Boottime,
            _ => Self::Monotonic,
        }
    }

    const fn clock(self) -> Clock {
        match self {
            Self::Monotonic => Clock::Monotonic,
            Self::Boottime => Clock::Boottime,
        }
    }
}

/// A timer that is ready (`struct bpf_hrtimer`).
#[derive(Clone, Debug)]
struct Timer {
    /// What the timeline says of it; its number is that of no other.
    known: Arc<Known>,
    base: Base,
    /// The map it is in, by number.
    map: u32,
    /// Where it is.
    address: u64,
    /// The address of its function; the program it is in counts as held while it is set.
    callback: Option<u64>,
    queued: Option<Deadline>,
    /// Whether it was armed for a point in time.
    absolute: bool,
    /// The CPU it was armed on, where it fires.
    cpu: u32,
    running_on: Option<u32>,
    /// Callbacks that are cancelling it.
    cancelling: u32,
}

/// Somebody waits for the function of a timer to return. The timer may be gone by then, its number given to another.
#[derive(Clone, Copy, Debug)]
struct Wait {
    id: Id,
    number: usize,
    /// Whether the timer counts it among those that cancel it.
    counted: bool,
}

/// Where a timer is.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The address of the timer.
    pub(super) address: u64,
    /// The map, by number.
    pub(super) map: u32,
    /// The key of the element.
    pub(super) key: Box<[u8]>,
}

/// A timer whose time has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    id: Id,
    /// The CPU it fires on.
    pub(super) cpu: u32,
    /// The address of the function to call.
    pub(super) callback: u64,
    /// The map it is in, by number.
    pub(super) map: u32,
    /// The address of the timer.
    pub(super) address: u64,
}

/// All timers, and the time they go by.
#[derive(Debug)]
pub(super) struct Timers {
    pub(super) clock: VirtualClock,
    pub(super) log: Log,
    /// The op that is being executed, for the timeline.
    pub(super) op: Option<usize>,
    profile: Profile,
    timers: Vec<Option<Timer>>,
    unused: Vec<Id>,
    by_address: BTreeMap<u64, Id>,
    queue: BTreeMap<Deadline, Id>,
    /// Turns given out: what is armed first fires first.
    turns: u64,
    /// The timer whose function runs on each CPU.
    running: Vec<Option<Id>>,
    /// Calls of `bpf_timer_cancel` that wait, on each CPU: of its program and of its softirq.
    cancels: Vec<[Option<Wait>; 2]>,
    /// Timers that were freed while their functions ran elsewhere: the CPU waits for them.
    frees: Vec<Vec<Wait>>,
}

impl Timers {
    pub(super) fn new(profile: Profile, cpus: u32) -> Self {
        Self {
            clock: VirtualClock::new(),
            log: Log::default(),
            op: None,
            profile,
            timers: Vec::new(),
            unused: Vec::new(),
            by_address: BTreeMap::new(),
            queue: BTreeMap::new(),
            turns: 0,
            running: vec![None; cpus as usize],
            cancels: vec![[None; 2]; cpus as usize],
            frees: vec![Vec::new(); cpus as usize],
        }
    }

    /// `bpf_timer_init`
    pub(super) fn init(&mut self, cpu: u32, place: Home, flags: u64, held: bool) -> Result<(), Errno> {
        let Home { address, map, key } = place;
        let clock = Clock::from_number(flags).ok_or(Errno::EINVAL)?;
        if self.by_address.contains_key(&address) {
            return Err(Errno::EBUSY);
        }
        if !held {
            return Err(Errno::EPERM);
        }
        let timer = Timer {
            known: self.log.know(map, key),
            base: Base::of(clock),
            map,
            address,
            callback: None,
            queued: None,
            absolute: false,
            cpu,
            running_on: None,
            cancelling: 0,
        };
        let id = self.add(timer);
        self.by_address.insert(address, id);
        self.record(cpu, id, TimerEvent::Initialised);
        Ok(())
    }

    /// `bpf_timer_set_callback`
    pub(super) fn set_callback(
        &mut self,
        cpu: u32,
        address: u64,
        function: u64,
        held: bool,
    ) -> Result<(), Errno> {
        let id = self.find(address)?;
        if !held && self.profile == Profile::Locked {
            return Err(Errno::EPERM);
        }
        self.change(id, |timer| timer.callback = Some(function));
        self.record(cpu, id, TimerEvent::CallbackSet);
        Ok(())
    }

    /// `bpf_timer_start`
    pub(super) fn start(
        &mut self,
        cpu: u32,
        address: u64,
        nanoseconds: u64,
        flags: u64,
    ) -> Result<(), Errno> {
        let flags = TimerFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
        let id = self.find(address)?;
        let Some(Some(timer)) = self.timers.get(id) else { return Err(Errno::EINVAL) };
        if timer.callback.is_none() {
            return Err(Errno::EINVAL);
        }
        let base = timer.base;
        let absolute = flags.contains(TimerFlags::ABS);
        let time = if absolute {
            nanoseconds.cast_signed()
        } else {
            after(self.clock.now(base.clock()), nanoseconds)
        };
        let moved = self.disarm(id);
        self.turns += 1;
        let deadline = (base, time, self.turns);
        self.queue.insert(deadline, id);
        self.change(id, |timer| {
            (timer.queued, timer.absolute, timer.cpu) = (Some(deadline), absolute, cpu);
        });
        let event = if moved { TimerEvent::Moved(time) } else { TimerEvent::Armed(time) };
        self.record(cpu, id, event);
        Ok(())
    }

    /// `bpf_timer_cancel`: whether it was armed; none while its function runs on another CPU, which is to be waited for by
    /// asking again.
    pub(super) fn cancel(&mut self, cpu: u32, address: u64) -> Result<Option<bool>, Errno> {
        let level = self.level(cpu);
        let waiting = self.cancels[cpu as usize][level].take();
        let wait = match waiting {
            Some(wait) => wait,
            None => self.begin_cancel(cpu, self.find(address)?)?,
        };
        if self.runs(wait) {
            self.cancels[cpu as usize][level] = Some(wait);
            return Ok(None);
        }
        Ok(Some(self.end_cancel(cpu, wait)))
    }

    /// What comes before the wait: the function goes, unless two callbacks would wait for each other.
    fn begin_cancel(&mut self, cpu: u32, id: Id) -> Result<Wait, Errno> {
        let current = self.running.get(cpu as usize).copied().flatten();
        if current == Some(id) {
            return Err(Errno::EDEADLK);
        }
        if current.is_some_and(|current| self.timer(current).is_some_and(|timer| timer.cancelling > 0)) {
            return Err(Errno::EDEADLK);
        }
        let counted = current.is_some();
        self.change(id, |timer| {
            timer.callback = None;
            timer.cancelling += u32::from(counted);
        });
        Ok(self.wait_for(id, counted))
    }

    fn end_cancel(&mut self, cpu: u32, wait: Wait) -> bool {
        // What was freed meanwhile is not armed.
        if self.timer(wait.id).is_none_or(|timer| timer.known.number != wait.number) {
            return false;
        }
        self.change(wait.id, |timer| timer.cancelling -= u32::from(wait.counted));
        let armed = self.disarm(wait.id);
        self.record(cpu, wait.id, TimerEvent::Cancelled(armed));
        armed
    }

    /// The end of the timer at an address, if there is one: its element goes, or is set anew.
    pub(super) fn free(&mut self, cpu: u32, address: u64) {
        let Some(id) = self.by_address.remove(&address) else { return };
        self.change(id, |timer| timer.callback = None);
        self.disarm(id);
        self.record(cpu, id, TimerEvent::Freed);
        // One whose function runs is forgotten when it returns; before 7.0 that is waited for, but not in a callback.
        if self.running_on(id).is_none() {
            self.forget(id);
        } else if self.profile == Profile::Locked && self.level(cpu) == 0 {
            let wait = self.wait_for(id, false);
            self.frees[cpu as usize].push(wait);
        }
    }

    /// Whether what runs on a CPU, a program or user space, has freed timers whose functions still run.
    #[inline]
    pub(super) fn blocks(&mut self, cpu: u32) -> bool {
        let freed = &self.frees[cpu as usize];
        if freed.is_empty() || self.running[cpu as usize].is_some() {
            return false;
        }
        let waiting: Vec<Wait> = freed.iter().copied().filter(|wait| self.runs(*wait)).collect();
        self.frees[cpu as usize] = waiting;
        !self.frees[cpu as usize].is_empty()
    }

    /// The monotonic time of the next deadline.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let time = |base: Base| {
            let (&(_, time, _), _) =
                self.queue.range((base, i64::MIN, 0)..=(base, i64::MAX, u64::MAX)).next()?;
            Some(self.clock.monotonic_at(base.clock(), u64::try_from(time).unwrap_or(0)))
        };
        // What is never to fire stands at the end of time.
        Base::ALL.into_iter().filter_map(time).min().filter(|time| *time < i64::MAX as u64)
    }

    /// A turn later than all that have been given out: a pass takes no timers armed in it.
    pub(super) const fn turn(&self) -> u64 {
        self.turns
    }

    /// A CPU waits for nothing any more.
    pub(super) fn stop_waiting(&mut self, cpu: u32) {
        self.frees[cpu as usize].clear();
        for wait in std::mem::take(&mut self.cancels[cpu as usize]).into_iter().flatten() {
            self.change(wait.id, |timer| {
                timer.cancelling = timer.cancelling.saturating_sub(u32::from(wait.counted))
            });
        }
    }

    /// Takes the next timer that is due, on one CPU or any, and that belongs to a pass which began with `turn`: armed by then,
    /// or armed since for a point in time that had passed by then.
    pub(super) fn take_due(&mut self, cpu: Option<u32>, turn: u64) -> Option<Due> {
        loop {
            let id = self.next_due(cpu, turn)?;
            self.disarm(id);
            let &Timer { map, address, callback, cpu, .. } = self.timer(id)?;
            if let Some(callback) = callback {
                self.record(cpu, id, TimerEvent::Fired);
                return Some(Due { id, cpu, callback, map, address });
            }
            self.record(cpu, id, TimerEvent::Lapsed);
        }
    }

    /// Whether [`take_due`](Self::take_due) would find a timer.
    pub(super) fn is_due(&self, cpu: u32, turn: u64) -> bool {
        self.next_due(Some(cpu), turn).is_some()
    }

    /// The function of a timer begins to run.
    pub(super) fn begin(&mut self, cpu: u32, due: &Due) {
        self.change(due.id, |timer| timer.running_on = Some(cpu));
        if let Some(running) = self.running.get_mut(cpu as usize) {
            *running = Some(due.id);
        }
    }

    /// It has returned.
    pub(super) fn end(&mut self, cpu: u32, due: &Due) {
        self.record(cpu, due.id, TimerEvent::Returned);
        self.change(due.id, |timer| timer.running_on = None);
        if let Some(running) = self.running.get_mut(cpu as usize) {
            *running = None;
        }
        if self.by_address.get(&due.address) != Some(&due.id) {
            self.forget(due.id);
        }
    }

    /// How many are armed.
    pub(super) fn armed(&self) -> usize {
        self.queue.len()
    }

    /// The addresses of the functions of all timers that have one, with the maps of the timers: each holds its program.
    pub(super) fn callbacks(&self) -> impl Iterator<Item = (u64, u32)> {
        self.timers.iter().flatten().filter_map(|timer| Some((timer.callback?, timer.map)))
    }

    /// The armed timer that fires first: its map and its address.
    pub(super) fn first_armed(&self) -> Option<(u32, u64)> {
        let first = |base| {
            let ((_, time, turn), id) =
                self.queue.range((base, i64::MIN, 0)..=(base, i64::MAX, u64::MAX)).next()?;
            let at = self.clock.monotonic_at(base.clock(), u64::try_from(*time).unwrap_or(0));
            Some((at, *turn, *id))
        };
        let (_, _, id) = Base::ALL.into_iter().filter_map(first).min()?;
        self.timer(id).map(|timer| (timer.map, timer.address))
    }

    fn next_due(&self, cpu: Option<u32>, turn: u64) -> Option<Id> {
        Base::ALL.into_iter().find_map(|base| self.due(base, cpu, turn))
    }

    fn due(&self, base: Base, cpu: Option<u32>, turn: u64) -> Option<Id> {
        let now = self.clock.now(base.clock()).cast_signed();
        let due = self.queue.range((base, i64::MIN, 0)..=(base, now, u64::MAX));
        let fires = |(_, _, armed): &Deadline, id: Id| {
            let timer = self.timer(id);
            let here = cpu.is_none_or(|cpu| timer.is_some_and(|timer| timer.cpu == cpu));
            here && (*armed <= turn || timer.is_some_and(|timer| timer.absolute))
        };
        due.filter(|(deadline, id)| fires(deadline, **id)).map(|(_, id)| *id).next()
    }

    /// What runs on a CPU: 0 for a program or user space, 1 for the function of a timer.
    fn level(&self, cpu: u32) -> usize {
        usize::from(self.running[cpu as usize].is_some())
    }

    fn wait_for(&self, id: Id, counted: bool) -> Wait {
        Wait { id, number: self.timer(id).map_or(0, |timer| timer.known.number), counted }
    }

    /// Whether the function that is waited for still runs.
    fn runs(&self, wait: Wait) -> bool {
        let timer = self.timer(wait.id);
        timer.is_some_and(|timer| timer.known.number == wait.number && timer.running_on.is_some())
    }

    fn timer(&self, id: Id) -> Option<&Timer> {
        self.timers.get(id)?.as_ref()
    }

    fn find(&self, address: u64) -> Result<Id, Errno> {
        self.by_address.get(&address).copied().ok_or(Errno::EINVAL)
    }

    fn running_on(&self, id: Id) -> Option<u32> {
        self.timer(id)?.running_on
    }

    fn change(&mut self, id: Id, change: impl FnOnce(&mut Timer)) {
        if let Some(Some(timer)) = self.timers.get_mut(id) {
            change(timer);
        }
    }

    /// Whether it was armed.
    fn disarm(&mut self, id: Id) -> bool {
        let Some(Some(timer)) = self.timers.get_mut(id) else { return false };
        let Some(deadline) = timer.queued.take() else { return false };
        self.queue.remove(&deadline);
        true
    }

    fn add(&mut self, timer: Timer) -> Id {
        if let Some(id) = self.unused.pop() {
            self.timers[id] = Some(timer);
            return id;
        }
        self.timers.push(Some(timer));
        self.timers.len() - 1
    }

    fn forget(&mut self, id: Id) {
        self.timers[id] = None;
        self.unused.push(id);
    }

    /// The one place where the timeline grows.
    fn record(&mut self, cpu: u32, id: Id, event: TimerEvent) {
        if !self.log.is_on() {
            return;
        }
        let Some(timer) = self.timer(id) else { return };
        let (time, timer) = (self.clock.now(Clock::Monotonic), timer.known.clone());
        self.log.push(Moment { time, cpu, op: self.op, timer, event });
    }
}

/// `ktime_add_safe`: what overflows is the end of time.
fn after(now: u64, nanoseconds: u64) -> i64 {
    let sum = nanoseconds.wrapping_add(now).cast_signed();
    let overflows = sum < 0 || sum < nanoseconds.cast_signed() || sum < now.cast_signed();
    if overflows { i64::MAX } else { sum }
}
