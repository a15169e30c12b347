//! What happened to timers, in order.

/// Something that happened to a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerEvent {
    /// `bpf_timer_init` made it ready.
    Initialised,
    /// `bpf_timer_set_callback` gave it a function.
    CallbackSet,
    /// `bpf_timer_start` armed it for this time of its clock, in nanoseconds.
    Armed(i64),
    /// `bpf_timer_start` moved it to this time.
    Moved(i64),
    /// Its time came, and its function was called.
    Fired,
    /// Its time came, and it had no function.
    Lapsed,
    /// `bpf_timer_cancel` took its function away; whether it was armed.
    Cancelled(bool),
    /// Its element went, or its map's last user.
    Freed,
}

/// Which timer it was: an element may be gone by the time somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The map it was in, by number.
    pub(super) map: u32,
    /// The key of its element.
    pub(super) key: Box<[u8]>,
}

/// What happened, and to which timers. Nothing is kept of timers that nothing happened to.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) known: Vec<Known>,
    pub(super) moments: Vec<Moment>,
}

/// One entry of the timeline, in the machine's own terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Monotonic time, in nanoseconds.
    pub(super) time: u64,
    pub(super) cpu: u32,
    /// The op that did it; none where user space or the clock did.
    pub(super) op: Option<usize>,
    /// Which timer, in the order they were initialised.
    pub(super) timer: usize,
    pub(super) event: TimerEvent,
}
