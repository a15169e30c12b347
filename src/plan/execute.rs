//! Carries a plan out, command by command, through anything that can call bpf(2) or pretends to.

use thiserror::Error;

use super::{Command, Failure, Fd, Info, Log, MapShape, ObjPin, Plan, Reply, Step, When};
use crate::base::Errno;
use crate::base::flags::LogLevel;

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

    /// Removes a pin that a plan made before it failed.
    fn unpin(&mut self, pin: &ObjPin);
}

/// A step of a plan that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StepError {
    /// A command failed.
    #[error("step {}: {}", step + 1, failure.errno)]
    Failed {
        /// Which of [`Plan::steps`].
        step: usize,
        /// How; the errno is that of the first attempt.
        failure: Failure,
    },
    /// A pinned map is not what the object wants.
    #[error("step {}: the map that is pinned there is another one", step + 1)]
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
/// How often a call is made again when a signal is pending.
const RETRIES: usize = 5;

impl Plan {
    /// Carries the plan out. A load that works makes the calls the plan shows and no others; one that
    /// fails is repeated with a log, so that the failure can be explained.
    ///
    /// # Errors
    /// The first step that failed. Every descriptor and pin that earlier steps made is gone by then.
    pub fn execute(&self, bpf: &mut impl Bpf) -> Result<(), StepError> {
        let mut run = Run { plan: self, missing: Vec::new() };
        for (index, step) in self.steps.iter().enumerate() {
            if let Err(error) = run.step(bpf, index, step) {
                run.undo(bpf, &error);
                return Err(error);
            }
        }
        self.temporary().for_each(|fd| bpf.close(fd));
        Ok(())
    }
}

/// A plan that is being carried out.
struct Run<'a> {
    plan: &'a Plan,
    /// The pins that were not there.
    missing: Vec<Fd>,
}

impl<'a> Run<'a> {
    fn step(&mut self, bpf: &mut impl Bpf, index: usize, step: &'a Step) -> Result<(), StepError> {
        if !self.applies(step.when) {
            return Ok(());
        }
        match call(bpf, &step.command) {
            Ok(reply) => compare(index, step, &reply),
            Err(failure) => self.failed(index, step, failure),
        }
    }

    #[cold]
    fn failed(&mut self, index: usize, step: &Step, failure: Failure) -> Result<(), StepError> {
        let missing = may_be_missing(&step.command, &failure);
        self.missing.push(missing.ok_or(StepError::Failed { step: index, failure })?);
        Ok(())
    }

    fn applies(&self, when: When) -> bool {
        let is_missing = |fd: Fd| self.missing.contains(&fd);
        match when {
            When::Always => true,
            When::Found(fd) => !is_missing(fd),
            When::Missing(fd) => is_missing(fd),
        }
    }

    /// The last first: a pin before the descriptor it was made from.
    #[cold]
    fn undo(&self, bpf: &mut impl Bpf, error: &StepError) {
        let done = match *error {
            StepError::Failed { step, .. } => step,
            // The question worked, it is the answer that is wrong.
            StepError::Incompatible { step, .. } => step + 1,
        };
        for command in self.plan.steps.iter().take(done).rev().filter(|step| self.was_made(step)) {
            let command = &command.command;
            if let Command::ObjPin(pin) = command {
                bpf.unpin(pin);
            }
            if let Some(fd) = command.out().filter(|&fd| self.plan.fd(fd).is_some()) {
                bpf.close(fd);
            }
        }
    }

    /// Whether a step before the one that failed was made, and worked.
    fn was_made(&self, step: &Step) -> bool {
        let found = match &step.command {
            Command::ObjGet(get) => !self.missing.contains(&get.out),
            _ => true,
        };
        found && self.applies(step.when)
    }
}

fn may_be_missing(command: &Command, failure: &Failure) -> Option<Fd> {
    match command {
        Command::ObjGet(get) if failure.errno == Errno::ENOENT => Some(get.out),
        _ => None,
    }
}

fn compare(index: usize, step: &Step, reply: &Reply) -> Result<(), StepError> {
    match (step.wanted, reply) {
        (Some(wanted), Reply::Info(Info::Map(map))) if map.shape.difference(wanted).is_some() => {
            Err(StepError::Incompatible { step: index, found: map.shape, wanted })
        }
        _ => Ok(()),
    }
}

fn call(bpf: &mut impl Bpf, command: &Command) -> Result<Reply, Failure> {
    patiently(bpf, command).or_else(|first| with_log(bpf, command, first))
}

#[cold]
fn with_log(bpf: &mut impl Bpf, command: &Command, first: Failure) -> Result<Reply, Failure> {
    match command.log() {
        None => Err(first),
        Some(log) if log.level.is_empty() => {
            explain(bpf, command, first.errno, Log { level: LogLevel::ERRORS, size: FIRST_LOG })
        }
        Some(log) => match grown(log, &first) {
            Some(larger) => explain(bpf, command, first.errno, larger),
            None => Err(first),
        },
    }
}

/// EAGAIN means that a signal interrupted the verifier.
fn patiently(bpf: &mut impl Bpf, command: &Command) -> Result<Reply, Failure> {
    let mut last = bpf.call(command);
    for _ in 0..RETRIES {
        match &last {
            Err(failure) if failure.errno == Errno::EAGAIN => last = bpf.call(command),
            _ => break,
        }
    }
    last
}

/// Repeats a failed load with a log, larger until all of it fits. The errno stays that of the first attempt: a repetition may
/// fail for lack of room only.
fn explain(bpf: &mut impl Bpf, command: &Command, errno: Errno, mut log: Log) -> Result<Reply, Failure> {
    loop {
        let failure = match patiently(bpf, &command.with_log(log)) {
            // It works now: whatever was in the way is gone.
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        match grown(log, &failure) {
            Some(larger) => log = larger,
            None => return Err(Failure { errno, ..failure }),
        }
    }
}

/// The log that would have been large enough, as far as is known: what the kernel said (since 6.4), else twice as much.
fn grown(log: Log, failure: &Failure) -> Option<Log> {
    if failure.errno != Errno::ENOSPC {
        return None;
    }
    let size = match failure.log_true_size {
        0 => log.size.saturating_mul(2).max(FIRST_LOG),
        true_size => true_size,
    };
    let size = size.min(LARGEST_LOG);
    (size > log.size).then_some(Log { size, ..log })
}
