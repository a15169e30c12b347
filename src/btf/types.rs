//! One type as the readers hand it out, and the small words it is made of.

use super::kind::Kind;
use super::records::Records;
use std::borrow::Cow;
use std::fmt;

/// The number of a type within its BTF; 0 is `void`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, which stands in no BTF.
    pub const VOID: Self = Self(0);
    /// The highest number a kernel takes (`BTF_MAX_TYPE`).
    #[doc(alias = "BTF_MAX_TYPE")]
    pub const MAX: Self = Self(0x000f_ffff);

    /// Whether this is `void`.
    #[must_use]
    pub const fn is_void(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

/// Where a string starts in the string section, in bytes; 0 is the empty string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StrOff(pub u32);

impl StrOff {
    /// The highest offset a kernel takes (`BTF_MAX_NAME_OFFSET`).
    #[doc(alias = "BTF_MAX_NAME_OFFSET")]
    pub const MAX: Self = Self(0x00ff_ffff);
}

/// A name as BTF holds it: bytes, usually ASCII, empty when there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The name with these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there is no name.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, without the NUL that ends them in BTF.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The name as a string, unless it is not UTF-8 (the kernel takes ASCII only, but for tags).
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        match std::str::from_utf8(self.0) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }
}

/// How much of a name is printed; no kernel takes longer ones (`KSYM_NAME_LEN`). In crafted BTF thousands of types can
/// share a name of many kilobytes.
const SHOWN: usize = 512;

impl Name<'_> {
    fn shown(&self) -> Cow<'_, str> {
        match self.0.get(..SHOWN) {
            Some(start) if start.len() < self.0.len() => {
                Cow::Owned(format!("{}\u{2026}", String::from_utf8_lossy(start)))
            }
            _ => String::from_utf8_lossy(self.0),
        }
    }
}

/// Of a name of more than 512 bytes, which no kernel takes, the beginning and an ellipsis.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Name<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

/// Who sees a function or a variable (`enum btf_func_linkage`, `BTF_VAR_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Linkage {
    /// This object only. A callback must be static.
    #[doc(alias = "BTF_FUNC_STATIC")]
    #[doc(alias = "BTF_VAR_STATIC")]
    Static = 0,
    /// Everyone; the verifier checks a global function on its own.
    #[doc(alias = "BTF_FUNC_GLOBAL")]
    #[doc(alias = "BTF_VAR_GLOBAL_ALLOCATED")]
    Global = 1,
    /// Defined elsewhere. Object files hold it; `BPF_BTF_LOAD` refuses it.
    #[doc(alias = "BTF_FUNC_EXTERN")]
    #[doc(alias = "BTF_VAR_GLOBAL_EXTERN")]
    Extern = 2,
}

impl Linkage {
    /// The linkage with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Static),
            1 => Some(Self::Global),
            2 => Some(Self::Extern),
            _ => None,
        }
    }

    /// The number of this linkage.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

bitflags::bitflags! {
    /// How the bits of an integer are read (`BTF_INT_SIGNED`, `BTF_INT_CHAR`, `BTF_INT_BOOL`). The kernel
    /// takes at most one of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
    pub struct IntEncoding: u8 {
        /// Two's complement.
        #[doc(alias = "BTF_INT_SIGNED")]
        const SIGNED = 1;
        /// A character.
        #[doc(alias = "BTF_INT_CHAR")]
        const CHAR = 2;
        /// `_Bool`.
        #[doc(alias = "BTF_INT_BOOL")]
        const BOOL = 4;
        /// What newer headers may add.
        const _ = !0;
    }
}

