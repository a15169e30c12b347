//! Attach types: the places in the kernel a program can be put.

use crate::base::{KernelVersion, open_set};

open_set! {
/// A place a program can be attached to (`expected_attach_type` of `BPF_PROG_LOAD`, `attach_type` of
/// `BPF_LINK_CREATE` and `BPF_PROG_ATTACH`); any number can be held.
#[doc(alias = "bpf_attach_type")]
AttachType {
    /// Packets received by a cgroup's sockets.
    CGROUP_INET_INGRESS = 0, "cgroup_inet_ingress", "BPF_CGROUP_INET_INGRESS", 4, 10;
    /// Packets sent by a cgroup's sockets.
    CGROUP_INET_EGRESS = 1, "cgroup_inet_egress", "BPF_CGROUP_INET_EGRESS", 4, 10;
    /// A socket of a cgroup is made.
    CGROUP_INET_SOCK_CREATE = 2, "cgroup_inet_sock_create", "BPF_CGROUP_INET_SOCK_CREATE", 4, 10;
    /// Events of a cgroup's TCP sockets.
    CGROUP_SOCK_OPS = 3, "cgroup_sock_ops", "BPF_CGROUP_SOCK_OPS", 4, 13;
    /// Where a message ends in a stream.
    SK_SKB_STREAM_PARSER = 4, "sk_skb_stream_parser", "BPF_SK_SKB_STREAM_PARSER", 4, 14;
    /// What becomes of a parsed message.
    SK_SKB_STREAM_VERDICT = 5, "sk_skb_stream_verdict", "BPF_SK_SKB_STREAM_VERDICT", 4, 14;
    /// A device node is opened or made.
    CGROUP_DEVICE = 6, "cgroup_device", "BPF_CGROUP_DEVICE", 4, 15;
    /// What becomes of a sent message.
    SK_MSG_VERDICT = 7, "sk_msg_verdict", "BPF_SK_MSG_VERDICT", 4, 17;
    /// bind on IPv4.
    CGROUP_INET4_BIND = 8, "cgroup_inet4_bind", "BPF_CGROUP_INET4_BIND", 4, 17;
    /// bind on IPv6.
    CGROUP_INET6_BIND = 9, "cgroup_inet6_bind", "BPF_CGROUP_INET6_BIND", 4, 17;
    /// connect on IPv4.
    CGROUP_INET4_CONNECT = 10, "cgroup_inet4_connect", "BPF_CGROUP_INET4_CONNECT", 4, 17;
    /// connect on IPv6.
    CGROUP_INET6_CONNECT = 11, "cgroup_inet6_connect", "BPF_CGROUP_INET6_CONNECT", 4, 17;
    /// After bind on IPv4.
    CGROUP_INET4_POST_BIND = 12, "cgroup_inet4_post_bind", "BPF_CGROUP_INET4_POST_BIND", 4, 17;
    /// After bind on IPv6.
    CGROUP_INET6_POST_BIND = 13, "cgroup_inet6_post_bind", "BPF_CGROUP_INET6_POST_BIND", 4, 17;
    /// sendmsg on unconnected UDP over IPv4.
    CGROUP_UDP4_SENDMSG = 14, "cgroup_udp4_sendmsg", "BPF_CGROUP_UDP4_SENDMSG", 4, 18;
    /// sendmsg on unconnected UDP over IPv6.
    CGROUP_UDP6_SENDMSG = 15, "cgroup_udp6_sendmsg", "BPF_CGROUP_UDP6_SENDMSG", 4, 18;
    /// Pulses of an infrared remote control.
    LIRC_MODE2 = 16, "lirc_mode2", "BPF_LIRC_MODE2", 4, 18;
    /// The flow dissector of a network namespace.
    FLOW_DISSECTOR = 17, "flow_dissector", "BPF_FLOW_DISSECTOR", 4, 20;
    /// A sysctl is read or written.
    CGROUP_SYSCTL = 18, "cgroup_sysctl", "BPF_CGROUP_SYSCTL", 5, 2;
    /// recvmsg on unconnected UDP over IPv4.
    CGROUP_UDP4_RECVMSG = 19, "cgroup_udp4_recvmsg", "BPF_CGROUP_UDP4_RECVMSG", 5, 2;
    /// recvmsg on unconnected UDP over IPv6.
    CGROUP_UDP6_RECVMSG = 20, "cgroup_udp6_recvmsg", "BPF_CGROUP_UDP6_RECVMSG", 5, 2;
    /// getsockopt.
    CGROUP_GETSOCKOPT = 21, "cgroup_getsockopt", "BPF_CGROUP_GETSOCKOPT", 5, 3;
    /// setsockopt.
    CGROUP_SETSOCKOPT = 22, "cgroup_setsockopt", "BPF_CGROUP_SETSOCKOPT", 5, 3;
    /// A raw tracepoint with typed arguments.
    TRACE_RAW_TP = 23, "trace_raw_tp", "BPF_TRACE_RAW_TP", 5, 5;
    /// The entry of a kernel function.
    TRACE_FENTRY = 24, "trace_fentry", "BPF_TRACE_FENTRY", 5, 5;
    /// The exit of a kernel function.
    TRACE_FEXIT = 25, "trace_fexit", "BPF_TRACE_FEXIT", 5, 5;
    /// A kernel function whose return value may be replaced.
    MODIFY_RETURN = 26, "modify_return", "BPF_MODIFY_RETURN", 5, 7;
    /// A security hook.
    LSM_MAC = 27, "lsm_mac", "BPF_LSM_MAC", 5, 7;
    /// An iterator over kernel objects.
    TRACE_ITER = 28, "trace_iter", "BPF_TRACE_ITER", 5, 8;
    /// getpeername on IPv4.
    CGROUP_INET4_GETPEERNAME = 29, "cgroup_inet4_getpeername", "BPF_CGROUP_INET4_GETPEERNAME", 5, 8;
    /// getpeername on IPv6.
    CGROUP_INET6_GETPEERNAME = 30, "cgroup_inet6_getpeername", "BPF_CGROUP_INET6_GETPEERNAME", 5, 8;
    /// getsockname on IPv4.
    CGROUP_INET4_GETSOCKNAME = 31, "cgroup_inet4_getsockname", "BPF_CGROUP_INET4_GETSOCKNAME", 5, 8;
    /// getsockname on IPv6.
    CGROUP_INET6_GETSOCKNAME = 32, "cgroup_inet6_getsockname", "BPF_CGROUP_INET6_GETSOCKNAME", 5, 8;
    /// An entry of a device map.
    XDP_DEVMAP = 33, "xdp_devmap", "BPF_XDP_DEVMAP", 5, 8;
    /// A socket of a cgroup is released.
    CGROUP_INET_SOCK_RELEASE = 34, "cgroup_inet_sock_release", "BPF_CGROUP_INET_SOCK_RELEASE", 5, 9;
    /// An entry of a CPU map.
    XDP_CPUMAP = 35, "xdp_cpumap", "BPF_XDP_CPUMAP", 5, 9;
    /// Socket look-up of a network namespace.
    SK_LOOKUP = 36, "sk_lookup", "BPF_SK_LOOKUP", 5, 9;
    /// A network device, at its driver.
    XDP = 37, "xdp", "BPF_XDP", 5, 9;
    /// What becomes of received data, without a parser.
    SK_SKB_VERDICT = 38, "sk_skb_verdict", "BPF_SK_SKB_VERDICT", 5, 13;
    /// A reuseport group selects a socket.
    SK_REUSEPORT_SELECT = 39, "sk_reuseport_select", "BPF_SK_REUSEPORT_SELECT", 5, 14;
    /// As SELECT, also when a connection moves to another socket.
    SK_REUSEPORT_SELECT_OR_MIGRATE = 40, "sk_reuseport_select_or_migrate", "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", 5, 14;
    /// A perf event: kprobes, uprobes, tracepoints and counters.
    PERF_EVENT = 41, "perf_event", "BPF_PERF_EVENT", 5, 15;
    /// Many kernel functions at once.
    TRACE_KPROBE_MULTI = 42, "trace_kprobe_multi", "BPF_TRACE_KPROBE_MULTI", 5, 18;
    /// A security hook, for tasks of a cgroup.
    LSM_CGROUP = 43, "lsm_cgroup", "BPF_LSM_CGROUP", 6, 0;
    /// A table of functions is registered.
    STRUCT_OPS = 44, "struct_ops", "BPF_STRUCT_OPS", 6, 4;
    /// A netfilter hook.
    NETFILTER = 45, "netfilter", "BPF_NETFILTER", 6, 4;
    /// Packets a device receives.
    TCX_INGRESS = 46, "tcx_ingress", "BPF_TCX_INGRESS", 6, 6;
    /// Packets a device sends.
    TCX_EGRESS = 47, "tcx_egress", "BPF_TCX_EGRESS", 6, 6;
    /// Many user functions at once.
    TRACE_UPROBE_MULTI = 48, "trace_uprobe_multi", "BPF_TRACE_UPROBE_MULTI", 6, 6;
    /// connect on Unix sockets.
    CGROUP_UNIX_CONNECT = 49, "cgroup_unix_connect", "BPF_CGROUP_UNIX_CONNECT", 6, 7;
    /// sendmsg on Unix datagram sockets.
    CGROUP_UNIX_SENDMSG = 50, "cgroup_unix_sendmsg", "BPF_CGROUP_UNIX_SENDMSG", 6, 7;
    /// recvmsg on Unix datagram sockets.
    CGROUP_UNIX_RECVMSG = 51, "cgroup_unix_recvmsg", "BPF_CGROUP_UNIX_RECVMSG", 6, 7;
    /// getpeername on Unix sockets.
    CGROUP_UNIX_GETPEERNAME = 52, "cgroup_unix_getpeername", "BPF_CGROUP_UNIX_GETPEERNAME", 6, 7;
    /// getsockname on Unix sockets.
    CGROUP_UNIX_GETSOCKNAME = 53, "cgroup_unix_getsockname", "BPF_CGROUP_UNIX_GETSOCKNAME", 6, 7;
    /// The primary device of a netkit pair.
    NETKIT_PRIMARY = 54, "netkit_primary", "BPF_NETKIT_PRIMARY", 6, 7;
    /// The peer device of a netkit pair.
    NETKIT_PEER = 55, "netkit_peer", "BPF_NETKIT_PEER", 6, 7;
    /// Entry and exit of many kernel functions.
    TRACE_KPROBE_SESSION = 56, "trace_kprobe_session", "BPF_TRACE_KPROBE_SESSION", 6, 10;
    /// Entry and exit of many user functions.
    TRACE_UPROBE_SESSION = 57, "trace_uprobe_session", "BPF_TRACE_UPROBE_SESSION", 6, 13;}
}

