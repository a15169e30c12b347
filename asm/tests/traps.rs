//! What other emitters get wrong. Each test names its row; what is not a matter of assembling is tested elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bpfsmith_asm::{
    AsmError, Assembler, AtomicOp, Cast, Code, DecodeError, Field, Insn, Isa, Label, Reg, Reg::*, RelocKind,
    Size, Slot, Width,
};
use common::run;

fn finish(a: &Assembler) -> Code {
    a.finish().unwrap_or_else(|error| panic!("{error}"))
}

/// "any atomic but plain add is emitted as `lock +=`"
#[test]
fn every_atomic_has_its_own_encoding() {
    let mut a = Assembler::with_isa(Isa::all());
    a.atomic_add(Size::DW, R1, 8, R2)
        .atomic_or(Size::DW, R1, 8, R2)
        .atomic_and(Size::DW, R1, 8, R2)
        .atomic_xor(Size::DW, R1, 8, R2)
        .fetch_add(Size::DW, R1, 8, R2)
        .fetch_or(Size::DW, R1, 8, R2)
        .fetch_and(Size::DW, R1, 8, R2)
        .fetch_xor(Size::DW, R1, 8, R2)
        .xchg(Size::DW, R1, 8, R2)
        .cmpxchg(Size::DW, R1, 8, R2)
        .load_acquire(Size::DW, R2, R1, 8)
        .store_release(Size::DW, R1, 8, R2);
    let immediates: Vec<i32> = finish(&a).slots().map(Slot::imm).collect();
    assert_eq!(immediates, [0, 0x40, 0x50, 0xa0, 1, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110]);
    assert!(finish(&a).slots().all(|slot| slot.opcode() == 0xdb && slot.off() == 8));
    let [.., acquire, release] = finish(&a).slots().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((acquire.dst(), acquire.src()), (2, 1));
    assert_eq!((release.dst(), release.src()), (1, 2));
}

/// The same: no atomics on one or two bytes.
#[test]
fn atomics_of_one_and_two_bytes_are_an_error() {
    for size in [Size::B, Size::H] {
        for &op in AtomicOp::ALL {
            let mut a = Assembler::new();
            a.atomic(op, size, R1, 0, R2);
            assert!(matches!(a.finish(), Err(AsmError::Size { .. })));
        }
    }
}

/// "a conditional jump over 40,000 instructions: the offset wraps to −25536"; see also `long_jumps.rs`.
#[test]
fn a_conditional_jump_over_40_000_instructions_arrives() {
    for isa in [Isa::V1, Isa::V3, Isa::V4] {
        let mut a = Assembler::with_isa(isa);
        let far = a.label();
        a.mov(R0, 1).jeq(R1, 1, far);
        for _ in 0..40_000 {
            a.add(R0, 1);
        }
        a.bind(far).exit();
        assert_eq!((run(&finish(&a), &[1]), run(&finish(&a), &[2])), (1, 40_001));
    }
}

/// "assemble, insert instructions, assemble again: stale jump offsets"
#[test]
fn finishing_again_after_more_instructions_has_fresh_offsets() {
    let mut a = Assembler::new();
    let (again, out) = (a.label(), a.label());
    a.mov(R0, 0).bind(again).add(R0, 1).jlt(R0, 10, again).jeq(R0, 10, out);
    assert!(matches!(a.finish(), Err(AsmError::Unbound { .. })));
    a.mov(R0, 99).bind(out).add(R0, 100).exit();
    let first = finish(&a);
    assert_eq!(first, finish(&a));
    assert_eq!(run(&first, &[]), 110);

    let skipped = a.label();
    a.ja(skipped).mov(R0, 5).bind(skipped).exit();
    let second = finish(&a);
    assert_eq!(run(&second, &[]), 110);
    assert!(first.slots().eq(second.slots().take(first.len())), "what was there has not changed");

    let mut longer = Code::default();
    for _ in 0..40_000 {
        a.mov(R1, 0);
    }
    let far = a.label();
    a.bind(far).jne(R1, 0, again).exit();
    a.finish_into(&mut longer).unwrap();
    assert_eq!(run(&longer, &[]), 110);
    assert_eq!(a.finish().unwrap(), longer);
}

/// "two labels at one place: the first is lost"
#[test]
fn two_labels_at_one_place_both_lead_there() {
    let mut a = Assembler::new();
    let (one, two) = (a.label(), a.label());
    a.mov(R0, 7).jeq(R1, 1, one).jeq(R1, 2, two).mov(R0, 8).bind(one).bind(two).exit();
    let code = finish(&a);
    assert_eq!([1, 2, 3].map(|arg| run(&code, &[arg])), [7, 7, 8]);
}

