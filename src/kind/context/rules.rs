//! What a kind may do with which fields.

use super::field::{ContextField, Widths};
use super::{Known, network as net, tracing as trace};
use crate::base::KernelVersion;
use crate::kind::{AttachType as At, ProgType as Type, ProgramKind};

/// A C type, with what its most favoured kind may do with its fields.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    pub(super) known: Known,
    pub(super) fields: &'static [ContextField],
    /// The first release that takes accesses which are not aligned.
    pub(super) unaligned_since: Option<KernelVersion>,
}

impl Layout {
    pub(super) const fn known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    pub(super) const fn unaligned_since(mut self, major: u16, minor: u16) -> Self {
        self.unaligned_since = Some(KernelVersion::new(major, minor));
        self
    }
}

/// What a kind may do with the fields of a layout.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) layout: &'static Layout,
    hidden: u64,
    writable: u64,
}

impl Rules {
    /// All fields can be read and none written.
    pub(super) const fn read_only(layout: &'static Layout) -> Self {
        Self { layout, hidden: 0, writable: 0 }
    }

    /// These fields cannot be accessed.
    pub(super) const fn hiding(mut self, names: &[&str]) -> Self {
        self.hidden |= bits(self.layout, names);
        self
    }

    /// These fields can be written.
    pub(super) const fn writing(mut self, names: &[&str]) -> Self {
        self.writable |= bits(self.layout, names);
        self
    }

    /// The field at `index`, with what is left of its widths.
    pub(super) fn permitted(&self, index: u32, mut field: ContextField) -> ContextField {
        let bit = 1 << index;
        if self.hidden & bit != 0 {
            field.reads = Widths::empty();
        }
        if self.hidden & bit != 0 || self.writable & bit == 0 {
            field.writes = Widths::empty();
        }
        field
    }
}

/// The places of the names in the layout; does not compile for a name that is not there.
const fn bits(layout: &Layout, names: &[&str]) -> u64 {
    let mut set = 0;
    let mut i = 0;
    while i < names.len() {
        let mut found = 0;
        let mut at = 0;
        while at < layout.fields.len() {
            if same(layout.fields[at].name, names[i]) {
                found |= 1 << at;
            }
            at += 1;
        }
        assert!(found != 0, "no such field");
        set |= found;
        i += 1;
    }
    set
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut i = 0;
    while i < left.len() {
        if left[i] != right[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The rules a kind is under.
pub(super) const fn of(kind: ProgramKind) -> &'static Rules {
    match kind.prog_type() {
        Type::SOCKET_FILTER => &net::SK_FILTER,
        Type::CGROUP_SKB => &net::CG_SKB,
        Type::SCHED_CLS | Type::SCHED_ACT => &net::TC_CLS_ACT,
        Type::LWT_IN | Type::LWT_OUT | Type::LWT_XMIT | Type::LWT_SEG6LOCAL => &net::LWT,
        Type::SK_SKB => &net::SK_SKB,
        Type::FLOW_DISSECTOR => &net::FLOW_DISSECTOR,
        Type::XDP => match kind.expected_attach_type() {
            Some(At::XDP_DEVMAP) => &net::XDP_DEVMAP,
            _ => &net::XDP,
        },
        Type::SK_MSG => &net::SK_MSG,
        Type::SK_REUSEPORT => &net::SK_REUSEPORT,
        Type::SK_LOOKUP => &net::SK_LOOKUP,
        Type::SOCK_OPS => &net::SOCK_OPS,
        Type::NETFILTER => &net::NETFILTER,
        Type::LIRC_MODE2 => &trace::LIRC_MODE2,
        Type::SYSCALL => &trace::SYSCALL,
        Type::EXT => &trace::EXT,
        _ => of_cgroup_or_tracing(kind),
    }
}

const fn of_cgroup_or_tracing(kind: ProgramKind) -> &'static Rules {
    match kind.prog_type() {
        Type::CGROUP_SOCK => match kind.expected_attach_type() {
            Some(At::CGROUP_INET4_POST_BIND) => &net::CGROUP_POST_BIND4,
            Some(At::CGROUP_INET6_POST_BIND) => &net::CGROUP_POST_BIND6,
            _ => &net::CGROUP_SOCK,
        },
        Type::CGROUP_SOCK_ADDR => of_sock_addr(kind),
        Type::CGROUP_SOCKOPT => match kind.expected_attach_type() {
            Some(At::CGROUP_GETSOCKOPT) => &net::CGROUP_GETSOCKOPT,
            _ => &net::CGROUP_SETSOCKOPT,
        },
        Type::CGROUP_SYSCTL => &net::CGROUP_SYSCTL,
        Type::CGROUP_DEVICE => &net::CGROUP_DEVICE,
        Type::KPROBE => &trace::KPROBE,
        Type::TRACEPOINT => &trace::TRACEPOINT,
        Type::PERF_EVENT => &trace::PERF_EVENT,
        Type::RAW_TRACEPOINT => &trace::RAW_TRACEPOINT,
        Type::RAW_TRACEPOINT_WRITABLE => &trace::RAW_TRACEPOINT_WRITABLE,
        Type::LSM => &trace::LSM,
        _ => &trace::ARGUMENTS,
    }
}

const fn of_sock_addr(kind: ProgramKind) -> &'static Rules {
    match kind.expected_attach_type() {
        Some(At::CGROUP_UDP4_SENDMSG) => &net::SOCK_ADDR_SENDMSG4,
        Some(At::CGROUP_UDP6_SENDMSG) => &net::SOCK_ADDR_SENDMSG6,
        Some(
            At::CGROUP_INET4_BIND
            | At::CGROUP_INET4_CONNECT
            | At::CGROUP_INET4_GETPEERNAME
            | At::CGROUP_INET4_GETSOCKNAME
            | At::CGROUP_UDP4_RECVMSG,
        ) => &net::SOCK_ADDR4,
        Some(
            At::CGROUP_INET6_BIND
            | At::CGROUP_INET6_CONNECT
            | At::CGROUP_INET6_GETPEERNAME
            | At::CGROUP_INET6_GETSOCKNAME
            | At::CGROUP_UDP6_RECVMSG,
        ) => &net::SOCK_ADDR6,
        _ => &net::SOCK_ADDR_UNIX,
    }
}