impl AttachType {
    /// The first release whose `BPF_LINK_CREATE` makes links of this type; `None`: it makes none.
    ///
    /// What has no link is attached by `BPF_PROG_ATTACH` (lirc), a socket option (reuseport) or a map's value (XDP in
    /// device and CPU maps).
    #[must_use]
    pub const fn link_since(self) -> Option<KernelVersion> {
        let (major, minor) = match self {
            Self::LIRC_MODE2
            | Self::XDP_DEVMAP
            | Self::XDP_CPUMAP
            | Self::SK_REUSEPORT_SELECT
            | Self::SK_REUSEPORT_SELECT_OR_MIGRATE => return None,
            Self::FLOW_DISSECTOR => (5, 8),
            Self::TRACE_RAW_TP
            | Self::TRACE_FENTRY
            | Self::TRACE_FEXIT
            | Self::MODIFY_RETURN
            | Self::LSM_MAC => (5, 19),
            Self::SK_SKB_STREAM_PARSER
            | Self::SK_SKB_STREAM_VERDICT
            | Self::SK_SKB_VERDICT
            | Self::SK_MSG_VERDICT => (6, 10),
            // Links came with 5.7 for all cgroup types there were; what is newer came with its link.
            _ => match self.since() {
                Some(KernelVersion { major, minor }) if major > 5 || (major == 5 && minor > 7) => {
                    (major, minor)
                }
                Some(_) => (5, 7),
                None => return None,
            },
        };
        Some(KernelVersion::new(major, minor))
    }

    /// Whether the target of a link is a cgroup.
    #[must_use]
    pub const fn is_cgroup(self) -> bool {
        matches!(
            self.0,
            0..=3 | 6 | 8..=15 | 18..=22 | 29..=32 | 34 | 43 | 49..=53
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_types_are_those_named_so() {
        for attach in AttachType::ALL {
            let named = attach.name().is_some_and(|name| name.contains("cgroup"));
            assert_eq!(attach.is_cgroup(), named, "{attach}");
        }
    }

    #[test]
    fn links_start_with_their_release() {
        let since = |attach: AttachType| attach.link_since().map(|v| v.to_string());
        assert_eq!(since(AttachType::CGROUP_INET_EGRESS).as_deref(), Some("5.7"));
        assert_eq!(since(AttachType::TRACE_ITER).as_deref(), Some("5.8"));
        assert_eq!(since(AttachType::XDP).as_deref(), Some("5.9"));
        assert_eq!(since(AttachType::TCX_INGRESS).as_deref(), Some("6.6"));
        assert_eq!(since(AttachType::XDP_DEVMAP), None);
        assert_eq!(since(AttachType(999)), None);
    }
}
