//! What errors of bpf(2) without a log are explained with: one golden per command, every errno it can return.
#![cfg(feature = "kernel")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::kernel::cause::{Facts, Failed, MapFacts, ProgramFacts, explain};
use bpfsmith::kind::AttachType;
use insta::assert_snapshot;

const ERRNOS: [Errno; 27] = [
    Errno::EPERM,
    Errno::ENOENT,
    Errno::ESRCH,
    Errno::ENXIO,
    Errno::E2BIG,
    Errno::EBADF,
    Errno::EAGAIN,
    Errno::ENOMEM,
    Errno::EACCES,
    Errno::EFAULT,
    Errno::EBUSY,
    Errno::EEXIST,
    Errno::ENODEV,
    Errno::EINVAL,
    Errno::ENFILE,
    Errno::EMFILE,
    Errno::ENOSPC,
    Errno::ERANGE,
    Errno::EDEADLK,
    Errno::ENOSYS,
    Errno::ENOLINK,
    Errno::EPROTO,
    Errno::EOPNOTSUPP,
    Errno::EAFNOSUPPORT,
    Errno::ESTALE,
    Errno::ENOTSUPP,
    Errno(9999),
];

fn table(command: &Failed<'_>) -> String {
    let mut out = String::new();
    for errno in ERRNOS {
        if let Some(cause) = explain(command, errno, &Facts::default()) {
            writeln!(out, "{}: {cause}", errno.name().unwrap()).unwrap();
        }
    }
    out
}

#[test]
fn map_create_with_a_timer() {
    let map = MapFacts {
        kind: "PERCPU_HASH",
        key_size: 4,
        value_size: 16,
        max_entries: 1000,
        flags: 1 << 7,
        btf: true,
        special: "bpf_timer",
    };
    assert_snapshot!(table(&Failed::MapCreate(map)));
}

#[test]
fn map_create_without_btf() {
    let map = MapFacts { kind: "HASH", key_size: 0, value_size: 8, max_entries: 10, ..MapFacts::default() };
    assert_snapshot!(table(&Failed::MapCreate(map)));
}

#[test]
fn map_create_flags() {
    let map = |flags| {
        Failed::MapCreate(MapFacts {
            kind: "HASH",
            key_size: 4,
            value_size: 8,
            max_entries: 10,
            flags,
            ..MapFacts::default()
        })
    };
    let cause = |flags| explain(&map(flags), Errno::EINVAL, &Facts::default()).unwrap();
    assert!(cause(1 << 7 | 1 << 8).contains("exclude each other"));
    assert!(cause(1 << 10).contains("BPF_F_MMAPABLE"));
}

#[test]
fn btf_load() {
    assert_snapshot!(table(&Failed::BtfLoad { bytes: 17 << 20 }));
}

#[test]
fn prog_load() {
    let program = ProgramFacts { kind: "TRACING", slots: 5000, attaches_by_btf: true, btf: true };
    assert_snapshot!("prog_load_tracing", table(&Failed::ProgLoad(program)));
    assert_snapshot!(
        "prog_load_empty",
        table(&Failed::ProgLoad(ProgramFacts { kind: "XDP", ..ProgramFacts::default() }))
    );
}

#[test]
fn link_create() {
    assert_snapshot!(table(&Failed::LinkCreate { attach_type: "cgroup_inet_egress" }));
}

#[test]
fn links_of_every_sort() {
    let mut out = String::new();
    for attach_type in [
        "xdp",
        "tcx_ingress",
        "netkit_peer",
        "netfilter",
        "sk_lookup",
        "perf_event",
        "trace_iter",
        "trace_fentry",
        "sk_msg_verdict",
        "trace_kprobe_multi",
    ] {
        assert!(AttachType::by_name(attach_type).is_some(), "{attach_type}");
        writeln!(out, "# {attach_type}\n{}", table(&Failed::LinkCreate { attach_type })).unwrap();
    }
    assert_snapshot!(out);
}

#[test]
fn commands_about_links() {
    let commands = [
        Failed::RawTracepointOpen { named: true },
        Failed::RawTracepointOpen { named: false },
        Failed::LinkUpdate,
        Failed::LinkDetach,
        Failed::LinkGetFdById,
        Failed::IterCreate,
        Failed::ProgQuery,
    ];
    let tables: Vec<_> =
        commands.iter().map(|command| format!("# {command:?}\n{}", table(command))).collect();
    assert_snapshot!(tables.join("\n"));
}

#[test]
fn small_commands() {
    assert_snapshot!("map_update", table(&Failed::MapUpdate { flags: 4, fds: false }));
    assert_snapshot!("map_update_fds", table(&Failed::MapUpdate { flags: 0, fds: true }));
    assert_snapshot!("map_freeze", table(&Failed::MapFreeze));
    assert_snapshot!("obj_pin", table(&Failed::ObjPin));
    assert_snapshot!("obj_get", table(&Failed::ObjGet));
}

#[test]
fn a_missing_capability_comes_first() {
    let facts = Facts { missing: Some("CAP_BPF"), ..Facts::default() };
    let cause = explain(&Failed::BtfLoad { bytes: 10 }, Errno::EPERM, &facts);
    assert_eq!(cause.unwrap(), "the process lacks CAP_BPF");
}

#[test]
fn an_old_kernel_is_named_only_when_it_is_older() {
    let map = Failed::MapCreate(MapFacts { kind: "ARENA", ..MapFacts::default() });
    let facts = |minor| Facts {
        kernel: Some(KernelVersion::new(6, minor)),
        newest: Some(("the map kind ARENA", KernelVersion::new(6, 9))),
        missing: None,
    };
    let cause = explain(&map, Errno::EINVAL, &facts(1)).unwrap();
    assert_eq!(cause, "the map kind ARENA came with Linux 6.9; this kernel says it is 6.1");
    assert!(explain(&map, Errno::EINVAL, &facts(9)).unwrap().contains("this kernel has no ARENA maps"));
}

/// Kernels before 5.11 say EPERM where memory may not be locked.
#[test]
fn locked_memory() {
    let cause = |minor| {
        let facts = Facts { kernel: Some(KernelVersion::new(5, minor)), ..Facts::default() };
        explain(&Failed::MapCreate(MapFacts::default()), Errno::EPERM, &facts).unwrap_or_default()
    };
    assert!(cause(10).contains("RLIMIT_MEMLOCK"), "{}", cause(10));
    assert!(!cause(11).contains("RLIMIT_MEMLOCK"), "{}", cause(11));
    let facts =
        Facts { missing: Some("CAP_BPF"), kernel: Some(KernelVersion::new(5, 10)), ..Facts::default() };
    let missing = explain(&Failed::MapCreate(MapFacts::default()), Errno::EPERM, &facts);
    assert_eq!(missing.as_deref(), Some("the process lacks CAP_BPF"));
}
