//! Maps in the kernel: read and written, by bytes or by Rust types, pinned and opened.

mod batch;
mod holders;
mod locked;
mod queue;
mod variable;

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub use batch::Batches;
pub(super) use holders::Holders;
pub use holders::OnDrop;
pub use queue::Queue;
pub use variable::{LoadedConstant, Variable};

use super::value::{read, with_bytes, with_zeros};
use crate::base::Errno;
use crate::btf::BtfType;
use crate::map::MapKind;
use crate::sys::abi::ElemFlags;
use crate::sys::{self, MapFd};

/// A map in the kernel.
///
/// The map lives as long as anything refers to it: a descriptor, a pin, a program that uses it. Its
/// *timers* live shorter: they are cancelled when the last descriptor and pin of the map is gone, whatever
/// programs still use it. [`on_drop`](Self::on_drop) says whether dropping this handle will do that.
#[derive(Debug)]
#[must_use = "the timers of a map stop when its last handle is dropped"]
pub struct Map {
    name: Arc<str>,
    fd: MapFd,
    holders: Holders,
}

/// What an operation on a map came to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// The kernel refused.
    #[error("map `{map}`: {operation}: {errno}")]
    Kernel {
        /// The map.
        map: String,
        /// The command.
        operation: &'static str,
        /// Why.
        errno: Errno,
    },
    /// A Rust type does not have the size the map has.
    #[error("map `{map}`: its {part} has {actual} bytes, the Rust type has {given}")]
    Size {
        /// The map.
        map: String,
        /// `key` or `value`.
        part: &'static str,
        /// What the kernel says, in bytes.
        actual: usize,
        /// The size of the Rust type, in bytes.
        given: usize,
    },
    /// The bytes in the map are no value of the Rust type.
    #[error("map `{map}`: the bytes of a {part} are no value of the Rust type")]
    Value {
        /// The map.
        map: String,
        /// `key` or `value`.
        part: &'static str,
    },
    /// The kernel stopped in the middle of a batch.
    #[error("map `{map}`: {operation}: {errno}, after {done} elements")]
    Batch {
        /// The map.
        map: String,
        /// The command.
        operation: &'static str,
        /// Why.
        errno: Errno,
        /// How many elements were done before.
        done: usize,
    },
    /// The values of the map are not what descriptors are put into.
    #[error("map `{map}`: a map of kind {kind} holds bytes, not descriptors")]
    NoDescriptors {
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
    },
    /// One value was asked for where there is one for each CPU, or the other way round.
    #[error("map `{map}`: it has {actual} values for each key, {given} were given or asked for")]
    PerCpu {
        /// The map.
        map: String,
        /// How many it has: possible CPUs, or 1.
        actual: usize,
        /// How many were meant.
        given: usize,
    },
}

impl Map {
    pub(super) fn into_fd(self) -> MapFd {
        self.fd
    }

    pub(super) fn new(name: impl Into<Arc<str>>, fd: MapFd) -> Self {
        Self::held(name, fd, Holders::default())
    }

    pub(super) fn held(name: impl Into<Arc<str>>, fd: MapFd, holders: Holders) -> Self {
        Self { name: name.into(), fd, holders }
    }

    /// Takes over the descriptor of a map that came from elsewhere.
    ///
    /// # Errors
    /// [`MapError::Kernel`] where it is not a map's.
    pub fn from_fd(name: impl Into<String>, fd: OwnedFd) -> Result<Self, MapError> {
        let name = name.into();
        match MapFd::try_from(fd) {
            Ok(fd) => Ok(Self::new(name, fd)),
            Err(errno) => Err(MapError::Kernel { map: name, operation: "OBJ_GET_INFO_BY_FD", errno }),
        }
    }

