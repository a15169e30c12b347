//! The few words every layer shares: byte order, kernel releases, error numbers.

mod errno;

pub use bpfsmith_asm::{Endian, KernelVersion};
pub use errno::Errno;
