//! Objects in the running kernel: what is written arrives, runs, and says what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::duplicate_mod, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../samples/mod.rs"]
mod samples;

#[path = "../support/golden.rs"]
mod golden;

mod arithmetic;
mod atomics;
mod calls;
mod common;
mod dialect;
mod dsl;
mod dsl_calls;
mod dsl_memory;
mod dsl_packet;
mod examples;
mod failures;
mod jumps;
mod kinds;
mod links;
mod loader;
mod maps;
mod names;
mod probes;
mod records;
mod refused;
mod rejections;
mod runs;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "sim")]
mod sim_helpers;
#[cfg(feature = "sim")]
mod sim_maps;
mod timer;
mod timers;
mod traps;
mod walk;

use std::process::ExitCode;

#[cfg(feature = "sim")]
use bpfsmith::base::KernelVersion;
use bpfsmith::kind::ProgramKind;
use bpfsmith::target::Feature;
use support::Suite;

fn main() -> ExitCode {
    if let Some(code) = calls::child().or_else(timer::child) {
        return code;
    }
    let mut suite = Suite::new();
    kinds::add(&mut suite);
    links::add(&mut suite);
    maps::add(&mut suite);
    probes::add(&mut suite);
    runs::add(&mut suite);
    suite.since(ProgramKind::SYSCALL.since(), "syscall programs", |suite| {
        arithmetic::add(suite);
        atomics::add(suite);
        failures::add(suite);
        jumps::add(suite);
        names::add(suite);
        walk::add(suite);
    });
    suite.since(Feature::Timers.since(), "timers", |suite| {
        calls::add(suite);
        dsl::add(suite);
        dsl_memory::add(suite);
        dsl_packet::add(suite);
        dsl_calls::add(suite);
        examples::add(suite);
        loader::add(suite);
        records::add(suite);
        rejections::add(suite);
        #[cfg(feature = "sim")]
        sim::add(suite);
        timer::add(suite);
        timers::add(suite);
        traps::add(suite);
    });
    // What the simulator does is what the newest kernel does.
    #[cfg(feature = "sim")]
    suite.since(KernelVersion::new(6, 18), "helpers and maps as the simulator has them", |suite| {
        sim_helpers::add(suite);
        sim_maps::add(suite);
    });
    suite.run()
}
