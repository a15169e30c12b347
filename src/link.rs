//! Links: what keeps a program attached. One file for each kind.
//!
//! A link is an object of the kernel. While a descriptor or a pin of it is left, its program stays attached; with the last
//! one it is detached. All kinds are one type, [`Link`], which opens, pins, asks and detaches; each kind says how it is made,
//! and whether the kernel lets its program be swapped ([`Update`]) and detached at once ([`Detach`]).
//!
//! | link | attaches to | kernel |
//! |---|---|---|
//! | [`CgroupLink`] | a cgroup and all below it | 5.7 |
//! | [`XdpLink`] | the driver of a network interface | 5.9 |
//! | [`TcxLink`] | the packets a network interface receives or sends | 6.6 |
//! | [`NetkitLink`] | a netkit device | 6.7 |
//! | [`NetnsLink`] | socket look-up, flow dissector of a network namespace | 5.8 |
//! | [`NetfilterLink`] | a netfilter hook | 6.4 |
//! | [`SockmapLink`] | the sockets of a map | 6.10 |
//! | [`RawTracepointLink`] | a tracepoint, with raw or typed arguments | 4.17 |
//! | [`TracingLink`] | a kernel function, a security hook, a function of a program | 5.5 |
//! | [`PerfEventLink`] | a perf event: tracepoints, probes, counters | 5.15 |
//! | [`KprobeMultiLink`] | many kernel functions | 5.18 |
//! | [`UprobeMultiLink`] | many places of a user-space binary | 6.6 |
//! | [`IterLink`] | an iterator over kernel objects, read as a file | 5.8 |
//! | [`AnyLink`] | found by its number or its pin, whatever it is | 5.8 |

mod any;
mod attached;
mod cgroup;
mod error;
mod interface;
mod iter;
mod kind;
mod kprobe_multi;
mod netfilter;
mod netkit;
mod netns;
mod perf_event;
mod place;
mod raw_tracepoint;
mod sockmap;
mod tcx;
mod tracing;
mod uprobe_multi;
mod xdp;

pub use any::{Any, AnyLink};
pub use attached::{Attached, AttachedProgram};
pub use cgroup::{Cgroup, CgroupLink, CgroupLinkInfo};
pub use error::LinkError;
pub use interface::Interface;
pub use iter::{CgroupOrder, Iter, IterLink, IterLinkInfo, IterOver};
pub use kind::{Detach, Kind, Update};
pub use kprobe_multi::{KernelFunctions, KprobeMulti, KprobeMultiLink, KprobeMultiLinkInfo, ProbeAt};
pub use netfilter::{
    Netfilter, NetfilterFamily, NetfilterHook, NetfilterLink, NetfilterLinkInfo, NetfilterPlace,
};
pub use netkit::{Netkit, NetkitLink, NetkitLinkInfo};
pub use netns::{Netns, NetnsLink, NetnsLinkInfo};
pub use perf_event::{PerfEvent, PerfEventLink, PerfEventLinkInfo};
pub use place::{Neighbour, Place};
pub use raw_tracepoint::{RawTracepoint, RawTracepointLink, RawTracepointLinkInfo};
pub use sockmap::{Sockmap, SockmapLink, SockmapLinkInfo};
pub use tcx::{Tcx, TcxLink, TcxLinkInfo};
pub use tracing::{Tracing, TracingLink, TracingLinkInfo};
pub use uprobe_multi::{UprobeMulti, UprobeMultiLink, UprobeMultiLinkInfo, UprobePlaces};
pub use xdp::{Xdp, XdpLink, XdpLinkInfo, XdpMode};

pub use crate::base::LinkType;
pub use crate::sys::info::{LinkDetail, LinkInfo};

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use crate::base::Errno;
use crate::kernel::Program;
use crate::kernel::cause::Failed;
use crate::kernel::pin;
use crate::sys::{self, LinkFd};

/// A program that stays attached while this lives, or a pin of it does. `K` says to what: use the aliases, [`XdpLink`] and so
/// on.
#[derive(Debug)]
#[must_use = "dropping it detaches the program"]
#[doc(alias = "bpf_link")]
pub struct Link<K> {
    program: String,
    fd: LinkFd,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Link<K> {
    /// Opens the link pinned at `path` in a bpffs (`BPF_OBJ_GET`), and looks whether it is of this kind (since 5.8).
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where nothing is pinned, EINVAL where it is no link; [`LinkError::Type`] where it is a link of
    /// another kind.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LinkError> {
        let path = path.as_ref();
        let program = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match pin::get(path).and_then(LinkFd::try_from) {
            Ok(fd) => Self::new(program, fd).checked(),
            Err(errno) => Err(error::of(&Failed::ObjGet, program, errno)),
        }
    }

