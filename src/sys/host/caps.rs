//! Capabilities of the calling thread.
//!
//! Unsafe because of capget(2), which libc has no function for: reading the same from `/proc` takes ten system calls, 15 µs.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use crate::base::{Capabilities, Errno};
use crate::sys::errno;

/// The capabilities of the calling thread that count for bpf(2): those in effect, or none outside of the initial user
/// namespace, whatever they are there.
///
/// # Errors
/// Those of [`in_initial_user_namespace`].
pub fn capabilities() -> Result<Capabilities, Errno> {
    let effective = effective()?;
    Ok(if in_initial_user_namespace()? { effective } else { Capabilities::empty() })
}

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    /// 0: the calling thread.
    pid: i32,
}

/// `struct __user_cap_data_struct`: 32 capabilities.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: 64 capabilities (2.6.26).
const VERSION_3: u32 = 0x2008_0522;

fn effective() -> Result<Capabilities, Errno> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: both are live; the kernel writes a version into the header, and two of the sets where that is version 3.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    if result < 0 {
        return Err(errno::last());
    }
    let [low, high] = sets.map(|set| u64::from(set.effective));
    Ok(Capabilities::from_bits_retain(high << 32 | low))
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
