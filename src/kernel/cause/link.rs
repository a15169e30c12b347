//! Why the commands about links failed.
//!
//! Sources: `kernel/bpf/syscall.c` (`link_create`, `link_update`, `link_detach`, `bpf_raw_tp_link_attach`), `mprog.c`, `tcx.c`,
//! `net_namespace.c`, `bpf_iter.c`, `cgroup.c`; `net/core/dev.c` (`dev_xdp_attach`), `net/core/sock_map.c`,
//! `net/netfilter/nf_bpf_link.c` and `core.c`, `drivers/net/netkit.c`, `kernel/trace/bpf_trace.c`, `kernel/events/core.c`.

use std::borrow::Cow;

use crate::base::Errno;

pub(super) fn create(attach_type: &str, errno: Errno) -> Option<Cow<'static, str>> {
    let special = match attach_type {
        "xdp" => xdp(errno),
        "tcx_ingress" | "tcx_egress" => many_programs(errno),
        "netkit_primary" | "netkit_peer" => netkit(errno).or_else(|| many_programs(errno)),
        "netfilter" => netfilter(errno),
        "sk_lookup" | "flow_dissector" => netns(errno),
        "perf_event" => perf_event(errno),
        "trace_iter" => iter(errno),
        "trace_fentry" | "trace_fexit" | "modify_return" | "lsm_mac" => tracing(errno),
        "sk_skb_stream_parser" | "sk_skb_stream_verdict" | "sk_skb_verdict" | "sk_msg_verdict" => {
            sockmap(errno)
        }
        "trace_kprobe_multi" | "trace_kprobe_session" | "trace_uprobe_multi" | "trace_uprobe_session" => {
            multi(errno)
        }
        _ => None,
    };
    special.map(Cow::from).or_else(|| any(attach_type, errno))
}

fn xdp(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EINVAL => Some(
            "there is no network interface of this number in the thread's network namespace, the program was not loaded for xdp, or the \
             device is in two modes and none was chosen",
        ),
        Errno::EBUSY => Some("an XDP program or link is there already: an interface has one in each mode"),
        Errno::EEXIST => {
            Some("a device above this one (a bond, a team) has an XDP program, or the other mode is in use")
        }
        Errno::EOPNOTSUPP => {
            Some("the device's driver has no XDP in this mode; XDP_FLAGS_SKB_MODE works with all")
        }
        _ => None,
    }
}

fn many_programs(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ERANGE => Some("there are as many programs as the kernel allows (64), or no such place"),
        Errno::ENOENT => Some("the program or link to stand before or after is not there"),
        Errno::ENODEV => {
            Some("there is no network interface of this number in the thread's network namespace")
        }
        _ => None,
    }
}

fn netkit(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENXIO => Some("the interface is no netkit device"),
        Errno::EACCES => Some("the interface is the peer of a netkit pair: attach through the primary one"),
        Errno::ENODEV => Some("there is no interface of this number, or its peer is gone"),
        _ => None,
    }
}

fn netfilter(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EAFNOSUPPORT => Some("BPF hooks are in the families IPv4 (2) and IPv6 (10) only"),
        Errno::EPROTO => Some("the family has no such hook; they are 0 to 4"),
        Errno::ERANGE => Some(
            "the first and the last priority belong to the kernel, and a program that wants whole packets (BPF_F_NETFILTER_IP_DEFRAG) \
             has to run after -400",
        ),
        Errno::EBUSY => Some("another program is at this hook with the same priority"),
        Errno::E2BIG => Some("the hook has as many functions as the kernel allows (1024)"),
        Errno::EOPNOTSUPP => Some("this kernel does not know a flag, or cannot put fragments together"),
        _ => None,
    }
}

fn netns(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::E2BIG => {
            Some("there are as many links as the namespace takes: 1 of flow_dissector, 64 of sk_lookup")
        }
        Errno::EEXIST => {
            Some("a program is attached there without a link, or the first namespace has one for all")
        }
        Errno::EINVAL => {
            Some("the target's fd is no network namespace, or the program was not loaded for this")
        }
        _ => None,
    }
}

fn perf_event(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EINVAL => Some(
            "the program's kind does not fit the event, or it reads further than the event's record goes",
        ),
        Errno::EBADF => Some("the target's fd is no perf event, or is not open"),
        Errno::EEXIST => Some("the event has a program already"),
        Errno::E2BIG => Some("the event has as many programs as the kernel allows (64)"),
        Errno::EOPNOTSUPP => Some("this kernel is built without perf events, or the event takes no cookie"),
        _ => None,
    }
}

fn iter(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT => Some("this kernel has no iterator of the name the program was loaded for"),
        Errno::EBADF => Some("the iterator wants a map to walk and was given none, or the fd is not open"),
        Errno::EINVAL => Some(
            "the iterator does not walk what it was given, or the program may sleep and the iterator may not",
        ),
        Errno::EACCES => Some("the program reads or writes further than the map's keys or values go"),
        _ => None,
    }
}