    /// Opens the link with the number `id` (`BPF_LINK_GET_FD_BY_ID`, since 5.8; `CAP_SYS_ADMIN`), and looks whether it is of
    /// this kind.
    ///
    /// # Errors
    /// [`LinkError`]: ENOENT where there is none, EPERM; [`LinkError::Type`] where it is a link of another kind.
    #[doc(alias = "BPF_LINK_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self, LinkError> {
        match sys::ids::link_fd(id) {
            Ok(fd) => Self::new(format!("#{id}"), fd).checked(),
            Err(errno) => {
                Err(LinkError::Id { id, errno, cause: error::cause(&Failed::LinkGetFdById, errno) })
            }
        }
    }

    /// Pins the link at `path` in a bpffs (since 5.7): the program stays attached until the pin is removed.
    ///
    /// # Errors
    /// [`LinkError`]: EEXIST, ENOENT, EPERM where the path is not in a bpffs.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), LinkError> {
        pin::pin(self.fd.as_fd(), path.as_ref()).map_err(|errno| self.error(&Failed::ObjPin, errno))
    }

    /// What the kernel knows of it (`BPF_OBJ_GET_INFO_BY_FD`, since 5.8).
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL before 5.8.
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    #[doc(alias = "bpf_link_info")]
    pub fn info(&self) -> Result<K::Info, LinkError> {
        let info = self.told()?;
        let found = info.link_type;
        K::info(info).ok_or(LinkError::Type { expected: K::TYPE.unwrap_or(found), found })
    }

    fn new(program: impl Into<String>, fd: LinkFd) -> Self {
        Self { program: program.into(), fd, kind: PhantomData }
    }

    /// Refuses a link of another kind.
    fn checked(self) -> Result<Self, LinkError> {
        let Some(expected) = K::TYPE else { return Ok(self) };
        let found = match sys::info::link(&self.fd) {
            Ok(info) => info.link_type,
            // Only links on perf events have nothing to tell.
            Err(Errno::EOPNOTSUPP) => LinkType::PERF_EVENT,
            Err(errno) => return Err(self.no_info(errno)),
        };
        if found == expected { Ok(self) } else { Err(LinkError::Type { expected, found }) }
    }

    fn told(&self) -> Result<LinkInfo, LinkError> {
        sys::info::link(&self.fd).map_err(|errno| self.no_info(errno))
    }

    fn no_info(&self, errno: Errno) -> LinkError {
        let (program, operation) = (self.program.clone(), "OBJ_GET_INFO_BY_FD");
        LinkError::Kernel { program, operation, errno, cause: None }
    }

    fn error(&self, failed: &Failed<'_>, errno: Errno) -> LinkError {
        error::of(failed, self.program.clone(), errno)
    }

    /// Makes it with `BPF_LINK_CREATE`.
    fn create(program: &Program, create: &sys::link::Create<'_>) -> Result<Self, LinkError> {
        match sys::link::create(create) {
            Ok(fd) => Ok(Self::new(program.name(), fd)),
            Err(errno) => Err(error::of_create(program, create, errno)),
        }
    }
}

impl<K: Update> Link<K> {
    /// Puts `program` in the place of the attached one: nothing runs between them, and nothing twice (`BPF_LINK_UPDATE`,
    /// since 5.7). It is of the same kind and attach type.
    ///
    /// # Errors
    /// [`LinkError`]: EINVAL where the kinds differ, EEXIST where `program` is attached there by itself, ENOLINK where what
    /// the link was attached to is gone.
    #[doc(alias = "BPF_LINK_UPDATE")]
    pub fn update(&mut self, program: &Program) -> Result<(), LinkError> {
        self.swap(None, program)
    }

    /// [`update`](Self::update), but only if `old` is the program attached now (`BPF_F_REPLACE`).
    ///
    /// # Errors
    /// As [`update`](Self::update), and EPERM where another program is attached.
    #[doc(alias = "BPF_F_REPLACE")]
    pub fn replace(&mut self, old: &Program, program: &Program) -> Result<(), LinkError> {
        self.swap(Some(old.as_fd()), program)
    }

    fn swap(&mut self, old: Option<BorrowedFd<'_>>, program: &Program) -> Result<(), LinkError> {
        sys::link::update(&self.fd, program.as_fd(), old)
            .map_err(|errno| self.error(&Failed::LinkUpdate, errno))?;
        program.name().clone_into(&mut self.program);
        Ok(())
    }
}

impl<K: Detach> Link<K> {
    /// Detaches the program at once, whoever else holds the link or a pin of it (`BPF_LINK_DETACH`, since 5.9).
    ///
    /// # Errors
    /// [`LinkError`]: EOPNOTSUPP where the kernel only detaches links of this type when they are closed.
    #[doc(alias = "BPF_LINK_DETACH")]
    pub fn detach(self) -> Result<(), LinkError> {
        sys::link::detach(&self.fd).map_err(|errno| self.error(&Failed::LinkDetach, errno))
    }
}

impl<K> AsFd for Link<K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