    /// Opens the map pinned at `path` in a bpffs (`BPF_OBJ_GET`, since 4.4).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: ENOENT where nothing is pinned, EACCES where it may not be opened.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MapError> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fail = |errno| MapError::Kernel { map: name.clone(), operation: "OBJ_GET", errno };
        let fd = super::pin::get_map(path).map_err(fail)?;
        Ok(Self::held(name, fd, Holders::pinned_at(path)))
    }

    /// Opens the map with the id `id` (`BPF_MAP_GET_FD_BY_ID`, since 4.13; `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: ENOENT where there is none, EPERM.
    #[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self, MapError> {
        let name = format!("#{id}");
        match sys::ids::map_fd(id) {
            Ok(fd) => Ok(Self::new(name, fd)),
            Err(errno) => Err(MapError::Kernel { map: name, operation: "MAP_GET_FD_BY_ID", errno }),
        }
    }

    pub(super) fn fd(&self) -> &MapFd {
        &self.fd
    }

    /// Its name in the object it was loaded from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `map_type`, `enum bpf_map_type`.
    #[must_use]
    pub fn kind(&self) -> MapKind {
        MapKind(self.fd.shape().map_type())
    }

    /// Bytes of a key.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.fd.shape().key_size()
    }

    /// Bytes of a value, of one CPU's where each has one.
    #[must_use]
    pub fn value_size(&self) -> usize {
        self.fd.shape().value_size()
    }

    /// Values for each key: the possible CPUs in a per-CPU map, else 1.
    #[must_use]
    pub fn values_per_key(&self) -> usize {
        let shape = self.fd.shape();
        shape.value_len().checked_div(shape.stride()).unwrap_or(1).max(1)
    }

    /// The map's id (`struct bpf_map_info`).
    ///
    /// # Errors
    /// [`MapError::Kernel`].
    pub fn id(&self) -> Result<u32, MapError> {
        sys::info::map(&self.fd).map(|info| info.id).map_err(|errno| self.error("OBJ_GET_INFO_BY_FD", errno))
    }

    /// A second descriptor of the same map; it shares nothing with this one but the map.
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EMFILE.
    pub fn try_clone(&self) -> Result<Self, MapError> {
        let fd = self.fd.try_clone().map_err(|errno| self.error("dup", errno))?;
        Ok(Self::held(Arc::clone(&self.name), fd, self.holders.clone()))
    }

    /// Pins the map at `path` in a bpffs (`BPF_OBJ_PIN`, since 4.4): it lives, and its timers run, until
    /// the pin is removed.
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EEXIST, ENOENT, EPERM where the path is not in a bpffs.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), MapError> {
        let path = path.as_ref();
        super::pin::pin(self.fd.as_fd(), path).map_err(|errno| self.error("OBJ_PIN", errno))?;
        self.holders.add_pin(path);
        Ok(())
    }

    /// Ends all writing from user space (`BPF_MAP_FREEZE`, since 5.2).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EPERM (6.1: EBUSY) where it is frozen already, EBUSY where it is mapped for writing, ENOTSUPP where values hold
    /// timers or other special fields.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub fn freeze(&self) -> Result<(), MapError> {
        sys::map::freeze(self.fd.as_fd()).map_err(|errno| self.error("MAP_FREEZE", errno))
    }

    /// The same map with Rust types for its keys and values.
    ///
    /// # Errors
    /// [`MapError::Size`] where a size differs.
    pub fn typed<K: BtfType, V: BtfType>(&self) -> Result<TypedMap<'_, K, V>, MapError> {
        self.same_size("key", self.key_size(), K::SIZE)?;
        self.same_size("value", self.value_size(), V::SIZE)?;
        Ok(TypedMap { map: self, types: PhantomData })
    }

    /// The same map, which has no keys, with a Rust type for its values.
    ///
    /// # Errors
    /// [`MapError::Size`] where the map has keys, or values of another size.
    pub fn queue<V: BtfType>(&self) -> Result<Queue<'_, V>, MapError> {
        self.same_size("key", self.key_size(), 0)?;
        self.same_size("value", self.value_size(), V::SIZE)?;
        Ok(Queue::new(self))
    }

    fn same_size(&self, part: &'static str, actual: usize, given: usize) -> Result<(), MapError> {
        if actual == given {
            return Ok(());
        }
        Err(MapError::Size { map: self.name.to_string(), part, actual, given })
    }

    /// Copies the value of `key` into `value`, which is [`value_size`](Self::value_size) bytes long (in a per-CPU map,
    /// each CPU's rounded up to 8 bytes); false where there is none (`BPF_MAP_LOOKUP_ELEM`, since 3.18).
    ///
    /// # Errors
    /// [`MapError::Kernel`]; EINVAL for a wrong length, without a call.
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    pub fn lookup(&self, key: &[u8], value: &mut [u8]) -> Result<bool, MapError> {
        match sys::map::lookup(&self.fd, key, value, ElemFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.error("MAP_LOOKUP_ELEM", errno)),
        }
    }

    /// Puts a descriptor in the place of `key`: a map into a map of maps, a program into a program array, a cgroup, a socket or
    /// a perf event into an array of those. Reading such a map gives ids, not descriptors.
    ///
    /// # Errors
    /// [`MapError::NoDescriptors`] where values are bytes, [`MapError::Size`] for a key of another size, else as
    /// [`update`](Self::update): EINVAL where the object does not fit the map.
    pub fn set_fd<K: BtfType>(&self, key: &K, object: impl AsFd) -> Result<(), MapError> {
        if self.kind().fd_values().is_none() {
            return Err(MapError::NoDescriptors { map: self.name.to_string(), kind: self.kind() });
        }
        self.same_size("key", self.key_size(), K::SIZE)?;
        let number = object.as_fd().as_raw_fd();
        let update = |value: &[u8]| with_bytes(key, |key| self.update(key, value, ElemFlags::empty()));
        match self.value_size() {
            // A map of sockets may have values of 8 bytes: they read as cookies.
            8 => update(&i64::from(number).to_ne_bytes()),
            _ => update(&number.to_ne_bytes()),
        }
    }

    /// Sets the value of `key` (`BPF_MAP_UPDATE_ELEM`, since 3.18). Timers in the value are not written; what an
    /// update does to a running one depends on the kind of map.
    ///
    /// # Errors
    /// [`MapError::Kernel`]: E2BIG where the map is full, EEXIST and ENOENT by the flags; EINVAL for a wrong length.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub fn update(&self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), MapError> {
        sys::map::update(&self.fd, key, value, flags).map_err(|errno| self.error("MAP_UPDATE_ELEM", errno))
    }

    /// Removes `key`; false where it was not there (`BPF_MAP_DELETE_ELEM`, since 3.18).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EINVAL for arrays, which have no empty places.
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    pub fn delete(&self, key: &[u8]) -> Result<bool, MapError> {
        match sys::map::delete(&self.fd, key) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.error("MAP_DELETE_ELEM", errno)),
        }
    }

    /// Writes the key after `key`, or the first one, to `next`; false where there is none (`BPF_MAP_GET_NEXT_KEY`,
    /// since 3.18). A hash begins again when `key` is gone.
    ///
    /// # Errors
    /// [`MapError::Kernel`]; EINVAL for a wrong length, without a call.
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool, MapError> {
        sys::map::next_key(&self.fd, key, next).map_err(|errno| self.error("MAP_GET_NEXT_KEY", errno))
    }

    fn error(&self, operation: &'static str, errno: Errno) -> MapError {
        MapError::Kernel { map: self.name.to_string(), operation, errno }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A map seen through Rust types.
pub struct TypedMap<'a, K, V> {
    map: &'a Map,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for TypedMap<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for TypedMap<'_, K, V> {}

impl<K, V> fmt::Debug for TypedMap<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedMap").field(self.map).finish()
    }
}

