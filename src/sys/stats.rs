//! Counting runs and their time.
//!
//! Unsafe because every bpf(2) call is; there are no pointers here.

use std::os::fd::OwnedFd;

use super::abi::{Command, EnableStats};
use super::call::call_fd;
use crate::base::Errno;

/// `BPF_STATS_RUN_TIME`, the only kind there is.
const RUN_TIME: u32 = 0;

/// Counts runs and time of all programs while the descriptor is open (`BPF_ENABLE_STATS`, 5.8). Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// The kernel's. `EPERM`: the capability is missing.
#[doc(alias = "BPF_ENABLE_STATS")]
#[doc(alias = "BPF_STATS_RUN_TIME")]
pub fn enable() -> Result<OwnedFd, Errno> {
    let mut attr = EnableStats { kind: RUN_TIME };
    // SAFETY: no pointers.
    unsafe { call_fd(Command::ENABLE_STATS, &mut attr, size_of::<EnableStats>()) }
}
