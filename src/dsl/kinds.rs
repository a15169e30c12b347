//! Kinds of programs as types: what their context is called and what they return. What the kernel knows of a kind is in
//! [`kind`](crate::kind): here are only names.

use super::context::{Context, DynamicContext};
use super::dynamic::Any;
use super::record::Returns;
use super::scalar::Scalar;
use super::verdict::{
    Bind, Dissection, Egress, IterStep, LwtAction, NfAction, Proceed, Session, SkAction, SockOpsReply,
    TcAction, Traced, Verdict, XdpAction,
};
use crate::kind::ProgramKind;
use crate::program::{ProgramFlags, ProgramSpec};

/// A kind of program: how it is loaded, what its closure gets, what it returns.
///
/// The verdicts of another kind are not those of this one:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::{TcAction, Xdp}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     f.return_(TcAction::OK)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     f.return_(XdpAction::PASS)
/// });
/// # assert!(object.finish().is_ok());
/// ```
pub trait Kind {
    /// What the closure gets.
    type Context<'f>: Copy;
    /// What the program returns.
    type Return: ReturnType;

    /// How a program `name` of this kind is loaded.
    fn spec(self, name: &str) -> ProgramSpec;

    /// The context as the closure gets it.
    #[doc(hidden)]
    fn context(context: DynamicContext<'_>) -> Self::Context<'_>;
}

/// What a function may return: a type of values, [`Any`], or nothing.
pub trait ReturnType {
    #[doc(hidden)]
    const RETURNS: Returns;
}

impl<T: Scalar> ReturnType for T {
    const RETURNS: Returns = Returns::Typed(T::TYPE);
}

impl ReturnType for Any {
    const RETURNS: Returns = Returns::Free;
}

impl ReturnType for () {
    const RETURNS: Returns = Returns::Zero;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident -> $ret:ty { $($constant:ident = $kind:ident,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name(Described);

            impl $name {
                $(
                    #[doc = concat!("[`", stringify!($kind), "`](ProgramKind::", stringify!($kind), ")")]
                    pub const $constant: Self = Self(Described::new(ProgramKind::$kind));
                )*

                /// What it attaches to, by the name in the kernel's BTF, where its kind needs that at load time.
                #[must_use]
                pub fn attach_to(mut self, target: impl Into<String>) -> Self {
                    self.0.target = Some(target.into());
                    self
                }

                /// Adds `prog_flags`.
                #[must_use]
                pub const fn flags(mut self, flags: ProgramFlags) -> Self {
                    self.0.flags = self.0.flags.union(flags);
                    self
                }
            }

            impl Kind for $name {
                type Context<'f> = Context<'f, Self>;
                type Return = $ret;

                fn spec(self, name: &str) -> ProgramSpec {
                    self.0.spec(name)
                }

                fn context(context: DynamicContext<'_>) -> Context<'_, Self> {
                    Context::new(context)
                }
            }
        )*

        /// Every kind above, and the name of what its programs return.
        #[cfg(test)]
        fn listed() -> Vec<(ProgramKind, &'static str)> {
            vec![$($((ProgramKind::$kind, stringify!($ret)),)*)*]
        }
    };
}

/// A kind, and what a load says besides.
#[derive(Clone, Debug)]
struct Described {
    kind: ProgramKind,
    target: Option<String>,
    flags: ProgramFlags,
}

impl Described {
    const fn new(kind: ProgramKind) -> Self {
        Self { kind, target: None, flags: ProgramFlags::empty() }
    }

    fn spec(self, name: &str) -> ProgramSpec {
        let spec = ProgramSpec::new(name, self.kind).flags(self.flags);
        match self.target {
            Some(target) => spec.attach_to(target),
            None => spec,
        }
    }
}

/// A kind that is only known at run time: its context and what it returns are too.
impl Kind for ProgramKind {
    type Context<'f> = DynamicContext<'f>;
    type Return = Any;

    fn spec(self, name: &str) -> ProgramSpec {
        ProgramSpec::new(name, self)
    }

