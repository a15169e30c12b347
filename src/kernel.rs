//! The running kernel: executes plans, holds maps and programs, explains what it refuses.

mod bpf;
pub mod cause;
mod explain;
mod hint;
mod load;
pub mod log;
mod map;
pub(crate) mod pin;
mod probe;
mod program;
pub mod rejection;
#[cfg(feature = "report")]
pub mod report;
mod running;
mod value;

pub use bpf::Kernel;
pub use load::{Inputs, LoadError, Loaded, load, load_plan, load_with};
pub use log::VerifierLog;
pub use map::{Batches, Keys, LoadedConstant, Map, MapError, OnDrop, Queue, TypedMap, Variable};
pub use pin::unpin;
pub use probe::probe;
pub use program::{Program, ProgramError, TestOutcome, TestRun};
pub use rejection::{Position, Rejection};
#[cfg(feature = "report")]
pub use report::Sources;
pub use running::TargetError;

pub use crate::base::flags::ElemFlags;
