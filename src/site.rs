//! Where in the user's Rust a part of an object was asked for.

use std::fmt;

use crate::asm::Loc;

/// The Rust line something was described on, for error messages; two objects that differ only in
/// their sites are equal.
#[derive(Clone, Default)]
pub struct Site(Option<Box<Loc>>);

impl Site {
    /// The caller's line.
    #[track_caller]
    #[must_use]
    pub fn here() -> Self {
        Self(Some(Box::new(Loc::caller())))
    }

    /// No line is known (objects read from files).
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// The line, where it is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        self.0.as_deref()
    }
}

impl From<Option<&Loc>> for Site {
    fn from(loc: Option<&Loc>) -> Self {
        Self(loc.cloned().map(Box::new))
    }
}

impl PartialEq for Site {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Site {}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// ` at file:line:column`, or nothing.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(loc) => write!(f, " at {loc}"),
            None => Ok(()),
        }
    }
}
