//! Findings, one golden file each, and what the kernel takes without a word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "check/cases.rs"]
mod cases;
#[path = "check/good.rs"]
mod good;
#[path = "check/objects.rs"]
mod objects;
#[path = "check/odd.rs"]
mod odd;
mod samples;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::Capabilities;
use bpfsmith::check::{Report, Rule, Severity, check};
use bpfsmith::kind::ProgramKind;
use bpfsmith::target::Target;
use cases::{Case, cases};

fn report(case: &Case) -> Report {
    let usual = || Target::of_kernel(6, 18).with_capabilities(Capabilities::all());
    check(&case.object, &case.target.clone().unwrap_or_else(usual))
}

#[test]
fn every_case_is_found() {
    let mut wrong = String::new();
    for case in cases() {
        let report = report(&case);
        let found = report.findings().iter().any(|f| f.rule == case.rule && f.severity == case.severity);
        let stray = case.severity == Severity::Suspect && report.is_rejected();
        if !found || stray {
            writeln!(wrong, "{} ({}, {}):\n{report}\n", case.name, case.rule, case.severity).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_finding_as_it_is_printed() {
    for case in cases() {
        let golden = format!("{}\n\nkernel: {}", report(&case), kernel(&case));
        insta::with_settings!({ snapshot_path => "check/snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{}__{}", case.rule.name(), case.name), golden);
        });
    }
}

fn kernel(case: &Case) -> &'static str {
    if case.kernel.is_empty() { "takes it" } else { case.kernel }
}

#[test]
fn nothing_is_said_of_good_programs() {
    let target = Target::of_kernel(6, 18).with_capabilities(Capabilities::all());
    for (kind, main, functions) in good::good() {
        let object = objects::object(kind, "GPL", main, functions).unwrap();
        let report = check(&object, &target);
        assert!(report.is_empty() && report.unfinished().is_empty(), "{kind}:\n{report}");
    }
    for (name, object) in samples::all() {
        let report = check(&object, &Target::of_kernel(6, 18));
        assert!(report.is_empty() && report.unfinished().is_empty(), "{name}:\n{report}");
    }
}

#[test]
fn what_only_looks_wrong_is_not_rejected() {
    for odd in odd::odd() {
        let usual = || Target::of_kernel(6, 18).with_capabilities(Capabilities::all());
        let report = check(&odd.object, &odd.target.clone().unwrap_or_else(usual));
        assert!(!report.is_rejected(), "{}:\n{report}", odd.name);
    }
}

fn report_of(main: impl FnOnce(&mut Assembler)) -> Report {
    let object = objects::object(ProgramKind::SOCKET_FILTER, "GPL", objects::code(main), Vec::new()).unwrap();
    let report = check(&object, &Target::of_kernel(6, 18).with_capabilities(Capabilities::all()));
    assert!(report.unfinished().is_empty(), "{report}");
    report
}

/// Twenty questions, each remembered in a register of its own, are a million paths.
fn twenty_questions(a: &mut Assembler) {
    a.mov(R6, 0);
    for bit in 0..20 {
        let skip = a.label();
        a.call(Helper::GET_PRANDOM_U32).jne(R0, 0, skip).or(R6, 1 << bit).bind(skip);
    }
}

#[test]
fn where_paths_are_too_many_they_are_merged_and_nothing_is_said_of_what_is_right() {
    let report = report_of(|a| {
        twenty_questions(a);
        a.and(R6, 1).mov(R0, R6).exit();
    });
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_merged_paths_may_do_wrong_is_suspect_at_least() {
    let report = report_of(|a| {
        twenty_questions(a);
        cases::look_up_checked(a, "array");
        a.ldx(Size::DW, R0, R6, 16).mov(R0, 0).exit();
    });
    let rules: Vec<_> = report.findings().iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::ValueBounds]);
}

/// `for (i = 0; i < rounds; i++) value[i & mask]`, the value has 16 bytes.
fn rounds(a: &mut Assembler, rounds: i32, mask: i32) {
    let (again, done) = (a.label(), a.label());
    cases::look_up_checked(a, "array");
    a.mov(R7, 0).bind(again).jge(R7, rounds, done);
    a.mov(R1, R7).and(R1, mask).mov(R2, R6).add(R2, R1).ldx(Size::B, R3, R2, 0).add(R7, 1).ja(again);
    a.bind(done).mov(R0, 0).exit();
}

