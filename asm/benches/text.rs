//! How long it takes to read and to print 100,000 instructions as text, in nanoseconds each.
//!
//! `cargo bench -p bpfsmith-asm --features text --bench text` prints medians; nothing is asserted.

use std::{fmt::Write as _, hint::black_box, time::Instant};

use bpfsmith_asm::{Code, Insn, walk};

const INSTRUCTIONS: usize = 100_000;
const PASSES: usize = 31;

fn main() {
    println!("nanoseconds an instruction, median of {PASSES} passes over {INSTRUCTIONS} instructions");
    report("every instruction in turn", &every_in_turn());
    report("with a label every 4", &labelled());
}

fn report(name: &str, text: &str) {
    let read = median(|| {
        black_box(Code::parse("bench.s", text).ok());
    });
    let Ok(code) = Code::parse("bench.s", text) else { return println!("{name}: is no function") };
    let mut printed = String::new();
    let print = median(|| {
        printed.clear();
        if write!(printed, "{code}").is_ok() {
            black_box(&printed);
        }
    });
    println!("{name:45} read {read:6.1}   print {print:6.1}");
}

fn median(mut pass: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..PASSES)
        .map(|_| {
            let start = Instant::now();
            pass();
            start.elapsed().as_nanos() as f64 / INSTRUCTIONS as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[PASSES / 2]
}

fn every_in_turn() -> String {
    let insns = walk::all().filter(|insn| *insn != Insn::Exit).collect::<Vec<_>>();
    let mut text = String::new();
    for insn in insns.iter().cycle().take(INSTRUCTIONS) {
        text.push_str(&format!("    {insn}\n"));
    }
    text + "    exit\n"
}

fn labelled() -> String {
    let mut text = String::new();
    for index in 0..INSTRUCTIONS / 4 {
        text.push_str(&format!("l{index}:\n    r1 = *(u32 *)(r10 - 4)\n    r1 += 5\n"));
        text.push_str(&format!("    if r1 == 0 goto l{index}\n    call bpf_timer_init\n"));
    }
    text + "    exit\n"
}
