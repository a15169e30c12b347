//! Loads an object: plan, execution, and an explanation when something fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::bpf::{Kernel, Open};
use super::explain;
use super::map::{Holders, LoadedConstant, Map, MapError, OnDrop, Queue, TypedMap, Variable};
use super::program::Program;
use super::rejection::Rejection;
use crate::base::{Endian, Errno};
use crate::btf::BtfType;
use crate::map::{MapDef, MapSource};
use crate::object::{Constant, Global, Object};
use crate::plan::{FdInfo, FdKind, Plan, PlanError, StepError};
use crate::sys::MapFd;
use crate::target::Target;

/// Loads `object` into the running kernel: plans for it, then executes the plan.
///
/// A trivial program takes one bpf(2) call, a map with timers and its program three.
///
/// # Errors
/// [`LoadError`]; then nothing stays behind, no pin either.
pub fn load(object: &Object) -> Result<Loaded, LoadError> {
    load_with(object, Inputs::new())
}

/// As [`load`], with what the caller supplies.
///
/// # Errors
/// [`LoadError`]; then nothing stays behind, no pin either.
pub fn load_with(object: &Object, inputs: Inputs) -> Result<Loaded, LoadError> {
    inputs.answer(object)?;
    let needs = object.needs();
    if needs.is_empty() && !needs.capabilities() {
        return load_anywhere(object, inputs);
    }
    let plan = plan_for_running(object)?;
    execute(&plan, inputs, object).map_err(|error| explain::step(object, &plan, error))
}

/// Loads what needs nothing of the running kernel to be known, with the newest commands there are. What release it tells is
/// asked for after a failure only: where that suggests older commands, these are tried.
fn load_anywhere(object: &Object, inputs: Inputs) -> Result<Loaded, LoadError> {
    static ANY: Target = Target::with_everything(Endian::NATIVE);
    let Ok(plan) = Plan::new(object, &ANY) else {
        return load_plan(object, &plan_for_running(object)?, inputs);
    };
    execute(&plan, inputs, object).or_else(|error| load_as_running(object, &plan, error))
}

#[cold]
fn load_as_running(object: &Object, failed: &Plan, error: StepError) -> Result<Loaded, LoadError> {
    let plan = plan_for_running(object)?;
    if plan.commands().eq(failed.commands()) {
        return Err(explain::step(object, &plan, error));
    }
    load_plan(object, &plan, Inputs::new())
}

#[cold]
fn plan_for_running(object: &Object) -> Result<Plan, LoadError> {
    let target = Target::running(object.needs()).map_err(LoadError::Target)?;
    Ok(Plan::new(object, &target)?)
}

/// Executes `plan`, which was made for `object`, with what the caller supplies.
///
/// # Errors
/// [`LoadError`]; then nothing stays behind, no pin either.
pub fn load_plan(object: &Object, plan: &Plan, inputs: Inputs) -> Result<Loaded, LoadError> {
    inputs.answer(object)?;
    execute(plan, inputs, object).map_err(|error| explain::step(object, plan, error))
}

fn execute(plan: &Plan, inputs: Inputs, object: &Object) -> Result<Loaded, StepError> {
    let mut kernel = Kernel::with_inputs(plan, inputs);
    plan.execute(&mut kernel)?;
    Ok(Loaded::collect(object, plan, kernel))
}

/// What the caller supplies: the maps that an object declares as [supplied](crate::map::MapSource::Supplied).
#[derive(Debug, Default)]
pub struct Inputs {
    maps: Vec<(String, Map)>,
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
        let name = name.into();
        self.maps.retain(|(other, _)| *other != name);
        self.maps.push((name, map));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    pub(super) fn into_maps(self) -> BTreeMap<String, MapFd> {
        self.maps.into_iter().map(|(name, map)| (name, map.into_fd())).collect()
    }

