//! bpfsmith: write eBPF at run time in Rust, and load it.

// The derive and its users name this crate the same way, inside and outside of it.
extern crate self as bpfsmith;

pub use bpfsmith_asm as asm;

pub mod base;
pub mod kind;
pub mod map;
