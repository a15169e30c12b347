//! Every public method that emits remembers the line that called it, and no line of this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeSet, panic::Location};

use bpfsmith_asm::{
    AluOp, AsmError, Assembler, AtomicOp, BtfScope, Cast, Code, Cond, CoreKind, Helper, Insn, Isa, Reg::*,
    RelocKind, Size, Slot, Width,
};

/// Which methods have been called, and for which instruction set.
struct Calls {
    isa: Isa,
    names: BTreeSet<&'static str>,
}

impl Calls {
    fn new(isa: Isa) -> Self {
        Self { isa, names: BTreeSet::new() }
    }

    /// All slots but the `exit` at the end come from the given line of this file.
    fn check(&mut self, name: &'static str, line: u32, code: &Code) {
        self.names.insert(name);
        assert!(code.len() > 1, "{name}");
        for slot in 0..code.len() - 1 {
            let loc = code.loc(slot).unwrap_or_else(|| panic!("{name}: no place"));
            assert!(loc.file().ends_with("tests/locations.rs"), "{name}: {loc}");
            assert_eq!(loc.line(), line, "{name}: {code:?}");
        }
    }
}

/// Calls a method; the caller's line is that of the macro call.
macro_rules! emits {
    ($calls:ident, $name:ident($($arg:expr),*)) => {{
        let mut a = Assembler::with_isa($calls.isa);
        a.$name($($arg),*);
        let line = line!();
        a.exit();
        $calls.check(stringify!($name), line, &a.finish().unwrap());
    }};
}

/// The same for a method whose last argument is a label.
macro_rules! jumps {
    ($calls:ident, $name:ident($($arg:expr),*)) => {{
        let mut a = Assembler::with_isa($calls.isa);
        let label = a.label();
        a.$name($($arg,)* label);
        let line = line!();
        a.bind(label).exit();
        $calls.check(stringify!($name), line, &a.finish().unwrap());
    }};
}

fn arithmetic(calls: &mut Calls) {
    emits!(calls, mov(R1, 7));
    emits!(calls, mov(R1, R2));
    emits!(calls, add(R1, 7));
    emits!(calls, add(R1, R2));
    emits!(calls, sub(R1, 7));
    emits!(calls, sub(R1, R2));
    emits!(calls, mul(R1, 7));
    emits!(calls, mul(R1, R2));
    emits!(calls, div(R1, 7));
    emits!(calls, div(R1, R2));
    emits!(calls, sdiv(R1, 7));
    emits!(calls, sdiv(R1, R2));
    emits!(calls, mod_(R1, 7));
    emits!(calls, mod_(R1, R2));
    emits!(calls, smod(R1, 7));
    emits!(calls, smod(R1, R2));
    emits!(calls, and(R1, 7));
    emits!(calls, and(R1, R2));
    emits!(calls, or(R1, 7));
    emits!(calls, or(R1, R2));
    emits!(calls, xor(R1, 7));
    emits!(calls, xor(R1, R2));
    emits!(calls, lsh(R1, 7));
    emits!(calls, lsh(R1, R2));
    emits!(calls, rsh(R1, 7));
    emits!(calls, rsh(R1, R2));
    emits!(calls, arsh(R1, 7));
    emits!(calls, arsh(R1, R2));
    emits!(calls, mov32(R1, 7));
    emits!(calls, mov32(R1, R2));
    emits!(calls, add32(R1, 7));
    emits!(calls, add32(R1, R2));
    emits!(calls, sub32(R1, 7));
    emits!(calls, sub32(R1, R2));
    emits!(calls, mul32(R1, 7));
    emits!(calls, mul32(R1, R2));
    emits!(calls, div32(R1, 7));
    emits!(calls, div32(R1, R2));
    emits!(calls, sdiv32(R1, 7));
    emits!(calls, sdiv32(R1, R2));
    emits!(calls, mod32(R1, 7));
    emits!(calls, mod32(R1, R2));
    emits!(calls, smod32(R1, 7));
    emits!(calls, smod32(R1, R2));
    emits!(calls, and32(R1, 7));
    emits!(calls, and32(R1, R2));
    emits!(calls, or32(R1, 7));
    emits!(calls, or32(R1, R2));
    emits!(calls, xor32(R1, 7));
    emits!(calls, xor32(R1, R2));
    emits!(calls, lsh32(R1, 7));
    emits!(calls, lsh32(R1, R2));
    emits!(calls, rsh32(R1, 7));
    emits!(calls, rsh32(R1, R2));
    emits!(calls, arsh32(R1, 7));
    emits!(calls, arsh32(R1, R2));
    emits!(calls, alu(AluOp::Add, Width::Bits64, R1, 7));
    emits!(calls, neg(R1));
    emits!(calls, neg32(R1));
    emits!(calls, load_imm64(R1, u64::MAX));
}