/// "two snippets that both use a label `exit`: duplicate symbol"
#[test]
fn snippets_compose() {
    fn at_most(a: &mut Assembler, reg: Reg, most: i32) {
        let exit = a.label();
        a.jle(reg, most, exit).mov(reg, most).bind(exit);
    }
    let mut a = Assembler::new();
    a.mov(R0, R1);
    at_most(&mut a, R0, 100);
    at_most(&mut a, R0, 50);
    a.exit();
    let code = finish(&a);
    assert_eq!([200, 75, 7].map(|arg| run(&code, &[arg])), [50, 50, 7]);
}

/// "a label after the last instruction cannot be bound"
#[test]
fn a_label_after_the_last_instruction_is_bound_but_not_jumped_to() {
    let mut a = Assembler::new();
    let end = a.label();
    a.mov(R0, 0).exit().bind(end);
    assert_eq!(finish(&a).len(), 2);

    let mut a = Assembler::new();
    let end = a.label();
    a.jeq(R1, 0, end);
    let jump = line!() - 1;
    a.mov(R0, 0).exit();
    a.bind(end);
    let bound = line!() - 1;
    let Err(error @ AsmError::JumpToEnd { .. }) = a.finish() else { panic!() };
    assert_eq!((error.loc().line(), error.other().unwrap().line()), (jump, bound));
}

/// "register 11, register 77: masked, or overwrites the neighbour nibble"
#[test]
fn there_is_no_register_11_or_77() {
    for number in [11, 15, 16, 77, 255] {
        assert_eq!(Reg::try_from(number).unwrap_err().0, number);
        assert_eq!(Reg::from_number(number), None);
    }
    assert_eq!(Slot::new(0xb7, 16, 0, 0, 0), None);
    assert_eq!(Slot::new(0xb7, 0, 77, 0, 0), None);
    let nibble = Slot::new(0xb7, 11, 0, 0, 0).unwrap();
    let refused = DecodeError::Field { opcode: 0xb7, field: Field::Dst, value: 11 };
    assert_eq!(Insn::decode(&[nibble]), Err(refused));
}

/// "an immediate 1 << 40 on an ALU instruction: truncated to 0"
#[test]
fn an_immediate_that_does_not_fit_is_an_error() {
    let unfit = [1i64 << 40, 1 << 31, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN];
    for value in unfit {
        let mut a = Assembler::new();
        a.add(R1, value);
        assert!(matches!(a.finish(), Err(AsmError::Immediate { value: v, .. }) if v == value));
    }
    // 32 bits have room for unsigned numbers too, since nothing is extended.
    let mut a = Assembler::new();
    a.mov32(R0, u32::MAX).exit();
    assert_eq!(run(&finish(&a), &[]), 0xffff_ffff);
    let mut a = Assembler::new();
    a.mov(R0, u32::MAX);
    assert!(matches!(a.finish(), Err(AsmError::Immediate { .. })));
}

/// The same for what is stored, and for offsets.
#[test]
fn stores_and_offsets_that_do_not_fit_are_errors() {
    for (size, least, most) in
        [(Size::B, -128, 255), (Size::H, -32768, 65535), (Size::W, i64::from(i32::MIN), i64::from(u32::MAX))]
    {
        let stored = |value: i64| Assembler::new().st(size, R10, -8, value).finish();
        assert!(stored(least).is_ok() && stored(most).is_ok());
        assert!(matches!(stored(least - 1), Err(AsmError::Stored { .. })));
        assert!(matches!(stored(most + 1), Err(AsmError::Stored { .. })));
    }
    for off in [-32769, 32768, i32::MAX] {
        assert!(matches!(Assembler::new().ldx(Size::B, R1, R2, off).finish(), Err(AsmError::Offset { .. })));
        assert!(matches!(Assembler::new().stx(Size::B, R1, off, R2).finish(), Err(AsmError::Offset { .. })));
        assert!(matches!(Assembler::new().xchg(Size::W, R1, off, R2).finish(), Err(AsmError::Offset { .. })));
    }
}

/// "a map load whose map was never given: fd 0"
#[test]
fn a_map_load_names_its_map() {
    let mut a = Assembler::new();
    a.load_map(R1, "counters").load_map_value(R2, "state", 16);
    let code = finish(&a);
    let relocs: Vec<_> = code.relocs().iter().map(|r| (r.slot, r.kind, code.symbol(r.symbol))).collect();
    let expected = [(0, RelocKind::Map, "counters"), (2, RelocKind::MapValue { offset: 16 }, "state")];
    assert_eq!(relocs, expected);
    for name in ["", "a\0b"] {
        assert!(matches!(Assembler::new().load_map(R1, name).finish(), Err(AsmError::Symbol { .. })));
    }
}

