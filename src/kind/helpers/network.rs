//! What programs of sockets, packets and cgroups may call (net/core/filter.c, kernel/bpf/cgroup.c).

use super::offer::{Offer, offer};
use crate::base::Helper as H;

type Layer = &'static [Offer];

/// `bpf_sk_base_func_proto`.
pub(super) const SK_BASE: Layer = &[
    offer(&[
        H::SKC_TO_TCP6_SOCK,
        H::SKC_TO_TCP_SOCK,
        H::SKC_TO_TCP_TIMEWAIT_SOCK,
        H::SKC_TO_TCP_REQUEST_SOCK,
        H::SKC_TO_UDP6_SOCK,
        H::SKC_TO_UNIX_SOCK,
        H::SKC_TO_MPTCP_SOCK,
    ])
    .perfmon(),
    offer(&[H::KTIME_GET_COARSE_NS]),
];

/// `sk_filter_func_proto`.
pub(super) const SK_FILTER: Layer = &[
    offer(&[
        H::SKB_LOAD_BYTES,
        H::SKB_LOAD_BYTES_RELATIVE,
        H::GET_SOCKET_COOKIE,
        H::GET_SOCKET_UID,
        H::PERF_EVENT_OUTPUT,
    ]),
    offer(&[H::GET_NETNS_COOKIE]).since(6, 15),
];

/// `cg_skb_func_proto`.
pub(super) const CG_SKB: Layer = &[
    offer(&[
        H::GET_LOCAL_STORAGE,
        H::SK_FULLSOCK,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
        H::PERF_EVENT_OUTPUT,
    ]),
    offer(&[H::SKB_CGROUP_ID, H::SKB_ANCESTOR_CGROUP_ID, H::SK_CGROUP_ID, H::SK_ANCESTOR_CGROUP_ID])
        .config("CONFIG_SOCK_CGROUP_DATA"),
    offer(&[
        H::SK_LOOKUP_TCP,
        H::SK_LOOKUP_UDP,
        H::SK_RELEASE,
        H::SKC_LOOKUP_TCP,
        H::TCP_SOCK,
        H::GET_LISTENER_SOCK,
        H::SKB_ECN_SET_CE,
    ])
    .config("CONFIG_INET"),
];

/// `tc_cls_act_func_proto`.
pub(super) const TC_CLS_ACT: Layer = &[
    offer(&[
        H::SKB_STORE_BYTES,
        H::SKB_LOAD_BYTES,
        H::SKB_LOAD_BYTES_RELATIVE,
        H::SKB_PULL_DATA,
        H::CSUM_DIFF,
        H::CSUM_UPDATE,
        H::CSUM_LEVEL,
        H::L3_CSUM_REPLACE,
        H::L4_CSUM_REPLACE,
        H::CLONE_REDIRECT,
        H::GET_CGROUP_CLASSID,
        H::SKB_VLAN_PUSH,
        H::SKB_VLAN_POP,
        H::SKB_CHANGE_PROTO,
        H::SKB_CHANGE_TYPE,
        H::SKB_ADJUST_ROOM,
        H::SKB_CHANGE_TAIL,
        H::SKB_GET_TUNNEL_KEY,
        H::SKB_SET_TUNNEL_KEY,
        H::SKB_GET_TUNNEL_OPT,
        H::SKB_SET_TUNNEL_OPT,
        H::REDIRECT,
        H::REDIRECT_NEIGH,
        H::REDIRECT_PEER,
        H::GET_ROUTE_REALM,
        H::GET_HASH_RECALC,
        H::SET_HASH_INVALID,
        H::SET_HASH,
        H::PERF_EVENT_OUTPUT,
        H::SKB_UNDER_CGROUP,
        H::GET_SOCKET_COOKIE,
        H::GET_SOCKET_UID,
        H::FIB_LOOKUP,
        H::CHECK_MTU,
        H::SK_FULLSOCK,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
    ]),
    offer(&[H::SKB_CHANGE_HEAD]).since(5, 8),
    offer(&[H::GET_NETNS_COOKIE]).since(6, 13),
    offer(&[H::SKB_GET_XFRM_STATE]).config("CONFIG_XFRM"),
    offer(&[H::SKB_CGROUP_CLASSID]).config("CONFIG_CGROUP_NET_CLASSID"),
    offer(&[H::SKB_CGROUP_ID, H::SKB_ANCESTOR_CGROUP_ID]).config("CONFIG_SOCK_CGROUP_DATA"),
    offer(&[
        H::SK_LOOKUP_TCP,
        H::SK_LOOKUP_UDP,
        H::SK_RELEASE,
        H::TCP_SOCK,
        H::GET_LISTENER_SOCK,
        H::SKC_LOOKUP_TCP,
        H::TCP_CHECK_SYNCOOKIE,
        H::SKB_ECN_SET_CE,
        H::TCP_GEN_SYNCOOKIE,
        H::SK_ASSIGN,
        H::SKB_SET_TSTAMP,
    ])
    .config("CONFIG_INET"),
    RAW_SYNCOOKIES,
];

