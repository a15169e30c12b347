//! Many elements of a map in one call.

use std::fmt;
use std::marker::PhantomData;

use super::{MapError, TypedMap};
use crate::base::{Endian, Errno};
use crate::btf::BtfType;
use crate::kernel::value::read;
use crate::sys::abi::ElemFlags;
use crate::sys::map::{self, BatchError, Cursor};

impl<'a, K: BtfType, V: BtfType> TypedMap<'a, K, V> {
    /// Keys and values, up to `count` in one call (`BPF_MAP_LOOKUP_BATCH`, since 5.6).
    ///
    /// A hash gives whole buckets, so batches may be shorter than `count`, and grow beyond it where a bucket holds more.
    /// While others write, elements may be missing or come twice.
    ///
    /// # Errors
    /// Each item: [`MapError::PerCpu`] in a per-CPU map, [`MapError::Kernel`] with ENOTSUPP where the kind has no batches.
    #[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
    pub fn batches(&self, count: usize) -> Batches<'a, K, V> {
        let cursor = Cursor::new(self.untyped().fd());
        Batches { map: *self, cursor, count: count.max(1), is_over: false, types: PhantomData }
    }

    /// Sets many values in one call (`BPF_MAP_UPDATE_BATCH`, since 5.6), whether there were any or not; nothing for an empty slice.
    ///
    /// # Errors
    /// [`MapError::PerCpu`] in a per-CPU map, [`MapError::Batch`] where the kernel stopped, with how many were set before.
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn set_batch(&self, entries: &[(K, V)]) -> Result<(), MapError> {
        self.one_value(1)?;
        let keys = all_bytes(entries.iter().map(|(key, _)| key));
        let values = self.value_bytes(entries.iter().map(|(_, value)| value));
        if entries.is_empty() {
            return Ok(());
        }
        let result = map::update_batch(self.untyped().fd(), &keys, &values, ElemFlags::empty());
        result.map(drop).map_err(|error| self.stopped("MAP_UPDATE_BATCH", error))
    }

    /// Removes many keys in one call (`BPF_MAP_DELETE_BATCH`, since 5.6); nothing for an empty slice.
    ///
    /// # Errors
    /// [`MapError::Batch`] where the kernel stopped, with how many were removed before: ENOENT at a key that is not there.
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub fn delete_batch(&self, keys: &[K]) -> Result<(), MapError> {
        if keys.is_empty() {
            return Ok(());
        }
        let result = map::delete_batch(self.untyped().fd(), &all_bytes(keys.iter()), ElemFlags::empty());
        result.map(drop).map_err(|error| self.stopped("MAP_DELETE_BATCH", error))
    }

    fn stopped(&self, operation: &'static str, error: BatchError) -> MapError {
        let BatchError { errno, count: done } = error;
        MapError::Batch { map: self.untyped().name().to_owned(), operation, errno, done }
    }
}

fn all_bytes<'t, T: BtfType + 't>(all: impl ExactSizeIterator<Item = &'t T>) -> Vec<u8> {
    let mut bytes = vec![0; all.len() * T::SIZE];
    for (place, one) in bytes.chunks_exact_mut(T::SIZE.max(1)).zip(all) {
        one.write_to(place, Endian::NATIVE);
    }
    bytes
}

/// The elements of a map, many at a time; see [`TypedMap::batches`].
pub struct Batches<'a, K, V> {
    map: TypedMap<'a, K, V>,
    cursor: Cursor,
    count: usize,
    is_over: bool,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> fmt::Debug for Batches<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("map", &self.map).field("count", &self.count).finish_non_exhaustive()
    }
}

impl<K: BtfType, V: BtfType> Batches<'_, K, V> {
    fn look_up(&mut self) -> Result<Vec<(K, V)>, MapError> {
        self.map.one_value(1)?;
        loop {
            let (mut keys, mut values) =
                (vec![0; self.count * K::SIZE], vec![0; self.count * self.map.stride()]);
            let fd = self.map.untyped().fd();
            match map::lookup_batch(fd, &mut self.cursor, &mut keys, &mut values, ElemFlags::empty()) {
                Ok(count) => return self.pairs(count, &keys, &values),
                // A bucket has more elements than there is room for.
                Err(BatchError { errno: Errno::ENOSPC, .. }) if self.count < self.most() => {
                    self.count = (self.count * 2).min(self.most());
                }
                Err(error) => return Err(self.map.stopped("MAP_LOOKUP_BATCH", error)),
            }
        }
    }

    fn most(&self) -> usize {
        self.map.untyped().fd().shape().max_entries() as usize
    }

    fn pairs(&self, count: usize, keys: &[u8], values: &[u8]) -> Result<Vec<(K, V)>, MapError> {
        let keys = keys.chunks_exact(K::SIZE.max(1));
        let values = values.chunks_exact(self.map.stride());
        let pair = |(key, value): (_, &[u8])| {
            let key = read(key).ok_or_else(|| self.map.unreadable("key"))?;
            let value = value.get(..V::SIZE).and_then(read);
            Ok((key, value.ok_or_else(|| self.map.unreadable("value"))?))
        };
        keys.zip(values).take(count).map(pair).collect()
    }
}

impl<K: BtfType, V: BtfType> Iterator for Batches<'_, K, V> {
    type Item = Result<Vec<(K, V)>, MapError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over && !self.cursor.is_done() {
            match self.look_up() {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => return Some(Ok(batch)),
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
