//! Jumps beyond the 16 bits of an offset: every one must arrive, with and without 32-bit jumps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bpfsmith_asm::{AsmError, Assembler, Code, Cond, Insn, Isa, Label, Reg::*, Width};
use common::{holds, run};
use proptest::prelude::*;

const SETS: [Isa; 2] = [Isa::V3, Isa::V4];

/// Instructions that change nothing the tests look at.
fn fill(a: &mut Assembler, count: usize) {
    for _ in 0..count {
        a.mov(R9, 9);
    }
}

fn finish(a: &Assembler) -> Code {
    a.finish().unwrap_or_else(|error| panic!("{error}"))
}

/// `1` where the condition holds, `2` where not; both ways lead over `distance` instructions.
fn far_condition(isa: Isa, cond: Cond, width: Width, distance: usize) -> Code {
    let mut a = Assembler::with_isa(isa);
    let yes = a.label();
    a.jump_if(cond, width, R1, R2, yes);
    fill(&mut a, distance);
    a.mov(R0, 2).exit().bind(yes).mov(R0, 1).exit();
    finish(&a)
}

#[test]
fn every_condition_over_40_000_instructions_forwards() {
    let pairs = [(0, 0), (1, 2), (2, 1), (u64::MAX, 1), (1, u64::MAX), (6, 1 << 40 | 6), (8, 7)];
    for isa in SETS {
        for &cond in Cond::ALL {
            for &width in Width::ALL {
                let code = far_condition(isa, cond, width, 40_000);
                for (a, b) in pairs {
                    let expected = if holds(cond, width, a, b) { 1 } else { 2 };
                    assert_eq!(run(&code, &[a, b]), expected, "{isa:?} {cond:?} {width:?} {a} {b}");
                }
            }
        }
    }
}

#[test]
fn every_condition_over_40_000_instructions_backwards() {
    for isa in SETS {
        for &cond in Cond::ALL {
            let mut a = Assembler::with_isa(isa);
            let (start, back) = (a.label(), a.label());
            a.mov(R0, 0).ja(start).bind(back).mov(R0, 1).exit();
            a.bind(start);
            fill(&mut a, 40_000);
            a.jump_if(cond, Width::Bits64, R1, R2, back).mov(R0, 2).exit();
            let code = finish(&a);
            for (x, y) in [(0, 0), (1, 2), (2, 1), (u64::MAX, 1), (7, 8)] {
                let expected = if holds(cond, Width::Bits64, x, y) { 1 } else { 2 };
                assert_eq!(run(&code, &[x, y]), expected, "{isa:?} {cond:?} {x} {y}");
            }
        }
    }
}

#[test]
fn chains_over_200_000_instructions_both_ways() {
    for isa in SETS {
        let mut a = Assembler::with_isa(isa);
        let (there, back) = (a.label(), a.label());
        a.mov(R0, 0).ja(there).bind(back).add(R0, 1).exit();
        fill(&mut a, 200_000);
        a.bind(there).add(R0, 10).jne(R0, 0, back).mov(R0, 99).exit();
        assert_eq!(run(&finish(&a), &[]), 11, "{isa:?}");
    }
}

#[test]
fn may_goto_far_away() {
    for isa in SETS.map(|isa| isa | Isa::MAY_GOTO) {
        let mut a = Assembler::with_isa(isa);
        let (again, out) = (a.label(), a.label());
        a.mov(R0, 0).bind(again).may_goto(out).add(R0, 1);
        fill(&mut a, 70_000);
        a.ja(again).bind(out).exit();
        assert_eq!(run(&finish(&a), &[]), 1, "{isa:?}");
    }
}

#[test]
fn the_last_offset_that_fits_and_the_first_that_does_not() {
    for isa in SETS {
        for distance in 32_700..32_800 {
            let code = far_condition(isa, Cond::Eq, Width::Bits64, distance);
            assert_eq!(run(&code, &[1, 1]), 1);
            assert_eq!(run(&code, &[1, 2]), 2);
            // The offset is `distance + 2`.
            assert_eq!(code.len() == distance + 5, distance + 2 <= 32_767, "{isa:?} {distance}");
        }
    }
}

