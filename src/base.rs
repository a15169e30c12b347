//! The few words every layer shares: byte order, kernel releases, error numbers, helper numbers.

mod capabilities;
mod command;
mod errno;
pub mod flags;
mod open_set;

pub use bpfsmith_asm::{Endian, Helper, KernelVersion};
pub use capabilities::Capabilities;
pub use command::BpfCommand;
pub use errno::Errno;
pub(crate) use open_set::open_set;
