//! Objects by their ids, and what the kernel tells of them.

use super::{Attributes, Show};
use crate::base::flags::Access;
use crate::plan::Fd;

/// Attributes of `BPF_PROG_GET_NEXT_ID`, `BPF_MAP_GET_NEXT_ID` (since 4.13), `BPF_BTF_GET_NEXT_ID` (since 5.4) and
/// `BPF_LINK_GET_NEXT_ID` (since 5.8). The answer is [`Reply::Id`](crate::plan::Reply::Id).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_GET_NEXT_ID")]
#[doc(alias = "BPF_MAP_GET_NEXT_ID")]
#[doc(alias = "BPF_BTF_GET_NEXT_ID")]
#[doc(alias = "BPF_LINK_GET_NEXT_ID")]
pub struct NextId {
    /// `start_id`: the id before; 0 for the first.
    pub start: u32,
}

impl Attributes for NextId {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.number("start_id", self.start);
    }
}

/// Attributes of `BPF_PROG_GET_FD_BY_ID`, `BPF_MAP_GET_FD_BY_ID` (since 4.13), `BPF_BTF_GET_FD_BY_ID` (since 4.18) and
/// `BPF_LINK_GET_FD_BY_ID` (since 5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_GET_FD_BY_ID")]
#[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
#[doc(alias = "BPF_BTF_GET_FD_BY_ID")]
#[doc(alias = "BPF_LINK_GET_FD_BY_ID")]
pub struct FdById {
    /// `prog_id`, `map_id`, `btf_id` or `link_id`.
    pub id: u32,
    /// `open_flags` (4.15), of maps only.
    pub access: Access,
    /// `fd_by_id_token_fd` (6.15), of BTF only.
    pub token: Option<Fd>,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for FdById {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.number("id", self.id);
        show.number("open_flags", self.access.flags());
        show.fd("fd_by_id_token_fd", self.token);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// Attributes of `BPF_OBJ_GET_INFO_BY_FD` (since 4.13). The answer is [`Reply::Info`](crate::plan::Reply::Info).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub struct ObjGetInfoByFd {
    /// `info.bpf_fd`.
    pub fd: Fd,
}

impl Attributes for ObjGetInfoByFd {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("info.bpf_fd", self.fd);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.fd)
    }
}
