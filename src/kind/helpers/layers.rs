//! What every program may call, and which tables a kind's helpers are in.

use super::offer::{Offer, offer};
use super::{network as net, tracing as trace};
use crate::base::Helper as H;
use crate::kind::{AttachType as At, ProgType as Type, ProgramKind};

type Layer = &'static [Offer];

/// The tables of a kind, each of one kernel function; the first that has a helper tells its terms.
pub(in crate::kind) const fn layers(kind: ProgramKind) -> &'static [Layer] {
    match kind.prog_type() {
        Type::SOCKET_FILTER => &[net::SK_FILTER, net::SK_BASE, BASE],
        Type::CGROUP_SKB => &[net::CG_SKB, net::SK_FILTER, net::SK_BASE, BASE],
        Type::SCHED_CLS | Type::SCHED_ACT => &[net::TC_CLS_ACT, net::SK_BASE, BASE],
        Type::XDP => &[net::XDP, net::SK_BASE, BASE],
        Type::LWT_OUT => &[net::LWT_OUT, net::SK_BASE, BASE],
        Type::LWT_IN => &[net::LWT_IN, net::LWT_OUT, net::SK_BASE, BASE],
        Type::LWT_XMIT => &[net::LWT_XMIT, net::LWT_OUT, net::SK_BASE, BASE],
        Type::LWT_SEG6LOCAL => &[net::LWT_SEG6LOCAL, net::LWT_OUT, net::SK_BASE, BASE],
        Type::SOCK_OPS => &[net::SOCK_OPS, net::SK_BASE, BASE],
        Type::SK_SKB => &[net::SK_SKB, net::SK_BASE, BASE],
        Type::SK_MSG => &[net::SK_MSG, net::SK_BASE, BASE],
        Type::SK_REUSEPORT => &[net::SK_REUSEPORT, BASE],
        Type::SK_LOOKUP => &[net::SK_LOOKUP, net::SK_BASE, BASE],
        Type::FLOW_DISSECTOR => &[net::FLOW_DISSECTOR, net::SK_BASE, BASE],
        Type::LIRC_MODE2 => &[LIRC],
        Type::NETFILTER => &[BASE],
        Type::STRUCT_OPS => &[trace::STRUCT_OPS, BASE],
        Type::EXT => &[ANY],
        Type::SYSCALL => &[trace::SYSCALL, trace::TRACING_PROG, trace::STACKS, trace::TRACING, BASE],
        _ => cgroup_or_tracing(kind),
    }
}

const fn cgroup_or_tracing(kind: ProgramKind) -> &'static [Layer] {
    match kind.prog_type() {
        Type::CGROUP_SOCK => match kind.expected_attach_type() {
            Some(At::CGROUP_INET_SOCK_CREATE) => {
                &[net::RETVAL, net::CURRENT, net::SOCK_CREATE, net::CGROUP_SOCK, BASE]
            }
            _ => &[net::RETVAL, net::CURRENT, net::CGROUP_SOCK, BASE],
        },
        Type::CGROUP_SOCK_ADDR => sock_addr(kind),
        Type::CGROUP_SOCKOPT => match kind.expected_attach_type() {
            Some(At::CGROUP_SETSOCKOPT) => {
                &[net::RETVAL, net::CURRENT, net::SETSOCKOPT, net::CGROUP_SOCKOPT, BASE]
            }
            _ => &[net::RETVAL, net::CURRENT, net::CGROUP_SOCKOPT, BASE],
        },
        Type::CGROUP_SYSCTL => &[net::RETVAL, net::CURRENT, net::CGROUP_SYSCTL, BASE],
        Type::CGROUP_DEVICE => &[net::RETVAL, net::CURRENT, net::CGROUP_DEVICE, BASE],
        Type::KPROBE => &[trace::KPROBE, trace::TRACING, BASE],
        Type::TRACEPOINT => &[trace::STACKS, trace::COOKIE, trace::TRACING, BASE],
        Type::RAW_TRACEPOINT | Type::RAW_TRACEPOINT_WRITABLE => &[trace::RAW_TP, trace::TRACING, BASE],
        Type::PERF_EVENT => &[trace::PERF_EVENT, trace::STACKS, trace::COOKIE, trace::TRACING, BASE],
        _ => tracing(kind),
    }
}

