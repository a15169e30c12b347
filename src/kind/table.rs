//! The table of program kinds.

use super::ProgramKind;
use super::{AttachType as At, ProgType as Type};
use crate::base::KernelVersion;

/// What is known of one kind beyond its program type.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) sections: &'static [&'static str],
    pub(super) target: bool,
    pub(super) prog_type: Type,
    pub(super) attach: Option<At>,
    pub(super) optional: bool,
    pub(super) sleepable: bool,
    pub(super) frags: bool,
    pub(super) since: KernelVersion,
}

impl Row {
    /// A kind with these section names; its release is that of its type unless said otherwise.
    const fn new(prog_type: Type, sections: &'static [&'static str]) -> Self {
        let since = match prog_type.since() {
            Some(since) => since,
            None => KernelVersion::new(0, 0),
        };
        Self {
            sections,
            target: false,
            prog_type,
            attach: None,
            optional: false,
            sleepable: false,
            frags: false,
            since,
        }
    }

    /// `/` and a target may follow the section name.
    const fn target(mut self) -> Self {
        self.target = true;
        self
    }

    /// The kernel insists on this attach type, or the attach type came with the kind.
    const fn at(mut self, attach: At) -> Self {
        self.attach = Some(attach);
        match attach.since() {
            Some(since) if newer(since, self.since) => self.since = since,
            _ => {}
        }
        self
    }

    /// The attach type is told where the kernel takes it; the kind is older.
    const fn told(mut self, attach: At) -> Self {
        self.attach = Some(attach);
        self.optional = true;
        self
    }

    const fn sleepable(mut self, major: u16, minor: u16) -> Self {
        self.sleepable = true;
        let since = KernelVersion::new(major, minor);
        if newer(since, self.since) {
            self.since = since;
        }
        self
    }

    const fn frags(mut self) -> Self {
        self.frags = true;
        self.since = KernelVersion::new(5, 18);
        self
    }
}

const fn newer(left: KernelVersion, right: KernelVersion) -> bool {
    left.major > right.major || (left.major == right.major && left.minor > right.minor)
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $constant:ident = $row:expr;)*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "counts the constants")]
        enum Place { $($constant),* }

        impl ProgramKind {
            $($(#[$meta])*
            pub const $constant: Self = Self(Place::$constant as u8);)*

            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];
        }

        pub(super) static TABLE: &[Row] = &[$($row),*];
    };
}

