//! Objects in the running kernel: what is written arrives, runs, and says what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/golden.rs"]
mod golden;

mod arithmetic;
mod atomics;
mod calls;
mod common;
mod failures;
mod jumps;
mod kinds;
mod links;
mod loader;
mod maps;
mod names;
mod probes;
mod refused;
mod rejections;
mod runs;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "sim")]
mod sim_maps;
mod timer;
mod timers;
mod traps;
mod walk;

use std::process::ExitCode;

use support::Suite;

fn main() -> ExitCode {
    if let Some(code) = calls::child().or_else(timer::child) {
        return code;
    }
    let mut suite = Suite::new();
    arithmetic::add(&mut suite);
    calls::add(&mut suite);
    atomics::add(&mut suite);
    failures::add(&mut suite);
    jumps::add(&mut suite);
    kinds::add(&mut suite);
    links::add(&mut suite);
    loader::add(&mut suite);
    maps::add(&mut suite);
    names::add(&mut suite);
    probes::add(&mut suite);
    rejections::add(&mut suite);
    runs::add(&mut suite);
    #[cfg(feature = "sim")]
    sim::add(&mut suite);
    #[cfg(feature = "sim")]
    sim_maps::add(&mut suite);
    timer::add(&mut suite);
    timers::add(&mut suite);
    traps::add(&mut suite);
    walk::add(&mut suite);
    suite.run()
}
