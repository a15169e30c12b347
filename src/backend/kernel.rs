//! The running kernel as a backend.

use std::time::Duration;

use super::{Backend, BackendError, Input, Run};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::kernel::{self, LoadError, Loaded, Map, MapError, ProgramError, TestRun};
use crate::object::Object;
use crate::sys::host;

/// An object in the running kernel.
#[derive(Debug)]
pub struct Kernel {
    loaded: Loaded,
}

impl Kernel {
    /// Loads an object.
    ///
    /// # Errors
    /// As [`load`](kernel::load).
    pub fn new(object: &Object) -> Result<Self, LoadError> {
        kernel::load(object).map(Self::from)
    }

    /// What was loaded.
    pub const fn loaded(&mut self) -> &mut Loaded {
        &mut self.loaded
    }

    fn map(&self, map: &str) -> Result<&Map, BackendError> {
        self.loaded.map(map).map_err(|_| BackendError::NoMap(map.to_owned()))
    }
}

impl From<Loaded> for Kernel {
    fn from(loaded: Loaded) -> Self {
        Self { loaded }
    }
}

impl Backend for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn run(&mut self, program: &str, input: &Input) -> Result<Run, BackendError> {
        let program =
            self.loaded.program(program).map_err(|_| BackendError::NoProgram(program.to_owned()))?;
        let (packet, context) = input.parts();
        let input = TestRun::new().data(packet.unwrap_or_default()).context(context);
        let outcome = program.test_run(&input).map_err(of_program)?;
        Ok(Run { retval: outcome.retval, packet: outcome.data, context: outcome.context })
    }

    fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        let map = self.map(map)?;
        let mut value = vec![0; map.value_size() * map.values_per_key()];
        Ok(map.lookup(key, &mut value).map_err(of_map)?.then_some(value))
    }

    fn update(&mut self, map: &str, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), BackendError> {
        self.map(map)?.update(key, value, flags).map_err(of_map)
    }

    fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.map(map)?.delete(key).map_err(of_map)
    }

    fn close_map(&mut self, map: &str) -> Result<(), BackendError> {
        self.loaded.take_map(map).map(drop).ok_or_else(|| BackendError::NoMap(map.to_owned()))
    }

    fn now(&self) -> Result<u64, BackendError> {
        let time = host::monotonic().map_err(|errno| refused("clock_gettime", errno))?;
        Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    fn wait(&mut self, time: Duration) -> Result<(), BackendError> {
        std::thread::sleep(time);
        Ok(())
    }

    fn printed(&self) -> Option<Vec<String>> {
        None
    }
}

fn refused(what: impl Into<String>, errno: Errno) -> BackendError {
    BackendError::Refused { what: what.into(), errno }
}

fn of_program(error: ProgramError) -> BackendError {
    refused(format!("program `{}`: {}", error.program, error.operation), error.errno)
}

fn of_map(error: MapError) -> BackendError {
    match error {
        MapError::Kernel { map, operation, errno } => refused(format!("map `{map}`: {operation}"), errno),
        error => BackendError::other("a map", error),
    }
}
