//! Maps as user space sees them.

use std::marker::PhantomData;

use thiserror::Error;

use super::world::World;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::BtfType;

/// What an operation on a map came to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// There is no such map.
    #[error("there is no map `{0}`")]
    NoMap(String),
    /// A key or a value has the wrong size.
    #[error("map `{map}`: its {part} has {size} bytes, not {given}")]
    Size {
        /// The map.
        map: String,
        /// `key` or `value`.
        part: &'static str,
        /// How many bytes it has.
        size: usize,
        /// How many were given.
        given: usize,
    },
    /// The bytes of a key or a value are no value of the Rust type.
    #[error("map `{map}`: the bytes of a {part} are no value of its type")]
    NoValue {
        /// The map.
        map: String,
        /// `key` or `value`.
        part: &'static str,
    },
    /// What the kernel would say.
    #[error("map `{map}`: {operation}: {errno}")]
    Refused {
        /// The map.
        map: String,
        /// The command of bpf(2).
        operation: &'static str,
        /// Why.
        errno: Errno,
    },
}

/// A map of a machine, as bytes.
#[derive(Debug)]
pub struct RawMap<'a> {
    world: &'a mut World,
    map: u32,
}

impl<'a> RawMap<'a> {
    pub(super) fn new(world: &'a mut World, map: u32) -> Self {
        Self { world, map }
    }

    /// The value of `key` (`BPF_MAP_LOOKUP_ELEM`), its special fields zero; none where there is none.
    ///
    /// # Errors
    /// [`MapError::Size`].
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, MapError> {
        self.check("key", self.sizes().0, key)?;
        let size = self.sizes().1;
        Ok(self.world.with_map(self.map, |map, at| {
            let address = map.lookup(at, key)?;
            Some(at.shape.shown(at.memory.own(address, size)))
        }))
    }

    /// Sets the value of `key` (`BPF_MAP_UPDATE_ELEM`).
    ///
    /// # Errors
    /// [`MapError`]: the sizes, or what the kernel says of the flags, the key, the room.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub fn update(&mut self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), MapError> {
        self.check("key", self.sizes().0, key)?;
        self.check("value", self.sizes().1, value)?;
        let updated = self.world.with_map(self.map, |map, at| map.update(at, key, value, flags.bits()));
        updated.map_err(|errno| self.refused("BPF_MAP_UPDATE_ELEM", errno))
    }

    /// Takes `key` away (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    /// [`MapError`]: ENOENT where it is not there, EINVAL where elements cannot go.
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    pub fn delete(&mut self, key: &[u8]) -> Result<(), MapError> {
        self.check("key", self.sizes().0, key)?;
        let deleted = self.world.with_map(self.map, |map, at| map.delete(at, key));
        deleted.map_err(|errno| self.refused("BPF_MAP_DELETE_ELEM", errno))
    }

    /// The key that follows `key`, or the first (`BPF_MAP_GET_NEXT_KEY`); none after the last. A key that is not there is
    /// followed by the first.
    ///
    /// # Errors
    /// [`MapError::Size`].
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub fn next_key(&mut self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, MapError> {
        let size = self.sizes().0;
        if let Some(key) = key {
            self.check("key", size, key)?;
        }
        Ok(self.world.with_map(self.map, |map, at| {
            let after = key.and_then(|key| map.position(at, key));
            let next = map.next(at, after)?;
            Some(at.key_bytes(next.key, size))
        }))
    }

    /// Every key with its value, in the order of a walk through the map.
    pub fn entries(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let (key_size, value_size) = self.sizes();
        self.world.with_map(self.map, |map, at| {
            let mut entries = Vec::new();
            let mut after = None;
            while let Some(element) = map.next(at, after) {
                after = Some(element.position);
                let key = at.key_bytes(element.key, key_size);
                entries.push((key, at.shape.shown(at.memory.own(element.value, value_size))));
            }
            entries
        })
    }

    /// The last descriptor and pin of the map are gone: its timers end, as `bpf_map_put_uref` has it.
    pub fn drop_users(&mut self) {
        self.world.maps[self.map as usize].users = 0;
        self.world.with_map(self.map, |map, at| {
            let mut after = None;
            while let Some(element) = map.next(at, after) {
                after = Some(element.position);
                at.free_timers(element.value);
            }
        });
    }

    fn sizes(&self) -> (usize, usize) {
        let shape = self.world.shape(self.map);
        (shape.key_size as usize, shape.value_size as usize)
    }

    fn check(&self, part: &'static str, size: usize, bytes: &[u8]) -> Result<(), MapError> {
        if bytes.len() == size {
            return Ok(());
        }
        Err(MapError::Size { map: self.name(), part, size, given: bytes.len() })
    }

    fn refused(&self, operation: &'static str, errno: Errno) -> MapError {
        MapError::Refused { map: self.name(), operation, errno }
    }

    fn name(&self) -> String {
        self.world.shape(self.map).name.clone()
    }
}

/// A map of a machine, with the Rust types of its keys and values.
#[derive(Debug)]
pub struct MapView<'a, K, V> {
    raw: RawMap<'a>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<'a, K: BtfType, V: BtfType> MapView<'a, K, V> {
    pub(super) fn new(raw: RawMap<'a>) -> Result<Self, MapError> {
        let (key, value) = raw.sizes();
        for (part, size, given) in [("key", key, K::SIZE), ("value", value, V::SIZE)] {
            if size != given {
                return Err(MapError::Size { map: raw.name(), part, size, given });
            }
        }
        Ok(Self { raw, types: PhantomData })
    }

    /// The value of `key`; none where there is none.
    ///
    /// # Errors
    /// [`MapError::NoValue`]: its bytes are no `V`.
    pub fn get(&mut self, key: &K) -> Result<Option<V>, MapError> {
        let key = self.bytes(key);
        let value = self.raw.get(&key)?;
        value.map(|bytes| self.read("value", &bytes)).transpose()
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// As [`RawMap::update`].
    pub fn update(&mut self, key: &K, value: &V, flags: ElemFlags) -> Result<(), MapError> {
        let (key, value) = (self.bytes(key), self.bytes(value));
        self.raw.update(&key, &value, flags)
    }

    /// Takes `key` away.
    ///
    /// # Errors
    /// As [`RawMap::delete`].
    pub fn delete(&mut self, key: &K) -> Result<(), MapError> {
        let key = self.bytes(key);
        self.raw.delete(&key)
    }

    /// Every key with its value, in the order of a walk through the map.
    ///
    /// # Errors
    /// [`MapError::NoValue`]: bytes are no `K` or `V`.
    pub fn entries(&mut self) -> Result<Vec<(K, V)>, MapError> {
        let entries = self.raw.entries();
        let typed =
            |(key, value): (Vec<u8>, Vec<u8>)| Ok((self.read("key", &key)?, self.read("value", &value)?));
        entries.into_iter().map(typed).collect()
    }

    fn bytes<T: BtfType>(&self, value: &T) -> Vec<u8> {
        value.to_bytes(self.raw.world.memory.endian)
    }

    fn read<T: BtfType>(&self, part: &'static str, bytes: &[u8]) -> Result<T, MapError> {
        let value = T::read_from(bytes, self.raw.world.memory.endian);
        value.ok_or_else(|| MapError::NoValue { map: self.raw.name(), part })
    }
}
