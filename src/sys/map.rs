//! Maps: creating, reading, writing, freezing.
//!
//! Unsafe because the kernel writes keys and values into the caller's buffers without being told their length: it goes by
//! the map. A [`MapFd`] carries the map's [`MapShape`], and every buffer is held against it first.

mod batch;

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

pub use batch::{BatchError, Cursor, delete_batch, lookup_and_delete_batch, lookup_batch, update_batch};

use super::abi::{self, Command, ElemFlags, MapInfo};
use super::call::{
    call, call_fd, count, descriptor, get_info, implied, input, name, optional, optional_signed, output,
};
use super::errno;
use super::fd::{FdKind, expect_kind, typed_fd};
use super::shape::MapShape;
use crate::base::Errno;

/// A map, and the sizes the kernel has for it.
pub struct MapFd {
    fd: OwnedFd,
    shape: MapShape,
}

impl MapFd {
    /// The sizes of the map.
    #[must_use]
    pub fn shape(&self) -> &MapShape {
        &self.shape
    }

    /// A second descriptor of the same map.
    ///
    /// # Errors
    /// `EMFILE`, where the process has no more descriptors.
    pub fn try_clone(&self) -> Result<Self, Errno> {
        let fd = self.fd.try_clone().map_err(|error| errno::from_io(&error))?;
        Ok(Self { fd, shape: self.shape })
    }

    /// Looks behind a descriptor as [`TryFrom`] does, and gives what the kernel told of the map besides.
    ///
    /// # Errors
    /// `EINVAL` where it is no map. On an error it is closed.
    pub fn identify(fd: OwnedFd) -> Result<(Self, MapInfo), Errno> {
        expect_kind(fd.as_fd(), FdKind::Map)?;
        Self::ask_all(fd)
    }

    /// For descriptors of commands that return maps only: asks for the shape.
    pub(super) fn ask(fd: OwnedFd) -> Result<Self, Errno> {
        Self::ask_all(fd).map(|(map, _)| map)
    }

    fn ask_all(fd: OwnedFd) -> Result<(Self, MapInfo), Errno> {
        // SAFETY: a map, say the callers; the record asks for nothing behind a pointer.
        let info = unsafe { get_info(fd.as_fd(), MapInfo::default()) }?;
        Ok((Self { shape: MapShape::told(&info)?, fd }, info))
    }
}

impl TryFrom<OwnedFd> for MapFd {
    type Error = Errno;

    /// Looks behind the descriptor ([`FdKind::of`](super::FdKind::of)) and asks for the map's sizes; another kind is `EINVAL`.
    /// On an error it is closed.
    fn try_from(fd: OwnedFd) -> Result<Self, Errno> {
        Self::identify(fd).map(|(map, _)| map)
    }
}

typed_fd!(@common MapFd, Map, fd);

/// What a map is created from.
#[derive(Clone, Debug, Default)]
pub struct Create<'a> {
    /// `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes.
    pub key_size: u32,
    /// Bytes; of a per-CPU map, of one CPU's value.
    pub value_size: u32,
    /// The most elements; of a ring buffer, bytes.
    pub max_entries: u32,
    /// [`MapFlags`](crate::map::MapFlags) bits; those that say a field below is there are set with it.
    pub flags: u32,
    /// At most 15 bytes of letters, digits, `_` and `.` (4.15).
    pub name: &'a [u8],
    /// The template of a map of maps (4.12).
    pub inner: Option<BorrowedFd<'a>>,
    /// The node the memory comes from (4.14).
    pub numa_node: Option<u32>,
    /// The device an offloaded map lives on, or 0 (4.16).
    pub ifindex: u32,
    /// The types of key and value (4.18).
    pub btf: Option<Types<'a>>,
    /// Of a struct_ops map: the type in the kernel's BTF, or 0 (5.6).
    pub vmlinux_value_type: u32,
    /// What the map type makes of it: a bloom filter's hashes, an arena's address (5.16).
    pub extra: u64,
    /// Of a struct_ops map: the module's BTF that has the type (6.9).
    pub value_type_btf: Option<BorrowedFd<'a>>,
    /// Vouches for the caller (6.9).
    pub token: Option<BorrowedFd<'a>>,
    /// The hash of the one program that may use the map; empty for any (6.18).
    pub exclusive_to: &'a [u8],
}