impl<'a, K: BtfType, V: BtfType> TypedMap<'a, K, V> {
    /// The value of `key`; `None` where there is none. Timers and locks in it read as zero bytes.
    ///
    /// # Errors
    /// [`MapError::PerCpu`] in a per-CPU map, else as [`Map::lookup`].
    pub fn get(&self, key: &K) -> Result<Option<V>, MapError> {
        self.one_value(1)?;
        if self.is_padded() {
            return Ok(self.get_per_cpu(key)?.and_then(|values| values.into_iter().next()));
        }
        with_zeros(V::SIZE, |value| {
            if !with_bytes(key, |key| self.map.lookup(key, value))? {
                return Ok(None);
            }
            read(value).map(Some).ok_or_else(|| self.unreadable("value"))
        })
    }

    /// Every CPU's value of `key`, by CPU number.
    ///
    /// # Errors
    /// As [`Map::lookup`].
    pub fn get_per_cpu(&self, key: &K) -> Result<Option<Vec<V>>, MapError> {
        let stride = self.stride();
        let mut values = vec![0; self.map.fd.shape().value_len()];
        if !with_bytes(key, |key| self.map.lookup(key, &mut values))? {
            return Ok(None);
        }
        let one = |bytes: &[u8]| read(bytes.get(..V::SIZE)?);
        let values: Option<Vec<V>> = values.chunks(stride).map(one).collect();
        values.map(Some).ok_or_else(|| self.unreadable("value"))
    }

