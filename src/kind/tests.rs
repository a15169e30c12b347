#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;

fn section(name: &str) -> (ProgramKind, Option<&str>) {
    ProgramKind::from_section(name).unwrap()
}

#[test]
fn every_section_name_leads_to_its_kind() {
    let mut seen = BTreeSet::new();
    for &kind in ProgramKind::ALL {
        for name in kind.sections() {
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(section(name), (kind, None));
            let with_target = format!("{name}/x/y");
            let found = ProgramKind::from_section(&with_target);
            assert_eq!(found == Some((kind, Some("x/y"))), kind.section_takes_target(), "{with_target}");
        }
    }
}

#[test]
fn sections_that_begin_alike_are_told_apart() {
    assert_eq!(section("xdp").0, ProgramKind::XDP);
    assert_eq!(section("xdp.frags/devmap").0, ProgramKind::XDP_DEVMAP_FRAGS);
    assert_eq!(section("sk_reuseport/migrate").0, ProgramKind::SK_REUSEPORT_MIGRATE);
    assert_eq!(
        section("uprobe.multi.s//bin/sh:main"),
        (ProgramKind::UPROBE_MULTI_SLEEPABLE, Some("/bin/sh:main"))
    );
    assert_eq!(section("cgroup/sock").0, ProgramKind::CGROUP_SOCK_CREATE);
    for unknown in ["", "?xdp", "xdp/", "xdp/eth0", "kprobex", "socket1", "cgroup"] {
        assert_eq!(ProgramKind::from_section(unknown), None, "{unknown}");
    }
}

#[test]
fn every_type_but_none_has_a_kind() {
    for &prog_type in ProgType::ALL {
        assert!(ProgramKind::of_type(prog_type).next().is_some(), "{prog_type}");
    }
}

#[test]
fn every_place_is_some_kinds() {
    // These two are told to BPF_LINK_CREATE only.
    let links = BTreeSet::from([AttachType::PERF_EVENT, AttachType::STRUCT_OPS]);
    let told: BTreeSet<_> = ProgramKind::ALL.iter().filter_map(|kind| kind.expected_attach_type()).collect();
    let all: BTreeSet<_> = AttachType::ALL.iter().copied().collect();
    assert_eq!(&told | &links, all);
    assert!(told.is_disjoint(&links));
}

#[test]
fn only_what_the_kernel_lets_sleep_sleeps() {
    for &kind in ProgramKind::ALL.iter().filter(|kind| kind.sleepable()) {
        assert!(
            matches!(
                kind.prog_type(),
                ProgType::KPROBE
                    | ProgType::TRACING
                    | ProgType::LSM
                    | ProgType::STRUCT_OPS
                    | ProgType::SYSCALL
            ),
            "{kind}"
        );
        assert!(kind.name().ends_with(".s") || kind == ProgramKind::SYSCALL);
    }
}

#[test]
fn no_kind_is_older_than_its_type_or_its_forced_place() {
    for &kind in ProgramKind::ALL {
        assert!(kind.since() >= kind.prog_type().since().unwrap(), "{kind}");
        if !kind.attach_type_is_optional() {
            assert!(
                kind.expected_attach_type().is_none_or(|at| at.since().unwrap() <= kind.since()),
                "{kind}"
            );
        }
    }
}

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for &kind in ProgramKind::ALL {
        let place = kind.expected_attach_type().map_or_else(|| "-".into(), |at| at.to_string());
        let version = |v: Option<KernelVersion>| v.map_or_else(|| "never".into(), |v| v.to_string());
        let range =
            kind.return_range().map_or_else(|| "any".into(), |r| format!("{}..={}", r.start(), r.end()));
        text += &format!(
            "{kind}: {} {place} since {} timers {} test_run {} r0 {range} {}{}{}{}\n",
            kind.prog_type(),
            kind.since(),
            version(kind.timers()),
            version(kind.test_run()),
            kind.capabilities(),
            if kind.sleepable() { " sleepable" } else { "" },
            if kind.xdp_frags() { " frags" } else { "" },
            if kind.needs_attach_btf_id() { " btf" } else { "" },
        );
    }
    insta::assert_snapshot!(text);
}
