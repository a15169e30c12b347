//! What a finished function is: equality, places, relocations, its debug form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bpfsmith_asm::{
    Assembler, BtfScope, Code, CoreKind, CoreReloc, Endian, Helper, Insn, Isa, Loc, LocId, Reg::*, Reloc,
    RelocKind, Size, Slot, SymbolId,
};

fn two() -> [Code; 2] {
    [0, 1].map(|which| {
        let mut a = Assembler::new();
        if which == 0 {
            a.load_map(R1, "m").exit();
        } else {
            a.load_map(R1, "m");
            a.exit();
        }
        a.finish().unwrap()
    })
}

#[test]
fn locations_do_not_count_in_equality() {
    let [one, other] = two();
    assert_eq!(one, other);
    assert_ne!(one.locs(), other.locs());
}

#[test]
fn names_and_slots_do_count() {
    let [code, _] = two();
    let mut a = Assembler::new();
    a.load_map(R1, "n").exit();
    assert_ne!(code, a.finish().unwrap());
    a.clear();
    a.load_map(R2, "m").exit();
    assert_ne!(code, a.finish().unwrap());
}

#[test]
fn every_relocation_leaves_its_field_zero_and_its_form_in_the_slot() {
    let mut a = Assembler::with_isa(Isa::all());
    let load = Insn::Load { size: Size::W, dst: R1, base: R2, off: 0 };
    a.load_map(R1, "map")
        .load_map_value(R1, "value", 12)
        .call_function("function")
        .load_function(R2, "callback")
        .call_kfunc("kfunc")
        .load_ksym(R1, "ksym")
        .load_ksym_typed(R1, "typed")
        .load_btf_id(R1, BtfScope::Program, "struct elem")
        .core(load, CoreKind::FieldByteOffset, "struct task_struct", 3, "0:1")
        .exit();
    let code = a.finish().unwrap();
    let seen: Vec<_> = code.relocs().iter().map(|r| (r.slot, code.symbol(r.symbol))).collect();
    let expected = [
        (0, "map"),
        (2, "value"),
        (4, "function"),
        (5, "callback"),
        (7, "kfunc"),
        (8, "ksym"),
        (10, "typed"),
        (12, "struct elem"),
        (13, "struct task_struct"),
    ];
    assert_eq!(seen, expected);
    let forms: Vec<u8> =
        code.relocs().iter().map(|r| code.slot(r.slot as usize).unwrap()).map(Slot::src).collect();
    assert_eq!(forms, [1, 2, 1, 4, 2, 0, 3, 0, 2]);
    assert!(code.slots().enumerate().all(|(index, slot)| slot.imm() == if index == 3 { 12 } else { 0 }));
    let RelocKind::Core(core) = code.relocs()[8].kind else { panic!() };
    assert_eq!((core.kind, core.type_id, code.symbol(core.access)), (CoreKind::FieldByteOffset, 3, "0:1"));
}

