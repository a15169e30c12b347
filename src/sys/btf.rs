//! Loading BTF.
//!
//! Unsafe because the kernel reads the BTF and writes its log through pointers in the attributes.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::abi::{self, Command};
use super::call::{call_fd, count, implied, input, optional_signed};
use super::fd::BtfFd;
use super::log::Log;
use crate::base::Errno;

/// Loads BTF (`BPF_BTF_LOAD`, 4.18). `token` vouches for the caller (6.9).
///
/// # Errors
/// The kernel's. `EINVAL`: malformed, and the log says where. `E2BIG`: more than 16 MiB. `ENOSPC`: the log does not fit.
/// `EPERM`: a capability is missing.
#[doc(alias = "BPF_BTF_LOAD")]
pub fn load(btf: &[u8], token: Option<BorrowedFd<'_>>, log: &mut Log<'_>) -> Result<BtfFd, Errno> {
    let mut attr = abi::BtfLoad {
        btf: input(btf),
        btf_size: count(btf)?,
        btf_flags: implied(token, abi::BPF_F_TOKEN_FD),
        btf_token_fd: optional_signed(token),
        ..Default::default()
    };
    let least = if log.is_wanted() { offset_of!(abi::BtfLoad, btf_flags) } else { 0 };
    (attr.btf_log_level, attr.btf_log_size, attr.btf_log_buf) = log.start();
    // SAFETY: the BTF is a live slice of the length told, which the kernel only reads; the log is a live buffer of the length
    // told, borrowed exclusively.
    let result = unsafe { call_fd(Command::BTF_LOAD, &mut attr, least) };
    log.true_size = attr.btf_log_true_size;
    result.map(BtfFd::trusted)
}
