//! Descriptors before there are any: names for what commands will make.

use std::sync::Arc;

/// A file descriptor of a plan: an index into the plan's list of what will be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub(crate) u32);

impl Fd {
    /// The descriptor that stands at `index` in [`Plan::fds`](super::Plan::fds).
    #[must_use]
    pub const fn at(index: u32) -> Self {
        Self(index)
    }

    /// Where it stands in [`Plan::fds`](super::Plan::fds).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a descriptor of a plan will refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FdInfo {
    /// What it is.
    pub kind: FdKind,
    /// The name of the map, program or link; the object's for BTF.
    pub name: Arc<str>,
}

/// The kinds of descriptors a plan deals with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FdKind {
    /// A BTF object.
    Btf,
    /// The BTF of a kernel module; closed after it was used.
    ModuleBtf,
    /// A map.
    Map,
    /// The template of a map of maps; closed after it was used.
    InnerMap,
    /// A program.
    Program,
    /// A link.
    Link,
    /// Anything a link attaches to: a cgroup, a network namespace, a perf event.
    Target,
    /// A token.
    Token,
    /// Something else: a directory of a bpffs, an iterator, statistics.
    Other,
}

impl FdKind {
    /// The word plans print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Btf => "btf",
            Self::ModuleBtf => "btf of module",
            Self::Map => "map",
            Self::InnerMap => "inner map",
            Self::Program => "program",
            Self::Link => "link",
            Self::Target => "target",
            Self::Token => "token",
            Self::Other => "file",
        }
    }
}

impl std::fmt::Display for FdInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            FdKind::Btf => f.write_str("btf"),
            kind => write!(f, "{} {}", kind.name(), self.name),
        }
    }
}
