//! Links: making, updating, detaching them; raw tracepoints.
//!
//! Unsafe because the kernel reads names, addresses and paths through pointers in the attributes.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::abi::{self, Command, MultiFlags, Plain};
use super::call::{as_bytes, call, call_fd, count, descriptor, input, optional, string};
use super::fd::LinkFd;
pub use super::prog::{Relative, Target};
use crate::base::Errno;

/// What a link is made from.
#[derive(Clone, Copy, Debug)]
pub struct Create<'a> {
    /// The program, or the struct_ops map (6.4).
    pub object: BorrowedFd<'a>,
    /// The place.
    pub target: Target<'a>,
    /// `enum bpf_attach_type`.
    pub attach_type: u32,
    /// What the place makes of it: [`AttachFlags`](abi::AttachFlags) bits, or `XDP_FLAGS_*` (5.9). Those that say what a
    /// neighbour is are set with it.
    pub flags: u32,
    /// What this sort of link needs besides.
    pub options: Options<'a>,
}

impl<'a> Create<'a> {
    /// Of a program (or map) and a place, with nothing besides.
    #[must_use]
    pub fn new(object: BorrowedFd<'a>, target: Target<'a>, attach_type: u32) -> Self {
        Self { object, target, attach_type, flags: 0, options: Options::None }
    }
}