const RAW_SYNCOOKIES: Offer = offer(&[
    H::TCP_RAW_GEN_SYNCOOKIE_IPV4,
    H::TCP_RAW_GEN_SYNCOOKIE_IPV6,
    H::TCP_RAW_CHECK_SYNCOOKIE_IPV4,
    H::TCP_RAW_CHECK_SYNCOOKIE_IPV6,
])
.config("CONFIG_SYN_COOKIES");

/// `xdp_func_proto`.
pub(super) const XDP: Layer = &[
    offer(&[
        H::PERF_EVENT_OUTPUT,
        H::CSUM_DIFF,
        H::XDP_ADJUST_HEAD,
        H::XDP_ADJUST_META,
        H::REDIRECT,
        H::REDIRECT_MAP,
        H::XDP_ADJUST_TAIL,
        H::XDP_GET_BUFF_LEN,
        H::XDP_LOAD_BYTES,
        H::XDP_STORE_BYTES,
        H::FIB_LOOKUP,
        H::CHECK_MTU,
    ]),
    offer(&[
        H::SK_LOOKUP_UDP,
        H::SK_LOOKUP_TCP,
        H::SK_RELEASE,
        H::SKC_LOOKUP_TCP,
        H::TCP_CHECK_SYNCOOKIE,
        H::TCP_GEN_SYNCOOKIE,
    ])
    .config("CONFIG_INET"),
    RAW_SYNCOOKIES,
];

/// `lwt_out_func_proto`.
pub(super) const LWT_OUT: Layer = &[offer(&[
    H::SKB_LOAD_BYTES,
    H::SKB_PULL_DATA,
    H::CSUM_DIFF,
    H::GET_CGROUP_CLASSID,
    H::GET_ROUTE_REALM,
    H::GET_HASH_RECALC,
    H::PERF_EVENT_OUTPUT,
    H::SKB_UNDER_CGROUP,
])];

/// `lwt_in_func_proto`.
pub(super) const LWT_IN: Layer = &[offer(&[H::LWT_PUSH_ENCAP])];

/// `lwt_xmit_func_proto`.
pub(super) const LWT_XMIT: Layer = &[offer(&[
    H::SKB_GET_TUNNEL_KEY,
    H::SKB_SET_TUNNEL_KEY,
    H::SKB_GET_TUNNEL_OPT,
    H::SKB_SET_TUNNEL_OPT,
    H::REDIRECT,
    H::CLONE_REDIRECT,
    H::SKB_CHANGE_TAIL,
    H::SKB_CHANGE_HEAD,
    H::SKB_STORE_BYTES,
    H::CSUM_UPDATE,
    H::CSUM_LEVEL,
    H::L3_CSUM_REPLACE,
    H::L4_CSUM_REPLACE,
    H::SET_HASH_INVALID,
    H::LWT_PUSH_ENCAP,
])];

