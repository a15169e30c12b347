//! Loads, stores and atomic operations; pointers that are stored and come back.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{AtomicOp, Insn, Narrow, Reg, Size, Width};
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::base::{Endian, Helper};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, MapError};

use crate::common::{Assembled, assembler, machine, object_of, result_of, run_on};

const FP: Reg = Reg::FP;

#[test]
fn loads_fill_with_zeros_or_the_sign() {
    for endian in [Endian::Little, Endian::Big] {
        let mut a = assembler();
        a.mov(R6, R1);
        for (size, at) in [(Size::B, 8), (Size::H, 16), (Size::W, 24), (Size::DW, 32)] {
            a.ldx(size, R2, R6, 0).stx(Size::DW, R6, at, R2);
        }
        for (size, at) in [(Narrow::B, 40), (Narrow::H, 48), (Narrow::W, 56)] {
            a.insn(Insn::LoadSx { size, dst: R2, base: R6, off: 0 }).stx(Size::DW, R6, at, R2);
        }
        a.mov(R0, 0).exit();
        let number = 0xf1f2_f3f4_f5f6_f7f8;
        let (_, context) = run_on(endian, a.finish(), &[number, 0, 0, 0, 0, 0, 0, 0]);
        let low = |bits: u32| match endian {
            Endian::Little => number & (u64::MAX >> (64 - bits)),
            Endian::Big => number >> (64 - bits),
        };
        let signed = |bits: u32| low(bits) | u64::MAX << bits;
        let expected = [number, low(8), low(16), low(32), number, signed(8), signed(16), signed(32)];
        assert_eq!(context, expected, "{endian:?}");
    }
}

#[test]
fn stores_take_the_low_bytes() {
    for endian in [Endian::Little, Endian::Big] {
        let mut a = assembler();
        a.load_imm64(R2, 0x1122_3344_5566_7788_u64);
        for (size, at) in [(Size::B, 0), (Size::H, 8), (Size::W, 16), (Size::DW, 24)] {
            a.stx(size, R1, at, R2).st(size, R1, at + 32, -2);
        }
        a.mov(R0, 0).exit();
        let (_, context) = run_on(endian, a.finish(), &[0; 8]);
        let place = |number: u64, bits: u32| match endian {
            Endian::Little => number & (u64::MAX >> (64 - bits)),
            Endian::Big => number << (64 - bits),
        };
        let sizes = [8, 16, 32, 64];
        let expected = [0x1122_3344_5566_7788, u64::MAX - 1]
            .into_iter()
            .flat_map(|number| sizes.map(|bits| place(number, bits)));
        assert_eq!(context, expected.collect::<Vec<_>>(), "{endian:?}");
    }
}

/// What memory, the source and r0 hold afterwards; all three held the same before, but for the source.
fn atomic(op: AtomicOp, width: Width, memory: u64, operand: u64, r0: u64) -> [u64; 3] {
    let mut a = assembler();
    a.mov(R6, R1).load_imm64(R2, operand).load_imm64(R0, r0);
    a.insn(Insn::Atomic { op, width, base: R6, off: 0, src: R2 });
    a.stx(Size::DW, R6, 8, R2).stx(Size::DW, R6, 16, R0).mov(R0, 0).exit();
    run_on(Endian::Little, a.finish(), &[memory, 0, 0]).1.try_into().unwrap()
}

#[test]
fn atomics() {
    const MEMORY: u64 = 0xf0f0_f0f0_8000_0001;
    const OPERAND: u64 = 0x1111_1111_ffff_ffff;
    for &op in AtomicOp::ALL {
        for &width in Width::ALL {
            for r0 in [MEMORY, 5] {
                let low = |number: u64| if width == Width::Bits32 { number & 0xffff_ffff } else { number };
                let (old, operand) = (low(MEMORY), low(OPERAND));
                let equal = old == low(r0);
                let new = low(match op {
                    AtomicOp::Add | AtomicOp::FetchAdd => old.wrapping_add(operand),
                    AtomicOp::Or | AtomicOp::FetchOr => old | operand,
                    AtomicOp::And | AtomicOp::FetchAnd => old & operand,
                    AtomicOp::Xor | AtomicOp::FetchXor => old ^ operand,
                    AtomicOp::Xchg => operand,
                    AtomicOp::CmpXchg if equal => operand,
                    AtomicOp::CmpXchg => old,
                });
                let compares = op == AtomicOp::CmpXchg;
                let source = if op.fetches() && !compares { old } else { OPERAND };
                let expected = [MEMORY - old + new, source, if compares { old } else { r0 }];
                assert_eq!(atomic(op, width, MEMORY, OPERAND, r0), expected, "{op:?} {width:?} {r0:#x}");
            }
        }
    }
}

