//! The fields of contexts as methods: here are only their names and types; where they are, and what may be done with them, says
//! the table of [`kind`](crate::kind).

use super::context::Context;
use super::dynamic::Layout;
use super::kinds::{
    CgroupBind, CgroupDevice, CgroupEgress, CgroupSkb, CgroupSock, CgroupSockAddr, CgroupSockName,
    CgroupSockopt, CgroupSysctl, Fentry, FmodRet, Iter, Kprobe, LircMode2, Lsm, LsmCgroup, LwtIn, LwtOut,
    LwtSeg6Local, LwtXmit, PerfEvent, ProbeSession, RawTracepoint, SchedAct, SchedCls, SkLookup, SkMsg,
    SkReuseport, SkSkb, SockOps, SocketFilter, StreamParser, Syscall, TpBtf, Tracepoint, Xdp,
};
use super::place::{Place, Ro, size_of_type};
use super::scalar::Operand;
use super::value::Value;
use crate::btf::BtfType;

macro_rules! fields {
    ($($($kind:ident[$($constant:ident)*]),+ => $body:tt)*) => {
        $($(fields!(@kind $kind $body);)+)*

        /// The kinds of programs that each type of contexts is for, and the fields it has: their name, bits, whether they
        /// are arrays, whether they can be written.
        #[cfg(test)]
        fn listed() -> Vec<(Vec<crate::kind::ProgramKind>, Vec<Listed>)> {
            vec![$($((vec![$(crate::kind::ProgramKind::$constant),*], fields!(@list $body)),)+)*]
        }
    };

    (@kind $kind:ident {
        $(read $rt:ident: $($r:ident $rn:literal),*;)*
        $(write $wt:ident: $($w:ident $wn:literal),*;)*
        $(elements $et:ident: $($e:ident $en:literal),*;)*
        $(set_elements $st:ident: $($s:ident $sn:literal),*;)*
    }) => {
        /// The fields of the context. One that programs of this very kind do not have is an error at
        /// [`finish`](crate::object::ObjectBuilder::finish), with this line.
        impl<'f> Context<'f, $kind> {
            $($(
                #[doc = concat!("The field `", $rn, "`.")]
                #[track_caller]
                pub fn $r(self) -> Value<'f, $rt> {
                    self.read_field($rn)
                }
            )*)*

            $($(
                #[doc = concat!("Sets the field `", $wn, "`.")]
                #[track_caller]
                pub fn $w(self, value: impl Operand<'f, $wt>) {
                    self.write_field($wn, value);
                }
            )*)*

            $($(
                #[doc = concat!("An element of the array `", $en, "`.")]
                #[track_caller]
                pub fn $e(self, index: usize) -> Value<'f, $et> {
                    self.read_element($en, index)
                }
            )*)*

            $($(
                #[doc = concat!("Sets an element of the array `", $sn, "`.")]
                #[track_caller]
                pub fn $s(self, index: usize, value: impl Operand<'f, $st>) {
                    self.write_element($sn, index, value);
                }
            )*)*
        }
    };

    (@list {
        $(read $rt:ident: $($r:ident $rn:literal),*;)*
        $(write $wt:ident: $($w:ident $wn:literal),*;)*
        $(elements $et:ident: $($e:ident $en:literal),*;)*
        $(set_elements $st:ident: $($s:ident $sn:literal),*;)*
    }) => {
        vec![
            $($(($rn, <$rt>::BITS, false, false),)*)*
            $($(($wn, <$wt>::BITS, false, true),)*)*
            $($(($en, <$et>::BITS, true, false),)*)*
            $($(($sn, <$st>::BITS, true, true),)*)*
        ]
    };
}

