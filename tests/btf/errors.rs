//! One golden for each thing that can be wrong.

use bpfsmith::base::Endian;
use bpfsmith::btf::{
    Array, Btf, BtfError, Builder, DeclTag, Func, FuncProto, Int, IntEncoding, Linkage, Member, Param,
    Records, StructDef, Type, TypeId, VarSecInfo, View,
};

const VOID: TypeId = TypeId::VOID;

fn int(b: &mut Builder) -> TypeId {
    b.int("int", 4, IntEncoding::SIGNED).unwrap()
}

type Case = fn(&mut Builder) -> Result<TypeId, BtfError>;

/// What a builder says to each of these.
fn told(cases: &[(&str, Case)]) -> String {
    let mut text = String::new();
    for (name, case) in cases {
        let error = case(&mut Builder::new()).expect_err(name);
        text.push_str(&format!("{name}\n    {error}\n"));
    }
    text
}

fn raw_int(
    b: &mut Builder,
    size: u32,
    encoding: IntEncoding,
    bit_offset: u8,
    bits: u8,
) -> Result<TypeId, BtfError> {
    b.add(&Type::Int(Int { name: "odd".into(), size, encoding, bit_offset, bits }))
}

fn members(b: &mut Builder, size: u32, union: bool, members: &[Member<'_>]) -> Result<TypeId, BtfError> {
    let def = bpfsmith::btf::Composite { name: "s".into(), size, members: Records::from(members) };
    b.add(&if union { Type::Union(def) } else { Type::Struct(def) })
}

const fn member(name: &str, ty: TypeId, bit_offset: u32, bits: u8) -> Member<'_> {
    Member { name: bpfsmith::btf::Name::new(name.as_bytes()), ty, bit_offset, bits }
}

#[test]
fn names() {
    insta::assert_snapshot!(told(&[
        ("typedef without a name", |b| b.typedef("", VOID)),
        ("forward declaration without a name", |b| b.fwd("", false)),
        ("digit first", |b| b.structure(StructDef::new("1st"))),
        ("space", |b| b.structure(StructDef::new("a b"))),
        ("not ASCII", |b| b.structure(StructDef::new("größe"))),
        ("too long", |b| b.typedef(&"x".repeat(513), VOID)),
        ("member", |b| {
            let int = int(b);
            b.structure(StructDef::new("elem").member("a-b", int))
        }),
        ("enumerator", |b| b.enumeration("e", 4, false, &[("A", 0), ("", 1)])),
        ("section", |b| b.datasec("a\nb", 8, &[])),
        ("tag", |b| b.type_tag("", VOID)),
        ("NUL", |b| b.int("a\0b", 4, IntEncoding::empty())),
        ("string", |b| b.string("a\0b").map(|_| VOID)),
    ]));
}

#[test]
fn numbers() {
    insta::assert_snapshot!(told(&[
        ("bits beyond the size", |b| raw_int(b, 4, IntEncoding::empty(), 0, 33)),
        ("more than 128 bits", |b| b.int("odd", 17, IntEncoding::empty())),
        ("two encodings", |b| raw_int(b, 4, IntEncoding::SIGNED | IntEncoding::CHAR, 0, 32)),
        ("enumeration of 3 bytes", |b| b.enumeration("e", 3, false, &[])),
        ("enumeration of 16 bytes", |b| b.enumeration64("e", 16, false, &[])),
        ("float of 3 bytes", |b| b.float("odd", 3)),
        ("65,536 values", |b| b.enumeration("e", 4, false, &vec![("A", 0); 65_536])),
    ]));
}

#[test]
fn references() {
    insta::assert_snapshot!(told(&[
        ("no such type", |b| b.ptr(TypeId(7))),
        ("void itself", |b| b.add(&Type::Void)),
        ("array of void", |b| b.array(VOID, 1)),
        ("array of forward", |b| {
            let fwd = b.fwd("later", false)?;
            b.array(fwd, 1)
        }),
        ("array index", |b| {
            let float = b.float("float", 4)?;
            b.add(&Type::Array(Array { element: float, index: float, len: 1 }))
        }),
        ("array of odd integers", |b| {
            let (int, odd) = (int(b), raw_int(b, 4, IntEncoding::empty(), 0, 7)?);
            b.add(&Type::Array(Array { element: odd, index: int, len: 1 }))
        }),
        ("array too long", |b| {
            let int = int(b);
            b.array(int, 1 << 30)
        }),
        ("pointer to a variable", |b| {
            let int = int(b);
            let var = b.var("v", int, Linkage::Global)?;
            b.ptr(var)
        }),
        ("function without prototype", |b| {
            let int = int(b);
            b.func("f", int, Linkage::Global)
        }),
        ("function with a parameter without name", |b| {
            let int = int(b);
            let proto = b.func_proto(int, &[("a", int), ("", int)])?;
            b.add(&Type::Func(Func { name: "f".into(), proto, linkage: Linkage::Static }))
        }),
        ("parameter of void", |b| b.func_proto(VOID, &[("a", VOID)])),
        ("dots in the middle", |b| {
            let int = int(b);
            let params = [Param { name: "".into(), ty: VOID }, Param { name: "a".into(), ty: int }];
            b.add(&Type::FuncProto(FuncProto { ret: VOID, params: Records::from(&params[..]) }))
        }),
        ("returns a function", |b| {
            let proto = b.func_proto(VOID, &[])?;
            b.func_proto(proto, &[])
        }),
        ("variable of void", |b| b.var("v", VOID, Linkage::Global)),
        ("tag on an integer", |b| {
            let int = int(b);
            b.decl_tag("tag", int, None)
        }),
        ("tag on a member that is not there", |b| {
            let int = int(b);
            let elem = b.structure(StructDef::new("elem").member("a", int))?;
            b.add(&Type::DeclTag(DeclTag {
                name: "tag".into(),
                target: elem,
                component: Some(1),
                attribute: false,
            }))
        }),
    ]));
}

