//! Tokens: what an unprivileged namespace may do.
//!
//! Unsafe because every bpf(2) call is; there are no pointers here.

use std::os::fd::BorrowedFd;

use super::abi::{Command, TokenCreate};
use super::call::{call_fd, descriptor};
use super::fd::TokenFd;
use crate::base::Errno;

/// Takes the token of a BPF file system that was mounted with `delegate_*` options (`BPF_TOKEN_CREATE`, 6.9).
///
/// # Errors
/// The kernel's. `EPERM`: not from the file system's user namespace. `ENOENT`: it delegates nothing. `EOPNOTSUPP`: mounted
/// from the initial user namespace. `EINVAL`: not the root of a BPF file system, or the command is unknown.
#[doc(alias = "BPF_TOKEN_CREATE")]
pub fn create(bpffs: BorrowedFd<'_>) -> Result<TokenFd, Errno> {
    let mut attr = TokenCreate { flags: 0, bpffs_fd: descriptor(bpffs) };
    // SAFETY: no pointers.
    unsafe { call_fd(Command::TOKEN_CREATE, &mut attr, size_of::<TokenCreate>()) }.map(TokenFd::trusted)
}
