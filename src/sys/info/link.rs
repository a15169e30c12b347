//! What the kernel knows of a link.
//!
//! Unsafe because names and lists go through pointers, whose places depend on the type of link: that is asked for first, with
//! a record of zeros, and never changes.

use std::os::fd::AsFd;

use crate::base::{Errno, LinkType};
use crate::sys::LinkFd;
use crate::sys::abi::{self, Plain};
use crate::sys::call::{as_bytes, get_info, output};

/// What is known of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// What sort of link it is.
    pub link_type: LinkType,
    /// Its number.
    pub id: u32,
    /// The program's number, 0 for a link without one.
    pub prog_id: u32,
    /// What this type of link has besides.
    pub detail: LinkDetail,
}

/// What each type of link has besides its program. Names are without NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of `struct bpf_link_info`, described at `sys::abi`")]
pub enum LinkDetail {
    /// `BPF_LINK_TYPE_RAW_TRACEPOINT`.
    RawTracepoint { name: Vec<u8>, cookie: u64 },
    /// `BPF_LINK_TYPE_TRACING`.
    Tracing { attach_type: u32, target_obj_id: u32, target_btf_id: u32, cookie: u64 },
    /// `BPF_LINK_TYPE_CGROUP`.
    Cgroup { cgroup_id: u64, attach_type: u32 },
    /// `BPF_LINK_TYPE_ITER`; of cgroups the cgroup, of tasks thread and process.
    Iter { target: Vec<u8>, map_id: u32, cgroup_id: u64, order: u32, tid: u32, pid: u32 },
    /// `BPF_LINK_TYPE_NETNS`.
    Netns { inode: u32, attach_type: u32 },
    /// `BPF_LINK_TYPE_XDP`.
    Xdp { ifindex: u32 },
    /// `BPF_LINK_TYPE_PERF_EVENT`.
    PerfEvent(PerfEvent),
    /// `BPF_LINK_TYPE_KPROBE_MULTI`.
    KprobeMulti { addresses: Vec<u64>, cookies: Vec<u64>, flags: u32, missed: u64 },
    /// `BPF_LINK_TYPE_STRUCT_OPS`.
    StructOps { map_id: u32 },
    /// `BPF_LINK_TYPE_NETFILTER`.
    Netfilter { family: u32, hook: u32, priority: i32, flags: u32 },
    /// `BPF_LINK_TYPE_TCX`.
    Tcx { ifindex: u32, attach_type: u32 },
    /// `BPF_LINK_TYPE_UPROBE_MULTI`.
    UprobeMulti {
        path: Vec<u8>,
        offsets: Vec<u64>,
        ref_ctr_offsets: Vec<u64>,
        cookies: Vec<u64>,
        flags: u32,
        pid: u32,
    },
    /// `BPF_LINK_TYPE_NETKIT`.
    Netkit { ifindex: u32, attach_type: u32 },
    /// `BPF_LINK_TYPE_SOCKMAP`.
    Sockmap { map_id: u32, attach_type: u32 },
    /// A type not known here, or one the running kernel says nothing of.
    Other,
}

/// What a link on a perf event is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of `struct bpf_link_info`, described at `sys::abi`")]
pub enum PerfEvent {
    /// A place in a file, at its entry or return.
    Uprobe { file: Vec<u8>, offset: u32, cookie: u64, ref_ctr_offset: u64, on_return: bool },
    /// A place in the kernel, at its entry or return.
    Kprobe { function: Vec<u8>, offset: u32, address: u64, missed: u64, cookie: u64, on_return: bool },
    /// A tracepoint.
    Tracepoint { name: Vec<u8>, cookie: u64 },
    /// A hardware or software event.
    Event { config: u64, event_type: u32, cookie: u64 },
    /// A sort not known here, or a kernel before 6.6, which says nothing.
    Other,
}

/// What is known of a link; asks twice where there are names or lists.
///
/// # Errors
/// The kernel's. `EOPNOTSUPP`: on a perf event it does not describe.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn link(link: &LinkFd) -> Result<LinkInfo, Errno> {
    // The longest of the records, so that the others are its beginning.
    let first = abi::LinkInfoUprobeMulti::default();
    // SAFETY: a link; with null pointers, none is written to.
    let told = unsafe { get_info(link.as_fd(), first) }?;
    Ok(LinkInfo {
        link_type: LinkType(told.link_type),
        id: told.id,
        prog_id: told.prog_id,
        detail: detail(link, &told)?,
    })
}

