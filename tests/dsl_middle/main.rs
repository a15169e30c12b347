//! The middle of the DSL, below its public surface: the same source, compiled into this test, against an interpreter of
//! the form and against the running kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, dead_code, unused_imports)]

use bpfsmith::asm;

#[path = "../../src/dsl"]
mod dsl {
    pub(crate) mod eval;
    pub(crate) mod ir;
    pub(crate) mod lower;
    pub(crate) mod opt;
}

#[path = "../support/mod.rs"]
mod support;

mod directed;
mod goldens;
mod interpreter;
mod kernel;
mod programs;
mod random;
mod size;

use std::process::ExitCode;

use support::Suite;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    directed::add(&mut suite);
    goldens::add(&mut suite);
    size::add(&mut suite);
    random::add(&mut suite);
    suite.run()
}
