//! Error numbers from the other places they come from.

use std::io;

use crate::base::Errno;

/// The error number of the system call that failed last on this thread.
pub(super) fn last() -> Errno {
    from_io(&io::Error::last_os_error())
}

/// The error number in `error`; an error without one, such as a file that is no text, is `EINVAL`.
pub(super) fn from_io(error: &io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(Errno::EINVAL.0))
}

pub(super) fn from_nix(error: nix::errno::Errno) -> Errno {
    Errno(error as i32)
}