/// What older sets get other instructions for.
fn lowered(calls: &mut Calls) {
    emits!(calls, movsx(R1, R2, 8));
    emits!(calls, movsx(R1, R2, 16));
    emits!(calls, movsx(R1, R2, 32));
    emits!(calls, movsx32(R1, R2, 8));
    emits!(calls, movsx32(R1, R2, 16));
    emits!(calls, bswap(R1, 16));
    emits!(calls, bswap(R1, 32));
    emits!(calls, bswap(R1, 64));
    emits!(calls, ldsx(Size::B, R1, R2, 4));
    jumps!(calls, jlt(R1, 7));
    jumps!(calls, jlt(R1, R2));
    jumps!(calls, jle(R1, 7));
    jumps!(calls, jle(R1, R2));
    jumps!(calls, jslt(R1, 7));
    jumps!(calls, jslt(R1, R2));
    jumps!(calls, jsle(R1, 7));
    jumps!(calls, jsle(R1, R2));
}

fn memory(calls: &mut Calls) {
    emits!(calls, to_be(R1, 16));
    emits!(calls, to_le(R1, 64));
    emits!(calls, addr_space_cast(R1, R2, Cast::ToKernel));
    emits!(calls, ldx(Size::W, R1, R2, 4));
    emits!(calls, stx(Size::W, R1, 4, R2));
    emits!(calls, st(Size::W, R1, 4, 7));
    emits!(calls, load_arg(R1, 1));
    emits!(calls, store_arg(1, R1));
    emits!(calls, store_arg_imm(1, 7));
    emits!(calls, ld_abs(Size::W, 4));
    emits!(calls, ld_ind(Size::W, R1, 4));
    emits!(calls, atomic_add(Size::DW, R1, 0, R2));
    emits!(calls, atomic_or(Size::DW, R1, 0, R2));
    emits!(calls, atomic_and(Size::DW, R1, 0, R2));
    emits!(calls, atomic_xor(Size::DW, R1, 0, R2));
    emits!(calls, fetch_add(Size::DW, R1, 0, R2));
    emits!(calls, fetch_or(Size::DW, R1, 0, R2));
    emits!(calls, fetch_and(Size::DW, R1, 0, R2));
    emits!(calls, fetch_xor(Size::DW, R1, 0, R2));
    emits!(calls, xchg(Size::DW, R1, 0, R2));
    emits!(calls, cmpxchg(Size::DW, R1, 0, R2));
    emits!(calls, atomic(AtomicOp::Add, Size::W, R1, 0, R2));
    emits!(calls, load_acquire(Size::B, R1, R2, 0));
    emits!(calls, store_release(Size::B, R1, 0, R2));
}

fn flow(calls: &mut Calls) {
    jumps!(calls, jeq(R1, 7));
    jumps!(calls, jeq32(R1, R2));
    jumps!(calls, jne(R1, 7));
    jumps!(calls, jne32(R1, R2));
    jumps!(calls, jgt(R1, 7));
    jumps!(calls, jgt32(R1, R2));
    jumps!(calls, jge(R1, 7));
    jumps!(calls, jge32(R1, R2));
    jumps!(calls, jlt(R1, 7));
    jumps!(calls, jlt32(R1, R2));
    jumps!(calls, jle(R1, 7));
    jumps!(calls, jle32(R1, R2));
    jumps!(calls, jsgt(R1, 7));
    jumps!(calls, jsgt32(R1, R2));
    jumps!(calls, jsge(R1, 7));
    jumps!(calls, jsge32(R1, R2));
    jumps!(calls, jslt(R1, 7));
    jumps!(calls, jslt32(R1, R2));
    jumps!(calls, jsle(R1, 7));
    jumps!(calls, jsle32(R1, R2));
    jumps!(calls, jset(R1, 7));
    jumps!(calls, jset32(R1, R2));
    jumps!(calls, jump_if(Cond::Eq, Width::Bits32, R1, 7));
    jumps!(calls, ja());
    jumps!(calls, may_goto());
    emits!(calls, gotox(R1));
    emits!(calls, exit());
    emits!(calls, call(Helper(5)));
    emits!(calls, call_function("f"));
    emits!(calls, call_kfunc("f"));
    emits!(calls, load_function(R1, "f"));
    emits!(calls, load_map(R1, "m"));
    emits!(calls, load_map_value(R1, "m", 8));
    emits!(calls, load_ksym(R1, "k"));
    emits!(calls, load_ksym_typed(R1, "k"));
    emits!(calls, load_btf_id(R1, BtfScope::Kernel, "struct task_struct"));
    emits!(calls, core(Insn::LoadImm64 { dst: R1, value: 0 }, CoreKind::TypeSize, "t", 1, "0"));
    emits!(calls, insn(Insn::Exit));
    emits!(calls, insn(Insn::Ja { off: 0 }));
    emits!(calls, raw(Slot::new(0x95, 0, 0, 0, 0).unwrap()));
}

