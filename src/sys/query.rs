//! What is attached where, and which program a descriptor of another process runs.
//!
//! Unsafe because the kernel writes ids and names through pointers in the attributes.

use super::abi::{self, AttachFlags, Command, QueryFlags};
use super::call::{call, count, output};
use super::prog::Target;
use crate::base::Errno;

/// What is asked of a place, and where the answers go.
///
/// Buffers after the first are empty or as long as the first at least.
#[derive(Debug)]
pub struct Attached<'a> {
    /// The place.
    pub target: Target<'a>,
    /// `enum bpf_attach_type`.
    pub attach_type: u32,
    /// How it is asked.
    pub flags: QueryFlags,
    /// Ids of the programs, in the order they run.
    pub programs: &'a mut [u32],
    /// What each was attached with (6.0).
    pub program_flags: &'a mut [u32],
    /// Ids of their links, 0 where there is none (6.6).
    pub links: &'a mut [u32],
    /// What each link was made with (6.6).
    pub link_flags: &'a mut [u32],
}

/// What is attached at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Programs there are; more than there was room for are not an error.
    pub count: u32,
    /// What a cgroup's programs were attached with.
    pub flags: AttachFlags,
    /// Counts changes; 0 where the kernel does not say (6.6; cgroups 6.17).
    pub revision: u64,
}

/// Asks what is attached at a place (`BPF_PROG_QUERY`, 4.15). Needs `CAP_NET_ADMIN`.
///
/// # Errors
/// The kernel's, `ENOSPC` excepted. `EINVAL` without a call where a later buffer is shorter than the first.
#[doc(alias = "BPF_PROG_QUERY")]
pub fn attached(query: &mut Attached<'_>) -> Result<Answer, Errno> {
    let mut attr = attached_attr(query)?;
    // SAFETY: live, exclusively borrowed buffers; the kernel writes at most `prog_cnt` numbers into each that is not null,
    // and none is shorter.
    match unsafe { call(Command::PROG_QUERY, &mut attr, size_of::<abi::ProgQuery>()) } {
        Ok(_) | Err(Errno::ENOSPC) => Ok(Answer {
            count: attr.prog_cnt,
            flags: AttachFlags::from_bits_retain(attr.attach_flags),
            revision: attr.revision,
        }),
        Err(error) => Err(error),
    }
}

fn attached_attr(query: &mut Attached<'_>) -> Result<abi::ProgQuery, Errno> {
    let room = query.programs.len();
    let fits = |buffer: &[u32]| buffer.is_empty() || buffer.len() >= room;
    if !(fits(query.program_flags) && fits(query.links) && fits(query.link_flags)) {
        return Err(Errno::EINVAL);
    }
    Ok(abi::ProgQuery {
        target_fd: query.target.number(),
        attach_type: query.attach_type,
        query_flags: query.flags.bits(),
        prog_ids: output(query.programs),
        prog_cnt: count(query.programs)?,
        prog_attach_flags: output(query.program_flags),
        link_ids: output(query.links),
        link_attach_flags: output(query.link_flags),
        ..Default::default()
    })
}

/// What a perf event or raw tracepoint of a process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFd {
    /// The program.
    pub prog_id: u32,
    /// `enum bpf_task_fd_type`: 0 raw tracepoint, 1 tracepoint, 2 kprobe, 3 kretprobe, 4 uprobe, 5 uretprobe.
    pub fd_type: u32,
    /// Bytes of the name, without its NUL; what did not fit is cut off.
    pub name_len: u32,
    /// Bytes from the start of the function or file.
    pub probe_offset: u64,
    /// The address probed, where it has no name.
    pub probe_addr: u64,
}

/// Asks which program descriptor `fd` of process `pid` runs, and writes what it is attached to, ended by a NUL, into `name`
/// (`BPF_TASK_FD_QUERY`, 4.18). Needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// The kernel's, `ENOSPC` excepted. `ENOENT`: no such process. `EBADF`: no such descriptor. `ENOTSUPP` (524): it runs none.
#[doc(alias = "BPF_TASK_FD_QUERY")]
pub fn task_fd(pid: u32, fd: u32, name: &mut [u8]) -> Result<TaskFd, Errno> {
    let mut attr =
        abi::TaskFdQuery { pid, fd, buf_len: count(name)?, buf: output(name), ..Default::default() };
    // SAFETY: a live, exclusively borrowed buffer of the length told, null where that is 0.
    match unsafe { call(Command::TASK_FD_QUERY, &mut attr, size_of::<abi::TaskFdQuery>()) } {
        Ok(_) | Err(Errno::ENOSPC) => Ok(TaskFd {
            prog_id: attr.prog_id,
            fd_type: attr.fd_type,
            name_len: attr.buf_len,
            probe_offset: attr.probe_offset,
            probe_addr: attr.probe_addr,
        }),
        Err(error) => Err(error),
    }
}
