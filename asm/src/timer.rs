//! Timers of map values (`struct bpf_timer`): what the four helpers take, and what they return.
//!
//! A timer lives in a map value. Programs make it ready ([`Helper::TIMER_INIT`]), give it a function
//! ([`Helper::TIMER_SET_CALLBACK`]), arm it ([`Helper::TIMER_START`]) and disarm it ([`Helper::TIMER_CANCEL`]). It fires
//! once, in a softirq; its function may arm it again.
//!
//! ```
//! use bpfsmith_asm::timer::{Clock, TimerFlags};
//! use bpfsmith_asm::{Assembler, Helper, Reg::*};
//!
//! let mut a = Assembler::new();
//! // r6 = the timer; r2 = its map, its function.
//! a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
//! a.mov(R1, R6).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
//! a.mov(R1, R6).mov(R2, 1_000_000).mov(R3, TimerFlags::CPU_PIN).call(Helper::TIMER_START);
//! a.mov(R1, R6).call(Helper::TIMER_CANCEL);
//! ```
//!
//! # What they return
//!
//! Negative error numbers, as in the kernel's `kernel/bpf/helpers.c`. The checks are made in the order of the rows. None of
//! it is looked at when a program is loaded.
//!
//! | helper | returns | when |
//! |---|---|---|
//! | init | -EINVAL (-22) | the third argument is no [`Clock`], or has a bit beyond the clock's four; also of a timer that is ready |
//! | | -EOPNOTSUPP (-95) | called in an NMI; before 7.0 |
//! | | -EBUSY (-16) | the timer is ready already; since 7.0 also when another CPU makes it so at the same time |
//! | | -ENOMEM (-12) | no memory; since 6.18 also for some milliseconds when the allocator is busy: call it again later |
//! | | -EPERM (-1) | no user holds the map: no descriptor and no pin is left |
//! | | 0 | it is ready: no function, not armed |
//! | set_callback | -EOPNOTSUPP | called in an NMI; before 7.0 |
//! | | -EINVAL | it is not ready |
//! | | -EPERM | no user holds the map; before 7.0, and only until the timers are freed for the same reason: then -EINVAL |
//! | | -ENOENT (-2) | the program is being freed |
//! | | 0 | the function is set; an armed timer will call the new one |
//! | start | -EOPNOTSUPP | called in an NMI; before 7.0 |
//! | | -EINVAL | a flag the kernel does not know; not ready; no function set, or dropped by cancel |
//! | | -ENOENT | it is being freed; since 7.0 |
//! | | -ENOMEM, -EDEADLK | called where interrupts are off; since 7.0 |
//! | | 0 | it is armed; an armed one has moved |
//! | cancel | -EOPNOTSUPP | called in an NMI; since 7.0 where interrupts are off |
//! | | -EINVAL | it is not ready |
//! | | -EDEADLK (-35) | called by its own function; or (6.10) by the function of a timer that is itself being cancelled by one |
//! | | 0 | it was not armed; function and program are dropped |
//! | | 1 | it was armed; function and program are dropped: to start it again, set the function again |
//!
//! On kernels of `PREEMPT_RT` a program with timers is not loaded (EOPNOTSUPP).
//!
//! # How long they live
//!
//! A timer is freed with its element (deleted, replaced, evicted), and with the last descriptor and pin of its map, whatever
//! programs still use the map. The program whose function was set stays loaded until cancel, or until then.
//!
//! The kernel's documentation has an -EPERM of `bpf_timer_set_callback` too, for a map that nobody holds. It is not to be met
//! with: when the last descriptor or pin goes, the kernel frees the timers as well, and of a timer that is not ready the
//! answer is -EINVAL, of set_callback, start and cancel alike. Between the two steps, on another CPU, there are some
//! microseconds in which set_callback answers -EPERM before 7.0; since 7.0 it does not ask who holds the map. Only
//! `bpf_timer_init` answers -EPERM, for as long as nobody holds the map.

use core::fmt;

use crate::helper::Helper;
use crate::{Imm64, KernelVersion, Operand};

/// The clock a timer goes by: the third argument of [`Helper::TIMER_INIT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Clock {
    /// `CLOCK_REALTIME`, in name only: the timer goes by [`Monotonic`](Self::Monotonic) time, and an absolute deadline
    /// too is compared with that.
    #[doc(alias = "CLOCK_REALTIME")]
    Realtime = 0,
    /// `CLOCK_MONOTONIC`: since boot, without the time asleep; `bpf_ktime_get_ns`.
    #[doc(alias = "CLOCK_MONOTONIC")]
    #[default]
    Monotonic = 1,
    /// `CLOCK_BOOTTIME`: since boot, with the time asleep; `bpf_ktime_get_boot_ns`.
    #[doc(alias = "CLOCK_BOOTTIME")]
    Boottime = 7,
}

