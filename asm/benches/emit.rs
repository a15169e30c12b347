//! How long it takes to build, finish and encode 100,000 instructions, in nanoseconds each.
//!
//! `cargo bench -p bpfsmith-asm --bench emit` prints medians of passes that reuse the assembler, the code and the
//! bytes; nothing is asserted.

use std::{hint::black_box, time::Instant};

use bpfsmith_asm::{Assembler, Code, Endian, Isa, Reg::*, Size};

const INSTRUCTIONS: usize = 100_000;
const PASSES: usize = 101;

fn main() {
    println!("nanoseconds an instruction, median of {PASSES} passes over {INSTRUCTIONS} instructions");
    report("plain", plain);
    report("plain, operands not known to the compiler", varied);
    report("with a label every 4", labelled);
}

fn report(name: &str, emit: fn(&mut Assembler)) {
    let mut bench = Bench::new();
    let mut times: Vec<[f64; 4]> = (0..PASSES).map(|_| bench.pass(emit)).collect();
    let mut median = |stage: usize| {
        times.sort_by(|a, b| a[stage].total_cmp(&b[stage]));
        times[PASSES / 2][stage]
    };
    println!(
        "{name:45} {:6.2}   emit {:5.2}  finish {:5.2}  encode {:5.2}",
        median(3),
        median(0),
        median(1),
        median(2)
    );
}

struct Bench {
    assembler: Assembler,
    code: Code,
    bytes: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        Self { assembler: Assembler::with_isa(Isa::V3), code: Code::default(), bytes: Vec::new() }
    }

    /// The times of emitting, finishing, encoding, and all of it.
    fn pass(&mut self, emit: fn(&mut Assembler)) -> [f64; 4] {
        let start = Instant::now();
        self.assembler.clear();
        emit(&mut self.assembler);
        let emitted = Instant::now();
        if let Err(error) = self.assembler.finish_into(&mut self.code) {
            println!("{error}");
        }
        let finished = Instant::now();
        self.code.encode_into(Endian::Little, &mut self.bytes);
        black_box(&self.bytes);
        let encoded = Instant::now();
        let each = |from: Instant, to: Instant| (to - from).as_nanos() as f64 / INSTRUCTIONS as f64;
        [each(start, emitted), each(emitted, finished), each(finished, encoded), each(start, encoded)]
    }
}

fn plain(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 10) as i32 {
        a.mov(R0, index)
            .add(R0, R1)
            .ldx(Size::W, R2, R1, 8)
            .and(R2, 0xff)
            .stx(Size::DW, R10, -8, R2)
            .lsh(R2, 3)
            .xor32(R3, R4)
            .sub(R3, index)
            .st(Size::W, R10, -16, 1)
            .mov(R5, R0);
    }
}

fn varied(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 5) as i32 {
        let (dst, src) = (black_box(R1), black_box(R2));
        a.mov(dst, index).add(dst, src).ldx(Size::W, src, dst, index % 64).or(dst, index).mov32(src, dst);
    }
}

fn labelled(a: &mut Assembler) {
    for index in 0..(INSTRUCTIONS / 4) as i32 {
        let skip = a.label();
        a.mov(R0, index).jeq(R0, 7, skip).add(R0, R1).mov(R2, R0).bind(skip);
    }
    a.exit();
}
