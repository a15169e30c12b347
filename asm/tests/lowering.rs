//! What an older instruction set lacks is replaced by what does the same, or refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bpfsmith_asm::{
    AsmError, Assembler, Cast, Code, Cond, Insn, Isa, KernelVersion, MapRef, Operand, Reg::*, Size, Source,
    Width, walk,
};
use common::run;
use proptest::prelude::*;

fn both(old: Isa, emit: impl Fn(&mut Assembler)) -> [Code; 2] {
    [old, Isa::V4].map(|isa| {
        let mut a = Assembler::with_isa(isa);
        emit(&mut a);
        let code = a.finish().unwrap();
        assert!(isa.contains(code.isa()), "{:?} is not in {isa:?}", code.isa());
        code
    })
}

const BITS: [u32; 3] = [8, 16, 32];
const SWAPS: [u32; 3] = [16, 32, 64];
const LESS: [Cond; 4] = [Cond::Lt, Cond::Le, Cond::SLt, Cond::SLe];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn movsx_by_shifts_is_the_same(value: u64, which in 0..3usize, narrow: bool) {
        let narrow = narrow && which < 2;
        let codes = both(Isa::V3, |a| {
            if narrow { a.movsx32(R0, R1, BITS[which]) } else { a.movsx(R0, R1, BITS[which]) };
            a.exit();
        });
        prop_assert_eq!(run(&codes[0], &[value]), run(&codes[1], &[value]));
    }

    #[test]
    fn bswap_by_two_conversions_is_the_same(value: u64, which in 0..3usize) {
        let codes = both(Isa::V3, |a| { a.mov(R0, R1).bswap(R0, SWAPS[which]).exit(); });
        prop_assert_eq!(run(&codes[0], &[value]), run(&codes[1], &[value]));
    }

    #[test]
    fn less_than_without_less_than_is_the_same(x: u64, y: u64, imm: i32, which in 0..4usize, close: bool) {
        for operand in [Operand::Reg(R2), Operand::Imm(imm.into())] {
            let codes = both(Isa::V1, |a| {
                let yes = a.label();
                a.mov(R0, 1).jump_if(LESS[which], Width::Bits64, R1, operand, yes).mov(R0, 0).bind(yes).exit();
            });
            let other = if operand == Operand::Reg(R2) { y } else { i64::from(imm) as u64 };
            let x = if close { other.wrapping_add(x % 3).wrapping_sub(1) } else { x };
            prop_assert_eq!(run(&codes[0], &[x, y]), run(&codes[1], &[x, y]));
        }
    }
}

#[test]
fn less_than_far_away_without_less_than() {
    for cond in LESS {
        let codes = both(Isa::V1, |a| {
            let yes = a.label();
            a.mov(R0, 1).jump_if(cond, Width::Bits64, R1, 5, yes).jump_if(cond, Width::Bits64, R2, R3, yes);
            a.mov(R0, 0).exit();
            for _ in 0..100_000 {
                a.mov(R9, 0);
            }
            a.bind(yes).exit();
        });
        for args in [[4, 9, 9], [5, 9, 9], [6, 9, 9], [6, 8, 9], [u64::MAX, 9, 8]] {
            assert_eq!(run(&codes[0], &args), run(&codes[1], &args), "{cond:?} {args:?}");
        }
    }
}

/// A distance counts what was asked for, however many instructions stand for it in the end.
#[test]
fn distances_as_numbers_go_where_they_go_without_lowering() {
    let less = |src, off| Insn::Jump { cond: Cond::Lt, width: Width::Bits64, dst: R1, src, off };
    let codes = both(Isa::V1, |a| {
        a.mov(R0, 0);
        // Over one instruction, itself lowered; to the next one, by a jump that is lowered; over two, back and forth.
        a.insn(less(Source::Imm(5), 1)).movsx(R0, R2, 8);
        a.insn(less(Source::Imm(7), 0)).add(R0, 1);
        a.insn(Insn::Ja { off: 2 }).exit().insn(Insn::Ja { off: 1 }).insn(Insn::Ja { off: -2 });
        a.insn(less(Source::Reg(R2), -4)).bswap(R0, 16);
        a.raw(
            Insn::Jump { cond: Cond::Eq, width: Width::Bits64, dst: R1, src: Source::Imm(0), off: 1 }
                .encode()
                .first(),
        );
        a.movsx(R0, R0, 16).exit();
    });
    for args in [[0, 0x80], [4, 0x80], [5, 0x81], [6, 2], [7, 0xff], [9, 8]] {
        assert_eq!(run(&codes[0], &args), run(&codes[1], &args), "{args:?}");
    }
}