impl Clock {
    /// The three that the kernel takes.
    pub const ALL: [Self; 3] = [Self::Realtime, Self::Monotonic, Self::Boottime];

    /// The argument of [`Helper::TIMER_INIT`]: the clock, and no flags, of which there are none.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// The clock that an argument of [`Helper::TIMER_INIT`] means; `None`: -EINVAL.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|clock| clock.number() == number)
    }

    /// The clock the timer really goes by.
    #[must_use]
    pub const fn goes_by(self) -> Self {
        match self {
            Self::Realtime | Self::Monotonic => Self::Monotonic,
            Self::Boottime => Self::Boottime,
        }
    }

    /// The helper that reads the clock the timer really goes by, for absolute deadlines.
    #[must_use]
    pub const fn read_by(self) -> Helper {
        match self.goes_by() {
            Self::Boottime => Helper::KTIME_GET_BOOT_NS,
            _ => Helper::KTIME_GET_NS,
        }
    }

    /// The kernel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Realtime => "CLOCK_REALTIME",
            Self::Monotonic => "CLOCK_MONOTONIC",
            Self::Boottime => "CLOCK_BOOTTIME",
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

bitflags::bitflags! {
    /// How a timer is armed: the third argument of [`Helper::TIMER_START`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct TimerFlags: u64 {
        /// The second argument is a point in time of the timer's [`Clock`], not a span from now (6.4). What has passed fires at
        /// once. It must be below 2^63, and a function that arms its own timer must name a point in the future: the kernel
        /// would call it over and over without a pause.
        #[doc(alias = "BPF_F_TIMER_ABS")]
        const ABS = 1 << 0;
        /// It fires on the CPU it is armed on (6.7). Otherwise it may move to one that is not idle.
        #[doc(alias = "BPF_F_TIMER_CPU_PIN")]
        const CPU_PIN = 1 << 1;
    }
}

impl TimerFlags {
    /// The first release whose `bpf_timer_start` takes all of these; older ones return -EINVAL. Timers themselves came with 5.15.
    #[must_use]
    pub const fn since(self) -> KernelVersion {
        match (self.contains(Self::CPU_PIN), self.contains(Self::ABS)) {
            (true, _) => KernelVersion::new(6, 7),
            (_, true) => KernelVersion::new(6, 4),
            _ => KernelVersion::new(5, 15),
        }
    }
}

impl fmt::Display for TimerFlags {
    /// The names, joined by `|`; `0` without a flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("0") } else { bitflags::parser::to_writer(self, f) }
    }
}

/// Arguments of helpers, to be written where a number can stand.
macro_rules! numbers {
    ($($argument:ty, $number:ident;)+) => {$(
        impl From<$argument> for u64 {
            fn from(argument: $argument) -> Self {
                argument.$number()
            }
        }

        impl From<$argument> for Imm64 {
            fn from(argument: $argument) -> Self {
                Self(argument.$number())
            }
        }

        impl From<$argument> for Operand {
            fn from(argument: $argument) -> Self {
                Self::Imm(argument.$number().cast_signed())
            }
        }
    )+};
}
numbers! { Clock, number; TimerFlags, bits; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_clocks_and_no_other_number() {
        let clocks = (0..64).filter_map(Clock::from_number);
        assert!(clocks.eq(Clock::ALL));
        assert_eq!(Clock::from_number(1 << 32 | 1), None);
        assert_eq!(Clock::ALL.map(Clock::number), [0, 1, 7]);
    }

    #[test]
    fn a_clock_is_read_by_the_helper_of_its_time() {
        let read = Clock::ALL.map(Clock::read_by);
        assert_eq!(read, [Helper::KTIME_GET_NS, Helper::KTIME_GET_NS, Helper::KTIME_GET_BOOT_NS]);
        assert!(Clock::Realtime.goes_by() == Clock::Monotonic);
    }

    #[test]
    fn flags_are_as_new_as_the_newest() {
        let since = |flags: TimerFlags| (flags.since().major, flags.since().minor);
        assert_eq!(since(TimerFlags::empty()), (5, 15));
        assert_eq!(since(TimerFlags::ABS), (6, 4));
        assert_eq!(since(TimerFlags::all()), (6, 7));
    }

    #[test]
    fn they_print_by_name() {
        use alloc::string::ToString;
        assert_eq!(Clock::Boottime.to_string(), "CLOCK_BOOTTIME");
        assert_eq!(TimerFlags::all().to_string(), "ABS | CPU_PIN");
        assert_eq!(TimerFlags::empty().to_string(), "0");
    }
}
