//! The tables of program kinds against the verdicts of the running kernel.
//!
//! For every kind whose empty program the kernel takes: a call of every helper, a read and a write of every width at every offset
//! of the context, a return of every value near the range's ends, and a map with a timer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

#[path = "kind_kernel/checks.rs"]
mod checks;
#[path = "kind_kernel/loader.rs"]
mod loader;

use std::process::ExitCode;

use bpfsmith::kind::ProgramKind;
use bpfsmith::sys::host;
use loader::Loader;
use support::{Condition, Suite, has_cap_bpf, has_vmlinux_btf};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.test_if(has_vmlinux_btf, "fields_are_where_btf_says", checks::fields_are_where_btf_says);
    for kinds in loader::that_load_alike() {
        let kind = kinds[0];
        suite.test_if(move || loads(kind), &format!("table_of {kind}"), move || compare(&kinds));
    }
    suite.run()
}

fn loads(kind: ProgramKind) -> Condition {
    has_cap_bpf()?;
    let kernel = host::kernel_version().map_err(|errno| errno.to_string())?;
    if kind.since() > kernel {
        return Err(format!("Linux {kernel} has no {kind} programs"));
    }
    Loader::new(kind)?.takes_the_empty_program()
}

/// One line for every difference, all at once.
fn compare(kinds: &[ProgramKind]) {
    let kind = kinds[0];
    let loader = Loader::new(kind).unwrap();
    let mut differences = checks::helpers(&loader);
    differences.extend(checks::context(&loader));
    differences.extend(checks::returns(&loader));
    differences.extend(checks::timers(&loader));
    differences.extend(kinds.iter().flat_map(|&other| checks::alike(kind, other)));
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
