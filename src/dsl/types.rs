//! Types known at run time: of values in registers, and of what lies in memory.

use std::fmt;

use crate::asm::{Size, Width};
use crate::btf::{Array, IntEncoding, Kind, Type, TypeId, View};

/// An integer of 8, 16, 32 or 64 bits, or a truth value.
///
/// In a register, a number of 32 bits has zeros above; one of 8 or 16 bits is extended by its own sign to 32.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScalarType {
    bits: u8,
    signed: bool,
    truth: bool,
}

impl ScalarType {
    /// `u8`.
    pub const U8: Self = Self::int(8, false);
    /// `u16`.
    pub const U16: Self = Self::int(16, false);
    /// `u32`.
    pub const U32: Self = Self::int(32, false);
    /// `u64`.
    pub const U64: Self = Self::int(64, false);
    /// `i8`.
    pub const I8: Self = Self::int(8, true);
    /// `i16`.
    pub const I16: Self = Self::int(16, true);
    /// `i32`.
    pub const I32: Self = Self::int(32, true);
    /// `i64`.
    pub const I64: Self = Self::int(64, true);
    /// `bool`: a byte that is 0 or 1.
    pub const BOOL: Self = Self { bits: 8, signed: false, truth: true };

    const fn int(bits: u8, signed: bool) -> Self {
        Self { bits, signed, truth: false }
    }

    /// The integer of this size in bytes: 1, 2, 4 or 8.
    #[must_use]
    pub const fn of_size(bytes: u32, signed: bool) -> Option<Self> {
        match bytes {
            1 | 2 | 4 | 8 => Some(Self::int(bytes as u8 * 8, signed)),
            _ => None,
        }
    }

    /// How many bits it has in memory.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.bits
    }

    /// How many bytes it has in memory.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.bits as u32 / 8
    }

    /// Whether it can be negative.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        self.signed
    }

    /// Whether it is a truth value.
    #[must_use]
    pub const fn is_bool(self) -> bool {
        self.truth
    }

    /// Whether the number is one of this type.
    #[must_use]
    pub const fn holds(self, number: i128) -> bool {
        if self.truth {
            return number == 0 || number == 1;
        }
        let span = 1i128 << (self.bits - self.signed as u8);
        let least = if self.signed { -span } else { 0 };
        least <= number && number < span
    }

    /// The largest bits it can leave in a register, as an unsigned number.
    pub(crate) const fn most(self) -> u64 {
        match (self.truth, self.signed, self.bits) {
            (true, ..) => 1,
            (_, false, 8) => u8::MAX as u64,
            (_, false, 16) => u16::MAX as u64,
            (_, _, 64) => u64::MAX,
            _ => u32::MAX as u64,
        }
    }

    /// How many bits of registers its arithmetic is done with.
    pub(crate) const fn width(self) -> Width {
        if self.bits == 64 { Width::Bits64 } else { Width::Bits32 }
    }

    /// Whether it is narrower than its arithmetic.
    pub(crate) const fn is_narrow(self) -> bool {
        self.bits < 32
    }

    pub(crate) const fn size(self) -> Size {
        match self.bits {
            8 => Size::B,
            16 => Size::H,
            32 => Size::W,
            _ => Size::DW,
        }
    }

    /// The register that holds the lowest bits of `number` as this type.
    pub(crate) const fn canonical(self, number: i64) -> i64 {
        match (self.bits, self.signed) {
            (8, true) => number as i8 as i32 as u32 as i64,
            (8, false) => number as u8 as i64,
            (16, true) => number as i16 as i32 as u32 as i64,
            (16, false) => number as u16 as i64,
            (32, _) => number as u32 as i64,
            _ => number,
        }
    }

    /// The number a register holds, as this type.
    pub(crate) const fn number(self, register: i64) -> i128 {
        match (self.bits, self.signed) {
            (64, false) => register as u64 as i128,
            (64, true) => register as i128,
            (_, false) => register as u32 as i128,
            (_, true) => register as i32 as i128,
        }
    }
}