/// What some sorts of links need besides a program and a place.
#[derive(Clone, Copy, Debug, Default)]
pub enum Options<'a> {
    /// Nothing.
    #[default]
    None,
    /// The function of `target` that the program replaces or traces, and a number that
    /// `bpf_get_attach_cookie` gives (5.10 without, 5.19 with a cookie).
    Tracing {
        /// Its type in the target's BTF.
        btf_id: u32,
        /// 0 for none.
        cookie: u64,
    },
    /// What an iterator walks (5.9).
    Iter(IterTarget<'a>),
    /// On a perf event (5.15).
    PerfEvent {
        /// What `bpf_get_attach_cookie` gives.
        cookie: u64,
    },
    /// On many kernel functions (5.18).
    KprobeMulti {
        /// Which.
        functions: Functions<'a>,
        /// What `bpf_get_attach_cookie` gives at each; empty, or as many as functions.
        cookies: &'a [u64],
        /// At entry or return.
        flags: MultiFlags,
    },
    /// On a netfilter hook (6.4).
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
    /// In a chosen place on a tcx hook (6.6).
    Tcx(Place<'a>),
    /// On many places of a user-space binary (6.6).
    UprobeMulti {
        /// The binary.
        path: &'a CStr,
        /// Bytes from its beginning.
        offsets: &'a [u64],
        /// Where the semaphore of each is; empty, or as many as offsets.
        ref_ctr_offsets: &'a [u64],
        /// What `bpf_get_attach_cookie` gives at each; empty, or as many as offsets.
        cookies: &'a [u64],
        /// At entry or return.
        flags: MultiFlags,
        /// The one process to probe; 0 for all.
        pid: u32,
    },
    /// In a chosen place on a netkit device (6.7).
    Netkit(Place<'a>),
    /// In a chosen place at a cgroup (6.17).
    Cgroup(Place<'a>),
}

/// A place among the programs of a hook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The neighbour, with `BPF_F_BEFORE` or `BPF_F_AFTER`.
    pub relative: Option<Relative<'a>>,
    /// Refuse if the programs there have changed since this revision; 0: do not.
    pub expected_revision: u64,
}

/// Kernel functions, by name or by address.
#[derive(Clone, Copy, Debug)]
pub enum Functions<'a> {
    /// Names as in kallsyms.
    Names(&'a [&'a CStr]),
    /// Addresses of their entries.
    Addresses(&'a [u64]),
}

/// What an iterator walks.
#[derive(Clone, Copy, Debug)]
pub enum IterTarget<'a> {
    /// The elements of a map (5.9).
    Map(BorrowedFd<'a>),
    /// Cgroups (6.1).
    Cgroup {
        /// `enum bpf_cgroup_iter_order`: 1 itself, 2 it and those below, 3 those below first, 4 its parents.
        order: u32,
        /// From this one; from the root where neither is given.
        cgroup: Option<BorrowedFd<'a>>,
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
        pid_fd: Option<BorrowedFd<'a>>,
    },
}

/// Fills in the part that all arms of `link_create` have in common.
macro_rules! arm {
    ($name:ident, $head:expr, { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        abi::$name {
            prog_fd: $head.prog_fd,
            target_fd: $head.target_fd,
            attach_type: $head.attach_type,
            flags: $head.flags,
            $($field $(: $value)?,)*
        }
    };
}

/// Makes a link of an arm that says where among other programs.
macro_rules! placed {
    ($name:ident, $head:expr, $place:expr) => {{
        let place: Place<'_> = $place;
        let (relative_fd, flags) = place.relative.map_or((0, abi::AttachFlags::empty()), Relative::parts);
        let head = abi::LinkCreate { flags: $head.flags | flags.bits(), ..$head };
        let expected_revision = place.expected_revision;
        // SAFETY: no pointers.
        unsafe { make(arm!($name, head, { relative_fd, _pad: 0, expected_revision })) }
    }};
}

/// Makes a link (`BPF_LINK_CREATE`, 5.7): the program is attached while the link lives.
///
/// # Errors
/// The kernel's. `EINVAL` without a call where cookies and the like are fewer or more than what they belong to.
#[doc(alias = "BPF_LINK_CREATE")]
pub fn create(link: &Create<'_>) -> Result<LinkFd, Errno> {
    let head = abi::LinkCreate {
        prog_fd: descriptor(link.object),
        target_fd: link.target.number(),
        attach_type: link.attach_type,
        flags: link.flags,
    };
    match link.options {
        // SAFETY: no pointers.
        Options::None => unsafe { make(head) },
        Options::Tracing { btf_id, cookie: 0 } => {
            let attr = arm!(LinkCreateTarget, head, { target_btf_id: btf_id });
            // SAFETY: no pointers.
            unsafe { make(attr) }
        }
        Options::Tracing { btf_id, cookie } => {
            let attr = arm!(LinkCreateTracing, head, { target_btf_id: btf_id, _pad: 0, cookie });
            // SAFETY: no pointers.
            unsafe { make(attr) }
        }
        Options::Iter(target) => create_iter(head, target),
        Options::PerfEvent { cookie } => {
            // SAFETY: no pointers.
            unsafe { make(arm!(LinkCreatePerfEvent, head, { bpf_cookie: cookie })) }
        }
        Options::KprobeMulti { functions, cookies, flags } => {
            create_kprobe_multi(head, functions, cookies, flags)
        }
        Options::Netfilter { family, hook, priority, flags } => {
            let attr = arm!(LinkCreateNetfilter, head, {
                pf: family, hooknum: hook, priority, hook_flags: flags,
            });
            // SAFETY: no pointers.
            unsafe { make(attr) }
        }
        Options::UprobeMulti { path, offsets, ref_ctr_offsets, cookies, flags, pid } => {
            let attr = arm!(LinkCreateUprobeMulti, head, {
                path: string(path),
                offsets: input(offsets),
                ref_ctr_offsets: input(same_length(ref_ctr_offsets, offsets.len())?),
                cookies: input(same_length(cookies, offsets.len())?),
                cnt: count(offsets)?,
                multi_flags: flags.bits(),
                pid,
                _pad: 0,
            });
            // SAFETY: a live string, and live slices of `cnt` numbers or null; the kernel only reads.
            unsafe { make(attr) }
        }
        Options::Tcx(place) => placed!(LinkCreateTcx, head, place),
        Options::Netkit(place) => placed!(LinkCreateNetkit, head, place),
        Options::Cgroup(place) => placed!(LinkCreateCgroup, head, place),
    }
}

/// # Safety
/// Every pointer in `attr` is null or valid for what the kernel reads there.
unsafe fn make<A: Plain>(mut attr: A) -> Result<LinkFd, Errno> {
    // SAFETY: the caller's promise.
    unsafe { call_fd(Command::LINK_CREATE, &mut attr, size_of::<abi::LinkCreate>()) }.map(LinkFd::trusted)
}

fn create_iter(head: abi::LinkCreate, target: IterTarget<'_>) -> Result<LinkFd, Errno> {
    match target {
        IterTarget::Map(map) => create_iter_over(head, &abi::IterMap { map_fd: descriptor(map) }),
        IterTarget::Cgroup { order, cgroup, cgroup_id } => {
            create_iter_over(head, &abi::IterCgroup { order, cgroup_fd: optional(cgroup), cgroup_id })
        }
        IterTarget::Task { tid, pid, pid_fd } => {
            create_iter_over(head, &abi::IterTask { tid, pid, pid_fd: optional(pid_fd) })
        }
    }
}

fn create_iter_over<T: Plain>(head: abi::LinkCreate, target: &T) -> Result<LinkFd, Errno> {
    let bytes = as_bytes(target);
    let attr = arm!(LinkCreateIter, head, { iter_info: input(bytes), iter_info_len: count(bytes)?, _pad: 0 });
    // SAFETY: a live record of the length told, which the kernel only reads.
    unsafe { make(attr) }
}

fn create_kprobe_multi(
    head: abi::LinkCreate,
    functions: Functions<'_>,
    cookies: &[u64],
    flags: MultiFlags,
) -> Result<LinkFd, Errno> {
    let names: Vec<u64> = match functions {
        Functions::Names(names) => names.iter().map(|name| string(name)).collect(),
        Functions::Addresses(_) => Vec::new(),
    };
    let addresses = match functions {
        Functions::Names(_) => &[],
        Functions::Addresses(addresses) => addresses,
    };
    let attr = arm!(LinkCreateKprobeMulti, head, {
        multi_flags: flags.bits(),
        cnt: count(&names)?.max(count(addresses)?),
        syms: input(&names),
        addrs: input(addresses),
        cookies: input(same_length(cookies, names.len().max(addresses.len()))?),
    });
    // SAFETY: live slices of `cnt` numbers, or null, and those of `syms` are live strings; the kernel only reads.
    unsafe { make(attr) }
}

fn same_length(items: &[u64], length: usize) -> Result<&[u64], Errno> {
    if items.is_empty() || items.len() == length { Ok(items) } else { Err(Errno::EINVAL) }
}

/// Puts another program behind a link, or another map behind one of struct_ops (6.4) (`BPF_LINK_UPDATE`, 5.7).
///
/// With `old` only if that is the one there now: `BPF_F_REPLACE` is set with it.
///
/// # Errors
/// The kernel's. `EPERM`: another one is there. `EINVAL`: a link that cannot be updated, or another kind of program.
#[doc(alias = "BPF_LINK_UPDATE")]
pub fn update(link: &LinkFd, new: BorrowedFd<'_>, old: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
    let flags = if old.is_some() { abi::AttachFlags::REPLACE } else { abi::AttachFlags::empty() };
    let mut attr = abi::LinkUpdate {
        link_fd: descriptor(link.as_fd()),
        new_prog_fd: descriptor(new),
        flags: flags.bits(),
        old_prog_fd: optional(old),
    };
    // SAFETY: no pointers.
    unsafe { call(Command::LINK_UPDATE, &mut attr, 12) }.map(drop)
}

/// Detaches a link for good; it stays as an object that does nothing (`BPF_LINK_DETACH`, 5.9).
///
/// # Errors
/// The kernel's. `EOPNOTSUPP`: a sort of link that only closing detaches.
#[doc(alias = "BPF_LINK_DETACH")]
pub fn detach(link: &LinkFd) -> Result<(), Errno> {
    let mut attr = abi::LinkDetach { link_fd: link.as_fd().as_raw_fd().cast_unsigned() };
    // SAFETY: no pointers.
    unsafe { call(Command::LINK_DETACH, &mut attr, size_of::<abi::LinkDetach>()) }.map(drop)
}

/// Attaches a program to a raw tracepoint, or a tracing or LSM program, which names none, to what it was loaded for
/// (`BPF_RAW_TRACEPOINT_OPEN`, 4.17). The cookie is what `bpf_get_attach_cookie` gives (6.10), 0 for none.
///
/// # Errors
/// The kernel's. `ENOENT`: no such tracepoint.
#[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
pub fn open_raw_tracepoint(
    program: BorrowedFd<'_>,
    name: Option<&CStr>,
    cookie: u64,
) -> Result<LinkFd, Errno> {
    let mut attr = abi::RawTracepointOpen {
        name: name.map_or(0, string),
        prog_fd: descriptor(program),
        cookie,
        ..Default::default()
    };
    let least = std::mem::offset_of!(abi::RawTracepointOpen, cookie) - size_of::<u32>();
    // SAFETY: a live string or null, which the kernel only reads.
    unsafe { call_fd(Command::RAW_TRACEPOINT_OPEN, &mut attr, least) }.map(LinkFd::trusted)
}
