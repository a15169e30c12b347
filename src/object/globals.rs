//! Global variables: one map of one value per section, described by a `DATASEC`.

use std::fmt;
use std::marker::PhantomData;

use super::ObjectError;
use super::builder::ObjectBuilder;
use super::recorder::Owner;
use crate::btf::{BtfType, Linkage, TypeId, VarSecInfo};
use crate::map::{MapFlags, MapKind, MapSpec};
use crate::site::Site;

/// A section of global variables: a map of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Section {
    /// Variables with a value to begin with.
    Data,
    /// Variables that begin as zeros.
    Bss,
    /// Constants: neither programs nor, once they are loaded, user space can write them.
    RoData,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Data, Self::Bss, Self::RoData];

    /// What it is called, and its map.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => ".data",
            Self::Bss => ".bss",
            Self::RoData => ".rodata",
        }
    }
}

/// A variable, before its section is closed.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) section: Section,
    pub(crate) offset: u32,
    pub(crate) ty: TypeId,
    bytes: Vec<u8>,
    site: Site,
}

impl Variable {
    fn end(&self) -> u32 {
        self.offset.saturating_add(self.size())
    }

    fn size(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name<T = ()> {
            // Only the DSL asks whose it is.
            #[cfg_attr(not(feature = "dsl"), allow(dead_code))]
            owner: Owner,
            section: Section,
            offset: u32,
            ty: PhantomData<fn() -> T>,
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({} + {})", stringify!($name), self.section.name(), self.offset)
            }
        }

        impl<T> $name<T> {
            fn new(owner: Owner, (section, offset): (Section, u32)) -> Self {
                Self { owner, section, offset, ty: PhantomData }
            }

            /// The section it lies in.
            #[must_use]
            pub const fn section(self) -> Section {
                self.section
            }

            /// Bytes from the start of its section.
            #[must_use]
            pub const fn offset(self) -> u32 {
                self.offset
            }

            #[cfg(feature = "dsl")]
            pub(crate) fn is_of(self, owner: Owner) -> bool {
                self.owner == owner
            }
        }
    )*};
}

handles! {
    /// A global variable of an object under construction.
    Global;
    /// A constant of an object under construction.
    Constant;
}

/// Global variables.
impl ObjectBuilder {
    /// Adds a global variable: `static volatile int name = value;` in C. One that begins as zeros lies in `.bss`, another one in
    /// `.data`. Since 5.2.
    #[track_caller]
    pub fn global<T: BtfType>(&mut self, name: &str, value: &T) -> Global<T> {
        let place = self.variable(name, value, false);
        Global::new(self.owner(), place)
    }

    /// Adds a constant: `const volatile int name = value;` in C, in `.rodata`. Nobody can write it, and the verifier goes by its
    /// value. Since 5.2.
    #[track_caller]
    pub fn constant<T: BtfType>(&mut self, name: &str, value: &T) -> Constant<T> {
        let place = self.variable(name, value, true);
        Constant::new(self.owner(), place)
    }

    /// Adds a global variable or a constant whose type is known at run time only; so many bytes are its value.
    #[track_caller]
    pub fn global_bytes(&mut self, name: &str, ty: TypeId, bytes: Vec<u8>, constant: bool) {
        let site = Site::here();
        let size = self.btf().view().size_of(ty);
        match size {
            Ok(size) if usize::try_from(size) == Ok(bytes.len()) => {}
            Ok(wanted) => {
                let (name, given) = (name.to_owned(), bytes.len());
                self.note(ObjectError::GlobalSize { name, wanted, given, site: site.clone() });
            }
            Err(source) => self.note(ObjectError::Btf { source: source.into(), site: site.clone() }),
        }
        self.push_variable(name, ty, bytes, constant, site);
    }

    #[track_caller]
    fn variable<T: BtfType>(&mut self, name: &str, value: &T, constant: bool) -> (Section, u32) {
        let site = Site::here();
        let bytes = value.to_bytes(self.byte_order());
        let ty = T::btf(self.btf()).unwrap_or_else(|source| {
            self.note(ObjectError::Btf { source: source.into(), site: site.clone() });
            TypeId::VOID
        });
        self.push_variable(name, ty, bytes, constant, site)
    }

    fn push_variable(
        &mut self,
        name: &str,
        ty: TypeId,
        bytes: Vec<u8>,
        constant: bool,
        site: Site,
    ) -> (Section, u32) {
        if self.variables().iter().any(|variable| variable.name == name) {
            self.note(ObjectError::DuplicateGlobal { name: name.to_owned(), site: site.clone() });
        }
        let section = match constant {
            true => Section::RoData,
            false if bytes.iter().all(|byte| *byte == 0) => Section::Bss,
            false => Section::Data,
        };
        let end = self.variables().iter().filter(|other| other.section == section).map(Variable::end).max();
        let align = u32::try_from(bytes.len()).unwrap_or(8).next_power_of_two().clamp(1, 8);
        let offset = end.unwrap_or(0).saturating_add(align - 1) / align * align;
        let variable = Variable { name: name.to_owned(), section, offset, ty, bytes, site };
        self.variables_mut().push(variable);
        (section, offset)
    }

    /// Makes the map of each section that has a variable.
    pub(super) fn close_sections(&mut self) {
        for section in Section::ALL {
            let variables: Vec<_> =
                self.variables().iter().filter(|variable| variable.section == section).cloned().collect();
            if !variables.is_empty() {
                self.close_section(section, &variables);
            }
        }
    }

    fn close_section(&mut self, section: Section, variables: &[Variable]) {
        let size = variables.iter().map(Variable::end).max().unwrap_or(0);
        let site = variables.first().map_or_else(Site::unknown, |variable| variable.site.clone());
        let value = match self.datasec(section, size, variables) {
            Ok(value) => value,
            Err(error) => return self.note(error),
        };
        let flags = if section == Section::RoData { MapFlags::RDONLY_PROG } else { MapFlags::empty() };
        let spec = MapSpec::new(MapKind::ARRAY, section.name()).key_size(4).value_type(value);
        let spec = spec.max_entries(1).flags(flags);
        let spec = if section == Section::RoData { spec.freeze() } else { spec };
        let map = self.add_map_at(spec, site);
        if section != Section::Bss {
            self.add_entry_bytes(map, &[0; 4], &contents(size, variables));
        }
    }

    fn datasec(
        &mut self,
        section: Section,
        size: u32,
        variables: &[Variable],
    ) -> Result<TypeId, ObjectError> {
        let mut infos = Vec::with_capacity(variables.len());
        for variable in variables {
            let failed = |source: crate::btf::BtfError| ObjectError::Btf {
                source: source.into(),
                site: variable.site.clone(),
            };
            let var = self.btf().var(&variable.name, variable.ty, Linkage::Global).map_err(failed)?;
            infos.push(VarSecInfo { var, offset: variable.offset, size: variable.size() });
        }
        let made = self.btf().datasec(section.name(), size, &infos);
        made.map_err(|source| ObjectError::Btf { source: source.into(), site: Site::unknown() })
    }
}

fn contents(size: u32, variables: &[Variable]) -> Vec<u8> {
    let mut all = vec![0; usize::try_from(size).unwrap_or(0)];
    for variable in variables {
        let start = usize::try_from(variable.offset).unwrap_or(usize::MAX);
        let place = all.get_mut(start..).and_then(|rest| rest.get_mut(..variable.bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(&variable.bytes);
        }
    }
    all
}
