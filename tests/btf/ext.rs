//! Lines of code as BTF tells them.

use bpfsmith::asm::{Assembler, Code, Loc, LocId, Reg, Slot};
use bpfsmith::base::Endian;
use bpfsmith::btf::ext::{CoreRelo, FuncInfo, LineInfo, append_lines};
use bpfsmith::btf::{Builder, IntEncoding, StrOff, TypeId};

/// Slot, line, column, file, text.
type Told = (u32, u32, u32, String, String);

fn lines(code: &Code, start: u32) -> (Vec<Told>, Vec<LineInfo>) {
    let mut builder = Builder::new();
    builder.int("int", 4, IntEncoding::SIGNED).unwrap();
    let mut out = Vec::new();
    append_lines(code, start, &mut builder, &mut out).unwrap();
    let btf = builder.finish().unwrap();
    let text = |at| String::from_utf8(btf.string(at).unwrap().to_vec()).unwrap();
    let told =
        out.iter().map(|r| (r.insn_off, r.line(), r.column(), text(r.file_name_off), text(r.line_off)));
    (told.collect(), out)
}

#[test]
fn one_record_for_each_line_that_emits() {
    let mut a = Assembler::new();
    let first = line!() + 1;
    a.mov(Reg::R1, 1).add(Reg::R1, 2);
    a.load_imm64(Reg::R2, 1u64 << 40);
    a.mov(Reg::R0, 0);
    a.exit();
    let (told, records) = lines(&a.finish().unwrap(), 10);
    let at: Vec<_> = told.iter().map(|line| (line.0, line.1 - first)).collect();
    assert_eq!(at, [(10, 0), (11, 0), (12, 1), (14, 2), (15, 3)], "two calls in a line are two places");
    assert!(told.iter().all(|line| line.3 == "tests/btf/ext.rs" && line.4.is_empty()), "{told:?}");
    assert!(told[0].2 < told[1].2);
    assert!(records.is_sorted_by(|a, b| a.insn_off < b.insn_off));
}

fn code(locs: Vec<Loc>, slots: &[(Slot, Option<u32>)]) -> Code {
    let slots = slots.iter().map(|&(slot, id)| (slot, id.map_or(LocId::UNKNOWN, LocId))).collect();
    Code::from_parts(slots, locs, Vec::new(), Vec::new()).unwrap()
}

fn slot(opcode: u8) -> Slot {
    Slot::new(opcode, 0, 0, 0, 0).unwrap()
}

#[test]
fn unknown_places_and_long_lines() {
    let text = Some("\tr0 = 0; \0 /* na\u{ef}ve */".into());
    let locs = vec![
        Loc::new("/home/someone/project/src/prog.c", 5_000_000, 2_000, text),
        Loc::new("b.c", 7, 3, None),
    ];
    let (mov, wide, zero, exit) = (slot(0xb7), slot(0x18), slot(0), slot(0x95));
    let slots = [
        (mov, None),
        (mov, Some(0)),
        (wide, Some(1)),
        (zero, Some(0)),
        (mov, None),
        (mov, Some(1)),
        (exit, Some(0)),
    ];
    let (told, _) = lines(&code(locs, &slots), 3);
    let expected = [
        (3, 4_194_303, 1023, "project/src/prog.c", "\tr0 = 0; "),
        (5, 7, 3, "b.c", ""),
        (9, 4_194_303, 1023, "project/src/prog.c", "\tr0 = 0; "),
    ];
    assert_eq!(
        told,
        expected.map(|(slot, line, column, file, text)| (slot, line, column, file.into(), text.into()))
    );
    let (none, _) = lines(&code(Vec::new(), &[(mov, None), (exit, None)]), 0);
    assert_eq!(none, []);
}

#[test]
fn records_as_bytes() {
    let func = FuncInfo { insn_off: 1, type_id: TypeId(2) };
    assert_eq!(func.to_bytes(Endian::Little), [1, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(func.to_bytes(Endian::Big), [0, 0, 0, 1, 0, 0, 0, 2]);
    let line = LineInfo { insn_off: 1, file_name_off: StrOff(2), line_off: StrOff(3), line_col: 4 << 10 | 5 };
    assert_eq!(line.to_bytes(Endian::Little), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, 16, 0, 0]);
    assert_eq!((line.line(), line.column()), (4, 5));
    let core = CoreRelo::new(8, 2, StrOff(3), bpfsmith::asm::CoreKind::TypeSize);
    assert_eq!(core.to_bytes(Endian::Big), [0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9]);
}