    fn context(context: DynamicContext<'_>) -> DynamicContext<'_> {
        context
    }
}

kinds! {
    /// Filters what a socket receives; returns how many bytes of it are kept.
    SocketFilter -> u32 { SOCKET = SOCKET_FILTER, }
    /// Selects a socket of a reuseport group.
    SkReuseport -> SkAction { SELECT = SK_REUSEPORT, MIGRATE = SK_REUSEPORT_MIGRATE, }
    /// At a function of the kernel or of a program; 0 keeps a perf event from being recorded.
    Kprobe -> i32 {
        KPROBE = KPROBE,
        KRETPROBE = KRETPROBE,
        KPROBE_MULTI = KPROBE_MULTI,
        KRETPROBE_MULTI = KRETPROBE_MULTI,
        UPROBE = UPROBE,
        UPROBE_SLEEPABLE = UPROBE_SLEEPABLE,
        URETPROBE = URETPROBE,
        URETPROBE_SLEEPABLE = URETPROBE_SLEEPABLE,
        UPROBE_MULTI = UPROBE_MULTI,
        UPROBE_MULTI_SLEEPABLE = UPROBE_MULTI_SLEEPABLE,
        URETPROBE_MULTI = URETPROBE_MULTI,
        URETPROBE_MULTI_SLEEPABLE = URETPROBE_MULTI_SLEEPABLE,
        KSYSCALL = KSYSCALL,
        KRETSYSCALL = KRETSYSCALL,
        USDT = USDT,
        USDT_SLEEPABLE = USDT_SLEEPABLE,
    }
    /// At the begin of a function and, if the program wants it, at its end.
    ProbeSession -> Session {
        KPROBE = KPROBE_SESSION,
        UPROBE = UPROBE_SESSION,
        UPROBE_SLEEPABLE = UPROBE_SESSION_SLEEPABLE,
    }
    /// On packets at traffic control, tcx and netkit.
    SchedCls -> TcAction {
        CLASSIFIER = SCHED_CLS,
        TCX_INGRESS = TCX_INGRESS,
        TCX_EGRESS = TCX_EGRESS,
        NETKIT_PRIMARY = NETKIT_PRIMARY,
        NETKIT_PEER = NETKIT_PEER,
    }
    /// An action of traffic control.
    SchedAct -> TcAction { ACTION = SCHED_ACT, }
    /// At a tracepoint, with its formatted arguments; 0 keeps a perf event from being recorded.
    Tracepoint -> i32 { TRACEPOINT = TRACEPOINT, }
    /// At a tracepoint, with its raw arguments.
    RawTracepoint -> i32 { RAW = RAW_TRACEPOINT, WRITABLE = RAW_TRACEPOINT_WRITABLE, }
    /// At a tracepoint, with typed arguments.
    TpBtf -> i32 { TP_BTF = TP_BTF, }
    /// At the entry or the exit of a function of the kernel or of a program.
    Fentry -> Traced {
        ENTRY = FENTRY,
        ENTRY_SLEEPABLE = FENTRY_SLEEPABLE,
        EXIT = FEXIT,
        EXIT_SLEEPABLE = FEXIT_SLEEPABLE,
    }
    /// In the place of a function of the kernel that is made for it, whose value it may return.
    FmodRet -> i32 { FMOD_RET = FMOD_RET, SLEEPABLE = FMOD_RET_SLEEPABLE, }
    /// Runs for every object of an iterator.
    Iter -> IterStep { ITER = ITER, SLEEPABLE = ITER_SLEEPABLE, }
    /// Replaces a function of another program; returns what that returns.
    Ext -> i32 { FREPLACE = EXT, }
    /// At a security hook: 0 or a negative error number, or what the hook returns.
    Lsm -> i32 { LSM = LSM, SLEEPABLE = LSM_SLEEPABLE, }
    /// At a security hook, for tasks of a cgroup.
    LsmCgroup -> Verdict { LSM_CGROUP = LSM_CGROUP, }
    /// Run by user space; what it returns user space gets.
    Syscall -> i32 { SYSCALL = SYSCALL, }
    /// On packets in the device driver.
    Xdp -> XdpAction {
        XDP = XDP,
        FRAGS = XDP_FRAGS,
        DEVMAP = XDP_DEVMAP,
        DEVMAP_FRAGS = XDP_DEVMAP_FRAGS,
        CPUMAP = XDP_CPUMAP,
        CPUMAP_FRAGS = XDP_CPUMAP_FRAGS,
    }
    /// When a perf event overflows; 0 keeps it from being recorded.
    PerfEvent -> i32 { PERF_EVENT = PERF_EVENT, }
    /// On packets of a lightweight tunnel's route.
    LwtIn -> LwtAction { IN = LWT_IN, }
    /// On sent packets of a lightweight tunnel's route.
    LwtOut -> LwtAction { OUT = LWT_OUT, }
    /// On packets of a lightweight tunnel's route, and may change them.
    LwtXmit -> LwtAction { XMIT = LWT_XMIT, }
    /// An action of IPv6 segment routing.
    LwtSeg6Local -> LwtAction { SEG6LOCAL = LWT_SEG6LOCAL, }
    /// On the events of a cgroup's TCP sockets.
    SockOps -> SockOpsReply { SOCK_OPS = SOCK_OPS, }
    /// Finds where a message ends in a stream: returns its length, 0 for more data, or a negative error number.
    StreamParser -> i32 { PARSER = SK_SKB_STREAM_PARSER, ANY = SK_SKB, }
    /// Decides what becomes of what a socket received.
    SkSkb -> SkAction { STREAM_VERDICT = SK_SKB_STREAM_VERDICT, VERDICT = SK_SKB_VERDICT, }
    /// Decides what becomes of a message that is sent.
    SkMsg -> SkAction { VERDICT = SK_MSG, }
    /// Decodes an infrared remote control.
    LircMode2 -> i32 { LIRC_MODE2 = LIRC_MODE2, }
    /// Takes packet headers apart for the flow hash.
    FlowDissector -> Dissection { DISSECTOR = FLOW_DISSECTOR, }
    /// Filters packets of a cgroup's sockets.
    CgroupSkb -> Verdict { ANY = CGROUP_SKB, INGRESS = CGROUP_SKB_INGRESS, EGRESS = CGROUP_SKB_EGRESS, }
    /// Filters packets that leave a cgroup's sockets, and may tell TCP of congestion.
    CgroupEgress -> Egress { EGRESS = CGROUP_SKB_EGRESS, }
    /// When a socket of a cgroup is made, bound or released.
    CgroupSock -> Verdict {
        CREATE = CGROUP_SOCK_CREATE,
        RELEASE = CGROUP_SOCK_RELEASE,
        POST_BIND4 = CGROUP_POST_BIND4,
        POST_BIND6 = CGROUP_POST_BIND6,
    }
    /// When a process of a cgroup binds a socket.
    CgroupBind -> Bind { BIND4 = CGROUP_BIND4, BIND6 = CGROUP_BIND6, }
    /// When a process of a cgroup connects a socket or sends to an address.
    CgroupSockAddr -> Verdict {
        CONNECT4 = CGROUP_CONNECT4,
        CONNECT6 = CGROUP_CONNECT6,
        CONNECT_UNIX = CGROUP_CONNECT_UNIX,
        SENDMSG4 = CGROUP_SENDMSG4,
        SENDMSG6 = CGROUP_SENDMSG6,
        SENDMSG_UNIX = CGROUP_SENDMSG_UNIX,
    }
    /// When a process of a cgroup is told an address, which the program may change.
    CgroupSockName -> Proceed {
        RECVMSG4 = CGROUP_RECVMSG4,
        RECVMSG6 = CGROUP_RECVMSG6,
        RECVMSG_UNIX = CGROUP_RECVMSG_UNIX,
        GETPEERNAME4 = CGROUP_GETPEERNAME4,
        GETPEERNAME6 = CGROUP_GETPEERNAME6,
        GETPEERNAME_UNIX = CGROUP_GETPEERNAME_UNIX,
        GETSOCKNAME4 = CGROUP_GETSOCKNAME4,
        GETSOCKNAME6 = CGROUP_GETSOCKNAME6,
        GETSOCKNAME_UNIX = CGROUP_GETSOCKNAME_UNIX,
    }
    /// When a process of a cgroup reads or writes a sysctl.
    CgroupSysctl -> Verdict { SYSCTL = CGROUP_SYSCTL, }
    /// When a process of a cgroup gets or sets a socket option.
    CgroupSockopt -> Verdict { GET = CGROUP_GETSOCKOPT, SET = CGROUP_SETSOCKOPT, }
    /// When a process of a cgroup opens or makes a device node.
    CgroupDevice -> Verdict { DEVICE = CGROUP_DEVICE, }
    /// A function of a kernel table of functions; returns what that returns.
    StructOps -> i32 { STRUCT_OPS = STRUCT_OPS, SLEEPABLE = STRUCT_OPS_SLEEPABLE, }
    /// Chooses the socket for a packet.
    SkLookup -> SkAction { LOOKUP = SK_LOOKUP, }
    /// At a netfilter hook.
    Netfilter -> NfAction { HOOK = NETFILTER, }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_type() {
        let listed: Vec<_> = listed().into_iter().map(|(kind, _)| kind).collect();
        for kind in ProgramKind::ALL {
            assert!(listed.contains(kind), "{kind}");
        }
    }

    /// A kind whose return the kernel checks returns verdicts, and each of these is one it takes.
    macro_rules! verdicts_are_allowed {
        ($($name:ident: $($constant:ident)*;)*) => {$($(
            let kind = $name::$constant.0.kind;
            let range = kind.return_range();
            for verdict in <$name as Kind>::Return::ALL {
                let allowed = range.as_ref().is_none_or(|range| range.contains(&verdict.number()));
                assert!(allowed, "{kind}: {verdict:?}");
            }
        )*)*};
    }

    #[test]
    fn verdicts_are_in_the_range_of_their_kinds() {
        verdicts_are_allowed! {
            SkReuseport: SELECT MIGRATE;
            ProbeSession: KPROBE UPROBE UPROBE_SLEEPABLE;
            SchedCls: CLASSIFIER TCX_INGRESS TCX_EGRESS NETKIT_PRIMARY NETKIT_PEER;
            SchedAct: ACTION;
            Fentry: ENTRY ENTRY_SLEEPABLE EXIT EXIT_SLEEPABLE;
            Iter: ITER SLEEPABLE;
            LsmCgroup: LSM_CGROUP;
            Xdp: XDP FRAGS DEVMAP DEVMAP_FRAGS CPUMAP CPUMAP_FRAGS;
            LwtIn: IN;
            LwtOut: OUT;
            LwtXmit: XMIT;
            LwtSeg6Local: SEG6LOCAL;
            SockOps: SOCK_OPS;
            SkSkb: STREAM_VERDICT VERDICT;
            SkMsg: VERDICT;
            FlowDissector: DISSECTOR;
            CgroupSkb: ANY INGRESS EGRESS;
            CgroupEgress: EGRESS;
            CgroupSock: CREATE RELEASE POST_BIND4 POST_BIND6;
            CgroupBind: BIND4 BIND6;
            CgroupSockAddr: CONNECT4 CONNECT6 CONNECT_UNIX SENDMSG4 SENDMSG6 SENDMSG_UNIX;
            CgroupSockName: RECVMSG4 RECVMSG6 RECVMSG_UNIX GETPEERNAME4 GETPEERNAME6 GETPEERNAME_UNIX GETSOCKNAME4
                GETSOCKNAME6 GETSOCKNAME_UNIX;
            CgroupSysctl: SYSCTL;
            CgroupSockopt: GET SET;
            CgroupDevice: DEVICE;
            SkLookup: LOOKUP;
            Netfilter: HOOK;
        }
    }

    #[test]
    fn where_the_kernel_checks_nobody_returns_just_any_number() {
        for (kind, returned) in listed() {
            let any = matches!(returned, "i32" | "u32");
            assert!(!any || kind.return_range().is_none(), "{kind} returns {returned}");
        }
    }
}
