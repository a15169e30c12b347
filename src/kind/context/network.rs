//! What programs of sockets, packets and cgroups may do with their contexts (net/core/filter.c, kernel/bpf/cgroup.c).

use super::layouts;
use super::rules::Rules;

const fn skb() -> Rules {
    Rules::read_only(&layouts::SK_BUFF)
}

/// `sk_filter_is_valid_access`.
pub(super) static SK_FILTER: Rules = skb()
    .hiding(&["tc_classid", "data", "data_end", "data_meta", "flow_keys"])
    .hiding(&SOCKET)
    .hiding(&["tstamp", "tstamp_type", "wire_len", "hwtstamp"])
    .writing(&["cb"]);

/// `cg_skb_is_valid_access`; `data`, `data_end`, and to write `tstamp`, take `CAP_BPF`.
pub(super) static CG_SKB: Rules = skb()
    .hiding(&["tc_classid", "data_meta", "flow_keys", "wire_len", "tstamp_type"])
    .writing(&["mark", "priority", "cb", "tstamp"]);

/// `tc_cls_act_is_valid_access`.
pub(super) static TC_CLS_ACT: Rules = skb().hiding(&["flow_keys"]).hiding(&SOCKET).writing(&[
    "mark",
    "tc_index",
    "priority",
    "tc_classid",
    "cb",
    "tstamp",
    "queue_mapping",
]);

/// `lwt_is_valid_access`.
pub(super) static LWT: Rules = skb()
    .hiding(&["tc_classid", "data_meta", "flow_keys", "tstamp", "tstamp_type", "wire_len", "hwtstamp"])
    .hiding(&SOCKET)
    .writing(&["mark", "priority", "cb"]);

/// `sk_skb_is_valid_access`.
pub(super) static SK_SKB: Rules = skb()
    .hiding(&["mark", "tc_classid", "data_meta", "flow_keys"])
    .hiding(&["tstamp", "tstamp_type", "wire_len", "hwtstamp"])
    .writing(&["tc_index", "priority"]);

/// `flow_dissector_is_valid_access`: the packet and the keys, nothing else.
pub(super) static FLOW_DISSECTOR: Rules = skb()
    .hiding(&["len", "pkt_type", "mark", "queue_mapping", "protocol"])
    .hiding(&["vlan_present", "vlan_tci", "vlan_proto", "priority"])
    .hiding(&["ingress_ifindex", "ifindex", "tc_index", "cb", "hash", "tc_classid", "napi_id"])
    .hiding(&SOCKET)
    .hiding(&["data_meta", "tstamp", "wire_len", "gso_segs", "sk", "gso_size", "tstamp_type", "hwtstamp"]);

/// What stands between `family` and `local_port`.
const SOCKET: [&str; 7] =
    ["family", "remote_ip4", "local_ip4", "remote_ip6", "local_ip6", "remote_port", "local_port"];

/// `xdp_is_valid_access`.
pub(super) static XDP: Rules = Rules::read_only(&layouts::XDP_MD).hiding(&["egress_ifindex"]);

/// `xdp_is_valid_access`, in device maps.
pub(super) static XDP_DEVMAP: Rules = Rules::read_only(&layouts::XDP_MD);

/// `sk_msg_is_valid_access`.
pub(super) static SK_MSG: Rules = Rules::read_only(&layouts::SK_MSG_MD);

/// `sk_reuseport_is_valid_access`.
pub(super) static SK_REUSEPORT: Rules = Rules::read_only(&layouts::SK_REUSEPORT_MD);

/// `sk_lookup_is_valid_access`.
pub(super) static SK_LOOKUP: Rules = Rules::read_only(&layouts::SK_LOOKUP);

/// `sock_ops_is_valid_access`.
pub(super) static SOCK_OPS: Rules = Rules::read_only(&layouts::SOCK_OPS).writing(&["reply", "sk_txhash"]);

/// `nf_is_valid_access`.
pub(super) static NETFILTER: Rules = Rules::read_only(&layouts::NETFILTER);

/// `__sock_filter_check_attach_type`, when a socket is made or released.
pub(super) static CGROUP_SOCK: Rules = Rules::read_only(&layouts::SOCK)
    .hiding(&["src_ip4", "src_ip6", "src_port"])
    .writing(&["bound_dev_if", "mark", "priority"]);

/// `__sock_filter_check_attach_type`, after bind over IPv4.
pub(super) static CGROUP_POST_BIND4: Rules =
    Rules::read_only(&layouts::SOCK).hiding(&["bound_dev_if", "mark", "priority", "src_ip6"]);

/// `__sock_filter_check_attach_type`, after bind over IPv6.
pub(super) static CGROUP_POST_BIND6: Rules =
    Rules::read_only(&layouts::SOCK).hiding(&["bound_dev_if", "mark", "priority", "src_ip4"]);

/// `sock_addr_is_valid_access`, IPv4.
pub(super) static SOCK_ADDR4: Rules = Rules::read_only(&layouts::SOCK_ADDR)
    .hiding(&["user_ip6", "msg_src_ip4", "msg_src_ip6"])
    .writing(&["user_ip4", "user_port"]);

/// `sock_addr_is_valid_access`, IPv6.
pub(super) static SOCK_ADDR6: Rules = Rules::read_only(&layouts::SOCK_ADDR)
    .hiding(&["user_ip4", "msg_src_ip4", "msg_src_ip6"])
    .writing(&["user_ip6", "user_port"]);

/// `sock_addr_is_valid_access`, Unix sockets.
pub(super) static SOCK_ADDR_UNIX: Rules = Rules::read_only(&layouts::SOCK_ADDR)
    .hiding(&["user_ip4", "user_ip6", "msg_src_ip4", "msg_src_ip6"])
    .writing(&["user_port"]);

/// `sock_addr_is_valid_access`, on sendmsg over IPv4.
pub(super) static SOCK_ADDR_SENDMSG4: Rules = Rules::read_only(&layouts::SOCK_ADDR)
    .hiding(&["user_ip6", "msg_src_ip6"])
    .writing(&["user_ip4", "user_port", "msg_src_ip4"]);

/// `sock_addr_is_valid_access`, on sendmsg over IPv6.
pub(super) static SOCK_ADDR_SENDMSG6: Rules = Rules::read_only(&layouts::SOCK_ADDR)
    .hiding(&["user_ip4", "msg_src_ip4"])
    .writing(&["user_ip6", "user_port", "msg_src_ip6"]);

/// `cg_sockopt_is_valid_access`, on getsockopt.
pub(super) static CGROUP_GETSOCKOPT: Rules =
    Rules::read_only(&layouts::SOCKOPT).writing(&["optlen", "retval"]);

/// `cg_sockopt_is_valid_access`, on setsockopt.
pub(super) static CGROUP_SETSOCKOPT: Rules =
    Rules::read_only(&layouts::SOCKOPT).hiding(&["retval"]).writing(&["level", "optname", "optlen"]);

/// `sysctl_is_valid_access`.
pub(super) static CGROUP_SYSCTL: Rules = Rules::read_only(&layouts::SYSCTL).writing(&["file_pos"]);

/// `cgroup_dev_is_valid_access`.
pub(super) static CGROUP_DEVICE: Rules = Rules::read_only(&layouts::CGROUP_DEV);