/// "a jump to the empty label: jumps to itself"
#[test]
fn a_jump_to_a_label_without_a_place_is_an_error_with_both_lines() {
    let mut a = Assembler::new();
    let label = a.label();
    let made = line!() - 1;
    a.ja(label);
    let jump = line!() - 1;
    a.exit();
    let Err(error @ AsmError::Unbound { .. }) = a.finish() else { panic!() };
    assert_eq!((error.loc().line(), error.other().unwrap().line()), (jump, made));
}

/// The same: a label bound twice, or of another assembler.
#[test]
fn labels_of_others_and_labels_bound_twice_are_errors_with_both_lines() {
    let mut a = Assembler::new();
    let label = a.label();
    a.bind(label);
    let first = line!() - 1;
    a.exit().bind(label);
    let second = line!() - 1;
    let Err(error @ AsmError::BoundTwice { .. }) = a.finish() else { panic!() };
    assert_eq!((error.loc().line(), error.other().unwrap().line()), (second, first));

    let foreign = |use_it: fn(&mut Assembler, Label)| {
        let mut b = Assembler::new();
        let _own = b.label();
        use_it(&mut b, label);
        matches!(b.finish(), Err(AsmError::Foreign { .. }))
    };
    assert!(foreign(|b, label| {
        b.ja(label);
    }));
    assert!(foreign(|b, label| {
        b.jeq(R1, 0, label);
    }));
    assert!(foreign(|b, label| {
        b.bind(label);
    }));

    a.clear();
    let _own = a.label();
    a.ja(label);
    assert!(matches!(a.finish(), Err(AsmError::Foreign { .. })), "from before it was cleared");
}

/// "`neg` with a register operand, `movsx` with an immediate, and other meaningless combinations: encoded"
#[test]
fn meaningless_combinations_cannot_be_written_or_decoded() {
    let refused = |opcode, dst, src, off, imm| {
        let slot = Slot::new(opcode, dst, src, off, imm).unwrap();
        Insn::decode(&[slot, Slot::new(0, 0, 0, 0, 0).unwrap()]).is_err()
    };
    assert!(refused(0x8f, 1, 2, 0, 0), "neg with a register");
    assert!(refused(0x87, 1, 2, 0, 0), "neg with a source");
    assert!(refused(0xb7, 1, 0, 8, 5), "movsx of a number");
    assert!(refused(0xbc, 1, 2, 32, 0), "movsx of 32 bits to 32");
    assert!(refused(0x99, 1, 2, 0, 0), "sign-extending load of 8 bytes");
    assert!(refused(0xd4, 1, 0, 0, 8), "byte order of 8 bits");
    assert!(refused(0xdf, 1, 2, 0, 16), "bswap with a register");
    assert!(refused(0x17, 1, 0, 1, 5), "a signed subtraction");
    assert!(refused(0xd3, 1, 2, 0, 0), "atomic add of 1 byte");
    assert!(refused(0x8d, 1, 0, 0, 0), "call through a register");
    assert!(refused(0x86, 0, 0, 0, 1), "32-bit call");
    assert!(refused(0x38, 0, 0, 0, 0), "packet load of 8 bytes");
    for bits in [0, 1, 8, 24, 64, 65] {
        let movsx = Assembler::with_isa(Isa::V4).movsx(R1, R2, bits).finish();
        assert_eq!(movsx.is_err(), bits != 8, "{bits}");
        let swap = Assembler::with_isa(Isa::V4).bswap(R1, bits).finish();
        assert_eq!(swap.is_err(), bits != 64, "{bits}");
    }
    assert!(Assembler::with_isa(Isa::V4).movsx32(R1, R2, 32).finish().is_err());
    assert!(Assembler::with_isa(Isa::V4).ldsx(Size::DW, R1, R2, 0).finish().is_err());
}

