//! Opening perf events: what programs of kprobes, uprobes, tracepoints and counters are attached to.
//!
//! Unsafe because perf_event_open(2) reads its attributes, and the name in them, through pointers.

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::errno;
use crate::base::Errno;

/// A perf event to open (`struct perf_event_attr`).
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "perf_event_attr")]
pub struct Event<'a> {
    /// `PERF_TYPE_*`: 1 software, 2 tracepoint; or the number in `/sys/bus/event_source/devices/<source>/type`, which kprobes and uprobes
    /// have (4.17).
    pub event_type: u32,
    /// Which event: `PERF_COUNT_SW_*`, a tracepoint's number, or for probes 1 at the return and 0 at the entry.
    pub config: u64,
    /// After how many events, or how many nanoseconds of a clock, it overflows; 0 never.
    pub sample_period: u64,
    /// `kprobe_func` or `uprobe_path`: the function or file that is probed.
    pub name: Option<&'a CStr>,
    /// `probe_offset`: bytes from the beginning of the function or file.
    pub offset: u64,
    /// What it counts.
    pub of: Scope,
}

/// What a perf event counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The calling thread, wherever it runs.
    #[default]
    ThisThread,
    /// One thread, wherever it runs; a probe's program runs for its whole process.
    Thread(u32),
    /// Everything on one CPU. The program of a probe or tracepoint runs on all, whichever is named.
    Cpu(u32),
}

impl Scope {
    /// `pid` and `cpu` of the call.
    fn parts(self) -> Result<(i32, i32), Errno> {
        let signed = |number: u32| i32::try_from(number).map_err(|_| Errno::EINVAL);
        Ok(match self {
            Self::ThisThread => (0, -1),
            Self::Thread(tid) => (signed(tid)?, -1),
            Self::Cpu(cpu) => (-1, signed(cpu)?),
        })
    }
}

/// `struct perf_event_attr` as far as it went in 2.6.33 (`PERF_ATTR_SIZE_VER1`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Attributes {
    event_type: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
    config2: u64,
}

const SIZE: u32 = 72;
const _: () = assert!(size_of::<Attributes>() == SIZE as usize);

/// `PERF_FLAG_FD_CLOEXEC`
const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;

/// Opens a perf event, which counts at once (perf_event_open(2), 2.6.31).
///
/// # Errors
/// The kernel's. `EACCES`, `EPERM`: `CAP_PERFMON` is missing; `ENOENT`: no such event, function or file; `EINVAL`.
#[doc(alias = "perf_event_open")]
pub fn open(event: &Event<'_>) -> Result<OwnedFd, Errno> {
    let (pid, cpu) = event.of.parts()?;
    let attributes = Attributes {
        event_type: event.event_type,
        size: SIZE,
        config: event.config,
        sample_period: event.sample_period,
        config1: event.name.map_or(0, |name| name.as_ptr() as u64),
        config2: event.offset,
        ..Attributes::default()
    };
    let no_group: RawFd = -1;
    // SAFETY: live attributes of the size they tell, with a live string or nothing behind their only pointer; the kernel
    // only reads both.
    let result = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attributes, pid, cpu, no_group, CLOSE_ON_EXEC)
    };
    let fd = RawFd::try_from(result).map_err(|_| Errno::EINVAL)?;
    if fd < 0 {
        return Err(errno::last());
    }
    // SAFETY: the call gave this descriptor just now, to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
