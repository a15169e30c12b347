//! Finds the parts of an object by name without walking them.

use std::collections::BTreeMap;

/// Where each name stands in a list; the first of two equal names stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names(BTreeMap<String, usize>);

impl Names {
    /// Notes a name; false where it was known.
    pub(super) fn insert(&mut self, name: &str, index: usize) -> bool {
        if self.0.contains_key(name) {
            return false;
        }
        self.0.insert(name.to_owned(), index);
        true
    }

    pub(super) fn find<'a, T>(&self, list: &'a [T], name: &str) -> Option<&'a T> {
        self.0.get(name).and_then(|&index| list.get(index))
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }

    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for (index, name) in names.enumerate() {
            all.insert(name, index);
        }
        all
    }
}

/// The three name spaces of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NameSpaces {
    pub(super) maps: Names,
    pub(super) functions: Names,
    pub(super) programs: Names,
}
