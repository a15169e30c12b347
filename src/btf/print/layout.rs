//! How to write a struct so that C lays it out as BTF says.

use crate::btf::error::BtfError;
use crate::btf::special::FieldKind;
use crate::btf::types::{Composite, Member, Type, TypeId};
use crate::btf::view::View;
use std::collections::HashMap;

/// A struct or union, part by part.
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    pub(super) packed: bool,
    /// An alignment that the members do not give it.
    pub(super) aligned: Option<u32>,
}

pub(super) enum Part {
    /// Padding that C would not put there.
    Bytes { at: u64, len: u64 },
    /// Padding within a unit of bit-fields.
    Bits { ty: TypeId, bits: u64 },
    /// Padding within a byte.
    ByteBits { bits: u64 },
    Member {
        index: u32,
        name: String,
        ty: TypeId,
        bits: u8,
        /// Its offset in bytes, if there is padding before it.
        hole: Option<u64>,
    },
}

pub(super) fn plan(view: &View<'_>, id: TypeId, aligns: &mut HashMap<TypeId, u32>) -> Result<Plan, BtfError> {
    let ty = view.get(id)?;
    let (def, union) = match ty {
        Type::Struct(def) => (def, false),
        Type::Union(def) => (def, true),
        _ => return Ok(Plan { parts: Vec::new(), packed: false, aligned: None }),
    };
    let known = view.align_known(id, aligns)?;
    let natural = view.natural_align(&def, aligns)?;
    let packed = known < natural;
    let aligned =
        FieldKind::of_struct(def.name.as_bytes()).map(FieldKind::align).filter(|&align| align > natural);
    let mut planner = Planner { view, aligns, packed, union, parts: Vec::new(), next: 0, end: 0 };
    for (index, member) in def.members.enumerate() {
        planner.member(index as u32, &member)?;
    }
    planner.tail(&def, if packed { 1 } else { natural.max(aligned.unwrap_or(1)) });
    Ok(Plan { parts: planner.parts, packed, aligned })
}

struct Planner<'p, 'v> {
    view: &'p View<'v>,
    aligns: &'p mut HashMap<TypeId, u32>,
    packed: bool,
    union: bool,
    parts: Vec<Part>,
    /// Where C would go on, in bits.
    next: u64,
    /// Where the longest member ends, in bits.
    end: u64,
}

impl Planner<'_, '_> {
    fn member(&mut self, index: u32, member: &Member<'_>) -> Result<(), BtfError> {
        let size = u64::from(self.view.size_of(member.ty)?) * 8;
        let align = u64::from(self.view.align_known(member.ty, self.aligns)?) * 8;
        let offset = u64::from(member.bit_offset);
        let before = self.next;
        if self.natural(member, size, align) < offset {
            self.fill(member, size, offset);
        }
        let hole = (before < offset && self.next == before).then_some(offset / 8);
        let hole = hole.filter(|_| member.bits == 0);
        let width = if member.bits == 0 { size } else { member.bits.into() };
        let (name, ty, bits) = (member.name.to_string(), member.ty, member.bits);
        self.parts.push(Part::Member { index, name, ty, bits, hole });
        self.next = if self.union { 0 } else { offset + width };
        self.end = self.end.max(offset + width);
        Ok(())
    }

    /// Where C would put the member.
    fn natural(&self, member: &Member<'_>, size: u64, align: u64) -> u64 {
        let width = u64::from(member.bits);
        let unit = size.max(8);
        match member.bits {
            0 if self.packed => self.next.next_multiple_of(8),
            0 => self.next.next_multiple_of(align.max(8)),
            _ if !self.packed && self.next / unit != (self.next + width - 1) / unit => {
                self.next.next_multiple_of(unit)
            }
            _ => self.next,
        }
    }

    /// Puts padding up to `offset`.
    fn fill(&mut self, member: &Member<'_>, size: u64, offset: u64) {
        let gap = offset - self.next;
        let unit = size.max(8);
        if member.bits != 0 && self.next / unit == (offset - 1) / unit {
            self.parts.push(Part::Bits { ty: member.ty, bits: gap });
            self.next = offset;
            return;
        }
        let (at, end) = (self.next.div_ceil(8), offset / 8);
        if end > at {
            self.parts.push(Part::Bytes { at, len: end - at });
        }
        if !offset.is_multiple_of(8) {
            self.parts.push(Part::ByteBits { bits: offset % 8 });
        }
        self.next = offset;
    }

    fn tail(&mut self, def: &Composite<'_>, align: u32) {
        let end = self.end.div_ceil(8);
        let size = u64::from(def.size);
        if end.next_multiple_of(align.into()) < size {
            let at = if self.union { 0 } else { end };
            self.parts.push(Part::Bytes { at, len: size - at });
        }
    }
}
