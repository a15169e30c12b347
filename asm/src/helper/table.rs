//! The table of helpers: one row each, in the order of their numbers.

use super::Access::{Read, Update, Write};
use super::ArgKind::*;
use super::{ArgKind, Gpl, Helper, RetKind};
use crate::KernelVersion;

/// What is known of one helper.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) since: KernelVersion,
    pub(super) args: &'static [ArgKind],
    pub(super) ret: RetKind,
    pub(super) gpl: Gpl,
    pub(super) sleeps: bool,
    pub(super) packet: bool,
}

/// The flags of a row: GPL-only, GPL-only in some kinds, may sleep, takes packet memory.
const NONE: u8 = 0;
const GPL: u8 = 1;
const GPL_VARIES: u8 = 2;
const SLEEPS: u8 = 4;
const PACKET: u8 = 8;

const fn gpl(flags: u8) -> Gpl {
    match flags & (GPL | GPL_VARIES) {
        NONE => Gpl::Never,
        GPL => Gpl::Always,
        _ => Gpl::Varies,
    }
}

/// The places in [`TABLE`], sorted by name.
pub(super) static BY_NAME: [u8; TABLE.len()] = {
    let mut order = [0; TABLE.len()];
    let mut sorted = 0;
    while sorted < order.len() {
        let mut at = sorted;
        while at > 0 && precedes(TABLE[sorted].name, TABLE[order[at - 1] as usize].name) {
            order[at] = order[at - 1];
            at -= 1;
        }
        order[at] = sorted as u8;
        sorted += 1;
    }
    order
};

const fn precedes(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut i = 0;
    while i < left.len() && i < right.len() {
        if left[i] != right[i] {
            return left[i] < right[i];
        }
        i += 1;
    }
    left.len() < right.len()
}