/// The same: what every kernel refuses.
#[test]
fn division_by_zero_wide_shifts_and_writes_to_the_frame_pointer_are_errors() {
    let error = |emit: fn(&mut Assembler)| {
        let mut a = Assembler::with_isa(Isa::all());
        emit(&mut a);
        a.finish().unwrap_err()
    };
    assert!(matches!(
        error(|a| {
            a.div(R1, 0);
        }),
        AsmError::DivisionByZero { .. }
    ));
    assert!(matches!(
        error(|a| {
            a.smod32(R1, 0);
        }),
        AsmError::DivisionByZero { .. }
    ));
    assert!(matches!(
        error(|a| {
            a.lsh(R1, 64);
        }),
        AsmError::Shift { by: 64, width: Width::Bits64, .. }
    ));
    assert!(matches!(
        error(|a| {
            a.arsh32(R1, 32);
        }),
        AsmError::Shift { by: 32, .. }
    ));
    assert!(matches!(
        error(|a| {
            a.rsh(R1, -1);
        }),
        AsmError::Shift { by: -1, .. }
    ));
    assert!(matches!(
        error(|a| {
            a.mov(R10, 0);
        }),
        AsmError::FramePointer { .. }
    ));
    assert!(matches!(
        error(|a| {
            a.fetch_add(Size::W, R1, 0, R10);
        }),
        AsmError::FramePointer { .. }
    ));
    assert!(matches!(
        error(|a| {
            a.load_map(R10, "m");
        }),
        AsmError::FramePointer { .. }
    ));
    let mut fine = Assembler::new();
    fine.stx(Size::DW, R10, -8, R10).lsh(R1, 63).lsh32(R1, 31).lsh(R1, R2).div(R1, R2).mov(R2, R10);
    assert!(fine.finish().is_ok());
}

/// "decode and encode addr_space_cast: the offset is dropped"
#[test]
fn addr_space_cast_keeps_its_offset() {
    for (cast, imm) in [(Cast::ToKernel, 1), (Cast::ToUser, 65536)] {
        let slot = Insn::AddrSpaceCast { cast, dst: R1, src: R2 }.encode().first();
        assert_eq!((slot.opcode(), slot.off(), slot.imm()), (0xbf, 1, imm));
        assert_eq!(Insn::decode(&[slot]).unwrap().0.encode().first(), slot);
    }
}

/// "decode junk opcodes: accepted"; every opcode is tried in `walk.rs`.
#[test]
fn junk_is_refused_by_decode_and_kept_by_code() {
    let junk = Slot::new(0xff, 3, 4, 5, 6).unwrap();
    assert_eq!(Insn::decode(&[junk]), Err(DecodeError::Opcode { opcode: 0xff }));
    let mut a = Assembler::new();
    a.raw(junk).exit();
    let code = finish(&a);
    assert_eq!(code.slot(0), Some(junk));
    let decoded: Vec<_> = code.insns().collect();
    assert_eq!(decoded, [(0, Err(DecodeError::Opcode { opcode: 0xff })), (1, Ok(Insn::Exit))]);
}

/// "64-bit conditional jump with a negative immediate: zero-extended instead of sign-extended"
#[test]
fn a_negative_immediate_of_a_64_bit_jump_stays_negative() {
    let mut a = Assembler::new();
    let minus = a.label();
    a.mov(R0, 0).jeq(R1, -1, minus).exit().bind(minus).mov(R0, 1).exit();
    let code = finish(&a);
    assert_eq!(code.slot(1).map(Slot::imm), Some(-1));
    assert_eq!([u64::MAX, 0xffff_ffff].map(|arg| run(&code, &[arg])), [1, 0]);
    // The number that a zero-extension would have meant is refused.
    let mut a = Assembler::new();
    let label = a.label();
    a.jeq(R1, 0xffff_ffffu32, label).bind(label).exit();
    assert!(matches!(a.finish(), Err(AsmError::Immediate { .. })));
}

/// "jump offsets counted by hand: fragile"; where they are given, they are checked and move along.
#[test]
fn distances_counted_by_hand_are_checked() {
    for (insn, target) in [
        (Insn::Ja { off: 5 }, 6),
        (Insn::Ja { off: -2 }, -1),
        (Insn::CallFunction { off: 100 }, 101),
        (Insn::JaLong { off: i32::MIN }, i64::from(i32::MIN) + 1),
    ] {
        let mut a = Assembler::with_isa(Isa::V4);
        a.insn(insn).exit();
        let Err(AsmError::NoSuchTarget { target: found, .. }) = a.finish() else { panic!("{insn:?}") };
        assert_eq!(found, target);
    }
    let mut a = Assembler::new();
    a.insn(Insn::Ja { off: 1 }).load_imm64(R1, 1).exit();
    assert!(
        matches!(a.finish(), Err(AsmError::NoSuchTarget { target: 2, .. })),
        "into the middle of a wide load"
    );
}
