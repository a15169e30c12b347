//! Maps as user space sees them.

mod batch;
mod dump;
mod rings;

use std::marker::PhantomData;

use thiserror::Error;

pub use batch::{Batch, Cursor};
pub use rings::{RawRing, Records};

use super::world::World;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::BtfType;
use crate::map::MapFlags;

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
    /// The map has a value for each CPU.
    #[error("map `{0}`: it has a value for each CPU")]
    PerCpu(String),
    /// The map is of another kind than asked for.
    #[error("map `{map}`: it is of the kind {kind}, not {expected}")]
    Kind {
        /// The map.
        map: String,
        /// Its kind.
        kind: crate::map::MapKind,
        /// What was asked for.
        expected: crate::map::MapKind,
    },
    /// The description of its types is broken.
    #[error("map `{map}`: {error}")]
    Btf {
        /// The map.
        map: String,
        /// What is wrong.
        error: crate::btf::BtfError,
    },
    /// A batch stopped in the middle.
    #[error("{error}, after {done} elements")]
    Batch {
        /// How many elements were done before.
        done: usize,
        /// What became of the next.
        error: Box<MapError>,
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

    /// The value of `key` (`BPF_MAP_LOOKUP_ELEM`), its special fields zero; none where there is none. Of a per-CPU map: the
    /// value of every CPU, each rounded up to 8 bytes. Of a queue or a stack: the value next in line, without a key.
    ///
    /// # Errors
    /// [`MapError::Size`], and what the kernel says where the kind has no look-up, or the map cannot be read.
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, MapError> {
        self.get_with(key, ElemFlags::empty())
    }

    /// As [`get`](Self::get), under the lock of the value with [`ElemFlags::LOCK`].
    ///
    /// # Errors
    /// As [`get`](Self::get); EINVAL: the value has no lock.
    pub fn get_with(&mut self, key: &[u8], flags: ElemFlags) -> Result<Option<Vec<u8>>, MapError> {
        let mut value = vec![0; self.sizes().1];
        self.look_up("BPF_MAP_LOOKUP_ELEM", key, &mut value, flags, false).map(|found| found.then_some(value))
    }

    /// Whether a bloom filter may hold `value` (`BPF_MAP_LOOKUP_ELEM`).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn may_contain(&mut self, value: &[u8]) -> Result<bool, MapError> {
        self.check("value", self.sizes().1, value)?;
        self.look_up("BPF_MAP_LOOKUP_ELEM", &[], &mut value.to_vec(), ElemFlags::empty(), false)
    }

    /// As [`get`](Self::get), and takes the element away (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`).
    ///
    /// # Errors
    /// As [`get`](Self::get), and ENOTSUPP for kinds without the command.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub fn take(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, MapError> {
        let mut value = vec![0; self.sizes().1];
        let operation = "BPF_MAP_LOOKUP_AND_DELETE_ELEM";
        self.may(operation, Right::Write)?;
        self.look_up(operation, key, &mut value, ElemFlags::empty(), true).map(|found| found.then_some(value))
    }

    /// Sets the value of `key` (`BPF_MAP_UPDATE_ELEM`); as [`get`](Self::get) has it of per-CPU maps, queues and stacks. A
    /// map, a program or an event is written as its number in the object or that of its CPU, four bytes.
    ///
    /// # Errors
    /// [`MapError`]: the sizes, or what the kernel says of the flags, the key, the room.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub fn update(&mut self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), MapError> {
        let operation = "BPF_MAP_UPDATE_ELEM";
        self.check("key", self.sizes().0, key)?;
        self.check("value", self.sizes().1, value)?;
        self.may(operation, Right::Write)?;
        if flags.contains(ElemFlags::LOCK) && !self.world.shape(self.map).has_lock() {
            return Err(self.refused(operation, Errno::EINVAL));
        }
        let updated = self.world.with_map(self.map, |map, at| map.user_set(at, key, value, flags.bits()));
        updated.map_err(|errno| self.refused(operation, errno))
    }

    /// Takes `key` away (`BPF_MAP_DELETE_ELEM`).
    ///
    /// # Errors
    /// [`MapError`]: ENOENT where it is not there, EINVAL where elements cannot go.
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    pub fn delete(&mut self, key: &[u8]) -> Result<(), MapError> {
        let operation = "BPF_MAP_DELETE_ELEM";
        self.check("key", self.sizes().0, key)?;
        self.may(operation, Right::Write)?;
        let deleted = self.world.with_map(self.map, |map, at| map.delete(at, key));
        deleted.map_err(|errno| self.refused(operation, errno))
    }

    /// The key that follows `key`, or the first (`BPF_MAP_GET_NEXT_KEY`); none after the last. A key that is not there is
    /// followed by the first.
    ///
    /// # Errors
    /// [`MapError::Size`], and what the kernel says of kinds that cannot be walked, and of maps that cannot be read.
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub fn next_key(&mut self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>, MapError> {
        let (operation, size) = ("BPF_MAP_GET_NEXT_KEY", self.sizes().0);
        if let Some(key) = key {
            self.check("key", size, key)?;
        }
        self.may(operation, Right::Read)?;
        let next = self.world.with_map(self.map, |map, at| {
            let next = map.user_next(at, key)?;
            Ok(next.map(|next| at.key_bytes(next.key, size)))
        });
        next.map_err(|errno| self.refused(operation, errno))
    }

    /// Every key with its value, in the order of a walk through the map; none of kinds that cannot be walked, and of maps that
    /// user space may not read.
    pub fn entries(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        if self.may("BPF_MAP_LOOKUP_ELEM", Right::Read).is_err() {
            return Vec::new();
        }
        let (key_size, value_size) = self.sizes();
        self.world.with_map(self.map, |map, at| {
            let mut entries = Vec::new();
            let mut after = None;
            while let Some(element) = map.next(at, after) {
                after = Some(element.position);
                let key = at.key_bytes(element.key, key_size);
                let mut value = vec![0; value_size];
                if map.user_get(at, &key, &mut value).is_ok() {
                    entries.push((key, value));
                }
            }
            entries
        })
    }

    /// User space may not change the map any more (`BPF_MAP_FREEZE`, since 5.2).
    ///
    /// # Errors
    /// ENOTSUPP: its values have special fields. EPERM: user space may not change it as it is.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub fn freeze(&mut self) -> Result<(), MapError> {
        let operation = "BPF_MAP_FREEZE";
        if !self.world.shape(self.map).fields.is_empty() {
            return Err(self.refused(operation, Errno::ENOTSUPP));
        }
        self.may(operation, Right::Write)?;
        self.world.maps[self.map as usize].frozen = true;
        Ok(())
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

    /// One or the other look-up; whether there is an element.
    fn look_up(
        &mut self,
        operation: &'static str,
        key: &[u8],
        value: &mut [u8],
        flags: ElemFlags,
        take: bool,
    ) -> Result<bool, MapError> {
        self.check("key", self.sizes().0, key)?;
        if !ElemFlags::LOCK.contains(flags) {
            return Err(self.refused(operation, Errno::EINVAL));
        }
        self.may(operation, Right::Read)?;
        if !flags.is_empty() && !self.world.shape(self.map).has_lock() {
            return Err(self.refused(operation, Errno::EINVAL));
        }
        let found = self.world.with_map(self.map, |map, at| match take {
            false => map.user_get(at, key, value),
            true => map.user_take(at, key, value),
        });
        match found {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.refused(operation, errno)),
        }
    }

    /// Whether user space has a right to the map.
    fn may(&self, operation: &'static str, right: Right) -> Result<(), MapError> {
        let flags = self.world.shape(self.map).flags;
        let may = match right {
            Right::Read => !flags.contains(MapFlags::WRONLY),
            Right::Write => !flags.contains(MapFlags::RDONLY) && !self.world.maps[self.map as usize].frozen,
        };
        if may { Ok(()) } else { Err(self.refused(operation, Errno::EPERM)) }
    }

    /// Bytes of a key, and of a value as user space gives it.
    fn sizes(&self) -> (usize, usize) {
        let shape = self.world.shape(self.map);
        (shape.key_size as usize, shape.user_size())
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

/// What user space may do with a map.
#[derive(Clone, Copy)]
enum Right {
    Read,
    Write,
}

/// A map of a machine, with the Rust types of its keys and values.
#[derive(Debug)]
pub struct MapView<'a, K, V> {
    raw: RawMap<'a>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<'a, K: BtfType, V: BtfType> MapView<'a, K, V> {
    pub(super) fn new(raw: RawMap<'a>) -> Result<Self, MapError> {
        let shape = raw.world.shape(raw.map);
        let (key, value) = (shape.key_size as usize, shape.value_size as usize);
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
        self.one_value()?;
        let key = self.bytes(key);
        let value = self.raw.get(&key)?;
        value.map(|bytes| self.read("value", &bytes)).transpose()
    }

    /// The value of `key` of each CPU, in order; none where there is none. Of other maps than per-CPU maps: the one value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_per_cpu(&mut self, key: &K) -> Result<Option<Vec<V>>, MapError> {
        let key = self.bytes(key);
        let Some(bytes) = self.raw.get(&key)? else { return Ok(None) };
        let values = bytes.chunks(self.lane()).map(|bytes| self.read("value", bytes));
        values.collect::<Result<_, _>>().map(Some)
    }

    /// Sets the value of `key` of each CPU.
    ///
    /// # Errors
    /// As [`RawMap::update`]; [`MapError::Size`]: there are more CPUs, or fewer.
    pub fn set_per_cpu(&mut self, key: &K, values: &[V], flags: ElemFlags) -> Result<(), MapError> {
        let (key, lane) = (self.bytes(key), self.lane());
        let mut bytes = vec![0; lane * values.len()];
        for (to, value) in bytes.chunks_mut(lane).zip(values) {
            value.write_to(to, self.raw.world.memory.endian);
        }
        self.raw.update(&key, &bytes, flags)
    }

    /// The value of `key`, which is taken away; none where there is none.
    ///
    /// # Errors
    /// As [`RawMap::take`].
    pub fn take(&mut self, key: &K) -> Result<Option<V>, MapError> {
        self.one_value()?;
        let key = self.bytes(key);
        let value = self.raw.take(&key)?;
        value.map(|bytes| self.read("value", &bytes)).transpose()
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// As [`RawMap::update`].
    pub fn update(&mut self, key: &K, value: &V, flags: ElemFlags) -> Result<(), MapError> {
        self.one_value()?;
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
        self.one_value()?;
        let entries = self.raw.entries();
        let typed =
            |(key, value): (Vec<u8>, Vec<u8>)| Ok((self.read("key", &key)?, self.read("value", &value)?));
        entries.into_iter().map(typed).collect()
    }

    /// A per-CPU map has a value for each CPU.
    fn one_value(&self) -> Result<(), MapError> {
        match self.raw.world.shape(self.raw.map).kind.is_per_cpu() {
            false => Ok(()),
            true => Err(MapError::PerCpu(self.raw.name())),
        }
    }

    /// How far apart values of CPUs are; not 0.
    fn lane(&self) -> usize {
        let shape = self.raw.world.shape(self.raw.map);
        (shape.user_size() / shape.lanes() as usize).max(1)
    }

    fn bytes<T: BtfType>(&self, value: &T) -> Vec<u8> {
        value.to_bytes(self.raw.world.memory.endian)
    }

    fn read<T: BtfType>(&self, part: &'static str, bytes: &[u8]) -> Result<T, MapError> {
        let value = T::read_from(bytes, self.raw.world.memory.endian);
        value.ok_or_else(|| MapError::NoValue { map: self.raw.name(), part })
    }
}