const fn sock_addr(kind: ProgramKind) -> &'static [Layer] {
    match kind.expected_attach_type() {
        Some(At::CGROUP_INET4_CONNECT | At::CGROUP_INET6_CONNECT) => {
            &[net::BIND, net::RETVAL, net::CURRENT, net::SOCKOPT, net::CGROUP_SOCK_ADDR, net::SK_BASE, BASE]
        }
        Some(
            At::CGROUP_INET4_BIND
            | At::CGROUP_INET6_BIND
            | At::CGROUP_UNIX_CONNECT
            | At::CGROUP_UDP4_SENDMSG
            | At::CGROUP_UDP6_SENDMSG
            | At::CGROUP_UNIX_SENDMSG,
        ) => &[net::RETVAL, net::CURRENT, net::SOCKOPT, net::CGROUP_SOCK_ADDR, net::SK_BASE, BASE],
        Some(At::CGROUP_UNIX_GETPEERNAME | At::CGROUP_UNIX_GETSOCKNAME) => &[
            net::LOCAL_STORAGE,
            net::CURRENT,
            net::SOCKOPT_UNIX_NAME,
            net::CGROUP_SOCK_ADDR,
            net::SK_BASE,
            BASE,
        ],
        _ => &[net::LOCAL_STORAGE, net::CURRENT, net::SOCKOPT, net::CGROUP_SOCK_ADDR, net::SK_BASE, BASE],
    }
}

const fn tracing(kind: ProgramKind) -> &'static [Layer] {
    match kind.expected_attach_type() {
        Some(At::TRACE_ITER) => &[trace::ITER, trace::TRACING_PROG, trace::STACKS, trace::TRACING, BASE],
        Some(At::TRACE_RAW_TP) => {
            &[trace::ARGUMENTS, trace::TRACING_PROG, trace::RAW_TP, trace::TRACING, BASE]
        }
        Some(At::LSM_MAC) => {
            &[trace::LSM, trace::TRAMPOLINE, trace::TRACING_PROG, trace::STACKS, trace::TRACING, BASE]
        }
        Some(At::LSM_CGROUP) => {
            &[trace::LSM_CGROUP, trace::LSM, trace::TRACING_PROG, trace::STACKS, trace::TRACING, BASE]
        }
        _ => &[trace::TRAMPOLINE, trace::TRACING_PROG, trace::STACKS, trace::TRACING, BASE],
    }
}

/// Any helper: it is the program to be replaced that decides (`bpf_extension_verifier_ops`).
const ANY: Layer = &[Offer { helpers: super::HelperSet::ALL, ..offer(&[]).only_for("programs that may") }];

