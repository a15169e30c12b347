//! The assembler examples as others read them: LLVM their instructions, bpftool their BTF. What they read is on record, so that a
//! golden file is not its own witness; the kernel, which takes and runs both, is the third reader.
#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use bpfsmith::Object;
use bpfsmith::asm::Insn;
use bpfsmith::base::Endian;
use bpfsmith::object::linker::LinkedProgram;

fn examples() -> [(&'static str, Object); 4] {
    [
        ("asm_map_elem", samples::asm_map_elem::object().unwrap()),
        ("asm_shared_map", samples::asm_shared_map::object().unwrap()),
        ("asm_timer_cancel", samples::asm_timer_cancel::object(true).unwrap()),
        ("asm_timer_cancel_without", samples::asm_timer_cancel::object(false).unwrap()),
    ]
}

/// Text of the same words is the same.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The instructions of every function, one a line, as `llvm-mc --disassemble` shows them.
fn instructions(object: &Object) -> Vec<String> {
    let functions = object.functions().iter();
    let insns = functions.flat_map(|function| function.code.insns().map(|(_, insn)| insn.unwrap()));
    insns.map(|insn| words(&as_llvm_sees_it(insn))).collect()
}

/// LLVM has no names for helpers and kinds of addresses, only their numbers.
fn as_llvm_sees_it(insn: Insn) -> String {
    match insn {
        Insn::LoadMap { dst, .. } => format!("ld_pseudo {dst}, 1, 0"),
        Insn::LoadFunction { dst, .. } => format!("ld_pseudo {dst}, 4, 0"),
        Insn::Call { helper } => format!("call {}", helper.number()),
        insn => insn.to_string(),
    }
}

fn bytes(object: &Object) -> Vec<u8> {
    object.functions().iter().flat_map(|function| function.code.encode(Endian::Little)).collect()
}

fn recorded(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readings").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_instructions_are_what_llvm_reads() {
    for (name, object) in examples() {
        let recorded = recorded(&format!("{name}.llvm-19.txt"));
        let lines = recorded.lines().map(words).collect::<Vec<_>>();
        assert_eq!(instructions(&object), lines, "{name}");
    }
}

#[test]
fn the_types_are_what_bpftool_reads() {
    for (name, object) in examples() {
        assert_eq!(
            object.linked().btf.listing().to_string(),
            recorded(&format!("{name}.bpftool.txt")),
            "{name}"
        );
    }
}

/// Of what bpftool prints of a program in the kernel: a line for each record of func_info, and one for each of line_info.
fn functions_and_lines(dump: &str) -> String {
    let is_record = |line: &&str| line.starts_with(';') || line.ends_with("):");
    dump.lines().filter(is_record).map(|line| words(line) + "\n").collect()
}

/// The same of what the kernel is sent.
fn sent(object: &Object, program: &LinkedProgram) -> String {
    let btf = &object.linked().btf;
    let string = |at| String::from_utf8_lossy(btf.string(at).unwrap()).into_owned();
    let mut functions = program.func_info.iter().zip(&program.functions).peekable();
    let mut text = String::new();
    for line in &program.line_info {
        if let Some((_, function)) = functions.next_if(|(record, _)| record.insn_off <= line.insn_off) {
            text += &format!("int {}():\n", function.def.name);
        }
        let (file, source) = (string(line.file_name_off), string(line.line_off));
        let place = format!("[file:{file} line_num:{} line_col:{}]", line.line(), line.column());
        text += &(words(&format!("; {source} {place}")) + "\n");
    }
    text
}

#[test]
fn the_functions_and_lines_are_what_bpftool_reads() {
    for (name, object) in examples() {
        let sent: String = object.linked().programs.iter().map(|program| sent(&object, program)).collect();
        assert_eq!(sent, recorded(&format!("{name}.bpftool-lines.txt")), "{name}");
    }
}

/// What it reads of the programs of an object in the running kernel.
#[cfg(feature = "kernel")]
fn lines_by_bpftool(object: &Object) -> String {
    let loaded = bpfsmith::kernel::load(object).unwrap();
    let ids = object.programs().iter().map(|program| loaded.program(&program.name).unwrap().id().unwrap());
    let dump = |id: u32| told("bpftool", &["prog", "dump", "xlated", "id", &id.to_string(), "linum"], &[]);
    ids.map(|id| functions_and_lines(&dump(id))).collect()
}

/// Where an example has changed, `BPFSMITH_RECORD=1` writes what the tool reads now: read it too.
#[cfg(feature = "kernel")]
#[test]
#[ignore = "needs bpftool and CAP_SYS_ADMIN"]
fn the_tool_still_reads_the_functions_and_lines_so() {
    for (name, object) in examples() {
        compare_or_record(&format!("{name}.bpftool-lines.txt"), &lines_by_bpftool(&object));
    }
}

fn compare_or_record(record: &str, reading: &str) {
    if std::env::var_os("BPFSMITH_RECORD").is_some() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readings");
        std::fs::write(directory.join(record), reading).unwrap();
    }
    assert_eq!(reading, recorded(record), "{record}");
}

fn told(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(program);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

/// Where an example has changed, `BPFSMITH_RECORD=1` writes what the tools read now: read it too.
#[test]
#[ignore = "needs llvm-mc-19 and bpftool"]
fn the_tools_still_read_the_examples_so() {
    for (name, object) in examples() {
        let hex: String = bytes(&object).iter().map(|byte| format!("{byte:#04x} ")).collect();
        let text = told("llvm-mc-19", &["--disassemble", "-triple=bpfel", "-mcpu=v1"], hex.as_bytes());
        let text: String = text
            .lines()
            .filter(|line| !line.trim().starts_with('.'))
            .map(|line| words(line) + "\n")
            .collect();
        let file = std::env::temp_dir().join(format!("bpfsmith-{}-{name}.btf", std::process::id()));
        std::fs::write(&file, object.linked().btf.encode(Endian::NATIVE)).unwrap();
        let types = told("bpftool", &["btf", "dump", "file", file.to_str().unwrap()], &[]);
        std::fs::remove_file(file).unwrap();
        for (reading, tool) in [(text, "llvm-19"), (types, "bpftool")] {
            compare_or_record(&format!("{name}.{tool}.txt"), &reading);
        }
    }
}
