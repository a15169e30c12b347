//! What programs that trace may call (kernel/trace/bpf_trace.c, kernel/bpf/bpf_lsm.c), and those the kernel treats alike.

use super::offer::{Offer, offer};
use crate::base::Helper as H;

type Layer = &'static [Offer];

/// `bpf_tracing_func_proto`; without what `bpf_base_func_proto` offers since before 6.12.
///
/// Since 6.16 most of it is open to every kind; the terms are those of then.
pub(super) const TRACING: Layer = &[
    offer(&[H::GET_CURRENT_UID_GID]),
    offer(&[H::TASK_STORAGE_GET, H::TASK_STORAGE_DELETE]).bpf(),
    offer(&[H::CURRENT_TASK_UNDER_CGROUP]).bpf().config("CONFIG_CGROUPS"),
    offer(&[
        H::GET_CURRENT_COMM,
        H::PERF_EVENT_READ,
        H::PERF_EVENT_READ_VALUE,
        H::SEND_SIGNAL,
        H::SEND_SIGNAL_THREAD,
        H::COPY_FROM_USER,
        H::COPY_FROM_USER_TASK,
        H::GET_BRANCH_SNAPSHOT,
        H::FIND_VMA,
    ])
    .perfmon(),
    offer(&[H::GET_TASK_STACK]).perfmon().config("CONFIG_PERF_EVENTS"),
    offer(&[H::PROBE_READ, H::PROBE_READ_STR])
        .config("CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE")
        .lockdown("LOCKDOWN_BPF_READ_KERNEL"),
    offer(&[H::GET_FUNC_IP]),
    offer(&[H::PROBE_WRITE_USER]).admin().lockdown("LOCKDOWN_BPF_WRITE_USER"),
];

/// `kprobe_prog_func_proto`.
pub(super) const KPROBE: Layer = &[
    offer(&[H::PERF_EVENT_OUTPUT, H::GET_STACKID, H::GET_STACK, H::GET_ATTACH_COOKIE]),
    offer(&[H::OVERRIDE_RETURN]).config("CONFIG_BPF_KPROBE_OVERRIDE"),
];

/// What `tp_prog_func_proto`, `pe_prog_func_proto` and `raw_tp_prog_func_proto` have in common.
pub(super) const STACKS: Layer = &[offer(&[H::PERF_EVENT_OUTPUT, H::GET_STACKID, H::GET_STACK])];

/// What `tp_prog_func_proto` and `pe_prog_func_proto` have in common beyond.
pub(super) const COOKIE: Layer = &[offer(&[H::GET_ATTACH_COOKIE])];

/// `raw_tp_prog_func_proto`.
pub(super) const RAW_TP: Layer = &[
    offer(&[H::PERF_EVENT_OUTPUT, H::GET_STACKID, H::GET_STACK]),
    offer(&[H::GET_ATTACH_COOKIE]).since(6, 10),
];

/// `pe_prog_func_proto`.
pub(super) const PERF_EVENT: Layer = &[offer(&[H::PERF_PROG_READ_VALUE, H::READ_BRANCH_RECORDS])];

/// `tracing_prog_func_proto`; what it offers to iterators and trampolines alone is in [`ITER`] and [`TRAMPOLINE`].
pub(super) const TRACING_PROG: Layer = &[
    offer(&[
        H::SKB_OUTPUT,
        H::XDP_OUTPUT,
        H::SKC_TO_TCP6_SOCK,
        H::SKC_TO_TCP_SOCK,
        H::SKC_TO_TCP_TIMEWAIT_SOCK,
        H::SKC_TO_TCP_REQUEST_SOCK,
        H::SKC_TO_UDP6_SOCK,
        H::SKC_TO_UNIX_SOCK,
        H::SKC_TO_MPTCP_SOCK,
        H::SOCK_FROM_FILE,
        H::GET_SOCKET_COOKIE,
        H::XDP_GET_BUFF_LEN,
    ])
    .config("CONFIG_NET"),
    offer(&[H::SK_STORAGE_GET, H::SK_STORAGE_DELETE]).config("CONFIG_NET").since(5, 11),
    offer(&[H::D_PATH]).only_for("functions of btf_allowlist_d_path, security hooks that may sleep"),
];

/// What `tracing_prog_func_proto` offers to iterators; `bpf_iter_tcp_get_func_proto`, `bpf_iter_unix_get_func_proto`.
pub(super) const ITER: Layer = &[
    offer(&[H::SEQ_PRINTF, H::SEQ_WRITE, H::SEQ_PRINTF_BTF]),
    offer(&[H::SETSOCKOPT, H::GETSOCKOPT]).only_for("bpf_iter_tcp, bpf_iter_unix"),
];

/// What `tracing_prog_func_proto` offers to programs behind a trampoline (`bpf_prog_has_trampoline`; those of `BPF_LSM_CGROUP`
/// are none).
pub(super) const TRAMPOLINE: Layer = &[
    offer(&[H::GET_FUNC_ARG, H::GET_FUNC_RET, H::GET_FUNC_ARG_CNT]),
    offer(&[H::GET_ATTACH_COOKIE]).since(5, 19),
];

/// What `tracing_prog_func_proto` offers to programs of a tracepoint whose arguments BTF tells.
pub(super) const ARGUMENTS: Layer = &[offer(&[H::GET_FUNC_ARG, H::GET_FUNC_ARG_CNT]).since(7, 0)];

/// `bpf_lsm_func_proto`.
pub(super) const LSM: Layer = &[
    offer(&[H::INODE_STORAGE_GET, H::INODE_STORAGE_DELETE, H::SPIN_LOCK, H::SPIN_UNLOCK, H::BPRM_OPTS_SET]),
    offer(&[H::SK_STORAGE_GET, H::SK_STORAGE_DELETE]).config("CONFIG_NET"),
    offer(&[H::IMA_INODE_HASH, H::IMA_FILE_HASH]),
];

/// What `bpf_lsm_func_proto` offers to `BPF_LSM_CGROUP`, `cgroup_common_func_proto` included.
pub(super) const LSM_CGROUP: Layer = &[
    offer(&[H::GET_LOCAL_STORAGE, H::GET_RETVAL, H::SET_RETVAL]),
    offer(&[H::SETSOCKOPT, H::GETSOCKOPT])
        .config("CONFIG_NET")
        .only_for("hooks of bpf_lsm_locked_sockopt_hooks, bpf_lsm_unlocked_sockopt_hooks"),
];

/// `syscall_prog_func_proto`, kernel/bpf/syscall.c.
pub(super) const SYSCALL: Layer = &[
    offer(&[H::SYS_BPF]).perfmon(),
    offer(&[H::BTF_FIND_BY_NAME_KIND, H::SYS_CLOSE, H::KALLSYMS_LOOKUP_NAME]),
];

/// What the tables of functions that can be replaced offer beyond `bpf_base_func_proto`: `bpf_tcp_ca_get_func_proto`,
/// `bpf_scx_get_func_proto`.
pub(super) const STRUCT_OPS: Layer = &[
    offer(&[
        H::TCP_SEND_ACK,
        H::SK_STORAGE_GET,
        H::SK_STORAGE_DELETE,
        H::SETSOCKOPT,
        H::GETSOCKOPT,
        H::KTIME_GET_COARSE_NS,
    ])
    .only_for("tcp_congestion_ops"),
    offer(&[H::TASK_STORAGE_GET, H::TASK_STORAGE_DELETE]).bpf().since(6, 12),
];
