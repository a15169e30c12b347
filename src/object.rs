//! The object: maps, functions, programs and their BTF, as plain data that every door knows.

mod builder;
mod calls;
mod error;
mod function;
pub mod linker;
mod names;
mod needs;
mod only;
mod rules;
mod types;

pub use builder::{MapRef, ObjectBuilder};
pub use error::ObjectError;
pub use function::FunctionDef;
pub use needs::{Need, Needs};
pub(crate) use types::by_c_name;

use names::NameSpaces;

use crate::asm::Isa;
use crate::base::Endian;
use crate::btf::{Btf, BtfError, Builder};
use crate::map::MapDef;
use crate::program::ProgramDef;

/// Maps, functions, programs and BTF, closed over each other: every name they use is defined in it or
/// declared as a need.
///
/// An object is made by an [`ObjectBuilder`] and never changes. It holds no descriptor, clock or
/// address: the same input gives the same object and the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    name: String,
    license: String,
    endian: Endian,
    isa: Isa,
    maps: Vec<MapDef>,
    functions: Vec<FunctionDef>,
    programs: Vec<ProgramDef>,
    names: NameSpaces,
    types: Types,
}

impl Object {
    /// The name of the object; it appears in messages only.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The licence of its programs, as the kernel compares it (`"GPL"`).
    #[must_use]
    pub fn license(&self) -> &str {
        &self.license
    }

    /// The byte order of its instructions, BTF and data.
    #[must_use]
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// The groups of instructions its code uses.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Its maps, in the order they were added.
    #[must_use]
    pub fn maps(&self) -> &[MapDef] {
        &self.maps
    }

    /// The map `name`.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&MapDef> {
        self.names.maps.find(&self.maps, name)
    }

    /// Where the map `name` stands in [`maps`](Self::maps).
    #[must_use]
    pub fn map_index(&self, name: &str) -> Option<usize> {
        self.names.maps.index(name)
    }

    /// Its functions, in the order they were added; entry functions are among them.
    #[must_use]
    pub fn functions(&self) -> &[FunctionDef] {
        &self.functions
    }

    /// The function `name`.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&FunctionDef> {
        self.names.functions.find(&self.functions, name)
    }

    /// Where the function `name` stands in [`functions`](Self::functions).
    #[must_use]
    pub fn function_index(&self, name: &str) -> Option<usize> {
        self.names.functions.index(name)
    }

    /// Its programs, in the order they were added.
    #[must_use]
    pub fn programs(&self) -> &[ProgramDef] {
        &self.programs
    }

    /// The program `name`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&ProgramDef> {
        self.names.programs.find(&self.programs, name)
    }

    /// Where the program `name` stands in [`programs`](Self::programs).
    #[must_use]
    pub fn program_index(&self, name: &str) -> Option<usize> {
        self.names.programs.index(name)
    }

    /// Its BTF: the types of its maps and what the author added; the linker adds functions and lines.
    #[must_use]
    pub fn btf(&self) -> &Btf {
        self.types.0.view()
    }
}

/// The types of an object, open for a linker to add functions and lines to a copy.
#[derive(Clone, Debug)]
struct Types(Builder);

impl Types {
    /// The finished BTF; BTF without types, which no kernel takes, is what an object without any has.
    fn finished(&self) -> Result<Btf, BtfError> {
        if self.0.view().is_empty() { Ok(self.0.view().clone()) } else { self.0.clone().finish() }
    }
}

impl PartialEq for Types {
    fn eq(&self, other: &Self) -> bool {
        self.0.view() == other.0.view()
    }
}
