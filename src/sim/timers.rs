//! Timers of map values, as `kernel/bpf/helpers.c` has them: what the four helpers do, when one fires, and what ends it.
//!
//! A timer is known by its address, the place in the value. Deadlines wait in a queue ordered by clock, time and turn.

use std::collections::BTreeMap;

use super::clock::VirtualClock;
use super::timeline::{Known, Moment, Timeline, TimerEvent};
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
    /// Its number on the timeline.
    known: usize,
    base: Base,
    /// The map it is in, by number.
    map: u32,
    /// Where it is.
    address: u64,
    /// The address of its function; the program it is in counts as held while it is set.
    callback: Option<u64>,
    queued: Option<Deadline>,
    running_on: Option<u32>,
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
    pub(super) timeline: Timeline,
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
}

impl Timers {
    pub(super) fn new(profile: Profile, cpus: u32) -> Self {
        Self {
            clock: VirtualClock::new(),
            timeline: Timeline::default(),
            op: None,
            profile,
            timers: Vec::new(),
            unused: Vec::new(),
            by_address: BTreeMap::new(),
            queue: BTreeMap::new(),
            turns: 0,
            running: vec![None; cpus as usize],
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
        self.timeline.known.push(Known { map, key });
        let timer = Timer {
            known: self.timeline.known.len() - 1,
            base: Base::of(clock),
            map,
            address,
            callback: None,
            queued: None,
            running_on: None,
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
        let time = if flags.contains(TimerFlags::ABS) {
            nanoseconds.cast_signed()
        } else {
            after(self.clock.now(base.clock()), nanoseconds)
        };
        let moved = self.disarm(id);
        self.turns += 1;
        let deadline = (base, time, self.turns);
        self.queue.insert(deadline, id);
        self.change(id, |timer| timer.queued = Some(deadline));
        let event = if moved { TimerEvent::Moved(time) } else { TimerEvent::Armed(time) };
        self.record(cpu, id, event);
        Ok(())
    }

    /// `bpf_timer_cancel`: whether it was armed; none while its function runs on another CPU, which is to be waited for.
    pub(super) fn cancel(&mut self, cpu: u32, address: u64) -> Result<Option<bool>, Errno> {
        let id = self.find(address)?;
        let current = self.running.get(cpu as usize).copied().flatten();
        if current == Some(id) {
            return Err(Errno::EDEADLK);
        }
        self.change(id, |timer| timer.callback = None);
        if self.running_on(id).is_some() {
            return Ok(None);
        }
        let armed = self.disarm(id);
        self.record(cpu, id, TimerEvent::Cancelled(armed));
        Ok(Some(armed))
    }

    /// The end of the timer at an address, if there is one: its element goes, or is set anew.
    pub(super) fn free(&mut self, cpu: u32, address: u64) {
        let Some(id) = self.by_address.remove(&address) else { return };
        self.change(id, |timer| timer.callback = None);
        self.disarm(id);
        self.record(cpu, id, TimerEvent::Freed);
        // One whose function runs is forgotten when it returns.
        if self.running_on(id).is_none() {
            self.forget(id);
        }
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
    pub(super) fn turn(&self) -> u64 {
        self.turns
    }

    /// Takes the next timer that is due and was armed no later than in `turn`.
    pub(super) fn take_due(&mut self, cpu: u32, turn: u64) -> Option<Due> {
        loop {
            let id = Base::ALL.into_iter().find_map(|base| self.due(base, turn))?;
            self.disarm(id);
            let timer = self.timers.get(id)?.as_ref()?;
            let (map, address) = (timer.map, timer.address);
            if let Some(callback) = timer.callback {
                self.record(cpu, id, TimerEvent::Fired);
                return Some(Due { id, callback, map, address });
            }
            self.record(cpu, id, TimerEvent::Lapsed);
        }
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

    fn due(&self, base: Base, turn: u64) -> Option<Id> {
        let now = self.clock.now(base.clock()).cast_signed();
        let due = self.queue.range((base, i64::MIN, 0)..=(base, now, u64::MAX));
        due.filter(|((_, _, armed), _)| *armed <= turn).map(|(_, id)| *id).next()
    }

    fn find(&self, address: u64) -> Result<Id, Errno> {
        self.by_address.get(&address).copied().ok_or(Errno::EINVAL)
    }

    fn running_on(&self, id: Id) -> Option<u32> {
        self.timers.get(id)?.as_ref()?.running_on
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
        let Some(Some(Timer { known: timer, .. })) = self.timers.get(id) else { return };
        let timer = *timer;
        let time = self.clock.now(Clock::Monotonic);
        self.timeline.moments.push(Moment { time, cpu, op: self.op, timer, event });
    }
}

/// `ktime_add_safe`: what overflows is the end of time.
fn after(now: u64, nanoseconds: u64) -> i64 {
    let sum = nanoseconds.wrapping_add(now).cast_signed();
    let overflows = sum < 0 || sum < nanoseconds.cast_signed() || sum < now.cast_signed();
    if overflows { i64::MAX } else { sum }
}
