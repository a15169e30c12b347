//! Many elements in one call.

use std::os::fd::AsFd;

use super::MapFd;
use crate::base::Errno;
use crate::sys::abi::{Command, ElemFlags, MapBatch};
use crate::sys::call::{call, descriptor, input, output};

/// Where a walk over a map in batches stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    place: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Under,
    Done,
}

impl Cursor {
    /// At the beginning of `map`.
    #[must_use]
    pub fn new(map: &MapFd) -> Self {
        Self { place: vec![0; map.shape.cursor_len()], state: State::Fresh }
    }

    /// Where an earlier walk over `map` stood, by its [`place`](Self::place).
    ///
    /// # Errors
    /// `EINVAL`: no place in a map of this shape.
    pub fn resume(map: &MapFd, place: &[u8]) -> Result<Self, Errno> {
        if place.len() == map.shape.cursor_len() {
            Ok(Self { place: place.to_vec(), state: State::Under })
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// What the kernel wrote for the next batch to begin with.
    #[must_use]
    pub fn place(&self) -> &[u8] {
        &self.place
    }

    /// Whether the walk has come to the end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }
}

/// A batch that stopped early, and how much of it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped after {count} elements: {errno:?}")]
pub struct BatchError {
    /// Why.
    pub errno: Errno,
    /// Elements that were updated, deleted or copied before.
    pub count: usize,
}

impl From<Errno> for BatchError {
    fn from(errno: Errno) -> Self {
        Self { errno, count: 0 }
    }
}

/// Copies the next elements after `cursor` into `keys` and `values` and says how many (`BPF_MAP_LOOKUP_BATCH`, 5.6).
///
/// Buffers are as many elements long as both have room for. A hash map fills them with whole buckets, so a batch that is
/// shorter than the buffers is normal, an empty one too: only [`Cursor::is_done`] is the end.
///
/// # Errors
/// `ENOSPC`: a bucket of a hash map has more elements than the buffers have room for; the cursor stays, take larger ones.
/// `EINVAL` without a call where there is no room for one element, or the map has no keys. `ENOTSUPP` (524): not of this map
/// type.
#[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
pub fn lookup_batch(
    map: &MapFd,
    cursor: &mut Cursor,
    keys: &mut [u8],
    values: &mut [u8],
    flags: ElemFlags,
) -> Result<usize, BatchError> {
    read(Command::MAP_LOOKUP_BATCH, map, cursor, keys, values, flags)
}

/// [`lookup_batch`] that removes what it copies (`BPF_MAP_LOOKUP_AND_DELETE_BATCH`, 5.6).
///
/// # Errors
/// As [`lookup_batch`].
#[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
pub fn lookup_and_delete_batch(
    map: &MapFd,
    cursor: &mut Cursor,
    keys: &mut [u8],
    values: &mut [u8],
    flags: ElemFlags,
) -> Result<usize, BatchError> {
    read(Command::MAP_LOOKUP_AND_DELETE_BATCH, map, cursor, keys, values, flags)
}

fn read(
    command: Command,
    map: &MapFd,
    cursor: &mut Cursor,
    keys: &mut [u8],
    values: &mut [u8],
    flags: ElemFlags,
) -> Result<usize, BatchError> {
    if cursor.place.len() < map.shape.cursor_len() {
        return Err(Errno::EINVAL.into());
    }
    if cursor.is_done() {
        return Ok(0);
    }
    let room =
        elements(keys.len(), map.shape.key_size())?.min(elements(values.len(), map.shape.value_len())?);
    let mut attr = attr(map, room, flags);
    attr.keys = output(keys);
    attr.values = output(values);
    attr.out_batch = output(&mut cursor.place);
    attr.in_batch = if cursor.state == State::Fresh { 0 } else { attr.out_batch };
    // SAFETY: both buffers have room for `count` elements of the sizes in the map's shape, and the kernel writes no more
    // than `count`; the cursor is as long as this map's shape asks for.
    let result = unsafe { call(command, &mut attr, 0) };
    let count = attr.count.min(room) as usize;
    match result {
        Ok(_) => cursor.state = State::Under,
        Err(Errno::ENOENT) => cursor.state = State::Done,
        Err(errno) => return Err(BatchError { errno, count: refused(count, room) }),
    }
    Ok(count)
}

/// Sets many elements (`BPF_MAP_UPDATE_BATCH`, 5.6); returns how many: all of them.
///
/// # Errors
/// `EINVAL` without a call unless there are as many keys as values, one at least. Else the kernel's, as for
/// [`update`](super::update).
#[doc(alias = "BPF_MAP_UPDATE_BATCH")]
pub fn update_batch(map: &MapFd, keys: &[u8], values: &[u8], flags: ElemFlags) -> Result<usize, BatchError> {
    let count = whole(keys.len(), map.shape.key_size())?;
    if whole(values.len(), map.shape.value_len())? != count {
        return Err(Errno::EINVAL.into());
    }
    let mut attr = attr(map, count, flags);
    attr.keys = input(keys);
    attr.values = input(values);
    // SAFETY: the kernel only reads, `count` keys and values of the sizes in the map's shape.
    finish(unsafe { call(Command::MAP_UPDATE_BATCH, &mut attr, 0) }.map(drop), attr.count, count)
}

/// Removes many elements (`BPF_MAP_DELETE_BATCH`, 5.6); returns how many: all of them.
///
/// # Errors
/// `ENOENT`: there is no such key; those before it are removed. `EINVAL` without a call unless there is a whole number of
/// keys, one at least. Else the kernel's.
#[doc(alias = "BPF_MAP_DELETE_BATCH")]
pub fn delete_batch(map: &MapFd, keys: &[u8], flags: ElemFlags) -> Result<usize, BatchError> {
    let count = whole(keys.len(), map.shape.key_size())?;
    let mut attr = attr(map, count, flags);
    attr.keys = input(keys);
    // SAFETY: the kernel only reads, `count` keys of the size in the map's shape.
    finish(unsafe { call(Command::MAP_DELETE_BATCH, &mut attr, 0) }.map(drop), attr.count, count)
}

fn finish(result: Result<(), Errno>, done: u32, asked: u32) -> Result<usize, BatchError> {
    let done = done.min(asked) as usize;
    match result {
        Ok(()) => Ok(done),
        Err(errno) => Err(BatchError { errno, count: refused(done, asked) }),
    }
}

/// Elements done when the kernel reports an error: a count left as it was means that none were looked at.
fn refused(done: usize, asked: u32) -> usize {
    if done == asked as usize { 0 } else { done }
}

/// How many elements of `size` bytes there is room for; none is `EINVAL`.
fn elements(bytes: usize, size: usize) -> Result<u32, Errno> {
    match bytes.checked_div(size) {
        None | Some(0) => Err(Errno::EINVAL),
        Some(count) => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
    }
}

/// How many elements of `size` bytes there are; none and a rest are `EINVAL`.
fn whole(bytes: usize, size: usize) -> Result<u32, Errno> {
    match bytes.checked_rem(size) {
        Some(0) if bytes > 0 => u32::try_from(bytes / size).map_err(|_| Errno::E2BIG),
        _ => Err(Errno::EINVAL),
    }
}

fn attr(map: &MapFd, count: u32, flags: ElemFlags) -> MapBatch {
    let map_fd = descriptor(map.as_fd());
    MapBatch { count, map_fd, elem_flags: flags.bits(), ..Default::default() }
}
