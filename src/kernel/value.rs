//! Keys and values as bytes, without a heap allocation where they are small.

use crate::base::Endian;
use crate::btf::BtfType;

/// Bytes that live on the stack up to [`Bytes::SMALL`].
pub(super) enum Bytes {
    Small([u8; Self::SMALL], usize),
    Large(Vec<u8>),
}

impl Bytes {
    const SMALL: usize = 256;

    pub(super) fn zeroed(len: usize) -> Self {
        if len <= Self::SMALL { Self::Small([0; Self::SMALL], len) } else { Self::Large(vec![0; len]) }
    }

    pub(super) fn of<T: BtfType>(value: &T) -> Self {
        let mut bytes = Self::zeroed(T::SIZE);
        value.write_to(bytes.as_mut(), Endian::NATIVE);
        bytes
    }

    pub(super) fn read<T: BtfType>(&self) -> Option<T> {
        T::read_from(self.as_ref(), Endian::NATIVE)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Small(bytes, len) => &bytes[..*len],
            Self::Large(bytes) => bytes,
        }
    }
}

impl AsMut<[u8]> for Bytes {
    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Small(bytes, len) => &mut bytes[..*len],
            Self::Large(bytes) => bytes,
        }
    }
}
