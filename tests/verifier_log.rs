//! Logs that verifiers wrote (tests/logs/<release>/*.log, bytes as they came), beside each what we read in it (.snap).
#![cfg(feature = "kernel")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bpfsmith::kernel::VerifierLog;
use bpfsmith::kernel::log::Place;

/// 7.3 is the first to add reports for people.
const RELEASES: [&str; 2] = ["6.18", "7.3"];

fn directory(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(release)
}

fn logs() -> Vec<(String, Vec<u8>)> {
    RELEASES.into_iter().flat_map(logs_of).collect()
}

fn logs_of(release: &str) -> Vec<(String, Vec<u8>)> {
    let mut logs: Vec<_> = std::fs::read_dir(directory(release))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    logs.sort();
    logs
}

fn log(name: &str) -> Vec<u8> {
    std::fs::read(directory("6.18").join(name).with_extension("log")).unwrap()
}

fn describe(log: &VerifierLog) -> String {
    let text = String::from_utf8_lossy;
    let mut out = format!("{log}\n\nplace: {:?}\n", log.place());
    let mut row = |name: &str, value: &[u8]| {
        if !value.is_empty() {
            writeln!(out, "{name}: {}", text(value)).unwrap();
        }
    };
    row("instruction", log.instruction());
    row("source", log.source());
    row("frame", if log.frame() == 0 { b"" } else { b"a callee's" });
    row("callback", if log.is_callback() { b"yes" } else { b"" });
    row("hint", log.hint().unwrap_or("NONE").as_bytes());
    for register in log.registers() {
        row(&format!("  {}", register.name), &register.value);
    }
    match log.stats() {
        Some(stats) => writeln!(out, "{stats:?}").unwrap(),
        None => out.push_str("no trailer\n"),
    }
    out
}

#[test]
fn every_log_reads_as_written_down() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for release in RELEASES {
        settings.set_snapshot_path(format!("logs/{release}"));
        settings.bind(|| {
            for (name, bytes) in logs_of(release) {
                insta::assert_snapshot!(name, describe(&VerifierLog::parse(&bytes)));
            }
        });
    }
}

#[test]
fn every_rejection_has_a_reason_and_a_hint() {
    for (name, bytes) in
        logs().iter().filter(|(name, _)| !name.starts_with("ok_") && !name.starts_with("truncated"))
    {
        let log = VerifierLog::parse(bytes);
        assert!(!log.reason().is_empty(), "{name}");
        assert!(log.hint().is_some(), "{name}: {log}");
    }
}

#[test]
fn a_program_that_loaded_has_no_reason() {
    for name in ["ok_level1", "ok_level2"] {
        let log = VerifierLog::parse(&log(name));
        assert_eq!((log.reason(), log.place()), (&b""[..], Place::Unknown), "{name}");
        assert_eq!(log.stats().unwrap().processed, 2);
    }
}

#[test]
fn a_lost_head_changes_neither_place_nor_reason() {
    let whole = log("rotated_level1");
    let expected = VerifierLog::parse(&whole);
    let last_instruction = whole.windows(4).position(|w| w == b"63: ").unwrap();
    for start in 0..=last_instruction {
        let log = VerifierLog::parse(&whole[start..]);
        assert_eq!((log.reason(), log.place()), (expected.reason(), expected.place()), "from byte {start}");
    }
    assert_eq!(expected.place(), Place::Instruction(63));
}

#[test]
fn bytes_that_are_not_utf8_stay_as_they_are() {
    let bytes = log("source_lines");
    let line = bytes.windows(4).position(|w| w == b"caf\xe9").unwrap();
    let log = VerifierLog::parse(&bytes[..line + 60]);
    assert!(log.source().starts_with(b"let caf\xe9 = 1;"));
}

#[test]
fn every_cut_of_every_log_parses() {
    for (_, bytes) in logs() {
        for end in (0..bytes.len()).step_by(7) {
            let _ = VerifierLog::parse(&bytes[..end]).to_string();
        }
    }
}

#[test]
fn numbers_that_do_not_fit_are_text() {
    let log = VerifierLog::parse(b"99999999999: (b7) r0 = 0\nunreachable insn 99999999999\nfp-0=1 R99=2\n");
    assert_eq!(log.place(), Place::Unknown);
    let log = VerifierLog::parse(b"0: R1=ctx() R99=3 fp-99999=4 fp-0=5 fp-3=6\n0: (95) exit\nR0 !read_ok\n");
    assert_eq!(log.registers().len(), 1);
}

#[test]
fn older_spellings_of_registers() {
    let log = VerifierLog::parse(b"0: R1=ctx(off=0,imm=0) R10=fp0\n0: (b7) r2 = 1 ; R2_w=1\n1: (7b) x ; fp-8_rw=P0\n2: (95) exit\nR0 !read_ok\n");
    let names: Vec<_> = log.registers().iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["R1", "R2", "R10", "fp-8"]);
}

/// Messages this machine's kernel does not give, by the text in the kernel's sources.
#[test]
fn places_that_stand_in_the_message() {
    let cases = [
        ("back-edge from insn 4 to 2", Place::Instruction(4)),
        ("insn 7 cannot be patched due to 16-bit range", Place::Instruction(7)),
        ("bpf_throw kfunc (insn 5) cannot be called from callback subprog 1", Place::Instruction(5)),
        ("invalid insn idx 9 insn_cnt 9", Place::Instruction(9)),
        ("jump into the middle of ldimm64 insn 3", Place::Instruction(3)),
        ("unknown opcode ff", Place::Opcode(0xff)),
        ("BPF program is too large. Processed 1000001 insn", Place::Unknown),
        ("number of funcs in func_info doesn't match number of subprogs", Place::Unknown),
    ];
    for (message, place) in cases {
        let log = VerifierLog::parse(format!("{message}\nprocessed 0 insns (limit 1000000)\n").as_bytes());
        assert_eq!((log.place(), log.reason()), (place, message.as_bytes()));
    }
}

#[test]
fn hints_for_what_other_kernels_say() {
    let messages = [
        "bpf_timer cannot be used for PREEMPT_RT.",
        "unknown func bpf_timer_init#169",
        "helper call might sleep in a non-sleepable prog",
        "sleepable helper bpf_copy_from_user#148 in non-sleepable prog",
        "callback function cannot be the main program",
        "timer pointer in R1 map_uid=1 doesn't match map pointer in R2 map_uid=2",
        "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
        "the call stack of 17 frames is too deep !",
        "at the time of BPF_LD_ABS|IND R6 != pointer to skb",
    ];
    for message in messages {
        assert!(VerifierLog::parse(message.as_bytes()).hint().is_some(), "{message}");
    }
}