/// The types of a map's keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Types<'a> {
    /// Where they are.
    pub btf: BorrowedFd<'a>,
    /// Type of the key; 0 where the map type has none.
    pub key: u32,
    /// Type of the value.
    pub value: u32,
}

/// Creates a map (`BPF_MAP_CREATE`, 3.18).
///
/// # Errors
/// The kernel's; `EINVAL` for a name that is longer than 15 bytes or has a NUL. For a per-CPU map also those of
/// [`possible_cpus`](super::host::possible_cpus), before any call.
#[doc(alias = "BPF_MAP_CREATE")]
pub fn create(map: &Create<'_>) -> Result<MapFd, Errno> {
    let mut attr = create_attr(map)?;
    // First, so that nothing was created should the number of CPUs be unknown.
    let shape = MapShape::created(&attr)?;
    // SAFETY: the hash, the only thing pointed to, is a live slice of the length told; the kernel only reads it.
    let fd = unsafe { call_fd(Command::MAP_CREATE, &mut attr, 0) }?;
    Ok(MapFd { fd, shape })
}

fn create_attr(map: &Create<'_>) -> Result<abi::MapCreate, Errno> {
    Ok(abi::MapCreate {
        map_type: map.map_type,
        key_size: map.key_size,
        value_size: map.value_size,
        max_entries: map.max_entries,
        map_flags: all_flags(map),
        inner_map_fd: optional(map.inner),
        numa_node: map.numa_node.unwrap_or(0),
        map_name: name(map.name)?,
        map_ifindex: map.ifindex,
        btf_fd: optional(map.btf.map(|types| types.btf)),
        btf_key_type_id: map.btf.map_or(0, |types| types.key),
        btf_value_type_id: map.btf.map_or(0, |types| types.value),
        btf_vmlinux_value_type_id: map.vmlinux_value_type,
        map_extra: map.extra,
        value_type_btf_obj_fd: optional_signed(map.value_type_btf),
        map_token_fd: optional_signed(map.token),
        excl_prog_hash: input(map.exclusive_to),
        excl_prog_hash_size: count(map.exclusive_to)?,
        _pad: 0,
    })
}

fn all_flags(map: &Create<'_>) -> u32 {
    map.flags
        | implied(map.numa_node, abi::BPF_F_NUMA_NODE)
        | implied(map.token, abi::BPF_F_TOKEN_FD)
        | implied(map.value_type_btf, abi::BPF_F_VTYPE_BTF_OBJ_FD)
}