/// Many jumps to many places: each arrival adds its own number.
fn tangle(isa: Isa, jumps: usize, spacing: usize, distance: usize) -> Code {
    let mut a = Assembler::with_isa(isa);
    let labels: Vec<Label> = (0..jumps).map(|_| a.label()).collect();
    let mut bound = 0;
    for index in 0..jumps {
        a.jeq(R1, index as i32, labels[index]);
        a.jset(R2, 0, labels[index]);
        fill(&mut a, spacing);
        if index * (spacing + 2) > distance {
            a.ja(labels[jumps - 1]);
            a.bind(labels[bound]).mov(R0, bound as i32).exit();
            bound += 1;
        }
    }
    for (index, label) in labels.iter().enumerate().skip(bound) {
        a.bind(*label).mov(R0, index as i32).exit();
    }
    finish(&a)
}

#[test]
fn many_long_jumps_cross() {
    for isa in SETS {
        for (jumps, spacing, distance) in [(3000, 20, 40_000), (900, 100, 80_000), (10_000, 3, 33_000)] {
            let code = tangle(isa, jumps, spacing, distance);
            for index in [0, 1, jumps / 7, jumps / 2] {
                // The first unconditional jump leads to the last label unless the condition was met before.
                let reached = if index * (spacing + 2) <= distance + spacing { index } else { jumps - 1 };
                assert_eq!(run(&code, &[index as u64, 0]), reached as u64, "{isa:?} {jumps} {index}");
            }
        }
    }
}

#[test]
fn loops_around_loops() {
    for isa in SETS {
        let mut a = Assembler::with_isa(isa);
        let labels: Vec<Label> = (0..60).map(|_| a.label()).collect();
        a.mov(R0, 0);
        for label in &labels {
            a.mov(R3, 0).bind(*label).add(R3, 1);
            fill(&mut a, 1000);
        }
        for label in labels.iter().rev() {
            a.add(R0, 1);
            fill(&mut a, 10);
            // Back to the loop's head once: `R3` counts only on the way here.
            a.jset(R0, 1 << 30, *label);
        }
        a.exit();
        assert_eq!(run(&finish(&a), &[]), 60, "{isa:?}");
    }
}

#[test]
fn more_jumps_than_islands_have_room_for_is_an_error() {
    for (count, crowded) in [(10_000, false), (16_000, true), (20_000, true), (40_000, true)] {
        let mut a = Assembler::with_isa(Isa::V3);
        let labels: Vec<Label> = (0..count).map(|_| a.label()).collect();
        for (index, label) in labels.iter().enumerate() {
            a.jeq(R1, index as i32, *label);
        }
        fill(&mut a, 70_000);
        for label in &labels {
            a.bind(*label).exit();
        }
        match a.finish() {
            Ok(code) => assert!(!crowded && code.len() < 2 * a.len(), "{count}: {}", code.len()),
            Err(error) => assert!(crowded && matches!(error, AsmError::Crowded { .. }), "{count}: {error}"),
        }
    }
}

#[test]
fn relocations_and_distances_given_as_numbers_move_along() {
    for isa in SETS {
        let mut a = Assembler::with_isa(isa);
        let far = a.label();
        a.insn(Insn::Ja { off: 3 }).jset(R1, 1, far).load_map(R1, "m").mov(R0, 7).exit();
        fill(&mut a, 40_000);
        a.bind(far).load_map(R2, "m").exit();
        let code = finish(&a);
        for reloc in code.relocs() {
            assert_eq!(code.slot(reloc.slot as usize).unwrap().opcode(), 0x18);
        }
        assert_eq!(run(&code, &[]), 7);
    }
}

