//! The link that attaches a program to a perf event.

use std::os::fd::AsFd;

use super::kind::Sealed;
use super::{Kind, Link, LinkDetail, LinkError, LinkInfo, LinkType};
use crate::kernel::Program;
use crate::kind::AttachType;
use crate::sys::info;
use crate::sys::link::{Create, Options};
use crate::sys::prog::Target;

/// The kind of [`PerfEventLink`].
#[derive(Clone, Copy, Debug)]
pub enum PerfEvent {}

/// A program at a perf event: a tracepoint, a kernel or user-space probe, a counter (`BPF_LINK_CREATE`, since 5.15). The link holds
/// the event. Its program stays the same; dropping the link, or closing its last pin, detaches it.
#[doc(alias = "bpf_perf_link")]
#[doc(alias = "BPF_LINK_TYPE_PERF_EVENT")]
#[doc(alias = "BPF_PERF_EVENT")]
pub type PerfEventLink = Link<PerfEvent>;

/// What the kernel knows of a perf event's link (`struct bpf_link_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerfEventLinkInfo {
    /// The link's id.
    pub id: u32,
    /// The id of the attached program.
    pub prog_id: u32,
    /// The event (told since 6.6).
    pub event: info::PerfEvent,
}

impl PerfEventLink {
    /// Attaches `program` to the event behind the descriptor `event`, which perf_event_open(2) ([`sys::perf::open`](crate::sys::perf::open)) gave, and which the link holds from
    /// now on: it may be closed. `cookie` is what `bpf_get_attach_cookie` gives; 0 is none.
    ///
    /// # Errors
    /// [`LinkError`]: EBADF where the descriptor is no perf event, EINVAL where the program's kind does not fit the event, EEXIST
    /// where it has a program that does not share.
    #[doc(alias = "BPF_LINK_CREATE")]
    #[doc(alias = "PERF_EVENT_IOC_SET_BPF")]
    pub fn attach(program: &Program, event: impl AsFd, cookie: u64) -> Result<Self, LinkError> {
        let create = Create {
            options: Options::PerfEvent { cookie },
            ..Create::new(program.as_fd(), Target::Fd(event.as_fd()), AttachType::PERF_EVENT.0)
        };
        Self::create(program, &create)
    }
}

impl Sealed for PerfEvent {}

impl Kind for PerfEvent {
    const TYPE: Option<LinkType> = Some(LinkType::PERF_EVENT);
    type Info = PerfEventLinkInfo;

    fn info(told: LinkInfo) -> Option<PerfEventLinkInfo> {
        let LinkDetail::PerfEvent(event) = told.detail else { return None };
        Some(PerfEventLinkInfo { id: told.id, prog_id: told.prog_id, event })
    }
}
