//! The simulator as a backend.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Backend, BackendError, Run};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::object::Object;
use crate::sim::{Input, Machine, MapError, RawMap, RunError, SimError};
use crate::target::Target;

/// An object in the simulator.
#[derive(Debug)]
pub struct Simulated {
    machine: Machine,
    closed: BTreeSet<String>,
}

impl Simulated {
    /// Loads an object into a simulator of the newest kernel, with one CPU.
    ///
    /// # Errors
    /// What the simulator does not have, or the kernel would not take.
    pub fn new(object: &Object) -> Result<Self, SimError> {
        Machine::new(object, &Target::simulated()).map(Self::from)
    }

    /// The machine.
    pub const fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn map(&mut self, map: &str) -> Result<RawMap<'_>, BackendError> {
        if self.closed.contains(map) {
            return Err(BackendError::NoMap(map.to_owned()));
        }
        self.machine.raw_map(map).map_err(of_map)
    }
}

impl From<Machine> for Simulated {
    fn from(machine: Machine) -> Self {
        Self { machine, closed: BTreeSet::new() }
    }
}

impl Backend for Simulated {
    fn name(&self) -> &'static str {
        "simulator"
    }

    fn run(&mut self, program: &str, input: &Input) -> Result<Run, BackendError> {
        let outcome = self.machine.run(program, input).map_err(of_run)?;
        Ok(Run { retval: outcome.retval, packet: outcome.packet, context: outcome.context })
    }

    fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.map(map)?.get(key).map_err(of_map)
    }

    fn update(&mut self, map: &str, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), BackendError> {
        self.map(map)?.update(key, value, flags).map_err(of_map)
    }

    fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, BackendError> {
        match self.map(map)?.delete(key) {
            Ok(()) => Ok(true),
            Err(MapError::Refused { errno: Errno::ENOENT, .. }) => Ok(false),
            Err(error) => Err(of_map(error)),
        }
    }

    fn close_map(&mut self, map: &str) -> Result<(), BackendError> {
        self.map(map)?;
        self.machine.close_map(map).map_err(of_run)?;
        self.closed.insert(map.to_owned());
        Ok(())
    }

    fn now(&self) -> Result<u64, BackendError> {
        Ok(self.machine.now())
    }

    fn wait(&mut self, time: Duration) -> Result<(), BackendError> {
        self.machine.advance(time).map(|_| ()).map_err(of_run)
    }

    fn printed(&self) -> Option<Vec<String>> {
        Some(self.machine.printed().to_vec())
    }
}

fn of_run(error: RunError) -> BackendError {
    match error {
        RunError::NoProgram(program) => BackendError::NoProgram(program),
        RunError::NoMap(map) => BackendError::NoMap(map),
        RunError::Input { program, errno } => {
            BackendError::Refused { what: format!("program `{program}`"), errno }
        }
        error => BackendError::other("a run", error),
    }
}

fn of_map(error: MapError) -> BackendError {
    match error {
        MapError::NoMap(map) => BackendError::NoMap(map),
        MapError::Refused { map, operation, errno } => {
            BackendError::Refused { what: format!("map `{map}`: {operation}"), errno }
        }
        error => BackendError::other("a map", error),
    }
}