#[test]
fn structs() {
    insta::assert_snapshot!(told(&[
        ("order", |b| {
            let int = int(b);
            members(b, 8, false, &[member("a", int, 32, 0), member("b", int, 0, 0)])
        }),
        ("union", |b| {
            let int = int(b);
            members(b, 8, true, &[member("a", int, 0, 0), member("b", int, 32, 0)])
        }),
        ("beyond the end", |b| {
            let int = int(b);
            members(b, 6, false, &[member("a", int, 0, 0), member("b", int, 32, 0)])
        }),
        ("pointer within a byte", |b| {
            let ptr = b.ptr(VOID)?;
            members(b, 16, false, &[member("a", ptr, 4, 0)])
        }),
        ("integer within a byte, beside a bit-field", |b| {
            let int = int(b);
            members(b, 16, false, &[member("a", int, 0, 3), member("b", int, 3, 0)])
        }),
        ("float misaligned", |b| {
            let double = b.float("double", 8)?;
            members(b, 16, false, &[member("a", double, 32, 0)])
        }),
        ("bit-field too wide", |b| {
            let int = int(b);
            members(b, 16, false, &[member("a", int, 0, 33)])
        }),
        ("bit-field of a pointer", |b| {
            let ptr = b.ptr(VOID)?;
            members(b, 16, false, &[member("a", ptr, 0, 3)])
        }),
        ("bit-field too far", |b| {
            let int = int(b);
            members(b, 1 << 22, false, &[member("a", int, 1 << 24, 3)])
        }),
        ("no size", |b| {
            let fwd = b.fwd("later", false)?;
            b.structure(StructDef::new("elem").member("a", fwd))
        }),
        ("itself", |b| {
            let list = b.declare("list", false)?;
            b.define(list, StructDef::new("").member("next", list)).map(|()| list)
        }),
        ("size given too small", |b| {
            let int = int(b);
            b.structure(StructDef::new("elem").member("a", int).member("b", int).size(7))
        }),
        ("too long", |b| {
            let int = int(b);
            let array = b.array(int, (1 << 30) - 1)?;
            b.structure(StructDef::new("elem").member("a", array).member("b", array))
        }),
        ("defined twice", |b| {
            let list = b.declare("list", false)?;
            b.define(list, StructDef::new(""))?;
            b.define(list, StructDef::new("")).map(|()| list)
        }),
        ("defined without a declaration", |b| {
            let int = int(b);
            b.define(int, StructDef::new("elem")).map(|()| int)
        }),
    ]));
}

#[test]
fn sections() {
    fn var(b: &mut Builder) -> TypeId {
        let int = int(b);
        b.var("v", int, Linkage::Global).unwrap()
    }
    insta::assert_snapshot!(told(&[
        ("empty", |b| b.datasec(".data", 0, &[])),
        ("no variable", |b| {
            let var = int(b);
            b.datasec(".data", 8, &[VarSecInfo { var, offset: 0, size: 4 }])
        }),
        ("overlap", |b| {
            let var = var(b);
            let at = |offset| VarSecInfo { var, offset, size: 4 };
            b.datasec(".data", 8, &[at(0), at(3)])
        }),
        ("beyond the end", |b| {
            let var = var(b);
            b.datasec(".data", 8, &[VarSecInfo { var, offset: 5, size: 4 }])
        }),
        ("too small", |b| {
            let var = var(b);
            b.datasec(".data", 8, &[VarSecInfo { var, offset: 0, size: 3 }])
        }),
    ]));
}

