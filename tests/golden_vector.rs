//! The smallest object with a timer and its callback, against bytes that are known to load and fire: no kernel needed.
//!
//! The vector was written by hand and loaded into Linux 6.18. It names the map by descriptor 4, and its types carry no
//! lines.
#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/golden.rs"]
mod golden;

use bpfsmith::asm::Slot;
use bpfsmith::base::Endian;
use bpfsmith::map::MapKind;
use bpfsmith::plan::{Command, Plan, ProgLoad};
use bpfsmith::target::{Fact, Feature, Subject, Target};

const BTF: &str = "9feb0100180000000000000058000000580000001d000000\
    0100000000000001040000002000000105000000000000041000000\
    00f0000000100000410000000130000000200000000000000000000000000000d01000000\
    150000000100000c040000001a0000000000000c04000000\
    00696e74006270665f74696d65720076616c0074006d61696e00636200";

const PROGRAM: &str = "620afcff000000001811000004000000000000000000000\
    0bfa200000000000007020000fcffffff850000000100000015000f0000000000bf06000000000000bf61000000000000\
    18120000040000000000000000000000b70300000100000085000000a9000000bf61000000000000\
    1842000008000000000000000000000085000000aa000000bf61000000000000b702000040420f00\
    b70300000000000085000000ab000000b7000000000000009500000000000000b7000000000000009500000000000000";

/// Offsets of functions in slots, with their types.
const FUNC_INFO: [u32; 4] = [0, 5, 23, 6];

/// The descriptor of the map in the vector.
const MAP_FD: i32 = 4;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| byte.is_ascii_hexdigit()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The plan for a kernel, and the one program load in it.
fn planned(target: &Target) -> (Plan, ProgLoad) {
    let plan =
        Plan::new(&golden::object(Endian::Little), &target.clone().with_endian(Endian::Little)).unwrap();
    let load = plan.commands().find_map(|command| match command {
        Command::ProgLoad(load) => Some(load.as_ref().clone()),
        _ => None,
    });
    (plan, load.unwrap())
}

fn without_fd_array() -> Target {
    Target::of_kernel(5, 15).with_fact(Subject::Feature(Feature::FdArray), Fact::No)
}

#[test]
fn btf_is_the_vector() {
    let (plan, _) = planned(&without_fd_array());
    let Some(Command::BtfLoad(load)) = plan.commands().next() else { panic!("{plan}") };
    assert_eq!(load.bytes.len(), 141);
    assert_eq!(load.bytes.as_ref(), hex(BTF));
}

#[test]
fn program_with_maps_by_descriptor_is_the_vector() {
    let (_, load) = planned(&without_fd_array());
    assert!(load.fd_array.is_empty());
    let mut insns = load.insns.clone();
    for &(slot, _) in &load.fd_slots {
        let (slots, _) = insns.as_chunks_mut::<{ Slot::SIZE }>();
        let bytes = &mut slots[slot as usize];
        *bytes = Slot::from_bytes(*bytes, Endian::Little).with_imm(MAP_FD).to_bytes(Endian::Little);
    }
    assert_eq!(insns.len(), 25 * Slot::SIZE);
    assert_eq!(insns, hex(PROGRAM));
}

#[test]
fn program_with_maps_by_index_differs_in_the_two_map_loads_only() {
    let (_, load) = planned(&Target::of_kernel(6, 12));
    assert_eq!((load.fd_array.len(), load.fd_slots.len()), (1, 0));
    let vector = hex(PROGRAM);
    let pairs = load.insns.chunks(Slot::SIZE).zip(vector.chunks(Slot::SIZE));
    let differing: Vec<usize> =
        pairs.enumerate().filter(|(_, (ours, vector))| ours != vector).map(|(slot, _)| slot).collect();
    assert_eq!(differing, [1, 9]);
    assert_eq!(load.insns[8..16], [0x18, 0x51, 0, 0, 0, 0, 0, 0]);
    assert_eq!(load.insns[72..80], [0x18, 0x52, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn func_info_is_the_vector() {
    let (_, load) = planned(&without_fd_array());
    let btf = load.btf.unwrap();
    let expected: Vec<u8> = FUNC_INFO.iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!((btf.func_info, btf.line_info.len()), (expected, 0));
}

#[test]
fn the_map_has_the_types_of_the_vector() {
    let (plan, _) = planned(&without_fd_array());
    let map = plan.commands().find_map(|command| match command {
        Command::MapCreate(map) => Some(map.clone()),
        _ => None,
    });
    let map = map.unwrap();
    let btf = map.btf.unwrap();
    assert_eq!((map.kind, map.key_size, map.value_size, map.max_entries), (MapKind::ARRAY, 4, 16, 1));
    assert_eq!((btf.key, btf.value), (1, 3));
}