fn tracing(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EBUSY => {
            Some("the program is attached already, or its target cannot take another kind of program")
        }
        Errno::E2BIG => Some("there are as many programs at the function as the kernel allows (38)"),
        Errno::EPERM => Some("this kernel does not let its functions be changed (lockdown, or an LSM)"),
        Errno::EOPNOTSUPP | Errno::ENOTSUPP => Some("this kernel has no trampolines on this architecture"),
        _ => None,
    }
}

fn sockmap(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EINVAL => Some("the target is no map of sockets, or the program was not loaded for this"),
        Errno::EBUSY => {
            Some("the map has a link here, or a verdict of the other sort (with a parser, without one)")
        }
        Errno::EOPNOTSUPP => Some("this kernel does not read streams for BPF (CONFIG_BPF_STREAM_PARSER)"),
        _ => None,
    }
}

fn multi(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ESRCH => Some("a name is no function that can be probed, or there is no such process"),
        Errno::ENOENT => Some("a name or an address is no function that can be probed"),
        Errno::EOPNOTSUPP => {
            Some("this kernel is built without multi-probes (CONFIG_FPROBE for kernel functions)")
        }
        Errno::EBADF => Some("the path is no regular file"),
        _ => None,
    }
}

/// What holds for every attach type.
fn any(attach_type: &str, errno: Errno) -> Option<Cow<'static, str>> {
    let cause = match errno {
        Errno::EINVAL => {
            format!("the program was not loaded for {attach_type}, a flag is not valid, or this kernel has no links for it")
        }
        Errno::EBADF => "the program's or the target's fd is not open, or is not of the kind that is attached to (a cgroup v2 directory, \
             a network namespace)"
            .to_owned(),
        Errno::EPERM => format!(
            "attaching to {attach_type} needs CAP_NET_ADMIN for networking or CAP_PERFMON for tracing, or the target already has \
             a program that does not allow others"
        ),
        Errno::EBUSY => "another program that does not share is attached there".to_owned(),
        Errno::EEXIST => "this program is attached there already".to_owned(),
        Errno::E2BIG => "there are as many programs attached there as the kernel allows (64), or an old kernel does not know a field"
            .to_owned(),
        Errno::ENODEV => "there is no such network interface".to_owned(),
        Errno::ENOENT => "the target does not exist".to_owned(),
        Errno::ESTALE => "the list of programs there changed since its revision was read".to_owned(),
        Errno::EOPNOTSUPP | Errno::ENOTSUPP => format!("this kernel is built without {attach_type}, or the device does not support it"),
        _ => return None,
    };
    Some(cause.into())
}

pub(super) fn update(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EPERM => Some("another program is behind the link than the one expected"),
        Errno::EINVAL => Some(
            "the programs are not of the same kind and attach type, or a link of this type keeps its program",
        ),
        Errno::EEXIST => Some("the program is attached there already"),
        Errno::ENOLINK => Some("the link is detached, or what it was attached to is gone"),
        Errno::EOPNOTSUPP => Some("a link of this type keeps its program"),
        Errno::EBUSY => Some("another link has taken its place"),
        _ => None,
    }
}

pub(super) fn detach(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EOPNOTSUPP => Some(
            "links of this type are detached only by closing their last descriptor and removing their pins",
        ),
        _ => None,
    }
}

pub(super) fn raw_tracepoint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT => {
            Some("this kernel has no tracepoint of this name (it is the bare name, `sys_enter`)")
        }
        Errno::EINVAL => {
            Some("the program is not of a raw tracepoint, or uses more arguments than the tracepoint has")
        }
        Errno::E2BIG => {
            Some("there are as many programs there as the kernel allows (64), or no cookie is known")
        }
        Errno::EEXIST => Some("the program is attached there already"),
        Errno::EPERM => Some("attaching needs CAP_PERFMON"),
        _ => None,
    }
}

/// Of a program that was loaded for its place.
pub(super) fn loaded_for(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT => Some(
            "the program has been attached before (a kernel before 5.13 attaches it once), or its tracepoint is gone",
        ),
        Errno::EINVAL | Errno::EFAULT => Some(
            "the program was not loaded for a function, a hook or a tracepoint, but wants to be told one",
        ),
        Errno::EEXIST => Some("the program is attached there already"),
        _ => tracing(errno),
    }
}

pub(super) fn by_id(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT => Some("there is no link of this number, or no longer"),
        Errno::EPERM => Some("opening objects by number needs CAP_SYS_ADMIN"),
        Errno::EAGAIN => Some("the link is just being made: try again"),
        _ => None,
    }
}

pub(super) fn iter_create(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EINVAL => Some("the link is not of an iterator"),
        Errno::ENOENT => Some("what the iterator walks is gone"),
        _ => None,
    }
}

pub(super) fn query(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EPERM => Some("asking what is attached needs CAP_NET_ADMIN"),
        Errno::EINVAL => {
            Some("the place does not fit the attach type, or this kernel cannot be asked about it")
        }
        Errno::ENODEV => Some("there is no such network interface"),
        Errno::ENXIO => Some("the interface is no netkit device"),
        Errno::EACCES => Some("the interface is the peer of a netkit pair: ask through the primary one"),
        Errno::EBADF => Some("the target's fd is not of the kind that is attached to"),
        _ => None,
    }
}
