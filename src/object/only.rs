//! Keeps some programs of an object and drops what they do not reach.

use std::collections::BTreeSet;

use super::Object;
use super::names::{NameSpaces, Names};
use crate::asm::RelocKind;
use crate::map::{EntryValue, MapDef};

impl Object {
    /// The same object with only the programs named, and only the functions and maps they reach,
    /// directly or through the initial entries of maps.
    ///
    /// Names that are no program are passed over. BTF stays whole: type ids do not change.
    #[must_use]
    pub fn only<S: AsRef<str>>(&self, programs: impl IntoIterator<Item = S>) -> Self {
        let mut reach = Reach {
            object: self,
            programs: BTreeSet::new(),
            functions: BTreeSet::new(),
            maps: BTreeSet::new(),
        };
        for name in programs {
            reach.program(name.as_ref());
        }
        let Reach { programs, functions, maps, .. } = reach;
        let functions: Vec<_> =
            self.functions.iter().filter(|f| functions.contains(f.name.as_str())).cloned().collect();
        let maps: Vec<_> = self.maps.iter().filter(|map| maps.contains(map.name.as_str())).cloned().collect();
        let programs: Vec<_> =
            self.programs.iter().filter(|p| programs.contains(p.name.as_str())).cloned().collect();
        Self {
            name: self.name.clone(),
            license: self.license.clone(),
            endian: self.endian,
            isa: functions.iter().fold(crate::asm::Isa::empty(), |isa, f| isa | f.code.isa()),
            names: NameSpaces {
                maps: Names::of(maps.iter().map(|map| map.name.as_str())),
                functions: Names::of(functions.iter().map(|f| f.name.as_str())),
                programs: Names::of(programs.iter().map(|p| p.name.as_str())),
            },
            maps,
            functions,
            programs,
            types: self.types.clone(),
        }
    }
}

/// What was reached so far.
struct Reach<'a> {
    object: &'a Object,
    programs: BTreeSet<&'a str>,
    functions: BTreeSet<&'a str>,
    maps: BTreeSet<&'a str>,
}

impl<'a> Reach<'a> {
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