/// As Rust has it: `u32`.
impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.truth {
            return f.write_str("bool");
        }
        write!(f, "{}{}", if self.signed { 'i' } else { 'u' }, self.bits)
    }
}

impl fmt::Debug for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What lies at a place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// A number in the byte order of the machine.
    Scalar(ScalarType),
    /// A number in network byte order.
    Network(ScalarType),
    /// What a type of the object's BTF says, of this many bytes.
    Btf(TypeId, u32),
    /// Bytes without a type.
    Bytes(u32),
}

impl Layout {
    /// How many bytes it has.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::Scalar(scalar) | Self::Network(scalar) => scalar.bytes(),
            Self::Btf(_, size) | Self::Bytes(size) => size,
        }
    }

    /// What the type `id` is once names and qualifiers are taken off; `None` if it has no size.
    pub(crate) fn of(btf: &View<'_>, id: TypeId) -> Option<Self> {
        let size = btf.size_of(id).ok()?;
        let network = is_network_order(btf, id);
        let layout = match btf.resolve(id).ok()?.1 {
            Type::Int(int) if int.encoding.contains(IntEncoding::BOOL) && int.size == 1 => {
                Self::Scalar(ScalarType::BOOL)
            }
            Type::Int(int) => match ScalarType::of_size(int.size, int.encoding.contains(IntEncoding::SIGNED))
            {
                Some(scalar) if network => Self::Network(scalar),
                Some(scalar) => Self::Scalar(scalar),
                None => Self::Bytes(size),
            },
            Type::Enum(of) => Self::Scalar(ScalarType::of_size(of.size, of.signed)?),
            Type::Enum64(of) => Self::Scalar(ScalarType::of_size(of.size, of.signed)?),
            _ => Self::Btf(id, size),
        };
        Some(layout)
    }

    /// The elements of an array, and how many there are.
    pub(crate) fn element(self, btf: &View<'_>) -> Option<(Self, u32)> {
        let Self::Btf(id, _) = self else { return None };
        match btf.resolve(id).ok()?.1 {
            Type::Array(Array { element, len, .. }) => Some((Self::of(btf, element)?, len)),
            _ => None,
        }
    }

    /// The member `name` of a struct or union: where it is, and what. Members of anonymous members count.
    pub(crate) fn member(self, btf: &View<'_>, name: &str) -> Option<(u32, Self)> {
        let Self::Btf(id, _) = self else { return None };
        let (Type::Struct(of) | Type::Union(of)) = btf.resolve(id).ok()?.1 else { return None };
        of.members.iter().find_map(|member| {
            let offset = member.byte_offset().filter(|_| member.bits == 0)?;
            if member.name.as_str() == Some(name) {
                return Some((offset, Self::of(btf, member.ty)?));
            }
            let inner = member.name.is_empty().then(|| Self::of(btf, member.ty))??;
            inner.member(btf, name).map(|(inside, layout)| (offset + inside, layout))
        })
    }

    /// What messages call it.
    pub(crate) fn describe(self, btf: &View<'_>) -> String {
        match self {
            Self::Scalar(scalar) => scalar.to_string(),
            Self::Network(scalar) => format!("{scalar} in network byte order"),
            Self::Bytes(size) => format!("{size} bytes"),
            Self::Btf(id, size) => named(btf, id).unwrap_or_else(|| format!("{size} bytes")),
        }
    }
}

fn named(btf: &View<'_>, id: TypeId) -> Option<String> {
    let (_, ty) = btf.resolve(id).ok()?;
    let name = ty.name();
    let what = match ty.kind()? {
        Kind::Struct => "struct",
        Kind::Union => "union",
        _ => return None,
    };
    (!name.is_empty()).then(|| format!("{what} {name}"))
}

/// `__be16`, `__be32`, `__be64`, also behind other names.
fn is_network_order(btf: &View<'_>, mut id: TypeId) -> bool {
    while let Ok(ty) = btf.get(id) {
        if matches!(ty.name().as_bytes(), b"__be16" | b"__be32" | b"__be64") {
            return true;
        }
        match ty.modified() {
            Some(next) if next < id => id = next,
            _ => return false,
        }
    }
    false
}
