//! Helpers of checksums, on numbers from a fixed sequence.

use bpfsmith::asm::{Reg, Size};
use bpfsmith::base::Helper;
use bpfsmith::kind::ProgramKind;

use super::{FP, Notes, Test, compare, just, packet};

pub(super) const TESTS: &[Test] =
    &[("checksums are replaced", replaced), ("checksums of differences", differences)];

const NUMBERS: [i64; 7] = [0, 1, 0xffff, 0x1234, 0x0001_0000, 0xffff_ffff, 0x1_2345_6789];

fn replaced() {
    let mut inputs = just(&[packet(0x0800, 40), packet(0x0800, 40)]);
    inputs[1].0[24..26].fill(0);
    for helper in [Helper::L3_CSUM_REPLACE, Helper::L4_CSUM_REPLACE] {
        for flags in [0, 2, 4, 3, 0x10, 0x12, 0x14, 0x20, 0x22, 0x64, 0x80, 0x84, 0x100] {
            for from in NUMBERS {
                let mut notes = Notes::new();
                for to in NUMBERS {
                    notes.call(helper, &[24, from, to, flags]);
                }
                for offset in [23, 52, 53, 54, 0x10000] {
                    notes.call(helper, &[offset, 0, 5, flags]);
                }
                compare(
                    &format!("{helper} {from:#x} {flags:#x}"),
                    ProgramKind::SCHED_CLS,
                    notes.end(0),
                    &inputs,
                );
            }
        }
    }
}

fn differences() {
    for seed in [0, 1, 0xffff, 0xffff_ffff, 0x1234_5678] {
        let mut notes = Notes::new();
        notes.put(-8, [0xff; 8]).put(-16, *b"abcdefgh").put(-24, [0; 8]).put(-32, *b"ijklmnop");
        for (from, to) in
            [(0, 0), (4, 0), (0, 4), (8, 8), (16, 32), (32, 0), (0, 32), (3, 4), (4, 2), (24, 8)]
        {
            notes.call_with(Helper::CSUM_DIFF, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -32).mov(Reg::R2, from);
                a.mov(Reg::R3, FP).add(Reg::R3, -32).mov(Reg::R4, to);
                a.load_imm64(Reg::R5, i64::cast_unsigned(seed));
            });
        }
        notes.a.st(Size::DW, FP, -8, 0);
        compare(&format!("{seed:#x}"), ProgramKind::SCHED_CLS, notes.end(0), &just(&[packet(0, 0)]));
    }
}
