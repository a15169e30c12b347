//! The few words every layer shares: byte order, kernel releases, error numbers, helper numbers, clocks.

mod capabilities;
mod command;
mod errno;
pub mod flags;
mod link_type;
mod open_set;

pub use bpfsmith_asm::timer::{Clock, TimerFlags};
pub use bpfsmith_asm::{Endian, Helper, KernelVersion};
pub use capabilities::Capabilities;
pub use command::BpfCommand;
pub use errno::Errno;
pub use link_type::LinkType;
pub(crate) use open_set::open_set;
