//! Capabilities of the calling thread.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use crate::base::{Capabilities, Errno};
use crate::sys::errno;

/// The capabilities of the calling thread that count for bpf(2): those in effect, or none outside of the initial user
/// namespace, whatever they are there.
///
/// # Errors
/// Those of reading `/proc/thread-self/status` and of [`in_initial_user_namespace`]; `EINVAL`: it has no such line.
pub fn capabilities() -> Result<Capabilities, Errno> {
    let status = fs::read_to_string("/proc/thread-self/status").map_err(|error| errno::from_io(&error))?;
    let effective = effective(&status).ok_or(Errno::EINVAL)?;
    Ok(if in_initial_user_namespace()? { effective } else { Capabilities::empty() })
}

fn effective(status: &str) -> Option<Capabilities> {
    let digits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim();
    u64::from_str_radix(digits, 16).ok().map(Capabilities::from_bits_retain)
}

/// Whether this thread is in the initial user namespace. In another one no capability counts for bpf(2), unless by a token.
///
/// # Errors
/// Those of looking at `/proc/thread-self/ns`; `ENOENT`: `/proc` is not mounted.
pub fn in_initial_user_namespace() -> Result<bool, Errno> {
    /// `PROC_USER_INIT_INO` of the kernel: the number is fixed.
    const INITIAL: u64 = 0xEFFF_FFFD;
    match look("/proc/thread-self/ns/user") {
        Ok(namespace) => Ok(namespace.ino() == INITIAL),
        // A kernel built without user namespaces lists the others.
        Err(Errno::ENOENT) => look("/proc/thread-self/ns").map(|_| true),
        Err(errno) => Err(errno),
    }
}

fn look(path: &str) -> Result<Metadata, Errno> {
    fs::metadata(path).map_err(|error| errno::from_io(&error))
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
