//! Reading BTF where it lies: one pass finds where the types start, everything else is read when asked for.

use super::error::{DecodeError, DecodeReason};
use super::index::NameIndex;
use super::kind::Kind;
use super::records::Records;
use super::types::{
    Array, Composite, DataSec, DeclTag, Enum, Enum64, Func, FuncProto, Fwd, Int, IntEncoding, Linkage, Name,
    StrOff, Type, TypeId, TypeTag, Typedef, Var,
};
use crate::base::Endian;
use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// BTF that owns its bytes: what a [`Builder`](super::Builder) makes and [`View::into_owned`] copies.
pub type Btf = View<'static>;

/// BTF, read from bytes it borrows (a mapped file, a section of an object) or owns.
///
/// Making one walks over the types once and keeps 4 bytes for each; the first look-up by name builds the
/// name index, another 4 to 8 bytes for each type that has a name. Nothing else is copied.
#[derive(Clone)]
pub struct View<'a> {
    pub(crate) base: Option<Arc<View<'a>>>,
    pub(crate) endian: Endian,
    pub(crate) types: Cow<'a, [u8]>,
    pub(crate) strings: Cow<'a, [u8]>,
    /// Where each type starts in `types`.
    pub(crate) offsets: Cow<'a, [u32]>,
    /// Where `types` starts in the bytes that were read, for errors.
    pub(crate) origin: usize,
    names: OnceLock<NameIndex>,
}

/// Bytes of every type before its list: name, info, size or type.
pub(crate) const HEAD: usize = 12;

impl<'a> View<'a> {
    /// Reads BTF that stands alone.
    ///
    /// # Errors
    /// The bytes are not BTF: the header, a section or the start of a type is wrong. What a type refers to is
    /// looked at when it is asked for, so [`get`](Self::get) can fail too.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        super::decode::parse(bytes, None)
    }

    /// Reads split BTF: types and strings that go on where those of `base` end (a kernel module's).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn split(base: Arc<View<'a>>, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        super::decode::parse(bytes, Some(base))
    }

    pub(crate) const fn from_parts(
        base: Option<Arc<View<'a>>>,
        endian: Endian,
        types: Cow<'a, [u8]>,
        strings: Cow<'a, [u8]>,
        offsets: Cow<'a, [u32]>,
        origin: usize,
    ) -> Self {
        Self { base, endian, types, strings, offsets, origin, names: OnceLock::new() }
    }

    /// The same BTF with bytes of its own.
    #[must_use]
    pub fn into_owned(self) -> Btf {
        let base = self.base.map(|base| Arc::new(Arc::unwrap_or_clone(base).into_owned()));
        let (types, strings) = (Cow::Owned(self.types.into_owned()), Cow::Owned(self.strings.into_owned()));
        let offsets = Cow::Owned(self.offsets.into_owned());
        View { base, endian: self.endian, types, strings, offsets, origin: self.origin, names: self.names }
    }

    /// The byte order it was read in.
    #[must_use]
    pub const fn endian(&self) -> Endian {
        self.endian
    }

    /// What this split BTF goes on from.
    #[must_use]
    pub const fn base(&self) -> Option<&Arc<View<'a>>> {
        self.base.as_ref()
    }

    /// How many types it has of its own, without `void` and without the base's.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether it has no types of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The numbers of its own types, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = TypeId> + ExactSizeIterator + use<> {
        let first = self.first_id().0;
        (0..self.offsets.len() as u32).map(move |index| TypeId(first + index))
    }

    /// The number of its first own type: 1, or the one after the base's last.
    #[must_use]
    pub fn first_id(&self) -> TypeId {
        match &self.base {
            Some(base) => base.end_id(),
            None => TypeId(1),
        }
    }

    /// The number after its last type.
    pub(crate) fn end_id(&self) -> TypeId {
        TypeId(self.first_id().0 + self.offsets.len() as u32)
    }

    /// Where its own strings start: behind the base's.
    pub(crate) fn first_string(&self) -> u32 {
        match &self.base {
            Some(base) => base.strings_end(),
            None => 0,
        }
    }

    pub(crate) fn strings_end(&self) -> u32 {
        self.first_string().saturating_add(self.strings.len() as u32)
    }

    /// The type with this number.
    ///
    /// # Errors
    /// There is no such type, or its bytes name strings, linkages or components that do not exist.
    pub fn get(&self, id: TypeId) -> Result<Type<'_>, DecodeError> {
        if id.is_void() {
            return Ok(Type::Void);
        }
        let (view, at) =
            self.locate(id).ok_or(DecodeError { offset: None, reason: DecodeReason::NoSuchType { id } })?;
        Raw::new(view, id, at).and_then(Raw::decode)
    }

    /// The string at this offset, without its NUL. Line information uses it for source lines, which may be
    /// any bytes.
    ///
    /// # Errors
    /// The offset is outside of the string section.
    pub fn string(&self, offset: StrOff) -> Result<&[u8], DecodeError> {
        self.name(offset).map(Name::as_bytes).ok_or_else(|| DecodeError {
            offset: None,
            reason: DecodeReason::StringOutside { offset: offset.0, size: self.strings_end() },
        })
    }

    /// The first type of this kind and name, the base's before its own.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<TypeId> {
        let in_base = self.base.as_ref().and_then(|base| base.find(kind, name));
        in_base.or_else(|| self.find_own(name).find(|&id| self.kind_of(id) == Some(kind)))
    }

    /// Every type of this name, in order, the base's before its own.
    pub fn find_all(&self, name: &str) -> impl Iterator<Item = TypeId> {
        let mut found = self.base.as_ref().map_or_else(Vec::new, |base| base.find_all(name).collect());
        found.extend(self.find_own(name));
        found.into_iter()
    }

    fn find_own<'s>(&'s self, name: &'s str) -> impl Iterator<Item = TypeId> + 's {
        self.names.get_or_init(|| NameIndex::new(self)).find(self, name.as_bytes())
    }

    /// The name index is of the types there were.
    pub(crate) fn forget_names(&mut self) {
        self.names.take();
    }

    /// The kind of a type, from its head alone.
    #[must_use]
    pub fn kind_of(&self, id: TypeId) -> Option<Kind> {
        let (view, at) = self.locate(id)?;
        Kind::from_number((view.word(&view.types, at + 4) >> 24) as u8 & KIND_MASK)
    }

    /// Which view holds a type, and where in its type section.
    pub(crate) fn locate(&self, id: TypeId) -> Option<(&View<'_>, usize)> {
        let first = self.first_id();
        if id < first {
            return self.base.as_ref()?.locate(id);
        }
        self.offsets.get((id.0 - first.0) as usize).map(|&at| (self as &View<'_>, at as usize))
    }

    /// The name at this offset, if that lies in the string section.
    pub(crate) fn name(&self, offset: StrOff) -> Option<Name<'_>> {
        let first = self.first_string();
        if offset.0 < first {
            return self.base.as_ref()?.name(offset);
        }
        let from = self.strings.get((offset.0 - first) as usize..)?;
        CStr::from_bytes_until_nul(from).ok().map(|text| Name::new(text.to_bytes()))
    }

    /// Four bytes in this byte order; 0 beyond the end.
    pub(crate) fn word(&self, bytes: &[u8], at: usize) -> u32 {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
        match self.endian {
            Endian::Little => u32::from_le_bytes(word),
            Endian::Big => u32::from_be_bytes(word),
        }
    }
}

