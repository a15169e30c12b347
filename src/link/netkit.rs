//! The link that attaches a program to a netkit device.

use std::os::fd::AsFd;

use super::attached::{self, Links};
use super::kind::Sealed;
use super::{
    Attached, Detach, Interface, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Place, Update,
};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`NetkitLink`].
#[derive(Clone, Copy, Debug)]
pub enum Netkit {}

/// A program at a netkit device, the pair of devices that joins a network namespace to the host (`BPF_LINK_CREATE`, since 6.7). It
/// sees what the device, or its peer, sends. Dropping the link, or closing its last pin, detaches the program.
#[doc(alias = "netkit_link")]
#[doc(alias = "BPF_LINK_TYPE_NETKIT")]
pub type NetkitLink = Link<Netkit>;

/// What the kernel knows of a netkit link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetkitLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The number of the interface; 0 once it is gone, or the link is detached.
    pub ifindex: u32,
    /// At which of the two devices.
    pub attach_type: AttachType,
}

impl NetkitLink {
    /// Attaches `program` at `attach_type` ([`AttachType::NETKIT_PRIMARY`] or [`AttachType::NETKIT_PEER`]) to a network interface,
    /// after the programs that are there.
    ///
    /// # Errors
    /// [`LinkError`]: EEXIST where the program is there already, EINVAL where it was loaded for something else, ERANGE where there
    /// are 64 already, ENXIO where the interface is no netkit device, EACCES where it is the peer: both are attached to
    /// through the primary one.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach<'a>(
        program: &Program,
        interface: impl Into<Interface<'a>>,
        attach_type: AttachType,
    ) -> Result<Self, LinkError> {
        Self::attach_at(program, interface, attach_type, Place::default())
    }

    /// [`attach`](Self::attach), in a chosen place among the programs that are there.
    ///
    /// # Errors
    /// As [`attach`](Self::attach); ENOENT where the neighbour is not there, ESTALE where the programs are not those of the
    /// revision expected.
    pub fn attach_at<'a>(
        program: &Program,
        interface: impl Into<Interface<'a>>,
        attach_type: AttachType,
        place: Place<'_>,
    ) -> Result<Self, LinkError> {
        let target = Target::Ifindex(interface.into().index()?);
        let create = Create {
            flags: place.flags(),
            options: Options::Netkit(place.place()),
            ..Create::new(program.as_fd(), target, attach_type.0)
        };
        Self::create(program, &create)
    }

    /// What is attached at `attach_type` to a network interface (`BPF_PROG_QUERY`; `CAP_NET_ADMIN`).
    ///
    /// # Errors
    /// [`LinkError`].
    #[doc(alias = "BPF_PROG_QUERY")]
    pub fn attached<'a>(
        interface: impl Into<Interface<'a>>,
        attach_type: AttachType,
    ) -> Result<Attached, LinkError> {
        attached::ask(Target::Ifindex(interface.into().index()?), attach_type, Links::Told)
    }
}

impl Sealed for Netkit {}
impl Update for Netkit {}
impl Detach for Netkit {}

impl Kind for Netkit {
    const TYPE: Option<LinkType> = Some(LinkType::NETKIT);
    type Info = NetkitLinkInfo;

    fn info(told: LinkInfo) -> Option<NetkitLinkInfo> {
        let LinkDetail::Netkit { ifindex, attach_type } = told.detail else { return None };
        let attach_type = AttachType(attach_type);
        Some(NetkitLinkInfo { id: told.id, prog_id: told.prog_id, ifindex, attach_type })
    }
}
