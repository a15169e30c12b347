//! What r1 points to when a program starts, and what a program of a kind may do with it.

mod field;
mod layouts;
mod network;
mod rules;
mod tracing;

use std::fmt;

pub use field::{ContextAccess, ContextField, ContextPointer, Widths};
use rules::Rules;

use super::ProgramKind;
use crate::base::KernelVersion;

/// What r1 points to when a program of a kind starts.
///
/// Every access is aligned: its offset is a multiple of its width; what newer kernels take beyond that is
/// [`Unknown`](ContextAccess::Unknown) ([`unaligned_since`](Context::unaligned_since)). It is made with a load or a store of the instruction set's
/// `MEM` mode; no kernel takes an atomic operation, and before 6.4 none takes the store of a constant (`BPF_ST`).
///
/// ```
/// use bpfsmith::kind::{ContextAccess, Direction, ProgramKind, Widths};
///
/// let context = ProgramKind::SCHED_CLS.context();
/// assert_eq!(context.name(), "__sk_buff");
/// let mark = context.field("mark").unwrap();
/// assert_eq!((mark.offset, mark.size), (8, 4));
/// assert!(mark.reads.contains(Widths::B1) && mark.writes == Widths::B4);
/// assert_eq!(context.access(Direction::Write, 8, 2), ContextAccess::Refused);
/// ```
#[derive(Clone, Copy)]
pub struct Context(&'static Rules);

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Loads.
    Read,
    /// Stores.
    Write,
}

/// What is told apart only when the program is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Known {
    /// Nothing: the fields are all there is.
    Fully,
    /// The fields are those of x86-64; other machines have other registers.
    OnX86,
    /// As `OnX86`; besides, some kernels since 6.18 let uprobes write registers, and refuse a program that does where it
    /// is attached to something else.
    OnX86ToRead,
    /// The context is an array of arguments of 8 bytes each, whose number and types BTF tells.
    ByBtf,
    /// As `ByBtf`, and the arguments can be written too: what `lsm_verifier_ops` checks does not ask which it is.
    ByBtfToWrite,
    /// It is that of the program to be replaced.
    ByTarget,
}

impl Context {
    /// The name of the C type, without `struct`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.layout.name
    }

    /// How much of it the table tells.
    #[must_use]
    pub const fn known(self) -> Known {
        self.0.layout.known
    }

    /// Bytes of the C type, or of the part of it that can be accessed; 0 where only BTF tells.
    #[must_use]
    pub fn size(self) -> u32 {
        self.0.layout.fields.iter().map(|field| field.offset + field.size).max().unwrap_or(0)
    }

    /// The fields that programs of the kind may read or write, ascending; a few overlap.
    pub fn fields(self) -> impl Iterator<Item = ContextField> {
        let fields = (0..).zip(self.0.layout.fields).map(move |(i, field)| self.0.permitted(i, *field));
        fields.filter(|field| !(field.reads | field.writes).is_empty())
    }

    /// The field with this name, if programs of the kind may read or write it.
    #[must_use]
    pub fn field(self, name: &str) -> Option<ContextField> {
        self.fields().find(|field| field.name == name)
    }

    /// Whether an access of `width` bytes at `offset` is allowed, and to what.
    #[must_use]
    pub fn access(self, direction: Direction, offset: u32, width: u32) -> ContextAccess {
        match self.fields().find(|field| field.allows(direction, offset, width)) {
            Some(field) => ContextAccess::Allowed(field),
            None if self.told_later(direction, offset, width) => ContextAccess::Unknown,
            None => ContextAccess::Refused,
        }
    }

    /// The first release that takes accesses which are not aligned; `None`: no kernel does.
    #[must_use]
    pub const fn unaligned_since(self) -> Option<KernelVersion> {
        self.0.layout.unaligned_since
    }

    fn told_later(self, direction: Direction, offset: u32, width: u32) -> bool {
        let is_width = matches!(width, 1 | 2 | 4 | 8);
        if self.unaligned_since().is_some() && is_width {
            return u64::from(offset) + u64::from(width) <= u64::from(self.size());
        }
        let aligned = is_width && offset.is_multiple_of(width);
        match self.known() {
            Known::Fully => false,
            Known::OnX86 => aligned && direction == Direction::Read,
            Known::ByBtf => aligned && direction == Direction::Read && offset.is_multiple_of(8),
            Known::ByBtfToWrite => aligned && offset.is_multiple_of(8),
            Known::OnX86ToRead | Known::ByTarget => aligned,
        }
    }
}

impl PartialEq for Context {
    /// The same fields with the same permissions.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.name() == other.name() && self.fields().eq(other.fields())
    }
}

impl Eq for Context {}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.name())
    }
}

impl ProgramKind {
    /// What r1 points to when a program of this kind starts.
    #[must_use]
    pub const fn context(self) -> Context {
        Context(rules::of(self))
    }
}

#[cfg(test)]
mod tests;
