//! Link types: what the kernel knows a link as.

use super::open_set;

open_set! {
/// The type of a link (`type` of `struct bpf_link_info`); any number can be held.
#[doc(alias = "bpf_link_type")]
LinkType {
    /// A program at a raw tracepoint, by name or by BTF.
    RAW_TRACEPOINT = 1, "raw_tracepoint", "BPF_LINK_TYPE_RAW_TRACEPOINT", 5, 8;
    /// A program at a kernel function, at a security hook, or in the place of another program's function.
    TRACING = 2, "tracing", "BPF_LINK_TYPE_TRACING", 5, 8;
    /// A program at a cgroup.
    CGROUP = 3, "cgroup", "BPF_LINK_TYPE_CGROUP", 5, 8;
    /// An iterator over kernel objects.
    ITER = 4, "iter", "BPF_LINK_TYPE_ITER", 5, 8;
    /// A program at a network namespace.
    NETNS = 5, "netns", "BPF_LINK_TYPE_NETNS", 5, 8;
    /// A program at the driver of a network interface.
    XDP = 6, "xdp", "BPF_LINK_TYPE_XDP", 5, 9;
    /// A program at a perf event.
    PERF_EVENT = 7, "perf_event", "BPF_LINK_TYPE_PERF_EVENT", 5, 15;
    /// A program at many kernel functions.
    KPROBE_MULTI = 8, "kprobe_multi", "BPF_LINK_TYPE_KPROBE_MULTI", 5, 18;
    /// A registered table of functions.
    STRUCT_OPS = 9, "struct_ops", "BPF_LINK_TYPE_STRUCT_OPS", 5, 19;
    /// A program at a netfilter hook.
    NETFILTER = 10, "netfilter", "BPF_LINK_TYPE_NETFILTER", 6, 4;
    /// A program at the traffic control of a network interface.
    TCX = 11, "tcx", "BPF_LINK_TYPE_TCX", 6, 6;
    /// A program at many places of a user-space binary.
    UPROBE_MULTI = 12, "uprobe_multi", "BPF_LINK_TYPE_UPROBE_MULTI", 6, 6;
    /// A program at a netkit device.
    NETKIT = 13, "netkit", "BPF_LINK_TYPE_NETKIT", 6, 7;
    /// A program at the sockets of a map.
    SOCKMAP = 14, "sockmap", "BPF_LINK_TYPE_SOCKMAP", 6, 10;}
}