#[test]
fn the_whole() {
    let undefined = || {
        let mut b = Builder::new();
        b.declare("list", false).unwrap();
        b.finish()
    };
    let tags = || {
        let mut b = Builder::new();
        let tag = b.type_tag("user", VOID).unwrap();
        b.constant(tag).unwrap();
        b.finish()
    };
    let lock = |offset| {
        let mut b = Builder::new();
        let int = int(&mut b);
        let lock = b.structure(StructDef::new("bpf_spin_lock").size(4)).unwrap();
        b.structure(
            StructDef::new("elem").member("a", int).member_at("lock", lock, offset).member("b", lock),
        )
        .unwrap();
        b.finish()
    };
    let alone = || {
        let mut b = Builder::new();
        let lock = b.structure(StructDef::new("bpf_spin_lock").size(4)).unwrap();
        b.structure(StructDef::new("elem").member_at("lock", lock, 2)).unwrap();
        b.finish()
    };
    let cases: [(&str, Result<Btf, BtfError>); 5] = [
        ("no types", Builder::new().finish()),
        ("declared only", undefined()),
        ("tags behind const", tags()),
        ("two locks", lock(4)),
        ("a lock the kernel does not find", alone()),
    ];
    let told: String = cases.map(|(name, case)| format!("{name}\n    {}\n", case.expect_err(name))).concat();
    insta::assert_snapshot!(told);
}

/// A base with one type of each of these, to be spoiled.
fn sample() -> Vec<u8> {
    let mut b = Builder::new();
    let int = int(&mut b);
    let ptr = b.ptr(int).unwrap();
    b.array(ptr, 3).unwrap();
    let proto = b.func_proto(int, &[("a", ptr)]).unwrap();
    let func = b.func("f", proto, Linkage::Global).unwrap();
    b.decl_tag("tag", func, Some(0)).unwrap();
    b.finish().unwrap().encode(Endian::Little)
}

fn spoiled(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut sample = sample();
    sample[at..at + bytes.len()].copy_from_slice(bytes);
    sample
}

#[test]
fn bytes() {
    let sample = sample();
    let word = |at, word: u32| spoiled(at, &word.to_le_bytes());
    let types = u32::from_le_bytes(sample[12..16].try_into().unwrap());
    let cases = [
        ("nothing", Vec::new()),
        ("half a header", sample[..13].to_vec()),
        ("magic", spoiled(0, b"\x7fELF")),
        ("version", spoiled(2, &[2])),
        ("flags", spoiled(3, &[1])),
        ("header longer than all", word(4, 4000)),
        ("types misaligned", word(8, 2)),
        ("types too long", word(12, 4000)),
        ("strings too long", word(20, 4000)),
        ("sections overlap", word(16, types - 4)),
        ("bytes left over", [sample.clone(), vec![0]].concat()),
        ("no types", [&sample[..8], &[0; 12], &[1, 0, 0, 0], &[0]].concat()),
        ("strings do not end", spoiled(sample.len() - 1, b"x")),
        ("strings do not start", spoiled(24 + types as usize, b"x")),
        ("kind 0", spoiled(24 + 7, &[0])),
        ("kind 31", spoiled(24 + 7, &[31])),
        ("list longer than the section", spoiled(24 + 16 + 12 + 24 + 4, &[99])),
        (
            "cut within a type",
            [&sample[..12], &[6, 0, 0, 0, 6, 0, 0, 0], &sample[20..24], &sample[24..]].concat(),
        ),
    ];
    let told: String = cases
        .map(|(name, bytes)| match View::new(&bytes) {
            Err(error) => format!("{name}\n    {error}\n"),
            Ok(view) => format!("{name}\n    {}\n", view.check().expect_err(name)),
        })
        .concat();
    insta::assert_snapshot!(told);
}

#[test]
fn words() {
    // Where the types start: INT, PTR, ARRAY, FUNC_PROTO, FUNC, DECL_TAG.
    let (int, ptr, array, proto, func, tag) = (24, 40, 52, 76, 96, 108);
    let word = |at, word: u32| spoiled(at, &word.to_le_bytes());
    let cases = [
        ("name outside", word(int, 4000)),
        ("parameter's name outside", word(proto + 12, 4000)),
        ("pointer with a name", word(ptr, 1)),
        ("pointer with a list", spoiled(ptr + 4, &[1])),
        ("pointer with a flag", spoiled(ptr + 7, &[0x82])),
        ("array with a size", word(array + 8, 4)),
        ("reserved bits of an integer", spoiled(int + 15, &[0x10])),
        ("name that is empty at an offset", word(func, 4)),
        ("linkage 2", spoiled(func + 4, &[2])),
        ("linkage 3", spoiled(func + 4, &[3])),
        ("component below -1", word(tag + 12, u32::MAX - 1)),
        ("pointer to itself", word(ptr + 8, 2)),
        ("pointer to nowhere", word(ptr + 8, 77)),
        ("array of itself", word(array + 12, 3)),
    ];
    let told: String = cases
        .map(|(name, bytes)| {
            let view = View::new(&bytes).expect(name);
            format!("{name}\n    {}\n", view.check().expect_err(name))
        })
        .concat();
    insta::assert_snapshot!(told);
}
