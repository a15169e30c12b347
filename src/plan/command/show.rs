//! What the attributes of a command hold, under their names in `union bpf_attr`, for printing.

use super::super::Fd;

/// Every command's attributes.
pub(in crate::plan) trait Attributes {
    /// Names each attribute that is not zero.
    fn show<'a>(&'a self, show: &mut Show<'a>);

    /// The descriptor the command gives.
    fn out(&self) -> Option<Fd> {
        None
    }

    /// The descriptor the command is about.
    fn about(&self) -> Option<Fd> {
        self.out()
    }
}

impl<T: Attributes> Attributes for Box<T> {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        (**self).show(show);
    }

    fn out(&self) -> Option<Fd> {
        (**self).out()
    }

    fn about(&self) -> Option<Fd> {
        (**self).about()
    }
}

/// What an attribute holds.
#[derive(Debug)]
pub(in crate::plan) enum Value<'a> {
    Number(u64),
    Word(String),
    Text(&'a str),
    Fd(Fd),
    Fds(&'a [Fd]),
    FdSlots(&'a [(u32, Fd)]),
    Blob(&'a [u8]),
}

/// The attributes of one command, collected.
#[derive(Debug, Default)]
pub(in crate::plan) struct Show<'a>(pub(in crate::plan) Vec<(&'static str, Value<'a>)>);

impl<'a> Show<'a> {
    /// A number, unless it is 0.
    pub(super) fn number(&mut self, name: &'static str, number: impl Into<u64>) {
        let number = number.into();
        if number != 0 {
            self.0.push((name, Value::Number(number)));
        }
    }

    /// A word of a table: always there.
    pub(super) fn word(&mut self, name: &'static str, word: impl ToString) {
        self.0.push((name, Value::Word(word.to_string())));
    }

    /// Numbers of a list, unless it is empty.
    pub(super) fn numbers(&mut self, name: &'static str, numbers: &[u64]) {
        if !numbers.is_empty() {
            self.word(name, format!("{numbers:?}"));
        }
    }

    /// Flags by name, unless there are none.
    pub(super) fn flags<F: bitflags::Flags + std::fmt::Display>(&mut self, name: &'static str, flags: &F) {
        if !flags.is_empty() {
            self.word(name, flags);
        }
    }

    /// A string, unless it is empty.
    pub(super) fn text(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.0.push((name, Value::Text(text)));
        }
    }

    /// Bytes, unless there are none.
    pub(super) fn blob(&mut self, name: &'static str, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.0.push((name, Value::Blob(bytes)));
        }
    }

    /// A descriptor, where there is one.
    pub(super) fn fd(&mut self, name: &'static str, fd: impl Into<Option<Fd>>) {
        if let Some(fd) = fd.into() {
            self.0.push((name, Value::Fd(fd)));
        }
    }

    /// Descriptors, unless there are none.
    pub(super) fn fds(&mut self, name: &'static str, fds: &'a [Fd]) {
        if !fds.is_empty() {
            self.0.push((name, Value::Fds(fds)));
        }
    }

    /// Instructions and the descriptors in them, unless there are none.
    pub(super) fn fd_slots(&mut self, name: &'static str, slots: &'a [(u32, Fd)]) {
        if !slots.is_empty() {
            self.0.push((name, Value::FdSlots(slots)));
        }
    }
}