    /// Sets the value of `key`, whether there was one or not.
    ///
    /// # Errors
    /// [`MapError::PerCpu`] in a per-CPU map, else as [`Map::update`].
    pub fn set(&self, key: &K, value: &V) -> Result<(), MapError> {
        self.set_with(key, value, ElemFlags::empty())
    }

    /// Sets the value of `key` under `flags`.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_with(&self, key: &K, value: &V, flags: ElemFlags) -> Result<(), MapError> {
        self.one_value(1)?;
        if self.is_padded() {
            return self.set_each(key, std::slice::from_ref(value), flags);
        }
        with_bytes(key, |key| with_bytes(value, |value| self.map.update(key, value, flags)))
    }

    /// Sets every CPU's value of `key`, by CPU number.
    ///
    /// # Errors
    /// [`MapError::PerCpu`] where there are not as many values as CPUs, else as [`Map::update`].
    pub fn set_per_cpu(&self, key: &K, values: &[V]) -> Result<(), MapError> {
        self.one_value(values.len())?;
        self.set_each(key, values, ElemFlags::empty())
    }

    fn set_each(&self, key: &K, values: &[V], flags: ElemFlags) -> Result<(), MapError> {
        let bytes = self.value_bytes(values.iter());
        with_bytes(key, |key| self.map.update(key, &bytes, flags))
    }

    /// Values one after another, as the kernel takes them.
    fn value_bytes<'v>(&self, values: impl ExactSizeIterator<Item = &'v V>) -> Vec<u8>
    where
        V: 'v,
    {
        let stride = self.stride();
        let mut bytes = vec![0; values.len() * stride];
        for (value, bytes) in values.zip(bytes.chunks_mut(stride)) {
            if let Some(bytes) = bytes.get_mut(..V::SIZE) {
                value.write_to(bytes, crate::base::Endian::NATIVE);
            }
        }
        bytes
    }

    /// Removes `key`; false where it was not there.
    ///
    /// # Errors
    /// As [`Map::delete`].
    pub fn delete(&self, key: &K) -> Result<bool, MapError> {
        with_bytes(key, |key| self.map.delete(key))
    }

    /// The keys, in the order of the kernel. While others write, a key may be missing or come twice; the walk ends after
    /// as many keys as the map can hold.
    pub fn keys(&self) -> Keys<'a, K> {
        let left = self.map.fd.shape().max_entries() as usize;
        Keys { map: self.map, last: None, left, types: PhantomData }
    }

    /// The keys and values; a key that is gone when its value is read is passed over.
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, V), MapError>> + use<'a, K, V> {
        let map = *self;
        self.keys().filter_map(move |key| match key {
            Ok(key) => match map.get(&key) {
                Ok(value) => value.map(|value| Ok((key, value))),
                Err(error) => Some(Err(error)),
            },
            Err(error) => Some(Err(error)),
        })
    }

    /// The map behind the types.
    pub fn untyped(&self) -> &'a Map {
        self.map
    }

    /// Bytes of a value in the buffers of the kernel: of a per-CPU map 8 or a multiple, also where there is one CPU only.
    fn stride(&self) -> usize {
        (self.map.fd.shape().value_len() / self.map.values_per_key()).max(1)
    }

    fn is_padded(&self) -> bool {
        self.map.fd.shape().value_len() != V::SIZE
    }

    fn one_value(&self, given: usize) -> Result<(), MapError> {
        match self.map.values_per_key() {
            actual if actual == given => Ok(()),
            actual => Err(MapError::PerCpu { map: self.map.name.to_string(), actual, given }),
        }
    }

    fn unreadable(&self, part: &'static str) -> MapError {
        MapError::Value { map: self.map.name.to_string(), part }
    }
}

/// The keys of a map; see [`TypedMap::keys`].
pub struct Keys<'a, K> {
    map: &'a Map,
    last: Option<Vec<u8>>,
    left: usize,
    types: PhantomData<fn() -> K>,
}

impl<K> fmt::Debug for Keys<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("map", &self.map.name).field("left", &self.left).finish_non_exhaustive()
    }
}

impl<K: BtfType> Iterator for Keys<'_, K> {
    type Item = Result<K, MapError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut next = vec![0; K::SIZE];
        match self.map.next_key(self.last.as_deref(), &mut next) {
            Ok(true) => {
                let key = read(&next)
                    .ok_or_else(|| MapError::Value { map: self.map.name.to_string(), part: "key" });
                self.last = Some(next);
                Some(key)
            }
            Ok(false) => {
                self.left = 0;
                None
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}
