//! A thousand names to look up.

use aya_obj::btf::BtfKind;
use bpfsmith::btf::{Kind, Type, View};

use crate::{Outcome, told};

/// A name and what it is the name of.
pub struct Name {
    pub text: String,
    pub kind: Kind,
}

impl Name {
    pub fn aya(&self) -> BtfKind {
        if self.kind == Kind::Struct { BtfKind::Struct } else { BtfKind::Func }
    }
}

const WANTED: usize = 1000;

/// Structs and functions from everywhere in the BTF.
pub fn pick(bytes: &[u8]) -> Outcome<Vec<Name>> {
    let view = View::new(bytes).map_err(told)?;
    let all: Vec<_> = view.ids().filter_map(|id| name(&view.get(id).ok()?)).collect();
    let every = (all.len() / WANTED).max(1);
    Ok(all.into_iter().step_by(every).take(WANTED).collect())
}

fn name(ty: &Type<'_>) -> Option<Name> {
    let kind = match ty {
        Type::Struct(_) => Kind::Struct,
        Type::Func(_) => Kind::Func,
        _ => return None,
    };
    let text = ty.name().to_string();
    (!text.is_empty()).then_some(Name { text, kind })
}
