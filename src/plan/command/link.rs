//! Links: programs attached while something refers to the link.

use super::{AttachTo, Attributes, Relative, Show};
use crate::base::flags::MultiFlags;
use crate::kind::AttachType;
use crate::plan::Fd;

/// Attributes of `BPF_LINK_CREATE` (since 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_LINK_CREATE")]
pub struct LinkCreate {
    /// `link_create.prog_fd`, or `link_create.map_fd` of a struct_ops map (6.4).
    pub object: Fd,
    /// `link_create.target_fd`, `link_create.target_ifindex`.
    pub target: AttachTo,
    /// `link_create.attach_type`.
    pub attach_type: AttachType,
    /// `link_create.flags`: what the place makes of it. Those that say what a neighbour is are set with it.
    pub flags: u32,
    /// What this sort of link needs besides.
    pub options: LinkOptions,
    /// The descriptor it gives.
    pub out: Fd,
}

/// What some sorts of links need besides a program and a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkOptions {
    /// Nothing.
    #[default]
    None,
    /// `link_create.target_btf_id` (5.10) and `link_create.tracing.cookie` (5.19).
    Tracing {
        /// The function's type in the target's BTF.
        btf_id: u32,
        /// What `bpf_get_attach_cookie` gives; 0 for none.
        cookie: u64,
    },
    /// `link_create.iter_info` (5.9): what an iterator walks.
    Iter(IterTarget),
    /// `link_create.perf_event` (5.15).
    PerfEvent {
        /// What `bpf_get_attach_cookie` gives.
        cookie: u64,
    },
    /// `link_create.kprobe_multi` (5.18): many kernel functions.
    KprobeMulti {
        /// Which.
        functions: Functions,
        /// What `bpf_get_attach_cookie` gives at each; empty, or as many as functions.
        cookies: Vec<u64>,
        /// At entry or return.
        flags: MultiFlags,
    },
    /// `link_create.netfilter` (6.4).
    Netfilter {
        /// Protocol family: `NFPROTO_IPV4` 2, `NFPROTO_IPV6` 10.
        family: u32,
        /// `NF_INET_*`.
        hook: u32,
        /// Lower runs earlier.
        priority: i32,
        /// 1 is `BPF_F_NETFILTER_IP_DEFRAG` (6.6).
        flags: u32,
    },
    /// `link_create.tcx` (6.6): in a chosen place on a tcx hook.
    Tcx(Place),
    /// `link_create.uprobe_multi` (6.6): many places of a binary.
    UprobeMulti {
        /// The binary.
        path: String,
        /// Bytes from its beginning.
        offsets: Vec<u64>,
        /// Where the semaphore of each is; empty, or as many as offsets.
        ref_ctr_offsets: Vec<u64>,
        /// What `bpf_get_attach_cookie` gives at each; empty, or as many as offsets.
        cookies: Vec<u64>,
        /// At entry or return.
        flags: MultiFlags,
        /// The one process to probe; 0 for all.
        pid: u32,
    },
    /// `link_create.netkit` (6.7): in a chosen place on a netkit device.
    Netkit(Place),
    /// `link_create.cgroup` (6.17): in a chosen place at a cgroup.
    Cgroup(Place),
}

/// A place among the programs of a hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The neighbour, with `BPF_F_BEFORE` or `BPF_F_AFTER`.
    pub relative: Option<Relative>,
    /// Refuse if the programs there have changed since this revision; 0: do not.
    pub expected_revision: u64,
}

/// Kernel functions, by name or by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Functions {
    /// Names as in kallsyms.
    Names(Vec<String>),
    /// Addresses of their entries.
    Addresses(Vec<u64>),
}

/// What an iterator walks (`union bpf_iter_link_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_iter_link_info")]
pub enum IterTarget {
    /// The elements of a map (5.9).
    Map(Fd),
    /// Cgroups (6.1).
    Cgroup {
        /// `enum bpf_cgroup_iter_order`: 1 itself, 2 it and those below, 3 those below first, 4 its parents.
        order: u32,
        /// From this one; from the root where neither is given.
        cgroup: Option<Fd>,
        /// From the one with this id; 0 for none.
        cgroup_id: u64,
    },
    /// Tasks: of one thread, one process, or the process of a pidfd; all zero: all (6.1).
    Task {
        /// Thread.
        tid: u32,
        /// Process.
        pid: u32,
        /// Process.
        pid_fd: Option<Fd>,
    },
}

