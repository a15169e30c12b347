//! Program types: what the kernel knows a program as.

use crate::base::{Capabilities, KernelVersion, open_set};

open_set! {
/// The type of a program (`prog_type` of `BPF_PROG_LOAD`); any number can be held.
#[doc(alias = "bpf_prog_type")]
ProgType {
    /// Filters what a socket receives.
    SOCKET_FILTER = 1, "socket_filter", "BPF_PROG_TYPE_SOCKET_FILTER", 3, 19;
    /// Runs at a kernel or user function, or at any instruction of it.
    KPROBE = 2, "kprobe", "BPF_PROG_TYPE_KPROBE", 4, 1;
    /// Classifies packets of a traffic control queue, of tcx or of netkit.
    SCHED_CLS = 3, "sched_cls", "BPF_PROG_TYPE_SCHED_CLS", 4, 1;
    /// Is an action of traffic control.
    SCHED_ACT = 4, "sched_act", "BPF_PROG_TYPE_SCHED_ACT", 4, 1;
    /// Runs at a tracepoint, with its formatted arguments.
    TRACEPOINT = 5, "tracepoint", "BPF_PROG_TYPE_TRACEPOINT", 4, 7;
    /// Runs on packets in the device driver.
    XDP = 6, "xdp", "BPF_PROG_TYPE_XDP", 4, 8;
    /// Runs when a perf event overflows.
    PERF_EVENT = 7, "perf_event", "BPF_PROG_TYPE_PERF_EVENT", 4, 9;
    /// Filters packets of a cgroup's sockets.
    CGROUP_SKB = 8, "cgroup_skb", "BPF_PROG_TYPE_CGROUP_SKB", 4, 10;
    /// Runs when a cgroup's socket is made, bound or released.
    CGROUP_SOCK = 9, "cgroup_sock", "BPF_PROG_TYPE_CGROUP_SOCK", 4, 10;
    /// Runs on received packets of a lightweight tunnel's route.
    LWT_IN = 10, "lwt_in", "BPF_PROG_TYPE_LWT_IN", 4, 10;
    /// Runs on sent packets of a lightweight tunnel's route.
    LWT_OUT = 11, "lwt_out", "BPF_PROG_TYPE_LWT_OUT", 4, 10;
    /// Runs on packets of a lightweight tunnel's route, and may change them.
    LWT_XMIT = 12, "lwt_xmit", "BPF_PROG_TYPE_LWT_XMIT", 4, 10;
    /// Runs on the events of a cgroup's TCP sockets.
    SOCK_OPS = 13, "sock_ops", "BPF_PROG_TYPE_SOCK_OPS", 4, 13;
    /// Parses and redirects what the sockets of a sockmap receive.
    SK_SKB = 14, "sk_skb", "BPF_PROG_TYPE_SK_SKB", 4, 14;
    /// Decides which device nodes a cgroup may use.
    CGROUP_DEVICE = 15, "cgroup_device", "BPF_PROG_TYPE_CGROUP_DEVICE", 4, 15;
    /// Redirects what the sockets of a sockmap send.
    SK_MSG = 16, "sk_msg", "BPF_PROG_TYPE_SK_MSG", 4, 17;
    /// Runs at a tracepoint, with its raw arguments.
    RAW_TRACEPOINT = 17, "raw_tracepoint", "BPF_PROG_TYPE_RAW_TRACEPOINT", 4, 17;
    /// Sees and changes the addresses of a cgroup's sockets.
    CGROUP_SOCK_ADDR = 18, "cgroup_sock_addr", "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", 4, 17;
    /// Is an action of IPv6 segment routing.
    LWT_SEG6LOCAL = 19, "lwt_seg6local", "BPF_PROG_TYPE_LWT_SEG6LOCAL", 4, 18;
    /// Decodes an infrared remote control.
    LIRC_MODE2 = 20, "lirc_mode2", "BPF_PROG_TYPE_LIRC_MODE2", 4, 18;
    /// Selects a socket of a reuseport group.
    SK_REUSEPORT = 21, "sk_reuseport", "BPF_PROG_TYPE_SK_REUSEPORT", 4, 19;
    /// Takes packet headers apart for the flow hash.
    FLOW_DISSECTOR = 22, "flow_dissector", "BPF_PROG_TYPE_FLOW_DISSECTOR", 4, 20;
    /// Sees and changes reads and writes of sysctls.
    CGROUP_SYSCTL = 23, "cgroup_sysctl", "BPF_PROG_TYPE_CGROUP_SYSCTL", 5, 2;
    /// As a raw tracepoint, and may write to its buffer.
    RAW_TRACEPOINT_WRITABLE = 24, "raw_tracepoint_writable", "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE", 5, 2;
    /// Sees and changes socket options.
    CGROUP_SOCKOPT = 25, "cgroup_sockopt", "BPF_PROG_TYPE_CGROUP_SOCKOPT", 5, 3;
    /// Runs at a kernel function, a raw tracepoint or an iterator, with typed arguments.
    TRACING = 26, "tracing", "BPF_PROG_TYPE_TRACING", 5, 5;
    /// Is a function of a kernel table of functions.
    STRUCT_OPS = 27, "struct_ops", "BPF_PROG_TYPE_STRUCT_OPS", 5, 6;
    /// Replaces a function of another program.
    EXT = 28, "ext", "BPF_PROG_TYPE_EXT", 5, 6;
    /// Runs at a security hook.
    LSM = 29, "lsm", "BPF_PROG_TYPE_LSM", 5, 7;
    /// Chooses the socket for a packet.
    SK_LOOKUP = 30, "sk_lookup", "BPF_PROG_TYPE_SK_LOOKUP", 5, 9;
    /// Is run by user space and may make system calls.
    SYSCALL = 31, "syscall", "BPF_PROG_TYPE_SYSCALL", 5, 14;
    /// Is a netfilter hook.
    NETFILTER = 32, "netfilter", "BPF_PROG_TYPE_NETFILTER", 6, 4;}
}

