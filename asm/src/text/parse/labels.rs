//! The labels of the text: names for the assembler's handles.

use alloc::{
    borrow::Cow,
    boxed::Box,
    collections::{BTreeMap, btree_map::Entry},
};

use super::{Mistake, Parsed, TextErrorKind, mistake};
use crate::Label;

#[derive(Default)]
pub(super) struct Labels<'a> {
    by_name: BTreeMap<Key<'a>, Named>,
}

/// A name, with a number in front that tells most names apart before they are compared.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    hash: u64,
    name: Cow<'a, str>,
}

impl<'a> Key<'a> {
    /// FNV-1a. Names that collide only cost a comparison.
    fn new(name: Cow<'a, str>) -> Self {
        let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self { hash: name.bytes().fold(0xcbf2_9ce4_8422_2325, step), name }
    }
}

/// A label, and where it stands or is first jumped to.
struct Named {
    label: Label,
    line: Option<u32>,
    used: usize,
}

impl<'a> Labels<'a> {
    /// The label of this name, made if need be.
    pub(super) fn used(&mut self, name: Cow<'a, str>, at: usize, make: impl FnOnce() -> Label) -> Label {
        self.by_name
            .entry(Key::new(name))
            .or_insert_with(|| Named { label: make(), line: None, used: at })
            .label
    }

    /// The label of this name, which stands in `line`; it may stand in one line only.
    pub(super) fn stands(
        &mut self,
        name: Cow<'a, str>,
        line: u32,
        at: usize,
        make: impl FnOnce() -> Label,
    ) -> Parsed<Label> {
        match self.by_name.entry(Key::new(name)) {
            Entry::Vacant(free) => Ok(free.insert(Named { label: make(), line: Some(line), used: at }).label),
            Entry::Occupied(mut taken) => match taken.get_mut().line.replace(line) {
                None => Ok(taken.get().label),
                Some(first) => {
                    mistake(at, TextErrorKind::LabelTwice { name: (*taken.key().name).into(), first })
                }
            },
        }
    }

    /// The first jump to a label that stands nowhere.
    pub(super) fn missing(&self) -> Option<Box<Mistake>> {
        let unbound = self.by_name.iter().filter(|(_, named)| named.line.is_none());
        let (key, named) = unbound.min_by_key(|(_, named)| named.used)?;
        Some(Mistake::new(named.used, TextErrorKind::NoLabel { name: (*key.name).into() }))
    }
}