/// A field: its name, bits, whether it is an array, whether it is written.
#[cfg(test)]
type Listed = (&'static str, u32, bool, bool);

fields! {
    SocketFilter[SOCKET_FILTER] => {
        read u32: len "len", pkt_type "pkt_type", mark "mark", queue_mapping "queue_mapping",
            protocol "protocol", vlan_present "vlan_present", vlan_tci "vlan_tci", vlan_proto "vlan_proto",
            priority "priority", ingress_ifindex "ingress_ifindex", ifindex "ifindex", tc_index "tc_index",
            hash "hash", napi_id "napi_id", gso_segs "gso_segs", gso_size "gso_size";
        elements u32: cb "cb";
        set_elements u32: set_cb "cb";
    }
    CgroupSkb[CGROUP_SKB], CgroupEgress[CGROUP_SKB_EGRESS] => {
        read u32: len "len", pkt_type "pkt_type", mark "mark", queue_mapping "queue_mapping",
            protocol "protocol", vlan_present "vlan_present", vlan_tci "vlan_tci", vlan_proto "vlan_proto",
            priority "priority", ingress_ifindex "ingress_ifindex", ifindex "ifindex", tc_index "tc_index",
            hash "hash", napi_id "napi_id", family "family", remote_ip4 "remote_ip4",
            local_ip4 "local_ip4", remote_port "remote_port", local_port "local_port", gso_segs "gso_segs",
            gso_size "gso_size";
        read u64: tstamp "tstamp", hwtstamp "hwtstamp";
        write u32: set_mark "mark", set_priority "priority";
        write u64: set_tstamp "tstamp";
        elements u32: cb "cb", remote_ip6 "remote_ip6", local_ip6 "local_ip6";
        set_elements u32: set_cb "cb";
    }
    SchedCls[SCHED_CLS], SchedAct[SCHED_ACT] => {
        read u8: tstamp_type "tstamp_type";
        read u32: len "len", pkt_type "pkt_type", mark "mark", queue_mapping "queue_mapping",
            protocol "protocol", vlan_present "vlan_present", vlan_tci "vlan_tci", vlan_proto "vlan_proto",
            priority "priority", ingress_ifindex "ingress_ifindex", ifindex "ifindex", tc_index "tc_index",
            hash "hash", tc_classid "tc_classid", napi_id "napi_id", wire_len "wire_len",
            gso_segs "gso_segs", gso_size "gso_size";
        read u64: tstamp "tstamp", hwtstamp "hwtstamp";
        write u32: set_mark "mark", set_queue_mapping "queue_mapping", set_priority "priority",
            set_tc_index "tc_index", set_tc_classid "tc_classid";
        write u64: set_tstamp "tstamp";
        elements u32: cb "cb";
        set_elements u32: set_cb "cb";
    }
    LwtIn[LWT_IN], LwtOut[LWT_OUT], LwtXmit[LWT_XMIT], LwtSeg6Local[LWT_SEG6LOCAL] => {
        read u32: len "len", pkt_type "pkt_type", mark "mark", queue_mapping "queue_mapping",
            protocol "protocol", vlan_present "vlan_present", vlan_tci "vlan_tci", vlan_proto "vlan_proto",
            priority "priority", ingress_ifindex "ingress_ifindex", ifindex "ifindex", tc_index "tc_index",
            hash "hash", napi_id "napi_id", gso_segs "gso_segs", gso_size "gso_size";
        write u32: set_mark "mark", set_priority "priority";
        elements u32: cb "cb";
        set_elements u32: set_cb "cb";
    }
    SkSkb[SK_SKB_STREAM_VERDICT], StreamParser[SK_SKB_STREAM_PARSER] => {
        read u32: len "len", pkt_type "pkt_type", queue_mapping "queue_mapping", protocol "protocol",
            vlan_present "vlan_present", vlan_tci "vlan_tci", vlan_proto "vlan_proto", priority "priority",
            ingress_ifindex "ingress_ifindex", ifindex "ifindex", tc_index "tc_index", hash "hash",
            napi_id "napi_id", family "family", remote_ip4 "remote_ip4", local_ip4 "local_ip4",
            remote_port "remote_port", local_port "local_port", gso_segs "gso_segs", gso_size "gso_size";
        write u32: set_priority "priority", set_tc_index "tc_index";
        elements u32: cb "cb", remote_ip6 "remote_ip6", local_ip6 "local_ip6";
    }
    Xdp[XDP XDP_DEVMAP] => {
        read u32: ingress_ifindex "ingress_ifindex", rx_queue_index "rx_queue_index",
            egress_ifindex "egress_ifindex";
    }
    SkMsg[SK_MSG] => {
        read u32: family "family", remote_ip4 "remote_ip4", local_ip4 "local_ip4",
            remote_port "remote_port", local_port "local_port", size "size";
        elements u32: remote_ip6 "remote_ip6", local_ip6 "local_ip6";
    }
    SkReuseport[SK_REUSEPORT] => {
        read u32: len "len", eth_protocol "eth_protocol", ip_protocol "ip_protocol",
            bind_inany "bind_inany", hash "hash";
    }
    SkLookup[SK_LOOKUP] => {
        read u32: family "family", protocol "protocol", remote_ip4 "remote_ip4", remote_port "remote_port",
            local_ip4 "local_ip4", local_port "local_port", ingress_ifindex "ingress_ifindex";
        elements u32: remote_ip6 "remote_ip6", local_ip6 "local_ip6";
    }
    SockOps[SOCK_OPS] => {
        read u32: op "op", reply "reply", family "family", remote_ip4 "remote_ip4", local_ip4 "local_ip4",
            remote_port "remote_port", local_port "local_port", is_fullsock "is_fullsock",
            snd_cwnd "snd_cwnd", srtt_us "srtt_us", bpf_sock_ops_cb_flags "bpf_sock_ops_cb_flags",
            state "state", rtt_min "rtt_min", snd_ssthresh "snd_ssthresh", rcv_nxt "rcv_nxt",
            snd_nxt "snd_nxt", snd_una "snd_una", mss_cache "mss_cache", ecn_flags "ecn_flags",
            rate_delivered "rate_delivered", rate_interval_us "rate_interval_us",
            packets_out "packets_out", retrans_out "retrans_out", total_retrans "total_retrans",
            segs_in "segs_in", data_segs_in "data_segs_in", segs_out "segs_out",
            data_segs_out "data_segs_out", lost_out "lost_out", sacked_out "sacked_out",
            sk_txhash "sk_txhash", skb_len "skb_len", skb_tcp_flags "skb_tcp_flags";
        read u64: bytes_received "bytes_received", bytes_acked "bytes_acked", skb_hwtstamp "skb_hwtstamp";
        write u32: set_reply "reply", set_sk_txhash "sk_txhash";
        elements u32: args "args", remote_ip6 "remote_ip6", local_ip6 "local_ip6";
    }
    CgroupSock[CGROUP_SOCK_CREATE CGROUP_POST_BIND4 CGROUP_POST_BIND6] => {
        read u16: dst_port "dst_port";
        read u32: bound_dev_if "bound_dev_if", family "family", type_ "type", protocol "protocol",
            mark "mark", priority "priority", dst_ip4 "dst_ip4", state "state",
            rx_queue_mapping "rx_queue_mapping", src_ip4 "src_ip4", src_port "src_port";
        write u32: set_bound_dev_if "bound_dev_if", set_mark "mark", set_priority "priority";
        elements u32: dst_ip6 "dst_ip6", src_ip6 "src_ip6";
    }
    CgroupBind[CGROUP_BIND4 CGROUP_BIND6], CgroupSockName[CGROUP_RECVMSG4 CGROUP_RECVMSG6 CGROUP_RECVMSG_UNIX] => {
        read u32: user_family "user_family", user_ip4 "user_ip4", user_port "user_port", family "family",
            type_ "type", protocol "protocol";
        write u32: set_user_ip4 "user_ip4", set_user_port "user_port";
        elements u32: user_ip6 "user_ip6";
        set_elements u32: set_user_ip6 "user_ip6";
    }
    CgroupSockAddr[CGROUP_CONNECT4 CGROUP_CONNECT6 CGROUP_CONNECT_UNIX CGROUP_SENDMSG4 CGROUP_SENDMSG6] => {
        read u32: user_family "user_family", user_ip4 "user_ip4", user_port "user_port", family "family",
            type_ "type", protocol "protocol", msg_src_ip4 "msg_src_ip4";
        write u32: set_user_ip4 "user_ip4", set_user_port "user_port", set_msg_src_ip4 "msg_src_ip4";
        elements u32: user_ip6 "user_ip6", msg_src_ip6 "msg_src_ip6";
        set_elements u32: set_user_ip6 "user_ip6", set_msg_src_ip6 "msg_src_ip6";
    }
    CgroupSysctl[CGROUP_SYSCTL] => {
        read u32: write "write", file_pos "file_pos";
        write u32: set_file_pos "file_pos";
    }
    CgroupSockopt[CGROUP_GETSOCKOPT CGROUP_SETSOCKOPT] => {
        read u32: level "level", optname "optname", optlen "optlen", retval "retval";
        write u32: set_level "level", set_optname "optname", set_optlen "optlen", set_retval "retval";
    }
    CgroupDevice[CGROUP_DEVICE] => {
        read u32: access_type "access_type", major "major", minor "minor";
    }
    LircMode2[LIRC_MODE2] => {
        read u32: sample "sample";
    }
    PerfEvent[PERF_EVENT] => {
        read u64: sample_period "sample_period", addr "addr";
    }
}

macro_rules! arguments {
    ($($kind:ident)*) => {$(
        impl<'f> Context<'f, $kind> {
            /// The argument `index`, counted from 0, as the 8 bytes it has in the context.
            #[track_caller]
            pub fn arg(self, index: u32) -> Value<'f, u64> {
                let found = self.dynamic().arg(index);
                self.or_zero(found)
            }
        }
    )*};
}

