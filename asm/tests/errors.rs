//! Every message as it is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{panic::Location, sync::Arc};

use bpfsmith_asm::{
    AsmError, Assembler, Cast, Code, CodeError, CoreKind, CoreReloc, DecodeError, Field, Insn, Isa, Loc,
    LocId, MapRef, NoSuchRegister, Reg::*, Reloc, RelocKind, Size, Slot, SymbolId,
};

/// The lines move when this file is edited; what matters is that there is one, of this file.
fn shown(error: &AsmError) -> String {
    let mut text = error.to_string();
    for (loc, name) in [(Some(error.loc()), "HERE"), (error.other(), "THERE")] {
        if let Some(loc) = loc {
            assert_eq!(loc.file(), "asm/tests/errors.rs".trim_start_matches(prefix(loc)), "{loc}");
            text = text.replace(&loc.to_string(), name);
        }
    }
    assert!(!text.contains("errors.rs"), "{text}");
    text
}

/// Depending on where the compiler was started, paths begin at the workspace or at the package.
fn prefix(loc: &Loc) -> &'static str {
    if loc.file().starts_with("asm/") { "" } else { "asm/" }
}

fn error(isa: Isa, emit: impl FnOnce(&mut Assembler)) -> AsmError {
    let mut a = Assembler::with_isa(isa);
    emit(&mut a);
    a.finish().unwrap_err()
}

fn message(emit: impl FnOnce(&mut Assembler)) -> String {
    shown(&error(Isa::V3, emit))
}

macro_rules! golden {
    ($($test:ident: $message:expr;)+) => {
        $(
            #[test]
            fn $test() {
                insta::assert_snapshot!(stringify!($test), $message);
            }
        )+
    };
}

golden! {
    immediate_64: message(|a| { a.add(R1, 1i64 << 40); });
    immediate_32: message(|a| { a.jump_if_32(1 << 40); });
    stored_1: message(|a| { a.st(Size::B, R10, -8, 256); });
    stored_2: message(|a| { a.st(Size::H, R10, -8, 65536); });
    stored_4: message(|a| { a.st(Size::W, R10, -8, 1i64 << 32); });
    stored_8: message(|a| { a.st(Size::DW, R10, -8, 1i64 << 31); });
    offset: message(|a| { a.ldx(Size::W, R1, R2, 32768); });
    division_by_zero: message(|a| { a.div(R1, 0); });
    shift: message(|a| { a.lsh32(R1, 32); });
    frame_pointer: message(|a| { a.mov(R10, 0); });
    bits: message(|a| { a.bswap(R1, 24); });
    size: message(|a| { a.xchg(Size::H, R1, 0, R2); });
    stack_arg: message(|a| { a.load_arg(R1, 0); });
    symbol_empty: message(|a| { a.load_map(R1, ""); });
    symbol_nul: message(|a| { a.call_function("a\0b"); });
    symbol_access: message(|a| {
        a.core(Insn::LoadImm64 { dst: R1, value: 0 }, CoreKind::TypeSize, "t", 1, "");
    });
    symbol_unknown: message(|a| {
        let core = CoreReloc { kind: CoreKind::TypeSize, type_id: 1, access: SymbolId(0) };
        a.reloc_at(Insn::LoadImm64 { dst: R1, value: 0 }, RelocKind::Core(core), "t", Location::caller());
    });
    reloc_of_exit: message(|a| { a.core(Insn::Exit, CoreKind::TypeSize, "t", 1, "0"); });
    reloc_offset: message(|a| {
        let insn = Insn::LoadMapValue { dst: R1, map: MapRef::Fd(0), offset: 4 };
        a.reloc_at(insn, RelocKind::MapValue { offset: 8 }, "m", Location::caller());
    });
    no_jump: message(|a| { let label = a.label(); a.jump_at(Insn::Exit, label, Location::caller()); });
    isa_one_group: message(|a| { a.sdiv(R1, R2); });
    isa_two_groups: shown(&error(Isa::of_kernel(5, 1), |a| {
        a.insn(Insn::LoadMapValue { dst: R1, map: MapRef::Index(2), offset: 4 });
    }));
    isa_arena: message(|a| { a.addr_space_cast(R1, R2, Cast::ToUser); });
    unbound: message(|a| { let label = a.label(); a.ja(label); });
    bound_twice: message(|a| { let label = a.label(); a.bind(label); a.bind(label); });
    foreign: message(|a| { let label = Assembler::new().label(); a.ja(label); });
    jump_to_end: message(|a| { let label = a.label(); a.ja(label); a.bind(label); });
    no_such_target: message(|a| { a.insn(Insn::Ja { off: 7 }); });
    crowded: message(crowd);
    too_long: shown(&AsmError::TooLong { loc: Loc::caller() });

    decode_empty: DecodeError::Empty.to_string();
    decode_opcode: decode(0xff, 0, 0, 0, 0);
    decode_dst: decode(0xb7, 11, 0, 0, 0);
    decode_src: decode(0xb7, 1, 2, 0, 0);
    decode_off: decode(0x17, 1, 0, 7, 0);
    decode_imm: decode(0xdb, 1, 2, 0, 2);
    decode_truncated: Insn::decode(&[slot(0x18, 0, 0, 0, 0)]).unwrap_err().to_string();
    decode_second: decode(0x18, 1, 0, 0, 0);
    decode_second_opcode: DecodeError::SecondSlot { field: Field::Opcode, value: 5 }.to_string();

    code_loc: parts(LocId(1), &[]).to_string();
    code_slot: parts(LocId(0), &[reloc(1, 0, None)]).to_string();
    code_symbol: parts(LocId(0), &[reloc(0, 1, None)]).to_string();
    code_access: parts(LocId(0), &[reloc(0, 0, Some(9))]).to_string();
    code_name_empty: named(&[""], &[reloc(0, 0, None)]).to_string();
    code_name_nul: named(&["a\0b", "0"], &[reloc(0, 0, Some(1))]).to_string();
    code_access_empty: named(&["", ""], &[reloc(0, 0, Some(1))]).to_string();
    code_order: order().to_string();

    register: NoSuchRegister(77).to_string();
}

