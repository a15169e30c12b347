//! Builds an object; the first mistake is kept with its line and returned by `finish`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::globals::Variable;
use super::names::NameSpaces;
use super::parts::{self, Parts, Types};
use super::recorder::{Owner, Recorder};
use super::rules;
use super::{FunctionDef, Object, ObjectError};
use crate::asm::{AsmError, Code, Isa};
use crate::base::Endian;
use crate::btf::{BtfType, Builder, Linkage, TypeId};
use crate::map::{Entry, EntryValue, MapDef, MapSpec, Part, PartType};
use crate::program::{ProgramDef, ProgramSpec};
use crate::site::Site;

/// Builds an [`Object`] from maps, functions and programs.
///
/// Methods return what the caller goes on with, never an error: the first one is kept with the Rust
/// line that caused it, and [`finish`](Self::finish) returns it.
#[derive(Clone, Debug)]
pub struct ObjectBuilder {
    name: String,
    license: String,
    endian: Endian,
    btf: Builder,
    maps: Vec<MapDef>,
    functions: Vec<FunctionDef>,
    programs: Vec<ProgramDef>,
    names: NameSpaces,
    error: Option<ObjectError>,
    recorder: Recorder,
    variables: Vec<Variable>,
}

/// A map of an object under construction, with the Rust types of its key and value.
pub struct MapRef<K = (), V = ()> {
    owner: Owner,
    index: usize,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for MapRef<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for MapRef<K, V> {}

impl<K, V> fmt::Debug for MapRef<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapRef({})", self.index)
    }
}

impl<K, V> MapRef<K, V> {
    /// The same map without the Rust types.
    #[must_use]
    pub fn untyped(self) -> MapRef {
        MapRef { owner: self.owner, index: self.index, types: PhantomData }
    }

    /// Where the map stands among the maps of its object, if it is the one with this owner.
    pub(crate) fn index_in(self, owner: Owner) -> Option<usize> {
        (self.owner == owner).then_some(self.index)
    }
}

