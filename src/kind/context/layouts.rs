//! The C types of contexts: offsets and sizes of uapi linux/bpf.h, the widths of the `*_is_valid_access` functions.

use super::Known;
use super::field::{ContextField as Field, ContextPointer as Pointer, Widths, array, bytes, u32, u64};
use super::rules::Layout;

const fn layout(name: &'static str, fields: &'static [Field]) -> Layout {
    Layout { name, known: Known::Fully, fields, unaligned_since: None }
}

/// `bpf_skb_is_valid_access`; `tstamp_type` `tc_cls_act_is_valid_access`; `flow_keys` `flow_dissector_is_valid_access`.
pub(super) static SK_BUFF: Layout = layout(
    "__sk_buff",
    &[
        u32("len", 0).since(4, 1),
        u32("pkt_type", 4).since(4, 1),
        u32("mark", 8).since(4, 1),
        u32("queue_mapping", 12).since(4, 1),
        u32("protocol", 16).since(4, 1),
        u32("vlan_present", 20).since(4, 1),
        u32("vlan_tci", 24).since(4, 1),
        u32("vlan_proto", 28).since(4, 1),
        u32("priority", 32).since(4, 1),
        u32("ingress_ifindex", 36).since(4, 2),
        u32("ifindex", 40).since(4, 2),
        u32("tc_index", 44).since(4, 2),
        bytes("cb", 48, 20).since(4, 2),
        u32("hash", 68).since(4, 3),
        u32("tc_classid", 72).since(4, 4),
        u32("data", 76).whole().to(Pointer::Packet).since(4, 7),
        u32("data_end", 80).whole().to(Pointer::PacketEnd).since(4, 7),
        u32("napi_id", 84).since(4, 12),
        u32("family", 88).since(4, 14),
        u32("remote_ip4", 92).whole().since(4, 14),
        u32("local_ip4", 96).whole().since(4, 14),
        array("remote_ip6", 100, 4).whole().since(4, 14),
        array("local_ip6", 116, 4).whole().since(4, 14),
        u32("remote_port", 132).since(4, 14),
        u32("local_port", 136).since(4, 14),
        u32("data_meta", 140).whole().to(Pointer::PacketMeta).since(4, 15),
        u64("flow_keys", 144).to(Pointer::FlowKeys).since(4, 20),
        u64("tstamp", 152).since(5, 0),
        u32("wire_len", 160).since(5, 0),
        u32("gso_segs", 164).since(5, 1),
        u64("sk", 168).to(Pointer::SockCommonOrNull).since(5, 1),
        u32("gso_size", 176).since(5, 7),
        u32("tstamp_type", 180).byte().since(5, 18),
        u64("hwtstamp", 184).since(5, 16),
    ],
);

/// `xdp_is_valid_access`.
pub(super) static XDP_MD: Layout = layout(
    "xdp_md",
    &[
        u32("data", 0).whole().to(Pointer::Packet).since(4, 8),
        u32("data_end", 4).whole().to(Pointer::PacketEnd).since(4, 8),
        u32("data_meta", 8).whole().to(Pointer::PacketMeta).since(4, 15),
        u32("ingress_ifindex", 12).whole().since(4, 16),
        u32("rx_queue_index", 16).whole().since(4, 16),
        u32("egress_ifindex", 20).whole().since(5, 8),
    ],
);

/// `bpf_sock_is_valid_access`.
pub(super) static SOCK: Layout = layout(
    "bpf_sock",
    &[
        u32("bound_dev_if", 0).whole().since(4, 10),
        u32("family", 4).at_start().since(4, 10),
        u32("type", 8).at_start().since(4, 10),
        u32("protocol", 12).at_start().since(4, 10),
        u32("mark", 16).whole().since(4, 14),
        u32("priority", 20).whole().since(4, 14),
        u32("src_ip4", 24).since(4, 17),
        array("src_ip6", 28, 4).since(4, 17),
        u32("src_port", 44).at_start().since(4, 17),
        u32("dst_port", 48).half().since(5, 1),
        // As 4 bytes, the upper two are zero: what programs did when the field was declared so.
        u32("dst_port", 48).whole().since(5, 1),
        u32("dst_ip4", 52).since(5, 1),
        array("dst_ip6", 56, 4).since(5, 1),
        u32("state", 72).at_start().since(5, 1),
        u32("rx_queue_mapping", 76).at_start().since(5, 8),
    ],
);

/// `sock_addr_is_valid_access`.
pub(super) static SOCK_ADDR: Layout = layout(
    "bpf_sock_addr",
    &[
        u32("user_family", 0).whole().since(4, 17),
        u32("user_ip4", 4).since(4, 17),
        array("user_ip6", 8, 4).wide().since(4, 17),
        u32("user_port", 24).since(4, 17),
        u32("family", 28).whole().since(4, 17),
        u32("type", 32).whole().since(4, 17),
        u32("protocol", 36).whole().since(4, 17),
        u32("msg_src_ip4", 40).since(4, 18),
        array("msg_src_ip6", 44, 4).wide().since(4, 18),
        u64("sk", 64).to(Pointer::Socket).since(5, 3),
    ],
);

