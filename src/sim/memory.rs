//! The memory of the machine: regions of bytes, and addresses that name a region and an offset.
//!
//! ```text
//!  63          32 31           0
//! +--------------+--------------+
//! |FIRST + region| BASE + offset|
//! +--------------+--------------+
//! ```
//! As in the kernel, addresses are far from the numbers that programs calculate with, and negative ones if they are signed.
//! Offsets begin at [`BASE`], so that arithmetic that leaves a region does not arrive in another, and that no address is zero
//! in 32 bits.

use std::fmt;

use crate::base::Endian;

/// The offset of a region's first byte, unless the region has been moved.
pub(super) const BASE: u32 = 1 << 30;
/// The upper half of an address in region 0.
const FIRST: u32 = 0xff00_0000;
/// The most bytes a region can have.
pub(super) const MOST: u64 = (u32::MAX - BASE) as u64 + 1;

/// The number of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RegionId(pub(super) u32);

impl RegionId {
    /// Code: an address in it is the index of an op.
    pub(super) const TEXT: Self = Self(0);
    /// The keys of arrays: the `n`th four bytes hold `n`. Nothing is stored.
    pub(super) const INDEXES: Self = Self(1);

    /// The address of the byte at `offset`.
    pub(super) const fn at(self, offset: u32) -> u64 {
        (FIRST.wrapping_add(self.0) as u64) << 32 | BASE.wrapping_add(offset) as u64
    }

    /// The region an address is in, if there is one with this number.
    #[inline(always)] // The engine's fast path.
    pub(super) const fn of(address: u64) -> Self {
        Self(((address >> 32) as u32).wrapping_sub(FIRST))
    }
}

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegionKind {
    /// One that was given back.
    Gone,
    Text,
    Indexes,
    /// The stack of the frame with this number.
    Stack(u32),
    /// The context of the CPU with this number.
    Context(u32),
    Packet,
    /// The map itself, by number: what a program passes to helpers.
    Map(u32),
    /// The values of a map.
    Values(u32),
    /// The keys of a map.
    Keys(u32),
    /// A record of a ring, on its way to or from user space.
    Record(u32),
    /// A structure of the kernel's, by its name.
    Kernel(&'static str),
}

/// Bytes that belong together.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: RegionKind,
    /// The offset of the first byte.
    base: u32,
    /// An element's room less one, a power of two less one; all ones where there is one element.
    mask: u32,
    /// How much of an element's room can be read.
    readable: u32,
    /// How much of an element's room can be written.
    writable: u32,
}

/// What programs may do with a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permit {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Permit {
    pub(super) const READ: Self = Self { read: true, write: false };
    pub(super) const BOTH: Self = Self { read: true, write: true };
}

impl Region {
    /// Bytes without structure.
    pub(super) fn whole(kind: RegionKind, bytes: Vec<u8>, permit: Permit) -> Self {
        let limit = |yes| if yes { u32::MAX } else { 0 };
        let (readable, writable) = (limit(permit.read), limit(permit.write));
        Self { bytes, kind, base: BASE, mask: u32::MAX, readable, writable }
    }

    /// Elements of `size` bytes, [`stride`] apart: an access may not leave its element.
    pub(super) fn elements(kind: RegionKind, size: u32, permit: Permit) -> Self {
        let limit = |yes| if yes { size } else { 0 };
        let (readable, writable) = (limit(permit.read), limit(permit.write));
        Self { bytes: Vec::new(), kind, base: BASE, mask: stride(size) - 1, readable, writable }
    }

    /// The address of its first byte, given its number.
    pub(super) fn start(&self, id: RegionId) -> u64 {
        id.at(self.base.wrapping_sub(BASE))
    }

    /// Other bytes in place of the first `take`; what follows them keeps its addresses.
    pub(super) fn replace_front(&mut self, take: usize, put: &[u8]) {
        let take = take.min(self.bytes.len());
        self.bytes.splice(..take, put.iter().copied());
        self.base = self.base.wrapping_add(take as u32).wrapping_sub(put.len() as u32);
    }

    #[inline(always)] // The engine's fast path.
    fn range(&self, address: u64, size: usize, limit: u32) -> Option<usize> {
        let at = (address as u32).wrapping_sub(self.base);
        ((at & self.mask) as usize + size <= limit as usize).then_some(at as usize)
    }
}

/// The distance between elements of `size` bytes: a power of two, with at least a byte that belongs to nobody.
pub(super) const fn stride(size: u32) -> u32 {
    let room = if size < 7 { 7 } else { size };
    (room + 1).next_power_of_two()
}

/// Why an access is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Through a null pointer.
    Null,
    /// The address is a number.
    NotAPointer,
    /// Not all of it lies inside.
    OutOfBounds,
    /// What is there cannot be read by a load.
    NotReadable,
    /// What is there cannot be written.
    ReadOnly,
    /// The address of an atomic operation is not a multiple of its size.
    Misaligned,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "the pointer is null",
            Self::NotAPointer => "the address is no pointer",
            Self::OutOfBounds => "out of bounds",
            Self::NotReadable => "not readable",
            Self::ReadOnly => "read-only",
            Self::Misaligned => "not aligned",
        })
    }
}

/// All regions.
#[derive(Debug)]
pub(super) struct Memory {
    regions: Vec<Region>,
    free: Vec<RegionId>,
    pub(super) endian: Endian,
}

