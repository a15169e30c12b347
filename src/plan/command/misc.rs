//! Statistics, tokens, and the programs behind other processes' descriptors.

use super::{Attributes, Show};
use crate::plan::Fd;

/// Attributes of `BPF_ENABLE_STATS` (since 5.8): runs and time of all programs are counted while the descriptor is open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_ENABLE_STATS")]
#[doc(alias = "BPF_STATS_RUN_TIME")]
pub struct EnableStats {
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for EnableStats {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.word("enable_stats.type", "BPF_STATS_RUN_TIME");
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// Attributes of `BPF_TOKEN_CREATE` (since 6.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_TOKEN_CREATE")]
pub struct TokenCreate {
    /// `token_create.bpffs_fd`.
    pub bpffs: Fd,
    /// The descriptor it gives.
    pub out: Fd,
}

impl Attributes for TokenCreate {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("token_create.bpffs_fd", self.bpffs);
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// Attributes of `BPF_TASK_FD_QUERY` (since 4.18): which program a perf event or raw tracepoint of a process runs. The answer
/// is [`Reply::TaskFd`](crate::plan::Reply::TaskFd).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_TASK_FD_QUERY")]
pub struct TaskFdQuery {
    /// `task_fd_query.pid`.
    pub pid: u32,
    /// `task_fd_query.fd`: the number of a descriptor of that process.
    pub fd: u32,
    /// `task_fd_query.buf_len`: how many bytes of the name there is room for, its NUL included.
    pub room: u32,
}

impl Attributes for TaskFdQuery {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.number("task_fd_query.pid", self.pid);
        show.word("task_fd_query.fd", self.fd);
        show.number("task_fd_query.buf_len", self.room);
    }
}