kinds! {
    /// Filters what a socket receives.
    SOCKET_FILTER = Row::new(Type::SOCKET_FILTER, &["socket"]);
    /// Selects a socket of a reuseport group.
    SK_REUSEPORT = Row::new(Type::SK_REUSEPORT, &["sk_reuseport"]).told(At::SK_REUSEPORT_SELECT);
    /// As `SK_REUSEPORT`, also when a connection moves to another socket.
    SK_REUSEPORT_MIGRATE =
        Row::new(Type::SK_REUSEPORT, &["sk_reuseport/migrate"]).at(At::SK_REUSEPORT_SELECT_OR_MIGRATE);
    /// At a kernel function, or inside of it.
    KPROBE = Row::new(Type::KPROBE, &["kprobe"]).target();
    /// At the return of a kernel function.
    KRETPROBE = Row::new(Type::KPROBE, &["kretprobe"]).target();
    /// At many kernel functions.
    KPROBE_MULTI = Row::new(Type::KPROBE, &["kprobe.multi"]).target().at(At::TRACE_KPROBE_MULTI);
    /// At the return of many kernel functions.
    KRETPROBE_MULTI = Row::new(Type::KPROBE, &["kretprobe.multi"]).target().at(At::TRACE_KPROBE_MULTI);
    /// At the entry and, if it returns 0, the return of many kernel functions.
    KPROBE_SESSION = Row::new(Type::KPROBE, &["kprobe.session"]).target().at(At::TRACE_KPROBE_SESSION);
    /// At a function of a user program, or inside of it.
    UPROBE = Row::new(Type::KPROBE, &["uprobe"]).target();
    /// As `UPROBE`; may sleep.
    UPROBE_SLEEPABLE = Row::new(Type::KPROBE, &["uprobe.s"]).target().sleepable(6, 0);
    /// At the return of a function of a user program.
    URETPROBE = Row::new(Type::KPROBE, &["uretprobe"]).target();
    /// As `URETPROBE`; may sleep.
    URETPROBE_SLEEPABLE = Row::new(Type::KPROBE, &["uretprobe.s"]).target().sleepable(6, 0);
    /// At many functions of a user program.
    UPROBE_MULTI = Row::new(Type::KPROBE, &["uprobe.multi"]).target().at(At::TRACE_UPROBE_MULTI);
    /// As `UPROBE_MULTI`; may sleep.
    UPROBE_MULTI_SLEEPABLE =
        Row::new(Type::KPROBE, &["uprobe.multi.s"]).target().at(At::TRACE_UPROBE_MULTI).sleepable(6, 6);
    /// At the return of many functions of a user program.
    URETPROBE_MULTI = Row::new(Type::KPROBE, &["uretprobe.multi"]).target().at(At::TRACE_UPROBE_MULTI);
    /// As `URETPROBE_MULTI`; may sleep.
    URETPROBE_MULTI_SLEEPABLE =
        Row::new(Type::KPROBE, &["uretprobe.multi.s"]).target().at(At::TRACE_UPROBE_MULTI).sleepable(6, 6);
    /// At the entry and, if it returns 0, the return of many functions of a user program.
    UPROBE_SESSION = Row::new(Type::KPROBE, &["uprobe.session"]).target().at(At::TRACE_UPROBE_SESSION);
    /// As `UPROBE_SESSION`; may sleep.
    UPROBE_SESSION_SLEEPABLE =
        Row::new(Type::KPROBE, &["uprobe.session.s"]).target().at(At::TRACE_UPROBE_SESSION).sleepable(6, 13);
    /// At the entry of a system call, by its name.
    KSYSCALL = Row::new(Type::KPROBE, &["ksyscall"]).target();
    /// At the return of a system call, by its name.
    KRETSYSCALL = Row::new(Type::KPROBE, &["kretsyscall"]).target();
    /// At a marker in a user program.
    USDT = Row::new(Type::KPROBE, &["usdt"]).target();
    /// As `USDT`; may sleep.
    USDT_SLEEPABLE = Row::new(Type::KPROBE, &["usdt.s"]).target().sleepable(6, 0);
    /// On packets a device receives.
    TCX_INGRESS = Row::new(Type::SCHED_CLS, &["tcx/ingress", "tc/ingress"]).at(At::TCX_INGRESS);
    /// On packets a device sends.
    TCX_EGRESS = Row::new(Type::SCHED_CLS, &["tcx/egress", "tc/egress"]).at(At::TCX_EGRESS);
    /// A classifier of a traffic control queue.
    SCHED_CLS = Row::new(Type::SCHED_CLS, &["tc", "classifier"]);
    /// An action of traffic control.
    SCHED_ACT = Row::new(Type::SCHED_ACT, &["action"]);
    /// On packets of the primary device of a netkit pair.
    NETKIT_PRIMARY = Row::new(Type::SCHED_CLS, &["netkit/primary"]).at(At::NETKIT_PRIMARY);
    /// On packets of the peer device of a netkit pair.
    NETKIT_PEER = Row::new(Type::SCHED_CLS, &["netkit/peer"]).at(At::NETKIT_PEER);
    /// At a tracepoint, with its formatted arguments.
    TRACEPOINT = Row::new(Type::TRACEPOINT, &["tracepoint", "tp"]).target();
    /// At a tracepoint, with its raw arguments.
    RAW_TRACEPOINT = Row::new(Type::RAW_TRACEPOINT, &["raw_tracepoint", "raw_tp"]).target();
    /// As `RAW_TRACEPOINT`, and may write to its buffer.
    RAW_TRACEPOINT_WRITABLE =
        Row::new(Type::RAW_TRACEPOINT_WRITABLE, &["raw_tracepoint.w", "raw_tp.w"]).target();
    /// At a tracepoint, with typed arguments.
    TP_BTF = Row::new(Type::TRACING, &["tp_btf"]).target().at(At::TRACE_RAW_TP);
    /// At the entry of a kernel function or a program.
    FENTRY = Row::new(Type::TRACING, &["fentry"]).target().at(At::TRACE_FENTRY);
    /// As `FENTRY`; may sleep.
    FENTRY_SLEEPABLE = Row::new(Type::TRACING, &["fentry.s"]).target().at(At::TRACE_FENTRY).sleepable(5, 10);
    /// At the exit of a kernel function or a program.
    FEXIT = Row::new(Type::TRACING, &["fexit"]).target().at(At::TRACE_FEXIT);
    /// As `FEXIT`; may sleep.
    FEXIT_SLEEPABLE = Row::new(Type::TRACING, &["fexit.s"]).target().at(At::TRACE_FEXIT).sleepable(5, 10);
    /// May replace the return value of a kernel function made for it.
    FMOD_RET = Row::new(Type::TRACING, &["fmod_ret"]).target().at(At::MODIFY_RETURN);
    /// As `FMOD_RET`; may sleep.
    FMOD_RET_SLEEPABLE =
        Row::new(Type::TRACING, &["fmod_ret.s"]).target().at(At::MODIFY_RETURN).sleepable(5, 10);
    /// Runs for every object of an iterator.
    ITER = Row::new(Type::TRACING, &["iter"]).target().at(At::TRACE_ITER);
    /// As `ITER`; may sleep.
    ITER_SLEEPABLE = Row::new(Type::TRACING, &["iter.s"]).target().at(At::TRACE_ITER).sleepable(5, 18);
    /// Replaces a function of another program.
    EXT = Row::new(Type::EXT, &["freplace"]).target();
    /// At a security hook.
    LSM = Row::new(Type::LSM, &["lsm"]).target().at(At::LSM_MAC);
    /// As `LSM`; may sleep.
    LSM_SLEEPABLE = Row::new(Type::LSM, &["lsm.s"]).target().at(At::LSM_MAC).sleepable(5, 10);
    /// At a security hook, for tasks of a cgroup.
    LSM_CGROUP = Row::new(Type::LSM, &["lsm_cgroup"]).target().at(At::LSM_CGROUP);
    /// Run by user space; always one that may sleep.
    SYSCALL = Row::new(Type::SYSCALL, &["syscall"]).sleepable(5, 14);
    /// On packets in the device driver.
    XDP = Row::new(Type::XDP, &["xdp"]).told(At::XDP);
    /// As `XDP`, for packets of several fragments too.
    XDP_FRAGS = Row::new(Type::XDP, &["xdp.frags"]).at(At::XDP).frags();
    /// On packets redirected to an entry of a device map.
    XDP_DEVMAP = Row::new(Type::XDP, &["xdp/devmap"]).at(At::XDP_DEVMAP);
    /// As `XDP_DEVMAP`, for packets of several fragments too.
    XDP_DEVMAP_FRAGS = Row::new(Type::XDP, &["xdp.frags/devmap"]).at(At::XDP_DEVMAP).frags();
    /// On packets redirected to an entry of a CPU map.
    XDP_CPUMAP = Row::new(Type::XDP, &["xdp/cpumap"]).at(At::XDP_CPUMAP);
    /// As `XDP_CPUMAP`, for packets of several fragments too.
    XDP_CPUMAP_FRAGS = Row::new(Type::XDP, &["xdp.frags/cpumap"]).at(At::XDP_CPUMAP).frags();
    /// When a perf event overflows.
    PERF_EVENT = Row::new(Type::PERF_EVENT, &["perf_event"]);
    /// On received packets of a lightweight tunnel's route.
    LWT_IN = Row::new(Type::LWT_IN, &["lwt_in"]);
    /// On sent packets of a lightweight tunnel's route.
    LWT_OUT = Row::new(Type::LWT_OUT, &["lwt_out"]);
    /// On packets of a lightweight tunnel's route, and may change them.
    LWT_XMIT = Row::new(Type::LWT_XMIT, &["lwt_xmit"]);
    /// An action of IPv6 segment routing.
    LWT_SEG6LOCAL = Row::new(Type::LWT_SEG6LOCAL, &["lwt_seg6local"]);
    /// On the events of a cgroup's TCP sockets.
    SOCK_OPS = Row::new(Type::SOCK_OPS, &["sockops"]).told(At::CGROUP_SOCK_OPS);
    /// A parser or a verdict; the attachment says which.
    SK_SKB = Row::new(Type::SK_SKB, &["sk_skb"]);
    /// Finds where a message ends in a stream.
    SK_SKB_STREAM_PARSER = Row::new(Type::SK_SKB, &["sk_skb/stream_parser"]).told(At::SK_SKB_STREAM_PARSER);
    /// Decides what becomes of a parsed message.
    SK_SKB_STREAM_VERDICT =
        Row::new(Type::SK_SKB, &["sk_skb/stream_verdict"]).told(At::SK_SKB_STREAM_VERDICT);
    /// Decides what becomes of received data, without a parser.
    SK_SKB_VERDICT = Row::new(Type::SK_SKB, &["sk_skb/verdict"]).at(At::SK_SKB_VERDICT);
    /// Decides what becomes of a sent message.
    SK_MSG = Row::new(Type::SK_MSG, &["sk_msg"]).told(At::SK_MSG_VERDICT);
    /// Decodes an infrared remote control.
    LIRC_MODE2 = Row::new(Type::LIRC_MODE2, &["lirc_mode2"]).told(At::LIRC_MODE2);
    /// Takes packet headers apart for the flow hash.
    FLOW_DISSECTOR = Row::new(Type::FLOW_DISSECTOR, &["flow_dissector"]).told(At::FLOW_DISSECTOR);
    /// Filters packets of a cgroup's sockets; the attachment says in which direction.
    CGROUP_SKB = Row::new(Type::CGROUP_SKB, &["cgroup/skb"]);
    /// Filters packets received by a cgroup's sockets.
    CGROUP_SKB_INGRESS = Row::new(Type::CGROUP_SKB, &["cgroup_skb/ingress"]).told(At::CGROUP_INET_INGRESS);
    /// Filters packets sent by a cgroup's sockets.
    CGROUP_SKB_EGRESS = Row::new(Type::CGROUP_SKB, &["cgroup_skb/egress"]).told(At::CGROUP_INET_EGRESS);
    /// When a socket of a cgroup is made.
    CGROUP_SOCK_CREATE =
        Row::new(Type::CGROUP_SOCK, &["cgroup/sock_create", "cgroup/sock"]).told(At::CGROUP_INET_SOCK_CREATE);
    /// When a socket of a cgroup is released.
    CGROUP_SOCK_RELEASE =
        Row::new(Type::CGROUP_SOCK, &["cgroup/sock_release"]).at(At::CGROUP_INET_SOCK_RELEASE);
    /// After bind on IPv4.
    CGROUP_POST_BIND4 = Row::new(Type::CGROUP_SOCK, &["cgroup/post_bind4"]).at(At::CGROUP_INET4_POST_BIND);
    /// After bind on IPv6.
    CGROUP_POST_BIND6 = Row::new(Type::CGROUP_SOCK, &["cgroup/post_bind6"]).at(At::CGROUP_INET6_POST_BIND);
    /// On bind, IPv4.
    CGROUP_BIND4 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/bind4"]).at(At::CGROUP_INET4_BIND);
    /// On bind, IPv6.
    CGROUP_BIND6 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/bind6"]).at(At::CGROUP_INET6_BIND);
    /// On connect, IPv4.
    CGROUP_CONNECT4 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/connect4"]).at(At::CGROUP_INET4_CONNECT);
    /// On connect, IPv6.
    CGROUP_CONNECT6 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/connect6"]).at(At::CGROUP_INET6_CONNECT);
    /// On connect, Unix sockets.
    CGROUP_CONNECT_UNIX =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/connect_unix"]).at(At::CGROUP_UNIX_CONNECT);
    /// On sendmsg of unconnected UDP, IPv4.
    CGROUP_SENDMSG4 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/sendmsg4"]).at(At::CGROUP_UDP4_SENDMSG);
    /// On sendmsg of unconnected UDP, IPv6.
    CGROUP_SENDMSG6 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/sendmsg6"]).at(At::CGROUP_UDP6_SENDMSG);
    /// On sendmsg, Unix datagram sockets.
    CGROUP_SENDMSG_UNIX =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/sendmsg_unix"]).at(At::CGROUP_UNIX_SENDMSG);
    /// On recvmsg of unconnected UDP, IPv4.
    CGROUP_RECVMSG4 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/recvmsg4"]).at(At::CGROUP_UDP4_RECVMSG);
    /// On recvmsg of unconnected UDP, IPv6.
    CGROUP_RECVMSG6 = Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/recvmsg6"]).at(At::CGROUP_UDP6_RECVMSG);
    /// On recvmsg, Unix datagram sockets.
    CGROUP_RECVMSG_UNIX =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/recvmsg_unix"]).at(At::CGROUP_UNIX_RECVMSG);
    /// On getpeername, IPv4.
    CGROUP_GETPEERNAME4 =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getpeername4"]).at(At::CGROUP_INET4_GETPEERNAME);
    /// On getpeername, IPv6.
    CGROUP_GETPEERNAME6 =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getpeername6"]).at(At::CGROUP_INET6_GETPEERNAME);
    /// On getpeername, Unix sockets.
    CGROUP_GETPEERNAME_UNIX =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getpeername_unix"]).at(At::CGROUP_UNIX_GETPEERNAME);
    /// On getsockname, IPv4.
    CGROUP_GETSOCKNAME4 =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getsockname4"]).at(At::CGROUP_INET4_GETSOCKNAME);
    /// On getsockname, IPv6.
    CGROUP_GETSOCKNAME6 =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getsockname6"]).at(At::CGROUP_INET6_GETSOCKNAME);
    /// On getsockname, Unix sockets.
    CGROUP_GETSOCKNAME_UNIX =
        Row::new(Type::CGROUP_SOCK_ADDR, &["cgroup/getsockname_unix"]).at(At::CGROUP_UNIX_GETSOCKNAME);
    /// When a sysctl is read or written.
    CGROUP_SYSCTL = Row::new(Type::CGROUP_SYSCTL, &["cgroup/sysctl"]).at(At::CGROUP_SYSCTL);
    /// On getsockopt.
    CGROUP_GETSOCKOPT = Row::new(Type::CGROUP_SOCKOPT, &["cgroup/getsockopt"]).at(At::CGROUP_GETSOCKOPT);
    /// On setsockopt.
    CGROUP_SETSOCKOPT = Row::new(Type::CGROUP_SOCKOPT, &["cgroup/setsockopt"]).at(At::CGROUP_SETSOCKOPT);
    /// When a device node is opened or made.
    CGROUP_DEVICE = Row::new(Type::CGROUP_DEVICE, &["cgroup/dev"]).told(At::CGROUP_DEVICE);
    /// A function of a kernel table of functions.
    STRUCT_OPS = Row::new(Type::STRUCT_OPS, &["struct_ops"]).target();
    /// As `STRUCT_OPS`; may sleep.
    STRUCT_OPS_SLEEPABLE = Row::new(Type::STRUCT_OPS, &["struct_ops.s"]).target().sleepable(6, 3);
    /// Chooses the socket for a packet.
    SK_LOOKUP = Row::new(Type::SK_LOOKUP, &["sk_lookup"]).at(At::SK_LOOKUP);
    /// A netfilter hook.
    NETFILTER = Row::new(Type::NETFILTER, &["netfilter"]).at(At::NETFILTER);
}