/// One type. Lists (members, values, parameters, variables) are read lazily.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type<'a> {
    /// `void`, the type with the number 0.
    Void,
    /// An integer.
    Int(Int<'a>),
    /// A pointer to this type.
    Ptr(TypeId),
    /// An array.
    Array(Array),
    /// A struct.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enumeration of 32-bit values.
    Enum(Enum<'a>),
    /// A struct or union that is named but not described.
    Fwd(Fwd<'a>),
    /// A `typedef`.
    Typedef(Typedef<'a>),
    /// This type, `volatile`.
    Volatile(TypeId),
    /// This type, `const`.
    Const(TypeId),
    /// This type, `restrict`.
    Restrict(TypeId),
    /// A function.
    Func(Func<'a>),
    /// What a function takes and returns.
    FuncProto(FuncProto<'a>),
    /// A global variable.
    Var(Var<'a>),
    /// A section of global variables.
    DataSec(DataSec<'a>),
    /// A floating-point number.
    Float {
        /// The name in C.
        name: Name<'a>,
        /// In bytes.
        size: u32,
    },
    /// A tag on a declaration.
    DeclTag(DeclTag<'a>),
    /// A tag on a type.
    TypeTag(TypeTag<'a>),
    /// An enumeration of 64-bit values.
    Enum64(Enum64<'a>),
}

/// An integer, `char` or `_Bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<'a> {
    /// The name in C: `unsigned int`.
    pub name: Name<'a>,
    /// In bytes.
    pub size: u32,
    /// How the bits are read.
    pub encoding: IntEncoding,
    /// Where the value starts in its `size` bytes, in bits; 0 but in BTF of old compilers.
    pub bit_offset: u8,
    /// How many bits the value has.
    pub bits: u8,
}

/// An array of `len` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Array {
    /// The type of an element.
    pub element: TypeId,
    /// The type of the index: an integer that C does not show.
    pub index: TypeId,
    /// How many elements.
    pub len: u32,
}

/// A struct or a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Composite<'a> {
    /// The tag: `elem` in `struct elem`; may be empty.
    pub name: Name<'a>,
    /// In bytes.
    pub size: u32,
    /// In order.
    pub members: Records<'a, Member<'a>>,
}

/// A member of a struct or a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Empty for an anonymous struct or union.
    pub name: Name<'a>,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts, in bits.
    pub bit_offset: u32,
    /// How many bits it has if it is a bit-field told by the struct (`kind_flag`), else 0.
    pub bits: u8,
}

impl Member<'_> {
    /// Where it starts, in whole bytes; `None` in the middle of a byte.
    #[must_use]
    pub const fn byte_offset(&self) -> Option<u32> {
        if self.bit_offset.is_multiple_of(8) { Some(self.bit_offset / 8) } else { None }
    }
}

/// An enumeration of 32-bit values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enum<'a> {
    /// The tag; may be empty.
    pub name: Name<'a>,
    /// In bytes: 1, 2, 4 or 8.
    pub size: u32,
    /// Whether the values are signed (`kind_flag`, told since kernel 6.0).
    pub signed: bool,
    /// In order. None of them: a forward declaration.
    pub values: Records<'a, EnumValue<'a>>,
}

/// A value of an [`Enum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumValue<'a> {
    /// The name in C.
    pub name: Name<'a>,
    /// The bits; read as `u32` where the enumeration is not signed.
    pub value: i32,
}

/// An enumeration of 64-bit values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enum64<'a> {
    /// The tag; may be empty.
    pub name: Name<'a>,
    /// In bytes: 1, 2, 4 or 8.
    pub size: u32,
    /// Whether the values are signed.
    pub signed: bool,
    /// In order.
    pub values: Records<'a, EnumValue64<'a>>,
}

/// A value of an [`Enum64`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumValue64<'a> {
    /// The name in C.
    pub name: Name<'a>,
    /// The bits; read as `i64` where the enumeration is signed.
    pub value: u64,
}

/// A struct or union that is named but not described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fwd<'a> {
    /// The tag.
    pub name: Name<'a>,
    /// A union, not a struct.
    pub union: bool,
}

/// A name for another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typedef<'a> {
    /// The name in C.
    pub name: Name<'a>,
    /// What it stands for.
    pub target: TypeId,
}

/// A tag on a type: `kptr` on what a pointer points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeTag<'a> {
    /// The text of the tag.
    pub name: Name<'a>,
    /// The type it is on.
    pub target: TypeId,
    /// A compiler's own attribute, not a `btf_type_tag` (`kind_flag`, kernel 6.15).
    pub attribute: bool,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func<'a> {
    /// The name in C.
    pub name: Name<'a>,
    /// Its [`FuncProto`].
    pub proto: TypeId,
    /// Who sees it.
    pub linkage: Linkage,
}

