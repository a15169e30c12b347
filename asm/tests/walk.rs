//! The whole instruction set, walked: what is valid survives both ways, what is not is refused with its field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use bpfsmith_asm::{Assembler, DecodeError, Endian, Field, Insn, Isa, Slot, walk};
use proptest::prelude::*;

fn encoded(insn: Insn) -> Vec<Slot> {
    insn.encode().into_iter().collect()
}

/// Checks one slot (and what may follow it): valid encodings come back as they were, others name what is wrong.
fn check(slots: &[Slot]) -> Option<Insn> {
    match Insn::decode(slots) {
        Ok((insn, taken)) => {
            assert_eq!(encoded(insn), slots[..taken], "{insn:?}");
            Some(insn)
        }
        Err(DecodeError::Opcode { opcode }) => {
            assert_eq!(opcode, slots[0].opcode());
            None
        }
        Err(DecodeError::Field { opcode, field, value }) => {
            assert_eq!(opcode, slots[0].opcode());
            assert_eq!(value, field_of(slots[0], field));
            None
        }
        Err(DecodeError::SecondSlot { field, value }) => {
            assert_eq!(value, field_of(slots[1], field));
            None
        }
        Err(error) => panic!("{error:?} of {slots:?}"),
    }
}

fn field_of(slot: Slot, field: Field) -> i32 {
    match field {
        Field::Opcode => slot.opcode().into(),
        Field::Dst => slot.dst().into(),
        Field::Src => slot.src().into(),
        Field::Off => slot.off().into(),
        Field::Imm => slot.imm(),
    }
}

#[test]
fn every_instruction_survives_encoding_and_decoding() {
    for insn in walk::all() {
        let slots = encoded(insn);
        assert_eq!(Insn::decode(&slots), Ok((insn, slots.len())));
        for endian in [Endian::Little, Endian::Big] {
            for slot in &slots {
                assert_eq!(Slot::from_bytes(slot.to_bytes(endian), endian), *slot);
            }
        }
    }
}

#[test]
fn the_assembler_emits_every_instruction_as_it_is() {
    let exit = Insn::Exit.encode().first();
    for insn in walk::all() {
        let mut a = Assembler::with_isa(Isa::all());
        a.insn(insn).insn(Insn::Exit);
        let slots: Vec<Slot> = a.finish().unwrap().slots().collect();
        assert_eq!(slots, [encoded(insn), vec![exit]].concat());
        assert_eq!(a.finish().unwrap().isa(), insn.isa() | Insn::Exit.isa());
    }
}

#[test]
fn the_walk_has_no_doubles() {
    let all: Vec<Insn> = walk::all().collect();
    let slots: BTreeSet<String> = all.iter().map(|insn| format!("{:?}", insn.encode())).collect();
    assert_eq!(slots.len(), all.len());
    assert_eq!(all.len(), 185);
}

/// Numbers that select an operation somewhere, and some that never do.
const OFFS: [i16; 14] = [0, 1, 2, 8, 9, 15, 16, 17, 24, 32, 64, -1, -8, i16::MIN];
const IMMS: [i32; 34] = [
    0,
    1,
    2,
    8,
    16,
    24,
    32,
    33,
    64,
    0x10,
    0x20,
    0x40,
    0x41,
    0x50,
    0x51,
    0x60,
    0x61,
    0xa0,
    0xa1,
    0xb0,
    0xe0,
    0xe1,
    0xf0,
    0xf1,
    0x100,
    0x101,
    0x110,
    0x111,
    0x1e1,
    65536,
    65537,
    0x20000,
    -1,
    i32::MIN,
];

/// Every source nibble with the destinations that make a difference.
fn registers() -> impl Iterator<Item = (u8, u8)> {
    (0..16).flat_map(|src| [0, 1, 10, 11, 15].map(|dst| (dst, src)))
}

