//! Sizes and alignments, as C on a 64-bit machine has them and the kernel computes them.

use super::error::{BtfError, Place, Rule};
use super::special::FieldKind;
use super::types::{Array, Composite, Enum, Enum64, Int, Type, TypeId};
use super::view::View;
use std::collections::HashMap;

/// How deep the kernel follows types that refer to types (`MAX_RESOLVE_DEPTH`).
pub(crate) const MAX_DEPTH: usize = 32;

/// The bytes of a pointer: eBPF is a 64-bit machine.
pub(crate) const POINTER: u32 = 8;

impl View<'_> {
    /// The size of a type in bytes, through typedefs, qualifiers, tags and arrays.
    ///
    /// # Errors
    /// The type has no size (void, a forward declaration, a function, a tag), does not exist, or is too deep.
    pub fn size_of(&self, id: TypeId) -> Result<u32, BtfError> {
        let mut len = 1u32;
        let mut at = id;
        for _ in 0..MAX_DEPTH {
            let ty = self.get(at)?;
            match ty {
                Type::Array(Array { element, len: elements, .. }) => {
                    len = times(len, elements).map_err(|rule| self.place(id).error(rule))?;
                    at = element;
                }
                _ => match (own_size(&ty), ty.modified()) {
                    (Some(size), _) => return times(len, size).map_err(|rule| self.place(id).error(rule)),
                    (None, Some(target)) => at = target,
                    (None, None) => return Err(self.no_size(id, at)),
                },
            }
        }
        Err(self.place(id).error(Rule::TooDeep))
    }

    /// The alignment of a type in bytes, as C has it on 64-bit Linux. A struct is as aligned as its members say,
    /// unless its size or an offset shows that it is packed.
    ///
    /// # Errors
    /// As [`size_of`](Self::size_of).
    pub fn align_of(&self, id: TypeId) -> Result<u32, BtfError> {
        self.align_within(id, MAX_DEPTH, &mut HashMap::new())
    }

    /// [`align_of`](Self::align_of) with what is known already.
    pub(crate) fn align_known(&self, id: TypeId, known: &mut HashMap<TypeId, u32>) -> Result<u32, BtfError> {
        self.align_within(id, MAX_DEPTH, known)
    }

    fn align_within(
        &self,
        id: TypeId,
        depth: usize,
        known: &mut HashMap<TypeId, u32>,
    ) -> Result<u32, BtfError> {
        if let Some(&align) = known.get(&id) {
            return Ok(align);
        }
        let depth = depth.checked_sub(1).ok_or_else(|| self.place(id).error(Rule::TooDeep))?;
        let ty = self.get(id)?;
        let align = match ty {
            Type::Struct(def) | Type::Union(def) => self.composite_align(&def, depth, known)?,
            Type::Array(Array { element, .. }) => self.align_within(element, depth, known)?,
            _ => match (own_size(&ty), ty.modified()) {
                (Some(size), _) => scalar_align(size),
                (None, Some(target)) => self.align_within(target, depth, known)?,
                (None, None) => return Err(self.no_size(id, id)),
            },
        };
        known.insert(id, align);
        Ok(align)
    }

    /// A struct that its members' alignment does not fit is packed.
    fn composite_align(
        &self,
        def: &Composite<'_>,
        depth: usize,
        known: &mut HashMap<TypeId, u32>,
    ) -> Result<u32, BtfError> {
        let (mut align, mut packed) = (1, false);
        for member in def.members {
            let own = self.align_within(member.ty, depth, known)?;
            packed |= member.bits == 0 && !member.bit_offset.is_multiple_of(own * 8);
            align = own.max(align);
        }
        // The kernel's own structs are often told without members.
        let special = FieldKind::of_struct(def.name.as_bytes()).map_or(1, FieldKind::align);
        Ok(if packed || !def.size.is_multiple_of(align) { 1 } else { align.max(special) })
    }

    /// The alignment that members give a struct that is not packed.
    pub(crate) fn natural_align(
        &self,
        def: &Composite<'_>,
        known: &mut HashMap<TypeId, u32>,
    ) -> Result<u32, BtfError> {
        def.members.iter().try_fold(1, |align, member| Ok(self.align_known(member.ty, known)?.max(align)))
    }

    /// What a type is after typedefs, qualifiers and tags.
    ///
    /// # Errors
    /// A type does not exist, or the chain is longer than the kernel follows.
    pub fn resolve(&self, id: TypeId) -> Result<(TypeId, Type<'_>), BtfError> {
        let mut at = id;
        for _ in 0..=MAX_DEPTH {
            let ty = self.get(at)?;
            match ty.modified() {
                Some(target) => at = target,
                None => return Ok((at, ty)),
            }
        }
        Err(self.place(id).error(Rule::TooDeep))
    }

    /// A type, for an error about it.
    pub(crate) fn place(&self, id: TypeId) -> Place {
        let name = self.get(id).map(|ty| ty.name().to_string()).unwrap_or_default();
        Place { id: Some(id), kind: self.kind_of(id), name, member: None }
    }

    fn no_size(&self, of: TypeId, id: TypeId) -> BtfError {
        let kind = self.kind_of(id).map_or("void", super::kind::Kind::name);
        self.place(of).error(Rule::NoSize { what: "the type", id, kind })
    }
}

/// The size of a type that tells its own.
pub(crate) fn own_size(ty: &Type<'_>) -> Option<u32> {
    match *ty {
        Type::Int(Int { size, .. })
        | Type::Struct(Composite { size, .. })
        | Type::Union(Composite { size, .. })
        | Type::Enum(Enum { size, .. })
        | Type::Enum64(Enum64 { size, .. })
        | Type::Float { size, .. } => Some(size),
        Type::Ptr(_) => Some(POINTER),
        Type::DataSec(section) => Some(section.size),
        _ => None,
    }
}

fn times(len: u32, size: u32) -> Result<u32, Rule> {
    len.checked_mul(size).ok_or(Rule::ArrayTooLong { len, size })
}

/// The largest power of two, at most 16, that divides the size.
fn scalar_align(size: u32) -> u32 {
    if size == 0 { 1 } else { 1 << size.trailing_zeros().min(4) }
}
