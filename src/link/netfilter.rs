//! The link that attaches a program to a netfilter hook.

use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Detach, Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`NetfilterLink`].
#[derive(Clone, Copy, Debug)]
pub enum Netfilter {}

/// A program at a netfilter hook of the calling thread's network namespace, among the rules of nftables and iptables
/// (`BPF_LINK_CREATE`, since 6.4). Its program stays the same. Dropping the link, or closing its last pin, detaches it.
#[doc(alias = "bpf_nf_link")]
#[doc(alias = "BPF_LINK_TYPE_NETFILTER")]
#[doc(alias = "BPF_NETFILTER")]
pub type NetfilterLink = Link<Netfilter>;

/// A family of packets that has BPF hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetfilterFamily {
    /// IPv4.
    #[doc(alias = "NFPROTO_IPV4")]
    Ipv4 = 2,
    /// IPv6.
    #[doc(alias = "NFPROTO_IPV6")]
    Ipv6 = 10,
}

/// Where on a packet's way (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetfilterHook {
    /// As it comes in.
    #[doc(alias = "NF_INET_PRE_ROUTING")]
    PreRouting = 0,
    /// For this machine.
    #[doc(alias = "NF_INET_LOCAL_IN")]
    LocalIn = 1,
    /// For another.
    #[doc(alias = "NF_INET_FORWARD")]
    Forward = 2,
    /// From this machine.
    #[doc(alias = "NF_INET_LOCAL_OUT")]
    LocalOut = 3,
    /// As it goes out.
    #[doc(alias = "NF_INET_POST_ROUTING")]
    PostRouting = 4,
}

/// A place among the functions at a netfilter hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetfilterPlace {
    /// Which packets.
    pub family: NetfilterFamily,
    /// Where on their way.
    pub hook: NetfilterHook,
    /// Lower runs earlier; the smallest and the largest number are the kernel's. 0 is where packets are filtered. No two programs at a
    /// hook have the same.
    pub priority: i32,
    /// Whether fragments are put together first (since 6.6); the priority is then above −400.
    #[doc(alias = "BPF_F_NETFILTER_IP_DEFRAG")]
    pub defragment: bool,
}

/// What the kernel knows of a netfilter link (`struct bpf_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetfilterLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// `NFPROTO_*`.
    pub family: u32,
    /// `NF_INET_*`.
    pub hook: u32,
    /// Lower runs earlier.
    pub priority: i32,
    /// `BPF_F_NETFILTER_IP_DEFRAG` is 1.
    pub flags: u32,
}

impl NetfilterLink {
    /// Attaches `program` to a netfilter hook of the calling thread's network namespace.
    ///
    /// # Errors
    /// [`LinkError`]: EBUSY where another program has this priority, ERANGE where the priority is the kernel's, EINVAL where the
    /// program is of another kind.
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn attach(program: &Program, place: NetfilterPlace) -> Result<Self, LinkError> {
        let options = Options::Netfilter {
            family: place.family as u32,
            hook: place.hook as u32,
            priority: place.priority,
            flags: u32::from(place.defragment),
        };
        let attach_type = AttachType::NETFILTER.0;
        Self::create(program, &Create { options, ..Create::new(program.as_fd(), Target::None, attach_type) })
    }
}

impl Sealed for Netfilter {}
impl Detach for Netfilter {}

impl Kind for Netfilter {
    const TYPE: Option<LinkType> = Some(LinkType::NETFILTER);
    type Info = NetfilterLinkInfo;

    fn info(told: LinkInfo) -> Option<NetfilterLinkInfo> {
        let LinkDetail::Netfilter { family, hook, priority, flags } = told.detail else { return None };
        Some(NetfilterLinkInfo { id: told.id, prog_id: told.prog_id, family, hook, priority, flags })
    }
}