/// Two views are equal if they say the same with the same numbers, whatever their byte order.
impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        let sections = if self.endian == other.endian {
            self.types == other.types
        } else {
            super::encode::types(self, Endian::Little) == super::encode::types(other, Endian::Little)
        };
        sections && self.strings == other.strings && self.base == other.base
    }
}

impl Eq for View<'_> {}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for id in self.ids() {
            match self.get(id) {
                Ok(ty) => map.entry(&id.0, &ty),
                Err(error) => map.entry(&id.0, &error.to_string()),
            };
        }
        map.finish()
    }
}

/// The bits of the top byte of `info` that hold the kind (five until kernel 7.1, seven after it).
pub(crate) const KIND_MASK: u8 = 0x7f;
/// The bits of `info` that hold the length of the list (16 until kernel 7.1, 24 after it).
pub(crate) const VLEN_MASK: u32 = 0x00ff_ffff;

/// A type as bytes, with its head read.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    view: &'a View<'a>,
    id: TypeId,
    at: usize,
    pub(crate) kind: Kind,
    pub(crate) flag: bool,
    pub(crate) info: u32,
    /// The third word: the size or the type.
    pub(crate) third: u32,
    /// What follows the head.
    pub(crate) rest: &'a [u8],
}

impl<'a> Raw<'a> {
    pub(crate) fn new(view: &'a View<'a>, id: TypeId, at: usize) -> Result<Self, DecodeError> {
        let info = view.word(&view.types, at + 4);
        let number = (info >> 24) as u8 & KIND_MASK;
        let kind = Kind::from_number(number)
            .ok_or(DecodeError::at(view.origin + at + 4, DecodeReason::Kind { id, found: number }))?;
        let needed = super::decode::length(kind, info & VLEN_MASK);
        let left = view.types.len().saturating_sub(at);
        let rest = view.types.get(at + HEAD..at.saturating_add(needed));
        let rest =
            rest.ok_or(DecodeError::at(view.origin + at, DecodeReason::TypeTooShort { id, needed, left }))?;
        Ok(Self {
            view,
            id,
            at,
            kind,
            flag: info >> 31 == 1,
            info,
            third: view.word(&view.types, at + 8),
            rest,
        })
    }

