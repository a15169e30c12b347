//! The eBPF instruction set: registers, instructions, labels, an assembler.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod version;
mod wire;

pub use version::KernelVersion;
pub use wire::Endian;
