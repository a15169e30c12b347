//! Maps: what programs and user space do with them.
//!
//! Each kind is a file with a type that implements [`Map`]; [`make`] is the list of them. Values and keys lie in
//! [regions](super::memory) of the map's own, so that what a look-up returns is an address the engine can use.

mod array;
mod bloom;
mod check;
mod events;
mod given;
mod hash;
mod inner;
mod keyed;
mod line;
mod lru;
mod programs;
mod ring;
mod slots;
mod stacks;
mod storage;
mod trie;
mod user_ring;

use std::fmt::Debug;

pub(super) use events::Events;
pub(super) use inner::Template;
pub(super) use ring::{Ring, Wake};
pub(super) use user_ring::UserRing;

use super::memory::{Memory, Permit, RegionId, stride};
use super::timers::Timers;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::special::{FieldKind, SpecialField};
use crate::map::{MapDef, MapFlags, MapKind};

/// A kind of map, at work. Keys and values have the sizes of the [`Shape`]; who calls sees to that.
pub(super) trait Map: Debug + Send {
    /// The address of the value of `key`, or of the map in it, for a program; none where there is none.
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64>;

    /// Sets the value of `key`.
    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno>;

    /// Takes `key` away.
    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno>;

    /// The element that follows the one numbered `after`, or the first, in the order of a walk through the map.
    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element>;

    /// The number of the element with `key`, as [`next`](Self::next) takes it.
    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32>;

    /// Where the key of the value at an address lies: what the function of a timer gets.
    fn key_of(&self, at: &Around<'_>, value: u64) -> u64;

    /// Adds a value without a key.
    fn push(&mut self, _at: &mut Around<'_>, _value: &[u8], _flags: u64) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Copies the value next in line to `value`, and takes it away if `take`; ENOENT where there is none.
    fn pop(&mut self, _at: &mut Around<'_>, _value: &mut [u8], _take: bool) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// The number of the program that a tail call to this index goes to.
    fn program(&self, _index: u32) -> Option<u32> {
        None
    }

    /// Copies the value of `key` to `value`, of [`Shape::user_size`] bytes, for user space (`BPF_MAP_LOOKUP_ELEM`).
    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        let address = self.lookup(at, key).ok_or(Errno::ENOENT)?;
        at.show(address, value);
        Ok(())
    }

    /// Sets the value of `key`, of [`Shape::user_size`] bytes, for user space (`BPF_MAP_UPDATE_ELEM`).
    fn user_set(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.update(at, key, value, flags)
    }

    /// As [`user_get`](Self::user_get), and takes the element away (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    fn user_take(&mut self, _at: &mut Around<'_>, _key: &[u8], _value: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::ENOTSUPP)
    }

    /// The element that follows `key`, or the first, for user space (`BPF_MAP_GET_NEXT_KEY`).
    fn user_next(&self, at: &Around<'_>, key: Option<&[u8]>) -> Result<Option<Element>, Errno> {
        Ok(self.next(at, key.and_then(|key| self.position(at, key))))
    }

    /// Makes the element of `key` if it is not there: its address. What belongs to an object of the kernel is made so.
    fn create(&mut self, _at: &mut Around<'_>, _key: &[u8], _value: &[u8]) -> Result<u64, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// A test run is over: what belonged to its socket, or was made for it alone, goes.
    fn run_over(&mut self, _at: &mut Around<'_>) {}

    /// The ring of records to user space.
    fn ring(&mut self) -> Option<&mut Ring> {
        None
    }

    /// The ring of records from user space.
    fn user_ring(&mut self) -> Option<&mut UserRing> {
        None
    }

    /// The perf events.
    fn events(&mut self) -> Option<&mut Events> {
        None
    }
}

/// An element of a map, for walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) position: u32,
    /// The address of the key.
    pub(super) key: u64,
    /// The address of the value.
    pub(super) value: u64,
}

/// What a map works with: its description and the machine's memory and timers.
pub(super) struct Around<'a> {
    pub(super) shape: &'a Shape,
    pub(super) memory: &'a mut Memory,
    pub(super) timers: &'a mut Timers,
    /// The CPU that asks; of a per-CPU map, the one whose value is meant.
    pub(super) cpu: u32,
    /// What the maps of the machine are like, by number.
    pub(super) templates: &'a [Template],
}

/// What a map's description says.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) kind: MapKind,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: MapFlags,
    /// `map_extra`
    pub(super) extra: u64,
    /// What the maps in it must be like.
    pub(super) inner: Option<Template>,
    /// How many CPUs there are.
    pub(super) cpus: u32,
    /// The special fields of a value, ascending.
    pub(super) fields: Vec<SpecialField>,
    /// The region that stands for the map itself.
    pub(super) handle: RegionId,
}

