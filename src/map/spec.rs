//! What a user says of a map, before an object gives its types their ids.

use std::marker::PhantomData;

use super::{MapFlags, MapKind, MapSource};
use crate::btf::{BtfError, BtfType, Builder, TypeId};

/// A map as its author describes it: kind, sizes, types, flags.
///
/// `K` and `V` are the Rust types of key and value where they are known; `()` where a map has none or
/// they are only known at run time. Nothing here touches the kernel; [`ObjectBuilder::add_map`] takes it.
///
/// [`ObjectBuilder::add_map`]: crate::object::ObjectBuilder::add_map
#[derive(Clone, Debug)]
#[must_use = "a specification does nothing until an ObjectBuilder takes it"]
pub struct MapSpec<K = (), V = ()> {
    pub(crate) name: String,
    pub(crate) kind: MapKind,
    pub(crate) key: Part,
    pub(crate) value: Part,
    pub(crate) max_entries: u32,
    pub(crate) flags: MapFlags,
    pub(crate) extra: u64,
    pub(crate) numa_node: Option<u32>,
    pub(crate) source: MapSource,
    pub(crate) freeze: bool,
    pub(crate) inner: Option<Box<MapSpec>>,
    types: PhantomData<fn() -> (K, V)>,
}

/// The key or the value of a map: its size and where its BTF comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) size: u32,
    pub(crate) btf: PartType,
}

/// Where the BTF of a key or a value comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PartType {
    /// The map has no type there.
    None,
    /// A Rust type writes it.
    Rust(fn(&mut Builder) -> Result<TypeId, BtfError>),
    /// It stands in the object's BTF already.
    Id(TypeId),
}

impl Part {
    const NONE: Self = Self { size: 0, btf: PartType::None };
    const FD: Self = Self { size: 4, btf: PartType::None };

    fn of<T: BtfType>() -> Self {
        Self { size: u32::try_from(T::SIZE).unwrap_or(u32::MAX), btf: PartType::Rust(T::btf) }
    }
}

impl MapSpec {
    /// A map of `kind` whose key and value are given later, by size or by BTF id; no entries.
    pub fn new(kind: MapKind, name: impl Into<String>) -> Self {
        Self::parts(kind, name, Part::NONE, Part::NONE)
    }

    /// A map of `kind` with the key type `K` and the value type `V`.
    pub fn typed<K: BtfType, V: BtfType>(kind: MapKind, name: impl Into<String>) -> MapSpec<K, V> {
        MapSpec::parts(kind, name, Part::of::<K>(), Part::of::<V>())
    }

    /// `BPF_MAP_TYPE_HASH` (since 3.19): keys to values, allocated up front unless
    /// [`MapFlags::NO_PREALLOC`] is given.
    #[doc(alias = "BPF_MAP_TYPE_HASH")]
    pub fn hash<K: BtfType, V: BtfType>(name: impl Into<String>) -> MapSpec<K, V> {
        Self::typed(MapKind::HASH, name)
    }

    /// `BPF_MAP_TYPE_LRU_HASH` (since 4.10): a hash that drops its least recently used entry when full.
    #[doc(alias = "BPF_MAP_TYPE_LRU_HASH")]
    pub fn lru_hash<K: BtfType, V: BtfType>(name: impl Into<String>) -> MapSpec<K, V> {
        Self::typed(MapKind::LRU_HASH, name)
    }

    /// `BPF_MAP_TYPE_PERCPU_HASH` (since 4.6): a hash with one value for each possible CPU.
    #[doc(alias = "BPF_MAP_TYPE_PERCPU_HASH")]
    pub fn percpu_hash<K: BtfType, V: BtfType>(name: impl Into<String>) -> MapSpec<K, V> {
        Self::typed(MapKind::PERCPU_HASH, name)
    }

    /// `BPF_MAP_TYPE_LRU_PERCPU_HASH` (since 4.10): both of the above.
    #[doc(alias = "BPF_MAP_TYPE_LRU_PERCPU_HASH")]
    pub fn lru_percpu_hash<K: BtfType, V: BtfType>(name: impl Into<String>) -> MapSpec<K, V> {
        Self::typed(MapKind::LRU_PERCPU_HASH, name)
    }

