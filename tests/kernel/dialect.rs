//! Scenarios whose programs are written twice, for the assembler and as closures. What they assert is written once.

use std::cell::Cell;
use std::path::Path;

use bpfsmith::check::check;
use bpfsmith::object::Object;
use bpfsmith::target::Target;

use crate::support::{self, Condition, Suite};

thread_local! {
    static CURRENT: Cell<Dialect> = const { Cell::new(Dialect::Assembler) };
}

/// How the programs of a scenario are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dialect {
    Assembler,
    Dsl,
}

impl Dialect {
    pub const ALL: [Self; 2] = [Self::Assembler, Self::Dsl];

    /// That of the scenario this thread runs.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Runs a scenario, or what it has another thread do.
    pub fn run<T>(self, scenario: impl FnOnce() -> T) -> T {
        let _back = Back(CURRENT.replace(self));
        scenario()
    }

    /// The object in this dialect; to one of closures `check` has nothing to say.
    pub fn object(self, assembler: impl FnOnce() -> Object, dsl: impl FnOnce() -> Object) -> Object {
        match self {
            Self::Assembler => assembler(),
            Self::Dsl => {
                let object = dsl();
                assert_flawless(&object);
                object
            }
        }
    }

    fn title(self, name: &str) -> String {
        match (self, name.split_once(": ")) {
            (Self::Assembler, _) => name.to_owned(),
            (Self::Dsl, Some((area, rest))) => format!("{area} [dsl]: {rest}"),
            (Self::Dsl, None) => format!("{name} [dsl]"),
        }
    }
}

/// Sets the dialect that was.
struct Back(Dialect);

impl Drop for Back {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Adds a scenario once for each dialect.
pub fn add_dialects(
    suite: &mut Suite,
    may: impl Fn() -> Condition,
    name: &str,
    test: impl FnOnce() + Clone + Send + 'static,
) {
    for dialect in Dialect::ALL {
        let test = test.clone();
        suite.test_if(&may, &dialect.title(name), move || dialect.run(test));
    }
}

/// As [`support::with_bpffs`], whose thread is another one.
pub fn with_bpffs(test: impl FnOnce(&Path) + Send) {
    let dialect = Dialect::current();
    support::with_bpffs(move |path| dialect.run(|| test(path)));
}

/// Neither an error nor a warning, and nothing that could not be looked at.
pub fn assert_flawless(object: &Object) {
    let report = check(object, &Target::of_kernel(6, 18));
    assert!(report.is_empty() && report.unfinished().is_empty(), "{report:#?}");
}