impl Shape {
    pub(super) fn new(id: u32, def: &MapDef, handle: RegionId, cpus: u32) -> Self {
        let mut fields = def.fields.clone();
        fields.sort_by_key(|field| field.offset);
        let per_cpu = def.max_entries == 0 && def.kind.one_entry_per_cpu();
        Self {
            id,
            name: def.name.clone(),
            kind: def.kind,
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: if per_cpu { cpus } else { def.max_entries },
            flags: def.flags | def.kind.added_flags(),
            extra: def.extra,
            inner: def.inner.as_deref().map(Template::of),
            cpus,
            fields,
            handle,
        }
    }

    /// What programs may do with its values.
    pub(super) fn permit(&self) -> Permit {
        Permit {
            read: !self.flags.contains(MapFlags::WRONLY_PROG),
            write: !self.flags.contains(MapFlags::RDONLY_PROG),
        }
    }

    /// The flags of an update, and what they ask of an element that is there or is not.
    pub(super) fn check_flags(&self, flags: u64) -> Result<ElemFlags, Errno> {
        let flags = ElemFlags::from_bits_retain(flags);
        let known = flags.difference(ElemFlags::LOCK).bits() <= ElemFlags::EXIST.bits();
        if known { Ok(flags) } else { Err(Errno::EINVAL) }
    }

    /// As [`check_flags`](Self::check_flags), for kinds whose values have no lock.
    pub(super) fn check_plain_flags(flags: u64) -> Result<ElemFlags, Errno> {
        let flags = ElemFlags::from_bits_retain(flags);
        if flags.bits() <= ElemFlags::EXIST.bits() { Ok(flags) } else { Err(Errno::EINVAL) }
    }

    /// How many values an element has.
    pub(super) fn lanes(&self) -> u32 {
        if self.kind.is_per_cpu() { self.cpus } else { 1 }
    }

    /// How many bytes user space gives and gets for a value: per-CPU kinds give each CPU's, rounded up to 8 bytes.
    pub(super) fn user_size(&self) -> usize {
        if self.kind.is_per_cpu() { self.lane_size() * self.cpus as usize } else { self.value_size as usize }
    }

    /// How many bytes of user space's value belong to one CPU.
    fn lane_size(&self) -> usize {
        (self.value_size as usize).next_multiple_of(if self.kind.is_per_cpu() { 8 } else { 1 })
    }

    /// Whether a value has a lock that [`ElemFlags::LOCK`] can take.
    pub(super) fn has_lock(&self) -> bool {
        self.fields.iter().any(|field| field.kind == FieldKind::SpinLock)
    }

    /// The parts of a value that are no special fields: offset and length.
    fn plain_parts(&self) -> impl Iterator<Item = (usize, usize)> {
        let ends = self.fields.iter().map(|field| (field.offset + field.kind.size()) as usize);
        let starts = std::iter::once(0).chain(ends);
        let stops = self.fields.iter().map(|field| field.offset as usize).chain([self.value_size as usize]);
        starts.zip(stops).filter_map(|(start, stop)| Some((start, stop.checked_sub(start)?)))
    }

    /// Copies a value but for its special fields, which keep what they have.
    pub(super) fn copy(&self, to: &mut [u8], from: &[u8]) {
        for (start, len) in self.plain_parts() {
            if let (Some(to), Some(from)) = (to.get_mut(start..start + len), from.get(start..start + len)) {
                to.copy_from_slice(from);
            }
        }
    }

    /// As [`copy`](Self::copy), the bytes that round a CPU's value up included: the kernel copies them with values that have
    /// no special fields.
    fn copy_lane(&self, to: &mut [u8], from: &[u8]) {
        if self.fields.is_empty() && to.len() == from.len() {
            to.copy_from_slice(from);
        } else {
            self.copy(to, from);
        }
    }
}

