//! The bytes of every instruction, in both byte orders, beside what LLVM reads in them.
//!
//! `goldens/walk.txt` has a line for each instruction of the walk: its little-endian bytes, its big-endian bytes, and
//! the text that llvm-mc 19 disassembles either of them to (`-` where LLVM 19 does not know the instruction: acquire and
//! release, `gotox`). The text was not made by this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use bpfsmith_asm::{Assembler, Endian, Helper, Insn, Isa, MapRef, Reg::*, Size, Slot, walk};

const GOLDEN: &str = include_str!("goldens/walk.txt");

fn bytes(index: usize, endian: Endian) -> String {
    let insn = walk::all().nth(index).unwrap();
    let slots = insn.encode();
    let mut hex = String::new();
    for slot in slots {
        hex.extend(slot.to_bytes(endian).iter().map(|byte| format!("{byte:02x}")));
    }
    hex
}

struct Row {
    little: &'static str,
    big: &'static str,
    text: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    GOLDEN.lines().map(|line| {
        let (little, rest) = line.split_once(' ').unwrap();
        let (big, text) = rest.trim_start().split_once(' ').unwrap();
        Row { little, big, text: text.trim() }
    })
}

#[test]
fn every_instruction_has_the_recorded_bytes() {
    assert_eq!(rows().count(), walk::all().count());
    for (index, row) in rows().enumerate() {
        assert_eq!(bytes(index, Endian::Little), row.little, "{}", row.text);
        assert_eq!(bytes(index, Endian::Big), row.big, "{}", row.text);
    }
}

#[test]
fn a_function_has_the_bytes_of_its_instructions() {
    let slots: Vec<Slot> = walk::all().flat_map(Insn::encode).collect();
    let mut a = Assembler::with_isa(Isa::all());
    for slot in &slots {
        a.raw(*slot);
    }
    let code = a.finish().unwrap();
    assert!(code.slots().eq(slots));
    let mut bytes = vec![0xff; 3];
    for endian in [Endian::Little, Endian::Big] {
        code.encode_into(endian, &mut bytes);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = rows().map(|row| if endian == Endian::Little { row.little } else { row.big });
        assert_eq!(hex, expected.collect::<String>());
        assert_eq!(code.encode(endian), bytes);
    }
}

/// A program that the kernel takes, with its callback behind it, given as bytes: a one-shot timer of one millisecond.
const TIMER: &str = "\
    620afcff0000000018110000040000000000000000000000bfa200000000000007020000fcffffff850000000100000015000f0000000000\
    bf06000000000000bf6100000000000018120000040000000000000000000000b70300000100000085000000a9000000bf61000000000000\
    1842000008000000000000000000000085000000aa000000bf61000000000000b702000040420f00b70300000000000085000000ab000000\
    b7000000000000009500000000000000b7000000000000009500000000000000";

#[test]
fn the_timer_program_comes_out_byte_for_byte() {
    let map = MapRef::Fd(4);
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, R10, -4, 0).insn(Insn::LoadMap { dst: R1, map }).mov(R2, R10).add(R2, -4).call(Helper(1));
    a.jeq(R0, 0, out).mov(R6, R0);
    a.mov(R1, R6).insn(Insn::LoadMap { dst: R2, map }).mov(R3, 1).call(Helper(169));
    a.mov(R1, R6).insn(Insn::LoadFunction { dst: R2, off: 8 }).call(Helper(170));
    a.mov(R1, R6).mov(R2, 1_000_000).mov(R3, 0).call(Helper(171));
    a.mov(R0, 0).bind(out).exit();
    a.mov(R0, 0).exit();
    let bytes = a.finish().unwrap().encode(Endian::Little);
    assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), TIMER);
}

/// What LLVM disassembles these instructions to, a line for each.
fn disassembled(triple: &str, instructions: &[&str]) -> Vec<String> {
    let mut child = Command::new("llvm-mc-19")
        .args(["--disassemble", "-mcpu=v4", "-triple", triple])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = |hex: &str| -> String {
        (0..hex.len()).step_by(2).map(|at| format!("0x{} ", &hex[at..at + 2])).collect()
    };
    let input: String = instructions.iter().map(|hex| bytes(hex) + "\n").collect();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty() && !line.starts_with('.')).collect()
}

#[test]
#[ignore = "needs llvm-mc-19"]
fn llvm_still_reads_what_was_recorded() {
    let known: Vec<Row> = rows().filter(|row| row.text != "-").collect();
    let text: Vec<&str> = known.iter().map(|row| row.text).collect();
    let little: Vec<&str> = known.iter().map(|row| row.little).collect();
    let big: Vec<&str> = known.iter().map(|row| row.big).collect();
    assert_eq!(disassembled("bpfel", &little), text);
    assert_eq!(disassembled("bpfeb", &big), text);
}