    fn decode(self) -> Result<Type<'a>, DecodeError> {
        let target = TypeId(self.third);
        let size = self.third;
        Ok(match self.kind {
            Kind::Int => Type::Int(self.int()?),
            Kind::Ptr => Type::Ptr(target),
            Kind::Array => Type::Array(Array { element: self.id(0), index: self.id(1), len: self.extra(2) }),
            Kind::Struct => Type::Struct(self.composite()?),
            Kind::Union => Type::Union(self.composite()?),
            Kind::Enum => Type::Enum(Enum {
                name: self.name()?,
                size,
                signed: self.flag,
                values: self.named_records(8)?,
            }),
            Kind::Fwd => Type::Fwd(Fwd { name: self.name()?, union: self.flag }),
            Kind::Typedef => Type::Typedef(Typedef { name: self.name()?, target }),
            Kind::Volatile => Type::Volatile(target),
            Kind::Const => Type::Const(target),
            Kind::Restrict => Type::Restrict(target),
            Kind::Func => Type::Func(Func {
                name: self.name()?,
                proto: target,
                linkage: self.linkage(self.info & VLEN_MASK)?,
            }),
            Kind::FuncProto => Type::FuncProto(FuncProto { ret: target, params: self.named_records(8)? }),
            Kind::Var => {
                Type::Var(Var { name: self.name()?, ty: target, linkage: self.linkage(self.extra(0))? })
            }
            Kind::DataSec => Type::DataSec(DataSec {
                name: self.name()?,
                size,
                vars: Records::new(self.view, self.rest, false),
            }),
            Kind::Float => Type::Float { name: self.name()?, size },
            Kind::DeclTag => Type::DeclTag(DeclTag {
                name: self.name()?,
                target,
                component: self.component()?,
                attribute: self.flag,
            }),
            Kind::TypeTag => Type::TypeTag(TypeTag { name: self.name()?, target, attribute: self.flag }),
            Kind::Enum64 => Type::Enum64(Enum64 {
                name: self.name()?,
                size,
                signed: self.flag,
                values: self.named_records(12)?,
            }),
        })
    }

    fn int(self) -> Result<Int<'a>, DecodeError> {
        let word = self.extra(0);
        Ok(Int {
            name: self.name()?,
            size: self.third,
            encoding: IntEncoding::from_bits_retain((word >> 24) as u8 & 0x0f),
            bit_offset: (word >> 16) as u8,
            bits: word as u8,
        })
    }

    fn composite(self) -> Result<Composite<'a>, DecodeError> {
        Ok(Composite { name: self.name()?, size: self.third, members: self.named_records(12)? })
    }

    /// A list whose entries start with a name, all of which lie in the string section.
    fn named_records<R: super::records::Record<'a>>(
        self,
        size: usize,
    ) -> Result<Records<'a, R>, DecodeError> {
        for at in (0..self.rest.len()).step_by(size) {
            let offset = self.view.word(self.rest, at);
            if offset >= self.view.strings_end() {
                return Err(self.outside(offset, self.at + HEAD + at));
            }
        }
        Ok(Records::new(self.view, self.rest, self.flag))
    }

    fn name(self) -> Result<Name<'a>, DecodeError> {
        let offset = self.name_offset();
        self.view.name(StrOff(offset)).ok_or_else(|| self.outside(offset, self.at))
    }

    fn outside(self, offset: u32, at: usize) -> DecodeError {
        let size = self.view.strings_end();
        DecodeError::at(self.view.origin + at, DecodeReason::StringOutside { offset, size })
    }

    fn linkage(self, number: u32) -> Result<Linkage, DecodeError> {
        let reason = DecodeReason::Linkage { id: self.id, found: number };
        Linkage::from_number(number).ok_or(DecodeError::at(self.view.origin + self.at, reason))
    }

    fn component(self) -> Result<Option<u32>, DecodeError> {
        match self.extra(0).cast_signed() {
            -1 => Ok(None),
            found @ ..-1 => {
                let reason = DecodeReason::Component { id: self.id, found };
                Err(DecodeError::at(self.view.origin + self.at + HEAD, reason))
            }
            found => Ok(Some(found.cast_unsigned())),
        }
    }

    pub(crate) fn name_offset(&self) -> u32 {
        self.view.word(&self.view.types, self.at)
    }

    /// Where the names start: the type's, and those of its list.
    pub(crate) fn names(self) -> impl Iterator<Item = u32> {
        let each = match self.kind {
            Kind::Struct | Kind::Union | Kind::Enum64 => 12,
            Kind::Enum | Kind::FuncProto => 8,
            _ => usize::MAX,
        };
        let list = if each == usize::MAX { &[] } else { self.rest };
        let names = (0..list.len()).step_by(each).map(move |at| self.view.word(list, at));
        std::iter::once(self.name_offset()).chain(names)
    }

    pub(crate) fn extra(&self, index: usize) -> u32 {
        self.view.word(self.rest, index * 4)
    }

    fn id(&self, index: usize) -> TypeId {
        TypeId(self.extra(index))
    }
}
