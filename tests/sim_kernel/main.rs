//! Generated programs, run by the kernel and by the simulator: what they return, their packets, contexts and maps are equal.
//!
//! `COUNT` programs are made from `SEED`: `COUNT=100000 SEED=7 cargo test --test sim_kernel -- --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, dead_code, unused_imports)]

use bpfsmith::asm;

// The middle of the DSL, and the test that makes functions for it.
#[path = "../../src/dsl"]
mod dsl {
    pub(crate) mod eval;
    pub(crate) mod ir;
    pub(crate) mod lower;
    pub(crate) mod opt;
}
#[path = "../dsl_middle/random.rs"]
mod forms;
#[path = "../dsl_middle/interpreter.rs"]
mod interpreter;
#[path = "../dsl_middle/kernel.rs"]
mod kernel;

mod cover;
mod generate;
mod helpers;
mod maps;
mod run;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    let may_load: &'static [_] = Box::leak(Box::new([has_cap_bpf, has_cap_net_admin, has_cap_perfmon]));
    suite.test_if(all(may_load), "generated programs: the simulator does as the kernel", run::differential);
    suite.run()
}
