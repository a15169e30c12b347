//! The link that attaches a program to the packets a network interface receives or sends.

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

/// The kind of [`TcxLink`].
#[derive(Clone, Copy, Debug)]
pub enum Tcx {}

/// A program that sees the packets a network interface receives or sends, as `sk_buff`s, with no queueing discipline needed
/// (`BPF_LINK_CREATE`, since 6.6). An interface has up to 64 in each direction; they run in order until one decides. Dropping the
/// link, or closing its last pin, detaches the program.
#[doc(alias = "tcx_link")]
#[doc(alias = "BPF_LINK_TYPE_TCX")]
pub type TcxLink = Link<Tcx>;

/// What the kernel knows of a tcx link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcxLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The number of the interface; 0 once it is gone, or the link is detached.
    pub ifindex: u32,
    /// In which direction.
    pub attach_type: AttachType,
}

impl TcxLink {
    /// Attaches `program` at `attach_type` ([`AttachType::TCX_INGRESS`] or [`AttachType::TCX_EGRESS`]) to a network interface,
    /// after the programs that are there.
    ///
    /// # Errors
    /// [`LinkError`]: EEXIST where the program is there already, EINVAL where it was loaded for something else, ERANGE where there
    /// are 64 already, ENODEV where there is no interface of this number, [`LinkError::Interface`] where there is none of this
    /// name.
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
            options: Options::Tcx(place.place()),
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

impl Sealed for Tcx {}
impl Update for Tcx {}
impl Detach for Tcx {}

impl Kind for Tcx {
    const TYPE: Option<LinkType> = Some(LinkType::TCX);
    type Info = TcxLinkInfo;

    fn info(told: LinkInfo) -> Option<TcxLinkInfo> {
        let LinkDetail::Tcx { ifindex, attach_type } = told.detail else { return None };
        let attach_type = AttachType(attach_type);
        Some(TcxLinkInfo { id: told.id, prog_id: told.prog_id, ifindex, attach_type })
    }
}