#[test]
fn dense_jumps_settle() {
    for isa in SETS {
        // Each jump spans almost exactly its reach, so that lengthening one pushes others over.
        let mut a = Assembler::with_isa(isa);
        let labels: Vec<Label> = (0..60_000).map(|_| a.label()).collect();
        for (index, label) in labels.iter().enumerate() {
            if index >= 32_760 {
                a.bind(labels[index - 32_760]);
            }
            a.jset(R1, 1, *label);
        }
        for label in &labels[60_000 - 32_760..] {
            a.bind(*label).mov(R0, 3);
        }
        a.exit();
        match a.finish() {
            Ok(code) => assert_eq!(run(&code, &[0]), 3, "{isa:?}"),
            Err(AsmError::Crowded { .. }) => assert_eq!(isa, Isa::V3),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_label_inside_a_wide_load_made_of_raw_slots_is_an_error() {
    for fill_up in [0, 40_000] {
        let mut a = Assembler::new();
        let inside = a.label();
        let wide: Vec<_> = Insn::LoadImm64 { dst: R1, value: 5 }.encode().into_iter().collect();
        a.ja(inside);
        fill(&mut a, fill_up);
        a.raw(wide[0]).bind(inside).raw(wide[1]).exit();
        assert!(matches!(a.finish(), Err(AsmError::NoSuchTarget { .. })));
    }
}

/// A piece of a random function.
#[derive(Clone, Debug)]
enum Piece {
    Fill(usize),
    Wide(usize),
    Jump { label: usize, cond: usize },
    Bind,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        2 => (0..4000usize).prop_map(Piece::Fill),
        1 => (0..300usize).prop_map(Piece::Wide),
        4 => (any::<usize>(), 0..3usize).prop_map(|(label, cond)| Piece::Jump { label, cond }),
        4 => Just(Piece::Bind),
    ];
    prop::collection::vec(piece, 1..150)
}

/// The jump whose number is in `R1` is taken, the others are not. Where a jump arrives, the number of its label plus one
/// is added to `R0`; what falls through goes around that.
fn assemble(isa: Isa, pieces: &[Piece]) -> Code {
    let mut a = Assembler::with_isa(isa);
    let binds = pieces.iter().filter(|piece| matches!(piece, Piece::Bind)).count();
    let labels: Vec<Label> = (0..binds).map(|_| a.label()).collect();
    let (mut bound, mut jump) = (0, 0);
    a.mov(R0, 0).mov(R2, 1);
    for piece in pieces {
        match piece {
            Piece::Fill(count) => fill(&mut a, *count),
            Piece::Wide(count) => (0..*count).for_each(|_| {
                a.load_imm64(R9, u64::MAX);
            }),
            Piece::Jump { label, cond } if binds > 0 => {
                let label = labels[label % binds];
                match cond {
                    0 => a.jeq(R1, jump, label),
                    1 => a.jset32(R2, 0, label).jeq(R1, jump, label),
                    _ => {
                        let skip = a.label();
                        a.jne(R1, jump, skip).ja(label).bind(skip)
                    }
                };
                jump += 1;
            }
            Piece::Jump { .. } => {}
            Piece::Bind => {
                let around = a.label();
                a.ja(around).bind(labels[bound]).add(R0, bound as i32 + 1).mov(R1, -1).bind(around);
                bound += 1;
            }
        }
    }
    a.exit();
    finish(&a)
}

/// The label of each jump, plus one.
fn arrivals(pieces: &[Piece]) -> Vec<u64> {
    let binds = pieces.iter().filter(|piece| matches!(piece, Piece::Bind)).count();
    let arrival = |piece: &Piece| match piece {
        Piece::Jump { label, .. } => label.checked_rem(binds).map(|label| label as u64 + 1),
        _ => None,
    };
    pieces.iter().filter_map(arrival).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_functions_do_what_they_should(pieces in pieces()) {
        for isa in SETS {
            let code = assemble(isa, &pieces);
            prop_assert_eq!(run(&code, &[u64::MAX]), 0);
            let arrivals = arrivals(&pieces);
            for (taken, arrival) in arrivals.iter().enumerate().step_by(arrivals.len() / 8 + 1) {
                prop_assert_eq!(run(&code, &[taken as u64]), *arrival, "{:?} {}", isa, taken);
            }
        }
    }
}