/// Copies the value of `key` into `value` (`BPF_MAP_LOOKUP_ELEM`, 3.18). A bloom filter is asked for what `value` holds.
///
/// # Errors
/// `ENOENT`: no such key. `EINVAL` without a call unless `key` is [`key_size`](MapShape::key_size) and `value`
/// [`value_len`](MapShape::value_len) bytes long. Else the kernel's.
#[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
pub fn lookup(map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<(), Errno> {
    read(Command::MAP_LOOKUP_ELEM, map, key, value, flags)
}

/// Moves the value of `key` into `value` (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`, 4.20 for queues and stacks, 5.14 for hash maps).
///
/// # Errors
/// As [`lookup`].
#[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
pub fn lookup_and_delete(map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<(), Errno> {
    read(Command::MAP_LOOKUP_AND_DELETE_ELEM, map, key, value, flags)
}

fn read(command: Command, map: &MapFd, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<(), Errno> {
    let mut attr = elem_attr(map, key, flags)?;
    attr.value = output(expect_len(value, map.shape.value_len())?);
    // SAFETY: the kernel reads `key_size` bytes of the key and writes (reads, of a bloom filter) at most `value_len` bytes
    // of the value; both lengths were checked against the map's shape.
    unsafe { call(command, &mut attr, ELEM) }.map(drop)
}

/// Sets the value of `key` (`BPF_MAP_UPDATE_ELEM`, 3.18).
///
/// # Errors
/// `EEXIST`, `ENOENT`: against [`ElemFlags::NOEXIST`], [`ElemFlags::EXIST`]. `E2BIG`: the map is full, or an index too large.
/// `EINVAL` without a call where a length does not fit, as for [`lookup`]. Else the kernel's.
#[doc(alias = "BPF_MAP_UPDATE_ELEM")]
pub fn update(map: &MapFd, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<(), Errno> {
    let mut attr = elem_attr(map, key, flags)?;
    if value.len() != map.shape.value_len() {
        return Err(Errno::EINVAL);
    }
    attr.value = input(value);
    // SAFETY: the kernel reads `key_size` and at most `value_len` bytes, lengths checked against the map's shape.
    unsafe { call(Command::MAP_UPDATE_ELEM, &mut attr, ELEM) }.map(drop)
}

/// Removes `key` (`BPF_MAP_DELETE_ELEM`, 3.18).
///
/// # Errors
/// `ENOENT`: no such key. `EINVAL`: of an array; and without a call where the length does not fit. Else the kernel's.
#[doc(alias = "BPF_MAP_DELETE_ELEM")]
pub fn delete(map: &MapFd, key: &[u8]) -> Result<(), Errno> {
    let mut attr = elem_attr(map, key, ElemFlags::empty())?;
    // SAFETY: the kernel reads `key_size` bytes, a length checked against the map's shape.
    unsafe { call(Command::MAP_DELETE_ELEM, &mut attr, ELEM) }.map(drop)
}

/// Finds the key after `key`, or the first one, and writes it to `next` (`BPF_MAP_GET_NEXT_KEY`, 3.18; the first one 4.12).
/// False: there are no more. After a key that is not there comes the first one of a hash map.
///
/// # Errors
/// `EINVAL` without a call unless both are [`key_size`](MapShape::key_size) bytes long. Else the kernel's.
#[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
pub fn next_key(map: &MapFd, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool, Errno> {
    let size = map.shape.key_size();
    let mut attr = match key {
        Some(key) => elem_attr(map, key, ElemFlags::empty())?,
        None => abi::MapElem { map_fd: descriptor(map.as_fd()), ..Default::default() },
    };
    attr.value = output(expect_len(next, size)?);
    // SAFETY: the kernel reads and writes `key_size` bytes each, lengths checked against the map's shape.
    match unsafe { call(Command::MAP_GET_NEXT_KEY, &mut attr, ELEM) } {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends all writing from user space (`BPF_MAP_FREEZE`, 5.2).
///
/// # Errors
/// `EPERM`: frozen already, or opened for reading only. `EBUSY`: being written, or mapped writable. `ENOTSUPP` (524): the values have fields the kernel keeps, such as timers.
#[doc(alias = "BPF_MAP_FREEZE")]
pub fn freeze(map: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = abi::MapFreeze { map_fd: descriptor(map) };
    // SAFETY: no pointers.
    unsafe { call(Command::MAP_FREEZE, &mut attr, size_of::<abi::MapFreeze>()) }.map(drop)
}

/// What every kernel takes as the size of these attributes: nothing to find out at each call.
const ELEM: usize = size_of::<abi::MapElem>();

fn elem_attr(map: &MapFd, key: &[u8], flags: ElemFlags) -> Result<abi::MapElem, Errno> {
    if key.len() != map.shape.key_size() {
        return Err(Errno::EINVAL);
    }
    let map_fd = descriptor(map.as_fd());
    Ok(abi::MapElem { map_fd, key: input(key), flags: flags.bits(), ..Default::default() })
}

fn expect_len(buffer: &mut [u8], length: usize) -> Result<&mut [u8], Errno> {
    if buffer.len() == length { Ok(buffer) } else { Err(Errno::EINVAL) }
}
