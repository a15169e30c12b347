//! Program kinds: one table of what can be loaded, as which type, for which place, under which section name.

mod attach_type;
mod context;
mod helpers;
mod prog_type;
mod table;

use std::fmt;
use std::ops::RangeInclusive;

pub use attach_type::AttachType;
pub use context::{Context, ContextAccess, ContextField, ContextPointer, Direction, Known, Widths};
pub use helpers::{HelperSet, HelperTerms};
pub use prog_type::ProgType;
use table::{Row, TABLE};

use crate::base::{Capabilities, KernelVersion};

/// The release whose verdicts the tables of helpers, contexts and return values were compared with, one by one. A later one may
/// allow more.
pub const COMPARED_WITH: KernelVersion = KernelVersion::new(6, 18);

/// How a program is to be loaded: its type, the place it expects, and whether it may sleep.
///
/// There is one kind for each meaning of an ELF section name, as libbpf reads them; spellings that mean the same are one
/// kind. Two kinds may load alike and differ in how they are attached (`kprobe` and `kretprobe`).
///
/// ```
/// use bpfsmith::kind::{AttachType, ProgType, ProgramKind};
///
/// let (kind, target) = ProgramKind::from_section("fentry.s/do_unlinkat").unwrap();
/// assert_eq!(kind, ProgramKind::FENTRY_SLEEPABLE);
/// assert_eq!(kind.prog_type(), ProgType::TRACING);
/// assert_eq!(kind.expected_attach_type(), Some(AttachType::TRACE_FENTRY));
/// assert_eq!(target, Some("do_unlinkat"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramKind(u8);

impl ProgramKind {
    /// The kind that an ELF section name means, and what stands after its `/`.
    ///
    /// The `?` that libbpf allows in front is not part of the name.
    #[must_use]
    pub fn from_section(section: &str) -> Option<(Self, Option<&str>)> {
        Self::ALL.iter().find_map(|&kind| Some((kind, kind.target_of(section)?)))
    }