/// `bpf_base_func_proto`, kernel/bpf/helpers.c.
pub(super) const BASE: Layer = &[
    offer(&[
        H::MAP_LOOKUP_ELEM,
        H::MAP_UPDATE_ELEM,
        H::MAP_DELETE_ELEM,
        H::MAP_PUSH_ELEM,
        H::MAP_POP_ELEM,
        H::MAP_PEEK_ELEM,
        H::MAP_LOOKUP_PERCPU_ELEM,
        H::GET_PRANDOM_U32,
        H::GET_SMP_PROCESSOR_ID,
        H::GET_NUMA_NODE_ID,
        H::TAIL_CALL,
        H::KTIME_GET_NS,
        H::KTIME_GET_BOOT_NS,
        H::KTIME_GET_TAI_NS,
        H::RINGBUF_OUTPUT,
        H::RINGBUF_RESERVE,
        H::RINGBUF_SUBMIT,
        H::RINGBUF_DISCARD,
        H::RINGBUF_QUERY,
        H::STRNCMP,
        H::STRTOL,
        H::STRTOUL,
        H::GET_CURRENT_PID_TGID,
        H::GET_NS_CURRENT_PID_TGID,
    ]),
    offer(&[H::GET_CURRENT_UID_GID]).since(6, 16),
    offer(&[
        H::SPIN_LOCK,
        H::SPIN_UNLOCK,
        H::JIFFIES64,
        H::PER_CPU_PTR,
        H::THIS_CPU_PTR,
        H::TIMER_INIT,
        H::TIMER_SET_CALLBACK,
        H::TIMER_START,
        H::TIMER_CANCEL,
        H::KPTR_XCHG,
        H::FOR_EACH_MAP_ELEM,
        H::LOOP,
        H::USER_RINGBUF_DRAIN,
        H::RINGBUF_RESERVE_DYNPTR,
        H::RINGBUF_SUBMIT_DYNPTR,
        H::RINGBUF_DISCARD_DYNPTR,
        H::DYNPTR_FROM_MEM,
        H::DYNPTR_READ,
        H::DYNPTR_WRITE,
        H::DYNPTR_DATA,
    ])
    .bpf(),
    offer(&[
        H::CGRP_STORAGE_GET,
        H::CGRP_STORAGE_DELETE,
        H::GET_CURRENT_CGROUP_ID,
        H::GET_CURRENT_ANCESTOR_CGROUP_ID,
    ])
    .bpf()
    .config("CONFIG_CGROUPS"),
    offer(&[H::CURRENT_TASK_UNDER_CGROUP]).bpf().config("CONFIG_CGROUPS").since(6, 16),
    offer(&[H::GET_CGROUP_CLASSID]).bpf().config("CONFIG_CGROUP_NET_CLASSID").since(6, 16),
    offer(&[H::TASK_STORAGE_GET, H::TASK_STORAGE_DELETE]).bpf().since(6, 16),
    offer(&[
        H::TRACE_PRINTK,
        H::GET_CURRENT_TASK,
        H::GET_CURRENT_TASK_BTF,
        H::PROBE_READ_USER,
        H::PROBE_READ_USER_STR,
        H::TASK_PT_REGS,
        H::TRACE_VPRINTK,
        H::SNPRINTF_BTF,
    ])
    .perfmon()
    .config("CONFIG_BPF_EVENTS"),
    offer(&[H::SNPRINTF]).perfmon(),
    offer(&[H::PROBE_READ_KERNEL, H::PROBE_READ_KERNEL_STR])
        .perfmon()
        .config("CONFIG_BPF_EVENTS")
        .lockdown("LOCKDOWN_BPF_READ_KERNEL"),
    offer(&[H::GET_CURRENT_COMM, H::COPY_FROM_USER, H::COPY_FROM_USER_TASK, H::FIND_VMA])
        .perfmon()
        .since(6, 16),
    offer(&[
        H::PERF_EVENT_READ,
        H::PERF_EVENT_READ_VALUE,
        H::SEND_SIGNAL,
        H::SEND_SIGNAL_THREAD,
        H::GET_BRANCH_SNAPSHOT,
    ])
    .perfmon()
    .config("CONFIG_BPF_EVENTS")
    .since(6, 16),
    offer(&[H::GET_TASK_STACK]).perfmon().config("CONFIG_PERF_EVENTS").since(6, 16),
];

/// `lirc_mode2_func_proto`, drivers/media/rc/bpf-lirc.c.
const LIRC: Layer = &[
    offer(&[
        H::RC_REPEAT,
        H::RC_KEYDOWN,
        H::RC_POINTER_REL,
        H::MAP_LOOKUP_ELEM,
        H::MAP_UPDATE_ELEM,
        H::MAP_DELETE_ELEM,
        H::MAP_PUSH_ELEM,
        H::MAP_POP_ELEM,
        H::MAP_PEEK_ELEM,
        H::KTIME_GET_NS,
        H::KTIME_GET_BOOT_NS,
        H::TAIL_CALL,
        H::GET_PRANDOM_U32,
    ]),
    offer(&[H::TRACE_PRINTK]).perfmon().config("CONFIG_BPF_EVENTS"),
];
