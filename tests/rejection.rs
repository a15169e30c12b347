//! Rejections: their one-line form, and the drawn form on a line of source.
#![cfg(feature = "report")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use bpfsmith::asm::Loc;
use bpfsmith::base::Errno;
use bpfsmith::kernel::log::Place;
use bpfsmith::kernel::{Position, Rejection, Sources};
use insta::assert_snapshot;

const SOURCE: &str = "\
fn arm(a: &mut Assembler) {
    a.load_map(R2, \"hmap\");
    a.mov(R3, CLOCK_MONOTONIC);
    a.call(Helper::TIMER_INIT).jeq(R0, 0, armed).mov(R0, f(1, 2)); // über alles
    a.exit();
}
";

fn log(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/6.18");
    std::fs::read(directory.join(name).with_extension("log")).unwrap()
}

fn sources() -> Sources {
    Sources::none().lookup(|file| (file == "app/src/timers.rs").then(|| SOURCE.to_owned()))
}

fn at(line: u32, column: u32) -> Loc {
    Loc::new("/build/app/src/timers.rs", line, column, None)
}

/// A rejection at slot `slot` of function `arm`, emitted by `loc`.
fn rejection(name: &str, slot: u32, loc: Option<Loc>) -> Rejection {
    Rejection::new("arm", Errno::EINVAL, log(name), |place| {
        assert_eq!(place, Place::Instruction(slot));
        Some(Position { function: "arm".to_owned(), instruction: Some(slot), loc })
    })
}

fn both(rejection: &Rejection, sources: &Sources) -> String {
    let report = rejection.report(sources);
    assert!(!report.contains('\u{1b}'), "no colours");
    let report: Vec<_> = report.lines().map(str::trim_end).collect();
    format!("{rejection}\n\n{}\n", report.join("\n"))
}

#[test]
fn the_call_is_marked() {
    assert_snapshot!(both(&rejection("init_other_map", 15, Some(at(4, 7))), &sources()));
}

#[test]
fn a_call_inside_a_chain_is_marked() {
    assert_snapshot!(both(&rejection("init_other_map", 15, Some(at(4, 50))), &sources()));
}

#[test]
fn two_lines_of_reason() {
    assert_snapshot!(both(&rejection("cb_value_oob", 17, Some(at(1, 1))), &sources()));
}

#[test]
fn a_place_without_its_file() {
    assert_snapshot!(both(&rejection("init_other_map", 15, Some(at(4, 7))), &Sources::none()));
}

#[test]
fn a_place_beyond_its_file() {
    assert_snapshot!(both(&rejection("uninit_reg", 0, Some(at(400, 7))), &sources()));
}

#[test]
fn a_line_that_carries_its_text() {
    let text: Arc<str> = "\tbpf_timer_init(&val->timer, &hmap, CLOCK_MONOTONIC);".into();
    let loc = Loc::new("prog.bpf.c", 41, 0, Some(text));
    assert_snapshot!(both(&rejection("init_other_map", 15, Some(loc)), &Sources::none()));
}

#[test]
fn an_instruction_without_a_place() {
    assert_snapshot!(both(&rejection("uninit_reg", 0, None), &sources()));
}

#[test]
fn a_function_without_a_place() {
    let rejection = Rejection::new("arm", Errno::EINVAL, log("line_info_missing_func"), |place| {
        assert_eq!(place, Place::Function(1));
        Some(Position { function: "tick".to_owned(), instruction: None, loc: None })
    });
    assert_snapshot!(both(&rejection, &sources()));
}

#[test]
fn no_place_at_all() {
    let rejection = Rejection::new("arm", Errno::EBADF, log("bad_map_fd"), |_| None);
    assert_snapshot!(both(&rejection, &sources()));
}

#[test]
fn an_opcode_the_kernel_does_not_know() {
    let rejection = Rejection::new("arm", Errno::EINVAL, log("unknown_opcode"), |place| {
        assert_eq!(place, Place::Opcode(0x0d));
        None
    });
    assert_snapshot!(both(&rejection, &sources()));
}

#[test]
fn no_log() {
    let rejection = Rejection::new("arm", Errno::EPERM, Vec::new(), |_| None);
    assert_snapshot!(both(&rejection, &sources()));
}

#[test]
fn a_hostile_log_does_not_drive_the_terminal() {
    let raw = b"0: R1=\x1b[31m R10=fp0\n0: (bf) r0 = \x07r5\n\x1b]0;x\x07 caf\xe9\n".to_vec();
    let rejection = Rejection::new("arm", Errno::EINVAL, raw, |_| {
        Some(Position { function: "arm".to_owned(), instruction: Some(0), loc: Some(at(1, 1)) })
    });
    let drawn = both(&rejection, &sources());
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
}

#[test]
fn files_are_read_below_a_root_only_when_asked() {
    let here = file!();
    let loc = Loc::new(here, line!(), 5, None);
    let rejection = rejection("uninit_reg", 0, Some(loc));
    assert!(!rejection.report(&Sources::none()).contains("let loc"));
    let root = Sources::none().root(env!("CARGO_MANIFEST_DIR"));
    assert!(rejection.report(&root).contains("let loc = Loc::new"));
}

#[test]
fn the_parts_of_a_rejection() {
    let rejection = rejection("init_other_map", 15, Some(at(4, 7)));
    assert_eq!(rejection.program(), "arm");
    assert_eq!(rejection.function(), Some("arm"));
    assert_eq!(rejection.instruction(), Some(15));
    assert_eq!(rejection.loc().unwrap().line(), 4);
    assert_eq!(rejection.errno(), Errno::EINVAL);
    assert_eq!(rejection.registers()[1].name, "R1");
    assert_eq!(rejection.raw_log(), log("init_other_map"));
    assert!(rejection.hint().unwrap().contains("very map"));
}