fn detail(link: &LinkFd, told: &abi::LinkInfoUprobeMulti) -> Result<LinkDetail, Errno> {
    Ok(match LinkType(told.link_type) {
        LinkType::RAW_TRACEPOINT => raw_tracepoint(link, view(told))?,
        LinkType::TRACING => {
            let abi::LinkInfoTracing { attach_type, target_obj_id, target_btf_id, cookie, .. } = view(told);
            LinkDetail::Tracing { attach_type, target_obj_id, target_btf_id, cookie }
        }
        LinkType::CGROUP => {
            let abi::LinkInfoCgroup { cgroup_id, attach_type, .. } = view(told);
            LinkDetail::Cgroup { cgroup_id, attach_type }
        }
        LinkType::ITER => iter(link, view(told))?,
        LinkType::NETNS => {
            let abi::LinkInfoNetns { netns_ino, attach_type, .. } = view(told);
            LinkDetail::Netns { inode: netns_ino, attach_type }
        }
        LinkType::XDP => LinkDetail::Xdp { ifindex: view::<abi::LinkInfoXdp>(told).ifindex },
        LinkType::PERF_EVENT => LinkDetail::PerfEvent(perf_event(link, told)?),
        LinkType::KPROBE_MULTI => kprobe_multi(link, view(told))?,
        LinkType::STRUCT_OPS => LinkDetail::StructOps { map_id: view::<abi::LinkInfoStructOps>(told).map_id },
        LinkType::NETFILTER => {
            let abi::LinkInfoNetfilter { pf, hooknum, priority, flags, .. } = view(told);
            LinkDetail::Netfilter { family: pf, hook: hooknum, priority, flags }
        }
        LinkType::TCX => {
            let abi::LinkInfoTcx { ifindex, attach_type, .. } = view(told);
            LinkDetail::Tcx { ifindex, attach_type }
        }
        LinkType::UPROBE_MULTI => uprobe_multi(link, told)?,
        LinkType::NETKIT => {
            let abi::LinkInfoNetkit { ifindex, attach_type, .. } = view(told);
            LinkDetail::Netkit { ifindex, attach_type }
        }
        LinkType::SOCKMAP => {
            let abi::LinkInfoSockmap { map_id, attach_type, .. } = view(told);
            LinkDetail::Sockmap { map_id, attach_type }
        }
        _ => LinkDetail::Other,
    })
}

fn raw_tracepoint(link: &LinkFd, told: abi::LinkInfoRawTracepoint) -> Result<LinkDetail, Errno> {
    let mut name = vec![0; told.tp_name_len as usize];
    let asked = abi::LinkInfoRawTracepoint {
        tp_name: output(&mut name),
        tp_name_len: told.tp_name_len,
        ..Default::default()
    };
    // SAFETY: a link of this type; the name goes to a live buffer of the length told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    Ok(LinkDetail::RawTracepoint { name: text(name), cookie: told.cookie })
}

fn iter(link: &LinkFd, told: abi::LinkInfoIter) -> Result<LinkDetail, Errno> {
    let mut target = vec![0; told.target_name_len as usize];
    let asked = abi::LinkInfoIter {
        target_name: output(&mut target),
        target_name_len: told.target_name_len,
        ..Default::default()
    };
    // SAFETY: a link of this type; the name goes to a live buffer of the length told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    let target = text(target);
    let of_cgroups = target == b"cgroup";
    let of_tasks = target.starts_with(b"task");
    let task: abi::LinkInfoIterTask = view(&told);
    Ok(LinkDetail::Iter {
        map_id: told.map_id,
        cgroup_id: if of_cgroups { told.cgroup_id } else { 0 },
        order: if of_cgroups { told.order } else { 0 },
        tid: if of_tasks { task.tid } else { 0 },
        pid: if of_tasks { task.pid } else { 0 },
        target,
    })
}

