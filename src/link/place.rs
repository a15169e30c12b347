//! Where among the programs of a hook a new one comes.

use std::os::fd::AsFd;

use super::Link;
use crate::base::flags::AttachFlags;
use crate::kernel::Program;
use crate::sys;

/// The program or link that a new one comes before or after.
pub use crate::sys::link::Relative as Neighbour;

impl<'a> From<&'a Program> for Neighbour<'a> {
    /// By the program, whether it is behind a link or not.
    fn from(program: &'a Program) -> Self {
        Self::Program(program.as_fd())
    }
}

impl<'a, K> From<&'a Link<K>> for Neighbour<'a> {
    fn from(link: &'a Link<K>) -> Self {
        Self::Link(link.as_fd())
    }
}

/// Where among the programs of a hook a new one comes (`struct bpf_mprog`: tcx since 6.6, netkit 6.7, cgroups 6.17).
///
/// A hook runs its programs in order. Replacing one is not a place: it is [`Link::replace`].
///
/// ```no_run
/// # fn f(program: &bpfsmith::kernel::Program, other: &bpfsmith::link::TcxLink) -> Result<(), bpfsmith::link::LinkError> {
/// use bpfsmith::kind::AttachType;
/// use bpfsmith::link::{Place, TcxLink};
///
/// // Just before another one, and only if nobody has changed the list in between.
/// let there = TcxLink::attached("eth0", AttachType::TCX_INGRESS)?;
/// let place = Place::before(other).expecting(there.revision);
/// let link = TcxLink::attach_at(program, "eth0", AttachType::TCX_INGRESS, place)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    flags: AttachFlags,
    place: sys::link::Place<'a>,
}

impl<'a> Place<'a> {
    /// After all that are there, which is also the default.
    #[must_use]
    pub fn last() -> Self {
        Self { flags: AttachFlags::AFTER, ..Self::default() }
    }

    /// Before all that are there.
    #[must_use]
    pub fn first() -> Self {
        Self { flags: AttachFlags::BEFORE, ..Self::default() }
    }

    /// Just before a program or a link (`relative_fd`, `relative_id`).
    #[doc(alias = "BPF_F_BEFORE")]
    #[doc(alias = "relative_fd")]
    #[doc(alias = "relative_id")]
    #[must_use]
    pub fn before(neighbour: impl Into<Neighbour<'a>>) -> Self {
        Self::first().beside(neighbour.into())
    }

    /// Just after a program or a link (`relative_fd`, `relative_id`).
    #[doc(alias = "BPF_F_AFTER")]
    #[must_use]
    pub fn after(neighbour: impl Into<Neighbour<'a>>) -> Self {
        Self::last().beside(neighbour.into())
    }

    /// Only if the programs there have not changed since this [revision](super::Attached::revision); otherwise ESTALE.
    #[doc(alias = "expected_revision")]
    #[must_use]
    pub fn expecting(mut self, revision: u64) -> Self {
        self.place.expected_revision = revision;
        self
    }

    fn beside(mut self, neighbour: Neighbour<'a>) -> Self {
        self.place.relative = Some(neighbour);
        self
    }

    pub(super) fn flags(self) -> u32 {
        self.flags.bits()
    }

    pub(super) fn place(self) -> sys::link::Place<'a> {
        self.place
    }
}
