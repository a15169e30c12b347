//! Why an object cannot be loaded into a target, before any system call.

use thiserror::Error;

use crate::asm::Loc;
use crate::base::{Endian, KernelVersion};
use crate::btf::BtfError;
use crate::object::{Need, ObjectError};
use crate::relocate::RelocateError;
use crate::site::Site;

/// What stands between an object and a target.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The byte orders differ.
    #[error("the object is {}, the target is {}", endian(*object), endian(*target))]
    Endian {
        /// The object's.
        object: Endian,
        /// The target's.
        target: Endian,
    },
    /// The target is known to lack something the object cannot do without.
    #[error("{what} uses {feature}, which came with Linux {since} and which {target} lacks{site}")]
    Lacks {
        /// Who uses it: a map, a program, an instruction.
        what: String,
        /// What is used.
        feature: String,
        /// The release it came with.
        since: KernelVersion,
        /// The target.
        target: String,
        /// The Rust line.
        site: Site,
    },
    /// No kernel has it.
    #[error("{what} uses {feature}, which no kernel has{site}")]
    NeverHas {
        /// Who uses it.
        what: String,
        /// What is used.
        feature: String,
        /// The Rust line.
        site: Site,
    },
    /// The object needs something the target does not answer.
    #[error("the target does not tell the {need}{site}")]
    Unanswered {
        /// What is needed.
        need: Need,
        /// The Rust line that asked for it.
        site: Site,
    },
    /// An initial entry stands for something the object does not have.
    #[error("map `{map}`: an initial entry stands for a map or program that is not there")]
    Entry {
        /// The map.
        map: String,
    },
    /// More instructions than the target takes (E2BIG).
    #[error("program `{program}` has {slots} instructions, {target} takes {limit}{site}")]
    TooLong {
        /// The program.
        program: String,
        /// How many instructions, 64-bit loads counted twice.
        slots: usize,
        /// How many the target takes.
        limit: u32,
        /// The target.
        target: String,
        /// The Rust line of the program.
        site: Site,
    },
    /// A ring buffer is not a whole number of the target's pages (EINVAL).
    #[error("map `{map}`: max_entries is {given}, which does not fit pages of {page} bytes{site}")]
    PageSize {
        /// The map.
        map: String,
        /// Its `max_entries`.
        given: u32,
        /// The target's page size, in bytes.
        page: u32,
        /// The Rust line of the map.
        site: Site,
    },
    /// The object's BTF could not be cut down to what the target knows.
    #[error("BTF for {target}: {source}")]
    Btf {
        /// The target.
        target: String,
        /// Why.
        source: Box<BtfError>,
    },
    /// A name of the kernel could not be resolved.
    #[error(transparent)]
    Relocate(#[from] RelocateError),
    /// The object could not be linked.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

const fn endian(endian: Endian) -> &'static str {
    match endian {
        Endian::Little => "little-endian",
        Endian::Big => "big-endian",
    }
}

impl PlanError {
    /// The Rust line that asked for what is not there, where one is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        match self {
            Self::Lacks { site, .. }
            | Self::NeverHas { site, .. }
            | Self::Unanswered { site, .. }
            | Self::TooLong { site, .. }
            | Self::PageSize { site, .. } => site.loc(),
            Self::Relocate(error) => error.loc(),
            Self::Object(error) => error.loc(),
            Self::Endian { .. } | Self::Entry { .. } | Self::Btf { .. } => None,
        }
    }
}