#[test]
fn ldsx_becomes_a_load_and_two_shifts() {
    let mut a = Assembler::new();
    a.ldsx(Size::H, R1, R10, -8);
    let insns: Vec<Insn> = a.finish().unwrap().insns().map(|(_, insn)| insn.unwrap()).collect();
    let shift = |op| Insn::Alu { op, width: Width::Bits64, dst: R1, src: Source::Imm(48) };
    let load = Insn::Load { size: Size::H, dst: R1, base: R10, off: -8 };
    assert_eq!(insns, [load, shift(bpfsmith_asm::AluOp::Lsh), shift(bpfsmith_asm::AluOp::Arsh)]);
}

#[test]
fn what_has_no_exact_replacement_is_an_error_that_names_what_is_missing() {
    let lacks = |isa: Isa, insn: Insn| {
        let mut a = Assembler::with_isa(isa);
        a.insn(insn).exit();
        match a.finish() {
            Err(AsmError::Isa { missing, insn: named, .. }) => {
                assert_eq!(named, insn);
                missing
            }
            other => panic!("{insn:?}: {other:?}"),
        }
    };
    let sdiv = |op| Insn::Alu { op, width: Width::Bits64, dst: R1, src: Source::Reg(R2) };
    assert_eq!(lacks(Isa::V3, sdiv(bpfsmith_asm::AluOp::SDiv)), Isa::CPUV4);
    assert_eq!(lacks(Isa::V3, Insn::MayGoto { off: 0 }), Isa::MAY_GOTO);
    assert_eq!(lacks(Isa::V4, Insn::AddrSpaceCast { cast: Cast::ToUser, dst: R1, src: R2 }), Isa::ARENA);
    assert_eq!(lacks(Isa::V4, Insn::Gotox { dst: R1 }), Isa::INDIRECT_JUMP);
    let acquire = Insn::LoadAcquire { size: Size::W, dst: R1, base: R2, off: 0 };
    assert_eq!(lacks(Isa::V4, acquire), Isa::ACQUIRE_RELEASE);
    let jump = Insn::Jump { cond: Cond::Eq, width: Width::Bits32, dst: R1, src: Source::Imm(1), off: 0 };
    assert_eq!(lacks(Isa::V2, jump), Isa::JUMP32);
    let indexed = Insn::LoadMapValue { dst: R1, map: MapRef::Index(0), offset: 0 };
    assert_eq!(lacks(Isa::of_kernel(5, 1), indexed), Isa::MAP_INDEX | Isa::MAP_VALUE);
}

/// What can be emitted for a set is either in the set or refused.
#[test]
fn nothing_outside_the_set_is_emitted() {
    let sets = [Isa::V1, Isa::V2, Isa::V3, Isa::V4, Isa::all(), Isa::empty(), Isa::of_kernel(5, 15)];
    for isa in sets {
        for insn in walk::all() {
            let mut a = Assembler::with_isa(isa);
            a.insn(insn);
            for _ in 0..3 {
                a.raw(Insn::Exit.encode().first());
            }
            match a.finish() {
                Ok(code) if isa.is_empty() => panic!("{code:?}"),
                Ok(code) => assert!(isa.contains(code.isa() - Isa::BASE32), "{insn:?} for {isa:?}: {code:?}"),
                Err(error) => assert!(matches!(error, AsmError::Isa { .. }), "{insn:?} for {isa:?}: {error}"),
            }
        }
    }
}

#[test]
fn sets_of_kernels_and_kernels_of_sets() {
    assert_eq!(Isa::of_kernel(3, 17), Isa::empty());
    assert!(Isa::V1.contains(Isa::of_kernel(3, 18)));
    assert!(Isa::of_kernel(5, 15).contains(Isa::V3));
    assert!(!Isa::of_kernel(6, 5).contains(Isa::CPUV4) && Isa::of_kernel(6, 6).contains(Isa::V4));
    assert_eq!(Isa::of_kernel(7, 2), Isa::all());
    assert_eq!(Isa::default(), Isa::V3);
    assert_eq!((Isa::ATOMIC64 | Isa::LESS_THAN).since(), Some(KernelVersion::new(5, 12)));
    assert_eq!(Isa::empty().since(), None);
    assert!(Isa::all().iter().all(|group| group.since().is_some()));
}
