//! DESIGN §2, "Who may import whom": every path of every source file is checked against one table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check;
mod graph;

use std::fs;
use std::path::{Path, PathBuf};

use check::{Package, violations};
use graph::{MODULES, may_import};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All source files below a directory, sorted. Files of unit tests are left out: tests may use what they like.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != "tests" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_stem().unwrap() != "tests" {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `src/btf/ext.rs` is `["btf", "ext"]`.
fn module(file: &Path, directory: &Path) -> Vec<String> {
    let relative = file.strip_prefix(directory).unwrap().with_extension("");
    let mut parts: Vec<_> = relative.iter().map(|p| p.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|p| p == "lib" || p == "mod" || p == "main") {
        parts.pop();
    }
    parts
}

fn check_package(package: Package, directory: &str) {
    let directory = root().join(directory);
    let files = sources(&directory);
    assert!(!files.is_empty());
    let mut report = String::new();
    for file in files {
        let module = module(&file, &directory);
        let module: Vec<_> = module.iter().map(String::as_str).collect();
        for violation in violations(package, &module, &fs::read_to_string(&file).unwrap()) {
            report += &format!("{}: {violation}\n", file.strip_prefix(root()).unwrap().display());
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn the_root_crate_keeps_its_layers() {
    check_package(Package::Root, "src");
}

#[test]
fn asm_has_neither_std_nor_unsafe() {
    check_package(Package::Asm, "asm/src");
    let lib = fs::read_to_string(root().join("asm/src/lib.rs")).unwrap();
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        assert!(lib.contains(attribute), "asm lacks {attribute}");
    }
}

#[test]
fn derive_has_no_unsafe() {
    check_package(Package::Derive, "derive/src");
}

#[test]
fn every_file_begins_with_what_it_is() {
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        // The crate's own text is README.md.
        let begins = text.starts_with("//!") || text.starts_with("#![doc = include_str!(\"../README.md\")]");
        assert!(begins, "{} does not begin with what it is", file.display());
    }
}

// The checker itself.

fn found(module: &str, source: &str) -> String {
    let module: Vec<_> = module.split("::").filter(|m| !m.is_empty()).collect();
    violations(Package::Root, &module, source).join("\n")
}

#[track_caller]
fn good(module: &str, source: &str) {
    assert_eq!(found(module, source), "", "{module}: {source}");
}

#[track_caller]
fn bad(module: &str, source: &str, expected: &str) {
    assert_eq!(found(module, source), format!("line 1: {expected}"), "{module}: {source}");
}

#[test]
fn the_table_says_what_the_design_says() {
    let doors = ["elf", "sim", "plan", "dsl"];
    for from in doors {
        for to in doors.iter().filter(|to| **to != from) {
            assert!(!may_import(from, to), "{from} -> {to}");
        }
        assert!(may_import(from, "object") && may_import(from, "btf") && !may_import(from, "sys"));
    }
    for from in ["sys", "kind", "btf", "map", "target"] {
        assert!(!may_import(from, "asm"), "{from} -> asm");
    }
    for (module, _) in MODULES {
        assert_eq!(may_import(module, "base"), *module != "asm", "{module} -> base");
        assert_eq!(
            may_import("base", module),
            matches!(*module, "base" | "site" | "asm"),
            "base -> {module}"
        );
    }
    assert!(!may_import("object", "target") && !may_import("object", "sys") && !may_import("kernel", "elf"));
    assert!(may_import("btf::ext", "asm") && !may_import("btf", "btf::ext"));
    assert!(may_import("link", "kernel") && !may_import("kernel", "link"));
}

#[test]
fn use_lines() {
    good("plan", "use crate::{object::Object, target::Target, base::Errno};");
    bad("plan", "use crate::{object::Object, kernel::Map};", "plan names kernel");
    bad("elf", "use bpfsmith::plan::Plan;", "elf names plan");
    bad("dsl::func", "use super::super::elf;", "dsl names elf");
    good("dsl::func", "use super::value::Value; use self::inner::X; use crate::object;");
    bad("btf", "use bpfsmith_asm::Code;", "btf names asm");
    good("btf::ext", "use bpfsmith_asm::Code; use super::Type; use crate::btf::Btf;");
    bad("btf::special", "use super::ext::FuncInfo;", "btf names btf::ext");
    bad("kind", "use crate::asm::Helper;", "kind names asm");
    bad("base", "use crate::kind::ProgType;", "base names kind");
    bad("elf", "pub(crate) use crate::sim as other;", "elf names sim");
}

#[test]
fn names_that_hide() {
    bad("elf", "use crate as me;", "another name for crate");
    bad("elf", "use crate::*;", "`crate::*` hides what is imported");
    bad("elf", "use std::*;", "`std::*` hides what is imported");
    bad("elf", "extern crate libc as c;", "extern crate outside of the crate's root\nline 1: elf names libc");
    bad("elf", "use crate::Plan;", "elf names Plan, which no row has");
    bad("helpers", "use crate::btf::Btf;", "module helpers is not in the table");
    bad("elf", "#[path = \"../plan/x.rs\"] mod x;", "#[path] hides where a module stands");
}

#[test]
fn other_paths() {
    bad("elf", "fn f() { crate::plan::run(); }", "elf names plan");
    bad("elf", "type T = Vec<crate::sim::Machine>;", "elf names sim");
    bad("elf", "impl crate::sim::Memory for X {}", "elf names sim");
    bad("elf", "fn f(x: u8) { match x { crate::plan::MAX => {} _ => {} } }", "elf names plan");
    bad("elf", "fn f() where X: crate::dsl::Value {}", "elf names dsl");
    bad("elf", "pub(in crate::plan) fn f() {}", "elf names plan");
    bad("elf", "mod inner { fn f() { super::super::plan::run() } }", "elf names plan");
    bad("elf", "#[derive(crate::sim::Magic)] struct X;", "elf names sim");
}

#[test]
fn paths_in_macros() {
    bad("elf", "fn f() { println!(\"{}\", crate::plan::NAME); }", "elf names plan");
    bad("elf", "fn f() { vec![vec![crate::sim::X]]; }", "elf names sim");
    bad("elf", "macro_rules! m { () => { $crate::plan::run() } }", "elf names plan");
    bad("elf", "macro_rules! m { () => { use crate::{object::Object, dsl::Func}; } }", "elf names dsl");
    bad("elf", "fn f() { dbg_all!(std::fs::read(\"x\")); }", "elf names std::fs");
    good("elf", "fn f() { println!(\"crate::plan::NAME {}\", a ? b : c); }");
}

#[test]
fn what_only_some_systems_have() {
    bad("plan", "fn f() { libc::getpid(); }", "plan names libc");
    bad("plan", "use nix;", "plan names nix");
    bad("btf", "use std::{io, fs::File};", "btf names std::fs");
    bad("object", "use std::os::fd::OwnedFd;", "object names std::os");
    for module in ["kernel", "kernel::report", "sys::call", "link::cgroup", "cli"] {
        good(module, "use std::os::fd::OwnedFd; use libc::c_int; use std::fs; use nix::unistd;");
    }
    good("btf", "use std::collections::BTreeMap; use std::io;");
}

#[test]
fn unsafe_code() {
    let both = "unsafe outside of sys\nline 1: unsafe without a SAFETY comment";
    bad("kernel", "fn f() { unsafe { g() } }", both);
    bad("kernel", "unsafe fn f() {}", "unsafe outside of sys");
    bad("kernel", "macro_rules! m { () => { unsafe { g() } } }", "unsafe outside of sys");
    bad("kernel", "extern \"C\" { fn g(); }", "unsafe outside of sys");
    bad("kernel", "fn f() { let p: unsafe_name = 1; unsafe_call!(unsafe) }", "unsafe outside of sys");
    bad("sys", "fn f() { unsafe { g() } }", "unsafe without a SAFETY comment");
    bad("sys::call", "unsafe impl Send for X {}", "unsafe without a SAFETY comment");
    good(
        "sys::call",
        "fn f() {\n    // SAFETY: g has no conditions.\n    let x =\n        unsafe { g() };\n}",
    );
    good("sys", "fn f() {\n    // SAFETY: g has\n    // no conditions.\n    unsafe { g() }\n}");
    assert!(found("sys", "// SAFETY: of another.\n\nfn f() { unsafe { g() } }").contains("without"));
}

#[test]
fn tests_may_use_what_they_like() {
    good("btf", "#[cfg(test)] mod tests { use crate::kernel::Map; fn f() { std::fs::read(\"x\"); } }");
    bad("btf", "#[cfg(not(test))] mod other { use crate::kernel::Map; }", "btf names kernel");
}

#[test]
fn asm_and_std() {
    let asm = |source| violations(Package::Asm, &["emit"], source).join("\n");
    assert_eq!(asm("use std::vec::Vec;"), "line 1: asm names std");
    assert_eq!(asm("fn f() { vec![std::mem::size_of::<u8>()]; }"), "line 1: asm names std");
    assert_eq!(asm("use alloc::vec::Vec; use core::fmt; use crate::Slot;"), "");
    assert_eq!(
        asm("fn f() { unsafe { g() } }"),
        "line 1: unsafe outside of sys\nline 1: unsafe without a SAFETY comment"
    );
    assert!(asm("fn f( {").starts_with("does not parse"));
}
