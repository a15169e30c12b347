//! Elements of maps.

use std::borrow::Cow;
use std::os::fd::AsRawFd;

use super::Kernel;
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::plan::{
    Batch, ElemValue, Failure, MapDeleteBatch, MapGetNextKey, MapLookupBatch, MapLookupElem, MapUpdateBatch,
    MapUpdateElem, Reply,
};
use crate::sys::map::{BatchError, Cursor};
use crate::sys::{self, MapFd};

type Lookup = fn(&MapFd, &[u8], &mut [u8], ElemFlags) -> Result<(), Errno>;
type LookupBatch = fn(&MapFd, &mut Cursor, &mut [u8], &mut [u8], ElemFlags) -> Result<usize, BatchError>;

impl Kernel {
    pub(super) fn lookup(&mut self, command: &MapLookupElem, lookup: Lookup) -> Result<Reply, Errno> {
        let map = self.map(command.map)?;
        let mut value = command.value.clone();
        value.resize(map.shape().value_len(), 0);
        lookup(map, &command.key, &mut value, command.flags)?;
        Ok(Reply::Bytes(value))
    }

    pub(super) fn update(&mut self, command: &MapUpdateElem) -> Result<Reply, Errno> {
        let value = match &command.value {
            ElemValue::Bytes(bytes) => Cow::from(bytes),
            ElemValue::Fd(fd) => self.get(*fd)?.as_raw_fd().to_ne_bytes().to_vec().into(),
        };
        let map = self.map(command.map)?;
        sys::map::update(map, &command.key, &for_every_cpu(map, &value), command.flags)?;
        Ok(Reply::Done)
    }

    pub(super) fn next_key(&mut self, command: &MapGetNextKey) -> Result<Reply, Errno> {
        let map = self.map(command.map)?;
        let mut next = vec![0; map.shape().key_size()];
        let found = sys::map::next_key(map, command.key.as_deref(), &mut next)?;
        Ok(Reply::Key(found.then_some(next)))
    }

    pub(super) fn lookup_batch(
        &mut self,
        command: &MapLookupBatch,
        lookup: LookupBatch,
    ) -> Result<Reply, Failure> {
        let map = self.map(command.map)?;
        let room = |size: usize| (command.count as usize).checked_mul(size).ok_or(Errno::E2BIG);
        let mut keys = vec![0; room(map.shape().key_size())?];
        let mut values = vec![0; room(map.shape().value_len())?];
        let mut cursor = match &command.cursor {
            Some(place) => Cursor::resume(map, place)?,
            None => Cursor::new(map),
        };
        let count = lookup(map, &mut cursor, &mut keys, &mut values, command.flags)?;
        keys.truncate(count * map.shape().key_size());
        values.truncate(count * map.shape().value_len());
        let cursor = (!cursor.is_done()).then(|| cursor.place().to_vec());
        Ok(Reply::Batch(Batch { count, keys, values, cursor }))
    }

    pub(super) fn update_batch(&mut self, command: &MapUpdateBatch) -> Result<Reply, Failure> {
        let map = self.map(command.map)?;
        let count = sys::map::update_batch(map, &command.keys, &command.values, command.flags)?;
        Ok(Reply::Count(count))
    }

    pub(super) fn delete_batch(&mut self, command: &MapDeleteBatch) -> Result<Reply, Failure> {
        let map = self.map(command.map)?;
        Ok(Reply::Count(sys::map::delete_batch(map, &command.keys, command.flags)?))
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        Self { done: error.count, ..Self::of(error.errno) }
    }
}

/// One CPU's value becomes every CPU's; anything else stays as it is.
fn for_every_cpu<'a>(map: &MapFd, value: &'a [u8]) -> Cow<'a, [u8]> {
    let shape = map.shape();
    if shape.value_len() == value.len() || shape.value_size() != value.len() {
        return value.into();
    }
    let mut one = value.to_vec();
    one.resize(shape.stride(), 0);
    one.repeat(shape.value_len().checked_div(shape.stride()).unwrap_or(1)).into()
}
