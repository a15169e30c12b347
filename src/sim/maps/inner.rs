//! `BPF_MAP_TYPE_ARRAY_OF_MAPS` and `BPF_MAP_TYPE_HASH_OF_MAPS`: a look-up gives a map. A map is written as its number in the
//! object.

use super::array::{self, index};
use super::hash::Hash;
use super::{Around, Element, Map, Rules, Shape};
use crate::base::Errno;
use crate::btf::special::SpecialField;
use crate::map::{MapDef, MapFlags, MapKind};
use crate::sim::memory::{Memory, RegionId};

/// What a map must be like to stand beside others in a map (`bpf_map_meta_equal`).
#[derive(Clone, Debug)]
pub(in crate::sim) struct Template {
    kind: MapKind,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: MapFlags,
    fields: Vec<SpecialField>,
    /// The address of the map itself; 0 where there is only the template.
    handle: u64,
}

impl Template {
    pub(in crate::sim) fn of(def: &MapDef) -> Self {
        let mut fields = def.fields.clone();
        fields.sort_by_key(|field| field.offset);
        Self {
            kind: def.kind,
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: def.max_entries,
            flags: def.flags,
            fields,
            handle: 0,
        }
    }

    /// Of a map that is there, given its address.
    pub(in crate::sim) fn made(self, handle: u64) -> Self {
        Self { handle, ..self }
    }

    fn takes(&self, map: &Self) -> bool {
        let sizes = |map: &Self| (map.kind, map.key_size, map.value_size, map.flags);
        let fields =
            |map: &Self| map.fields.iter().map(|field| (field.kind, field.offset)).collect::<Vec<_>>();
        let lengths = self.kind != MapKind::ARRAY
            || self.flags.contains(MapFlags::INNER_MAP)
            || self.max_entries == map.max_entries;
        sizes(self) == sizes(map) && fields(self) == fields(map) && lengths
    }
}

/// Whether maps of a kind can stand in maps.
fn check_inner(shape: &Shape) -> Result<(), Errno> {
    let inner = shape.inner.as_ref().ok_or(Errno::EBADF)?;
    match inner.kind {
        kind if kind.has_inner() => Err(Errno::EINVAL),
        MapKind::PROG_ARRAY | MapKind::STRUCT_OPS => Err(Errno::ENOTSUPP),
        MapKind::CGROUP_STORAGE | MapKind::PERCPU_CGROUP_STORAGE => Err(Errno::ENOTSUPP),
        _ => Ok(()),
    }
}

/// The number of the map that a value names, if it fits.
fn named(at: &Around<'_>, value: &[u8]) -> Result<u32, Errno> {
    let number = index(value, at.memory.endian).ok_or(Errno::EBADF)?;
    let map = at.templates.get(number as usize).ok_or(Errno::EBADF)?;
    let fits = at.shape.inner.as_ref().is_some_and(|inner| inner.takes(map));
    if fits { Ok(number) } else { Err(Errno::EINVAL) }
}

fn handle(at: &Around<'_>, number: u32) -> Option<u64> {
    Some(at.templates.get(number as usize)?.handle)
}

#[derive(Debug)]
pub(super) struct ArrayOfMaps(Vec<Option<u32>>);

impl ArrayOfMaps {
    pub(super) fn make(shape: &Shape) -> Result<Self, Errno> {
        check_inner(shape)?;
        Ok(Self(vec![None; shape.max_entries as usize]))
    }

    fn at(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.0.get(index(key, at.memory.endian)? as usize).copied().flatten()
    }

    fn slot(&mut self, at: &Around<'_>, key: &[u8]) -> Result<&mut Option<u32>, Errno> {
        let index = index(key, at.memory.endian).ok_or(Errno::EINVAL)?;
        self.0.get_mut(index as usize).ok_or(Errno::E2BIG)
    }
}

impl Map for ArrayOfMaps {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        handle(at, self.at(at, key)?)
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let slot = self.slot(at, key)?;
        *slot = Some(named(at, value)?);
        Ok(())
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        self.slot(at, key)?.take().map(drop).ok_or(Errno::ENOENT)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        array::next(at, after)
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        index(key, at.memory.endian).filter(|index| *index < at.shape.max_entries)
    }

    fn key_of(&self, _: &Around<'_>, _: u64) -> u64 {
        RegionId::INDEXES.at(0)
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        let number = self.at(at, key).ok_or(Errno::ENOENT)?;
        value.copy_from_slice(&array::key(number, at.memory.endian));
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct HashOfMaps(Hash);

impl HashOfMaps {
    pub(super) fn make(shape: &Shape, memory: &mut Memory, rules: Rules) -> Result<Self, Errno> {
        check_inner(shape)?;
        Ok(Self(Hash::make(shape, memory, rules)?))
    }
}

impl Map for HashOfMaps {
    fn lookup(&mut self, at: &mut Around<'_>, key: &[u8]) -> Option<u64> {
        let value = self.0.find(key)?;
        handle(at, index(at.memory.peek(value, 4), at.memory.endian)?)
    }

    fn update(&mut self, at: &mut Around<'_>, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        named(at, value)?;
        self.0.update(at, key, value, flags)
    }

    fn delete(&mut self, at: &mut Around<'_>, key: &[u8]) -> Result<(), Errno> {
        self.0.delete(at, key)
    }

    fn next(&self, at: &Around<'_>, after: Option<u32>) -> Option<Element> {
        self.0.next(at, after)
    }

    fn position(&self, at: &Around<'_>, key: &[u8]) -> Option<u32> {
        self.0.position(at, key)
    }

    fn key_of(&self, at: &Around<'_>, value: u64) -> u64 {
        self.0.key_of(at, value)
    }

    fn user_get(&mut self, at: &mut Around<'_>, key: &[u8], value: &mut [u8]) -> Result<(), Errno> {
        self.0.user_get(at, key, value)
    }
}
