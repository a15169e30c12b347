//! The link that attaches a program to the sockets of a map.

use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Detach, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Update};
use crate::kernel::{Map, Program};
use crate::kind::AttachType;
use crate::sys::link::Create;
use crate::sys::prog::Target;

/// The kind of [`SockmapLink`].
#[derive(Clone, Copy, Debug)]
pub enum Sockmap {}

/// A program that parses, redirects or drops what the sockets of a SOCKMAP or SOCKHASH receive or send (`BPF_LINK_CREATE`,
/// since 6.10). A map has one of each sort. Dropping the link, or closing its last pin, detaches the program.
#[doc(alias = "sockmap_link")]
#[doc(alias = "BPF_LINK_TYPE_SOCKMAP")]
pub type SockmapLink = Link<Sockmap>;

/// What the kernel knows of a sockmap link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockmapLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The id of the map; 0 once the link is detached.
    pub map_id: u32,
    /// What the program does there.
    pub attach_type: AttachType,
}

impl SockmapLink {
    /// Attaches `program` at `attach_type` (`SK_SKB_*` or [`AttachType::SK_MSG_VERDICT`]) to a map of sockets.
    ///
    /// # Errors
    /// [`LinkError`]: EBUSY where the map has such a program, EINVAL where the map is of another kind.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach(program: &Program, map: &Map, attach_type: AttachType) -> Result<Self, LinkError> {
        Self::create(program, &Create::new(program.as_fd(), Target::Fd(map.as_fd()), attach_type.0))
    }
}

impl Sealed for Sockmap {}
impl Update for Sockmap {}
impl Detach for Sockmap {}

impl Kind for Sockmap {
    const TYPE: Option<LinkType> = Some(LinkType::SOCKMAP);
    type Info = SockmapLinkInfo;

    fn info(told: LinkInfo) -> Option<SockmapLinkInfo> {
        let LinkDetail::Sockmap { map_id, attach_type } = told.detail else { return None };
        let attach_type = AttachType(attach_type);
        Some(SockmapLinkInfo { id: told.id, prog_id: told.prog_id, map_id, attach_type })
    }
}
