//! Pins: names of objects in a BPF file system.
//!
//! Unsafe because the kernel reads the path through a pointer in the attributes.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::abi::{self, Command};
use super::call::{call, call_fd, descriptor, implied, string};
use super::fd::Access;
use crate::base::Errno;

/// Where a pin is.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// The directory that a relative path starts from (6.5); the process's working directory otherwise.
    pub at: Option<BorrowedFd<'a>>,
    /// The path.
    pub path: &'a CStr,
}

impl<'a> From<&'a CString> for Path<'a> {
    fn from(path: &'a CString) -> Self {
        path.as_c_str().into()
    }
}

impl<'a> From<&'a CStr> for Path<'a> {
    fn from(path: &'a CStr) -> Self {
        Self { at: None, path }
    }
}

/// Pins an object (`BPF_OBJ_PIN`, 4.4): it lives until the name is removed.
///
/// # Errors
/// The kernel's. `EEXIST`: the name is taken. `EPERM`: not in a BPF file system. `EINVAL`: an object that cannot be pinned.
#[doc(alias = "BPF_OBJ_PIN")]
pub fn pin<'a>(object: BorrowedFd<'_>, path: impl Into<Path<'a>>) -> Result<(), Errno> {
    let mut attr = abi::Obj { bpf_fd: descriptor(object), ..attr(path.into()) };
    // SAFETY: the path is a live string, which the kernel only reads.
    unsafe { call(Command::OBJ_PIN, &mut attr, 12) }.map(drop)
}

/// Opens a pinned object for reading and writing (`BPF_OBJ_GET`, 4.4).
///
/// The kernel does not say what it is: [`FdKind::of`](super::FdKind::of) does, as do the conversions to
/// [`MapFd`](super::MapFd), [`ProgFd`](super::ProgFd) and [`LinkFd`](super::LinkFd).
///
/// # Errors
/// The kernel's. `ENOENT`: no such name. `EACCES`: not a pin, or the file may not be read and written.
#[doc(alias = "BPF_OBJ_GET")]
pub fn get<'a>(path: impl Into<Path<'a>>) -> Result<OwnedFd, Errno> {
    get_with(path, Access::ReadWrite)
}

/// [`get`], of a map for reading or writing only (4.15).
///
/// # Errors
/// As [`get`].
pub fn get_with<'a>(path: impl Into<Path<'a>>, access: Access) -> Result<OwnedFd, Errno> {
    let mut attr = attr(path.into());
    attr.file_flags |= access.flags();
    // SAFETY: the path is a live string, which the kernel only reads.
    unsafe { call_fd(Command::OBJ_GET, &mut attr, 12) }
}

fn attr(path: Path<'_>) -> abi::Obj {
    abi::Obj {
        pathname: string(path.path),
        file_flags: implied(path.at, abi::BPF_F_PATH_FD),
        path_fd: path.at.map_or(0, |at| at.as_raw_fd()),
        ..Default::default()
    }
}
