//! The virtual clock: it stands still while programs run, and goes on when it is told to.

use std::time::Duration;

use crate::base::Clock;

/// The time of a machine, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VirtualClock {
    /// `CLOCK_MONOTONIC`: since boot, without the time asleep.
    monotonic: u64,
    /// Time asleep: what `CLOCK_BOOTTIME` is ahead of it.
    asleep: u64,
    /// What `CLOCK_REALTIME` is ahead of `CLOCK_MONOTONIC`.
    epoch: u64,
}

impl VirtualClock {
    /// A second after boot: no deadline computed from it is 0 by accident.
    pub(super) const fn new() -> Self {
        Self { monotonic: 1_000_000_000, asleep: 0, epoch: 0 }
    }

    /// The time of a clock.
    pub(super) const fn now(&self, clock: Clock) -> u64 {
        match clock {
            Clock::Monotonic => self.monotonic,
            Clock::Boottime => self.monotonic.saturating_add(self.asleep),
            Clock::Realtime => self.monotonic.saturating_add(self.epoch),
        }
    }

    /// The moment of monotonic time `after` from now.
    pub(super) fn after(&self, after: Duration) -> u64 {
        self.monotonic.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Goes on to a moment of monotonic time; never back.
    pub(super) fn go_to(&mut self, monotonic: u64) {
        self.monotonic = self.monotonic.max(monotonic);
    }

    /// Sleeps: `CLOCK_BOOTTIME` and `CLOCK_REALTIME` go on, `CLOCK_MONOTONIC` does not.
    pub(super) fn sleep(&mut self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.asleep = self.asleep.saturating_add(time);
        self.epoch = self.epoch.saturating_add(time);
    }

    /// The monotonic time at which a clock shows `time`.
    pub(super) fn monotonic_at(&self, clock: Clock, time: u64) -> u64 {
        match clock {
            Clock::Boottime => time.saturating_sub(self.asleep),
            _ => time,
        }
    }
}