#[test]
fn names_are_numbered_in_the_order_of_first_use() {
    let mut a = Assembler::new();
    a.load_map(R1, "b").load_map(R1, "a").load_map(R1, "b").call_function("a").exit();
    let code = a.finish().unwrap();
    assert_eq!(code.symbols().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(code.relocs().iter().map(|r| r.symbol.0).collect::<Vec<_>>(), [0, 1, 0, 1]);
    assert_eq!(code.symbol(SymbolId(2)), "");
}

#[test]
fn the_set_of_a_function_is_that_of_its_instructions() {
    let mut a = Assembler::with_isa(Isa::all());
    a.mov(R0, 0).exit();
    assert_eq!(a.finish().unwrap().isa(), Isa::BASE64 | Isa::BASE32);
    a.bswap(R1, 16).load_acquire(Size::B, R1, R2, 0).load_function(R1, "f");
    let added = Isa::CPUV4 | Isa::ACQUIRE_RELEASE | Isa::FUNCTION_ADDRESS;
    assert_eq!(a.finish().unwrap().isa(), Isa::BASE64 | Isa::BASE32 | added);
}

#[test]
fn from_parts_and_back() {
    let exit = Insn::Exit.encode().first();
    let loc = Loc::new("prog.bpf.c", 3, 7, Some(Arc::from("return 0;")));
    let lines = vec![(Insn::Call { helper: Helper(5) }.encode().first(), LocId::UNKNOWN), (exit, LocId(0))];
    let relocs = vec![Reloc { slot: 0, kind: RelocKind::Kfunc, symbol: SymbolId(0) }];
    let code =
        Code::from_parts(lines.clone(), vec![loc.clone()], relocs.clone(), vec![Arc::from("f")]).unwrap();
    assert_eq!(code.lines().collect::<Vec<_>>(), lines);
    assert_eq!((code.len(), code.is_empty(), code.slots().len()), (2, false, 2));
    assert_eq!((code.loc(0), code.loc(1), code.loc(2)), (None, Some(&loc), None));
    assert_eq!((code.loc_id(0), code.loc_id(1), code.loc_id(2)), (LocId::UNKNOWN, LocId(0), LocId::UNKNOWN));
    assert_eq!((code.slot(1), code.slot(2)), (Some(exit), None));
    assert_eq!(code.relocs(), relocs);
    assert_eq!(code.encode(Endian::Little), [0x85, 0, 0, 0, 5, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((loc.text(), loc.to_string()), (Some("return 0;"), "prog.bpf.c:3:7".into()));
}

#[test]
fn an_empty_function() {
    let code = Assembler::new().finish().unwrap();
    assert_eq!(code, Code::default());
    assert!(code.is_empty() && code.encode(Endian::Big).is_empty() && code.isa().is_empty());
}

#[test]
fn a_mistake_leaves_the_code_empty() {
    let [mut code, _] = two();
    assert!(Assembler::new().div(R1, 0).finish_into(&mut code).is_err());
    assert!(code.is_empty() && code.relocs().is_empty());
}

#[test]
fn the_first_mistake_is_the_one_that_is_told() {
    let mut a = Assembler::new();
    a.div(R1, 0).lsh(R1, 99).mov(R10, 0);
    assert!(matches!(a.finish(), Err(bpfsmith_asm::AsmError::DivisionByZero { .. })));
}

#[test]
fn the_debug_form_has_a_line_for_each_instruction() {
    let core = CoreReloc { kind: CoreKind::TypeSize, type_id: 4, access: SymbolId(1) };
    let relocs = vec![
        Reloc { slot: 0, kind: RelocKind::Map, symbol: SymbolId(0) },
        Reloc { slot: 3, kind: RelocKind::Core(core), symbol: SymbolId(2) },
    ];
    let mut lines: Vec<_> = [0x18, 0, 0xff, 0xb7, 0x95]
        .into_iter()
        .map(|opcode| (Slot::new(opcode, 0, 0, 0, 0).unwrap(), LocId(0)))
        .collect();
    lines[4].1 = LocId::UNKNOWN;
    let names = ["counters", "0", "struct elem"].map(Arc::from).to_vec();
    let code =
        Code::from_parts(lines, vec![Loc::new("/home/me/tool/src/main.rs", 7, 5, None)], relocs, names)
            .unwrap();
    insta::assert_snapshot!("debug", format!("{code:?}"));
}

#[test]
fn paths_never_depend_on_the_machine() {
    let cases = [
        ("src/main.rs", "src/main.rs"),
        ("tests/a/b.rs", "tests/a/b.rs"),
        ("/home/me/tool/src/main.rs", "tool/src/main.rs"),
        ("/home/me/src/tool/src/bin/main.rs", "tool/src/bin/main.rs"),
        (
            "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/tool-1.2.3/src/emit/a.rs",
            "tool-1.2.3/src/emit/a.rs",
        ),
        ("/home/me/tool/tests/it/main.rs", "tool/tests/it/main.rs"),
        ("/home/me/tool/examples/x.rs", "tool/examples/x.rs"),
        ("/home/me/tool/benches/x.rs", "tool/benches/x.rs"),
        ("/home/me/tool/build.rs", "build.rs"),
        ("/src/main.rs", "src/main.rs"),
        ("/main.rs", "main.rs"),
        ("/", ""),
        ("C:\\Users\\me\\tool\\src\\main.rs", "tool\\src\\main.rs"),
        ("", ""),
    ];
    for (path, file) in cases {
        let loc = Loc::new(path, 1, 1, None);
        assert_eq!((loc.file(), loc.path()), (file, path));
    }
}

#[test]
fn a_label_shows_where_it_was_made() {
    let label = Assembler::new().label();
    let line = line!() - 1;
    assert!(format!("{label:?}").contains(&format!("tests/code.rs:{line}:")), "{label:?}");
}

/// Which index a name has, and which names nothing uses, is not seen from outside.
#[test]
fn equal_is_what_has_the_same_bytes_and_names() {
    let core = |access, symbol| {
        let kind =
            RelocKind::Core(CoreReloc { kind: CoreKind::TypeExists, type_id: 3, access: SymbolId(access) });
        Reloc { slot: 1, kind, symbol: SymbolId(symbol) }
    };
    let call = |symbol| Reloc { slot: 0, kind: RelocKind::CallFunction, symbol: SymbolId(symbol) };
    let made = |relocs: Vec<Reloc>, names: &[&str]| {
        let lines = vec![(Insn::Exit.encode().first(), LocId::UNKNOWN); 2];
        Code::from_parts(lines, vec![], relocs, names.iter().map(|name| Arc::from(*name)).collect()).unwrap()
    };
    let code = made(vec![call(0), core(1, 2)], &["f", "0", "task_struct"]);
    assert_eq!(code, made(vec![call(1), core(2, 3)], &["unused", "f", "0", "task_struct"]));
    assert_ne!(code, made(vec![call(0), core(1, 2)], &["g", "0", "task_struct"]));
    assert_ne!(code, made(vec![call(0), core(1, 2)], &["f", "0:1", "task_struct"]));
    assert_ne!(code, made(vec![call(0), core(1, 2)], &["f", "0", "file"]));
    assert_ne!(code, made(vec![call(0)], &["f", "0", "task_struct"]));
}

/// A finished piece in the middle of another function: its jump, its names, its places, beside those that are there.
#[test]
fn a_finished_piece_is_taken_over() {
    let mut piece = Assembler::new();
    let out = piece.label();
    piece.load_map(R1, "inner").jeq(R1, 0, out).call_function("f");
    piece.core(Insn::LoadImm64 { dst: R2, value: 0 }, CoreKind::TypeSize, "t", 1, "0:1");
    piece.bind(out).mov(R0, 1);
    let piece = piece.finish().unwrap();

    let mut a = Assembler::new();
    let end = a.label();
    a.load_map(R3, "outer").jne(R3, 0, end).splice(&piece).splice(&piece).bind(end).exit();
    let code = a.finish().unwrap();
    let insns: Vec<_> = code.insns().map(|(_, insn)| insn.unwrap()).collect();
    // The piece is 7 slots long; its jump goes over the call and the 64-bit load.
    assert!(matches!(insns[1], Insn::Jump { off: 14, .. }), "{code:?}");
    assert!(matches!(insns[3], Insn::Jump { off: 3, .. }), "{code:?}");
    assert_eq!(insns[3], insns[8]);
    let names: Vec<_> = code.relocs().iter().map(|reloc| (reloc.slot, code.symbol(reloc.symbol))).collect();
    let expected = [(0, "outer"), (3, "inner"), (6, "f"), (7, "t"), (10, "inner"), (13, "f"), (14, "t")];
    assert_eq!(names, expected);
    let RelocKind::Core(core) = code.relocs()[6].kind else { panic!("{code:?}") };
    assert_eq!(code.symbol(core.access), "0:1");
    for slot in 0..piece.len() {
        assert_eq!(code.loc(3 + slot), piece.loc(slot));
        assert_eq!(code.loc(10 + slot), piece.loc(slot));
    }
    assert_eq!(a.finish(), Ok(code));
}

/// Places that are no calls of this program come along too.
#[test]
fn a_piece_from_elsewhere_keeps_its_places() {
    let lines = vec![(Slot::new(0x95, 0, 0, 0, 0).unwrap(), LocId(0))];
    let loc = Loc::new("other.c", 7, 1, Some("exit".into()));
    let piece = Code::from_parts(lines, vec![loc.clone()], Vec::new(), Vec::new()).unwrap();
    let mut a = Assembler::new();
    let code = a.mov(R0, 0).splice(&piece).finish().unwrap();
    assert_eq!(code.loc(1), Some(&loc));
}
