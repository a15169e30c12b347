//! The running kernel: what it says when it refuses, and in which words we pass it on.

mod hint;
pub mod log;

pub use log::VerifierLog;
