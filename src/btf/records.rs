//! Lists inside of a type (members, values, parameters, variables), read as they are asked for.

use super::types::{EnumValue, EnumValue64, Member, Name, Param, StrOff, TypeId, VarSecInfo};
use super::view::View;
use std::fmt;
use std::iter::FusedIterator;

/// The entries of a list, in order: an iterator that can be copied. A view reads them from its bytes; to add a
/// type of your own, make them `from` a slice.
pub struct Records<'a, R> {
    source: Source<'a, R>,
}

enum Source<'a, R> {
    Bytes { view: &'a View<'a>, bytes: &'a [u8], flag: bool },
    Slice(&'a [R]),
}

/// An entry of a list: [`Member`], [`EnumValue`], [`EnumValue64`], [`Param`], [`VarSecInfo`].
pub trait Record<'a>: read::Read<'a> + Copy {}

impl<'a, R: read::Read<'a> + Copy> Record<'a> for R {}

impl<'a, R: Record<'a>> Records<'a, R> {
    pub(crate) const fn new(view: &'a View<'a>, bytes: &'a [u8], flag: bool) -> Self {
        Self { source: Source::Bytes { view, bytes, flag } }
    }

    /// The entry with this index, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<R> {
        match self.source {
            Source::Slice(slice) => slice.get(index).copied(),
            Source::Bytes { view, bytes, flag } => {
                let start = index.checked_mul(R::SIZE)?;
                let chunk = bytes.get(start..start.checked_add(R::SIZE)?)?;
                Some(R::read(read::Raw { view, chunk, flag }))
            }
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self.source {
            Source::Slice(slice) => slice.is_empty(),
            Source::Bytes { bytes, .. } => bytes.is_empty(),
        }
    }

    /// The entries, from the first on.
    #[must_use]
    pub const fn iter(&self) -> Self {
        *self
    }
}

impl<'a, R: Record<'a>> From<&'a [R]> for Records<'a, R> {
    fn from(slice: &'a [R]) -> Self {
        Self { source: Source::Slice(slice) }
    }
}

impl<'a, R: Record<'a>> Iterator for Records<'a, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        let first = self.get(0)?;
        match &mut self.source {
            Source::Slice(slice) => *slice = slice.get(1..)?,
            Source::Bytes { bytes, .. } => *bytes = bytes.get(R::SIZE..)?,
        }
        Some(first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match self.source {
            Source::Slice(slice) => slice.len(),
            Source::Bytes { bytes, .. } => bytes.len() / R::SIZE,
        };
        (left, Some(left))
    }
}

impl<'a, R: Record<'a>> ExactSizeIterator for Records<'a, R> {}
impl<'a, R: Record<'a>> FusedIterator for Records<'a, R> {}

impl<R> Clone for Records<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Records<'_, R> {}

impl<R> Clone for Source<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Source<'_, R> {}

impl<'a, R: Record<'a> + PartialEq> PartialEq for Records<'a, R> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, R: Record<'a> + Eq> Eq for Records<'a, R> {}

impl<'a, R: Record<'a> + fmt::Debug> fmt::Debug for Records<'a, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

mod read {
    use super::{StrOff, View};

    /// How an entry is read from its bytes.
    pub trait Read<'a>: Sized {
        /// Bytes of an entry.
        const SIZE: usize;
        /// The entry.
        fn read(raw: Raw<'a>) -> Self;
    }

    /// An entry as bytes.
    #[derive(Clone, Copy, Debug)]
    pub struct Raw<'a> {
        pub(super) view: &'a View<'a>,
        pub(super) chunk: &'a [u8],
        pub(super) flag: bool,
    }

    impl<'a> Raw<'a> {
        pub(super) fn word(&self, index: usize) -> u32 {
            self.view.word(self.chunk, index * 4)
        }

        /// The name, whose offset `View::get` has found to be inside of the string section.
        pub(super) fn name(&self) -> super::Name<'a> {
            self.view.name(StrOff(self.word(0))).unwrap_or_default()
        }
    }
}

impl<'a> read::Read<'a> for Member<'a> {
    const SIZE: usize = 12;

    fn read(raw: read::Raw<'a>) -> Self {
        let offset = raw.word(2);
        let (bits, bit_offset) =
            if raw.flag { ((offset >> 24) as u8, offset & 0x00ff_ffff) } else { (0, offset) };
        Member { name: raw.name(), ty: TypeId(raw.word(1)), bit_offset, bits }
    }
}

impl<'a> read::Read<'a> for EnumValue<'a> {
    const SIZE: usize = 8;

    fn read(raw: read::Raw<'a>) -> Self {
        EnumValue { name: raw.name(), value: raw.word(1).cast_signed() }
    }
}

impl<'a> read::Read<'a> for EnumValue64<'a> {
    const SIZE: usize = 12;

    fn read(raw: read::Raw<'a>) -> Self {
        EnumValue64 { name: raw.name(), value: u64::from(raw.word(2)) << 32 | u64::from(raw.word(1)) }
    }
}

impl<'a> read::Read<'a> for Param<'a> {
    const SIZE: usize = 8;

    fn read(raw: read::Raw<'a>) -> Self {
        Param { name: raw.name(), ty: TypeId(raw.word(1)) }
    }
}

impl<'a> read::Read<'a> for VarSecInfo {
    const SIZE: usize = 12;

    fn read(raw: read::Raw<'a>) -> Self {
        VarSecInfo { var: TypeId(raw.word(0)), offset: raw.word(1), size: raw.word(2) }
    }
}
