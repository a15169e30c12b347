//! One scenario, run in the simulator and in the kernel: what both can do, under one name.
//!
//! ```
//! use std::time::Duration;
//!
//! use bpfsmith::asm::{Assembler, Reg::R0};
//! use bpfsmith::backend::{Backend, Input, Simulated};
//! use bpfsmith::{ObjectBuilder, ProgramKind, ProgramSpec};
//!
//! fn scenario(backend: &mut dyn Backend) -> Result<u32, bpfsmith::backend::BackendError> {
//!     let answer = backend.run("answer", &Input::empty())?.retval;
//!     backend.wait(Duration::from_millis(1))?;
//!     Ok(answer)
//! }
//!
//! let mut object = ObjectBuilder::new("answer");
//! object.add_program(ProgramSpec::new("answer", ProgramKind::SYSCALL), Assembler::new().mov(R0, 42).exit().finish());
//! assert_eq!(scenario(&mut Simulated::new(&object.finish()?)?)?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `kernel`, `Kernel` is the other implementation. What only one of them has is reached through it: the
//! simulator's [`Machine`](crate::sim::Machine), the kernel's `Loaded`.

#[cfg(feature = "kernel")]
mod kernel;
mod sim;

use std::time::Duration;

use thiserror::Error;

#[cfg(feature = "kernel")]
pub use self::kernel::Kernel;
pub use self::sim::Simulated;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::BtfType;
pub use crate::sim::Input;

/// An object, loaded: into the simulator or into the kernel.
pub trait Backend {
    /// Which: `simulator` or `kernel`.
    fn name(&self) -> &'static str;

    /// Runs a program once, as `BPF_PROG_TEST_RUN` does.
    ///
    /// # Errors
    /// [`BackendError::NoProgram`]; [`BackendError::Refused`]: the kernel does not take the input; what the backend itself says.
    fn run(&mut self, program: &str, input: &Input) -> Result<Run, BackendError>;

    /// The value of a key of a map, its special fields zero; none where there is none.
    ///
    /// # Errors
    /// [`BackendError`]: there is no such map, or the key has another size.
    fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError>;

    /// Sets the value of a key.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup); [`BackendError::Refused`].
    fn update(&mut self, map: &str, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), BackendError>;

    /// Takes a key away; whether it was there.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, BackendError>;

    /// User space gives the map up: its timers end, unless it is pinned. It cannot be reached any more.
    ///
    /// # Errors
    /// [`BackendError::NoMap`].
    fn close_map(&mut self, map: &str) -> Result<(), BackendError>;

    /// `CLOCK_MONOTONIC`, in nanoseconds.
    ///
    /// # Errors
    /// The system does not tell.
    fn now(&self) -> Result<u64, BackendError>;

    /// Lets time pass: at least this long. The simulator's clock is advanced, which calls what falls due; the kernel is slept
    /// for.
    ///
    /// # Errors
    /// The function of a timer did what it may not (only the simulator finds that out so late).
    fn wait(&mut self, time: Duration) -> Result<(), BackendError>;

    /// What programs printed, where it can be known: the kernel's trace belongs to the whole system.
    fn printed(&self) -> Option<Vec<String>>;
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// What the program returned.
    pub retval: u32,
    /// The packet as the program left it.
    pub packet: Vec<u8>,
    /// The context as the program left it.
    pub context: Vec<u8>,
}

/// Why a backend could not do something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    NoProgram(String),
    /// There is no such map, or it was closed.
    #[error("there is no map `{0}`")]
    NoMap(String),
    /// The kernel says so, or would.
    #[error("{what}: {errno}")]
    Refused {
        /// What was to be done.
        what: String,
        /// Why not.
        errno: Errno,
    },
    /// The bytes of a value are no value of the Rust type.
    #[error("map `{map}`: the value is no value of its type")]
    NoValue {
        /// The map.
        map: String,
    },
    /// What the backend itself says.
    #[error("{what}")]
    Other {
        /// What was to be done.
        what: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BackendError {
    /// What the kernel said, or would.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    fn other(what: impl Into<String>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Other { what: what.into(), source: Box::new(source) }
    }
}

/// Maps with the Rust types of their keys and values, of every backend; the object has this machine's byte order.
impl dyn Backend + '_ {
    /// The value of a key; none where there is none.
    ///
    /// # Errors
    /// As [`lookup`](Backend::lookup); [`BackendError::NoValue`].
    pub fn get<K: BtfType, V: BtfType>(&mut self, map: &str, key: &K) -> Result<Option<V>, BackendError> {
        let endian = crate::base::Endian::NATIVE;
        let Some(bytes) = self.lookup(map, &key.to_bytes(endian))? else { return Ok(None) };
        let value = V::read_from(&bytes, endian);
        value.map(Some).ok_or_else(|| BackendError::NoValue { map: map.to_owned() })
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// As [`update`](Backend::update).
    pub fn set<K: BtfType, V: BtfType>(&mut self, map: &str, key: &K, value: &V) -> Result<(), BackendError> {
        let endian = crate::base::Endian::NATIVE;
        self.update(map, &key.to_bytes(endian), &value.to_bytes(endian), ElemFlags::empty())
    }

    /// Waits until something is so, a millisecond at a time; whether it was before `most` had passed.
    ///
    /// # Errors
    /// Those of the condition, and of [`wait`](Backend::wait).
    pub fn wait_until(
        &mut self,
        most: Duration,
        mut condition: impl FnMut(&mut Self) -> Result<bool, BackendError>,
    ) -> Result<bool, BackendError> {
        let end = self.now()?.saturating_add(u64::try_from(most.as_nanos()).unwrap_or(u64::MAX));
        while !condition(self)? {
            if self.now()? >= end {
                return Ok(false);
            }
            self.wait(Duration::from_millis(1))?;
        }
        Ok(true)
    }
}
