//! Carries a plan out, command by command, through anything that can call bpf(2) or pretends to.

use super::{Command, Fd, Log, Plan, Step, When};
use crate::base::Errno;

/// Whatever carries out bpf(2) commands: the kernel, a dry run, a test that injects faults.
///
/// It keeps the descriptors commands give, under their symbolic names.
pub trait Bpf {
    /// Carries out one command.
    ///
    /// # Errors
    /// The errno, and what the kernel wrote to its log where one was asked for.
    fn call(&mut self, command: &Command) -> Result<Reply, Failure>;

    /// Closes a descriptor that is of no further use.
    fn close(&mut self, fd: Fd);
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing, or a descriptor that is now kept under its symbolic name.
    Done,
    /// The shape of a map.
    Map(MapShape),
}

/// What `BPF_OBJ_GET_INFO_BY_FD` says of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// `type`.
    pub kind: u32,
    /// `key_size`, in bytes.
    pub key_size: u32,
    /// `value_size`, in bytes.
    pub value_size: u32,
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: u32,
}

impl MapShape {
    /// The first member that differs from what is `wanted`: its name, what was found, what is wanted.
    #[must_use]
    pub fn difference(self, wanted: Self) -> (&'static str, u32, u32) {
        let members = [
            ("type", self.kind, wanted.kind),
            ("key_size", self.key_size, wanted.key_size),
            ("value_size", self.value_size, wanted.value_size),
            ("max_entries", self.max_entries, wanted.max_entries),
        ];
        let differs = |&(_, found, wanted): &(&str, u32, u32)| found != wanted;
        members.into_iter().find(differs).unwrap_or(("map_flags", self.flags, wanted.flags))
    }
}

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub errno: Errno,
    /// The kernel's log, without its NUL; any bytes.
    pub log: Vec<u8>,
    /// How large the log would have been, where the kernel tells (6.4).
    pub log_true_size: u32,
}

impl Failure {
    /// A failure without a log.
    #[must_use]
    pub const fn of(errno: Errno) -> Self {
        Self { errno, log: Vec::new(), log_true_size: 0 }
    }
}

/// A step of a plan that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepError {
    /// A command failed.
    Failed {
        /// Which of [`Plan::steps`].
        step: usize,
        /// How; the errno is that of the first attempt.
        failure: Failure,
    },
    /// A pinned map is not what the object wants.
    Incompatible {
        /// Which of [`Plan::steps`].
        step: usize,
        /// What was found.
        found: MapShape,
        /// What is wanted.
        wanted: MapShape,
    },
}

/// The first log buffer of a failed load, in bytes: most logs fit.
const FIRST_LOG: u32 = 1 << 20;
/// The largest log buffer kernels take (`UINT_MAX >> 2`; before 5.13 `UINT_MAX >> 8`).
const LARGEST_LOG: u32 = u32::MAX >> 8;
/// How often a load is begun when a signal is pending.
const ATTEMPTS: usize = 5;

impl Plan {
    /// Carries the plan out. A load that works makes the calls the plan shows and no others; one that
    /// fails is repeated with a log, so that the failure can be explained.
    ///
    /// # Errors
    /// The first step that failed. What earlier steps made stays with `bpf`, which drops it.
    pub fn execute(&self, bpf: &mut impl Bpf) -> Result<(), StepError> {
        let mut missing = vec![false; self.fds.len()];
        for (index, step) in self.steps.iter().enumerate() {
            if !step.applies(&missing) {
                continue;
            }
            match call(bpf, &step.command) {
                Ok(Reply::Map(found)) => step.compare(index, found)?,
                Ok(Reply::Done) => {}
                Err(failure) => match step.may_be_missing(&failure) {
                    Some(fd) => missing[fd.index()] = true,
                    None => return Err(StepError::Failed { step: index, failure }),
                },
            }
        }
        self.temporary().for_each(|fd| bpf.close(fd));
        Ok(())
    }
}

impl Step {
    fn applies(&self, missing: &[bool]) -> bool {
        let is_missing = |fd: Fd| missing.get(fd.index()).copied().unwrap_or(false);
        match self.when {
            When::Always => true,
            When::Found(fd) => !is_missing(fd),
            When::Missing(fd) => is_missing(fd),
        }
    }

    fn may_be_missing(&self, failure: &Failure) -> Option<Fd> {
        match &self.command {
            Command::ObjGet(get) if failure.errno == Errno::ENOENT => Some(get.out),
            _ => None,
        }
    }

    fn compare(&self, step: usize, found: MapShape) -> Result<(), StepError> {
        match self.wanted {
            Some(wanted) if wanted != found => Err(StepError::Incompatible { step, found, wanted }),
            _ => Ok(()),
        }
    }
}

fn call(bpf: &mut impl Bpf, command: &Command) -> Result<Reply, Failure> {
    let first = match patiently(bpf, command) {
        Ok(reply) => return Ok(reply),
        Err(failure) => failure,
    };
    if !first.log.is_empty() || command.log().is_none() {
        return Err(first);
    }
    explain(bpf, command, first)
}

/// EAGAIN means that a signal interrupted the verifier.
fn patiently(bpf: &mut impl Bpf, command: &Command) -> Result<Reply, Failure> {
    let mut last = bpf.call(command);
    for _ in 1..ATTEMPTS {
        match &last {
            Err(failure) if failure.errno == Errno::EAGAIN => last = bpf.call(command),
            _ => break,
        }
    }
    last
}

/// Repeats a failed load with a log, larger and larger until all of it fits.
fn explain(bpf: &mut impl Bpf, command: &Command, first: Failure) -> Result<Reply, Failure> {
    let mut size = FIRST_LOG;
    loop {
        let failure = match patiently(bpf, &command.with_log(Log { level: 1, size })) {
            // It works now: whatever was in the way is gone.
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        let larger = match failure.log_true_size {
            0 => size.saturating_mul(2),
            true_size => true_size,
        };
        if failure.errno != Errno::ENOSPC || larger <= size || size >= LARGEST_LOG {
            return Err(Failure { errno: first.errno, ..failure });
        }
        size = larger.min(LARGEST_LOG);
    }
}

impl Command {
    /// The log settings of a command that can have a log.
    #[must_use]
    pub fn log(&self) -> Option<Log> {
        match self {
            Self::ProgLoad(load) => Some(load.log),
            Self::BtfLoad(load) => Some(load.log),
            _ => None,
        }
    }

    /// The same command with other log settings; unchanged where it has none.
    #[must_use]
    pub fn with_log(&self, log: Log) -> Self {
        let mut command = self.clone();
        match &mut command {
            Self::ProgLoad(load) => load.log = log,
            Self::BtfLoad(load) => load.log = log,
            _ => {}
        }
        command
    }
}
