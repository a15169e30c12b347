//! Time: it stands still until it is told to pass.

use std::time::Duration;

use super::{Level, Machine};
use crate::base::Clock;
use crate::sim::error::RunError;
use crate::sim::timers::Due;
use crate::sim::trap::Trap;

/// Between two passes over timers that are due, in nanoseconds: what the interrupt takes.
const PASS: u64 = 1_000;
/// Timers that fire in one pass beyond those that were armed when it began.
const MOST_AGAIN: u64 = 10_000;

impl Machine {
    /// Lets time pass: what falls due is called, in order: by clock (`CLOCK_MONOTONIC` and `CLOCK_REALTIME` before
    /// `CLOCK_BOOTTIME`), by time, by turn; each on the CPU it was started on. How many timers fired.
    ///
    /// A timer that is started without a pause in its own function fires again a microsecond later, as it does in the kernel
    /// within a few.
    ///
    /// # Errors
    /// [`RunError::Fault`]: the function of a timer did what it may not; time stands where it did.
    pub fn advance(&mut self, time: Duration) -> Result<u64, RunError> {
        let until = self.world.timers.clock.after(time);
        self.advance_to(until)
    }

    /// As [`advance`](Self::advance), to a moment of `CLOCK_MONOTONIC`, in nanoseconds; one that has passed calls what is due
    /// now.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn advance_to(&mut self, moment: u64) -> Result<u64, RunError> {
        let until = moment.max(self.now());
        let fired = self.passes(until, u64::MAX)?;
        self.world.timers.clock.go_to(until);
        Ok(fired)
    }

    /// Lets time pass until no timer is armed but for those that never fire, or until `most` have fired. How many fired.
    ///
    /// # Errors
    /// [`RunError::NotIdle`]: `most` have fired, and there is a timer that would be next; [`RunError::Fault`].
    pub fn run_until_idle(&mut self, most: u64) -> Result<u64, RunError> {
        let fired = self.passes(u64::MAX, most)?;
        match self.world.timers.next_deadline() {
            None => Ok(fired),
            Some(_) => Err(self.not_idle(fired)),
        }
    }

    /// Time passes, and no interrupt comes: what falls due fires with the next [`advance`](Self::advance), or beside the tasks
    /// of [`concurrently`](Self::concurrently).
    pub fn pass_time(&mut self, time: Duration) {
        let moment = self.world.timers.clock.after(time);
        self.world.timers.clock.go_to(moment);
    }

    /// The machine sleeps: `CLOCK_BOOTTIME` goes on, `CLOCK_MONOTONIC` stands still. Timers of `CLOCK_BOOTTIME` that fell due
    /// fire with the next [`advance`](Self::advance).
    pub fn suspend(&mut self, time: Duration) {
        self.world.timers.clock.sleep(time);
    }

    /// The time: `CLOCK_MONOTONIC`, in nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now_by(Clock::Monotonic)
    }

    /// The time of a clock, in nanoseconds.
    #[must_use]
    pub fn now_by(&self, clock: Clock) -> u64 {
        self.world.timers.clock.now(clock)
    }

    /// How many timers are armed.
    #[must_use]
    pub fn armed_timers(&self) -> usize {
        self.world.timers.armed()
    }

    /// Softirqs until a moment, or until `most` timers have fired.
    fn passes(&mut self, until: u64, most: u64) -> Result<u64, RunError> {
        let mut fired = 0;
        // What a pass arms for the same moment waits until the next.
        let mut after_pass = 0;
        while let Some(deadline) = self.world.timers.next_deadline() {
            let now = self.now();
            let moment = if deadline <= now { now.saturating_add(after_pass) } else { deadline };
            if moment > until || fired >= most {
                break;
            }
            self.world.timers.clock.go_to(moment);
            fired += self.pass(most - fired)?;
            after_pass = PASS;
        }
        self.world.cpu = 0;
        Ok(fired)
    }

    /// One softirq on every CPU: what is due now is called, what it arms waits for the next.
    fn pass(&mut self, most: u64) -> Result<u64, RunError> {
        let turn = self.world.timers.turn();
        let endless = self.world.timers.armed() as u64 + MOST_AGAIN;
        let mut fired = 0;
        self.world.timers.op = None;
        while fired < most
            && let Some(due) = self.world.timers.take_due(None, turn)
        {
            fired += 1;
            self.begin(&due)?;
            if fired > endless {
                let error = self.stopped(Level::Softirq, Trap::EndlessPass { fired });
                self.end(&due);
                return Err(error);
            }
            let ended = self.finish(Level::Softirq);
            self.end(&due);
            self.returned(ended?)?;
        }
        Ok(fired)
    }

    /// The function of a timer is called: on the CPU of the timer, which is this one from now on.
    pub(super) fn begin(&mut self, due: &Due) -> Result<(), RunError> {
        self.world.cpu = due.cpu;
        let at = self.text.function(due.callback).map_err(|trap| self.fault(0, trap))?;
        let (key, value) = self.element(due.map, due.address);
        self.world.timers.begin(due.cpu, due);
        self.start(Level::Softirq, at, [self.world.handle(due.map), key, value, 0, 0]);
        Ok(())
    }

    /// It has come to its end.
    pub(super) fn end(&mut self, due: &Due) {
        self.world.timers.op = None;
        self.world.timers.end(due.cpu, due);
    }

    /// Looks at what the function of a timer returned.
    pub(super) fn returned(&self, value: u64) -> Result<(), RunError> {
        let at = self.cpus[self.world.cpu as usize][Level::Softirq as usize].at;
        match value.cast_signed() {
            0 => Ok(()),
            value => Err(self.fault(at.saturating_sub(1), Trap::Returned { value })),
        }
    }

    /// The addresses of key and value of the element a timer is in.
    fn element(&mut self, map: u32, timer: u64) -> (u64, u64) {
        let value = timer - u64::from(self.world.memory.element_offset(timer));
        (self.world.with_map(map, |map, at| map.key_of(at, value)), value)
    }

    fn not_idle(&mut self, fired: u64) -> RunError {
        let armed = self.armed_timers();
        let timer = match self.world.timers.first_armed() {
            Some((map, address)) => {
                let (key, _) = self.element(map, address);
                let key = self.world.with_map(map, |_, at| at.key_bytes(key, at.shape.key_size as usize));
                crate::sim::timeline::owner(&self.world.shape(map).name, &key)
            }
            None => String::new(),
        };
        RunError::NotIdle { fired, armed, timer }
    }
}
