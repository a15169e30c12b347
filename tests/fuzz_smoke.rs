//! The fuzz targets, each on some thousand inputs that are the same in every run: random bytes, and good inputs with
//! bytes changed, cut out, or doubled.
#![cfg(all(
    feature = "kernel",
    feature = "dsl",
    feature = "derive",
    feature = "report",
    feature = "sim",
    feature = "text"
))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "they are the public functions of the fuzz crate")]
mod targets;

mod samples;

use std::path::Path;

use bpfsmith::asm::{Code, Insn, walk};
use bpfsmith::base::Endian;

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
    let objects = [
        samples::every_kind(),
        samples::asm_map_elem::object().unwrap(),
        samples::asm_timer_cancel::object(true).unwrap(),
    ];
    let encoded = |endian| objects.iter().map(move |object| object.btf().encode(endian));
    let seeds: Vec<_> = encoded(Endian::Little).chain(encoded(Endian::Big)).collect();
    run(targets::btf_decode, &seeds, 20_000, 128);
}

#[test]
fn text() {
    let insns = walk::all().map(|insn| format!("{insn}\n").into_bytes());
    let functions = samples::asm_map_elem::object().unwrap();
    let functions = functions.functions().iter().map(|function| function.code.to_string().into_bytes());
    let labels = b"again: r0 += 1 # a\nif r0 s< 0x10 goto again\ncall bpf_ktime_get_ns; exit\n".to_vec();
    let seeds: Vec<_> = insns.chain(functions).chain([labels]).collect();
    run(targets::text, &seeds, 20_000, 64);
}

#[test]
fn check() {
    let objects =
        [samples::asm_map_elem::object().unwrap(), samples::asm_timer_cancel::object(true).unwrap()];
    let functions = objects.iter().flat_map(|object| object.functions());
    let bytes = |code: &Code| [vec![1], code.encode(Endian::Little)].concat();
    let mut seeds: Vec<_> = functions.map(|function| bytes(&function.code)).collect();
    // Each instruction with an exit behind it, and a function of one slot or two.
    let walked = walk::all().map(|insn| {
        let exit = Insn::Exit.encode();
        let rest = if insn.encode().len() == 2 { vec![exit, exit, exit] } else { vec![exit, exit] };
        let slots = [vec![insn.encode()], rest].concat();
        let slots = slots.iter().flat_map(|slots| [Some(slots.first()), slots.second()]).flatten();
        [vec![0], slots.flat_map(|slot| slot.to_bytes(Endian::Little)).collect()].concat()
    });
    seeds.extend(walked.step_by(7));
    run(targets::check, &seeds, 4_000, 512);
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
