//! Keeps some programs of an object and drops what they do not reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::{NameSpaces, Names};
use super::parts::{self, Parts};
use super::{Object, ObjectError};
use crate::asm::RelocKind;
use crate::map::{EntryValue, MapDef};

impl Object {
    /// The object that has only the programs named, and only the functions and maps they reach,
    /// directly or through the initial entries of maps.
    ///
    /// Names that are no program are passed over. The object's own BTF stays whole: ids of types do not change.
    ///
    /// # Errors
    /// Those of linking, which a part of what was linked as a whole does not give.
    pub fn only<S: AsRef<str>>(&self, programs: impl IntoIterator<Item = S>) -> Result<Self, ObjectError> {
        let mut reach = Reach {
            object: &self.0.parts,
            programs: BTreeSet::new(),
            functions: BTreeSet::new(),
            maps: BTreeSet::new(),
        };
        for name in programs {
            reach.program(name.as_ref());
        }
        Self::close(reach.parts())
    }
}

/// What was reached so far.
struct Reach<'a> {
    object: &'a Parts,
    programs: BTreeSet<&'a str>,
    functions: BTreeSet<&'a str>,
    maps: BTreeSet<&'a str>,
}

impl<'a> Reach<'a> {
    fn parts(&self) -> Parts {
        let Self { object, programs, functions, maps } = self;
        let functions: Vec<_> =
            object.functions.iter().filter(|f| functions.contains(f.name.as_str())).cloned().collect();
        let maps: Vec<_> =
            object.maps.iter().filter(|map| maps.contains(map.name.as_str())).cloned().collect();
        let programs: Vec<_> =
            object.programs.iter().filter(|p| programs.contains(p.name.as_str())).cloned().collect();
        Parts {
            name: object.name.clone(),
            license: object.license.clone(),
            endian: object.endian,
            isa: parts::isa(&functions),
            names: NameSpaces {
                maps: Names::of(maps.iter().map(|map| map.name.as_str())),
                functions: Names::of(functions.iter().map(|f| f.name.as_str())),
                programs: Names::of(programs.iter().map(|p| p.name.as_str())),
            },
            maps,
            functions,
            programs,
            types: Arc::clone(&object.types),
        }
    }

    fn program(&mut self, name: &str) {
        if let Some(program) = self.object.program(name)
            && self.programs.insert(&program.name)
        {
            self.function(&program.entry);
        }
    }

    /// Follows calls with a work list, not with recursion: call chains may be long.
    fn function(&mut self, entry: &str) {
        let mut open: Vec<&'a str> = Vec::new();
        open.extend(self.object.function(entry).map(|f| f.name.as_str()));
        while let Some(name) = open.pop() {
            let Some(function) = self.object.function(name).filter(|_| self.functions.insert(name)) else {
                continue;
            };
            for reloc in function.code.relocs() {
                let symbol = function.code.symbol(reloc.symbol);
                match reloc.kind {
                    RelocKind::CallFunction | RelocKind::LoadFunction => {
                        open.extend(self.object.function(symbol).map(|f| f.name.as_str()));
                    }
                    RelocKind::Map | RelocKind::MapValue { .. } => self.map(symbol),
                    _ => {}
                }
            }
        }
    }

    fn map(&mut self, name: &str) {
        let object = self.object;
        if let Some(map) = object.map(name)
            && self.maps.insert(&map.name)
        {
            self.entries(map);
        }
    }

    fn entries(&mut self, map: &'a MapDef) {
        for entry in &map.entries {
            match &entry.value {
                EntryValue::Bytes(_) => {}
                EntryValue::Map(inner) => self.map(inner),
                EntryValue::Program(program) => self.program(program),
            }
        }
    }
}
