//! Finds types by the names C has for them.

use crate::btf::{Kind, TypeId, View};

/// A type by its C name: `struct task_struct`, `union x`, `enum y`, or the name of a typedef, an integer or a struct.
pub(crate) fn by_c_name(view: &View<'_>, name: &str) -> Option<TypeId> {
    let (kinds, name): (&[Kind], _) = match name.split_once(' ') {
        Some(("struct", name)) => (&[Kind::Struct], name),
        Some(("union", name)) => (&[Kind::Union], name),
        Some(("enum", name)) => (&[Kind::Enum, Kind::Enum64], name),
        _ => (&[Kind::Typedef, Kind::Int, Kind::Float, Kind::Struct], name),
    };
    kinds.iter().find_map(|&kind| view.find(kind, name))
}
