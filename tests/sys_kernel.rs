//! The system calls on the running kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

#[path = "sys_kernel/failures.rs"]
mod failures;
#[path = "sys_kernel/host.rs"]
mod host;
#[path = "sys_kernel/links.rs"]
mod links;
#[path = "sys_kernel/maps.rs"]
mod maps;
#[path = "sys_kernel/objects.rs"]
mod objects;
#[path = "sys_kernel/programs.rs"]
mod programs;
#[path = "sys_kernel/samples.rs"]
mod samples;

use std::process::ExitCode;

use support::Suite;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    host::add(&mut suite);
    maps::add(&mut suite);
    programs::add(&mut suite);
    objects::add(&mut suite);
    links::add(&mut suite);
    failures::add(&mut suite);
    suite.run()
}
