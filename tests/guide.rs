//! The guide's table of what is checked where names what exists: programs that do not compile, errors with a golden message, rules.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of the rows of every table, without heads.
fn rows(page: &str) -> Vec<[String; 3]> {
    let lines = page.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()));
    let rows: Vec<[String; 3]> =
        cells.map(|row| row.collect::<Vec<_>>().try_into().unwrap_or_else(|row| panic!("{row:?}"))).collect();
    rows.into_iter().filter(|row| row[2] != "held by").collect()
}

/// What a cell points to: `rule gpl-only`, without its back quotes.
fn pointers(cell: &str) -> Vec<(String, String)> {
    let split = |pointer: &str| {
        let (sort, name) =
            pointer.trim().split_once(' ').unwrap_or_else(|| panic!("`{pointer}` points nowhere"));
        (sort.to_owned(), name.trim_matches('`').to_owned())
    };
    cell.split(',').map(split).collect()
}

/// The section of a rule in the list of findings.
fn section<'a>(findings: &'a str, rule: &str) -> &'a str {
    let head = format!("\n## {rule}\n");
    let (_, rest) = findings.split_once(&head).unwrap_or_else(|| panic!("there is no rule {rule}"));
    rest.split("\n## ").next().unwrap()
}

/// The messages of the DSL that golden files hold, each line with its variant first.
fn golden_errors() -> String {
    let folder = root().join("tests/dsl/snapshots");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn has_golden(goldens: &str, variant: &str) -> bool {
    goldens.lines().any(|line| line.strip_prefix(variant).is_some_and(|rest| rest.starts_with(": ")))
}

#[test]
fn every_row_points_to_what_exists() {
    let (page, findings, goldens) = (read("src/guide/checked.md"), read("docs/errors.md"), golden_errors());
    let rows = rows(&page);
    assert!(rows.len() > 50, "{} rows", rows.len());
    for row in &rows {
        for (sort, name) in pointers(&row[2]) {
            match sort.as_str() {
                "compile_fail" => {
                    for extension in ["rs", "stderr"] {
                        read(format!("tests/compile_fail/{name}.{extension}"));
                    }
                }
                "error" => assert!(has_golden(&goldens, &name), "no golden message of dsl::Error::{name}"),
                "rule" => {
                    section(&findings, &name);
                }
                _ => panic!("`{sort}` in {row:?}"),
            }
        }
    }
}

/// A message in the first column stands in the section of a rule of the same row.
#[test]
fn the_messages_are_those_the_rules_know() {
    let (page, findings) = (read("src/guide/checked.md"), read("docs/errors.md"));
    let mut held = 0;
    for row in rows(&page) {
        let Some(message) = row[0].strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else {
            continue;
        };
        let line = format!("The kernel: `{message}`");
        let rules: Vec<_> = pointers(&row[2]).into_iter().filter(|(sort, _)| sort == "rule").collect();
        assert!(!rules.is_empty(), "no rule knows {message}");
        assert!(rules.iter().any(|(_, rule)| section(&findings, rule).contains(&line)), "{line}: {rules:?}");
        held += 1;
    }
    assert!(held > 35, "{held} messages");
}

#[test]
fn every_program_that_does_not_compile_is_in_the_guide() {
    let page = read("src/guide/checked.md");
    for entry in fs::read_dir(root().join("tests/compile_fail")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(page.contains(&format!("compile_fail `{name}`")), "{name} is not in the table");
        }
    }
}

/// Every variant of `dsl::Error` has a golden message.
#[test]
fn every_error_of_the_dsl_has_a_golden_message() {
    let file = syn::parse_file(&read("src/dsl/error.rs")).unwrap();
    let of_error = |item: &syn::Item| match item {
        syn::Item::Enum(of) if of.ident == "Error" => {
            Some(of.variants.iter().map(|v| v.ident.to_string()).collect())
        }
        _ => None,
    };
    let variants: Vec<String> = file.items.iter().find_map(of_error).unwrap();
    let goldens = golden_errors();
    let without: BTreeSet<_> = variants.iter().filter(|variant| !has_golden(&goldens, variant)).collect();
    assert!(variants.len() > 30 && without.is_empty(), "without a golden message: {without:?}");
}
