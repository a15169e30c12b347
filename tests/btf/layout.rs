//! C layout. The expected offsets are clang 19's for x86-64 (`-fdump-record-layouts` for the bit-fields).

use bpfsmith::btf::{Btf, BtfType, Builder, SpinLock, StructDef, Timer, Type, TypeId};

fn offsets(build: impl FnOnce(&mut Builder) -> StructDef) -> (Vec<u32>, u32) {
    let mut b = Builder::new();
    let def = build(&mut b);
    let id = b.structure(def).unwrap();
    let btf: Btf = b.finish().unwrap();
    let (Type::Struct(def) | Type::Union(def)) = btf.get(id).unwrap() else { panic!("no struct") };
    (def.members.map(|member| member.bit_offset).collect(), def.size)
}

fn ids(b: &mut Builder) -> [TypeId; 5] {
    [u8::btf(b), u16::btf(b), u32::btf(b), u64::btf(b), <[u16; 3]>::btf(b)].map(Result::unwrap)
}

#[test]
fn padding() {
    let (bits, size) = offsets(|b| {
        let [u8_, u16_, u32_, u64_, array] = ids(b);
        StructDef::new("s")
            .member("a", u8_)
            .member("b", u16_)
            .member("c", array)
            .member("d", u64_)
            .member("e", u32_)
    });
    assert_eq!((bits, size), (vec![0, 16, 32, 128, 192], 32));
}

#[test]
fn packed_has_none() {
    let (bits, size) = offsets(|b| {
        let [u8_, _, u32_, u64_, _] = ids(b);
        StructDef::new("s").packed().member("a", u8_).member("d", u64_).bits("x", u32_, 3).bits("y", u32_, 30)
    });
    assert_eq!((bits, size), (vec![0, 8, 72, 75], 14));
}

#[test]
fn unions_overlay() {
    let (bits, size) = offsets(|b| {
        let [u8_, _, _, u64_, array] = ids(b);
        StructDef::union("u").member("a", u8_).member("b", array).member("c", u64_)
    });
    assert_eq!((bits, size), (vec![0, 0, 0], 8));
}

#[test]
fn bit_fields() {
    // struct { u32 a: 3, b: 30; u8 c: 5; u64 d: 40; u32 : 0; u32 e: 1; u16 f; }
    let (bits, size) = offsets(|b| {
        let [u8_, u16_, u32_, u64_, _] = ids(b);
        let def =
            StructDef::new("s").bits("a", u32_, 3).bits("b", u32_, 30).bits("c", u8_, 5).bits("d", u64_, 40);
        def.bits("", u32_, 0).bits("e", u32_, 1).member("f", u16_)
    });
    assert_eq!((bits, size), (vec![0, 32, 64, 69, 128, 144], 24));
}

#[test]
fn the_kernels_structs_are_aligned_although_they_are_told_without_members() {
    let (bits, size) = offsets(|b| {
        let (int, timer, lock) = (i32::btf(b).unwrap(), Timer::btf(b).unwrap(), SpinLock::btf(b).unwrap());
        StructDef::new("map_elem").member("counter", int).member("timer", timer).member("lock", lock)
    });
    assert_eq!((bits, size), (vec![0, 64, 192], 32));
}

#[test]
fn a_packed_struct_inside() {
    let (bits, size) = offsets(|b| {
        let [u8_, _, u32_, ..] = ids(b);
        let inner = b.structure(StructDef::new("inner").packed().member("a", u8_).member("b", u32_)).unwrap();
        StructDef::new("s").member("c", u8_).member("inner", inner).member("d", u32_)
    });
    assert_eq!((bits, size), (vec![0, 8, 64], 12));
}
