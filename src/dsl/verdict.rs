//! What programs return: one type for each meaning, with the numbers the kernel gives names to.

use super::scalar::Scalar;
use super::types::ScalarType;

macro_rules! verdicts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $verdict:ident = $number:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(i32);

        impl $name {
            $($(#[$about])* pub const $verdict: Self = Self($number);)*

            /// All that have a name.
            pub const ALL: &'static [Self] = &[$(Self::$verdict),*];

            /// The number the program returns.
            #[must_use]
            pub const fn number(self) -> i32 {
                self.0
            }
        }

        impl Scalar for $name {
            const TYPE: ScalarType = ScalarType::I32;

            fn bits(self) -> i64 {
                i64::from(self.0)
            }
        }
    )*};
}

verdicts! {
    /// What becomes of a packet at XDP (`enum xdp_action`).
    #[doc(alias = "xdp_action")]
    XdpAction {
        /// Drops the packet and raises the tracepoint `xdp_exception`: a mistake of the program.
        #[doc(alias = "XDP_ABORTED")]
        ABORTED = 0,
        /// Drops the packet.
        #[doc(alias = "XDP_DROP")]
        DROP = 1,
        /// Hands the packet to the network stack.
        #[doc(alias = "XDP_PASS")]
        PASS = 2,
        /// Sends the packet out where it came in.
        #[doc(alias = "XDP_TX")]
        TX = 3,
        /// Sends the packet where a redirecting helper said.
        #[doc(alias = "XDP_REDIRECT")]
        REDIRECT = 4,
    }

    /// What becomes of a packet at traffic control, tcx (`enum tcx_action_base`) and netkit.
    TcAction {
        /// As the classifier is configured (traffic control); the next program decides (tcx, netkit).
        #[doc(alias = "TC_ACT_UNSPEC")]
        #[doc(alias = "TCX_NEXT")]
        UNSPEC = -1,
        /// Lets the packet pass; no further program is asked.
        #[doc(alias = "TC_ACT_OK")]
        #[doc(alias = "TCX_PASS")]
        OK = 0,
        /// Starts the classification again.
        #[doc(alias = "TC_ACT_RECLASSIFY")]
        RECLASSIFY = 1,
        /// Drops the packet.
        #[doc(alias = "TC_ACT_SHOT")]
        #[doc(alias = "TCX_DROP")]
        SHOT = 2,
        /// Goes on with the next action.
        #[doc(alias = "TC_ACT_PIPE")]
        PIPE = 3,
        /// The packet was taken over.
        #[doc(alias = "TC_ACT_STOLEN")]
        STOLEN = 4,
        /// The packet was queued.
        #[doc(alias = "TC_ACT_QUEUED")]
        QUEUED = 5,
        /// Repeats the action.
        #[doc(alias = "TC_ACT_REPEAT")]
        REPEAT = 6,
        /// Sends the packet where a redirecting helper said.
        #[doc(alias = "TC_ACT_REDIRECT")]
        #[doc(alias = "TCX_REDIRECT")]
        REDIRECT = 7,
        /// Drops the packet, which hardware would have handed up (4.18).
        #[doc(alias = "TC_ACT_TRAP")]
        TRAP = 8,
    }

    /// Whether a cgroup's processes may do what they are about to.
    Verdict {
        /// Refuses it (EPERM); drops the packet.
        DENY = 0,
        /// Allows it.
        ALLOW = 1,
    }

    /// What becomes of a packet that leaves a cgroup (`cgroup_skb/egress`), and whether TCP hears of congestion.
    Egress {
        /// Drops the packet.
        DROP = 0,
        /// Sends the packet.
        PASS = 1,
        /// Drops the packet and tells of congestion.
        DROP_CONGESTED = 2,
        /// Sends the packet and tells of congestion.
        PASS_CONGESTED = 3,
    }

    /// Whether a process of a cgroup may bind to an address.
    Bind {
        /// Refuses it (EPERM).
        DENY = 0,
        /// Allows it.
        ALLOW = 1,
        /// Refuses it; bit 1, the leave to take a privileged port, has no meaning then.
        DENY_PRIVILEGED = 2,
        /// Allows it, for ports below 1024 without CAP_NET_BIND_SERVICE too (5.12).
        ALLOW_PRIVILEGED = 3,
    }

    /// What there is to return where the kernel has asked for nothing but changes: 1.
    Proceed {
        /// Goes on.
        PROCEED = 1,
    }

    /// What becomes of a packet or message of a socket (`enum sk_action`).
    #[doc(alias = "sk_action")]
    SkAction {
        /// Drops it.
        #[doc(alias = "SK_DROP")]
        DROP = 0,
        /// Lets it pass, or takes the socket that was chosen.
        #[doc(alias = "SK_PASS")]
        PASS = 1,
    }

    /// What becomes of a packet of a lightweight tunnel (`enum bpf_ret_code`).
    LwtAction {
        /// Goes on as routed.
        #[doc(alias = "BPF_OK")]
        OK = 0,
        /// Drops the packet.
        #[doc(alias = "BPF_DROP")]
        DROP = 2,
        /// Sends the packet where a redirecting helper said.
        #[doc(alias = "BPF_REDIRECT")]
        REDIRECT = 7,
        /// The route is to be looked up again: the addresses have changed (5.1).
        #[doc(alias = "BPF_LWT_REROUTE")]
        REROUTE = 128,
    }

    /// How the dissection of a packet went (`enum bpf_ret_code`).
    Dissection {
        /// The keys are filled in.
        #[doc(alias = "BPF_OK")]
        OK = 0,
        /// The packet cannot be dissected.
        #[doc(alias = "BPF_DROP")]
        DROP = 2,
        /// The kernel's own dissector is to do it (6.1).
        #[doc(alias = "BPF_FLOW_DISSECTOR_CONTINUE")]
        CONTINUE = 129,
    }

    /// What becomes of a packet at a netfilter hook.
    NfAction {
        /// Drops the packet.
        #[doc(alias = "NF_DROP")]
        DROP = 0,
        /// Lets the packet pass.
        #[doc(alias = "NF_ACCEPT")]
        ACCEPT = 1,
    }

    /// Whether the `reply` that the program wrote counts.
    SockOpsReply {
        /// The reply is -1.
        NONE = 0,
        /// The reply counts.
        SET = 1,
    }

    /// Whether the end of the function is of interest too.
    Session {
        /// The program runs again when the function returns.
        FOLLOW = 0,
        /// It does not.
        IGNORE = 1,
    }

    /// What tracing programs that cannot change anything return.
    Traced {
        /// 0.
        DONE = 0,
    }

    /// Whether the kernel calls a function for the next round or element.
    LoopFlow {
        /// It does.
        CONTINUE = 0,
        /// It does not: this was the last.
        BREAK = 1,
    }

    /// Whether an iterator goes on with the next object.
    IterStep {
        /// It does.
        NEXT = 0,
        /// The program is run on the same object again.
        AGAIN = 1,
    }
}
