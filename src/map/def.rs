//! A map inside an object: plain data, types resolved.

use super::{MapFlags, MapKind};
use crate::btf::TypeId;
use crate::btf::special::SpecialField;
use crate::site::Site;

/// A map of an object, with its types as ids of the object's BTF.
#[derive(Clone, Debug, PartialEq)]
pub struct MapDef {
    /// The name programs refer to it by; the kernel sees the first 15 bytes.
    pub name: String,
    /// `map_type`.
    pub kind: MapKind,
    /// Bytes of a key; 0 where the kind has none.
    pub key_size: u32,
    /// Bytes of a value (of one CPU's value in a per-CPU map).
    pub value_size: u32,
    /// `max_entries`; 0 lets the planner ask the target (perf event arrays: the possible CPUs).
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: MapFlags,
    /// `map_extra`.
    pub extra: u64,
    /// `numa_node`, used with [`MapFlags::NUMA_NODE`].
    pub numa_node: Option<u32>,
    /// The BTF of the key; void where there is none.
    pub key: TypeId,
    /// The BTF of the value; void where there is none.
    pub value: TypeId,
    /// The timers, locks and the like in the value, by offset.
    pub fields: Vec<SpecialField>,
    /// The template of the maps inside.
    pub inner: Option<Box<MapDef>>,
    /// Where the map comes from.
    pub source: MapSource,
    /// What it holds before the first program runs, in the order it is written.
    pub entries: Vec<Entry>,
    /// Whether it is frozen after that.
    pub freeze: bool,
    /// The Rust line that described it.
    pub site: Site,
}

impl MapDef {
    /// Whether its key or value has a type, so that creating it needs the object's BTF.
    #[must_use]
    pub fn has_btf(&self) -> bool {
        self.key != TypeId::VOID || self.value != TypeId::VOID
    }
}

/// Where a map comes from when an object is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MapSource {
    /// It is created.
    Create,
    /// It is opened under `path` in a bpffs; created and pinned there when nothing is.
    Pinned {
        /// The absolute path.
        path: String,
    },
    /// The caller gives a file descriptor.
    Supplied,
}

/// One initial entry of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The key, `key_size` bytes of the object's byte order.
    pub key: Vec<u8>,
    /// The value.
    pub value: EntryValue,
}

/// The value of an initial entry: bytes, or a kernel object whose descriptor is only known at load time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryValue {
    /// `value_size` bytes of the object's byte order.
    Bytes(Vec<u8>),
    /// The descriptor of another map of the object (maps of maps).
    Map(String),
    /// The descriptor of a program of the object (program arrays).
    Program(String),
}