    /// The kinds that load as this program type.
    pub fn of_type(prog_type: ProgType) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |kind| kind.prog_type() == prog_type)
    }

    /// The kind's name, which is its first section name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().sections[0]
    }

    /// The ELF section names that mean this kind, the best first.
    #[must_use]
    pub const fn sections(self) -> &'static [&'static str] {
        self.row().sections
    }

    /// Whether a section name may go on with `/` and the thing to attach to.
    #[must_use]
    pub const fn section_takes_target(self) -> bool {
        self.row().target
    }

    /// The type to load as.
    #[must_use]
    pub const fn prog_type(self) -> ProgType {
        self.row().prog_type
    }

    /// The attach type to load with; `None` where the kernel does not look at it, and 0 is sent.
    #[must_use]
    pub const fn expected_attach_type(self) -> Option<AttachType> {
        self.row().attach
    }

    /// Whether a kernel without `expected_attach_type` (before 4.17) knows the kind, so that the attach type can be
    /// left out there.
    #[must_use]
    pub const fn attach_type_is_optional(self) -> bool {
        self.row().optional
    }

    /// Whether the program is loaded as one that may sleep (`BPF_F_SLEEPABLE`).
    #[must_use]
    pub const fn sleepable(self) -> bool {
        self.row().sleepable
    }

    /// Whether the program is loaded as one that knows packets of several fragments (`BPF_F_XDP_HAS_FRAGS`).
    #[must_use]
    pub const fn xdp_frags(self) -> bool {
        self.row().frags
    }

    /// The first release that loads the kind.
    #[must_use]
    pub const fn since(self) -> KernelVersion {
        self.row().since
    }

    /// What the loader has to be allowed to do.
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        self.prog_type().capabilities()
    }

    /// Whether a load has to name the BTF type it attaches to (`attach_btf_id`).
    #[must_use]
    pub const fn needs_attach_btf_id(self) -> bool {
        self.prog_type().needs_attach_btf_id()
    }

    /// The first release in which programs of this kind may use timers; `None`: never.
    #[must_use]
    pub const fn timers(self) -> Option<KernelVersion> {
        self.prog_type().timers()
    }

    /// The first release whose `BPF_PROG_TEST_RUN` runs the kind; `None`: none does.
    ///
    /// `STRUCT_OPS` has a test run for the kernel's own dummy table only, which does not count. That of `TRACING` calls the
    /// kernel's functions for such tests (`bpf_fentry_test1`, ...): the program runs if it is attached to one of them.
    #[must_use]
    pub const fn test_run(self) -> Option<KernelVersion> {
        let (major, minor) = match self.prog_type() {
            ProgType::SCHED_CLS
            | ProgType::SCHED_ACT
            | ProgType::XDP
            | ProgType::CGROUP_SKB
            | ProgType::LWT_IN
            | ProgType::LWT_OUT
            | ProgType::LWT_XMIT => (4, 12),
            ProgType::SOCKET_FILTER => (4, 16),
            ProgType::LWT_SEG6LOCAL => (4, 18),
            ProgType::FLOW_DISSECTOR => (5, 1),
            ProgType::RAW_TRACEPOINT => (5, 10),
            ProgType::SK_LOOKUP => (5, 13),
            ProgType::SYSCALL => (5, 14),
            ProgType::NETFILTER => (6, 4),
            ProgType::TRACING => match self.expected_attach_type() {
                Some(AttachType::TRACE_FENTRY | AttachType::TRACE_FEXIT | AttachType::MODIFY_RETURN) => {
                    (5, 7)
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(KernelVersion::new(major, minor))
    }

    /// The values r0 may have at the exit of the program; `None`: any, or it depends on what is attached to.
    ///
    /// As in the verifier of 6.18 (`check_return_code`). Security hooks are among those it depends on: since 6.12 those that
    /// return a truth value take 0 and 1, others 0 and negative error numbers down to -4095. Of `lsm_cgroup` the range is the
    /// widest: where the hook returns nothing, only 1 is allowed.
    #[must_use]
    pub const fn return_range(self) -> Option<RangeInclusive<i32>> {
        match self.prog_type() {
            ProgType::CGROUP_SOCK
            | ProgType::SOCK_OPS
            | ProgType::CGROUP_DEVICE
            | ProgType::CGROUP_SYSCTL
            | ProgType::CGROUP_SOCKOPT
            | ProgType::SK_LOOKUP
            | ProgType::NETFILTER => Some(0..=1),
            ProgType::CGROUP_SKB
            | ProgType::CGROUP_SOCK_ADDR
            | ProgType::TRACING
            | ProgType::KPROBE
            | ProgType::LSM => self.return_range_of_place(),
            _ => None,
        }
    }

    const fn return_range_of_place(self) -> Option<RangeInclusive<i32>> {
        let Some(attach) = self.expected_attach_type() else {
            return match self.prog_type() {
                ProgType::CGROUP_SKB => Some(0..=1),
                _ => None,
            };
        };
        match attach {
            AttachType::CGROUP_INET_EGRESS
            | AttachType::CGROUP_INET4_BIND
            | AttachType::CGROUP_INET6_BIND => Some(0..=3),
            AttachType::CGROUP_UDP4_RECVMSG
            | AttachType::CGROUP_UDP6_RECVMSG
            | AttachType::CGROUP_UNIX_RECVMSG
            | AttachType::CGROUP_INET4_GETPEERNAME
            | AttachType::CGROUP_INET6_GETPEERNAME
            | AttachType::CGROUP_UNIX_GETPEERNAME
            | AttachType::CGROUP_INET4_GETSOCKNAME
            | AttachType::CGROUP_INET6_GETSOCKNAME
            | AttachType::CGROUP_UNIX_GETSOCKNAME => Some(1..=1),
            AttachType::TRACE_FENTRY | AttachType::TRACE_FEXIT => Some(0..=0),
            AttachType::TRACE_RAW_TP
            | AttachType::MODIFY_RETURN
            | AttachType::TRACE_KPROBE_MULTI
            | AttachType::TRACE_UPROBE_MULTI
            | AttachType::LSM_MAC => None,
            _ => Some(0..=1),
        }
    }

    fn target_of(self, section: &str) -> Option<Option<&str>> {
        self.sections().iter().find_map(|name| match section.strip_prefix(name)? {
            "" => Some(None),
            rest if self.section_takes_target() => rest.strip_prefix('/').map(Some),
            _ => None,
        })
    }

    const fn row(self) -> &'static Row {
        &TABLE[self.0 as usize]
    }
}

impl fmt::Display for ProgramKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for ProgramKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramKind({})", self.name())
    }
}

#[cfg(test)]
mod tests;