impl ObjectBuilder {
    /// An empty object of the machine's byte order, without a licence.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            license: String::new(),
            endian: Endian::NATIVE,
            btf: Builder::new(),
            maps: Vec::new(),
            functions: Vec::new(),
            programs: Vec::new(),
            names: NameSpaces::default(),
            error: None,
            recorder: Recorder::new(),
            variables: Vec::new(),
        }
    }

    /// The licence of all its programs. Helpers marked GPL-only, the timers among them, need one of
    /// `GPL`, `GPL v2`, `GPL and additional rights`, `Dual BSD/GPL`, `Dual MIT/GPL`, `Dual MPL/GPL`
    /// (kernel: `license_is_gpl_compatible`).
    #[must_use]
    pub fn license(mut self, license: impl Into<String>) -> Self {
        self.license = license.into();
        self
    }

    /// The byte order of the machine it is meant for; to be chosen before anything is added.
    #[must_use]
    pub fn endian(mut self, endian: Endian) -> Self {
        self.endian = endian;
        self
    }

    /// Which instructions functions that are recorded may use, [`Isa::V3`] unless said otherwise; to be chosen before anything
    /// is added.
    #[must_use]
    pub fn isa(mut self, isa: Isa) -> Self {
        self.recorder.isa = isa;
        self
    }

    /// The BTF of the object, for types that are only known at run time.
    pub fn btf(&mut self) -> &mut Builder {
        &mut self.btf
    }

    /// Adds a map.
    #[track_caller]
    pub fn add_map<K, V>(&mut self, spec: MapSpec<K, V>) -> MapRef<K, V> {
        self.add_map_at(spec, Site::here())
    }

    pub(super) fn add_map_at<K, V>(&mut self, spec: MapSpec<K, V>, site: Site) -> MapRef<K, V> {
        let spec = spec.untyped();
        if !self.names.maps.insert(&spec.name, self.maps.len()) {
            self.fail(ObjectError::DuplicateMap { name: spec.name.clone(), site: site.clone() });
        }
        let map = self.define(spec, &site);
        self.maps.push(map);
        MapRef { owner: self.recorder.owner, index: self.maps.len() - 1, types: PhantomData }
    }

    /// Gives a map an initial entry, written when the object is loaded.
    #[track_caller]
    pub fn add_entry<K: BtfType, V: BtfType>(&mut self, map: MapRef<K, V>, key: &K, value: &V) {
        let (key, value) = (self.bytes(key), self.bytes(value));
        self.push_entry(map, key, EntryValue::Bytes(value), Site::here());
    }

    /// Gives a map an initial entry as bytes of the object's byte order.
    #[track_caller]
    pub fn add_entry_bytes<K, V>(&mut self, map: MapRef<K, V>, key: &[u8], value: &[u8]) {
        self.push_entry(map, key.to_vec(), EntryValue::Bytes(value.to_vec()), Site::here());
    }

    /// Puts another map of the object into a map of maps.
    #[track_caller]
    pub fn add_entry_map<K: BtfType>(&mut self, map: MapRef<K, ()>, key: &K, inner: &str) {
        let key = self.bytes(key);
        self.push_entry(map, key, EntryValue::Map(inner.to_owned()), Site::here());
    }

    /// Puts a program of the object into a program array.
    #[track_caller]
    pub fn add_entry_program<K: BtfType>(&mut self, map: MapRef<K, ()>, key: &K, program: &str) {
        let key = self.bytes(key);
        self.push_entry(map, key, EntryValue::Program(program.to_owned()), Site::here());
    }

    /// Adds a static function: a callback, or one called by others and verified with them.
    #[track_caller]
    pub fn add_function(&mut self, name: impl Into<String>, code: Result<Code, AsmError>) {
        self.push_function(name.into(), code, Linkage::Static, TypeId::VOID, Site::here());
    }

    /// Adds a global function (since 5.6): verified on its own, by the types of its FUNC_PROTO `proto`.
    #[track_caller]
    pub fn add_global_function(
        &mut self,
        name: impl Into<String>,
        proto: TypeId,
        code: Result<Code, AsmError>,
    ) {
        self.push_function(name.into(), code, Linkage::Global, proto, Site::here());
    }

    /// Adds a program and its entry function, which has the same name.
    #[track_caller]
    pub fn add_program(&mut self, spec: ProgramSpec, code: Result<Code, AsmError>) {
        let site = Site::here();
        let name = spec.name.clone();
        self.push_program(spec, site.clone());
        self.push_function(name, code, Linkage::Global, TypeId::VOID, site);
    }

    /// Closes the object: every map, function and program a name stands for must exist, every map
    /// must be one the kernel would take, every special field where the kernel looks for it. Then links it, once for all
    /// loads ([`Object::linked`]).
    ///
    /// # Errors
    /// The first mistake, with the Rust line it was made on.
    pub fn finish(mut self) -> Result<Object, ObjectError> {
        self.close_sections();
        if let Some(error) = self.error {
            return Err(error);
        }
        let types = Types(self.btf);
        types
            .finished()
            .map_err(|source| ObjectError::Btf { source: source.into(), site: Site::unknown() })?;
        let functions: Vec<_> = self.functions.into_iter().map(Arc::new).collect();
        let mut parts = Parts {
            name: self.name,
            license: self.license,
            endian: self.endian,
            isa: parts::isa(&functions),
            maps: self.maps,
            functions,
            programs: self.programs.into_iter().map(Arc::new).collect(),
            names: self.names,
            types: Arc::new(types),
        };
        rules::check(&mut parts)?;
        let object = Object::close(parts)?;
        self.recorder.inspect.map_or(Ok(()), |inspect| inspect(&object))?;
        Ok(object)
    }

    pub(crate) fn push_program(&mut self, spec: ProgramSpec, site: Site) {
        if !self.names.programs.insert(&spec.name, self.programs.len()) {
            self.fail(ObjectError::DuplicateProgram { name: spec.name.clone(), site: site.clone() });
        }
        let ProgramSpec { name, kind, flags, target } = spec;
        self.programs.push(ProgramDef { entry: name.clone(), name, kind, flags, target, site });
    }

    fn define(&mut self, spec: MapSpec, site: &Site) -> MapDef {
        let (key, value) = (self.part(spec.key, site), self.part(spec.value, site));
        let inner = spec.inner.map(|inner| Box::new(self.define(*inner, site)));
        MapDef {
            name: spec.name,
            kind: spec.kind,
            key_size: spec.key.size,
            value_size: spec.value.size,
            max_entries: spec.max_entries,
            flags: spec.flags,
            extra: spec.extra,
            numa_node: spec.numa_node,
            key,
            value,
            fields: Vec::new(),
            inner,
            source: spec.source,
            entries: Vec::new(),
            freeze: spec.freeze,
            site: site.clone(),
        }
    }

    fn part(&mut self, part: Part, site: &Site) -> TypeId {
        match part.btf {
            PartType::None => TypeId::VOID,
            PartType::Id(id) => id,
            PartType::Rust(build) => build(&mut self.btf).unwrap_or_else(|source| {
                self.fail(ObjectError::Btf { source: source.into(), site: site.clone() });
                TypeId::VOID
            }),
        }
    }

    fn bytes<T: BtfType>(&self, value: &T) -> Vec<u8> {
        let mut bytes = vec![0; T::SIZE];
        value.write_to(&mut bytes, self.endian);
        bytes
    }

    fn push_entry<K, V>(&mut self, map: MapRef<K, V>, key: Vec<u8>, value: EntryValue, site: Site) {
        let index = map.index_in(self.recorder.owner);
        match index.and_then(|index| self.maps.get_mut(index)) {
            Some(map) => map.entries.push(Entry { key, value }),
            None => self.fail(ObjectError::ForeignMap { site }),
        }
    }

    fn push_function(
        &mut self,
        name: String,
        code: Result<Code, AsmError>,
        linkage: Linkage,
        proto: TypeId,
        site: Site,
    ) {
        if !self.names.functions.insert(&name, self.functions.len()) {
            self.fail(ObjectError::DuplicateFunction { name: name.clone(), site: site.clone() });
        }
        match code {
            Ok(code) => self.functions.push(FunctionDef { name, code, linkage, proto, site }),
            Err(source) => self.fail(ObjectError::Asm { function: name, source: source.into() }),
        }
    }

    pub(super) fn owner(&self) -> Owner {
        self.recorder.owner
    }

    pub(crate) fn byte_order(&self) -> Endian {
        self.endian
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    pub(super) fn variables_mut(&mut self) -> &mut Vec<Variable> {
        &mut self.variables
    }

    pub(super) fn note(&mut self, error: ObjectError) {
        self.fail(error);
    }

    fn fail(&mut self, error: ObjectError) {
        self.error.get_or_insert(error);
    }
}

/// What recording functions needs.
#[cfg(feature = "dsl")]
impl ObjectBuilder {
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn recorder_mut(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    pub(crate) fn is_little_endian(&self) -> bool {
        self.endian == Endian::Little
    }

    pub(crate) fn map_defs(&self) -> &[MapDef] {
        &self.maps
    }

    pub(crate) fn push_error(&mut self, error: ObjectError) {
        self.fail(error);
    }

    pub(crate) fn push_code(&mut self, name: &str, code: Code, linkage: Linkage, site: Site) {
        self.push_function(name.to_owned(), Ok(code), linkage, TypeId::VOID, site);
    }
}
