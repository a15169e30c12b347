//! Rust types as BTF and as bytes of a map.

use super::builder::Builder;
use super::error::{BtfError, Place, Rule};
use super::kind::Kind;
use super::types::{IntEncoding, TypeId};
use crate::base::Endian;

/// A Rust type that a map can hold as key or value: its BTF, and its bytes in either byte order.
///
/// `#[derive(BtfType)]` implements it for structs.
pub trait BtfType: Sized {
    /// How many bytes a value takes.
    const SIZE: usize;

    /// Adds the type and what it refers to.
    ///
    /// # Errors
    /// The kernel would refuse it.
    fn btf(builder: &mut Builder) -> Result<TypeId, BtfError>;

    /// Writes the value into the first [`SIZE`](Self::SIZE) bytes, which must be zero before: padding is left as
    /// it is. Bytes that are missing are not written.
    fn write_to(&self, out: &mut [u8], endian: Endian);

    /// Reads a value from the first [`SIZE`](Self::SIZE) bytes; `None` if there are fewer, or if they are no value
    /// of this type (a `bool` of 2).
    fn read_from(bytes: &[u8], endian: Endian) -> Option<Self>;

    /// The value as [`SIZE`](Self::SIZE) bytes, padding zero.
    fn to_bytes(&self, endian: Endian) -> Vec<u8> {
        let mut out = vec![0; Self::SIZE];
        self.write_to(&mut out, endian);
        out
    }
}

macro_rules! integers {
    ($($ty:ty, $name:literal, $encoding:expr;)*) => {$(
        #[doc = concat!("`", $name, "` in C.")]
        impl BtfType for $ty {
            const SIZE: usize = size_of::<$ty>();

            fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
                builder.int($name, size_of::<$ty>() as u32, $encoding)
            }

            fn write_to(&self, out: &mut [u8], endian: Endian) {
                if let Some(out) = out.first_chunk_mut() {
                    *out = if endian == Endian::Little { self.to_le_bytes() } else { self.to_be_bytes() };
                }
            }

            fn read_from(bytes: &[u8], endian: Endian) -> Option<Self> {
                let bytes = *bytes.first_chunk()?;
                Some(if endian == Endian::Little { Self::from_le_bytes(bytes) } else { Self::from_be_bytes(bytes) })
            }
        }
    )*};
}

integers! {
    u8, "unsigned char", IntEncoding::empty();
    u16, "unsigned short", IntEncoding::empty();
    u32, "unsigned int", IntEncoding::empty();
    u64, "unsigned long long", IntEncoding::empty();
    u128, "unsigned __int128", IntEncoding::empty();
    i8, "signed char", IntEncoding::SIGNED;
    i16, "short", IntEncoding::SIGNED;
    i32, "int", IntEncoding::SIGNED;
    i64, "long long", IntEncoding::SIGNED;
    i128, "__int128", IntEncoding::SIGNED;
}

macro_rules! floats {
    ($($ty:ty, $name:literal;)*) => {$(
        #[doc = concat!("`", $name, "` in C; the kernel knows the kind since 5.13.")]
        impl BtfType for $ty {
            const SIZE: usize = size_of::<$ty>();

            fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
                builder.float($name, size_of::<$ty>() as u32)
            }

            fn write_to(&self, out: &mut [u8], endian: Endian) {
                self.to_bits().write_to(out, endian);
            }

            fn read_from(bytes: &[u8], endian: Endian) -> Option<Self> {
                BtfType::read_from(bytes, endian).map(Self::from_bits)
            }
        }
    )*};
}

floats! {
    f32, "float";
    f64, "double";
}

/// A number in network byte order, whatever the byte order of the machine: an address, a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Be<T>(T);

impl<T: Copy> Be<T> {
    /// The number, in the order of this machine.
    #[must_use]
    pub const fn new(number: T) -> Self {
        Self(number)
    }

    /// The number, in the order of this machine.
    #[must_use]
    pub const fn get(self) -> T {
        self.0
    }
}

impl<T> From<T> for Be<T> {
    fn from(number: T) -> Self {
        Self(number)
    }
}

macro_rules! big_endian {
    ($($ty:ty, $name:literal;)*) => {$(
        #[doc = concat!("`", $name, "` in C.")]
        impl BtfType for Be<$ty> {
            const SIZE: usize = size_of::<$ty>();

            fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
                let number = <$ty>::btf(builder)?;
                builder.typedef($name, number)
            }

            fn write_to(&self, out: &mut [u8], _: Endian) {
                self.0.write_to(out, Endian::Big);
            }

            fn read_from(bytes: &[u8], _: Endian) -> Option<Self> {
                BtfType::read_from(bytes, Endian::Big).map(Self)
            }
        }
    )*};
}

big_endian! {
    u16, "__be16";
    u32, "__be32";
    u64, "__be64";
}

/// `_Bool` in C.
impl BtfType for bool {
    const SIZE: usize = 1;

    fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
        builder.int("_Bool", 1, IntEncoding::BOOL)
    }

    fn write_to(&self, out: &mut [u8], endian: Endian) {
        u8::from(*self).write_to(out, endian);
    }

    fn read_from(bytes: &[u8], endian: Endian) -> Option<Self> {
        match u8::read_from(bytes, endian)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// An array in C, of any length.
impl<T: BtfType, const N: usize> BtfType for [T; N] {
    const SIZE: usize = T::SIZE * N;

    fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
        let element = T::btf(builder)?;
        let size = T::SIZE.try_into().unwrap_or(u32::MAX);
        let too_long = |_| Place::new(Kind::Array, "").error(Rule::ArrayTooLong { len: u32::MAX, size });
        builder.array(element, N.try_into().map_err(too_long)?)
    }

    fn write_to(&self, out: &mut [u8], endian: Endian) {
        for (index, value) in self.iter().enumerate() {
            if let Some(out) = out.get_mut(index * T::SIZE..) {
                value.write_to(out, endian);
            }
        }
    }

    fn read_from(bytes: &[u8], endian: Endian) -> Option<Self> {
        let mut values = Vec::with_capacity(N);
        for index in 0..N {
            values.push(T::read_from(bytes.get(index * T::SIZE..)?, endian)?);
        }
        values.try_into().ok()
    }
}