#[test]
fn acquire_and_release() {
    for endian in [Endian::Little, Endian::Big] {
        for &size in Size::ALL {
            let mut a = assembler();
            a.insn(Insn::LoadAcquire { size, dst: R2, base: R1, off: 0 });
            a.insn(Insn::StoreRelease { size, base: R1, off: 8, src: R2 });
            a.mov(R0, R2).exit();
            let (result, context) = run_on(endian, a.finish(), &[0x1122_3344_5566_7788, 0]);
            let bits = 8 * u32::from(size.bytes());
            let (low, stored) = match endian {
                Endian::Little => (context[0] & (u64::MAX >> (64 - bits)), result),
                Endian::Big => (context[0] >> (64 - bits), result << (64 - bits)),
            };
            assert_eq!((result, context[1]), (low, stored), "{size:?} {endian:?}");
        }
    }
}

#[test]
fn a_pointer_on_the_stack_comes_back() {
    let mut a = assembler();
    a.st(Size::DW, FP, -8, 42).mov(R1, FP).add(R1, -8).stx(Size::DW, FP, -16, R1);
    a.ldx(Size::DW, R2, FP, -16).ldx(Size::DW, R0, R2, 0).exit();
    assert_eq!(result_of(a.finish()), 42);
}

#[test]
fn a_packet_ends_where_it_ends() {
    let code = || -> Assembled {
        let mut a = assembler();
        let short = a.label();
        a.ldx(Size::W, R2, R1, 0).ldx(Size::W, R3, R1, 4).mov(R0, R2).add(R0, 20);
        a.jgt(R0, R3, short).ldx(Size::B, R0, R2, 19).st(Size::B, R2, 0, 7).exit();
        a.bind(short).mov(R0, -1).exit();
        a.finish()
    };
    let mut machine = machine(&object_of(ProgramKind::XDP, code()));
    let mut packet = [0; 20];
    packet[19] = 9;
    let outcome = machine.run("prog", &Input::packet(&packet)).unwrap();
    assert_eq!((outcome.retval, outcome.packet[0], outcome.packet.len()), (9, 7, 20));
    assert_eq!(machine.run("prog", &Input::packet(&packet[..19])).unwrap().retval, u32::MAX);
}

/// A program that counts under key 1, and the maps it could count in.
fn counter(endian: Endian, spec: MapSpec<u32, u64>) -> Object {
    let mut a = assembler();
    let out = a.label();
    a.st(Size::W, FP, -4, 1).load_map(R1, "counts").mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).ldx(Size::DW, R1, R0, 0).add(R1, 1).stx(Size::DW, R0, 0, R1);
    a.bind(out).mov(R0, 0).exit();
    let mut object = ObjectBuilder::new("counter").license("GPL").endian(endian);
    object.add_map(spec.max_entries(4));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    object.finish().unwrap()
}

#[test]
fn programs_and_users_see_the_same_map() {
    for endian in [Endian::Little, Endian::Big] {
        for spec in [MapSpec::array("counts"), MapSpec::hash("counts")] {
            let mut machine = machine(&counter(endian, spec));
            machine.map::<u32, u64>("counts").unwrap().update(&1, &40, ElemFlags::empty()).unwrap();
            machine.run("prog", &Input::empty()).unwrap();
            machine.run("prog", &Input::empty()).unwrap();
            assert_eq!(machine.map::<u32, u64>("counts").unwrap().get(&1).unwrap(), Some(42));
        }
    }
}

#[test]
fn a_hash_is_full_when_it_is() {
    let mut machine = machine(&counter(Endian::Little, MapSpec::hash("counts")));
    let mut map = machine.map::<u32, u64>("counts").unwrap();
    for key in 0..4 {
        map.update(&key, &u64::from(key), ElemFlags::NOEXIST).unwrap();
    }
    let refused = |result: Result<(), MapError>| match result {
        Err(MapError::Refused { errno, .. }) => errno.name().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(map.update(&4, &0, ElemFlags::empty())), "E2BIG");
    assert_eq!(refused(map.update(&4, &0, ElemFlags::EXIST)), "ENOENT");
    assert_eq!(refused(map.update(&3, &0, ElemFlags::NOEXIST)), "EEXIST");
    assert_eq!(refused(map.update(&3, &0, ElemFlags::LOCK)), "EINVAL");
    assert_eq!(refused(map.delete(&4)), "ENOENT");
    map.update(&3, &33, ElemFlags::EXIST).unwrap();
    map.delete(&0).unwrap();
    map.update(&9, &99, ElemFlags::empty()).unwrap();
    let mut entries = map.entries().unwrap();
    entries.sort_unstable();
    assert_eq!(entries, [(1, 1), (2, 2), (3, 33), (9, 99)]);
}
