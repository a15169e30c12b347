//! The system calls: one safe function for each command of bpf(2), and what else is read from the running kernel.
//!
//! This is the lowest floor: no retries, no probing, no policy. A function takes a struct of safe fields (borrowed
//! descriptors, slices, `CStr`), makes exactly the call it is named after, and answers with an owned descriptor, a number,
//! filled buffers, or the kernel's [`Errno`]. The few that need to ask the kernel something first say so.
//!
//! # Unsafe code
//! All unsafe code of the crate is below this module. What makes its functions safe:
//! - The attributes are always a zeroed buffer larger than the kernel's `union bpf_attr`, and all calls are made in one place.
//! - The kernel is never told of more memory than a slice has, and an empty slice is a null pointer.
//! - Where the kernel decides how much it writes, the length is checked against what the kernel itself said of the object:
//!   [`MapFd`] knows the size of its values, [`ProgFd`] its type. An object's kind and sizes never change.
//!
//! What a *loaded program* does to memory (`bpf_probe_write_user`, pointers kept in maps) is, like writing to
//! `/proc/self/mem`, outside of what Rust's types speak about: loading it needs privileges.
//!
//! Descriptors are close-on-exec, which is the kernel's default for bpf(2), and never 0, 1 or 2: the attributes say "no
//! descriptor" with 0.

pub mod abi;
pub mod btf;
mod call;
mod errno;
mod fd;
pub mod host;
pub mod ids;
pub mod info;
pub mod iter;
pub mod link;
mod log;
pub mod map;
pub mod net;
pub mod perf;
pub mod pin;
pub mod prog;
pub mod query;
mod shape;
pub mod stats;
pub mod token;

pub use fd::{Access, BtfFd, FdKind, LinkFd, ProgFd, TokenFd};
pub use log::Log;
pub use map::MapFd;
pub use shape::MapShape;

pub use crate::base::Errno;
