//! Reading an iterator's output.
//!
//! Unsafe because every bpf(2) call is; there are no pointers here.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::abi::{Command, IterCreate};
use super::call::{call_fd, descriptor};
use crate::base::Errno;

/// Opens what the iterator program of `link` writes, as a file to read (`BPF_ITER_CREATE`, 5.8).
///
/// # Errors
/// The kernel's. `EINVAL`: not a link of an iterator.
#[doc(alias = "BPF_ITER_CREATE")]
pub fn create(link: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let mut attr = IterCreate { link_fd: descriptor(link), flags: 0 };
    // SAFETY: no pointers.
    unsafe { call_fd(Command::ITER_CREATE, &mut attr, size_of::<IterCreate>()) }
}
