//! The labels of the text: names for the assembler's handles.

use alloc::{borrow::Cow, boxed::Box, collections::BTreeMap};

use super::{Mistake, Parsed, TextErrorKind, mistake};
use crate::Label;

#[derive(Default)]
pub(super) struct Labels<'a> {
    by_name: BTreeMap<Cow<'a, str>, Named>,
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
        self.by_name.entry(name).or_insert_with(|| Named { label: make(), line: None, used: at }).label
    }

    /// The label of this name, which stands in `line`; it may stand in one line only.
    pub(super) fn stands(
        &mut self,
        name: Cow<'a, str>,
        line: u32,
        at: usize,
        make: impl FnOnce() -> Label,
    ) -> Parsed<Label> {
        let text = name.clone();
        let named = self.by_name.entry(name).or_insert_with(|| Named { label: make(), line: None, used: at });
        match named.line.replace(line) {
            None => Ok(named.label),
            Some(first) => mistake(at, TextErrorKind::LabelTwice { name: text.into(), first }),
        }
    }

    /// The first jump to a label that stands nowhere.
    pub(super) fn missing(&self) -> Option<Box<Mistake>> {
        let unbound = self.by_name.iter().filter(|(_, named)| named.line.is_none());
        let (name, named) = unbound.min_by_key(|(_, named)| named.used)?;
        Some(Mistake::new(named.used, TextErrorKind::NoLabel { name: (**name).into() }))
    }
}
