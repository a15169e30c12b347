//! The running kernel: what it says when it refuses, and in which words we pass it on.

pub mod cause;
mod hint;
pub mod log;
pub mod rejection;
#[cfg(feature = "report")]
pub mod report;

pub use log::VerifierLog;
pub use rejection::{Rejection, Site};
#[cfg(feature = "report")]
pub use report::Sources;