impl ProgType {
    /// Whether programs may read the packet that their context leads to, but not write it (`may_access_direct_pkt_data`).
    pub(crate) fn has_read_only_packet(self) -> bool {
        matches!(
            self,
            Self::LWT_IN
                | Self::LWT_OUT
                | Self::LWT_SEG6LOCAL
                | Self::SK_REUSEPORT
                | Self::FLOW_DISSECTOR
                | Self::CGROUP_SKB
                | Self::SOCK_OPS
        )
    }

    /// What the loader has to be allowed to do, `CAP_SYS_ADMIN` apart, which is enough for all.
    ///
    /// `SOCKET_FILTER` and `CGROUP_SKB` load without any where `kernel.unprivileged_bpf_disabled` is 0.
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::SCHED_CLS
            | Self::SCHED_ACT
            | Self::XDP
            | Self::LWT_IN
            | Self::LWT_OUT
            | Self::LWT_XMIT
            | Self::LWT_SEG6LOCAL
            | Self::SK_SKB
            | Self::SK_MSG
            | Self::FLOW_DISSECTOR
            | Self::CGROUP_DEVICE
            | Self::CGROUP_SOCK
            | Self::CGROUP_SOCK_ADDR
            | Self::CGROUP_SOCKOPT
            | Self::CGROUP_SYSCTL
            | Self::SOCK_OPS
            | Self::NETFILTER => Capabilities::BPF.union(Capabilities::NET_ADMIN),
            Self::KPROBE
            | Self::TRACEPOINT
            | Self::PERF_EVENT
            | Self::RAW_TRACEPOINT
            | Self::RAW_TRACEPOINT_WRITABLE
            | Self::TRACING
            | Self::LSM
            | Self::STRUCT_OPS => Capabilities::BPF.union(Capabilities::PERFMON),
            Self::EXT => Capabilities::all(),
            _ => Capabilities::BPF,
        }
    }

    /// The first release in which programs of this type may use timers; `None`: never.
    ///
    /// The tracing types could for a few stable releases after 5.15; from then to 7.0 the verifier refuses them,
    /// even if they only name a map with a timer.
    #[must_use]
    pub const fn timers(self) -> Option<KernelVersion> {
        match self {
            Self::LIRC_MODE2 => None,
            Self::KPROBE
            | Self::TRACEPOINT
            | Self::PERF_EVENT
            | Self::RAW_TRACEPOINT
            | Self::RAW_TRACEPOINT_WRITABLE => Some(KernelVersion::new(7, 0)),
            Self::NETFILTER => Some(KernelVersion::new(6, 4)),
            _ => Some(KernelVersion::new(5, 15)),
        }
    }

    /// Whether a load has to name the BTF type it attaches to (`attach_btf_id`).
    #[must_use]
    pub const fn needs_attach_btf_id(self) -> bool {
        matches!(self, Self::TRACING | Self::LSM | Self::EXT | Self::STRUCT_OPS)
    }
}
