//! Findings, one golden file each, and what the kernel takes without a word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "check/cases.rs"]
mod cases;
#[path = "check/objects.rs"]
mod objects;

use bpfsmith::base::Capabilities;
use bpfsmith::check::{Severity, check};
use bpfsmith::target::Target;

fn target(case: &cases::Case) -> Target {
    case.target.clone().unwrap_or_else(|| Target::of_kernel(6, 18).with_capabilities(Capabilities::all()))
}

#[test]
fn every_case_is_found() {
    let mut wrong = String::new();
    for case in cases::cases() {
        let report = check(&case.object, &target(&case));
        let found = report.findings().iter().any(|f| f.rule == case.rule && f.severity == case.severity);
        let stray = case.severity == Severity::Suspect && report.is_rejected();
        if !found || stray {
            wrong += &format!("{} ({}, {}):\n{report}\n\n", case.name, case.rule, case.severity);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
