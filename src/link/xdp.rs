//! The link that attaches a program to the driver of a network interface.

use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Detach, Interface, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType, Update};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::Create;
use crate::sys::prog::Target;

/// The kind of [`XdpLink`].
#[derive(Clone, Copy, Debug)]
pub enum Xdp {}

/// A program that sees packets as the driver of a network interface receives them, before the kernel makes an `sk_buff` of them
/// (`BPF_LINK_CREATE`, since 5.9). There is one in each mode. Dropping the link, or closing its last pin, detaches the
/// program.
///
/// ```no_run
/// # fn f(program: &bpfsmith::kernel::Program) -> Result<(), bpfsmith::link::LinkError> {
/// use bpfsmith::link::{XdpLink, XdpMode};
///
/// let link = XdpLink::attach(program, "eth0", XdpMode::Generic)?;
/// link.pin("/sys/fs/bpf/filter")?;
/// # Ok(()) }
/// ```
#[doc(alias = "bpf_xdp_link")]
#[doc(alias = "BPF_LINK_TYPE_XDP")]
#[doc(alias = "BPF_XDP")]
pub type XdpLink = Link<Xdp>;

/// Where on a packet's way an XDP program runs. The kernel takes one of them at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum XdpMode {
    /// In the driver, where it can; otherwise as [`Generic`](Self::Generic).
    #[default]
    Any,
    /// In the network stack, with any device: slower, and good for tests.
    #[doc(alias = "XDP_FLAGS_SKB_MODE")]
    Generic,
    /// In the driver only.
    #[doc(alias = "XDP_FLAGS_DRV_MODE")]
    Driver,
    /// On the device itself, by a program that was loaded for it.
    #[doc(alias = "XDP_FLAGS_HW_MODE")]
    Hardware,
}

impl XdpMode {
    /// Its `XDP_FLAGS_*` bit, `include/uapi/linux/if_link.h`.
    #[must_use]
    pub const fn flags(self) -> u32 {
        match self {
            Self::Any => 0,
            Self::Generic => 1 << 1,
            Self::Driver => 1 << 2,
            Self::Hardware => 1 << 3,
        }
    }
}

/// What the kernel knows of an XDP link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The number of the interface; 0 once it is gone, or the link is detached.
    pub ifindex: u32,
}

impl XdpLink {
    /// Attaches `program` to a network interface.
    ///
    /// # Errors
    /// [`LinkError`]: EBUSY where a program is there already, EINVAL where the program is of another kind or there is no
    /// interface of this number, EOPNOTSUPP where the driver does not have the mode, [`LinkError::Interface`] where there is
    /// none of this name.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach<'a>(
        program: &Program,
        interface: impl Into<Interface<'a>>,
        mode: XdpMode,
    ) -> Result<Self, LinkError> {
        let target = Target::Ifindex(interface.into().index()?);
        let create =
            Create { flags: mode.flags(), ..Create::new(program.as_fd(), target, AttachType::XDP.0) };
        Self::create(program, &create)
    }
}

impl Sealed for Xdp {}
impl Update for Xdp {}
impl Detach for Xdp {}

impl Kind for Xdp {
    const TYPE: Option<LinkType> = Some(LinkType::XDP);
    type Info = XdpLinkInfo;

    fn info(told: LinkInfo) -> Option<XdpLinkInfo> {
        let LinkDetail::Xdp { ifindex } = told.detail else { return None };
        Some(XdpLinkInfo { id: told.id, prog_id: told.prog_id, ifindex })
    }
}
