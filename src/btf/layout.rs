//! C layout: where the members of a struct lie.

use super::error::{BtfError, Place, Rule};
use super::kind::Kind;
use super::records::Records;
use super::types::{Composite, Member, Type, TypeId};
use super::view::Btf;

/// A struct or union to be laid out as C on 64-bit Linux does: members aligned, padding between and behind them,
/// bit-fields packed into units of their type. Offsets and sizes can be given where they are known better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructDef {
    name: String,
    union: bool,
    packed: bool,
    size: Option<u32>,
    members: Vec<MemberDef>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct MemberDef {
    name: String,
    ty: TypeId,
    place: MemberPlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemberPlace {
    Next,
    Bits(u8),
    At(u32),
}

impl StructDef {
    /// `struct name`; anonymous if the name is empty.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), union: false, packed: false, size: None, members: Vec::new() }
    }

    /// `union name`; anonymous if the name is empty.
    #[must_use]
    pub fn union(name: impl Into<String>) -> Self {
        Self { union: true, ..Self::new(name) }
    }

    /// No padding between or behind members (`__attribute__((packed))`).
    #[must_use]
    pub const fn packed(mut self) -> Self {
        self.packed = true;
        self
    }

    /// The size in bytes, where it is more than the members need.
    #[must_use]
    pub const fn size(mut self, size: u32) -> Self {
        self.size = Some(size);
        self
    }

    /// The next member, where its alignment puts it. An anonymous struct or union has an empty name.
    #[must_use]
    pub fn member(self, name: impl Into<String>, ty: TypeId) -> Self {
        self.push(name.into(), ty, MemberPlace::Next)
    }

    /// The next member, `offset` bytes from the start.
    #[must_use]
    pub fn member_at(self, name: impl Into<String>, ty: TypeId, offset: u32) -> Self {
        self.push(name.into(), ty, MemberPlace::At(offset))
    }

    /// The next bit-field, `bits` wide: `ty name : bits`. No bits and no name: the next one starts a new unit.
    #[must_use]
    pub fn bits(self, name: impl Into<String>, ty: TypeId, bits: u8) -> Self {
        self.push(name.into(), ty, MemberPlace::Bits(bits))
    }

    fn push(mut self, name: String, ty: TypeId, place: MemberPlace) -> Self {
        self.members.push(MemberDef { name, ty, place });
        self
    }

    pub(crate) fn named(self, name: String, union: bool) -> Self {
        Self { name, union, ..self }
    }

    pub(crate) fn place(&self) -> Place {
        Place::new(if self.union { Kind::Union } else { Kind::Struct }, &self.name)
    }

    /// Where everything lies.
    pub(crate) fn lay_out(&self, btf: &Btf) -> Result<Layout, BtfError> {
        let mut cursor = Cursor { union: self.union, packed: self.packed, align: 1, next: 0, end: 0 };
        let mut layout = Layout { offsets: Vec::with_capacity(self.members.len()), size: 0 };
        for (index, member) in self.members.iter().enumerate() {
            let offset = cursor
                .put(member, btf)
                .map_err(|rule| self.place().member(index, &member.name).error(rule))?;
            layout.offsets.push(offset);
        }
        let needed = cursor.size();
        layout.size = match self.size {
            None => {
                u32::try_from(needed).map_err(|_| self.place().error(Rule::StructTooLong { size: needed }))?
            }
            Some(size) if cursor.end.div_ceil(8) <= u64::from(size) => size,
            Some(size) => {
                return Err(self.place().error(Rule::SizeTooSmall { needed: cursor.end.div_ceil(8), size }));
            }
        };
        Ok(layout)
    }
}

/// Where the members of a [`StructDef`] lie, in bits, and its size in bytes.
pub(crate) struct Layout {
    offsets: Vec<u32>,
    size: u32,
}

impl Layout {
    /// The members that BTF tells of: all but unnamed bit-fields.
    pub(crate) fn members<'d>(&self, def: &'d StructDef) -> Vec<Member<'d>> {
        let members = def.members.iter().zip(&self.offsets);
        members
            .filter(|(member, _)| !(member.name.is_empty() && matches!(member.place, MemberPlace::Bits(_))))
            .map(|(member, &bit_offset)| {
                let bits = if let MemberPlace::Bits(bits) = member.place { bits } else { 0 };
                Member { name: member.name.as_str().into(), ty: member.ty, bit_offset, bits }
            })
            .collect()
    }

    pub(crate) fn ty<'d>(&self, def: &'d StructDef, members: &'d [Member<'d>]) -> Type<'d> {
        let composite =
            Composite { name: def.name.as_str().into(), size: self.size, members: Records::from(members) };
        if def.union { Type::Union(composite) } else { Type::Struct(composite) }
    }
}

/// How far the layout has come, in bits.
struct Cursor {
    union: bool,
    packed: bool,
    /// Of the whole, in bytes.
    align: u32,
    /// Where the next member may start.
    next: u64,
    /// Where the last byte that is used ends.
    end: u64,
}

impl Cursor {
    fn put(&mut self, member: &MemberDef, btf: &Btf) -> Result<u32, Rule> {
        let size = btf.size_of(member.ty).map_err(|error| match error.rule {
            Rule::NoSize { id, kind, .. } => Rule::NoSize { what: "the member's type", id, kind },
            rule => rule,
        })?;
        let align = if self.packed { 1 } else { btf.align_of(member.ty).map_err(|error| error.rule)? };
        let (offset, bits) = match member.place {
            MemberPlace::At(offset) => (u64::from(offset) * 8, u64::from(size) * 8),
            MemberPlace::Next => (self.next.next_multiple_of(u64::from(align) * 8), u64::from(size) * 8),
            MemberPlace::Bits(bits) => (self.bit_field(bits, size)?, u64::from(bits)),
        };
        let named = !(member.name.is_empty() && matches!(member.place, MemberPlace::Bits(_)));
        self.align = if named { self.align.max(align) } else { self.align };
        self.end = self.end.max(offset + bits);
        self.next = if self.union { 0 } else { offset + bits };
        u32::try_from(offset).map_err(|_| Rule::StructTooLong { size: offset / 8 })
    }

    /// A bit-field does not cross a unit of its type; one of no bits closes the unit.
    fn bit_field(&self, bits: u8, size: u32) -> Result<u64, Rule> {
        let unit = u64::from(size) * 8;
        let width = u64::from(bits);
        if width > unit {
            return Err(Rule::BitFieldWidth { bits: bits.into(), available: size.saturating_mul(8) });
        }
        let crosses = !self.packed && unit != 0 && self.next / unit != (self.next + width.max(1) - 1) / unit;
        Ok(if unit != 0 && (crosses || width == 0) { self.next.next_multiple_of(unit) } else { self.next })
    }

    fn size(&self) -> u64 {
        self.end.div_ceil(8).next_multiple_of(u64::from(self.align))
    }
}
