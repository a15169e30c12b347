//! Maps: what programs and user space do with them.
//!
//! Each kind is a file with a type that implements [`Map`]; [`make`] is the list of them. Values and keys lie in
//! [regions](super::memory) of the map's own, so that what a look-up returns is an address the engine can use.

mod array;
mod hash;
mod programs;

use std::fmt::Debug;

use super::memory::{Memory, Permit, RegionId};
use super::timers::Timers;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::special::{FieldKind, SpecialField};
use crate::map::{MapDef, MapFlags, MapKind};

/// A kind of map, at work. Keys and values have the sizes of the [`Shape`]; who calls sees to that.
pub(super) trait Map: Debug {
    /// The address of the value of `key`, or of the map in it; none where there is none.
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
    /// The CPU that asks.
    pub(super) cpu: u32,
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
    /// The special fields of a value, ascending.
    pub(super) fields: Vec<SpecialField>,
    /// The region that stands for the map itself.
    pub(super) handle: RegionId,
}

impl Shape {
    pub(super) fn new(id: u32, def: &MapDef, handle: RegionId) -> Self {
        let mut fields = def.fields.clone();
        fields.sort_by_key(|field| field.offset);
        Self {
            id,
            name: def.name.clone(),
            kind: def.kind,
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: def.max_entries,
            flags: def.flags,
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

    /// A value as user space sees it: special fields zero.
    pub(super) fn shown(&self, value: &[u8]) -> Vec<u8> {
        let mut shown = vec![0; value.len()];
        self.copy(&mut shown, value);
        shown
    }
}

impl Around<'_> {
    /// Writes a value in place, but for its special fields.
    pub(super) fn write_value(&mut self, address: u64, value: &[u8]) {
        self.shape.copy(self.memory.own(address, self.shape.value_size as usize), value);
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
}

/// Makes the map a shape describes; none: the kind is not simulated.
pub(super) fn make(shape: &Shape, memory: &mut Memory) -> Option<Result<Box<dyn Map>, Errno>> {
    Some(match shape.kind {
        MapKind::ARRAY => array::Array::make(shape, memory).map(boxed),
        MapKind::PROG_ARRAY => programs::Programs::make(shape).map(boxed),
        MapKind::HASH => hash::Hash::make(shape, memory).map(boxed),
        _ => return None,
    })
}

fn boxed(map: impl Map + 'static) -> Box<dyn Map> {
    Box::new(map)
}
