//! What an object asks of the kernel it will be loaded into.

use std::collections::BTreeSet;
use std::fmt;

use super::Object;
use crate::asm::{BtfScope, RelocKind};
use crate::map::{MapDef, MapSource};
use crate::site::Site;

/// One thing only a kernel, or the caller, can tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// The BTF id of a kernel function.
    Kfunc(String),
    /// The address or the BTF id of a kernel variable.
    Ksym {
        /// Its name.
        name: String,
        /// Whether its BTF id is asked for, not its address.
        typed: bool,
    },
    /// The BTF id of a kernel type.
    KernelType(String),
    /// The layout of kernel types (CO-RE).
    CoreTypes,
    /// The BTF id a program attaches to.
    AttachTarget {
        /// The program.
        program: String,
        /// What it attaches to.
        target: String,
    },
    /// A map's number of entries is the number of possible CPUs.
    PossibleCpus(String),
    /// A pinned map.
    Pin {
        /// The map.
        map: String,
        /// The path in a bpffs.
        path: String,
    },
    /// A map whose descriptor the caller supplies.
    SuppliedMap(String),
}

/// Everything an object needs, in the order it is met, each with the Rust line that asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    list: Vec<(Need, Site)>,
    known: BTreeSet<Need>,
    capabilities: bool,
}

impl Needs {
    /// The needs and their lines.
    pub fn iter(&self) -> impl Iterator<Item = (&Need, &Site)> {
        self.list.iter().map(|(need, site)| (need, site))
    }

    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the BTF of the running kernel has to be read to answer them.
    #[must_use]
    pub fn kernel_btf(&self) -> bool {
        let from_btf = |need: &Need| match need {
            Need::Kfunc(_) | Need::KernelType(_) | Need::AttachTarget { .. } => true,
            Need::Ksym { typed, .. } => *typed,
            _ => false,
        };
        self.list.iter().any(|(need, _)| from_btf(need))
    }

    /// Whether it matters which capabilities the process has: it does where values hold special fields, whose offsets the
    /// verifier takes only constant from programs without `CAP_PERFMON`.
    #[must_use]
    pub fn capabilities(&self) -> bool {
        self.capabilities
    }

    /// The names of kernel symbols whose addresses are needed.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|(need, _)| match need {
            Need::Ksym { name, typed: false } => Some(name.as_str()),
            _ => None,
        })
    }

    fn add(&mut self, need: Need, site: Site) {
        if self.known.insert(need.clone()) {
            self.list.push((need, site));
        }
    }
}

impl Object {
    /// What only a kernel knows, by name: kfuncs, ksyms, CO-RE types, attach targets, pins, and
    /// what the caller supplies.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        self.maps.iter().for_each(|map| map_needs(map, &mut needs));
        self.functions.iter().for_each(|function| code_needs(&function.code, &mut needs));
        for program in &self.programs {
            if let Some(target) = program.target.as_ref().filter(|_| program.kind.needs_attach_btf_id()) {
                let need = Need::AttachTarget { program: program.name.clone(), target: target.clone() };
                needs.add(need, program.site.clone());
            }
        }
        needs
    }
}

fn map_needs(map: &MapDef, needs: &mut Needs) {
    needs.capabilities |= !map.fields.is_empty();
    match &map.source {
        MapSource::Create => {}
        MapSource::Pinned { path } => {
            needs.add(Need::Pin { map: map.name.clone(), path: path.clone() }, map.site.clone());
        }
        MapSource::Supplied => needs.add(Need::SuppliedMap(map.name.clone()), map.site.clone()),
    }
    if map.max_entries == 0 && map.kind.one_entry_per_cpu() {
        needs.add(Need::PossibleCpus(map.name.clone()), map.site.clone());
    }
}

fn code_needs(code: &crate::asm::Code, needs: &mut Needs) {
    for reloc in code.relocs() {
        let name = || code.symbol(reloc.symbol).to_owned();
        let need = match reloc.kind {
            RelocKind::Kfunc => Need::Kfunc(name()),
            RelocKind::Ksym { typed } => Need::Ksym { name: name(), typed },
            RelocKind::BtfId(BtfScope::Kernel) => Need::KernelType(name()),
            RelocKind::Core(_) => Need::CoreTypes,
            _ => continue,
        };
        needs.add(need, code.loc(reloc.slot as usize).into());
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kfunc(name) => write!(f, "kernel function `{name}`"),
            Self::Ksym { name, typed: true } => {
                write!(f, "kernel variable or function `{name}` with its type")
            }
            Self::Ksym { name, typed: false } => write!(f, "address of the kernel symbol `{name}`"),
            Self::KernelType(name) => write!(f, "kernel type `{name}`"),
            Self::CoreTypes => write!(f, "layout of kernel types (CO-RE)"),
            Self::AttachTarget { program, target } => {
                write!(f, "attach target `{target}` of program `{program}`")
            }
            Self::PossibleCpus(map) => write!(f, "number of possible CPUs, for map `{map}`"),
            Self::Pin { map, path } => write!(f, "pin `{path}` of map `{map}`"),
            Self::SuppliedMap(map) => write!(f, "descriptor of map `{map}`, from the caller"),
        }
    }
}
