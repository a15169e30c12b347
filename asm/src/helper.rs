//! The helpers of the kernel: numbers, names and prototypes.
//!
//! The list is frozen: helper 211 is the last, what came later are kfuncs. Numbers and names are those of
//! `enum bpf_func_id` (uapi `linux/bpf.h`), prototypes those of `struct bpf_func_proto` of Linux 6.12. A few
//! helpers have several prototypes, one a program kind; the table has the one named in the row's text.

mod proto;
mod table;

use core::fmt;

pub use proto::{Access, ArgKind, Gpl, RetKind};
use table::{BY_NAME, Row, TABLE};

use crate::KernelVersion;

/// A helper function of the kernel, by number; any number can be held and called.
///
/// ```
/// use bpfsmith_asm::Helper;
///
/// assert_eq!(Helper::by_name("bpf_timer_init"), Some(Helper::TIMER_INIT));
/// assert_eq!(Helper::TIMER_INIT.number(), 169);
/// ```
#[doc(alias = "bpf_func_id")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Helper(pub u32);

impl Helper {
    /// Every helper, in the order of their numbers, which start at 1.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self(0); TABLE.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Self(i as u32 + 1);
            i += 1;
        }
        all
    };

    /// The helper with the kernel's name `name`: `bpf_timer_init`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let at = BY_NAME.binary_search_by(|&i| TABLE[usize::from(i)].name.cmp(name)).ok()?;
        Some(Self(u32::from(BY_NAME[at]) + 1))
    }

    /// The number a call instruction carries.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The kernel's name: `bpf_timer_init`; `None` for a number that is no helper.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// What the helper expects in r1 to r5 and what it leaves in r0.
    #[must_use]
    pub fn proto(self) -> Option<Proto> {
        self.row().map(|row| Proto { args: row.args, ret: row.ret })
    }

    /// Whether programs that call the helper need a GPL-compatible licence; `None` for a number that is no
    /// helper.
    #[must_use]
    pub fn gpl(self) -> Option<Gpl> {
        self.row().map(|row| row.gpl)
    }

    /// Whether every program kind needs a GPL-compatible licence to call the helper.
    #[must_use]
    pub fn gpl_only(self) -> bool {
        self.gpl() == Some(Gpl::Always)
    }

    /// Whether the helper may sleep, so that only sleepable programs may call it (`might_sleep`).
    #[must_use]
    pub fn sleeps(self) -> bool {
        self.row().is_some_and(|row| row.sleeps)
    }

    /// Whether memory arguments may point into the packet (`pkt_access`).
    #[must_use]
    pub fn takes_packet_memory(self) -> bool {
        self.row().is_some_and(|row| row.packet)
    }

    /// The first release that has the helper.
    #[must_use]
    pub fn since(self) -> Option<KernelVersion> {
        self.row().map(|row| row.since)
    }

    /// Whether it is one of the four of `struct bpf_timer`: init, set_callback, start, cancel.
    #[must_use]
    pub const fn is_timer(self) -> bool {
        self.0 >= Self::TIMER_INIT.0 && self.0 <= Self::TIMER_CANCEL.0
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get((self.0 as usize).wrapping_sub(1))
    }
}

/// A helper's prototype.
#[doc(alias = "bpf_func_proto")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proto {
    /// What r1, r2, ... have to hold; at most five.
    pub args: &'static [ArgKind],
    /// What r0 holds afterwards.
    pub ret: RetKind,
}

impl fmt::Display for Helper {
    /// The kernel's name, or the bare number when there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Helper({self}#{})", self.0)
    }
}

impl From<Helper> for u32 {
    fn from(helper: Helper) -> Self {
        helper.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_numbers() {
        for helper in Helper::ALL {
            assert_eq!(helper.name().and_then(Helper::by_name), Some(helper));
        }
        for no_name in ["", "bpf_", "timer_init", "bpf_timer_init ", "bpf_zzz"] {
            assert_eq!(Helper::by_name(no_name), None);
        }
    }

    #[test]
    fn numbers_outside_the_table_have_no_row() {
        for number in [0, 212, u32::MAX] {
            assert_eq!(Helper(number).name(), None);
            assert_eq!(Helper(number).proto(), None);
            assert!(!Helper(number).gpl_only());
        }
        assert_eq!(Helper::ALL[210], Helper::CGRP_STORAGE_DELETE);
    }

    #[test]
    fn releases_rise_with_the_numbers() {
        assert!(Helper::ALL.is_sorted_by_key(|helper| helper.since()));
    }

    #[test]
    fn a_size_follows_its_memory_and_memory_has_its_size() {
        for helper in Helper::ALL {
            let args = helper.proto().map_or(&[][..], |proto| proto.args);
            assert!(args.len() <= 5);
            for (i, arg) in args.iter().enumerate() {
                let next = args.get(i + 1);
                let sized = matches!(next, Some(ArgKind::Size | ArgKind::SizeOrZero));
                assert_eq!(arg.is_sized_by_the_next(), sized, "{helper} argument {i}");
            }
        }
    }

    #[test]
    fn timers_as_the_documentation_has_them() {
        assert_eq!(Helper::TIMER_INIT.since(), Some(KernelVersion::new(5, 15)));
        assert!(Helper::TIMER_INIT.gpl_only());
        let proto = Helper::TIMER_SET_CALLBACK.proto();
        assert_eq!(proto.map(|p| p.args), Some(&[ArgKind::Timer, ArgKind::Callback][..]));
        assert_eq!(alloc::format!("{:?}", Helper::TIMER_START), "Helper(bpf_timer_start#171)");
        assert_eq!(alloc::format!("{} {}", Helper(9999), Helper::LOOP), "9999 bpf_loop");
    }
}
