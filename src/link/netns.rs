//! The link that attaches a program to a network namespace.

use std::os::fd::AsFd;
use std::path::Path;

use super::attached::{self, Links};
use super::cgroup::open;
use super::kind::Sealed;
use super::{Attached, Detach, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Update};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::Create;
use crate::sys::prog::Target;

/// The kind of [`NetnsLink`].
#[derive(Clone, Copy, Debug)]
pub enum Netns {}

/// A program that looks up sockets (since 5.9) or dissects flows (since 5.8) for a network namespace (`BPF_LINK_CREATE`). Dropping
/// the link, or closing its last pin, detaches the program.
#[doc(alias = "bpf_netns_link")]
#[doc(alias = "BPF_LINK_TYPE_NETNS")]
pub type NetnsLink = Link<Netns>;

/// What the kernel knows of a network namespace's link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetnsLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The inode number of the namespace's file; 0 once it is gone, or the link is detached.
    #[doc(alias = "netns_ino")]
    pub netns_inode: u32,
    /// What the program does there.
    pub attach_type: AttachType,
}

impl NetnsLink {
    /// Attaches `program` at `attach_type` ([`AttachType::SK_LOOKUP`] or [`AttachType::FLOW_DISSECTOR`]) to the network namespace
    /// whose file is `netns`: `/proc/thread-self/ns/net` is the calling thread's. Programs that look up sockets run after those
    /// that are there, 64 at most; of flow dissectors there is one.
    ///
    /// # Errors
    /// [`LinkError`]: E2BIG where there is no room for another, EEXIST where a program is attached without a link, EINVAL
    /// where the file is no network namespace.
    #[doc(alias = "BPF_LINK_CREATE")]
    #[doc(alias = "BPF_SK_LOOKUP")]
    #[doc(alias = "BPF_FLOW_DISSECTOR")]
    pub fn attach(
        program: &Program,
        netns: impl AsRef<Path>,
        attach_type: AttachType,
    ) -> Result<Self, LinkError> {
        let file = open(netns.as_ref())?;
        Self::create(program, &Create::new(program.as_fd(), Target::Fd(file.as_fd()), attach_type.0))
    }

    /// What is attached at `attach_type` to a network namespace (`BPF_PROG_QUERY`; `CAP_NET_ADMIN`).
    ///
    /// # Errors
    /// [`LinkError`].
    #[doc(alias = "BPF_PROG_QUERY")]
    pub fn attached(netns: impl AsRef<Path>, attach_type: AttachType) -> Result<Attached, LinkError> {
        let file = open(netns.as_ref())?;
        attached::ask(Target::Fd(file.as_fd()), attach_type, Links::Untold)
    }
}

impl Sealed for Netns {}
impl Update for Netns {}
impl Detach for Netns {}

impl Kind for Netns {
    const TYPE: Option<LinkType> = Some(LinkType::NETNS);
    type Info = NetnsLinkInfo;

    fn info(told: LinkInfo) -> Option<NetnsLinkInfo> {
        let LinkDetail::Netns { inode, attach_type } = told.detail else { return None };
        let attach_type = AttachType(attach_type);
        Some(NetnsLinkInfo { id: told.id, prog_id: told.prog_id, netns_inode: inode, attach_type })
    }
}
