//! The fuzz targets, each on some thousand inputs that are the same in every run: random bytes, and good inputs with
//! bytes changed, cut out, or doubled.
#![cfg(all(feature = "kernel", feature = "report"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "they are the public functions of the fuzz crate")]
mod targets;

use std::path::Path;

use bpfsmith::base::Endian;
use bpfsmith::btf::{Builder, IntEncoding, StructDef};

/// xorshift64*, so that no run differs from another.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn mutate(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let (a, b) = (random.below(bytes.len()), random.below(bytes.len()));
        let range = a.min(b)..a.max(b);
        match random.below(5) {
            0 if !bytes.is_empty() => bytes[a] = random.next() as u8,
            1 if !bytes.is_empty() => bytes[a] ^= 1 << random.below(8),
            2 => drop(bytes.drain(range)),
            3 if range.len() < 4096 => {
                let copy = bytes[range].to_vec();
                bytes.splice(b..b, copy);
            }
            _ => bytes.truncate(a),
        }
    }
    bytes
}

fn run(target: fn(&[u8]), seeds: &[Vec<u8>], rounds: usize, longest: usize) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    seeds.iter().for_each(|seed| target(seed));
    for round in 0..rounds {
        let length = random.below(longest);
        target(&random.bytes(length));
        if let Some(seed) = seeds.get(round % seeds.len().max(1)) {
            target(&mutate(&mut random, seed));
        }
    }
}

/// Slots whose opcodes sweep all bytes, with few bits set elsewhere: random bytes rarely decode.
fn plain_slots() -> Vec<Vec<u8>> {
    let registers = [0x00, 0x10, 0x21, 0x4a];
    let slot =
        |opcode: u8, registers: u8| [opcode, registers, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
    (0..=255).flat_map(|opcode| registers.map(|r| slot(opcode, r))).collect()
}

#[test]
fn insn_decode() {
    run(targets::insn_decode, &plain_slots(), 20_000, 64);
}

#[test]
fn encode_decode() {
    run(targets::encode_decode, &[], 20_000, 256);
}

#[test]
fn btf_decode() {
    let mut b = Builder::new();
    let int = b.int("int", 4, IntEncoding::SIGNED).unwrap();
    b.structure(StructDef::new("elem").member("key", int).member("count", int)).unwrap();
    let btf = b.finish().unwrap();
    run(targets::btf_decode, &[btf.encode(Endian::Little), btf.encode(Endian::Big)], 20_000, 128);
}

#[test]
fn verifier_log() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/6.18");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "log"));
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 100);
    run(targets::verifier_log, &seeds, 2_000, 512);
}
