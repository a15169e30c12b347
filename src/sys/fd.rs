//! Descriptors that know what they are.
//!
//! The kernel takes any descriptor and looks behind it; what it then writes depends on what it finds. So a function whose
//! memory safety rests on the kind of object takes one of these types.

use std::fmt;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

use super::abi;
use super::call::get_info;
use super::errno;
use crate::base::Errno;
pub use crate::base::flags::Access;

/// What stands behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FdKind {
    /// A map.
    Map,
    /// A program.
    Program,
    /// A BTF object.
    Btf,
    /// A link.
    Link,
    /// A token.
    Token,
    /// Something else.
    Other,
}

impl FdKind {
    /// Looks behind `fd`, by its name under `/proc/self/fd`.
    ///
    /// # Errors
    /// Those of `readlink`; `ENOENT` where `/proc` is not mounted, `EINVAL` where it is something else: only the kernel's own
    /// word counts.
    pub fn of(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        const DESCRIPTORS: &str = "/proc/thread-self/fd";
        if statfs(DESCRIPTORS).map_err(errno::from_nix)?.filesystem_type() != PROC_SUPER_MAGIC {
            return Err(Errno::EINVAL);
        }
        let link = format!("{DESCRIPTORS}/{}", fd.as_raw_fd());
        let name = fs::read_link(link).map_err(|error| errno::from_io(&error))?;
        // Files that a user can name have absolute paths, so none of them can look like the first four.
        Ok(match name.as_os_str().as_encoded_bytes() {
            b"anon_inode:bpf-map" => Self::Map,
            b"anon_inode:bpf-prog" => Self::Program,
            b"anon_inode:btf" => Self::Btf,
            b"anon_inode:bpf_link" | b"anon_inode:bpf-link" => Self::Link,
            // Not safe from a file of this name, but a token is nothing the kernel would write a reply through.
            b"/bpf-token (deleted)" => Self::Token,
            _ => Self::Other,
        })
    }
}

/// Declares an owned descriptor of one kind.
macro_rules! typed_fd {
    ($(#[$meta:meta])* $name:ident, $kind:ident) => {
        $(#[$meta])*
        pub struct $name(OwnedFd);

        impl $name {
            /// For descriptors of commands that return this kind only.
            pub(super) fn trusted(fd: OwnedFd) -> Self {
                Self(fd)
            }
        }

        impl TryFrom<OwnedFd> for $name {
            type Error = Errno;

            /// Looks behind the descriptor ([`FdKind::of`]); another kind is `EINVAL`. On an error it is closed.
            fn try_from(fd: OwnedFd) -> Result<Self, Errno> {
                expect_kind(fd.as_fd(), FdKind::$kind)?;
                Ok(Self(fd))
            }
        }

        typed_fd!(@common $name, $kind, 0);
    };
    (@common $name:ident, $kind:ident, $field:tt) => {
        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.$field.as_fd()
            }
        }

        impl From<$name> for OwnedFd {
            fn from(typed: $name) -> Self {
                typed.$field
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_fd().as_raw_fd())
            }
        }
    };
}
pub(super) use typed_fd;

typed_fd! {
    /// A BTF object.
    BtfFd, Btf
}

typed_fd! {
    /// A link: while a descriptor (or a pin) of it lives, the program is attached.
    LinkFd, Link
}

typed_fd! {
    /// A token: vouches for callers without capabilities in the namespace of a bpffs (6.9).
    TokenFd, Token
}

/// A program, and its type.
pub struct ProgFd {
    fd: OwnedFd,
    prog_type: u32,
}

impl ProgFd {
    /// For descriptors of commands that return programs of this type only.
    pub(super) fn trusted(fd: OwnedFd, prog_type: u32) -> Self {
        Self { fd, prog_type }
    }

    /// For descriptors of commands that return programs only: asks for the type.
    pub(super) fn ask(fd: OwnedFd) -> Result<Self, Errno> {
        // SAFETY: a program, says the caller; the record asks for nothing behind a pointer.
        let info = unsafe { get_info(fd.as_fd(), abi::ProgInfo::default()) }?;
        Ok(Self { fd, prog_type: info.prog_type })
    }

    /// The program's type, `enum bpf_prog_type`.
    #[must_use]
    pub fn prog_type(&self) -> u32 {
        self.prog_type
    }

    /// A second descriptor of the same program.
    ///
    /// # Errors
    /// `EMFILE`, where the process has no more descriptors.
    pub fn try_clone(&self) -> Result<Self, Errno> {
        let fd = self.fd.try_clone().map_err(|error| errno::from_io(&error))?;
        Ok(Self { fd, prog_type: self.prog_type })
    }
}

impl TryFrom<OwnedFd> for ProgFd {
    type Error = Errno;

    /// Looks behind the descriptor ([`FdKind::of`]) and asks for the program's type; another kind is `EINVAL`. On an error
    /// it is closed.
    fn try_from(fd: OwnedFd) -> Result<Self, Errno> {
        expect_kind(fd.as_fd(), FdKind::Program)?;
        Self::ask(fd)
    }
}

typed_fd!(@common ProgFd, Program, fd);

/// `EINVAL` unless `fd` is of `kind`.
pub(super) fn expect_kind(fd: BorrowedFd<'_>, kind: FdKind) -> Result<(), Errno> {
    if FdKind::of(fd)? == kind { Ok(()) } else { Err(Errno::EINVAL) }
}