/// A comparison of 32 bits with a number that does not fit.
trait Compare {
    fn jump_if_32(&mut self, value: i64);
}

impl Compare for Assembler {
    fn jump_if_32(&mut self, value: i64) {
        let label = self.label();
        self.jeq32(R1, value, label);
    }
}

fn crowd(a: &mut Assembler) {
    let labels: Vec<_> = (0..40_000).map(|_| a.label()).collect();
    for label in &labels {
        a.jeq(R1, 1, *label);
    }
    for label in &labels {
        a.mov(R0, 0).bind(*label).exit();
    }
}

fn slot(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Slot {
    Slot::new(opcode, dst, src, off, imm).unwrap()
}

fn decode(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> String {
    let junk = slot(0, 3, 0, 0, 0);
    Insn::decode(&[slot(opcode, dst, src, off, imm), junk]).unwrap_err().to_string()
}

fn reloc(slot: u32, symbol: u32, access: Option<u32>) -> Reloc {
    let kind = match access {
        Some(access) => {
            RelocKind::Core(CoreReloc { kind: CoreKind::TypeSize, type_id: 1, access: SymbolId(access) })
        }
        None => RelocKind::Map,
    };
    Reloc { slot, kind, symbol: SymbolId(symbol) }
}

fn named(names: &[&str], relocs: &[Reloc]) -> CodeError {
    let lines = vec![(slot(0x95, 0, 0, 0, 0), LocId::UNKNOWN)];
    let names = names.iter().map(|name| Arc::from(*name)).collect();
    Code::from_parts(lines, vec![], relocs.to_vec(), names).unwrap_err()
}

fn parts(loc: LocId, relocs: &[Reloc]) -> CodeError {
    let lines = vec![(slot(0x95, 0, 0, 0, 0), loc)];
    Code::from_parts(lines, vec![Loc::caller()], relocs.to_vec(), vec![Arc::from("m")]).unwrap_err()
}

fn order() -> CodeError {
    let lines = vec![(slot(0x95, 0, 0, 0, 0), LocId::UNKNOWN); 2];
    let relocs = vec![reloc(1, 0, None), reloc(0, 0, None)];
    Code::from_parts(lines, Vec::new(), relocs, vec![Arc::from("m")]).unwrap_err()
}