arguments! { RawTracepoint TpBtf Fentry FmodRet Iter Lsm LsmCgroup }

macro_rules! structs {
    ($($(#[$doc:meta])* $kind:ident $name:ident $access:ty;)*) => {$(
        impl<'f> Context<'f, $kind> {
            $(#[$doc])*
            #[must_use]
            pub fn $name<T: BtfType>(self) -> Place<'f, T, $access> {
                Place::new(self.dynamic().as_layout(Layout::Bytes(size_of_type::<T>())))
            }
        }
    )*};
}

structs! {
    /// What user space hands over (`ctx_in`), and gets back: a struct of its own choice.
    Syscall args super::place::Rw;
    /// The record of the tracepoint, as `format` in tracefs has it. Its first eight bytes, `common_type` and so on, cannot be read.
    Tracepoint record Ro;
    /// The registers of the machine (`struct pt_regs`).
    Kprobe regs Ro;
    /// The registers of the machine (`struct pt_regs`).
    ProbeSession regs Ro;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Direction;

    /// Every field that is a number has its method, and no more, with its width; each that can be written can be set.
    #[test]
    fn methods_are_those_of_the_table() {
        for (kinds, listed) in listed() {
            for (name, bits, array, written) in &listed {
                let direction = if *written { Direction::Write } else { Direction::Read };
                let allowed = kinds.iter().any(|kind| {
                    let Some(field) = kind.context().field(name) else { return false };
                    let whole = if *array { field.size > 4 } else { field.size * 8 == *bits };
                    whole && field.allows(direction, field.offset, bits / 8)
                });
                assert!(allowed, "{kinds:?} {name}");
            }
            let has =
                |name, write| listed.iter().any(|(known, _, _, written)| *known == name && *written == write);
            let fields = kinds.iter().flat_map(|kind| kind.context().fields());
            for field in fields.filter(|field| field.pointer.is_none() && field.name != "regs") {
                assert!(has(field.name, false) || field.reads.is_empty(), "{kinds:?} {}", field.name);
                assert!(has(field.name, true) || field.writes.is_empty(), "{kinds:?} set {}", field.name);
            }
        }
    }
}
