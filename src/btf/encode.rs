//! Writing BTF: the header, the types in either byte order, the strings.

use super::decode::{HEADER, MAGIC};
use super::error::Rule;
use super::kind::Kind;
use super::records::{Record, Records};
use super::types::{Composite, Int, Name, StrOff, Type, Typedef};
use super::view::{HEAD, View};
use crate::base::Endian;

impl View<'_> {
    /// The bytes of this BTF, as `BPF_BTF_LOAD` and the section `.BTF` hold them. Of split BTF, what is its own.
    #[must_use]
    pub fn encode(&self, endian: Endian) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.types.len() + self.strings.len());
        header(self.types.len() as u32, self.strings.len() as u32, endian, &mut out);
        match endian == self.endian {
            true => out.extend_from_slice(&self.types),
            false => out.extend_from_slice(&types(self, endian)),
        }
        out.extend_from_slice(&self.strings);
        out
    }
}

fn header(types: u32, strings: u32, endian: Endian, out: &mut Vec<u8>) {
    let swap = endian != Endian::Little;
    out.extend_from_slice(&if swap { MAGIC.to_be_bytes() } else { MAGIC.to_le_bytes() });
    out.extend_from_slice(&[1, 0]);
    for word in [HEADER as u32, 0, types, types, strings] {
        out.extend_from_slice(&if swap { word.to_be_bytes() } else { word.to_le_bytes() });
    }
}

/// The type section in this byte order. It is words throughout, so it turns word by word.
pub(crate) fn types(view: &View<'_>, endian: Endian) -> Vec<u8> {
    let mut types = view.types.to_vec();
    if endian != view.endian {
        for word in types.as_chunks_mut::<4>().0 {
            word.reverse();
        }
    }
    types
}

/// A type as little-endian bytes. Its strings go through `intern`: its own name first, then those of its list.
pub(crate) fn record(
    ty: &Type<'_>,
    intern: &mut dyn FnMut(Name<'_>) -> Result<StrOff, Rule>,
) -> Result<Vec<u8>, Rule> {
    let name = intern(ty.name())?;
    let mut out = Writer { bytes: Vec::with_capacity(HEAD), intern };
    out.head(name, ty);
    match ty {
        Type::Int(int) => out.words(&[int_word(int)]),
        Type::Array(array) => out.words(&[array.element.0, array.index.0, array.len]),
        Type::Struct(def) | Type::Union(def) => out.members(def)?,
        Type::Enum(def) => out.list(def.values, |value| (value.name, [value.value.cast_unsigned()]))?,
        Type::Enum64(def) => {
            out.list(def.values, |value| (value.name, [value.value as u32, (value.value >> 32) as u32]))?;
        }
        Type::FuncProto(proto) => out.list(proto.params, |param| (param.name, [param.ty.0]))?,
        Type::Var(var) => out.words(&[var.linkage.number()]),
        Type::DataSec(section) => section.vars.iter().for_each(|v| out.words(&[v.var.0, v.offset, v.size])),
        Type::DeclTag(tag) => out.words(&[tag.component.unwrap_or(u32::MAX)]),
        _ => {}
    }
    Ok(out.bytes)
}

struct Writer<'i> {
    bytes: Vec<u8>,
    intern: &'i mut dyn FnMut(Name<'_>) -> Result<StrOff, Rule>,
}

impl Writer<'_> {
    fn words(&mut self, words: &[u32]) {
        words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_le_bytes()));
    }

    fn head(&mut self, name: StrOff, ty: &Type<'_>) {
        let kind = ty.kind().map_or(0, Kind::number);
        let (flag, entries, third) = head(ty);
        self.words(&[name.0, u32::from(flag) << 31 | u32::from(kind) << 24 | entries, third]);
    }

    fn members(&mut self, def: &Composite<'_>) -> Result<(), Rule> {
        let flag = has_bit_fields(def);
        self.list(def.members, |member| {
            let bits = if flag { u32::from(member.bits) << 24 } else { 0 };
            (member.name, [member.ty.0, bits | member.bit_offset])
        })
    }

    fn list<'a, R: Record<'a>, const N: usize>(
        &mut self,
        list: Records<'a, R>,
        split: impl Fn(&R) -> (Name<'a>, [u32; N]),
    ) -> Result<(), Rule> {
        for entry in list {
            let (name, words) = split(&entry);
            let name = (self.intern)(name)?;
            self.words(&[name.0]);
            self.words(&words);
        }
        Ok(())
    }
}

/// The `kind_flag` a type is written with.
pub(crate) fn flag(ty: &Type<'_>) -> bool {
    head(ty).0
}

/// The flag, the length of the list, and the third word, which is the size or a type.
fn head(ty: &Type<'_>) -> (bool, u32, u32) {
    match ty {
        Type::Void | Type::Array(_) => (false, 0, 0),
        Type::Int(Int { size, .. }) | Type::Float { size, .. } => (false, 0, *size),
        Type::Ptr(target) | Type::Volatile(target) | Type::Const(target) | Type::Restrict(target) => {
            (false, 0, target.0)
        }
        Type::Typedef(Typedef { target, .. }) => (false, 0, target.0),
        Type::TypeTag(tag) => (tag.attribute, 0, tag.target.0),
        Type::Struct(def) | Type::Union(def) => (has_bit_fields(def), def.members.len() as u32, def.size),
        Type::Enum(def) => (def.signed, def.values.len() as u32, def.size),
        Type::Enum64(def) => (def.signed, def.values.len() as u32, def.size),
        Type::Fwd(fwd) => (fwd.union, 0, 0),
        Type::Func(func) => (false, func.linkage.number(), func.proto.0),
        Type::FuncProto(proto) => (false, proto.params.len() as u32, proto.ret.0),
        Type::Var(var) => (false, 0, var.ty.0),
        Type::DataSec(section) => (false, section.vars.len() as u32, section.size),
        Type::DeclTag(tag) => (tag.attribute, 0, tag.target.0),
    }
}

/// Whether offsets share their word with widths (`kind_flag`).
fn has_bit_fields(def: &Composite<'_>) -> bool {
    def.members.iter().any(|member| member.bits != 0)
}

fn int_word(int: &Int<'_>) -> u32 {
    u32::from(int.encoding.bits()) << 24 | u32::from(int.bit_offset) << 16 | u32::from(int.bits)
}