/// `lwt_seg6local_func_proto`.
///
/// Late stable releases of 6.12 take `skb_pull_data` away from these programs, and so does 7.2; 6.18.44 has it still.
pub(super) const LWT_SEG6LOCAL: Layer = &[
    offer(&[H::LWT_SEG6_STORE_BYTES, H::LWT_SEG6_ACTION, H::LWT_SEG6_ADJUST_SRH])
        .config("CONFIG_IPV6_SEG6_BPF"),
    offer(&[H::SKB_PULL_DATA]).only_for("releases that do not keep it from them"),
];

/// `sock_ops_func_proto`.
pub(super) const SOCK_OPS: Layer = &[
    offer(&[
        H::GET_LOCAL_STORAGE,
        H::SETSOCKOPT,
        H::GETSOCKOPT,
        H::SOCK_OPS_CB_FLAGS_SET,
        H::SOCK_MAP_UPDATE,
        H::SOCK_HASH_UPDATE,
        H::GET_SOCKET_COOKIE,
        H::PERF_EVENT_OUTPUT,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
        H::GET_NETNS_COOKIE,
    ]),
    offer(&[H::LOAD_HDR_OPT, H::STORE_HDR_OPT, H::RESERVE_HDR_OPT, H::TCP_SOCK]).config("CONFIG_INET"),
];

/// `sk_skb_func_proto`.
pub(super) const SK_SKB: Layer = &[
    offer(&[
        H::SKB_STORE_BYTES,
        H::SKB_LOAD_BYTES,
        H::SKB_PULL_DATA,
        H::SKB_CHANGE_TAIL,
        H::SKB_CHANGE_HEAD,
        H::SKB_ADJUST_ROOM,
        H::GET_SOCKET_COOKIE,
        H::GET_SOCKET_UID,
        H::SK_REDIRECT_MAP,
        H::SK_REDIRECT_HASH,
        H::PERF_EVENT_OUTPUT,
    ]),
    offer(&[H::SK_LOOKUP_TCP, H::SK_LOOKUP_UDP, H::SK_RELEASE, H::SKC_LOOKUP_TCP]).config("CONFIG_INET"),
];

/// `sk_msg_func_proto`.
pub(super) const SK_MSG: Layer = &[
    offer(&[
        H::MSG_REDIRECT_MAP,
        H::MSG_REDIRECT_HASH,
        H::MSG_APPLY_BYTES,
        H::MSG_CORK_BYTES,
        H::MSG_PULL_DATA,
        H::MSG_PUSH_DATA,
        H::MSG_POP_DATA,
        H::PERF_EVENT_OUTPUT,
        H::GET_CURRENT_UID_GID,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
        H::GET_NETNS_COOKIE,
    ]),
    offer(&[H::GET_CGROUP_CLASSID]).config("CONFIG_CGROUP_NET_CLASSID"),
];

/// `sk_reuseport_func_proto`.
pub(super) const SK_REUSEPORT: Layer = &[offer(&[
    H::SK_SELECT_REUSEPORT,
    H::SKB_LOAD_BYTES,
    H::SKB_LOAD_BYTES_RELATIVE,
    H::GET_SOCKET_COOKIE,
    H::KTIME_GET_COARSE_NS,
])];

/// `sk_lookup_func_proto`.
pub(super) const SK_LOOKUP: Layer = &[offer(&[H::PERF_EVENT_OUTPUT, H::SK_ASSIGN, H::SK_RELEASE])];

/// `flow_dissector_func_proto`.
pub(super) const FLOW_DISSECTOR: Layer = &[offer(&[H::SKB_LOAD_BYTES])];

/// `cgroup_common_func_proto`, where the program's return value becomes an error number.
pub(super) const RETVAL: Layer = &[offer(&[H::GET_LOCAL_STORAGE, H::GET_RETVAL, H::SET_RETVAL])];

