//! What a CPU does in a concurrent run, and what it could do next.

use std::collections::VecDeque;

use super::{Level, TaskResult};
use crate::sim::timers::Due;

/// What can happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// The function of a timer that is due begins.
    Interrupt(u32),
    /// The next task begins.
    Begin(u32),
    /// What runs goes on.
    Resume(u32, Level),
}

/// What a CPU does.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Tasks that have not begun.
    pub(super) queue: VecDeque<usize>,
    pub(super) task: Option<usize>,
    /// What user space's call gave; it may still have to wait.
    pub(super) result: Option<TaskResult>,
    pub(super) waited: bool,
    /// The timer whose function runs.
    pub(super) callback: Option<Due>,
    /// What that function returned, if it has.
    pub(super) returned: Option<u64>,
    /// Whether it waits for another CPU to come further.
    pub(super) stalled: [bool; 2],
}

impl Side {
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.task.is_none() && self.callback.is_none()
    }
}
