//! Links: what keeps a program attached. One file for each kind.

mod cgroup;

pub use cgroup::{CgroupLink, CgroupLinkInfo};

use thiserror::Error;

use crate::base::Errno;

/// What attaching, or working with a link, came to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The kernel refused.
    #[error("{operation} of program `{program}`: {errno}{}", Because(cause))]
    Kernel {
        /// The program.
        program: String,
        /// The command.
        operation: &'static str,
        /// Why.
        errno: Errno,
        /// The likely cause.
        cause: Option<String>,
    },
    /// The target could not be opened.
    #[error("opening `{path}`: {errno}")]
    Target {
        /// Its path.
        path: String,
        /// Why.
        errno: Errno,
    },
}

struct Because<'a>(&'a Option<String>);

impl std::fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}