fn kprobe_multi(link: &LinkFd, told: abi::LinkInfoKprobeMulti) -> Result<LinkDetail, Errno> {
    let mut addresses = vec![0; told.count as usize];
    let mut cookies = vec![0; told.count as usize];
    let asked = abi::LinkInfoKprobeMulti {
        addrs: output(&mut addresses),
        count: told.count,
        cookies: output(&mut cookies),
        ..Default::default()
    };
    // SAFETY: a link of this type; both lists go to live buffers of the count told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    Ok(LinkDetail::KprobeMulti { addresses, cookies, flags: told.flags, missed: told.missed })
}

fn uprobe_multi(link: &LinkFd, told: &abi::LinkInfoUprobeMulti) -> Result<LinkDetail, Errno> {
    let mut path = vec![0; told.path_size as usize];
    let [mut offsets, mut ref_ctr_offsets, mut cookies] = [(); 3].map(|()| vec![0; told.count as usize]);
    let asked = abi::LinkInfoUprobeMulti {
        path: output(&mut path),
        offsets: output(&mut offsets),
        ref_ctr_offsets: output(&mut ref_ctr_offsets),
        cookies: output(&mut cookies),
        path_size: told.path_size,
        count: told.count,
        ..Default::default()
    };
    // SAFETY: a link of this type; path and lists go to live buffers of the size and count told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    let (flags, pid) = (told.flags, told.pid);
    Ok(LinkDetail::UprobeMulti { path: text(path), offsets, ref_ctr_offsets, cookies, flags, pid })
}

fn perf_event(link: &LinkFd, told: &abi::LinkInfoUprobeMulti) -> Result<PerfEvent, Errno> {
    let kind = view::<abi::LinkInfoPerfEvent>(told).kind;
    match kind {
        1 | 2 => uprobe(link, view(told)),
        3 | 4 => kprobe(link, view(told)),
        5 => tracepoint(link, view(told)),
        6 => {
            let abi::LinkInfoEvent { config, event_type, cookie, .. } = view(told);
            Ok(PerfEvent::Event { config, event_type, cookie })
        }
        _ => Ok(PerfEvent::Other),
    }
}

fn uprobe(link: &LinkFd, told: abi::LinkInfoUprobe) -> Result<PerfEvent, Errno> {
    let mut file = vec![0; told.name_len as usize];
    let asked =
        abi::LinkInfoUprobe { file_name: output(&mut file), name_len: told.name_len, ..Default::default() };
    // SAFETY: a link of this type; the name goes to a live buffer of the length told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    let abi::LinkInfoUprobe { offset, cookie, ref_ctr_offset, .. } = told;
    Ok(PerfEvent::Uprobe { file: text(file), offset, cookie, ref_ctr_offset, on_return: told.kind == 2 })
}

fn kprobe(link: &LinkFd, told: abi::LinkInfoKprobe) -> Result<PerfEvent, Errno> {
    let mut function = vec![0; told.name_len as usize];
    let asked = abi::LinkInfoKprobe {
        func_name: output(&mut function),
        name_len: told.name_len,
        ..Default::default()
    };
    // SAFETY: a link of this type; the name goes to a live buffer of the length told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    let abi::LinkInfoKprobe { offset, addr: address, missed, cookie, .. } = told;
    Ok(PerfEvent::Kprobe {
        function: text(function),
        offset,
        address,
        missed,
        cookie,
        on_return: told.kind == 4,
    })
}

fn tracepoint(link: &LinkFd, told: abi::LinkInfoTracepoint) -> Result<PerfEvent, Errno> {
    let mut name = vec![0; told.name_len as usize];
    let asked =
        abi::LinkInfoTracepoint { tp_name: output(&mut name), name_len: told.name_len, ..Default::default() };
    // SAFETY: a link of this type; the name goes to a live buffer of the length told.
    let told = unsafe { get_info(link.as_fd(), asked) }?;
    Ok(PerfEvent::Tracepoint { name: text(name), cookie: told.cookie })
}

/// What stands before the first NUL.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// The same bytes as another record; what it has more is zero.
fn view<T: Plain>(record: &impl Plain) -> T {
    let bytes = as_bytes(record);
    let length = bytes.len().min(size_of::<T>());
    let mut other = T::default();
    // SAFETY: any bytes are a `T`, and `length` of them are within both.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut other).cast(), length) };
    other
}
