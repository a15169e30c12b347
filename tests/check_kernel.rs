//! What check says beside what the kernel says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "check/cases.rs"]
mod cases;
#[path = "check/differ.rs"]
mod differ;
#[path = "check/good.rs"]
mod good;
#[path = "check/objects.rs"]
mod objects;
#[path = "check/odd.rs"]
mod odd;
#[path = "check/random.rs"]
mod random;
mod samples;
mod support;
#[path = "check/typed.rs"]
mod typed;

use std::process::ExitCode;

use support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    let may_load = [has_cap_bpf, has_cap_net_admin, has_cap_perfmon];
    let may_load: &'static [_] = Box::leak(Box::new(may_load));
    suite.test_if(all(may_load), "cases: the kernel says what is recorded", differ::cases);
    suite.test_if(all(may_load), "good: what nothing is said of is taken", differ::good);
    suite.test_if(all(may_load), "odd: what only looks wrong is taken", differ::odd);
    suite.test_if(all(may_load), "share: nothing is rejected that the kernel takes", differ::share);
    suite.run()
}
