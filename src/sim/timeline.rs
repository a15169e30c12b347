//! What happened to timers, in order: as a list, as text, as a picture.

mod svg;
mod text;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

pub(super) use self::text::owner;
use crate::asm::Loc;

/// Something that happened to a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerEvent {
    /// `bpf_timer_init` made it ready.
    Initialised,
    /// `bpf_timer_set_callback` gave it a function.
    CallbackSet,
    /// `bpf_timer_start` armed it for this time of its clock, in nanoseconds.
    Armed(i64),
    /// `bpf_timer_start` moved it to this time.
    Moved(i64),
    /// Its time came, and its function was called.
    Fired,
    /// Its function returned.
    Returned,
    /// Its time came, and it had no function.
    Lapsed,
    /// `bpf_timer_cancel` took its function away; whether it was armed.
    Cancelled(bool),
    /// Its element went, or its map's last user.
    Freed,
}

/// Something that happened to a timer, when, where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When: `CLOCK_MONOTONIC`, in nanoseconds.
    pub time: u64,
    /// The virtual CPU.
    pub cpu: u32,
    /// Which timer, in the order they were initialised.
    pub timer: usize,
    /// The map the timer is in.
    pub map: String,
    /// The key of its element.
    pub key: Vec<u8>,
    /// What happened.
    pub event: TimerEvent,
    /// The Rust line that did it; none where user space or the clock did.
    pub loc: Option<Loc>,
}

/// What happened to timers, in order: the newest entries, up to [`Machine::set_timeline_limit`](super::Machine::set_timeline_limit).
///
/// It prints as text, a line for each entry; [`svg`](Self::svg) draws it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    entries: Vec<TimelineEntry>,
    dropped: u64,
}

impl Timeline {
    pub(super) const fn new(entries: Vec<TimelineEntry>, dropped: u64) -> Self {
        Self { entries, dropped }
    }

    /// How many entries came before the first, and were not kept.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Deref for Timeline {
    type Target = [TimelineEntry];

    fn deref(&self) -> &[TimelineEntry] {
        &self.entries
    }
}

impl IntoIterator for Timeline {
    type Item = TimelineEntry;
    type IntoIter = std::vec::IntoIter<TimelineEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Timeline {
    type Item = &'a TimelineEntry;
    type IntoIter = std::slice::Iter<'a, TimelineEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

/// Entries that are kept unless said otherwise.
const LIMIT: usize = 1 << 16;

/// Which timer it was: an element may be gone by the time somebody asks.
#[derive(Debug)]
pub(super) struct Known {
    /// Which, in the order they were initialised.
    pub(super) number: usize,
    /// The map it was in, by number.
    pub(super) map: u32,
    /// The key of its element.
    pub(super) key: Box<[u8]>,
}

/// The newest of what happened.
#[derive(Debug)]
pub(super) struct Log {
    moments: VecDeque<Moment>,
    limit: usize,
    dropped: u64,
    /// Timers that were initialised.
    timers: usize,
}

/// One entry of the timeline, in the machine's own terms.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Monotonic time, in nanoseconds.
    pub(super) time: u64,
    pub(super) cpu: u32,
    /// The op that did it; none where user space or the clock did.
    pub(super) op: Option<usize>,
    pub(super) timer: Arc<Known>,
    pub(super) event: TimerEvent,
}

impl Default for Log {
    fn default() -> Self {
        Self { moments: VecDeque::new(), limit: LIMIT, dropped: 0, timers: 0 }
    }
}

impl Log {
    pub(super) const fn is_on(&self) -> bool {
        self.limit > 0
    }

    /// A timer that is new.
    pub(super) fn know(&mut self, map: u32, key: Box<[u8]>) -> Arc<Known> {
        self.timers += 1;
        Arc::new(Known { number: self.timers - 1, map, key })
    }

    pub(super) fn push(&mut self, moment: Moment) {
        self.moments.push_back(moment);
        self.shorten();
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.shorten();
    }

    pub(super) const fn moments(&self) -> &VecDeque<Moment> {
        &self.moments
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn shorten(&mut self) {
        while self.moments.len() > self.limit {
            self.moments.pop_front();
            self.dropped += 1;
        }
    }
}
