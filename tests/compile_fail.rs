//! What must not compile: every file of `tests/compile_fail`, and what rustc says of it.
//!
//! The compiler runs in a folder of its own below the target folder, which an unprivileged run may not write. Its messages are
//! those of one release of rustc; another words them differently. `TRYBUILD=overwrite` writes the golden files anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};

/// The release whose messages the golden files hold.
const RUSTC: &str = "rustc 1.95.";

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        possible("what_must_not_compile_does_not", does_not_compile),
        Trial::test("every_golden_file_has_its_program", every_golden_has_its_program),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn possible(name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    match obstacle() {
        Some(why) => Trial::test(format!("{name} (ignored, because {why})"), test).with_ignored_flag(true),
        None => Trial::test(name, test),
    }
}

/// What keeps the compiler from being run, or its messages from being those that are expected.
fn obstacle() -> Option<String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let probe = target.join("compile_fail.probe");
    if let Err(error) = fs::write(&probe, "") {
        return Some(format!("the target folder cannot be written: {}", error.kind()));
    }
    fs::remove_file(&probe).ok();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    match Command::new(rustc).arg("--version").output() {
        Err(error) => Some(format!("rustc cannot be run: {}", error.kind())),
        Ok(output) => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (!version.starts_with(RUSTC))
                .then(|| format!("the messages are those of {RUSTC}, this is {version}"))
        }
    }
}

fn does_not_compile() -> Result<(), Failed> {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
    Ok(())
}

fn every_golden_has_its_program() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let mut programs = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let twin =
            path.with_extension(if path.extension().is_some_and(|e| e == "rs") { "stderr" } else { "rs" });
        assert!(twin.is_file(), "{} has no {}", path.display(), twin.display());
        programs += usize::from(path.extension().is_some_and(|e| e == "rs"));
    }
    assert!(programs >= 30, "{programs} programs");
    Ok(())
}
