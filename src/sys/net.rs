//! Network interfaces by name and by number, in the network namespace of the calling thread.
//!
//! Unsafe because the C library reads and writes names through pointers.

use std::ffi::CStr;

use super::errno;
use crate::base::Errno;

/// The number of the interface `name`.
///
/// # Errors
/// `ENODEV`: there is none; the C library's where it gets no socket to ask through.
#[doc(alias = "if_nametoindex")]
pub fn interface_index(name: &CStr) -> Result<u32, Errno> {
    // SAFETY: a live string that ends in NUL, which the C library only reads.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 { Err(errno::last()) } else { Ok(index) }
}

/// The name of the interface `index`, without its NUL; any bytes but `/`, `:` and white space.
///
/// # Errors
/// `ENXIO`: there is none; the C library's where it gets no socket to ask through.
#[doc(alias = "if_indextoname")]
pub fn interface_name(index: u32) -> Result<Vec<u8>, Errno> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: a live, exclusively borrowed buffer of the `IF_NAMESIZE` bytes the C library may write.
    let written = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if written.is_null() {
        return Err(errno::last());
    }
    Ok(name.iter().copied().take_while(|&byte| byte != 0).collect())
}
