//! Why a name of the kernel could not be filled in.

use thiserror::Error;

use crate::asm::Loc;
use crate::btf::DecodeError;
use crate::object::Need;
use crate::site::Site;

/// A name that only a kernel knows and that could not be resolved.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RelocateError {
    /// The target was not told: it has no BTF, or not this symbol.
    #[error("the target does not tell the {need}{site}")]
    Unanswered {
        /// What is needed.
        need: Need,
        /// The Rust line that asked for it.
        site: Site,
    },
    /// The target's BTF has no such name.
    #[error("the kernel's BTF has no {need}{site}")]
    NotInKernel {
        /// What is needed.
        need: Need,
        /// The Rust line that asked for it.
        site: Site,
    },
    /// The target's BTF is broken.
    #[error("the kernel's BTF: {0}")]
    KernelBtf(Box<DecodeError>),
    /// A module's BTF is broken, or not of this kernel.
    #[error("the BTF of the kernel module `{module}`: {source}")]
    ModuleBtf {
        /// The module.
        module: String,
        /// Why.
        source: Box<DecodeError>,
    },
    /// A relocation that names nothing in the kernel.
    #[error("`{name}` cannot be filled in from a kernel{site}")]
    Unsupported {
        /// The name.
        name: String,
        /// The Rust line.
        site: Site,
    },
}

impl RelocateError {
    /// The Rust line that asked for the name, where one is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        match self {
            Self::Unanswered { site, .. }
            | Self::NotInKernel { site, .. }
            | Self::Unsupported { site, .. } => site.loc(),
            Self::KernelBtf(_) | Self::ModuleBtf { .. } => None,
        }
    }
}
