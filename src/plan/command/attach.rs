//! Attaching without a link, and asking what is attached.

use super::{Attributes, Show};
use crate::base::flags::{AttachFlags, QueryFlags};
use crate::kind::AttachType;
use crate::plan::Fd;

/// Where a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachTo {
    /// `target_fd`: a cgroup's directory, a map of sockets, a network namespace, a perf event.
    Fd(Fd),
    /// `target_ifindex`: a network device.
    Ifindex(u32),
    /// What needs none: the attach type, or the program, says it all.
    None,
}

/// The program or link that a new one is put before or after (since 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relative {
    /// A program.
    Program(Fd),
    /// A link.
    Link(Fd),
    /// A program, by its id.
    ProgramId(u32),
    /// A link, by its id.
    LinkId(u32),
}

impl AttachTo {
    /// Under `fd` or `ifindex`, the two names of the attribute.
    pub(super) fn show(self, show: &mut Show<'_>, fd: &'static str, ifindex: &'static str) {
        match self {
            Self::Fd(target) => show.fd(fd, target),
            Self::Ifindex(index) => show.number(ifindex, index),
            Self::None => {}
        }
    }

    pub(super) fn fd(self) -> Option<Fd> {
        match self {
            Self::Fd(fd) => Some(fd),
            _ => None,
        }
    }
}

impl Relative {
    /// Under `fd` or `id`, the two names of the attribute.
    pub(super) fn show(self, show: &mut Show<'_>, fd: &'static str, id: &'static str) {
        match self {
            Self::Program(neighbour) | Self::Link(neighbour) => show.fd(fd, neighbour),
            Self::ProgramId(number) | Self::LinkId(number) => show.number(id, number),
        }
    }
}

/// Attributes of `BPF_PROG_ATTACH` and `BPF_PROG_DETACH` (since 4.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_ATTACH")]
#[doc(alias = "BPF_PROG_DETACH")]
pub struct ProgAttach {
    /// `target_fd`, `target_ifindex` (6.6).
    pub target: AttachTo,
    /// `attach_bpf_fd`; to detach it may be left out where there is only one.
    pub program: Option<Fd>,
    /// `attach_type`.
    pub attach_type: AttachType,
    /// `attach_flags`; those that say what `relative` is are set with it.
    pub flags: AttachFlags,
    /// `replace_bpf_fd` (5.6), with [`AttachFlags::REPLACE`].
    pub replace: Option<Fd>,
    /// `relative_fd`, `relative_id` (6.6), with [`AttachFlags::BEFORE`] or [`AttachFlags::AFTER`].
    pub relative: Option<Relative>,
    /// `expected_revision` (6.6): refuse if the programs there have changed since; 0: do not.
    pub expected_revision: u64,
}

impl Attributes for ProgAttach {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        self.target.show(show, "target_fd", "target_ifindex");
        show.fd("attach_bpf_fd", self.program);
        show.word("attach_type", self.attach_type);
        show.flags("attach_flags", &self.flags);
        show.fd("replace_bpf_fd", self.replace);
        if let Some(relative) = self.relative {
            relative.show(show, "relative_fd", "relative_id");
        }
        show.number("expected_revision", self.expected_revision);
    }

    fn about(&self) -> Option<Fd> {
        self.program.or(self.target.fd())
    }
}

/// Attributes of `BPF_PROG_QUERY` (since 4.15). The answer is [`Reply::Attached`](crate::plan::Reply::Attached).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_QUERY")]
pub struct ProgQuery {
    /// `query.target_fd`, `query.target_ifindex` (6.6).
    pub target: AttachTo,
    /// `query.attach_type`.
    pub attach_type: AttachType,
    /// `query.query_flags`.
    pub flags: QueryFlags,
    /// `query.prog_cnt`: how many programs there is room for.
    pub room: u32,
    /// Whether flags (6.0) and links (6.6) of each program are asked for too.
    pub details: bool,
}

impl Attributes for ProgQuery {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        self.target.show(show, "query.target_fd", "query.target_ifindex");
        show.word("query.attach_type", self.attach_type);
        show.flags("query.query_flags", &self.flags);
        show.number("query.prog_cnt", self.room);
    }

    fn about(&self) -> Option<Fd> {
        self.target.fd()
    }
}
