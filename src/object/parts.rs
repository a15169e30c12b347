//! What an object is made of, before and after it is closed.

use std::sync::Arc;

use super::FunctionDef;
use super::names::NameSpaces;
use crate::asm::Isa;
use crate::base::Endian;
use crate::btf::{Btf, BtfError, Builder};
use crate::map::MapDef;
use crate::program::ProgramDef;

/// Maps, functions, programs and types, found by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) license: String,
    pub(super) endian: Endian,
    pub(super) isa: Isa,
    pub(super) maps: Vec<MapDef>,
    pub(super) functions: Vec<Arc<FunctionDef>>,
    pub(super) programs: Vec<Arc<ProgramDef>>,
    pub(super) names: NameSpaces,
    pub(super) types: Arc<Types>,
}

impl Parts {
    pub(super) fn map(&self, name: &str) -> Option<&MapDef> {
        self.names.maps.find(&self.maps, name)
    }

    pub(super) fn function(&self, name: &str) -> Option<&FunctionDef> {
        self.names.functions.find(&self.functions, name).map(Arc::as_ref)
    }

    pub(super) fn program(&self, name: &str) -> Option<&ProgramDef> {
        self.names.programs.find(&self.programs, name).map(Arc::as_ref)
    }

    pub(super) fn btf(&self) -> &Btf {
        self.types.0.view()
    }
}

/// The groups of instructions that functions use.
pub(super) fn isa<'a>(functions: impl IntoIterator<Item = &'a Arc<FunctionDef>>) -> Isa {
    functions.into_iter().fold(Isa::empty(), |isa, function| isa | function.code.isa())
}

/// The types of an object, open for the linker to add functions and lines to a copy.
#[derive(Clone, Debug)]
pub(super) struct Types(pub(super) Builder);

impl Types {
    /// The finished BTF; BTF without types, which no kernel takes, is what an object without any has.
    pub(super) fn finished(&self) -> Result<Btf, BtfError> {
        if self.0.view().is_empty() { Ok(self.0.view().clone()) } else { self.0.clone().finish() }
    }
}

impl PartialEq for Types {
    fn eq(&self, other: &Self) -> bool {
        self.0.view() == other.0.view()
    }
}
