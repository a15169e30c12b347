//! Random programs in the DSL do in the kernel, and in the simulator, what plain Rust says they do.
//!
//! `COUNT=20000 SEED=7 cargo test --test dsl_random -- kernel` tries more, or others, and prints what they are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod evaluate;
mod found;
mod generate;
mod record;
mod run;
mod shrink;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod typed;

use std::process::ExitCode;

use run::On;
use support::{Suite, all, has_cap_bpf, has_cap_perfmon};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), "random programs in the kernel", || {
        run::random(On::Kernel)
    });
    suite.test("random programs in the simulator", || run::random(On::Simulator));
    suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), "every operator in the kernel", || {
        typed::operators(On::Kernel)
    });
    suite.test("every operator in the simulator", || typed::operators(On::Simulator));
    found::add(&mut suite);
    suite.run()
}