    /// Whether the object gets what it declares, and nothing else is there.
    fn answer(&self, object: &Object) -> Result<(), LoadError> {
        if self.maps.is_empty() && object.needs().is_empty() {
            return Ok(());
        }
        self.answer_needs(object)
    }

    fn answer_needs(&self, object: &Object) -> Result<(), LoadError> {
        let declared = |name: &str| object.map(name).filter(|map| map.source == MapSource::Supplied);
        if let Some(name) = self.maps.iter().map(|(name, _)| name).find(|name| declared(name).is_none()) {
            return Err(LoadError::NotWanted { map: name.clone() });
        }
        let declared = object.maps().iter().filter(|map| map.source == MapSource::Supplied);
        declared.into_iter().try_for_each(|map| match self.maps.iter().find(|(name, _)| *name == map.name) {
            Some((_, supplied)) => fits(map, supplied),
            None => Err(LoadError::NotSupplied { map: map.name.clone() }),
        })
    }
}

/// What programs go by: they are verified against the map that is there, not the one that was described.
fn fits(declared: &MapDef, supplied: &Map) -> Result<(), LoadError> {
    let shape = supplied.fd().shape();
    let attributes = [
        ("type", shape.map_type(), declared.kind.0),
        ("key_size", shape.key_size() as u32, declared.key_size),
        ("value_size", shape.value_size() as u32, declared.value_size),
    ];
    match attributes.into_iter().find(|(_, found, wanted)| found != wanted) {
        None => Ok(()),
        Some((attribute, found, wanted)) => {
            Err(LoadError::Unfit { map: declared.name.clone(), attribute, found, wanted })
        }
    }
}

/// An object in the kernel: owns the descriptors of its maps and programs.
///
/// Dropping it closes them. What something else refers to lives on: a map that is pinned, a program that is attached by a link,
/// that a timer calls. The *timers* of its maps do not: without a descriptor or a pin of their map they are cancelled, even
/// where an attached program goes on using the map. [`stopped_by_drop`](Self::stopped_by_drop) names the maps; keep the
/// `Loaded`, [take](Self::take_map) and keep the map, or [pin](Map::pin) it. To load and forget is a warning, here made an error:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # fn load(object: &bpfsmith::object::Object) -> Result<(), bpfsmith::kernel::LoadError> {
/// bpfsmith::kernel::load(object)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "dropping it closes its maps and programs, and stops the timers of its maps"]
pub struct Loaded {
    /// By name.
    maps: Vec<Map>,
    programs: Vec<Program>,
}

impl Loaded {
    fn collect(object: &Object, plan: &Plan, kernel: Kernel) -> Self {
        let mut maps = Vec::with_capacity(object.maps().len());
        let mut programs = Vec::with_capacity(object.programs().len());
        for (fd, open) in kernel.into_open() {
            match (plan.fd(fd), open) {
                (Some(FdInfo { kind: FdKind::Map, name }), Open::Map(fd)) => {
                    let holders = object.map(name).map(Holders::of).unwrap_or_default();
                    maps.push(Map::held(Arc::clone(name), fd, holders));
                }
                (Some(FdInfo { kind: FdKind::Program, name }), Open::Program(fd)) => {
                    programs.push(Program::new(Arc::clone(name), fd));
                }
                _ => {}
            }
        }
        maps.sort_unstable_by(|a: &Map, b| a.name().cmp(b.name()));
        programs.sort_unstable_by(|a: &Program, b| a.name().cmp(b.name()));
        Self { maps, programs }
    }

    fn find_map(&self, name: &str) -> Result<usize, usize> {
        self.maps.binary_search_by(|map| map.name().cmp(name))
    }

    fn find_program(&self, name: &str) -> Result<usize, usize> {
        self.programs.binary_search_by(|program| program.name().cmp(name))
    }

    /// The map `name`.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`].
    pub fn map(&self, name: &str) -> Result<&Map, LoadError> {
        let found = self.find_map(name).ok().and_then(|index| self.maps.get(index));
        found.ok_or_else(|| LoadError::NoSuch { what: "map", name: name.to_owned() })
    }

