//! Loads an object: plan, execution, and an explanation when something fails.

use std::collections::BTreeMap;

use thiserror::Error;

use super::bpf::{Kernel, Open};
use super::explain;
use super::map::{Map, MapError, TypedMap};
use super::program::Program;
use super::rejection::Rejection;
use crate::base::Errno;
use crate::btf::BtfType;
use crate::object::{Need, Object};
use crate::plan::{FdKind, Plan, PlanError};
use crate::sys::MapFd;
use crate::target::Target;

/// Loads `object` into the running kernel: plans for it, then executes the plan.
///
/// A trivial program takes one bpf(2) call, a map with timers and its program three.
///
/// # Errors
/// [`LoadError`]; then nothing stays behind, no pin either.
pub fn load(object: &Object) -> Result<Loaded, LoadError> {
    let target = Target::running(&object.needs()).map_err(LoadError::Target)?;
    let plan = Plan::new(object, &target)?;
    load_plan(object, &plan, Inputs::new())
}

/// Executes `plan`, which was made for `object`, with what the caller supplies.
///
/// # Errors
/// [`LoadError`]; then nothing stays behind, no pin either.
pub fn load_plan(object: &Object, plan: &Plan, inputs: Inputs) -> Result<Loaded, LoadError> {
    inputs.answer(object)?;
    let mut kernel = Kernel::with_inputs(plan, inputs);
    match plan.execute(&mut kernel) {
        Ok(()) => Ok(Loaded::collect(plan, &mut kernel)),
        Err(error) => Err(explain::step(object, plan, error)),
    }
}

/// What the caller supplies: the maps that an object declares as [supplied](crate::map::MapSource::Supplied).
#[derive(Debug, Default)]
pub struct Inputs {
    maps: BTreeMap<String, Map>,
}

impl Inputs {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The map that stands for `name`.
    #[must_use]
    pub fn map(mut self, name: impl Into<String>, map: Map) -> Self {
        self.maps.insert(name.into(), map);
        self
    }

    pub(super) fn into_maps(self) -> BTreeMap<String, MapFd> {
        self.maps.into_iter().map(|(name, map)| (name, map.into_fd())).collect()
    }

    fn answer(&self, object: &Object) -> Result<(), LoadError> {
        let needs = object.needs();
        let missing = needs.iter().find_map(|(need, _)| match need {
            Need::SuppliedMap(name) if !self.maps.contains_key(name) => Some(name.clone()),
            _ => None,
        });
        missing.map_or(Ok(()), |map| Err(LoadError::NotSupplied { map }))
    }
}

/// An object in the kernel: owns the descriptors of its maps and programs.
#[derive(Debug, Default)]
pub struct Loaded {
    maps: BTreeMap<String, Map>,
    programs: BTreeMap<String, Program>,
}

impl Loaded {
    fn collect(plan: &Plan, kernel: &mut Kernel) -> Self {
        let mut loaded = Self::default();
        for (index, info) in (0u32..).zip(plan.fds()) {
            let open = kernel.take(crate::plan::Fd::at(index));
            match (info.kind, open) {
                (FdKind::Map, Some(Open::Map(fd))) => {
                    loaded.maps.insert(info.name.clone(), Map::new(&info.name, fd));
                }
                (FdKind::Program, Some(Open::Program(fd))) => {
                    loaded.programs.insert(info.name.clone(), Program::new(&info.name, fd));
                }
                _ => {}
            }
        }
        loaded
    }

    /// The map `name`.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`].
    pub fn map(&self, name: &str) -> Result<&Map, LoadError> {
        self.maps.get(name).ok_or_else(|| LoadError::NoSuch { what: "map", name: name.to_owned() })
    }

    /// The map `name` with Rust types for its keys and values.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`], or [`LoadError::Map`] where a size differs.
    pub fn typed_map<K: BtfType, V: BtfType>(&self, name: &str) -> Result<TypedMap<'_, K, V>, LoadError> {
        Ok(self.map(name)?.typed()?)
    }

    /// The program `name`.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`].
    pub fn program(&self, name: &str) -> Result<&Program, LoadError> {
        self.programs.get(name).ok_or_else(|| LoadError::NoSuch { what: "program", name: name.to_owned() })
    }

    /// Takes the map `name` out, to be owned by itself.
    #[must_use]
    pub fn take_map(&mut self, name: &str) -> Option<Map> {
        self.maps.remove(name)
    }

    /// Takes the program `name` out, to be owned by itself.
    #[must_use]
    pub fn take_program(&mut self, name: &str) -> Option<Program> {
        self.programs.remove(name)
    }

    /// The maps, by name.
    pub fn maps(&self) -> impl Iterator<Item = &Map> {
        self.maps.values()
    }

    /// The programs, by name.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.programs.values()
    }
}

/// Why an object could not be loaded.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The running kernel could not be asked what the object needs to know.
    #[error("reading the running kernel: {0}")]
    Target(super::running::TargetError),
    /// It could not be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The verifier refused a program.
    #[error(transparent)]
    Rejected(Box<Rejection>),
    /// A command failed.
    #[error("{command} of {what}: {errno}{}", Explained(cause, assumed))]
    Command {
        /// The kernel's name of the command.
        command: &'static str,
        /// The map, program or BTF it was for.
        what: String,
        /// What bpf(2) returned at the first attempt.
        errno: Errno,
        /// The likely cause.
        cause: Option<String>,
        /// What the command used and the kernel turned out not to have.
        assumed: Box<[String]>,
        /// The kernel's log, where it wrote one; any bytes.
        log: Box<[u8]>,
    },
    /// A map is pinned where the object wants another.
    #[error("map `{map}`: `{path}` is pinned with {attribute} = {found}, the object wants {wanted}")]
    Incompatible {
        /// The map.
        map: String,
        /// Where it is pinned.
        path: String,
        /// The member of `struct bpf_map_info` that differs.
        attribute: &'static str,
        /// What was found.
        found: u32,
        /// What is wanted.
        wanted: u32,
    },
    /// The caller did not supply a map.
    #[error("map `{map}` has to be supplied by the caller")]
    NotSupplied {
        /// The map.
        map: String,
    },
    /// A name that the object does not have.
    #[error("no {what} `{name}` was loaded")]
    NoSuch {
        /// `map` or `program`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// An operation on a map.
    #[error(transparent)]
    Map(#[from] MapError),
}

impl LoadError {
    /// Whether a capability was missing: EPERM from any command.
    #[must_use]
    pub fn is_not_permitted(&self) -> bool {
        matches!(self, Self::Command { errno: Errno::EPERM, .. })
    }

    /// What the verifier said, where it was the verifier.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// Appends causes to a message.
struct Explained<'a>(&'a Option<String>, &'a [String]);

impl std::fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(cause) = self.0 {
            write!(f, ": {cause}")?;
        }
        self.1.iter().try_for_each(|assumed| write!(f, "; the kernel lacks {assumed}"))
    }
}
