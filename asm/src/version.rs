//! Kernel releases, as "since which kernel" is told everywhere.

use core::fmt;

/// A kernel release, as far as features depend on it: `6.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// The first number of the release.
    pub major: u16,
    /// The second number of the release.
    pub minor: u16,
}

impl KernelVersion {
    /// The release `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
