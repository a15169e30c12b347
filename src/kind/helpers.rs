//! Which helpers a program kind may call, and on what terms.

mod layers;
mod network;
mod offer;
mod set;
mod tracing;

pub(super) use layers::layers;
pub use set::HelperSet;

use super::ProgramKind;
use crate::base::{Capabilities, Helper, KernelVersion};

/// On what terms a program kind may call a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HelperTerms {
    /// The first release in which programs of the kind may: not before the helper nor the kind. Where the table knows no
    /// better it is the later of these two, which may be too early, never too late.
    pub since: KernelVersion,
    /// What the loader has to be allowed to do beyond what the kind itself needs, as of 6.18. Earlier releases ask for the
    /// same or, before 6.16, for less.
    pub capabilities: Capabilities,
    /// The configuration symbol without which no kernel has the helper for this kind.
    pub config: Option<&'static str>,
    /// The reason of `enum lockdown_reason` that takes the helper away when the kernel is locked down for it.
    pub lockdown: Option<&'static str>,
    /// Only programs put at some of the places the kind can be put may, or on some patch levels of a release: which.
    pub only_for: Option<&'static str>,
}

impl ProgramKind {
    /// The helpers that programs of this kind may call on some kernel up to 7.3, whatever the [terms](Self::helper).
    ///
    /// A helper that [may sleep](Helper::sleeps) is in the set where the kernel's `*_func_proto` functions offer it, also for
    /// kinds that may not sleep: what they call asynchronously may.
    #[must_use]
    pub const fn helpers(self) -> HelperSet {
        let layers = layers(self);
        let mut set = HelperSet::EMPTY;
        let mut i = 0;
        while i < layers.len() {
            set = set.union(offer::all_of(layers[i]));
            i += 1;
        }
        set
    }

    /// On what terms programs of this kind may call `helper`; `None`: they may not.
    ///
    /// Licences are the helper's own affair: see [`Helper::gpl`].
    #[must_use]
    pub fn helper(self, helper: Helper) -> Option<HelperTerms> {
        let mut offers = layers(self).iter().copied().flatten();
        let offer = offers.find(|offer| offer.helpers.contains(helper))?;
        Some(HelperTerms {
            since: offer.since.max(helper.since()?).max(self.since()),
            capabilities: offer.capabilities,
            config: offer.config,
            lockdown: offer.lockdown,
            only_for: offer.only_for,
        })
    }
}

#[cfg(test)]
mod tests;