#[test]
fn every_method_that_emits_remembers_its_caller() {
    let mut newest = Calls::new(Isa::all());
    let calls = &mut newest;
    arithmetic(calls);
    lowered(calls);
    memory(calls);
    flow(calls);
    let mut called = newest.names;
    called.extend(WITH_LOCATION);
    called.extend(["label", "bind", "clear", "splice"]);
    assert!(methods().len() > 90, "{}", methods().len());
    let missing: Vec<_> = methods().difference(&called).copied().collect();
    assert!(missing.is_empty(), "never called: {missing:?}");
}

#[test]
fn what_is_lowered_remembers_its_caller() {
    lowered(&mut Calls::new(Isa::V1));
}

/// What takes the place from its caller as a value.
const WITH_LOCATION: [&str; 5] = ["insn_at", "jump_at", "reloc_at", "core_at", "bind_at"];

#[test]
fn a_location_handed_in_is_the_one_that_comes_out() {
    let here = Location::caller();
    let mut a = Assembler::new();
    let label = a.label();
    a.insn_at(Insn::Exit, here)
        .jump_at(Insn::Ja { off: 0 }, label, here)
        .reloc_at(Insn::CallFunction { off: 0 }, RelocKind::CallFunction, "f", here)
        .core_at(Insn::LoadImm64 { dst: R1, value: 0 }, CoreKind::TypeSize, "t", 1, "0", here)
        .bind_at(label, here)
        .insn_at(Insn::Exit, here);
    let code = a.finish().unwrap();
    assert_eq!(code.locs().len(), 1, "{code:?}");
    Calls::new(Isa::V3).check("at", here.line(), &code);
}

/// The names of all methods of the assembler that take it by mutable reference, read from its source.
fn methods() -> BTreeSet<&'static str> {
    let sources = [
        include_str!("../src/assembler.rs"),
        include_str!("../src/emit/alu.rs"),
        include_str!("../src/emit/atomic.rs"),
        include_str!("../src/emit/call.rs"),
        include_str!("../src/emit/jump.rs"),
        include_str!("../src/emit/mem.rs"),
    ];
    let lines: Vec<&str> = sources.iter().flat_map(|source| source.lines()).map(str::trim).collect();
    let mut names = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        if let Some(name) = line.strip_prefix("pub fn ").and_then(|rest| rest.split('(').next())
            && (line.contains("&mut self") || next == "&mut self,")
        {
            names.insert(name);
        }
        names.extend(names_of_row(line));
    }
    names.retain(|name| name.starts_with(|first: char| first.is_ascii_lowercase()));
    names
}

/// `Add: add add32 "dst += src";` and `FetchAdd fetch_add;`
fn names_of_row(line: &'static str) -> Vec<&'static str> {
    let capital = line.starts_with(|first: char| first.is_ascii_uppercase());
    let row = line.strip_suffix("\";").or(line.strip_suffix(';')).filter(|row| capital && !row.contains('('));
    row.and_then(|row| row.split('"').next()).map_or(Vec::new(), |row| row.split(' ').skip(1).collect())
}

#[test]
fn mistakes_are_reported_at_the_line_that_made_them() {
    let mut a = Assembler::new();
    a.mov(R1, 1i64 << 40);
    let line = line!() - 1;
    a.mov(R1, 1i64 << 41).st(Size::B, R1, 0, 256);
    let error = a.finish().unwrap_err();
    assert!(matches!(error, AsmError::Immediate { value: 0x100_0000_0000, .. }));
    assert_eq!((error.loc().line(), error.other()), (line, None));
    assert!(error.loc().file().ends_with("tests/locations.rs"));
}

#[test]
fn the_column_is_that_of_the_method_in_a_chain() {
    let mut a = Assembler::new();
    a.mov(R0, 0).exit();
    let code = a.finish().unwrap();
    assert_eq!(code.locs().len(), 2);
    assert_eq!((code.locs()[0].column(), code.locs()[1].column()), (7, 18));
}

#[test]
fn a_line_that_emits_again_and_again_is_one_place() {
    let mut a = Assembler::new();
    for _ in 0..1000 {
        a.mov(R0, 0);
    }
    a.exit();
    let code = a.finish().unwrap();
    assert_eq!(code.locs().len(), 2);
    assert_eq!(code.loc_id(0), code.loc_id(999));
}
