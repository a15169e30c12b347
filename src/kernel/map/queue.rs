//! Maps without keys: queues and stacks.

use std::fmt;
use std::marker::PhantomData;

use super::{Map, MapError};
use crate::btf::BtfType;
use crate::kernel::value::{read, with_bytes, with_zeros};
use crate::sys::abi::ElemFlags;

/// A map without keys seen through a Rust type: a queue gives the oldest value first, a stack the newest.
#[doc(alias = "BPF_MAP_TYPE_QUEUE")]
#[doc(alias = "BPF_MAP_TYPE_STACK")]
pub struct Queue<'a, V> {
    map: &'a Map,
    types: PhantomData<fn() -> V>,
}

impl<V> Clone for Queue<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Queue<'_, V> {}

impl<V> fmt::Debug for Queue<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(self.map).finish()
    }
}

impl<'a, V: BtfType> Queue<'a, V> {
    pub(super) fn new(map: &'a Map) -> Self {
        Self { map, types: PhantomData }
    }

    /// Adds a value (`BPF_MAP_UPDATE_ELEM`, since 4.20).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: E2BIG where it is full.
    pub fn push(&self, value: &V) -> Result<(), MapError> {
        with_bytes(value, |value| self.map.update(&[], value, ElemFlags::empty()))
    }

    /// Adds a value; where it is full, the one that would come next goes (`BPF_EXIST`).
    ///
    /// # Errors
    /// [`MapError::Kernel`].
    pub fn push_over(&self, value: &V) -> Result<(), MapError> {
        with_bytes(value, |value| self.map.update(&[], value, ElemFlags::EXIST))
    }

    /// Takes the next value out; `None` where there is none (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`, since 4.20).
    ///
    /// # Errors
    /// [`MapError::Kernel`]; [`MapError::Value`] where the bytes are no value of the Rust type.
    pub fn pop(&self) -> Result<Option<V>, MapError> {
        self.next_by(|map, key, value| map.take(key, value, ElemFlags::empty()))
    }

    /// The next value, which stays; `None` where there is none (`BPF_MAP_LOOKUP_ELEM`, since 4.20).
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    pub fn peek(&self) -> Result<Option<V>, MapError> {
        self.next_by(Map::lookup)
    }

    fn next_by(
        &self,
        get: impl FnOnce(&Map, &[u8], &mut [u8]) -> Result<bool, MapError>,
    ) -> Result<Option<V>, MapError> {
        with_zeros(V::SIZE, |value| {
            if !get(self.map, &[], value)? {
                return Ok(None);
            }
            let unreadable = || MapError::Value { map: self.map.name().to_owned(), part: "value" };
            read(value).map(Some).ok_or_else(unreadable)
        })
    }

    /// The map behind the type.
    pub fn untyped(&self) -> &'a Map {
        self.map
    }
}