    /// `BPF_MAP_TYPE_ARRAY` (since 3.19): values by index; every one exists from the start, zeroed.
    #[doc(alias = "BPF_MAP_TYPE_ARRAY")]
    pub fn array<V: BtfType>(name: impl Into<String>) -> MapSpec<u32, V> {
        Self::typed(MapKind::ARRAY, name)
    }

    /// `BPF_MAP_TYPE_PERCPU_ARRAY` (since 4.6): an array with one value for each possible CPU.
    #[doc(alias = "BPF_MAP_TYPE_PERCPU_ARRAY")]
    pub fn percpu_array<V: BtfType>(name: impl Into<String>) -> MapSpec<u32, V> {
        Self::typed(MapKind::PERCPU_ARRAY, name)
    }

    /// `BPF_MAP_TYPE_LPM_TRIE` (since 4.11): longest prefix match. The key begins with the prefix
    /// length in bits, a `u32` of the object's byte order. [`MapFlags::NO_PREALLOC`] is set: the kernel demands it.
    #[doc(alias = "BPF_MAP_TYPE_LPM_TRIE")]
    pub fn lpm_trie<K: BtfType, V: BtfType>(name: impl Into<String>) -> MapSpec<K, V> {
        Self::typed(MapKind::LPM_TRIE, name).flags(MapFlags::NO_PREALLOC)
    }

    /// `BPF_MAP_TYPE_QUEUE` (since 4.20): values without keys, first in, first out.
    #[doc(alias = "BPF_MAP_TYPE_QUEUE")]
    pub fn queue<V: BtfType>(name: impl Into<String>) -> MapSpec<(), V> {
        MapSpec::parts(MapKind::QUEUE, name, Part::NONE, Part::of::<V>())
    }

    /// `BPF_MAP_TYPE_STACK` (since 4.20): values without keys, last in, first out.
    #[doc(alias = "BPF_MAP_TYPE_STACK")]
    pub fn stack<V: BtfType>(name: impl Into<String>) -> MapSpec<(), V> {
        MapSpec::parts(MapKind::STACK, name, Part::NONE, Part::of::<V>())
    }

    /// `BPF_MAP_TYPE_RINGBUF` (since 5.8): `bytes` is a power of two and a multiple of the page size.
    #[doc(alias = "BPF_MAP_TYPE_RINGBUF")]
    pub fn ringbuf(name: impl Into<String>, bytes: u32) -> Self {
        Self::new(MapKind::RINGBUF, name).max_entries(bytes)
    }

    /// `BPF_MAP_TYPE_PROG_ARRAY` (since 4.2): the programs `bpf_tail_call` may jump to.
    #[doc(alias = "BPF_MAP_TYPE_PROG_ARRAY")]
    pub fn prog_array(name: impl Into<String>) -> MapSpec<u32, ()> {
        MapSpec::parts(MapKind::PROG_ARRAY, name, Part::of::<u32>(), Part::FD)
    }

    /// `BPF_MAP_TYPE_PERF_EVENT_ARRAY` (since 4.3): one perf event for each CPU; 0 entries mean all possible CPUs.
    #[doc(alias = "BPF_MAP_TYPE_PERF_EVENT_ARRAY")]
    pub fn perf_event_array(name: impl Into<String>) -> MapSpec<u32, ()> {
        MapSpec::parts(MapKind::PERF_EVENT_ARRAY, name, Part::of::<u32>(), Part::FD)
    }

    /// `BPF_MAP_TYPE_ARRAY_OF_MAPS` (since 4.12): maps shaped as `inner`, by index.
    #[doc(alias = "BPF_MAP_TYPE_ARRAY_OF_MAPS")]
    pub fn array_of_maps<K, V>(name: impl Into<String>, inner: MapSpec<K, V>) -> MapSpec<u32, ()> {
        MapSpec::parts(MapKind::ARRAY_OF_MAPS, name, Part::of::<u32>(), Part::FD).inner(inner)
    }