/// `cgroup_common_func_proto`, elsewhere.
pub(super) const LOCAL_STORAGE: Layer = &[offer(&[H::GET_LOCAL_STORAGE])];

/// `cgroup_current_func_proto`; since 6.16 `bpf_base_func_proto`, on the terms given here.
pub(super) const CURRENT: Layer = &[
    offer(&[H::GET_CURRENT_UID_GID]),
    offer(&[H::GET_CURRENT_COMM]).perfmon(),
    offer(&[H::CURRENT_TASK_UNDER_CGROUP]).bpf().config("CONFIG_CGROUPS"),
    offer(&[H::GET_CGROUP_CLASSID]).bpf().config("CONFIG_CGROUP_NET_CLASSID"),
];

/// `sock_filter_func_proto`.
pub(super) const CGROUP_SOCK: Layer = &[offer(&[
    H::GET_SOCKET_COOKIE,
    H::GET_NETNS_COOKIE,
    H::PERF_EVENT_OUTPUT,
    H::SK_STORAGE_GET,
    H::KTIME_GET_COARSE_NS,
])];

/// What `sock_filter_func_proto` offers where a socket is made.
pub(super) const SOCK_CREATE: Layer = &[offer(&[H::SETSOCKOPT, H::GETSOCKOPT]).since(7, 0)];

/// `sock_addr_func_proto`; what depends on the place is in [`BIND`], [`SOCKOPT`] and [`SOCKOPT_UNIX_NAME`].
pub(super) const CGROUP_SOCK_ADDR: Layer = &[
    offer(&[
        H::GET_SOCKET_COOKIE,
        H::GET_NETNS_COOKIE,
        H::PERF_EVENT_OUTPUT,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
    ]),
    offer(&[H::SK_LOOKUP_TCP, H::SK_LOOKUP_UDP, H::SK_RELEASE, H::SKC_LOOKUP_TCP]).config("CONFIG_INET"),
];

/// `sock_addr_func_proto` on connect over IPv4 or IPv6.
pub(super) const BIND: Layer = &[offer(&[H::BIND])];

/// `sock_addr_func_proto`, but for the names of Unix sockets.
pub(super) const SOCKOPT: Layer = &[offer(&[H::SETSOCKOPT, H::GETSOCKOPT]).since(5, 8)];

/// `sock_addr_func_proto` for the names of Unix sockets: not in 6.12, but in 6.12.107 and to 7.1; in 7.2 no more.
pub(super) const SOCKOPT_UNIX_NAME: Layer =
    &[offer(&[H::SETSOCKOPT, H::GETSOCKOPT]).since(6, 12).only_for("releases from 6.12 to before 7.2")];

/// `cg_sockopt_func_proto`, but for [`SETSOCKOPT`].
pub(super) const CGROUP_SOCKOPT: Layer = &[
    offer(&[H::PERF_EVENT_OUTPUT]),
    offer(&[H::GET_NETNS_COOKIE, H::SK_STORAGE_GET, H::SK_STORAGE_DELETE]).config("CONFIG_NET"),
    offer(&[H::TCP_SOCK]).config("CONFIG_INET"),
];

/// `cg_sockopt_func_proto` on setsockopt.
pub(super) const SETSOCKOPT: Layer =
    &[offer(&[H::SETSOCKOPT, H::GETSOCKOPT]).config("CONFIG_NET").since(5, 15)];

/// `sysctl_func_proto`.
pub(super) const CGROUP_SYSCTL: Layer = &[offer(&[
    H::SYSCTL_GET_NAME,
    H::SYSCTL_GET_CURRENT_VALUE,
    H::SYSCTL_GET_NEW_VALUE,
    H::SYSCTL_SET_NEW_VALUE,
    H::KTIME_GET_COARSE_NS,
    H::PERF_EVENT_OUTPUT,
])];

/// `cgroup_dev_func_proto`.
pub(super) const CGROUP_DEVICE: Layer = &[offer(&[H::PERF_EVENT_OUTPUT])];
