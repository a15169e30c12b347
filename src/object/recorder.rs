//! What a builder keeps for whoever records functions into it: who it is, which instructions may come out, which functions
//! were announced, and what has to be asked of the object before it is handed out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::asm::{Isa, Loc};
use crate::site::Site;

use super::{Object, ObjectError};

/// Which builder a handle is of: compared, never printed, so that nothing that comes out depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Owner {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner")
    }
}

/// Asked of the object once it is closed.
pub(crate) type Inspect = fn(&Object) -> Result<(), ObjectError>;

/// The part of a builder that belongs to whoever records functions.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) owner: Owner,
    pub(crate) isa: Isa,
    pub(crate) announced: Vec<Announced>,
    pub(crate) inspect: Option<Inspect>,
}

/// A function that can be called, or called back, whether its code is there yet or not.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    pub(crate) name: Arc<str>,
    /// The map whose values it is called back with.
    pub(crate) map: Option<usize>,
    pub(crate) recorded: bool,
    pub(crate) site: Site,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { owner: Owner::new(), isa: Isa::V3, announced: Vec::new(), inspect: None }
    }
}

/// Why a function could not be recorded, or why an object of recorded functions is not handed out.
///
/// What it was is found with [`downcast_ref`](Self::downcast_ref), as `dsl::Error`.
#[derive(Clone)]
pub struct FunctionError {
    source: Arc<dyn std::error::Error + Send + Sync>,
    loc: Option<Box<Loc>>,
}

impl FunctionError {
    pub(crate) fn new(source: impl std::error::Error + Send + Sync + 'static, site: &Site) -> Self {
        Self { source: Arc::new(source), loc: site.loc().cloned().map(Box::new) }
    }

    /// The Rust line the mistake was made on, where one is known.
    #[must_use]
    pub fn loc(&self) -> Option<&Loc> {
        self.loc.as_deref()
    }

    /// The error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for FunctionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

/// Equal if they say the same.
impl PartialEq for FunctionError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