    /// `BPF_MAP_TYPE_HASH_OF_MAPS` (since 4.12): maps shaped as `inner`, by key.
    #[doc(alias = "BPF_MAP_TYPE_HASH_OF_MAPS")]
    pub fn hash_of_maps<K: BtfType>(
        name: impl Into<String>,
        inner: MapSpec<impl Sized, impl Sized>,
    ) -> MapSpec<K, ()> {
        MapSpec::parts(MapKind::HASH_OF_MAPS, name, Part::of::<K>(), Part::FD).inner(inner)
    }
}

impl<K, V> MapSpec<K, V> {
    fn parts(kind: MapKind, name: impl Into<String>, key: Part, value: Part) -> Self {
        Self {
            name: name.into(),
            kind,
            key,
            value,
            max_entries: 0,
            flags: MapFlags::empty(),
            extra: 0,
            numa_node: None,
            source: MapSource::Create,
            freeze: false,
            inner: None,
            types: PhantomData,
        }
    }

    /// How many entries the map may hold (`max_entries`; bytes for a ring buffer).
    pub fn max_entries(mut self, entries: u32) -> Self {
        self.max_entries = entries;
        self
    }

    /// Adds `map_flags`.
    pub fn flags(mut self, flags: MapFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// `map_extra` (since 5.16): the number of hash functions of a bloom filter, the address of an arena.
    pub fn extra(mut self, extra: u64) -> Self {
        self.extra = extra;
        self
    }

    /// The NUMA node the map's memory comes from (`numa_node`, since 4.14); sets [`MapFlags::NUMA_NODE`].
    pub fn numa_node(mut self, node: u32) -> Self {
        self.numa_node = Some(node);
        self
    }

    /// The size of the key in bytes, without a type.
    pub fn key_size(mut self, bytes: u32) -> Self {
        self.key = Part { size: bytes, btf: PartType::None };
        self
    }

    /// The size of the value in bytes, without a type.
    pub fn value_size(mut self, bytes: u32) -> Self {
        self.value = Part { size: bytes, btf: PartType::None };
        self
    }

    /// The type of the key, by its id in the object's BTF; its size becomes the key size.
    pub fn key_type(mut self, id: TypeId) -> Self {
        self.key = Part { size: 0, btf: PartType::Id(id) };
        self
    }

    /// The type of the value, by its id in the object's BTF; its size becomes the value size.
    pub fn value_type(mut self, id: TypeId) -> Self {
        self.value = Part { size: 0, btf: PartType::Id(id) };
        self
    }

    /// The map is found under `path` in a bpffs, and created and pinned there when it is not. One that is found has to have this
    /// shape; it keeps what it holds: initial entries are written, and it is frozen, only where it is created.
    pub fn pinned(mut self, path: impl Into<String>) -> Self {
        self.source = MapSource::Pinned { path: path.into() };
        self
    }

    /// The caller supplies the map when the object is loaded. It has to have this kind, key and value size; it keeps what it
    /// holds, and is not frozen.
    pub fn supplied(mut self) -> Self {
        self.source = MapSource::Supplied;
        self
    }

    /// Freezes the map after its entries were written (`BPF_MAP_FREEZE`, since 5.2): user space
    /// can no longer write it.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub fn freeze(mut self) -> Self {
        self.freeze = true;
        self
    }

    /// The template of the maps inside a map of maps.
    pub fn inner<A, B>(mut self, inner: MapSpec<A, B>) -> Self {
        self.inner = Some(Box::new(inner.untyped()));
        self
    }

    /// The same map without its Rust types.
    pub fn untyped(self) -> MapSpec {
        MapSpec {
            name: self.name,
            kind: self.kind,
            key: self.key,
            value: self.value,
            max_entries: self.max_entries,
            flags: self.flags,
            extra: self.extra,
            numa_node: self.numa_node,
            source: self.source,
            freeze: self.freeze,
            inner: self.inner,
            types: PhantomData,
        }
    }
}