    /// The map `name` with Rust types for its keys and values.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`], or [`LoadError::Map`] where a size differs.
    pub fn typed_map<K: BtfType, V: BtfType>(&self, name: &str) -> Result<TypedMap<'_, K, V>, LoadError> {
        Ok(self.map(name)?.typed()?)
    }

    /// The queue or stack `name` with a Rust type for its values.
    ///
    /// # Errors
    /// As [`typed_map`](Self::typed_map).
    pub fn queue<V: BtfType>(&self, name: &str) -> Result<Queue<'_, V>, LoadError> {
        Ok(self.map(name)?.queue()?)
    }

    /// A global variable of the object.
    ///
    /// # Errors
    /// As [`typed_map`](Self::typed_map), of the map of its section.
    pub fn global<T: BtfType>(&self, global: Global<T>) -> Result<Variable<'_, T>, LoadError> {
        Ok(self.map(global.section().name())?.variable(global.offset())?)
    }

    /// A constant of the object.
    ///
    /// # Errors
    /// As [`typed_map`](Self::typed_map), of the map of its section.
    pub fn constant<T: BtfType>(&self, constant: Constant<T>) -> Result<LoadedConstant<'_, T>, LoadError> {
        Ok(self.map(constant.section().name())?.constant(constant.offset())?)
    }

    /// The program `name`.
    ///
    /// # Errors
    /// [`LoadError::NoSuch`].
    pub fn program(&self, name: &str) -> Result<&Program, LoadError> {
        let found = self.find_program(name).ok().and_then(|index| self.programs.get(index));
        found.ok_or_else(|| LoadError::NoSuch { what: "program", name: name.to_owned() })
    }

    /// Takes the map `name` out, to be owned by itself.
    #[must_use]
    pub fn take_map(&mut self, name: &str) -> Option<Map> {
        self.find_map(name).ok().map(|index| self.maps.remove(index))
    }

    /// Takes the program `name` out, to be owned by itself.
    #[must_use]
    pub fn take_program(&mut self, name: &str) -> Option<Program> {
        self.find_program(name).ok().map(|index| self.programs.remove(index))
    }

    /// The maps whose timers stop when this is dropped, by name: those with timers that no other handle and no pin is known to keep.
    ///
    /// # Errors
    /// As [`Map::on_drop`].
    pub fn stopped_by_drop(&self) -> Result<Vec<&Map>, MapError> {
        let mut stopped = Vec::new();
        for map in self.maps() {
            if map.on_drop()? == OnDrop::TimersStop {
                stopped.push(map);
            }
        }
        Ok(stopped)
    }

    /// The maps, by name.
    pub fn maps(&self) -> impl Iterator<Item = &Map> {
        self.maps.iter()
    }

    /// The programs, by name.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.programs.iter()
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
    #[error("map `{map}` has to be supplied by the caller (`Inputs::map`)")]
    NotSupplied {
        /// The map.
        map: String,
    },
    /// The caller supplied a map that the object does not declare as supplied.
    #[error("map `{map}` was supplied, and the object declares no such map as supplied")]
    NotWanted {
        /// The name it was supplied under.
        map: String,
    },
    /// The map that the caller supplied is not what the object declares.
    #[error("map `{map}`: the one supplied has {attribute} = {found}, the object declares {wanted}")]
    Unfit {
        /// The map.
        map: String,
        /// The member of `struct bpf_map_info` that differs.
        attribute: &'static str,
        /// What was supplied.
        found: u32,
        /// What is declared.
        wanted: u32,
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
    /// Whether the kernel did not permit it: EPERM from any command, most often for lack of a capability.
    #[must_use]
    pub fn is_not_permitted(&self) -> bool {
        match self {
            Self::Command { errno, .. } => *errno == Errno::EPERM,
            Self::Rejected(rejection) => rejection.errno() == Errno::EPERM,
            _ => false,
        }
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
