//! Objects by number: walking all of them, opening one.
//!
//! Unsafe because every bpf(2) call is; there are no pointers here.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::abi::{BPF_F_TOKEN_FD, ById, Command};
use super::call::{call, call_fd, implied, optional_signed};
use super::fd::{Access, BtfFd, LinkFd, ProgFd};
use super::map::MapFd;
use crate::base::Errno;

/// What has numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Programs (4.13).
    Program,
    /// Maps (4.13).
    Map,
    /// BTF objects: walking them 5.4, opening one 4.18.
    Btf,
    /// Links (5.8).
    Link,
}

/// The number after `id`, or nothing (`BPF_PROG_GET_NEXT_ID` and its like). Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// The kernel's. `EPERM`: the capability is missing.
#[doc(alias = "BPF_PROG_GET_NEXT_ID")]
#[doc(alias = "BPF_MAP_GET_NEXT_ID")]
#[doc(alias = "BPF_BTF_GET_NEXT_ID")]
#[doc(alias = "BPF_LINK_GET_NEXT_ID")]
pub fn next(kind: Kind, id: u32) -> Result<Option<u32>, Errno> {
    let command = match kind {
        Kind::Program => Command::PROG_GET_NEXT_ID,
        Kind::Map => Command::MAP_GET_NEXT_ID,
        Kind::Btf => Command::BTF_GET_NEXT_ID,
        Kind::Link => Command::LINK_GET_NEXT_ID,
    };
    let mut attr = ById { start_id: id, ..Default::default() };
    // SAFETY: no pointers.
    match unsafe { call(command, &mut attr, std::mem::offset_of!(ById, open_flags)) } {
        Ok(_) => Ok(Some(attr.next_id)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All numbers there are, ascending; ends after an error. Objects come and go meanwhile.
pub fn all(kind: Kind) -> impl Iterator<Item = Result<u32, Errno>> {
    let mut last = Some(0);
    std::iter::from_fn(move || {
        let found = next(kind, last.take()?).transpose()?;
        last = found.as_ref().ok().copied();
        Some(found)
    })
}

/// Opens a program and asks for its type (`BPF_PROG_GET_FD_BY_ID`, 4.13). Needs `CAP_SYS_ADMIN`, as do its like.
///
/// # Errors
/// The kernel's. `ENOENT`: gone.
#[doc(alias = "BPF_PROG_GET_FD_BY_ID")]
pub fn prog_fd(id: u32) -> Result<ProgFd, Errno> {
    ProgFd::ask(open(Command::PROG_GET_FD_BY_ID, id, 0, None)?)
}

/// Opens a map for reading and writing and asks for its sizes (`BPF_MAP_GET_FD_BY_ID`, 4.13).
///
/// # Errors
/// The kernel's. `ENOENT`: gone.
#[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
pub fn map_fd(id: u32) -> Result<MapFd, Errno> {
    map_fd_with(id, Access::ReadWrite)
}

/// [`map_fd`], for reading or writing only (4.15).
///
/// # Errors
/// As [`map_fd`].
pub fn map_fd_with(id: u32, access: Access) -> Result<MapFd, Errno> {
    MapFd::ask(open(Command::MAP_GET_FD_BY_ID, id, access.flags(), None)?)
}

/// Opens BTF (`BPF_BTF_GET_FD_BY_ID`, 4.18). `token` vouches for the caller (6.15).
///
/// # Errors
/// The kernel's. `ENOENT`: gone.
#[doc(alias = "BPF_BTF_GET_FD_BY_ID")]
pub fn btf_fd(id: u32, token: Option<BorrowedFd<'_>>) -> Result<BtfFd, Errno> {
    let flags = implied(token, BPF_F_TOKEN_FD);
    open(Command::BTF_GET_FD_BY_ID, id, flags, token).map(BtfFd::trusted)
}

/// Opens a link (`BPF_LINK_GET_FD_BY_ID`, 5.8).
///
/// # Errors
/// The kernel's. `ENOENT`: gone.
#[doc(alias = "BPF_LINK_GET_FD_BY_ID")]
pub fn link_fd(id: u32) -> Result<LinkFd, Errno> {
    open(Command::LINK_GET_FD_BY_ID, id, 0, None).map(LinkFd::trusted)
}

fn open(command: Command, id: u32, open_flags: u32, token: Option<BorrowedFd<'_>>) -> Result<OwnedFd, Errno> {
    let mut attr = ById { start_id: id, next_id: 0, open_flags, fd_by_id_token_fd: optional_signed(token) };
    // SAFETY: no pointers.
    unsafe { call_fd(command, &mut attr, 4) }
}
