//! The same instructions from text, in the syntax of each.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::ptr::NonNull;
use std::sync::Arc;

use bpfsmith::asm::{Code, Endian};
use solana_sbpf::memory_region::MemoryMapping;
use solana_sbpf::program::BuiltinProgram;
use solana_sbpf::vm::ContextObject;

use super::INSTRUCTIONS;
use crate::rounds::{self, Contender, Role};
use crate::{Outcome, told};

pub fn table() {
    let (llvm, intel) = (llvm_syntax(), intel_syntax());
    let mut bytes = Vec::new();
    let contenders = vec![
        Contender::new("bpfsmith", Role::Ours, || {
            let code = Code::parse("bench.s", &llvm).map_err(told)?;
            bytes.clear();
            code.encode_into(Endian::Little, &mut bytes);
            if bytes.len() == INSTRUCTIONS * 8 { Ok(code) } else { Err(format!("{} bytes", bytes.len())) }
        }),
        Contender::new("rbpf's assembler", Role::Peer, || rbpf::assembler::assemble(&intel).map_err(told)),
        Contender::new("solana-sbpf's assembler", Role::Peer, || {
            let loader = Arc::new(BuiltinProgram::<Nothing>::new_mock());
            solana_sbpf::assembler::assemble(&intel, loader).map_err(told)
        }),
        match Source::new(&llvm) {
            Ok(source) => Contender::new("llvm-mc-19, as a process", Role::Peer, move || source.assemble()),
            Err(why) => Contender::missing("llvm-mc-19, as a process", why),
        },
    ];
    rounds::table("emit: 100,000 instructions from text, each", INSTRUCTIONS, contenders);
}

fn llvm_syntax() -> String {
    let mut text = String::new();
    for index in 0..INSTRUCTIONS / 10 {
        let _ = write!(
            text,
            "r0 = {index}\nr0 += r1\nr2 = *(u32 *)(r1 + 8)\nr2 &= 255\n*(u64 *)(r10 - 8) = r2\nr2 <<= 3\nw3 ^= w4\n\
             r3 -= {index}\n*(u32 *)(r10 - 16) = 1\nr5 = r0\n"
        );
    }
    text
}

fn intel_syntax() -> String {
    let mut text = String::new();
    for index in 0..INSTRUCTIONS / 10 {
        let _ = write!(
            text,
            "mov64 r0, {index}\nadd64 r0, r1\nldxw r2, [r1+8]\nand64 r2, 255\nstxdw [r10-8], r2\nlsh64 r2, 3\n\
             xor32 r3, r4\nsub64 r3, {index}\nstw [r10-16], 1\nmov64 r5, r0\n"
        );
    }
    text
}

/// The text in a file, for a program to read.
struct Source(PathBuf);

impl Source {
    fn new(text: &str) -> Outcome<Self> {
        let version = Command::new(LLVM_MC).arg("--version").stdout(Stdio::null()).status();
        version.map_err(|_| "not installed")?;
        let path = std::env::temp_dir().join(format!("bpfsmith-bench-{}.s", std::process::id()));
        std::fs::write(&path, text).map_err(told)?;
        Ok(Self(path))
    }

    fn assemble(&self) -> Outcome<()> {
        let mut command = Command::new(LLVM_MC);
        command.args(["-triple=bpfel", "-mcpu=v4", "-filetype=obj", "-o", "/dev/null"]).arg(&self.0);
        let status = command.status().map_err(told)?;
        if status.success() { Ok(()) } else { Err(format!("{LLVM_MC}: {status}")) }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const LLVM_MC: &str = "llvm-mc-19";

/// solana-sbpf assembles for a context; nothing is run in this one.
struct Nothing;

impl ContextObject for Nothing {
    fn consume(&mut self, _amount: u64) {}

    fn get_remaining(&self) -> u64 {
        0
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::dangling()
    }
}