macro_rules! helpers {
    ($($(#[$meta:meta])*
        $constant:ident = $number:literal, $name:literal, $major:literal, $minor:literal:
        fn($($arg:expr),*) -> $ret:ident $(($of:literal))?, $flags:expr;)*) => {
        impl Helper {
            $($(#[$meta])*
            ///
            #[doc = concat!("Helper ", $number, ", `", $name, "`, since Linux ", $major, ".", $minor, ".")]
            pub const $constant: Self = Self($number);)*
        }

        pub(super) const TABLE: &[Row] = &[$(Row {
            name: $name,
            since: KernelVersion::new($major, $minor),
            args: &[$($arg),*],
            ret: RetKind::$ret $(($of))?,
            gpl: gpl($flags),
            sleeps: ($flags) & SLEEPS != 0,
            packet: ($flags) & PACKET != 0,
        },)*];

        // A row's place is its number.
        const _: () = {
            let numbers = [$($number),*];
            let mut i = 0;
            while i < numbers.len() {
                assert!(numbers[i] == i + 1);
                i += 1;
            }
        };
    };
}

helpers! {
    /// The value stored under `key`, or NULL.
    #[doc(alias = "bpf_map_lookup_elem")]
    MAP_LOOKUP_ELEM = 1, "bpf_map_lookup_elem", 3, 19: fn(Map, MapKey) -> MapValueOrNull, PACKET;
    /// Sets the value of `key`.
    #[doc(alias = "bpf_map_update_elem")]
    MAP_UPDATE_ELEM = 2, "bpf_map_update_elem", 3, 19: fn(Map, MapKey, MapValue, Any) -> Integer, PACKET;
    /// Removes `key`.
    #[doc(alias = "bpf_map_delete_elem")]
    MAP_DELETE_ELEM = 3, "bpf_map_delete_elem", 3, 19: fn(Map, MapKey) -> Integer, PACKET;
    /// Copies bytes from any address; `PROBE_READ_KERNEL` and `PROBE_READ_USER` say which space is meant.
    #[doc(alias = "bpf_probe_read")]
    PROBE_READ = 4, "bpf_probe_read", 4, 1: fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Nanoseconds since boot, without time asleep (`CLOCK_MONOTONIC`).
    #[doc(alias = "bpf_ktime_get_ns")]
    KTIME_GET_NS = 5, "bpf_ktime_get_ns", 4, 1: fn() -> Integer, NONE;
    /// Writes a formatted line to the kernel's trace pipe; at most three values.
    #[doc(alias = "bpf_trace_printk")]
    TRACE_PRINTK = 6, "bpf_trace_printk", 4, 1: fn(Mem(Read), Size) -> Integer, GPL;
    /// A pseudo-random 32-bit number.
    #[doc(alias = "bpf_get_prandom_u32")]
    GET_PRANDOM_U32 = 7, "bpf_get_prandom_u32", 4, 1: fn() -> Integer, NONE;
    /// The number of the CPU the program runs on.
    #[doc(alias = "bpf_get_smp_processor_id")]
    GET_SMP_PROCESSOR_ID = 8, "bpf_get_smp_processor_id", 4, 1: fn() -> Integer, NONE;
    /// Writes bytes into the packet.
    #[doc(alias = "bpf_skb_store_bytes")]
    SKB_STORE_BYTES = 9, "bpf_skb_store_bytes", 4, 1: fn(Context, Any, Mem(Read), Size, Any) -> Integer, NONE;
    /// Adjusts the IP header's checksum after a change of 2 or 4 bytes.
    #[doc(alias = "bpf_l3_csum_replace")]
    L3_CSUM_REPLACE = 10, "bpf_l3_csum_replace", 4, 1: fn(Context, Any, Any, Any, Any) -> Integer, NONE;
    /// Adjusts the TCP, UDP or ICMP checksum after a change.
    #[doc(alias = "bpf_l4_csum_replace")]
    L4_CSUM_REPLACE = 11, "bpf_l4_csum_replace", 4, 1: fn(Context, Any, Any, Any, Any) -> Integer, NONE;
    /// Continues in another program of a program array; returns only on failure.
    #[doc(alias = "bpf_tail_call")]
    TAIL_CALL = 12, "bpf_tail_call", 4, 2: fn(Context, Map, Any) -> Void, NONE;
    /// Sends a copy of the packet to another device.
    #[doc(alias = "bpf_clone_redirect")]
    CLONE_REDIRECT = 13, "bpf_clone_redirect", 4, 2: fn(Context, Any, Any) -> Integer, NONE;
    /// Thread group id in the upper, thread id in the lower 32 bits.
    #[doc(alias = "bpf_get_current_pid_tgid")]
    GET_CURRENT_PID_TGID = 14, "bpf_get_current_pid_tgid", 4, 2: fn() -> Integer, NONE;
    /// Group id in the upper, user id in the lower 32 bits.
    #[doc(alias = "bpf_get_current_uid_gid")]
    GET_CURRENT_UID_GID = 15, "bpf_get_current_uid_gid", 4, 2: fn() -> Integer, NONE;
    /// The name of the current task.
    #[doc(alias = "bpf_get_current_comm")]
    GET_CURRENT_COMM = 16, "bpf_get_current_comm", 4, 2: fn(Mem(Write), Size) -> Integer, NONE;
    /// The net_cls class of the packet's task.
    #[doc(alias = "bpf_get_cgroup_classid")]
    GET_CGROUP_CLASSID = 17, "bpf_get_cgroup_classid", 4, 3: fn(Context) -> Integer, NONE;
    /// Pushes a VLAN tag.
    #[doc(alias = "bpf_skb_vlan_push")]
    SKB_VLAN_PUSH = 18, "bpf_skb_vlan_push", 4, 3: fn(Context, Any, Any) -> Integer, NONE;
    /// Removes the outer VLAN tag.
    #[doc(alias = "bpf_skb_vlan_pop")]
    SKB_VLAN_POP = 19, "bpf_skb_vlan_pop", 4, 3: fn(Context) -> Integer, NONE;
    /// Reads the tunnel metadata of the packet.
    #[doc(alias = "bpf_skb_get_tunnel_key")]
    SKB_GET_TUNNEL_KEY = 20, "bpf_skb_get_tunnel_key", 4, 3:
        fn(Context, Mem(Write), Size, Any) -> Integer, NONE;
    /// Sets the tunnel metadata of the packet.
    #[doc(alias = "bpf_skb_set_tunnel_key")]
    SKB_SET_TUNNEL_KEY = 21, "bpf_skb_set_tunnel_key", 4, 3:
        fn(Context, Mem(Read), Size, Any) -> Integer, NONE;
    /// Reads a hardware counter; `PERF_EVENT_READ_VALUE` also tells errors from values.
    #[doc(alias = "bpf_perf_event_read")]
    PERF_EVENT_READ = 22, "bpf_perf_event_read", 4, 3: fn(Map, Any) -> Integer, GPL;
    /// Sends the packet on through another device.
    #[doc(alias = "bpf_redirect")]
    REDIRECT = 23, "bpf_redirect", 4, 4: fn(Any, Any) -> Integer, NONE;
    /// The realm of the packet's route.
    #[doc(alias = "bpf_get_route_realm")]
    GET_ROUTE_REALM = 24, "bpf_get_route_realm", 4, 4: fn(Context) -> Integer, NONE;
    /// Writes a record to a perf ring; the prototype of tracing programs, other kinds pass other contexts.
    #[doc(alias = "bpf_perf_event_output")]
    PERF_EVENT_OUTPUT = 25, "bpf_perf_event_output", 4, 4:
        fn(Context, Map, Any, Mem(Read), SizeOrZero) -> Integer, GPL;
    /// Copies bytes out of the packet.
    #[doc(alias = "bpf_skb_load_bytes")]
    SKB_LOAD_BYTES = 26, "bpf_skb_load_bytes", 4, 5: fn(Context, Any, Mem(Write), Size) -> Integer, NONE;
    /// The id of the current call stack in a stack-trace map; not GPL-only in perf_event programs.
    #[doc(alias = "bpf_get_stackid")]
    GET_STACKID = 27, "bpf_get_stackid", 4, 6: fn(Context, Map, Any) -> Integer, GPL_VARIES;
    /// The checksum difference between two buffers.
    #[doc(alias = "bpf_csum_diff")]
    CSUM_DIFF = 28, "bpf_csum_diff", 4, 6:
        fn(MemOrNull(Read), SizeOrZero, MemOrNull(Read), SizeOrZero, Any) -> Integer, PACKET;
    /// Reads the tunnel options of the packet.
    #[doc(alias = "bpf_skb_get_tunnel_opt")]
    SKB_GET_TUNNEL_OPT = 29, "bpf_skb_get_tunnel_opt", 4, 6: fn(Context, Mem(Write), Size) -> Integer, NONE;
    /// Sets the tunnel options of the packet.
    #[doc(alias = "bpf_skb_set_tunnel_opt")]
    SKB_SET_TUNNEL_OPT = 30, "bpf_skb_set_tunnel_opt", 4, 6: fn(Context, Mem(Read), Size) -> Integer, NONE;
    /// Changes the packet's protocol between IPv4 and IPv6.
    #[doc(alias = "bpf_skb_change_proto")]
    SKB_CHANGE_PROTO = 31, "bpf_skb_change_proto", 4, 8: fn(Context, Any, Any) -> Integer, NONE;
    /// Changes the packet's type (`PACKET_HOST`, ...).
    #[doc(alias = "bpf_skb_change_type")]
    SKB_CHANGE_TYPE = 32, "bpf_skb_change_type", 4, 8: fn(Context, Any) -> Integer, NONE;
    /// Whether the packet's socket is under a cgroup of a cgroup array.
    #[doc(alias = "bpf_skb_under_cgroup")]
    SKB_UNDER_CGROUP = 33, "bpf_skb_under_cgroup", 4, 8: fn(Context, Map, Any) -> Integer, NONE;
    /// The packet's flow hash, computed if it is missing.
    #[doc(alias = "bpf_get_hash_recalc")]
    GET_HASH_RECALC = 34, "bpf_get_hash_recalc", 4, 8: fn(Context) -> Integer, NONE;
    /// The address of the current `task_struct`.
    #[doc(alias = "bpf_get_current_task")]
    GET_CURRENT_TASK = 35, "bpf_get_current_task", 4, 8: fn() -> Integer, GPL;
    /// Writes to user memory of the current task; for debugging only.
    #[doc(alias = "bpf_probe_write_user")]
    PROBE_WRITE_USER = 36, "bpf_probe_write_user", 4, 8: fn(Any, Mem(Read), Size) -> Integer, GPL;
    /// Whether the current task is under a cgroup of a cgroup array.
    #[doc(alias = "bpf_current_task_under_cgroup")]
    CURRENT_TASK_UNDER_CGROUP = 37, "bpf_current_task_under_cgroup", 4, 9: fn(Map, Any) -> Integer, NONE;
    /// Shortens or lengthens the packet at its end.
    #[doc(alias = "bpf_skb_change_tail")]
    SKB_CHANGE_TAIL = 38, "bpf_skb_change_tail", 4, 9: fn(Context, Any, Any) -> Integer, NONE;
    /// Makes bytes of the packet directly readable.
    #[doc(alias = "bpf_skb_pull_data")]
    SKB_PULL_DATA = 39, "bpf_skb_pull_data", 4, 9: fn(Context, Any) -> Integer, NONE;
    /// Adds to the packet's checksum (`CHECKSUM_COMPLETE`).
    #[doc(alias = "bpf_csum_update")]
    CSUM_UPDATE = 40, "bpf_csum_update", 4, 9: fn(Context, Any) -> Integer, NONE;
    /// Forgets the packet's flow hash.
    #[doc(alias = "bpf_set_hash_invalid")]
    SET_HASH_INVALID = 41, "bpf_set_hash_invalid", 4, 9: fn(Context) -> Integer, NONE;
    /// The NUMA node of the current CPU.
    #[doc(alias = "bpf_get_numa_node_id")]
    GET_NUMA_NODE_ID = 42, "bpf_get_numa_node_id", 4, 10: fn() -> Integer, NONE;
    /// Makes room at the packet's head.
    #[doc(alias = "bpf_skb_change_head")]
    SKB_CHANGE_HEAD = 43, "bpf_skb_change_head", 4, 10: fn(Context, Any, Any) -> Integer, NONE;
    /// Moves the start of the packet.
    #[doc(alias = "bpf_xdp_adjust_head")]
    XDP_ADJUST_HEAD = 44, "bpf_xdp_adjust_head", 4, 10: fn(Context, Any) -> Integer, NONE;
    /// Copies a NUL-terminated string from any address.
    #[doc(alias = "bpf_probe_read_str")]
    PROBE_READ_STR = 45, "bpf_probe_read_str", 4, 11: fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// A number that identifies the socket for its life; also takes a socket pointer.
    #[doc(alias = "bpf_get_socket_cookie")]
    GET_SOCKET_COOKIE = 46, "bpf_get_socket_cookie", 4, 12: fn(Context) -> Integer, NONE;
    /// The user id that owns the packet's socket.
    #[doc(alias = "bpf_get_socket_uid")]
    GET_SOCKET_UID = 47, "bpf_get_socket_uid", 4, 12: fn(Context) -> Integer, NONE;
    /// Sets the packet's flow hash.
    #[doc(alias = "bpf_set_hash")]
    SET_HASH = 48, "bpf_set_hash", 4, 13: fn(Context, Any) -> Integer, NONE;
    /// Sets a socket option; sock_ops and sock_addr pass their context, other kinds a socket.
    #[doc(alias = "bpf_setsockopt")]
    SETSOCKOPT = 49, "bpf_setsockopt", 4, 13: fn(Context, Any, Any, Mem(Read), Size) -> Integer, NONE;
    /// Grows or shrinks the room between headers.
    #[doc(alias = "bpf_skb_adjust_room")]
    SKB_ADJUST_ROOM = 50, "bpf_skb_adjust_room", 4, 13: fn(Context, Any, Any, Any) -> Integer, NONE;
    /// Sends the packet to an entry of a device, CPU or AF_XDP map.
    #[doc(alias = "bpf_redirect_map")]
    REDIRECT_MAP = 51, "bpf_redirect_map", 4, 14: fn(Map, Any, Any) -> Integer, NONE;
    /// Sends the packet to a socket of a sockmap.
    #[doc(alias = "bpf_sk_redirect_map")]
    SK_REDIRECT_MAP = 52, "bpf_sk_redirect_map", 4, 14: fn(Context, Map, Any, Any) -> Integer, NONE;
    /// Puts the socket of a sock_ops program into a sockmap.
    #[doc(alias = "bpf_sock_map_update")]
    SOCK_MAP_UPDATE = 53, "bpf_sock_map_update", 4, 14: fn(Context, Map, MapKey, Any) -> Integer, PACKET;
    /// Moves the start of the metadata in front of the packet.
    #[doc(alias = "bpf_xdp_adjust_meta")]
    XDP_ADJUST_META = 54, "bpf_xdp_adjust_meta", 4, 15: fn(Context, Any) -> Integer, NONE;
    /// Reads a hardware counter with its enabled and running times.
    #[doc(alias = "bpf_perf_event_read_value")]
    PERF_EVENT_READ_VALUE = 55, "bpf_perf_event_read_value", 4, 15:
        fn(Map, Any, Mem(Write), Size) -> Integer, GPL;
    /// Reads the counter of the event the program is attached to.
    #[doc(alias = "bpf_perf_prog_read_value")]
    PERF_PROG_READ_VALUE = 56, "bpf_perf_prog_read_value", 4, 15:
        fn(Context, Mem(Write), Size) -> Integer, GPL;
    /// Reads a socket option; sock_ops and sock_addr pass their context, other kinds a socket.
    #[doc(alias = "bpf_getsockopt")]
    GETSOCKOPT = 57, "bpf_getsockopt", 4, 15: fn(Context, Any, Any, Mem(Write), Size) -> Integer, NONE;
    /// Makes the probed function return at once, with this value.
    #[doc(alias = "bpf_override_return")]
    OVERRIDE_RETURN = 58, "bpf_override_return", 4, 16: fn(Context, Any) -> Integer, GPL;
    /// Chooses which events call the sock_ops program.
    #[doc(alias = "bpf_sock_ops_cb_flags_set")]
    SOCK_OPS_CB_FLAGS_SET = 59, "bpf_sock_ops_cb_flags_set", 4, 16: fn(Context, Any) -> Integer, NONE;
    /// Sends the message to a socket of a sockmap.
    #[doc(alias = "bpf_msg_redirect_map")]
    MSG_REDIRECT_MAP = 60, "bpf_msg_redirect_map", 4, 17: fn(Context, Map, Any, Any) -> Integer, NONE;
    /// Applies the verdict to this many bytes of the message.
    #[doc(alias = "bpf_msg_apply_bytes")]
    MSG_APPLY_BYTES = 61, "bpf_msg_apply_bytes", 4, 17: fn(Context, Any) -> Integer, NONE;
    /// Holds the message back until this many bytes are there.
    #[doc(alias = "bpf_msg_cork_bytes")]
    MSG_CORK_BYTES = 62, "bpf_msg_cork_bytes", 4, 17: fn(Context, Any) -> Integer, NONE;
    /// Makes bytes of the message directly readable.
    #[doc(alias = "bpf_msg_pull_data")]
    MSG_PULL_DATA = 63, "bpf_msg_pull_data", 4, 17: fn(Context, Any, Any, Any) -> Integer, NONE;
    /// Binds the socket of a connect program to an address.
    #[doc(alias = "bpf_bind")]
    BIND = 64, "bpf_bind", 4, 17: fn(Context, Mem(Read), Size) -> Integer, NONE;
    /// Moves the end of the packet.
    #[doc(alias = "bpf_xdp_adjust_tail")]
    XDP_ADJUST_TAIL = 65, "bpf_xdp_adjust_tail", 4, 18: fn(Context, Any) -> Integer, NONE;
    /// Reads a transform state of the packet's security path.
    #[doc(alias = "bpf_skb_get_xfrm_state")]
    SKB_GET_XFRM_STATE = 66, "bpf_skb_get_xfrm_state", 4, 18:
        fn(Context, Any, Mem(Write), Size, Any) -> Integer, NONE;
    /// Copies the current call stack.
    #[doc(alias = "bpf_get_stack")]
    GET_STACK = 67, "bpf_get_stack", 4, 18: fn(Context, Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Copies bytes of the packet, relative to its MAC or network header.
    #[doc(alias = "bpf_skb_load_bytes_relative")]
    SKB_LOAD_BYTES_RELATIVE = 68, "bpf_skb_load_bytes_relative", 4, 18:
        fn(Context, Any, Mem(Write), Size, Any) -> Integer, NONE;
    /// Looks up a route; the prototype of skb programs, XDP passes its own context.
    #[doc(alias = "bpf_fib_lookup")]
    FIB_LOOKUP = 69, "bpf_fib_lookup", 4, 18: fn(Context, Mem(Update), Size, Any) -> Integer, GPL;
    /// Puts the socket of a sock_ops program into a sockhash.
    #[doc(alias = "bpf_sock_hash_update")]
    SOCK_HASH_UPDATE = 70, "bpf_sock_hash_update", 4, 18: fn(Context, Map, MapKey, Any) -> Integer, PACKET;
    /// Sends the message to a socket of a sockhash.
    #[doc(alias = "bpf_msg_redirect_hash")]
    MSG_REDIRECT_HASH = 71, "bpf_msg_redirect_hash", 4, 18: fn(Context, Map, MapKey, Any) -> Integer, NONE;
    /// Sends the packet to a socket of a sockhash.
    #[doc(alias = "bpf_sk_redirect_hash")]
    SK_REDIRECT_HASH = 72, "bpf_sk_redirect_hash", 4, 18: fn(Context, Map, MapKey, Any) -> Integer, NONE;
    /// Puts an encapsulation in front of the packet (lwt_in: SEG6, IP; lwt_xmit: IP).
    #[doc(alias = "bpf_lwt_push_encap")]
    LWT_PUSH_ENCAP = 73, "bpf_lwt_push_encap", 4, 18: fn(Context, Any, Mem(Read), Size) -> Integer, NONE;
    /// Writes into the segment routing header.
    #[doc(alias = "bpf_lwt_seg6_store_bytes")]
    LWT_SEG6_STORE_BYTES = 74, "bpf_lwt_seg6_store_bytes", 4, 18:
        fn(Context, Any, Mem(Read), Size) -> Integer, NONE;
    /// Grows or shrinks the segment routing header.
    #[doc(alias = "bpf_lwt_seg6_adjust_srh")]
    LWT_SEG6_ADJUST_SRH = 75, "bpf_lwt_seg6_adjust_srh", 4, 18: fn(Context, Any, Any) -> Integer, NONE;
    /// Runs a segment routing action.
    #[doc(alias = "bpf_lwt_seg6_action")]
    LWT_SEG6_ACTION = 76, "bpf_lwt_seg6_action", 4, 18: fn(Context, Any, Mem(Read), Size) -> Integer, NONE;
    /// Reports a repeated key of an infrared remote.
    #[doc(alias = "bpf_rc_repeat")]
    RC_REPEAT = 77, "bpf_rc_repeat", 4, 18: fn(Context) -> Integer, GPL;
    /// Reports a pressed key of an infrared remote.
    #[doc(alias = "bpf_rc_keydown")]
    RC_KEYDOWN = 78, "bpf_rc_keydown", 4, 18: fn(Context, Any, Any, Any) -> Integer, GPL;
    /// The id of the cgroup of the packet's socket.
    #[doc(alias = "bpf_skb_cgroup_id")]
    SKB_CGROUP_ID = 79, "bpf_skb_cgroup_id", 4, 18: fn(Context) -> Integer, NONE;
    /// The id of the current task's cgroup.
    #[doc(alias = "bpf_get_current_cgroup_id")]
    GET_CURRENT_CGROUP_ID = 80, "bpf_get_current_cgroup_id", 4, 18: fn() -> Integer, NONE;
    /// The cgroup storage of the program; never NULL.
    #[doc(alias = "bpf_get_local_storage")]
    GET_LOCAL_STORAGE = 81, "bpf_get_local_storage", 4, 19: fn(Map, Any) -> MapValue, NONE;
    /// Selects a socket of a reuseport array.
    #[doc(alias = "bpf_sk_select_reuseport")]
    SK_SELECT_REUSEPORT = 82, "bpf_sk_select_reuseport", 4, 19:
        fn(Context, Map, MapKey, Any) -> Integer, NONE;
    /// The id of an ancestor of the cgroup of the packet's socket.
    #[doc(alias = "bpf_skb_ancestor_cgroup_id")]
    SKB_ANCESTOR_CGROUP_ID = 83, "bpf_skb_ancestor_cgroup_id", 4, 19: fn(Context, Any) -> Integer, NONE;
    /// Looks up a TCP socket and takes a reference; to be given back by `SK_RELEASE`.
    #[doc(alias = "bpf_sk_lookup_tcp")]
    SK_LOOKUP_TCP = 84, "bpf_sk_lookup_tcp", 4, 20:
        fn(Context, Mem(Read), SizeOrZero, Any, Any) -> SocketOrNull, PACKET;
    /// Looks up a UDP socket and takes a reference; to be given back by `SK_RELEASE`.
    #[doc(alias = "bpf_sk_lookup_udp")]
    SK_LOOKUP_UDP = 85, "bpf_sk_lookup_udp", 4, 20:
        fn(Context, Mem(Read), SizeOrZero, Any, Any) -> SocketOrNull, PACKET;
    /// Gives a socket's reference back.
    #[doc(alias = "bpf_sk_release")]
    SK_RELEASE = 86, "bpf_sk_release", 4, 20: fn(SockRelease) -> Integer, NONE;
    /// Adds an element to a queue, a stack or a bloom filter.
    #[doc(alias = "bpf_map_push_elem")]
    MAP_PUSH_ELEM = 87, "bpf_map_push_elem", 4, 20: fn(Map, MapValue, Any) -> Integer, PACKET;
    /// Takes the head element off a queue or a stack.
    #[doc(alias = "bpf_map_pop_elem")]
    MAP_POP_ELEM = 88, "bpf_map_pop_elem", 4, 20: fn(Map, MapValueOut) -> Integer, NONE;
    /// Reads the head element of a queue or a stack; asks a bloom filter.
    #[doc(alias = "bpf_map_peek_elem")]
    MAP_PEEK_ELEM = 89, "bpf_map_peek_elem", 4, 20: fn(Map, MapValueOut) -> Integer, NONE;
    /// Inserts bytes into the message.
    #[doc(alias = "bpf_msg_push_data")]
    MSG_PUSH_DATA = 90, "bpf_msg_push_data", 4, 20: fn(Context, Any, Any, Any) -> Integer, NONE;
    /// Removes bytes from the message.
    #[doc(alias = "bpf_msg_pop_data")]
    MSG_POP_DATA = 91, "bpf_msg_pop_data", 5, 0: fn(Context, Any, Any, Any) -> Integer, NONE;
    /// Reports a pointer's movement of an infrared remote.
    #[doc(alias = "bpf_rc_pointer_rel")]
    RC_POINTER_REL = 92, "bpf_rc_pointer_rel", 5, 0: fn(Context, Any, Any) -> Integer, GPL;
    /// Takes the `bpf_spin_lock` of a map value.
    #[doc(alias = "bpf_spin_lock")]
    SPIN_LOCK = 93, "bpf_spin_lock", 5, 1: fn(SpinLock) -> Void, NONE;
    /// Releases the `bpf_spin_lock` of a map value.
    #[doc(alias = "bpf_spin_unlock")]
    SPIN_UNLOCK = 94, "bpf_spin_unlock", 5, 1: fn(SpinLock) -> Void, NONE;
    /// The full socket of a socket pointer, or NULL.
    #[doc(alias = "bpf_sk_fullsock")]
    SK_FULLSOCK = 95, "bpf_sk_fullsock", 5, 1: fn(SockCommon) -> SocketOrNull, NONE;
    /// The TCP socket of a socket pointer, or NULL.
    #[doc(alias = "bpf_tcp_sock")]
    TCP_SOCK = 96, "bpf_tcp_sock", 5, 1: fn(SockCommon) -> TcpSockOrNull, NONE;
    /// Marks the packet as having seen congestion (ECN CE).
    #[doc(alias = "bpf_skb_ecn_set_ce")]
    SKB_ECN_SET_CE = 97, "bpf_skb_ecn_set_ce", 5, 1: fn(Context) -> Integer, NONE;
    /// The listening socket of a request socket, or NULL.
    #[doc(alias = "bpf_get_listener_sock")]
    GET_LISTENER_SOCK = 98, "bpf_get_listener_sock", 5, 1: fn(SockCommon) -> SocketOrNull, NONE;
    /// Like `SK_LOOKUP_TCP`, and also finds request and time-wait sockets.
    #[doc(alias = "bpf_skc_lookup_tcp")]
    SKC_LOOKUP_TCP = 99, "bpf_skc_lookup_tcp", 5, 2:
        fn(Context, Mem(Read), SizeOrZero, Any, Any) -> SockCommonOrNull, PACKET;
    /// Whether the packet carries a valid SYN cookie of the listening socket.
    #[doc(alias = "bpf_tcp_check_syncookie")]
    TCP_CHECK_SYNCOOKIE = 100, "bpf_tcp_check_syncookie", 5, 2:
        fn(Sock, Mem(Read), Size, Mem(Read), Size) -> Integer, GPL | PACKET;
    /// The name of the sysctl that is read or written.
    #[doc(alias = "bpf_sysctl_get_name")]
    SYSCTL_GET_NAME = 101, "bpf_sysctl_get_name", 5, 2: fn(Context, Mem(Update), Size, Any) -> Integer, NONE;
    /// The sysctl's value before the access.
    #[doc(alias = "bpf_sysctl_get_current_value")]
    SYSCTL_GET_CURRENT_VALUE = 102, "bpf_sysctl_get_current_value", 5, 2:
        fn(Context, Mem(Write), Size) -> Integer, NONE;
    /// The value that is being written to the sysctl.
    #[doc(alias = "bpf_sysctl_get_new_value")]
    SYSCTL_GET_NEW_VALUE = 103, "bpf_sysctl_get_new_value", 5, 2:
        fn(Context, Mem(Write), Size) -> Integer, NONE;
    /// Replaces the value that is being written to the sysctl.
    #[doc(alias = "bpf_sysctl_set_new_value")]
    SYSCTL_SET_NEW_VALUE = 104, "bpf_sysctl_set_new_value", 5, 2:
        fn(Context, Mem(Read), Size) -> Integer, NONE;
    /// Parses a signed number.
    #[doc(alias = "bpf_strtol")]
    STRTOL = 105, "bpf_strtol", 5, 2: fn(Mem(Read), Size, Any, Fixed(8, Write)) -> Integer, NONE;
    /// Parses an unsigned number.
    #[doc(alias = "bpf_strtoul")]
    STRTOUL = 106, "bpf_strtoul", 5, 2: fn(Mem(Read), Size, Any, Fixed(8, Write)) -> Integer, NONE;
    /// The value stored for a socket, made if asked for; cgroup/sock passes its context, tracing a BTF pointer.
    #[doc(alias = "bpf_sk_storage_get")]
    SK_STORAGE_GET = 107, "bpf_sk_storage_get", 5, 2:
        fn(Map, Sock, MapValueOrNull, Any) -> MapValueOrNull, NONE;
    /// Removes the value stored for a socket.
    #[doc(alias = "bpf_sk_storage_delete")]
    SK_STORAGE_DELETE = 108, "bpf_sk_storage_delete", 5, 2: fn(Map, Sock) -> Integer, NONE;
    /// Sends a signal to the current process.
    #[doc(alias = "bpf_send_signal")]
    SEND_SIGNAL = 109, "bpf_send_signal", 5, 3: fn(Any) -> Integer, NONE;
    /// Makes a SYN cookie for a packet.
    #[doc(alias = "bpf_tcp_gen_syncookie")]
    TCP_GEN_SYNCOOKIE = 110, "bpf_tcp_gen_syncookie", 5, 4:
        fn(Sock, Mem(Read), Size, Mem(Read), Size) -> Integer, GPL | PACKET;
    /// Writes a record with bytes of an `sk_buff` to a perf ring, from tracing.
    #[doc(alias = "bpf_skb_output")]
    SKB_OUTPUT = 111, "bpf_skb_output", 5, 5:
        fn(Btf("sk_buff"), Map, Any, Mem(Read), SizeOrZero) -> Integer, GPL;
    /// Copies bytes from user memory; zeroes the destination if it fails.
    #[doc(alias = "bpf_probe_read_user")]
    PROBE_READ_USER = 112, "bpf_probe_read_user", 5, 5: fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Copies bytes from kernel memory; zeroes the destination if it fails.
    #[doc(alias = "bpf_probe_read_kernel")]
    PROBE_READ_KERNEL = 113, "bpf_probe_read_kernel", 5, 5: fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Copies a NUL-terminated string from user memory.
    #[doc(alias = "bpf_probe_read_user_str")]
    PROBE_READ_USER_STR = 114, "bpf_probe_read_user_str", 5, 5:
        fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Copies a NUL-terminated string from kernel memory.
    #[doc(alias = "bpf_probe_read_kernel_str")]
    PROBE_READ_KERNEL_STR = 115, "bpf_probe_read_kernel_str", 5, 5:
        fn(Mem(Write), SizeOrZero, Any) -> Integer, GPL;
    /// Sends an acknowledgement, from a congestion control.
    #[doc(alias = "bpf_tcp_send_ack")]
    TCP_SEND_ACK = 116, "bpf_tcp_send_ack", 5, 6: fn(Btf("tcp_sock"), Any) -> Integer, NONE;
    /// Sends a signal to the current thread.
    #[doc(alias = "bpf_send_signal_thread")]
    SEND_SIGNAL_THREAD = 117, "bpf_send_signal_thread", 5, 6: fn(Any) -> Integer, NONE;
    /// The 64-bit jiffies.
    #[doc(alias = "bpf_jiffies64")]
    JIFFIES64 = 118, "bpf_jiffies64", 5, 6: fn() -> Integer, NONE;
    /// Copies the branch records of a perf event.
    #[doc(alias = "bpf_read_branch_records")]
    READ_BRANCH_RECORDS = 119, "bpf_read_branch_records", 5, 7:
        fn(Context, MemOrNull(Update), SizeOrZero, Any) -> Integer, GPL;
    /// Process and thread id as seen in a pid namespace.
    #[doc(alias = "bpf_get_ns_current_pid_tgid")]
    GET_NS_CURRENT_PID_TGID = 120, "bpf_get_ns_current_pid_tgid", 5, 7:
        fn(Any, Any, Mem(Write), Size) -> Integer, NONE;
    /// Writes a record with bytes of an `xdp_buff` to a perf ring, from tracing.
    #[doc(alias = "bpf_xdp_output")]
    XDP_OUTPUT = 121, "bpf_xdp_output", 5, 7:
        fn(Btf("xdp_buff"), Map, Any, Mem(Read), SizeOrZero) -> Integer, GPL;
    /// A number that identifies the network namespace; several context types take it.
    #[doc(alias = "bpf_get_netns_cookie")]
    GET_NETNS_COOKIE = 122, "bpf_get_netns_cookie", 5, 7: fn(ContextOrNull) -> Integer, NONE;
    /// The id of an ancestor of the current task's cgroup.
    #[doc(alias = "bpf_get_current_ancestor_cgroup_id")]
    GET_CURRENT_ANCESTOR_CGROUP_ID = 123, "bpf_get_current_ancestor_cgroup_id", 5, 7:
        fn(Any) -> Integer, NONE;
    /// Assigns a socket to the packet; sk_lookup programs may also pass NULL.
    #[doc(alias = "bpf_sk_assign")]
    SK_ASSIGN = 124, "bpf_sk_assign", 5, 7: fn(Context, Sock, Any) -> Integer, NONE;
    /// Nanoseconds since boot, with time asleep (`CLOCK_BOOTTIME`).
    #[doc(alias = "bpf_ktime_get_boot_ns")]
    KTIME_GET_BOOT_NS = 125, "bpf_ktime_get_boot_ns", 5, 8: fn() -> Integer, NONE;
    /// Prints to the file of an iterator.
    #[doc(alias = "bpf_seq_printf")]
    SEQ_PRINTF = 126, "bpf_seq_printf", 5, 8:
        fn(Btf("seq_file"), Mem(Read), Size, MemOrNull(Read), SizeOrZero) -> Integer, GPL;
    /// Writes bytes to the file of an iterator.
    #[doc(alias = "bpf_seq_write")]
    SEQ_WRITE = 127, "bpf_seq_write", 5, 8: fn(Btf("seq_file"), Mem(Read), SizeOrZero) -> Integer, GPL;
    /// The id of the socket's cgroup.
    #[doc(alias = "bpf_sk_cgroup_id")]
    SK_CGROUP_ID = 128, "bpf_sk_cgroup_id", 5, 8: fn(Sock) -> Integer, NONE;
    /// The id of an ancestor of the socket's cgroup.
    #[doc(alias = "bpf_sk_ancestor_cgroup_id")]
    SK_ANCESTOR_CGROUP_ID = 129, "bpf_sk_ancestor_cgroup_id", 5, 8: fn(Sock, Any) -> Integer, NONE;
    /// Copies a record into a ring buffer.
    #[doc(alias = "bpf_ringbuf_output")]
    RINGBUF_OUTPUT = 130, "bpf_ringbuf_output", 5, 8: fn(Map, Mem(Read), SizeOrZero, Any) -> Integer, NONE;
    /// Reserves a record of a ring buffer, or NULL.
    #[doc(alias = "bpf_ringbuf_reserve")]
    RINGBUF_RESERVE = 131, "bpf_ringbuf_reserve", 5, 8: fn(Map, AllocSizeOrZero, Any) -> RingbufOrNull, NONE;
    /// Hands a reserved record to the reader.
    #[doc(alias = "bpf_ringbuf_submit")]
    RINGBUF_SUBMIT = 132, "bpf_ringbuf_submit", 5, 8: fn(RingbufRelease, Any) -> Void, NONE;
    /// Drops a reserved record.
    #[doc(alias = "bpf_ringbuf_discard")]
    RINGBUF_DISCARD = 133, "bpf_ringbuf_discard", 5, 8: fn(RingbufRelease, Any) -> Void, NONE;
    /// Asks for the fill, size or positions of a ring buffer.
    #[doc(alias = "bpf_ringbuf_query")]
    RINGBUF_QUERY = 134, "bpf_ringbuf_query", 5, 8: fn(Map, Any) -> Integer, NONE;
    /// Changes the checksum level of the packet.
    #[doc(alias = "bpf_csum_level")]
    CSUM_LEVEL = 135, "bpf_csum_level", 5, 8: fn(Context, Any) -> Integer, NONE;
    /// Casts to `tcp6_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_tcp6_sock")]
    SKC_TO_TCP6_SOCK = 136, "bpf_skc_to_tcp6_sock", 5, 9: fn(Sock) -> BtfOrNull("tcp6_sock"), NONE;
    /// Casts to `tcp_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_tcp_sock")]
    SKC_TO_TCP_SOCK = 137, "bpf_skc_to_tcp_sock", 5, 9: fn(Sock) -> BtfOrNull("tcp_sock"), NONE;
    /// Casts to `tcp_timewait_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_tcp_timewait_sock")]
    SKC_TO_TCP_TIMEWAIT_SOCK = 138, "bpf_skc_to_tcp_timewait_sock", 5, 9:
        fn(Sock) -> BtfOrNull("tcp_timewait_sock"), NONE;
    /// Casts to `tcp_request_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_tcp_request_sock")]
    SKC_TO_TCP_REQUEST_SOCK = 139, "bpf_skc_to_tcp_request_sock", 5, 9:
        fn(Sock) -> BtfOrNull("tcp_request_sock"), NONE;
    /// Casts to `udp6_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_udp6_sock")]
    SKC_TO_UDP6_SOCK = 140, "bpf_skc_to_udp6_sock", 5, 9: fn(Sock) -> BtfOrNull("udp6_sock"), NONE;
    /// Copies the call stack of a task.
    #[doc(alias = "bpf_get_task_stack")]
    GET_TASK_STACK = 141, "bpf_get_task_stack", 5, 9:
        fn(Btf("task_struct"), Mem(Write), SizeOrZero, Any) -> Integer, NONE;
    /// Finds a TCP header option.
    #[doc(alias = "bpf_load_hdr_opt")]
    LOAD_HDR_OPT = 142, "bpf_load_hdr_opt", 5, 10: fn(Context, Mem(Update), Size, Any) -> Integer, NONE;
    /// Writes a TCP header option.
    #[doc(alias = "bpf_store_hdr_opt")]
    STORE_HDR_OPT = 143, "bpf_store_hdr_opt", 5, 10: fn(Context, Mem(Read), Size, Any) -> Integer, NONE;
    /// Reserves room for TCP header options.
    #[doc(alias = "bpf_reserve_hdr_opt")]
    RESERVE_HDR_OPT = 144, "bpf_reserve_hdr_opt", 5, 10: fn(Context, Any, Any) -> Integer, NONE;
    /// The value stored for an inode, made if asked for.
    #[doc(alias = "bpf_inode_storage_get")]
    INODE_STORAGE_GET = 145, "bpf_inode_storage_get", 5, 10:
        fn(Map, BtfOrNull("inode"), MapValueOrNull, Any) -> MapValueOrNull, NONE;
    /// Removes the value stored for an inode.
    #[doc(alias = "bpf_inode_storage_delete")]
    INODE_STORAGE_DELETE = 146, "bpf_inode_storage_delete", 5, 10:
        fn(Map, BtfOrNull("inode")) -> Integer, NONE;
    /// The full path of a `struct path`.
    #[doc(alias = "bpf_d_path")]
    D_PATH = 147, "bpf_d_path", 5, 10: fn(Btf("path"), Mem(Update), SizeOrZero) -> Integer, NONE;
    /// Copies bytes from user memory; may sleep.
    #[doc(alias = "bpf_copy_from_user")]
    COPY_FROM_USER = 148, "bpf_copy_from_user", 5, 10: fn(Mem(Write), SizeOrZero, Any) -> Integer, SLEEPS;
    /// Prints a kernel type into a buffer.
    #[doc(alias = "bpf_snprintf_btf")]
    SNPRINTF_BTF = 149, "bpf_snprintf_btf", 5, 10:
        fn(Mem(Update), Size, Mem(Read), Size, Any) -> Integer, NONE;
    /// Prints a kernel type to the file of an iterator.
    #[doc(alias = "bpf_seq_printf_btf")]
    SEQ_PRINTF_BTF = 150, "bpf_seq_printf_btf", 5, 10:
        fn(Btf("seq_file"), Mem(Read), SizeOrZero, Any) -> Integer, GPL;
    /// The net_cls class of the packet's socket.
    #[doc(alias = "bpf_skb_cgroup_classid")]
    SKB_CGROUP_CLASSID = 151, "bpf_skb_cgroup_classid", 5, 10: fn(Context) -> Integer, NONE;
    /// Sends the packet through another device, with the neighbour's address filled in.
    #[doc(alias = "bpf_redirect_neigh")]
    REDIRECT_NEIGH = 152, "bpf_redirect_neigh", 5, 10:
        fn(Any, MemOrNull(Read), SizeOrZero, Any) -> Integer, NONE;
    /// The address of a per-CPU kernel variable on a CPU, or NULL.
    #[doc(alias = "bpf_per_cpu_ptr")]
    PER_CPU_PTR = 153, "bpf_per_cpu_ptr", 5, 10: fn(PercpuBtf, Any) -> PercpuOrNull, NONE;
    /// The address of a per-CPU kernel variable on this CPU.
    #[doc(alias = "bpf_this_cpu_ptr")]
    THIS_CPU_PTR = 154, "bpf_this_cpu_ptr", 5, 10: fn(PercpuBtf) -> Percpu, NONE;
    /// Sends the packet to the peer device in its network namespace.
    #[doc(alias = "bpf_redirect_peer")]
    REDIRECT_PEER = 155, "bpf_redirect_peer", 5, 10: fn(Any, Any) -> Integer, NONE;
    /// The value stored for a task, made if asked for.
    #[doc(alias = "bpf_task_storage_get")]
    TASK_STORAGE_GET = 156, "bpf_task_storage_get", 5, 11:
        fn(Map, BtfOrNull("task_struct"), MapValueOrNull, Any) -> MapValueOrNull, NONE;
    /// Removes the value stored for a task.
    #[doc(alias = "bpf_task_storage_delete")]
    TASK_STORAGE_DELETE = 157, "bpf_task_storage_delete", 5, 11:
        fn(Map, BtfOrNull("task_struct")) -> Integer, NONE;
    /// The current `task_struct` as a BTF pointer.
    #[doc(alias = "bpf_get_current_task_btf")]
    GET_CURRENT_TASK_BTF = 158, "bpf_get_current_task_btf", 5, 11: fn() -> BtfTrusted("task_struct"), GPL;
    /// Sets options of the program that is being executed.
    #[doc(alias = "bpf_bprm_opts_set")]
    BPRM_OPTS_SET = 159, "bpf_bprm_opts_set", 5, 11: fn(Btf("linux_binprm"), Any) -> Integer, NONE;
    /// Nanoseconds since boot, as of the last tick.
    #[doc(alias = "bpf_ktime_get_coarse_ns")]
    KTIME_GET_COARSE_NS = 160, "bpf_ktime_get_coarse_ns", 5, 11: fn() -> Integer, NONE;
    /// The IMA hash of an inode, if it has been computed.
    #[doc(alias = "bpf_ima_inode_hash")]
    IMA_INODE_HASH = 161, "bpf_ima_inode_hash", 5, 11: fn(Btf("inode"), Mem(Write), Size) -> Integer, SLEEPS;
    /// The socket of a file, or NULL.
    #[doc(alias = "bpf_sock_from_file")]
    SOCK_FROM_FILE = 162, "bpf_sock_from_file", 5, 11: fn(Btf("file")) -> BtfOrNull("socket"), NONE;
    /// Whether the packet fits the MTU; the prototype of skb programs, XDP passes its own context.
    #[doc(alias = "bpf_check_mtu")]
    CHECK_MTU = 163, "bpf_check_mtu", 5, 12: fn(Context, Any, Fixed(4, Update), Any, Any) -> Integer, GPL;
    /// Calls a function for every element of a map.
    #[doc(alias = "bpf_for_each_map_elem")]
    FOR_EACH_MAP_ELEM = 164, "bpf_for_each_map_elem", 5, 13:
        fn(Map, Callback, StackOrNull, Any) -> Integer, NONE;
    /// Prints into a buffer; the format is a constant string.
    #[doc(alias = "bpf_snprintf")]
    SNPRINTF = 165, "bpf_snprintf", 5, 13:
        fn(MemOrNull(Update), SizeOrZero, ConstStr, MemOrNull(Read), SizeOrZero) -> Integer, GPL;
    /// Runs a bpf(2) command.
    #[doc(alias = "bpf_sys_bpf")]
    SYS_BPF = 166, "bpf_sys_bpf", 5, 14: fn(Any, Mem(Read), Size) -> Integer, SLEEPS;
    /// Finds a BTF type by name and kind.
    #[doc(alias = "bpf_btf_find_by_name_kind")]
    BTF_FIND_BY_NAME_KIND = 167, "bpf_btf_find_by_name_kind", 5, 14:
        fn(Mem(Read), Size, Any, Any) -> Integer, SLEEPS;
    /// Closes a file descriptor.
    #[doc(alias = "bpf_sys_close")]
    SYS_CLOSE = 168, "bpf_sys_close", 5, 14: fn(Any) -> Integer, SLEEPS;
    /// Makes the `bpf_timer` of a map value ready for use.
    #[doc(alias = "bpf_timer_init")]
    TIMER_INIT = 169, "bpf_timer_init", 5, 15: fn(Timer, Map, Any) -> Integer, GPL;
    /// Sets the function a timer calls.
    #[doc(alias = "bpf_timer_set_callback")]
    TIMER_SET_CALLBACK = 170, "bpf_timer_set_callback", 5, 15: fn(Timer, Callback) -> Integer, GPL;
    /// Arms a timer.
    #[doc(alias = "bpf_timer_start")]
    TIMER_START = 171, "bpf_timer_start", 5, 15: fn(Timer, Any, Any) -> Integer, GPL;
    /// Disarms a timer and drops its callback.
    #[doc(alias = "bpf_timer_cancel")]
    TIMER_CANCEL = 172, "bpf_timer_cancel", 5, 15: fn(Timer) -> Integer, GPL;
    /// The address of the probed function; GPL-only in tracing, not in kprobe programs.
    #[doc(alias = "bpf_get_func_ip")]
    GET_FUNC_IP = 173, "bpf_get_func_ip", 5, 15: fn(Context) -> Integer, GPL_VARIES;
    /// The number given when the program was attached.
    #[doc(alias = "bpf_get_attach_cookie")]
    GET_ATTACH_COOKIE = 174, "bpf_get_attach_cookie", 5, 15: fn(Context) -> Integer, NONE;
    /// The saved registers of a task.
    #[doc(alias = "bpf_task_pt_regs")]
    TASK_PT_REGS = 175, "bpf_task_pt_regs", 5, 15: fn(Btf("task_struct")) -> Btf("pt_regs"), GPL;
    /// Copies the last branches of the CPU.
    #[doc(alias = "bpf_get_branch_snapshot")]
    GET_BRANCH_SNAPSHOT = 176, "bpf_get_branch_snapshot", 5, 16: fn(Mem(Write), SizeOrZero) -> Integer, GPL;
    /// Writes a formatted line to the kernel's trace pipe; any number of values.
    #[doc(alias = "bpf_trace_vprintk")]
    TRACE_VPRINTK = 177, "bpf_trace_vprintk", 5, 16:
        fn(Mem(Read), Size, MemOrNull(Read), SizeOrZero) -> Integer, GPL;
    /// Casts to `unix_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_unix_sock")]
    SKC_TO_UNIX_SOCK = 178, "bpf_skc_to_unix_sock", 5, 16: fn(Sock) -> BtfOrNull("unix_sock"), NONE;
    /// The address of a kernel symbol.
    #[doc(alias = "bpf_kallsyms_lookup_name")]
    KALLSYMS_LOOKUP_NAME = 179, "bpf_kallsyms_lookup_name", 5, 16:
        fn(Mem(Update), SizeOrZero, Any, Fixed(8, Write)) -> Integer, NONE;
    /// Calls a function with the memory area that holds an address.
    #[doc(alias = "bpf_find_vma")]
    FIND_VMA = 180, "bpf_find_vma", 5, 17:
        fn(Btf("task_struct"), Any, Callback, StackOrNull, Any) -> Integer, NONE;
    /// Calls a function this many times.
    #[doc(alias = "bpf_loop")]
    LOOP = 181, "bpf_loop", 5, 17: fn(Scalar, Callback, StackOrNull, Any) -> Integer, NONE;
    /// Compares a buffer with a constant string.
    #[doc(alias = "bpf_strncmp")]
    STRNCMP = 182, "bpf_strncmp", 5, 17: fn(Mem(Read), Size, ConstStr) -> Integer, NONE;
    /// An argument of the traced function.
    #[doc(alias = "bpf_get_func_arg")]
    GET_FUNC_ARG = 183, "bpf_get_func_arg", 5, 17: fn(Context, Any, Fixed(8, Write)) -> Integer, NONE;
    /// The return value of the traced function.
    #[doc(alias = "bpf_get_func_ret")]
    GET_FUNC_RET = 184, "bpf_get_func_ret", 5, 17: fn(Context, Fixed(8, Write)) -> Integer, NONE;
    /// The number of arguments of the traced function.
    #[doc(alias = "bpf_get_func_arg_cnt")]
    GET_FUNC_ARG_CNT = 185, "bpf_get_func_arg_cnt", 5, 17: fn(Context) -> Integer, NONE;
    /// The value the system call will return.
    #[doc(alias = "bpf_get_retval")]
    GET_RETVAL = 186, "bpf_get_retval", 5, 18: fn() -> Integer, NONE;
    /// Sets the value the system call will return.
    #[doc(alias = "bpf_set_retval")]
    SET_RETVAL = 187, "bpf_set_retval", 5, 18: fn(Any) -> Integer, NONE;
    /// The length of the packet, with all fragments.
    #[doc(alias = "bpf_xdp_get_buff_len")]
    XDP_GET_BUFF_LEN = 188, "bpf_xdp_get_buff_len", 5, 18: fn(Context) -> Integer, NONE;
    /// Copies bytes out of the packet, across fragments.
    #[doc(alias = "bpf_xdp_load_bytes")]
    XDP_LOAD_BYTES = 189, "bpf_xdp_load_bytes", 5, 18: fn(Context, Any, Mem(Write), Size) -> Integer, NONE;
    /// Writes bytes into the packet, across fragments.
    #[doc(alias = "bpf_xdp_store_bytes")]
    XDP_STORE_BYTES = 190, "bpf_xdp_store_bytes", 5, 18: fn(Context, Any, Mem(Read), Size) -> Integer, NONE;
    /// Copies bytes from the memory of another task; may sleep.
    #[doc(alias = "bpf_copy_from_user_task")]
    COPY_FROM_USER_TASK = 191, "bpf_copy_from_user_task", 5, 18:
        fn(Mem(Write), SizeOrZero, Any, Btf("task_struct"), Any) -> Integer, GPL | SLEEPS;
    /// Sets the packet's time stamp.
    #[doc(alias = "bpf_skb_set_tstamp")]
    SKB_SET_TSTAMP = 192, "bpf_skb_set_tstamp", 5, 18: fn(Context, Any, Any) -> Integer, NONE;
    /// The IMA hash of a file, computed if it is missing.
    #[doc(alias = "bpf_ima_file_hash")]
    IMA_FILE_HASH = 193, "bpf_ima_file_hash", 5, 18: fn(Btf("file"), Mem(Write), Size) -> Integer, SLEEPS;
    /// Exchanges a kernel pointer stored in a map value.
    #[doc(alias = "bpf_kptr_xchg")]
    KPTR_XCHG = 194, "bpf_kptr_xchg", 5, 19: fn(KptrSlot, KptrOrNull) -> KptrOrNull, NONE;
    /// The value stored under `key` for a given CPU, or NULL.
    #[doc(alias = "bpf_map_lookup_percpu_elem")]
    MAP_LOOKUP_PERCPU_ELEM = 195, "bpf_map_lookup_percpu_elem", 5, 19:
        fn(Map, MapKey, Any) -> MapValueOrNull, PACKET;
    /// Casts to `mptcp_sock`, or NULL.
    #[doc(alias = "bpf_skc_to_mptcp_sock")]
    SKC_TO_MPTCP_SOCK = 196, "bpf_skc_to_mptcp_sock", 5, 19: fn(SockCommon) -> BtfOrNull("mptcp_sock"), NONE;
    /// Makes a dynptr to memory of a map value.
    #[doc(alias = "bpf_dynptr_from_mem")]
    DYNPTR_FROM_MEM = 197, "bpf_dynptr_from_mem", 5, 19:
        fn(Mem(Write), SizeOrZero, Any, DynptrOut) -> Integer, NONE;
    /// Reserves a ring buffer record of run-time size as a dynptr.
    #[doc(alias = "bpf_ringbuf_reserve_dynptr")]
    RINGBUF_RESERVE_DYNPTR = 198, "bpf_ringbuf_reserve_dynptr", 5, 19:
        fn(Map, Any, Any, RingbufDynptrOut) -> Integer, NONE;
    /// Hands a reserved dynptr record to the reader.
    #[doc(alias = "bpf_ringbuf_submit_dynptr")]
    RINGBUF_SUBMIT_DYNPTR = 199, "bpf_ringbuf_submit_dynptr", 5, 19:
        fn(RingbufDynptrRelease, Any) -> Void, NONE;
    /// Drops a reserved dynptr record.
    #[doc(alias = "bpf_ringbuf_discard_dynptr")]
    RINGBUF_DISCARD_DYNPTR = 200, "bpf_ringbuf_discard_dynptr", 5, 19:
        fn(RingbufDynptrRelease, Any) -> Void, NONE;
    /// Copies bytes out of a dynptr.
    #[doc(alias = "bpf_dynptr_read")]
    DYNPTR_READ = 201, "bpf_dynptr_read", 5, 19:
        fn(Mem(Write), SizeOrZero, Dynptr, Any, Any) -> Integer, NONE;
    /// Copies bytes into a dynptr.
    #[doc(alias = "bpf_dynptr_write")]
    DYNPTR_WRITE = 202, "bpf_dynptr_write", 5, 19:
        fn(Dynptr, Any, Mem(Read), SizeOrZero, Any) -> Integer, NONE;
    /// A slice of a dynptr's memory, or NULL.
    #[doc(alias = "bpf_dynptr_data")]
    DYNPTR_DATA = 203, "bpf_dynptr_data", 5, 19: fn(Dynptr, Any, AllocSizeOrZero) -> SliceOrNull, NONE;
    /// Makes a SYN cookie from IPv4 and TCP headers.
    #[doc(alias = "bpf_tcp_raw_gen_syncookie_ipv4")]
    TCP_RAW_GEN_SYNCOOKIE_IPV4 = 204, "bpf_tcp_raw_gen_syncookie_ipv4", 6, 0:
        fn(Fixed(20, Update), Mem(Update), SizeOrZero) -> Integer, GPL | PACKET;
    /// Makes a SYN cookie from IPv6 and TCP headers.
    #[doc(alias = "bpf_tcp_raw_gen_syncookie_ipv6")]
    TCP_RAW_GEN_SYNCOOKIE_IPV6 = 205, "bpf_tcp_raw_gen_syncookie_ipv6", 6, 0:
        fn(Fixed(40, Update), Mem(Update), SizeOrZero) -> Integer, GPL | PACKET;
    /// Checks the SYN cookie of IPv4 and TCP headers.
    #[doc(alias = "bpf_tcp_raw_check_syncookie_ipv4")]
    TCP_RAW_CHECK_SYNCOOKIE_IPV4 = 206, "bpf_tcp_raw_check_syncookie_ipv4", 6, 0:
        fn(Fixed(20, Update), Fixed(20, Update)) -> Integer, GPL | PACKET;
    /// Checks the SYN cookie of IPv6 and TCP headers.
    #[doc(alias = "bpf_tcp_raw_check_syncookie_ipv6")]
    TCP_RAW_CHECK_SYNCOOKIE_IPV6 = 207, "bpf_tcp_raw_check_syncookie_ipv6", 6, 0:
        fn(Fixed(40, Update), Fixed(20, Update)) -> Integer, GPL | PACKET;
    /// Nanoseconds of international atomic time (`CLOCK_TAI`).
    #[doc(alias = "bpf_ktime_get_tai_ns")]
    KTIME_GET_TAI_NS = 208, "bpf_ktime_get_tai_ns", 6, 1: fn() -> Integer, NONE;
    /// Calls a function for every record user space has written.
    #[doc(alias = "bpf_user_ringbuf_drain")]
    USER_RINGBUF_DRAIN = 209, "bpf_user_ringbuf_drain", 6, 1:
        fn(Map, Callback, StackOrNull, Any) -> Integer, NONE;
    /// The value stored for a cgroup, made if asked for.
    #[doc(alias = "bpf_cgrp_storage_get")]
    CGRP_STORAGE_GET = 210, "bpf_cgrp_storage_get", 6, 2:
        fn(Map, BtfOrNull("cgroup"), MapValueOrNull, Any) -> MapValueOrNull, NONE;
    /// Removes the value stored for a cgroup.
    #[doc(alias = "bpf_cgrp_storage_delete")]
    CGRP_STORAGE_DELETE = 211, "bpf_cgrp_storage_delete", 6, 2: fn(Map, BtfOrNull("cgroup")) -> Integer, NONE;
}