/// `sock_ops_is_valid_access`.
pub(super) static SOCK_OPS: Layout = layout(
    "bpf_sock_ops",
    &[
        u32("op", 0).whole().since(4, 13),
        u32("reply", 4).whole().since(4, 13),
        array("args", 4, 4).whole().since(4, 13),
        u32("family", 20).whole().since(4, 13),
        u32("remote_ip4", 24).whole().since(4, 13),
        u32("local_ip4", 28).whole().since(4, 13),
        array("remote_ip6", 32, 4).whole().since(4, 13),
        array("local_ip6", 48, 4).whole().since(4, 13),
        u32("remote_port", 64).whole().since(4, 13),
        u32("local_port", 68).whole().since(4, 13),
        u32("is_fullsock", 72).whole().since(4, 16),
        u32("snd_cwnd", 76).whole().since(4, 16),
        u32("srtt_us", 80).whole().since(4, 16),
        u32("bpf_sock_ops_cb_flags", 84).whole().since(4, 16),
        u32("state", 88).whole().since(4, 16),
        u32("rtt_min", 92).whole().since(4, 16),
        u32("snd_ssthresh", 96).whole().since(4, 16),
        u32("rcv_nxt", 100).whole().since(4, 16),
        u32("snd_nxt", 104).whole().since(4, 16),
        u32("snd_una", 108).whole().since(4, 16),
        u32("mss_cache", 112).whole().since(4, 16),
        u32("ecn_flags", 116).whole().since(4, 16),
        u32("rate_delivered", 120).whole().since(4, 16),
        u32("rate_interval_us", 124).whole().since(4, 16),
        u32("packets_out", 128).whole().since(4, 16),
        u32("retrans_out", 132).whole().since(4, 16),
        u32("total_retrans", 136).whole().since(4, 16),
        u32("segs_in", 140).whole().since(4, 16),
        u32("data_segs_in", 144).whole().since(4, 16),
        u32("segs_out", 148).whole().since(4, 16),
        u32("data_segs_out", 152).whole().since(4, 16),
        u32("lost_out", 156).whole().since(4, 16),
        u32("sacked_out", 160).whole().since(4, 16),
        u32("sk_txhash", 164).whole().since(4, 16),
        u64("bytes_received", 168).since(4, 16),
        u64("bytes_acked", 176).since(4, 16),
        u64("sk", 184).to(Pointer::SocketOrNull).since(5, 3),
        u64("skb_data", 192).to(Pointer::Packet).since(5, 10),
        u64("skb_data_end", 200).to(Pointer::PacketEnd).since(5, 10),
        u32("skb_len", 208).whole().since(5, 10),
        u32("skb_tcp_flags", 212).at_start().since(5, 10),
        u64("skb_hwtstamp", 216).since(6, 2),
    ],
);

/// `sk_msg_is_valid_access`.
pub(super) static SK_MSG_MD: Layout = layout(
    "sk_msg_md",
    &[
        u64("data", 0).to(Pointer::Packet).since(4, 17),
        u64("data_end", 8).to(Pointer::PacketEnd).since(4, 17),
        u32("family", 16).whole().since(4, 18),
        u32("remote_ip4", 20).whole().since(4, 18),
        u32("local_ip4", 24).whole().since(4, 18),
        array("remote_ip6", 28, 4).whole().since(4, 18),
        array("local_ip6", 44, 4).whole().since(4, 18),
        u32("remote_port", 60).whole().since(4, 18),
        u32("local_port", 64).whole().since(4, 18),
        u32("size", 68).whole().since(5, 0),
        u64("sk", 72).to(Pointer::Socket).since(5, 8),
    ],
);

/// `sk_reuseport_is_valid_access`.
pub(super) static SK_REUSEPORT_MD: Layout = layout(
    "sk_reuseport_md",
    &[
        u64("data", 0).to(Pointer::Packet).since(4, 19),
        u64("data_end", 8).to(Pointer::PacketEnd).since(4, 19),
        u32("len", 16).since(4, 19),
        u32("eth_protocol", 20).reads(Widths::B2.union(Widths::B4)).since(4, 19),
        u32("ip_protocol", 24).since(4, 19),
        u32("bind_inany", 28).since(4, 19),
        u32("hash", 32).whole().since(4, 19),
        u64("sk", 40).to(Pointer::Socket).since(5, 14),
        u64("migrating_sk", 48).to(Pointer::SockCommonOrNull).since(5, 14),
    ],
);

