//! Object and target in, bpf(2) commands as data out: a pure function.

mod body;
mod build;
mod command;
mod display;
mod error;
mod execute;
mod fd;
mod reply;
mod require;

pub use command::*;
pub use error::PlanError;
pub use execute::{Bpf, StepError};
pub use fd::{Fd, FdInfo, FdKind};
pub use reply::*;

use std::sync::Arc;

use crate::base::{Endian, KernelVersion};
use crate::object::Object;
use crate::target::{Called, Subject, Target};

/// The bpf(2) commands that load an object, in order, over symbolic descriptors.
///
/// The same object and target give the same plan, byte for byte. `{}` prints it with blobs as length
/// and hash, `{:#}` in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    name: Arc<str>,
    target: Called,
    endian: Endian,
    fds: Vec<FdInfo>,
    steps: Vec<Step>,
}

/// One command of a plan, and when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The command.
    pub command: Command,
    /// When it is made.
    pub when: When,
    /// What a map that is asked for its shape has to be.
    pub wanted: Option<MapShape>,
    /// What it takes for granted without knowing: asked after it failed, never before.
    pub assumptions: Vec<Assumption>,
}

/// When a step is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Always.
    Always,
    /// When the pin behind this descriptor was found.
    Found(Fd),
    /// When nothing was pinned there.
    Missing(Fd),
}

/// Something a command uses that the target was not known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What is used.
    pub subject: Subject,
    /// The release it came with.
    pub since: KernelVersion,
}

impl Plan {
    /// Plans the load of `object` into `target`.
    ///
    /// # Errors
    /// What the target is known to lack, and what the object needs and the target does not answer,
    /// by name and Rust line.
    pub fn new(object: &Object, target: &Target) -> Result<Self, PlanError> {
        build::plan(object, target)
    }

    /// The name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The byte order of its instructions and data.
    #[must_use]
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// What its descriptors will refer to, by [`Fd::index`].
    #[must_use]
    pub fn fds(&self) -> &[FdInfo] {
        &self.fds
    }

    /// The name behind a descriptor.
    #[must_use]
    pub fn fd(&self, fd: Fd) -> Option<&FdInfo> {
        self.fds.get(fd.index())
    }

    /// Its steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Its commands, in order; those that depend on a pin among them.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.steps.iter().map(|step| &step.command)
    }

    /// Descriptors that are of no use once everything is loaded.
    fn temporary(&self) -> impl Iterator<Item = Fd> {
        let of_no_use =
            |info: &FdInfo| matches!(info.kind, FdKind::Btf | FdKind::ModuleBtf | FdKind::InnerMap);
        (0u32..).zip(&self.fds).filter(move |(_, info)| of_no_use(info)).map(|(index, _)| Fd(index))
    }
}
