//! Keys and values as bytes, without a heap allocation where they are small.

use crate::base::Endian;
use crate::btf::BtfType;

/// Gives `work` so many zeros, on the stack where they are few. Sizes are constants to those who call, so one arm remains.
#[inline]
pub(super) fn with_zeros<T>(len: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    match len {
        ..=16 => work(&mut [0; 16][..len]),
        17..=64 => work(&mut [0; 64][..len]),
        65..=512 => work(&mut [0; 512][..len]),
        _ => work(&mut vec![0; len]),
    }
}

/// Gives `work` the bytes of a key or a value.
#[inline]
pub(super) fn with_bytes<B: BtfType, T>(value: &B, work: impl FnOnce(&[u8]) -> T) -> T {
    with_zeros(B::SIZE, |bytes| {
        value.write_to(bytes, Endian::NATIVE);
        work(bytes)
    })
}

/// The key or value that the bytes are.
#[inline]
pub(super) fn read<B: BtfType>(bytes: &[u8]) -> Option<B> {
    B::read_from(bytes, Endian::NATIVE)
}