#[test]
fn a_loop_of_many_rounds_ends_and_nothing_is_said_of_it() {
    for (count, mask) in [(16, -1), (100_000, 15), (i32::MAX, 7)] {
        let report = report_of(|a| rounds(a, count, mask));
        assert!(report.is_empty(), "{count} rounds:\n{report}");
    }
}

#[test]
fn an_index_that_grows_too_large_is_found_in_the_first_rounds_and_in_later_ones() {
    let report = report_of(|a| rounds(a, 17, -1));
    assert!(report.is_rejected(), "{report}");
    let report = report_of(|a| {
        let (again, done) = (a.label(), a.label());
        cases::look_up_checked(a, "array");
        a.mov(R7, 0).bind(again).jge(R7, 100_000, done);
        a.mov(R1, R7).rsh(R1, 12).mov(R2, R6).add(R2, R1).ldx(Size::B, R3, R2, 0).add(R7, 1).ja(again);
        a.bind(done).mov(R0, 0).exit();
    });
    let found: Vec<_> = report.findings().iter().map(|f| (f.rule, f.severity)).collect();
    assert_eq!(found, [(Rule::ValueBounds, Severity::Suspect)], "{report}");
}

#[test]
fn a_loop_without_end_is_found_behind_many_paths() {
    let report = report_of(|a| {
        let again = a.label();
        twenty_questions(a);
        a.bind(again).call(Helper::KTIME_GET_NS).ja(again);
    });
    assert!(report.findings().iter().any(|f| f.rule == Rule::InfiniteLoop), "{report}");
}

#[test]
fn a_long_program_is_walked_to_its_end() {
    let main = objects::code(|a| {
        for i in 0..100_000 {
            a.mov(R6, i);
        }
        a.exit();
    });
    let object = objects::object(ProgramKind::SOCKET_FILTER, "GPL", main, Vec::new()).unwrap();
    let report = check(&object, &Target::of_kernel(6, 18));
    assert_eq!(report.findings().len(), 1);
    assert_eq!(
        (report.findings()[0].rule, report.findings()[0].slot),
        (Rule::UninitialisedRegister, 100_000)
    );
}

#[test]
fn every_rule_has_a_case() {
    let cases = cases();
    let missing: Vec<_> =
        Rule::ALL.iter().filter(|rule| !cases.iter().any(|case| case.rule == **rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn names_are_unique_and_plain() {
    let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn the_same_object_gives_the_same_report() {
    for (first, second) in cases().iter().zip(&cases()) {
        assert_eq!(report(first).to_string(), report(second).to_string(), "{}", first.name);
    }
}

/// docs/errors.md is made from the cases: one section a rule. `BLESS=1` writes it.
#[test]
fn the_catalogue_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let made = catalogue();
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == made, "docs/errors.md is out of date: run this test with BLESS=1");
}

fn catalogue() -> String {
    let mut text = String::from(HEAD);
    let cases = cases();
    for rule in Rule::ALL {
        let of_rule = || cases.iter().filter(|case| case.rule == *rule);
        let title = rule.title();
        writeln!(text, "\n## {rule}\n\n{}{}: {}.", title[..1].to_uppercase(), &title[1..], rule.suggestion())
            .unwrap();
        for case in of_rule() {
            let report = report(case);
            let finding = report.findings().iter().find(|f| f.rule == *rule && f.severity == case.severity);
            writeln!(text, "\n```text\n{}\n```\n", finding.unwrap()).unwrap();
            match case.kernel {
                "" => writeln!(text, "The kernel takes it.").unwrap(),
                message => writeln!(text, "The kernel: `{message}`").unwrap(),
            }
        }
    }
    text
}

const HEAD: &str = "# What `check` finds

`bpfsmith::check::check(&object, &target)` says what the verifier will refuse, and what may be a mistake, before anything is loaded. A finding is *rejected*
where it is proved that the kernel refuses the program, and *suspect* where it is not, or where the mistake shows at run time only. Each rule has a stable
name. The messages of the kernel are those of Linux 6.18, or of the release a finding is about.

This file is made from the tests of `check`; do not edit it.
";
