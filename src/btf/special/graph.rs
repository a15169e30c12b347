//! What lists and trees hold: `btf_find_graph_root` and `btf_parse_graph_root` in `kernel/bpf/btf.c`.

use super::FieldRule;
use crate::btf::kind::Kind;
use crate::btf::types::{Name, Type, TypeId};
use crate::btf::view::View;
use std::collections::HashMap;

/// The `contains:` tags of one BTF, by what they are on.
#[derive(Debug)]
pub(super) struct Tags<'b>(HashMap<(TypeId, Option<u32>), Vec<Name<'b>>>);

const PREFIX: &[u8] = b"contains:";

impl<'b> Tags<'b> {
    pub(super) fn new(btf: &'b View<'b>) -> Self {
        let mut tags: HashMap<_, Vec<_>> = HashMap::new();
        for id in btf.ids() {
            match btf.get(id) {
                Ok(Type::DeclTag(tag)) if tag.name.as_bytes().starts_with(PREFIX) => {
                    tags.entry((tag.target, tag.component)).or_default().push(tag.name);
                }
                _ => {}
            }
        }
        Self(tags)
    }
}

/// The struct that the list or tree at a declaration holds.
pub(super) fn contained(
    btf: &View<'_>,
    tags: &Tags<'_>,
    owner: TypeId,
    component: Option<u32>,
    node: &'static str,
) -> Result<TypeId, FieldRule> {
    let tag = match tags.0.get(&(owner, component)).map(Vec::as_slice) {
        Some([tag]) => *tag,
        Some(tags) => return Err(FieldRule::Contains { found: tags.len() }),
        None => return Err(FieldRule::Contains { found: 0 }),
    };
    named(btf, tag, node).ok_or_else(|| FieldRule::ContainsWhat { tag: tag.to_string(), node })
}

fn named(btf: &View<'_>, tag: Name<'_>, node: &str) -> Option<TypeId> {
    let (holds, member) = tag.as_str()?.strip_prefix("contains:")?.split_once(':')?;
    let id = btf.find(Kind::Struct, holds)?;
    let Ok(Type::Struct(def)) = btf.get(id) else { return None };
    let mut found = def.members.filter(|candidate| candidate.name == member);
    let (candidate, None) = (found.next()?, found.next()) else { return None };
    let is_node = matches!(btf.get(candidate.ty), Ok(Type::Struct(def)) if def.name == node);
    (is_node && candidate.bit_offset % 64 == 0).then_some(id)
}