/// What a function takes and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncProto<'a> {
    /// What it returns.
    pub ret: TypeId,
    /// In order; a last one that is nameless and `void` means `...`.
    pub params: Records<'a, Param<'a>>,
}

/// A parameter of a [`FuncProto`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name in C; may be empty.
    pub name: Name<'a>,
    /// Its type.
    pub ty: TypeId,
}

/// A global variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var<'a> {
    /// The name in C.
    pub name: Name<'a>,
    /// Its type.
    pub ty: TypeId,
    /// Who sees it.
    pub linkage: Linkage,
}

/// A section of global variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSec<'a> {
    /// The name of the section: `.data`.
    pub name: Name<'a>,
    /// In bytes.
    pub size: u32,
    /// In order of their offsets.
    pub vars: Records<'a, VarSecInfo>,
}

/// Where a variable lies in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VarSecInfo {
    /// The [`Var`].
    pub var: TypeId,
    /// In bytes from the start of the section.
    pub offset: u32,
    /// In bytes.
    pub size: u32,
}

/// A tag on a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclTag<'a> {
    /// The text of the tag.
    pub name: Name<'a>,
    /// The struct, union, function, variable or typedef it is on.
    pub target: TypeId,
    /// Which member or parameter of it, if not the whole.
    pub component: Option<u32>,
    /// A compiler's own attribute, not a `btf_decl_tag` (`kind_flag`, kernel 6.15).
    pub attribute: bool,
}

impl<'a> Type<'a> {
    /// The kind; `None` for `void`.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Void => return None,
            Self::Int(_) => Kind::Int,
            Self::Ptr(_) => Kind::Ptr,
            Self::Array(_) => Kind::Array,
            Self::Struct(_) => Kind::Struct,
            Self::Union(_) => Kind::Union,
            Self::Enum(_) => Kind::Enum,
            Self::Fwd(_) => Kind::Fwd,
            Self::Typedef(_) => Kind::Typedef,
            Self::Volatile(_) => Kind::Volatile,
            Self::Const(_) => Kind::Const,
            Self::Restrict(_) => Kind::Restrict,
            Self::Func(_) => Kind::Func,
            Self::FuncProto(_) => Kind::FuncProto,
            Self::Var(_) => Kind::Var,
            Self::DataSec(_) => Kind::DataSec,
            Self::Float { .. } => Kind::Float,
            Self::DeclTag(_) => Kind::DeclTag,
            Self::TypeTag(_) => Kind::TypeTag,
            Self::Enum64(_) => Kind::Enum64,
        })
    }

    /// The name; empty where the kind has none.
    #[must_use]
    pub fn name(&self) -> Name<'a> {
        match *self {
            Self::Int(Int { name, .. })
            | Self::Struct(Composite { name, .. })
            | Self::Union(Composite { name, .. })
            | Self::Enum(Enum { name, .. })
            | Self::Fwd(Fwd { name, .. })
            | Self::Typedef(Typedef { name, .. })
            | Self::Func(Func { name, .. })
            | Self::Var(Var { name, .. })
            | Self::DataSec(DataSec { name, .. })
            | Self::Float { name, .. }
            | Self::DeclTag(DeclTag { name, .. })
            | Self::TypeTag(TypeTag { name, .. })
            | Self::Enum64(Enum64 { name, .. }) => name,
            Self::Void
            | Self::Ptr(_)
            | Self::Array(_)
            | Self::Volatile(_)
            | Self::Const(_)
            | Self::Restrict(_)
            | Self::FuncProto(_) => Name::default(),
        }
    }

    /// What a modifier (`typedef`, `volatile`, `const`, `restrict`, type tag) stands for.
    #[must_use]
    pub const fn modified(&self) -> Option<TypeId> {
        match *self {
            Self::Typedef(Typedef { target, .. })
            | Self::TypeTag(TypeTag { target, .. })
            | Self::Volatile(target)
            | Self::Const(target)
            | Self::Restrict(target) => Some(target),
            _ => None,
        }
    }
}
