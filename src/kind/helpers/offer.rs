//! The rows of the helper tables.

use super::HelperSet;
use crate::base::{Capabilities, Helper, KernelVersion};

/// Helpers that a kernel function offers on the same terms.
#[derive(Clone, Copy, Debug)]
pub(in crate::kind) struct Offer {
    pub(super) helpers: HelperSet,
    pub(super) since: KernelVersion,
    pub(super) capabilities: Capabilities,
    pub(super) config: Option<&'static str>,
    pub(super) lockdown: Option<&'static str>,
    pub(super) only_for: Option<&'static str>,
}

/// To whoever may load the program.
pub(super) const fn offer(helpers: &[Helper]) -> Offer {
    Offer {
        helpers: HelperSet::of(helpers),
        since: KernelVersion::new(0, 0),
        capabilities: Capabilities::empty(),
        config: None,
        lockdown: None,
        only_for: None,
    }
}

impl Offer {
    /// Only to those with `CAP_BPF`.
    pub(super) const fn bpf(mut self) -> Self {
        self.capabilities = Capabilities::BPF;
        self
    }

    /// Only to those with `CAP_BPF` and `CAP_PERFMON`.
    pub(super) const fn perfmon(mut self) -> Self {
        self.capabilities = Capabilities::BPF.union(Capabilities::PERFMON);
        self
    }

    /// Only to those with `CAP_SYS_ADMIN`.
    pub(super) const fn admin(mut self) -> Self {
        self.capabilities = Capabilities::SYS_ADMIN;
        self
    }

    /// Later than the helper itself, and the kind.
    pub(super) const fn since(mut self, major: u16, minor: u16) -> Self {
        self.since = KernelVersion::new(major, minor);
        self
    }

    /// Only where the kernel is built with it.
    pub(super) const fn config(mut self, symbol: &'static str) -> Self {
        self.config = Some(symbol);
        self
    }

    /// Not where the kernel is locked down for this reason.
    pub(super) const fn lockdown(mut self, reason: &'static str) -> Self {
        self.lockdown = Some(reason);
        self
    }

    /// Only to programs put there.
    pub(super) const fn only_for(mut self, place: &'static str) -> Self {
        self.only_for = Some(place);
        self
    }
}

/// All helpers of one function's offers.
pub(super) const fn all_of(offers: &[Offer]) -> HelperSet {
    let mut set = HelperSet::EMPTY;
    let mut i = 0;
    while i < offers.len() {
        set = set.union(offers[i].helpers);
        i += 1;
    }
    set
}
