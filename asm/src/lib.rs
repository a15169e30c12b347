//! The eBPF instruction set: registers, instructions, labels, an assembler.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod helper;
mod version;
mod wire;

pub use helper::{Access, ArgKind, Gpl, Helper, Proto, RetKind};
pub use version::KernelVersion;
pub use wire::Endian;