/// `sk_lookup_is_valid_access`.
pub(super) static SK_LOOKUP: Layout = layout(
    "bpf_sk_lookup",
    &[
        u64("sk", 0).to(Pointer::SocketOrNull).since(5, 9),
        u32("family", 8).since(5, 9),
        u32("protocol", 12).since(5, 9),
        u32("remote_ip4", 16).since(5, 9),
        array("remote_ip6", 20, 4).since(5, 9),
        // Two bytes, and two of zeros that can be read too: what programs did when the field was declared so.
        u32("remote_port", 36).since(5, 9),
        u32("local_ip4", 40).since(5, 9),
        array("local_ip6", 44, 4).since(5, 9),
        u32("local_port", 60).since(5, 9),
        u32("ingress_ifindex", 64).since(5, 17),
    ],
);

/// `sysctl_is_valid_access`.
pub(super) static SYSCTL: Layout =
    layout("bpf_sysctl", &[u32("write", 0).since(5, 2), u32("file_pos", 4).since(5, 2)]);

/// `cg_sockopt_is_valid_access`.
pub(super) static SOCKOPT: Layout = layout(
    "bpf_sockopt",
    &[
        u64("sk", 0).to(Pointer::Socket).since(5, 3),
        u64("optval", 8).to(Pointer::Packet).since(5, 3),
        u64("optval_end", 16).to(Pointer::PacketEnd).since(5, 3),
        u32("level", 24).whole().since(5, 3),
        u32("optname", 28).whole().since(5, 3),
        u32("optlen", 32).whole().since(5, 3),
        u32("retval", 36).whole().since(5, 3),
    ],
);

/// `cgroup_dev_is_valid_access`.
pub(super) static CGROUP_DEV: Layout = layout(
    "bpf_cgroup_dev_ctx",
    &[
        u32("access_type", 0).since(4, 15),
        u32("major", 4).whole().since(4, 15),
        u32("minor", 8).whole().since(4, 15),
    ],
);

/// `nf_is_valid_access`, net/netfilter/nf_bpf_link.c.
pub(super) static NETFILTER: Layout = layout(
    "bpf_nf_ctx",
    &[
        u64("state", 0).to(Pointer::Kernel("nf_hook_state")).since(6, 4),
        u64("skb", 8).to(Pointer::Kernel("sk_buff")).since(6, 4),
    ],
);

/// `kprobe_prog_is_valid_access`: `struct pt_regs` in any width.
pub(super) static PT_REGS: Layout =
    layout("pt_regs", &[bytes("regs", 0, 168).since(4, 1)]).known(Known::OnX86ToRead);

/// `pe_prog_is_valid_access`: registers whole, the rest in parts too.
pub(super) static PERF_EVENT: Layout = layout(
    "bpf_perf_event_data",
    &[
        bytes("regs", 0, 168).reads(Widths::B8).since(4, 9),
        bytes("sample_period", 168, 8).since(4, 9),
        bytes("addr", 176, 8).since(4, 17),
    ],
)
.known(Known::OnX86);

/// `tp_prog_is_valid_access`: the record after the pointer to the registers, up to `PERF_MAX_TRACE_SIZE` (2048 before it was raised).
pub(super) static TRACEPOINT: Layout = layout("trace_event_raw", &[bytes("record", 8, 8184).since(4, 7)]);

/// `bpf_tracing_ctx_access`: `MAX_BPF_FUNC_ARGS` arguments.
pub(super) static RAW_TRACEPOINT: Layout =
    layout("bpf_raw_tracepoint_args", &[bytes("args", 0, 96).since(4, 17)]);

/// `raw_tp_writable_prog_is_valid_access`: at 0 only the whole of the first argument.
pub(super) static RAW_TRACEPOINT_WRITABLE: Layout = layout(
    "bpf_raw_tracepoint_args",
    &[u64("buffer", 0).to(Pointer::TracepointBuffer).since(5, 2), bytes("rest", 1, 95).since(5, 2)],
);

/// `syscall_prog_is_valid_access`: what the caller hands over, any layout; at most `U16_MAX` bytes, of which instructions
/// reach the first half.
pub(super) static SYSCALL: Layout =
    layout("void", &[bytes("args", 0, 65_535).since(5, 14)]).unaligned_since(7, 1);

/// `lirc_mode2_is_valid_access`.
pub(super) static LIRC_MODE2: Layout = layout("__u32", &[u32("sample", 0).whole().since(4, 18)]);

/// `btf_ctx_access`: the arguments of the function, each in 8 bytes.
pub(super) static ARGUMENTS: Layout = layout("void", &[]).known(Known::ByBtf);

/// The same, of security hooks.
pub(super) static HOOK_ARGUMENTS: Layout = layout("void", &[]).known(Known::ByBtfToWrite);

/// `bpf_extension_verifier_ops`: the context of the program to be replaced.
pub(super) static EXT: Layout = layout("void", &[]).known(Known::ByTarget);