impl Around<'_> {
    /// Writes a value in place, but for its special fields.
    pub(super) fn write_value(&mut self, address: u64, value: &[u8]) {
        self.shape.copy(self.memory.own(address, self.shape.value_size as usize), value);
    }

    /// Copies an element's value to `value` as user space sees it: the value of every CPU, special fields zero.
    pub(super) fn show(&self, address: u64, value: &mut [u8]) {
        let size = self.shape.lane_size().max(1);
        let stride = u64::from(stride(self.shape.value_size));
        for (lane, shown) in (0..).zip(value.chunks_mut(size)) {
            self.shape.copy_lane(shown, self.memory.peek(address + lane * stride, shown.len()));
        }
    }

    /// The bytes of a key at an address of a walk.
    pub(super) fn key_bytes(&mut self, address: u64, size: usize) -> Vec<u8> {
        if RegionId::of(address) == RegionId::INDEXES {
            return array::key((self.memory.offset(address) / 4) as u32, self.memory.endian).to_vec();
        }
        self.memory.own(address, size).to_vec()
    }

    /// Ends the timers of the value at an address; its other fields stay.
    pub(super) fn free_timers(&mut self, address: u64) {
        for field in self.shape.fields.iter().filter(|field| field.kind == FieldKind::Timer) {
            self.timers.free(self.cpu, address + u64::from(field.offset));
        }
    }

    /// Ends what lives in the special fields of the value at an address: timers are cancelled and freed. Every change that
    /// takes a value away, or sets it anew, calls this.
    pub(super) fn free_fields(&mut self, address: u64) {
        for field in &self.shape.fields {
            let at = address + u64::from(field.offset);
            match field.kind {
                FieldKind::Timer => self.timers.free(self.cpu, at),
                kind => self.memory.own(at, kind.size() as usize).fill(0),
            }
        }
    }
}

/// A map of the object, made.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) shape: Shape,
    pub(super) map: Box<dyn Map>,
    /// Descriptors and pins of user space (`usercnt`).
    pub(super) users: u32,
    /// User space may not change it any more.
    pub(super) frozen: bool,
}

impl Entry {
    pub(super) fn new(shape: Shape, map: Box<dyn Map>) -> Self {
        Self { shape, map, users: 1, frozen: false }
    }
}

/// What the kernel that is simulated decides of maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// LRU maps of few elements take free ones in small numbers (since 6.16).
    pub(super) small_lru_batches: bool,
    /// The size of its pages.
    pub(super) page_size: u32,
}

/// Makes the map a shape describes; none: the kind is not simulated.
pub(super) fn make(shape: &Shape, memory: &mut Memory, rules: Rules) -> Option<Result<Box<dyn Map>, Errno>> {
    if let Err(errno) = check::check(shape, rules) {
        return Some(Err(errno));
    }
    Some(match shape.kind {
        MapKind::ARRAY | MapKind::PERCPU_ARRAY => array::Array::make(shape, memory).map(boxed),
        MapKind::PROG_ARRAY => programs::Programs::make(shape).map(boxed),
        MapKind::HASH | MapKind::PERCPU_HASH | MapKind::LRU_HASH | MapKind::LRU_PERCPU_HASH => {
            hash::Hash::make(shape, memory, rules).map(boxed)
        }
        MapKind::LPM_TRIE => trie::Trie::make(shape, memory).map(boxed),
        MapKind::QUEUE | MapKind::STACK => line::Line::make(shape).map(boxed),
        MapKind::BLOOM_FILTER => bloom::Bloom::make(shape).map(boxed),
        MapKind::ARRAY_OF_MAPS => inner::ArrayOfMaps::make(shape).map(boxed),
        MapKind::HASH_OF_MAPS => inner::HashOfMaps::make(shape, memory, rules).map(boxed),
        MapKind::RINGBUF => Ok(boxed(Ring::make(shape))),
        MapKind::USER_RINGBUF => Ok(boxed(UserRing::make(shape))),
        MapKind::PERF_EVENT_ARRAY => Ok(boxed(Events::make(shape))),
        MapKind::STACK_TRACE => Ok(boxed(stacks::Stacks::make(shape))),
        MapKind::CGROUP_STORAGE | MapKind::PERCPU_CGROUP_STORAGE => {
            storage::CgroupStorage::make(shape, memory).map(boxed)
        }
        MapKind::SK_STORAGE | MapKind::INODE_STORAGE | MapKind::TASK_STORAGE | MapKind::CGRP_STORAGE => {
            storage::LocalStorage::make(shape, memory).map(boxed)
        }
        kind => keyed::Keyed::make(kind, shape, memory)?.map(boxed),
    })
}

fn boxed(map: impl Map + 'static) -> Box<dyn Map> {
    Box::new(map)
}
