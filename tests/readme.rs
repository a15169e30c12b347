//! README.md says what is there: its commands exist, its program's output is checked by its own doc test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The lines of the blocks fenced as `language`.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let fence = format!("```{language}\n");
    readme.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn two_commands_one_for_the_main_job_one_for_the_tests() {
    let [block] = &blocks("sh")[..] else { panic!("one block of commands") };
    let commands: Vec<_> = block.lines().map(|line| line.split('#').next().unwrap().trim()).collect();
    let [main_job, tests] = commands[..] else { panic!("two commands, not {commands:?}") };
    let example = main_job.strip_prefix("cargo run --example ").expect("the main job is an example");
    assert!(root().join(format!("examples/{example}.rs")).is_file());
    assert!(tests.starts_with("cargo test --workspace"));
}

#[test]
fn every_example_named_exists() {
    let readme = readme();
    for rest in readme.split("--example ").skip(1) {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        assert!(root().join(format!("examples/{name}.rs")).is_file(), "README.md names the example {name}");
    }
}

#[test]
fn ci_calls_the_test_command_that_is_here() {
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.contains("README.md") && !ci.contains("cargo test --workspace"));
}

/// The drawing of a rejection is of a line that is in the example.
#[test]
fn the_rejected_line_is_in_the_example() {
    let [block] = &blocks("console")[..] else { panic!("one drawing") };
    let place = block.lines().find_map(|line| line.trim().strip_prefix("--> ")).unwrap();
    let [file, line, column] = place.split(':').collect::<Vec<_>>()[..] else { panic!("file:line:column") };
    let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
    let source = fs::read_to_string(root().join(Path::new(file))).unwrap();
    let text = source.lines().nth(line - 1).unwrap();
    assert!(block.contains(&format!("{line} | {text}")), "{file}:{line} is {text}");
    assert!(text[column - 1..].starts_with("add(R6, MapElem::TIMER.off())"));
}
