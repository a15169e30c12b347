//! The 19 kinds of BTF types: their numbers, names and ages.

use crate::base::KernelVersion;
use std::fmt;

/// What a type is (`BTF_KIND_*` in the uapi header `linux/btf.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// An integer, `char` or `_Bool`.
    #[doc(alias = "BTF_KIND_INT")]
    Int = 1,
    /// A pointer.
    #[doc(alias = "BTF_KIND_PTR")]
    Ptr = 2,
    /// An array.
    #[doc(alias = "BTF_KIND_ARRAY")]
    Array = 3,
    /// A struct.
    #[doc(alias = "BTF_KIND_STRUCT")]
    Struct = 4,
    /// A union.
    #[doc(alias = "BTF_KIND_UNION")]
    Union = 5,
    /// An enumeration of 32-bit values.
    #[doc(alias = "BTF_KIND_ENUM")]
    Enum = 6,
    /// A struct or union that is named but not described.
    #[doc(alias = "BTF_KIND_FWD")]
    Fwd = 7,
    /// A `typedef`.
    #[doc(alias = "BTF_KIND_TYPEDEF")]
    Typedef = 8,
    /// `volatile`.
    #[doc(alias = "BTF_KIND_VOLATILE")]
    Volatile = 9,
    /// `const`.
    #[doc(alias = "BTF_KIND_CONST")]
    Const = 10,
    /// `restrict`.
    #[doc(alias = "BTF_KIND_RESTRICT")]
    Restrict = 11,
    /// A function.
    #[doc(alias = "BTF_KIND_FUNC")]
    Func = 12,
    /// What a function takes and returns.
    #[doc(alias = "BTF_KIND_FUNC_PROTO")]
    FuncProto = 13,
    /// A global variable.
    #[doc(alias = "BTF_KIND_VAR")]
    Var = 14,
    /// A section of global variables.
    #[doc(alias = "BTF_KIND_DATASEC")]
    DataSec = 15,
    /// A floating-point number.
    #[doc(alias = "BTF_KIND_FLOAT")]
    Float = 16,
    /// A tag on a declaration.
    #[doc(alias = "BTF_KIND_DECL_TAG")]
    DeclTag = 17,
    /// A tag on a type.
    #[doc(alias = "BTF_KIND_TYPE_TAG")]
    TypeTag = 18,
    /// An enumeration of 64-bit values.
    #[doc(alias = "BTF_KIND_ENUM64")]
    Enum64 = 19,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 19] = [
        Self::Int,
        Self::Ptr,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Fwd,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Func,
        Self::FuncProto,
        Self::Var,
        Self::DataSec,
        Self::Float,
        Self::DeclTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    /// The kind with this number (`BTF_KIND_*`), if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        if number == 0 || number as usize > Self::ALL.len() {
            None
        } else {
            Some(Self::ALL[number as usize - 1])
        }
    }

    /// The number of this kind (`BTF_KIND_*`).
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kernel's name without `BTF_KIND_`: `STRUCT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::Ptr => "PTR",
            Self::Array => "ARRAY",
            Self::Struct => "STRUCT",
            Self::Union => "UNION",
            Self::Enum => "ENUM",
            Self::Fwd => "FWD",
            Self::Typedef => "TYPEDEF",
            Self::Volatile => "VOLATILE",
            Self::Const => "CONST",
            Self::Restrict => "RESTRICT",
            Self::Func => "FUNC",
            Self::FuncProto => "FUNC_PROTO",
            Self::Var => "VAR",
            Self::DataSec => "DATASEC",
            Self::Float => "FLOAT",
            Self::DeclTag => "DECL_TAG",
            Self::TypeTag => "TYPE_TAG",
            Self::Enum64 => "ENUM64",
        }
    }

    /// The first kernel that takes BTF with this kind.
    #[must_use]
    pub const fn since(self) -> KernelVersion {
        let (major, minor) = match self {
            Self::Func | Self::FuncProto => (5, 0),
            Self::Var | Self::DataSec => (5, 2),
            Self::Float => (5, 13),
            Self::DeclTag => (5, 16),
            Self::TypeTag => (5, 17),
            Self::Enum64 => (6, 0),
            _ => (4, 18),
        };
        KernelVersion::new(major, minor)
    }

    /// Whether a type of this kind stands for another one with a qualifier, name or tag added:
    /// `typedef`, `volatile`, `const`, `restrict`, type tags.
    #[must_use]
    pub const fn is_modifier(self) -> bool {
        matches!(self, Self::Typedef | Self::Volatile | Self::Const | Self::Restrict | Self::TypeTag)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
