//! Capabilities of the calling thread.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::base::{Capabilities, Errno};
use crate::sys::errno;

/// The effective capabilities of the calling thread, as it has them in its own user namespace.
///
/// bpf(2) asks for them in the initial one: see [`in_initial_user_namespace`].
///
/// # Errors
/// Those of reading `/proc/thread-self/status`; `EINVAL`: it has no such line.
pub fn capabilities() -> Result<Capabilities, Errno> {
    let status = fs::read_to_string("/proc/thread-self/status").map_err(|error| errno::from_io(&error))?;
    effective(&status).ok_or(Errno::EINVAL)
}

fn effective(status: &str) -> Option<Capabilities> {
    let digits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim();
    u64::from_str_radix(digits, 16).ok().map(Capabilities::from_bits_retain)
}

/// Whether this process is in the initial user namespace. In another one no capability counts for bpf(2), unless a token does.
///
/// # Errors
/// Those of looking at `/proc/self/ns/user`. `ENOENT`: there are no user namespaces, or `/proc` is not mounted.
pub fn in_initial_user_namespace() -> Result<bool, Errno> {
    /// `PROC_USER_INIT_INO` of the kernel: the number is fixed.
    const INITIAL: u64 = 0xEFFF_FFFD;
    let namespace = fs::metadata("/proc/self/ns/user").map_err(|error| errno::from_io(&error))?;
    Ok(namespace.ino() == INITIAL)
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, effective};

    #[test]
    fn the_effective_set_is_found() {
        let status = "Name:\ta\nCapPrm:\t000001ffffffffff\nCapEff:\t000000c000201000\nCapBnd:\t0\n";
        let expected =
            Capabilities::BPF | Capabilities::PERFMON | Capabilities::SYS_ADMIN | Capabilities::NET_ADMIN;
        assert_eq!(effective(status), Some(expected));
        assert_eq!(effective("CapPrm:\t1\n"), None);
        assert_eq!(effective("CapEff:\tno\n"), None);
    }
}
