//! A set of helpers.

use std::fmt;

use crate::base::Helper;

/// A set of helpers, as bits of their numbers.
///
/// ```
/// use bpfsmith::base::Helper;
/// use bpfsmith::kind::{HelperSet, ProgramKind};
///
/// const XDP: HelperSet = ProgramKind::XDP.helpers();
/// assert!(XDP.contains(Helper::XDP_ADJUST_HEAD));
/// assert!(!XDP.contains(Helper::SKB_LOAD_BYTES));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HelperSet([u64; 4]);

impl HelperSet {
    /// No helper.
    pub const EMPTY: Self = Self([0; 4]);
    /// Every helper there is.
    pub const ALL: Self = Self::of(&Helper::ALL);

    /// These helpers; numbers above 255, which no helper has, are left out.
    #[must_use]
    pub const fn of(helpers: &[Helper]) -> Self {
        let mut set = Self::EMPTY;
        let mut i = 0;
        while i < helpers.len() {
            let (word, bit) = place(helpers[i]);
            if word < 4 {
                set.0[word] |= bit;
            }
            i += 1;
        }
        set
    }

    /// Whether `helper` is in the set.
    #[must_use]
    pub const fn contains(self, helper: Helper) -> bool {
        let (word, bit) = place(helper);
        word < 4 && self.0[word] & bit != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & !e, b & !f, c & !g, d & !h])
    }

    /// How many helpers there are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        let [a, b, c, d] = self.0;
        (a.count_ones() + b.count_ones() + c.count_ones() + d.count_ones()) as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The helpers of the set, ascending.
    pub fn iter(self) -> impl Iterator<Item = Helper> {
        (0..256).map(Helper).filter(move |&helper| self.contains(helper))
    }
}

const fn place(helper: Helper) -> (usize, u64) {
    let number = helper.number();
    ((number / 64) as usize, 1 << (number % 64))
}

impl FromIterator<Helper> for HelperSet {
    fn from_iter<I: IntoIterator<Item = Helper>>(helpers: I) -> Self {
        helpers.into_iter().fold(Self::EMPTY, |set, helper| set.union(Self::of(&[helper])))
    }
}

impl fmt::Debug for HelperSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