impl Memory {
    pub(super) fn new(endian: Endian) -> Self {
        let empty = |kind| Region::whole(kind, Vec::new(), Permit::READ);
        let regions = vec![empty(RegionKind::Text), empty(RegionKind::Indexes)];
        Self { regions, free: Vec::new(), endian }
    }

    pub(super) fn add(&mut self, region: Region) -> RegionId {
        if let Some(id) = self.free.pop() {
            self.regions[id.0 as usize] = region;
            return id;
        }
        let id = RegionId(self.regions.len() as u32);
        self.regions.push(region);
        id
    }

    /// Forgets a region; its number is given out again.
    pub(super) fn remove(&mut self, id: RegionId) {
        self.regions[id.0 as usize] = Region::whole(RegionKind::Gone, Vec::new(), Permit::READ);
        self.free.push(id);
    }

    /// The region with a number this memory gave out.
    pub(super) fn region(&self, id: RegionId) -> &Region {
        &self.regions[id.0 as usize]
    }

    /// As [`region`](Self::region).
    pub(super) fn region_mut(&mut self, id: RegionId) -> &mut Region {
        &mut self.regions[id.0 as usize]
    }

    /// What an address points into.
    pub(super) fn kind(&self, address: u64) -> Option<RegionKind> {
        Some(self.regions.get(RegionId::of(address).0 as usize)?.kind)
    }

    /// How far an address is from the first byte of its region.
    pub(super) fn offset(&self, address: u64) -> i64 {
        let base = self.regions.get(RegionId::of(address).0 as usize).map_or(0, |region| region.base);
        i64::from((address as u32).wrapping_sub(base).cast_signed())
    }

    /// How far an address is from the first byte of its element.
    pub(super) fn element_offset(&self, address: u64) -> u32 {
        match self.regions.get(RegionId::of(address).0 as usize) {
            Some(region) => (address as u32).wrapping_sub(region.base) & region.mask,
            None => 0,
        }
    }

    /// The `N` bytes at an address that a program may read.
    #[inline(always)] // The engine's fast path.
    pub(super) fn get<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let region = self.regions.get(RegionId::of(address).0 as usize)?;
        let at = region.range(address, N, region.readable)?;
        region.bytes.get(at..)?.first_chunk().copied()
    }

    /// Writes where a program may; whether it may.
    #[inline(always)] // As above.
    pub(super) fn put<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> bool {
        match self.room::<N>(address) {
            Some(room) => {
                *room = bytes;
                true
            }
            None => false,
        }
    }

    /// The `N` bytes at an address that a program may write.
    #[inline(always)] // As above.
    pub(super) fn room<const N: usize>(&mut self, address: u64) -> Option<&mut [u8; N]> {
        let region = self.regions.get_mut(RegionId::of(address).0 as usize)?;
        let at = region.range(address, N, region.writable)?;
        region.bytes.get_mut(at..)?.first_chunk_mut()
    }

    /// What a helper reads for a program.
    pub(super) fn read(&self, address: u64, size: usize) -> Result<&[u8], Refusal> {
        let found = self.regions.get(RegionId::of(address).0 as usize).and_then(|region| {
            let at = region.range(address, size, region.readable)?;
            region.bytes.get(at..at + size)
        });
        found.ok_or_else(|| self.refusal(address, false))
    }

    /// What a helper writes for a program.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Refusal> {
        self.read_write(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// What a helper changes for a program.
    pub(super) fn read_write(&mut self, address: u64, size: usize) -> Result<&mut [u8], Refusal> {
        let refusal = self.refusal(address, true);
        let found = self.regions.get_mut(RegionId::of(address).0 as usize).and_then(|region| {
            let at = region.range(address, size, region.writable)?;
            region.bytes.get_mut(at..at + size)
        });
        found.ok_or(refusal)
    }

    /// Why an access that failed did.
    pub(super) fn refusal(&self, address: u64, write: bool) -> Refusal {
        match self.regions.get(RegionId::of(address).0 as usize) {
            // Null, and a field of what it would point to.
            None if address.wrapping_add(1 << 15) < 1 << 16 => Refusal::Null,
            Some(Region { kind: RegionKind::Gone, .. }) | None => Refusal::NotAPointer,
            Some(region) if write && region.writable == 0 => Refusal::ReadOnly,
            Some(region) if !write && region.readable == 0 => Refusal::NotReadable,
            Some(_) => Refusal::OutOfBounds,
        }
    }

    /// Bytes as [`own`](Self::own) gives them, to read.
    pub(super) fn peek(&self, address: u64, size: usize) -> &[u8] {
        let Some(region) = self.regions.get(RegionId::of(address).0 as usize) else { return &[] };
        let at = (address as u32).wrapping_sub(region.base) as usize;
        region.bytes.get(at..at + size).unwrap_or_default()
    }

    /// Bytes the machine itself owns: no permission is asked. Empty where they do not lie in one region.
    pub(super) fn own(&mut self, address: u64, size: usize) -> &mut [u8] {
        let Some(region) = self.regions.get_mut(RegionId::of(address).0 as usize) else { return &mut [] };
        let at = (address as u32).wrapping_sub(region.base) as usize;
        region.bytes.get_mut(at..at + size).unwrap_or_default()
    }
}
