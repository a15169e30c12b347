//! Pointers that a type tag makes special: `btf_find_kptr` in `kernel/bpf/btf.c`.

use super::{FieldKind, FieldRule};
use crate::btf::kind::Kind;
use crate::btf::types::{Name, Type, TypeId, TypeTag};
use crate::btf::view::View;

/// A pointer with a type tag.
pub(super) enum Tagged<'b> {
    /// A special one, and the struct it points to.
    Field(FieldKind, TypeId),
    /// One the kernel does not know.
    Unknown(Name<'b>),
}

/// A special pointer that is wrong.
pub(super) struct Wrong {
    pub(super) kind: FieldKind,
    pub(super) rule: FieldRule,
}

/// What the tag on what a pointer points to makes of it. The kernel looks through one `volatile`.
pub(super) fn of<'b>(btf: &'b View<'b>, ty: &Type<'b>) -> Result<Option<Tagged<'b>>, Wrong> {
    let Some(tag) = tag(btf, ty) else { return Ok(None) };
    let two = matches!(btf.get(tag.target), Ok(Type::TypeTag(_)));
    let Some(kind) = FieldKind::of_tag(tag.name.as_bytes()) else {
        return Ok(Some(Tagged::Unknown(tag.name)));
    };
    if two {
        return Err(Wrong { kind, rule: FieldRule::TwoTags });
    }
    match btf.resolve(tag.target) {
        Ok((id, Type::Struct(_))) => Ok(Some(Tagged::Field(kind, id))),
        Ok((_, other)) => {
            let found = other.kind().map_or("void", Kind::name);
            Err(Wrong { kind, rule: FieldRule::PointsTo { found } })
        }
        Err(error) => Err(Wrong { kind, rule: FieldRule::NotAValue(Box::new(error)) }),
    }
}

/// The type tag that a pointer points to.
pub(super) fn tag<'b>(btf: &'b View<'b>, ty: &Type<'b>) -> Option<TypeTag<'b>> {
    let pointer = match ty {
        Type::Volatile(target) => btf.get(*target).ok()?,
        _ => *ty,
    };
    let Type::Ptr(target) = pointer else { return None };
    match btf.get(target) {
        Ok(Type::TypeTag(tag)) => Some(tag),
        _ => None,
    }
}
