//! Helper functions of the kernel.

/// A helper function of the kernel, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Helper(pub u32);