impl Attributes for LinkCreate {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("link_create.prog_fd", self.object);
        self.target.show(show, "link_create.target_fd", "link_create.target_ifindex");
        show.word("link_create.attach_type", self.attach_type);
        show.number("link_create.flags", self.flags);
        self.options.show(show);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

impl LinkOptions {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        match self {
            Self::None => {}
            Self::Tracing { btf_id, cookie } => {
                show.number("link_create.target_btf_id", *btf_id);
                show.number("link_create.tracing.cookie", *cookie);
            }
            Self::Iter(target) => target.show(show),
            Self::PerfEvent { cookie } => show.number("link_create.perf_event.bpf_cookie", *cookie),
            Self::KprobeMulti { functions, cookies, flags } => {
                show.flags("link_create.kprobe_multi.flags", flags);
                match functions {
                    Functions::Names(names) => show.word("link_create.kprobe_multi.syms", names.join(", ")),
                    Functions::Addresses(addresses) => {
                        show.numbers("link_create.kprobe_multi.addrs", addresses);
                    }
                }
                show.numbers("link_create.kprobe_multi.cookies", cookies);
            }
            Self::Netfilter { family, hook, priority, flags } => {
                show.number("link_create.netfilter.pf", *family);
                show.word("link_create.netfilter.hooknum", hook);
                show.word("link_create.netfilter.priority", priority);
                show.number("link_create.netfilter.flags", *flags);
            }
            Self::UprobeMulti { path, offsets, ref_ctr_offsets, cookies, flags, pid } => {
                show.text("link_create.uprobe_multi.path", path);
                show.numbers("link_create.uprobe_multi.offsets", offsets);
                show.numbers("link_create.uprobe_multi.ref_ctr_offsets", ref_ctr_offsets);
                show.numbers("link_create.uprobe_multi.cookies", cookies);
                show.flags("link_create.uprobe_multi.flags", flags);
                show.number("link_create.uprobe_multi.pid", *pid);
            }
            Self::Tcx(place) => place.show(
                show,
                [
                    "link_create.tcx.relative_fd",
                    "link_create.tcx.relative_id",
                    "link_create.tcx.expected_revision",
                ],
            ),
            Self::Netkit(place) => place.show(
                show,
                [
                    "link_create.netkit.relative_fd",
                    "link_create.netkit.relative_id",
                    "link_create.netkit.expected_revision",
                ],
            ),
            Self::Cgroup(place) => place.show(
                show,
                [
                    "link_create.cgroup.relative_fd",
                    "link_create.cgroup.relative_id",
                    "link_create.cgroup.expected_revision",
                ],
            ),
        }
    }
}

impl Place {
    fn show(self, show: &mut Show<'_>, [fd, id, revision]: [&'static str; 3]) {
        if let Some(relative) = self.relative {
            relative.show(show, fd, id);
        }
        show.number(revision, self.expected_revision);
    }
}

impl IterTarget {
    fn show(self, show: &mut Show<'_>) {
        match self {
            Self::Map(map) => show.fd("link_create.iter_info.map.map_fd", map),
            Self::Cgroup { order, cgroup, cgroup_id } => {
                show.number("link_create.iter_info.cgroup.order", order);
                show.fd("link_create.iter_info.cgroup.cgroup_fd", cgroup);
                show.number("link_create.iter_info.cgroup.cgroup_id", cgroup_id);
            }
            Self::Task { tid, pid, pid_fd } => {
                show.number("link_create.iter_info.task.tid", tid);
                show.number("link_create.iter_info.task.pid", pid);
                show.fd("link_create.iter_info.task.pid_fd", pid_fd);
            }
        }
    }
}

/// Attributes of `BPF_LINK_UPDATE` (since 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_LINK_UPDATE")]
pub struct LinkUpdate {
    /// `link_update.link_fd`.
    pub link: Fd,
    /// `link_update.new_prog_fd`, or `link_update.new_map_fd` of a struct_ops map (6.4).
    pub new: Fd,
    /// `link_update.old_prog_fd`: only if this is the one there now (`BPF_F_REPLACE`).
    pub old: Option<Fd>,
}

impl Attributes for LinkUpdate {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("link_update.link_fd", self.link);
        show.fd("link_update.new_prog_fd", self.new);
        show.fd("link_update.old_prog_fd", self.old);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.link)
    }
}

/// Attributes of `BPF_LINK_DETACH` (since 5.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_LINK_DETACH")]
pub struct LinkDetach {
    /// `link_detach.link_fd`.
    pub link: Fd,
}

impl Attributes for LinkDetach {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("link_detach.link_fd", self.link);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.link)
    }
}

/// Attributes of `BPF_ITER_CREATE` (since 5.8): a file that reads as what the iterator writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_ITER_CREATE")]
pub struct IterCreate {
    /// `iter_create.link_fd`.
    pub link: Fd,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for IterCreate {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("iter_create.link_fd", self.link);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// Attributes of `BPF_RAW_TRACEPOINT_OPEN` (since 4.17).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
pub struct RawTracepointOpen {
    /// `raw_tracepoint.name`; empty for tracing and LSM programs, which were loaded for one place.
    pub name: String,
    /// `raw_tracepoint.prog_fd`.
    pub program: Fd,
    /// `raw_tracepoint.cookie` (6.10): what `bpf_get_attach_cookie` gives; 0 for none.
    pub cookie: u64,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for RawTracepointOpen {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.text("raw_tracepoint.name", &self.name);
        show.fd("raw_tracepoint.prog_fd", self.program);
        show.number("raw_tracepoint.cookie", self.cookie);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}
