//! Network interfaces by number or by name.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use super::LinkError;
use crate::base::Errno;
use crate::sys::net;

/// A network interface of the calling thread's network namespace.
///
/// ```
/// use bpfsmith::link::Interface;
///
/// assert_eq!(Interface::from(1), Interface::Index(1));
/// assert_eq!(Interface::from("eth0"), Interface::Name("eth0".as_ref()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface<'a> {
    /// By number, from 1.
    #[doc(alias = "ifindex")]
    Index(u32),
    /// By name: at most 15 bytes.
    Name(&'a OsStr),
}

impl Interface<'_> {
    /// Its number (`if_nametoindex`).
    ///
    /// # Errors
    /// [`LinkError::Interface`]: ENODEV where there is none of this name, EINVAL where the name holds a zero byte. A number is
    /// taken as it is.
    #[doc(alias = "if_nametoindex")]
    pub fn index(self) -> Result<u32, LinkError> {
        let name = match self {
            Self::Index(index) => return Ok(index),
            Self::Name(name) => name,
        };
        CString::new(name.as_bytes())
            .map_err(|_| Errno::EINVAL)
            .and_then(|name| net::interface_index(&name))
            .map_err(|errno| LinkError::Interface { name: name.to_string_lossy().into_owned(), errno })
    }
}

impl From<u32> for Interface<'_> {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl<'a, T: AsRef<OsStr> + ?Sized> From<&'a T> for Interface<'a> {
    fn from(name: &'a T) -> Self {
        Self::Name(name.as_ref())
    }
}
