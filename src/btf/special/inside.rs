//! What a type holds by value, whether the kernel sees it or not: where to look, and where not to.

use super::{FieldKind, FieldKinds, pointer};
use crate::btf::types::{Member, Type, TypeId};
use crate::btf::view::View;
use std::collections::HashMap;

/// Answers for one BTF, each type looked at once.
pub(super) struct Insides<'b> {
    btf: &'b View<'b>,
    kinds: FieldKinds,
    known: HashMap<TypeId, Inside>,
}

/// What a type holds by value.
#[derive(Clone, Copy, Default)]
pub(super) struct Inside {
    /// A special field, be it well or badly placed.
    pub(super) special: bool,
    /// What makes the kernel give up: a member within a byte, an unknown tag.
    pub(super) spoiler: bool,
}

/// A special field inside of a type, relative to it.
pub(super) struct First {
    pub(super) path: Vec<String>,
    pub(super) kind: FieldKind,
    pub(super) offset: u32,
}

/// Deeper than any type is; types that contain themselves are.
const DEEP: usize = 256;

impl<'b> Insides<'b> {
    pub(super) fn new(btf: &'b View<'b>, kinds: FieldKinds) -> Self {
        Self { btf, kinds, known: HashMap::new() }
    }

    pub(super) fn of(&mut self, id: TypeId) -> Inside {
        self.look(id, DEEP)
    }

    fn look(&mut self, id: TypeId, depth: usize) -> Inside {
        let Some((id, ty)) = self.strip(id) else { return Inside::default() };
        if let Some(&inside) = self.known.get(&id) {
            return inside;
        }
        // A type that contains itself ends here, and so does one too deep for the kernel.
        self.known.insert(id, Inside::default());
        let inside = match ty {
            _ if self.special(&ty).is_some() => Inside { special: true, spoiler: false },
            Type::Struct(def) | Type::Union(def) if depth > 0 => def
                .members
                .map(|member| self.look_at_member(&member, depth - 1))
                .fold(Inside::default(), |all, one| Inside {
                    special: all.special || one.special,
                    spoiler: all.spoiler || one.spoiler,
                }),
            _ => Inside { special: false, spoiler: pointer::tag(self.btf, &ty).is_some() },
        };
        self.known.insert(id, inside);
        inside
    }

    fn look_at_member(&mut self, member: &Member<'_>, depth: usize) -> Inside {
        let inside = self.look(member.ty, depth);
        Inside { spoiler: inside.spoiler || !member.bit_offset.is_multiple_of(8), ..inside }
    }

    /// The first special field inside of a type that has one.
    pub(super) fn first(&mut self, id: TypeId) -> Option<First> {
        let (_, mut ty) = self.strip(id)?;
        let (mut path, mut offset) = (Vec::new(), 0u32);
        for _ in 0..DEEP {
            if let Some(kind) = self.special(&ty) {
                return Some(First { path, kind, offset });
            }
            let (Type::Struct(def) | Type::Union(def)) = ty else { return None };
            let member = def.members.iter().find(|member| self.of(member.ty).special)?;
            path.push(member.name.to_string());
            offset = offset.saturating_add(member.bit_offset / 8);
            (_, ty) = self.strip(member.ty)?;
        }
        None
    }

    fn special(&self, ty: &Type<'b>) -> Option<FieldKind> {
        let kind = FieldKind::of_struct(ty.name().as_bytes()).or_else(|| match pointer::of(self.btf, ty) {
            Ok(Some(pointer::Tagged::Field(kind, _))) | Err(pointer::Wrong { kind, .. }) => Some(kind),
            _ => None,
        });
        kind.filter(|kind| self.kinds.contains(kind.set()))
    }

    /// Through arrays and modifiers, unless one of them has the name of a special struct.
    fn strip(&self, id: TypeId) -> Option<(TypeId, Type<'b>)> {
        let mut id = id;
        for _ in 0..DEEP {
            let ty = self.btf.get(id).ok()?;
            if self.special(&ty).is_some() {
                return Some((id, ty));
            }
            id = match (ty, ty.modified()) {
                (Type::Array(array), _) => array.element,
                (_, Some(target)) => target,
                _ => return Some((id, ty)),
            };
        }
        None
    }
}
