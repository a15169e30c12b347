//! The object: maps, functions, programs and their BTF, as plain data that every door knows.

mod builder;
mod calls;
mod error;
mod function;
mod globals;
pub mod linker;
mod names;
mod needs;
mod only;
mod parts;
pub(crate) mod ready;
// Only the DSL records functions.
#[cfg_attr(not(feature = "dsl"), allow(dead_code, unused_imports))]
mod recorder;
mod rules;
mod types;

pub use builder::{MapRef, ObjectBuilder};
pub use error::ObjectError;
pub use function::FunctionDef;
pub use globals::{Constant, Global, Section};
pub use needs::{Need, Needs};
pub use recorder::FunctionError;
#[cfg(feature = "dsl")]
pub(crate) use recorder::{Announced, Owner};
pub(crate) use types::by_c_name;

use std::fmt;
use std::sync::Arc;

use linker::Linked;
use parts::Parts;
use ready::Labels;

use crate::asm::Isa;
use crate::base::Endian;
use crate::btf::Btf;
use crate::map::MapDef;
use crate::program::ProgramDef;

/// Maps, functions, programs and BTF, closed over each other: every name they use is defined in it or
/// declared as a need.
///
/// An object is made by an [`ObjectBuilder`] and never changes. It holds no descriptor, clock or
/// address: the same input gives the same object and the same bytes. A clone shares what it is made of. Two are equal if
/// they are made of the same parts, whatever lines of Rust these came from.
#[derive(Clone)]
pub struct Object(Arc<Closed>);

/// An object's parts, and what follows from them: worked out once, when the object is closed.
struct Closed {
    parts: Parts,
    needs: Needs,
    linked: Linked,
    labels: Labels,
}

impl Object {
    /// Links checked parts.
    fn close(parts: Parts) -> Result<Self, ObjectError> {
        let (needs, linked, labels) = (needs::of(&parts), linker::link(&parts)?, Labels::of(&parts));
        Ok(Self(Arc::new(Closed { parts, needs, linked, labels })))
    }

    /// The name of the object; it appears in messages only.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.parts.name
    }

    /// The licence of its programs, as the kernel compares it (`"GPL"`).
    #[must_use]
    pub fn license(&self) -> &str {
        &self.0.parts.license
    }

    /// The byte order of its instructions, BTF and data.
    #[must_use]
    pub fn endian(&self) -> Endian {
        self.0.parts.endian
    }

    /// The groups of instructions its code uses.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.0.parts.isa
    }

    /// Its maps, in the order they were added.
    #[must_use]
    pub fn maps(&self) -> &[MapDef] {
        &self.0.parts.maps
    }

    /// The map `name`.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&MapDef> {
        self.0.parts.map(name)
    }

    /// Where the map `name` stands in [`maps`](Self::maps).
    #[must_use]
    pub fn map_index(&self, name: &str) -> Option<usize> {
        self.0.parts.names.maps.index(name)
    }

    /// Its functions, in the order they were added; entry functions are among them.
    #[must_use]
    pub fn functions(&self) -> &[Arc<FunctionDef>] {
        &self.0.parts.functions
    }

    /// The function `name`.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&FunctionDef> {
        self.0.parts.function(name)
    }

    /// Where the function `name` stands in [`functions`](Self::functions).
    #[must_use]
    pub fn function_index(&self, name: &str) -> Option<usize> {
        self.0.parts.names.functions.index(name)
    }

    /// Its programs, in the order they were added.
    #[must_use]
    pub fn programs(&self) -> &[Arc<ProgramDef>] {
        &self.0.parts.programs
    }

    /// The program `name`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&ProgramDef> {
        self.0.parts.program(name)
    }

    /// Where the program `name` stands in [`programs`](Self::programs).
    #[must_use]
    pub fn program_index(&self, name: &str) -> Option<usize> {
        self.0.parts.names.programs.index(name)
    }

    /// Its BTF: the types of its maps and what the author added. That of [`linked`](Self::linked) goes on from there with
    /// functions and lines.
    #[must_use]
    pub fn btf(&self) -> &Btf {
        self.0.parts.btf()
    }

    /// What only a kernel knows, by name: kfuncs, ksyms, CO-RE types, attach targets, pins, and
    /// what the caller supplies.
    #[must_use]
    pub fn needs(&self) -> &Needs {
        &self.0.needs
    }

    /// Its programs as they are loaded, calls between functions fixed, and the BTF that describes them. Closing the object
    /// has made them.
    #[must_use]
    pub fn linked(&self) -> &Linked {
        &self.0.linked
    }

    /// Its names, as plans share them.
    pub(crate) fn labels(&self) -> &Labels {
        &self.0.labels
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.0.parts == other.0.parts
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&self.0.parts).finish()
    }
}
