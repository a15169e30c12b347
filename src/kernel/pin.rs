//! Pins in a bpffs.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::base::Errno;
use crate::sys::{self, MapFd};

pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path) -> Result<(), Errno> {
    sys::pin::pin(fd, c_path(path)?.as_c_str())
}

pub(crate) fn get(path: &Path) -> Result<OwnedFd, Errno> {
    sys::pin::get(c_path(path)?.as_c_str())
}

pub(super) fn get_map(path: &Path) -> Result<MapFd, Errno> {
    get(path).and_then(MapFd::try_from)
}

fn c_path(path: &Path) -> Result<CString, Errno> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

/// Removes a pin. What was pinned goes with the last descriptor, pin or user of it; the timers of a map go with its last
/// descriptor or pin.
///
/// # Errors
/// As [`fs::remove_file`].
pub fn unpin(path: impl AsRef<Path>) -> io::Result<()> {
    fs::remove_file(path)
}