#[test]
fn every_opcode_with_every_source_and_telling_offsets_and_immediates() {
    let second = Slot::new(0, 0, 0, 0, 0).unwrap();
    let mut valid_opcodes = BTreeSet::new();
    let mut valid = 0u32;
    for opcode in 0..=255 {
        for (dst, src) in registers() {
            for off in OFFS {
                for imm in IMMS {
                    let slot = Slot::new(opcode, dst, src, off, imm).unwrap();
                    if let Some(insn) = check(&[slot, second]) {
                        valid_opcodes.insert(opcode);
                        valid += 1;
                        assert!(!insn.isa().is_empty());
                    }
                }
            }
        }
    }
    let walked: BTreeSet<u8> = walk::all().map(|insn| insn.encode().first().opcode()).collect();
    assert_eq!(valid_opcodes, walked, "the walk has every opcode there is");
    assert!(valid > 10_000, "{valid}");
}

#[test]
fn every_offset() {
    let opcodes = walk::all().map(|insn| insn.encode().first().opcode()).collect::<BTreeSet<_>>();
    for opcode in opcodes {
        let stack_args = matches!(opcode, 0x79..=0x7b);
        let pairs: &[(u8, u8)] = if stack_args { &[(1, 0), (1, 11), (11, 0), (11, 1)] } else { &[(1, 0)] };
        for off in i16::MIN..=i16::MAX {
            for &(dst, src) in pairs {
                let slot = Slot::new(opcode, dst, src, off, 0).unwrap();
                check(&[slot, Slot::new(0, 0, 0, 0, 0).unwrap()]);
            }
        }
    }
}

#[test]
fn every_small_immediate_of_atomics_swaps_and_casts() {
    for opcode in [0xc3, 0xcb, 0xd3, 0xdb, 0xd4, 0xd7, 0xdc, 0xdf, 0xbf] {
        let valid = (-70_000..70_000).filter(|imm| {
            let off = i16::from(opcode == 0xbf);
            check(
                &[Slot::new(opcode, 1, 2 * u8::from(opcode & 7 == 3 || opcode == 0xbf), off, *imm).unwrap()],
            )
            .is_some()
        });
        let expected = match opcode {
            0xc3 | 0xdb => 12,
            0xcb | 0xd3 => 2,
            0xd4 | 0xd7 | 0xdc => 3,
            0xdf => 0,
            _ => 2,
        };
        assert_eq!(valid.count(), expected, "{opcode:02x}");
    }
}

#[test]
fn the_second_half_of_a_wide_load_holds_a_number_and_nothing_else() {
    for form in 0..=15 {
        let first = Slot::new(0x18, 1, form, 0, 7).unwrap();
        assert_eq!(Insn::decode(&[first]), Err(DecodeError::Truncated));
        for imm in [0, 1, -1] {
            check(&[first, Slot::new(0, 0, 0, 0, imm).unwrap()]);
        }
        for (opcode, dst, src, off, field) in [
            (5, 0, 0, 0, Field::Opcode),
            (0, 5, 0, 0, Field::Dst),
            (0, 0, 5, 0, Field::Src),
            (0, 0, 0, 5, Field::Off),
        ] {
            let second = Slot::new(opcode, dst, src, off, 0).unwrap();
            assert_eq!(Insn::decode(&[first, second]), Err(DecodeError::SecondSlot { field, value: 5 }));
        }
    }
}

#[test]
fn nothing_to_decode() {
    assert_eq!(Insn::decode(&[]), Err(DecodeError::Empty));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_decode_to_what_encodes_to_them(bytes: [[u8; 8]; 2], big: bool) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let slots = bytes.map(|bytes| Slot::from_bytes(bytes, endian));
        prop_assert_eq!(slots.map(|slot| slot.to_bytes(endian)), bytes);
        check(&slots);
    }

    #[test]
    fn changing_a_field_of_a_valid_instruction_is_valid_or_refused(
        which in 0..185usize, dst in 0..16u8, src in 0..16u8, off: i16, imm: i32, keep in 0..16u8
    ) {
        let slots = encoded(walk::all().nth(which).unwrap());
        let old = slots[0];
        let pick = |bit: u8| keep & bit != 0;
        let slot = Slot::new(
            old.opcode(),
            if pick(1) { old.dst() } else { dst },
            if pick(2) { old.src() } else { src },
            if pick(4) { old.off() } else { off },
            if pick(8) { old.imm() } else { imm },
        ).unwrap();
        check(&[slot, slots.get(1).copied().unwrap_or(slot)]);
    }
}
