//! Text: what other readers of the same bytes say, and what comes back after printing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use bpfsmith_asm::{
    Assembler, BtfScope, Code, CoreKind, CoreReloc, Endian, Form, Helper, Insn, LocId,
    Reg::*,
    Reloc, RelocKind, Size, Slot, Source, SymbolId, Width,
    text::{TextError, TextErrorKind},
    walk,
};
use proptest::prelude::*;

fn code_of(slots: impl IntoIterator<Item = Slot>) -> Code {
    let lines = slots.into_iter().map(|slot| (slot, LocId::UNKNOWN)).collect();
    Code::from_parts(lines, Vec::new(), Vec::new(), Vec::new()).unwrap()
}

fn parse(text: &str) -> Result<Code, TextError> {
    Code::parse("t.s", text)
}

#[track_caller]
fn comes_back(code: &Code) {
    let text = code.to_string();
    match parse(&text) {
        Ok(back) => assert_eq!(back, *code, "{text}"),
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// `llvm-objdump --disassemble` separates some words with tabs.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_instruction_in_three_forms() {
    let mut text = String::new();
    for insn in walk::all() {
        let (hex, kernel) = (insn.display(Form::Hex), insn.display(Form::Kernel));
        writeln!(text, "{:<50} {:<54} {kernel}", insn.to_string(), hex.to_string()).unwrap();
    }
    insta::assert_snapshot!(text);
}

/// Each line was given to llvm-mc 19 (`-triple=bpfel -mcpu=v4`), and the bytes that came out to llvm-objdump 19, without
/// and with `--mcpu=v4`: text, bytes, first reading, second reading.
#[test]
fn llvm_reads_and_writes_the_same() {
    let mut lines = 0;
    for line in include_str!("readings/llvm-19.tsv").lines() {
        let [text, bytes, plain, v4] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let code = parse(text).unwrap_or_else(|error| panic!("{error}"));
        let ours: String = code.encode(Endian::Little).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(ours, bytes, "{text}");
        let hex = code.display(Form::Hex).to_string();
        let hex = hex.trim().strip_prefix("0: ").unwrap();
        assert!([plain, v4].map(spaced).contains(&hex.to_owned()), "{hex}\n{plain}\n{v4}");
        lines += 1;
    }
    assert_eq!(lines, 216);
}

/// What LLVM 19 does not know, knows under another meaning, or can only say with a relocation.
#[test]
fn llvm_knows_the_rest_of_the_walk() {
    let read: Vec<&str> =
        include_str!("readings/llvm-19.tsv").lines().filter_map(|line| line.split('\t').next()).collect();
    let unread: Vec<String> =
        walk::all().map(|insn| insn.to_string()).filter(|text| !read.contains(&text.as_str())).collect();
    insta::assert_snapshot!(unread.join("\n"));
}

/// Each instruction of the walk was loaded in a small socket filter and looked up in the verifier's log of Linux 6.18;
/// `-` stands for those that are refused before the log shows them.
#[test]
fn the_kernel_logs_the_same() {
    let mut refused = Vec::new();
    let logged = include_str!("readings/kernel-6.18.txt").lines();
    assert_eq!(logged.clone().count(), walk::all().count());
    for (insn, logged) in walk::all().zip(logged) {
        match logged {
            "-" => refused.push(insn.to_string()),
            logged => assert_eq!(insn.display(Form::Kernel).to_string(), logged),
        }
    }
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn every_instruction_comes_back() {
    for insn in walk::all() {
        comes_back(&code_of(insn.encode()));
    }
    comes_back(&code_of(walk::all().flat_map(Insn::encode)));
}

#[test]
fn names_come_back() {
    let mut a = Assembler::new();
    for name in [
        "hmap",
        ".rodata",
        "value",
        "ll",
        "r2",
        "w10",
        "be16",
        "two words",
        "a\"b\\c\nd",
        "bpf_loop",
        "ö",
        "7",
    ] {
        a.load_map(R1, name)
            .load_map_value(R2, name, 0)
            .load_map_value(R3, name, u32::MAX)
            .load_function(R4, name)
            .load_ksym(R5, name)
            .load_ksym_typed(R6, name)
            .call_function(name)
            .call_kfunc(name)
            .call(Helper::LOOP);
    }
    a.exit();
    let code = a.finish().unwrap();
    comes_back(&code);
    insta::assert_snapshot!(code);
    insta::assert_snapshot!(code.display(Form::Kernel));
}

#[test]
fn relocations_without_a_word_of_their_own_come_back() {
    let mov = Insn::Alu { op: bpfsmith_asm::AluOp::Mov, width: Width::Bits64, dst: R1, src: Source::Imm(0) };
    let load = Insn::Load { size: Size::DW, dst: R1, base: R2, off: 0 };
    let wide = Insn::LoadImm64 { dst: R1, value: 5 };
    let slots = [mov, mov, load, wide]
        .into_iter()
        .flat_map(Insn::encode)
        .chain([Slot::new(0xff, 1, 2, 3, 4).unwrap()]);
    let lines = slots.map(|slot| (slot, LocId::UNKNOWN)).collect();
    let core = |kind| RelocKind::Core(CoreReloc { kind, type_id: 7, access: SymbolId(2) });
    let kinds = [
        (0, RelocKind::BtfId(BtfScope::Kernel), 0),
        (0, RelocKind::BtfId(BtfScope::Program), 1),
        (1, core(CoreKind::TypeSize), 1),
        (2, core(CoreKind::FieldByteOffset), 1),
        (3, RelocKind::Map, 0),
        (4, RelocKind::MapValue { offset: 3 }, 0),
        (5, RelocKind::Kfunc, 0),
        (5, RelocKind::Ksym { typed: true }, 0),
        (5, RelocKind::Ksym { typed: false }, 0),
        (5, RelocKind::CallFunction, 0),
        (5, RelocKind::LoadFunction, 0),
    ];
    let relocs = kinds.map(|(slot, kind, symbol)| Reloc { slot, kind, symbol: SymbolId(symbol) }).to_vec();
    let symbols = ["struct task_struct", "x", "0:1"].map(Into::into).to_vec();
    let code = Code::from_parts(lines, Vec::new(), relocs, symbols).unwrap();
    comes_back(&code);
    insta::assert_snapshot!(code);
}

/// Only what a CO-RE relocation asks of can be without a name: `struct { ... }`.
#[test]
fn an_anonymous_type_comes_back() {
    let mut a = Assembler::new();
    a.core(Insn::LoadImm64 { dst: R1, value: 0 }, CoreKind::TypeIdLocal, "", 7, "0").exit();
    let code = a.finish().unwrap();
    assert_eq!(code.to_string(), "0: r1 = 0 ll reloc core(type_id_local, 7, \"0\", \"\")\n2: exit\n");
    comes_back(&code);
    assert!(Code::parse("t", "r1 = \"\" ll").is_err());
}

const TEXT: &str = "\
# counts, and re-arms
tick:
    r6 = r3
    r1 = *(u32 *)(r6 + 0)
    r1 += 1; *(u32 *)(r6 + 0) = r1
again: over: // two at one place
    if r1 s> -1 goto done
    may_goto again
    w0 = w1 /* inside */ ; lock *(u64 *)(r10 - 8) += r1
    goto \"a b\"
\"a b\":
    call bpf_timer_start
    call 172
    call tick2
done: r0 = 0
    exit";

#[test]
fn a_text_with_everything() {
    let code = parse(TEXT).unwrap();
    insta::assert_snapshot!(code);
    insta::assert_snapshot!(code.display(Form::Hex));
    insta::assert_snapshot!(code.display(Form::Kernel));
    insta::assert_debug_snapshot!(code);
    comes_back(&code);
}

#[test]
fn places_have_file_line_column_and_text() {
    let code = parse(TEXT).unwrap();
    let loc = code.loc(3).unwrap();
    assert_eq!(loc.to_string(), "t.s:5:14");
    assert_eq!(loc.text(), Some("r1 += 1; *(u32 *)(r6 + 0) = r1"));
    assert_eq!(code.loc(2).unwrap().text(), loc.text());
}

#[test]
fn objdump_can_be_pasted() {
    let code = parse("       0:\tr1 = 0x7\n       1:\tgoto +0x0 <.text+0x10>\n       2:\texit\r\n").unwrap();
    assert_eq!(code.to_string(), "0: r1 = 7\n1: goto +0\n2: exit\n");
}

#[test]
fn a_label_out_of_reach_is_reached() {
    let mut text = String::from("if r1 == 0 goto out\ngoto out\n");
    text += &"r0 = 0\n".repeat(40_000);
    text += "out: exit\n";
    let code = parse(&text).unwrap();
    assert!(code.len() > 40_003);
    comes_back(&code);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let texts = [
        "frobnicate",
        "r0",
        "r0 =",
        "r0 == 1",
        "r11 = 1",
        "r0 = r11",
        "r99999999999 = 1",
        "r01 = 1",
        "w11 = 1",
        "r0 = w1",
        "w0 += r1",
        "r0 = 4294967295",
        "r0 = -2147483649",
        "w0 = 4294967296",
        "w0 = -2147483649",
        "r0 = 0x",
        "r0 = 0xg",
        "r0 = 12a",
        "r0 = 010",
        "r0 = 99999999999999999999",
        "r0 = 99999999999999999999 ll",
        "w0 = 1 ll",
        "r0 = 1 lll",
        "r0 = foo",
        "r0 = foo(r1)",
        "r0 = \"foo",
        "r0 = \"\" ll",
        "r0 = \"\\x\" ll",
        "r0 = be16 r1",
        "w0 = be16 w0",
        "r0 = be17 r0",
        "r0 = -r1",
        "r0 = (s8)w1",
        "w0 = (s32)w1",
        "r0 = (u8)r1",
        "r0 = *(u32 *)(r10 - 32769)",
        "r0 = *(u32 *)(r10)",
        "r0 = *(u32 *)(w1 + 0)",
        "r0 = *(u32)(r1 + 0)",
        "r0 = *(u128 *)(r1 + 0)",
        "w0 = *(u64 *)(r1 + 0)",
        "w0 = *(s8 *)(r1 + 0)",
        "r0 = *(u64 *)(r11 + 7)",
        "r0 = xchg_64(r11 + 8, r0)",
        "r0 = *(u32 *)(r11 + 8)",
        "*(u64 *)(r11 + 8) = r1",
        "*(u64 *)(r1 + 0) = w1",
        "*(u64 *)(r1 + 0) = 4294967295",
        "*(s8 *)(r1 + 0) = 1",
        "r1 = *(u32 *)skb[0]",
        "r0 = *(u64 *)skb[0]",
        "r0 = *(u8 *)skb[0",
        "r0 = *(u8 *)skb[w1]",
        "lock *(u16 *)(r1 + 0) += r2",
        "lock *(u64 *)(r1 + 0) -= r2",
        "lock *(u64 *)(r1 + 0) += w2",
        "r0 = atomic_fetch_sub((u64 *)(r1 + 0), r0)",
        "r0 = atomic_fetch_add((u8 *)(r1 + 0), r0)",
        "r0 = atomic_fetch_add((u64 *)(r1 + 0), r2)",
        "r0 = xchg_64(r1 + 0, r2)",
        "r1 = cmpxchg_64(r1 + 0, r0, r2)",
        "r0 = cmpxchg_64(r1 + 0, r1, r2)",
        "store_release((u64 *)(r1 + 0), w2)",
        "r0 = addr_space_cast(r1, 1, 1)",
        "if r0 = 1 goto +1",
        "if r0 == 1 +1",
        "if r0 == w1 goto +1",
        "if r0 s== 1 goto +1",
        "if r0 == 1 goto 5",
        "goto +32768",
        "goto",
        "goto nowhere",
        "gotol +2147483648",
        "gotox w1",
        "callx r1",
        "call +3",
        "call -1",
        "call 4294967296",
        "call func(+1",
        "call kfunc(1, 32768)",
        "ld_pseudo r1, 7, 0",
        "ld_pseudo r1, 0, 0",
        ".byte 1, 2, 3",
        ".byte 256, 0, 0, 0, 0, 0, 0, 0",
        ".text",
        "exit now",
        "exit <.text",
        "/* no end",
        "/* a\n */ exit",
        "x: exit\nx: exit",
        "goto end\nend:",
        ": exit",
        "\"x\" exit",
        "r0 = 1 reloc",
        "r0 = 1 reloc foo(x)",
        "r0 = 1 reloc core(nothing, 1, x, y)",
        "r0 = 1 reloc btf_id(user, x)",
        "r0 = 1 reloc map_value(x, -1)",
        "é",
        "\0",
    ];
    let mut told = String::new();
    for text in texts {
        let error = parse(text).map(|code| code.to_string()).unwrap_err();
        writeln!(told, "{text:?}\n    {error}").unwrap();
        assert!(error.loc.line() > 0 && error.loc.column() > 0);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_jump_to_the_end_names_both_lines() {
    let error = parse("goto end\nexit\nend:\n").unwrap_err();
    assert_eq!(error.loc.to_string(), "t.s:1:1");
    let TextErrorKind::Assembler(error) = error.kind else { panic!("{error:?}") };
    assert_eq!(error.other().unwrap().to_string(), "t.s:3:1");
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let junk = (any::<u8>(), 0..16u8, 0..16u8, any::<i16>(), any::<i32>());
    let junk = junk.prop_map(|(opcode, dst, src, off, imm)| Slot::new(opcode, dst, src, off, imm).unwrap());
    let walk: Vec<Slot> = walk::all().map(|insn| insn.encode().first()).collect();
    let near = (prop::sample::select(walk), any::<i16>(), any::<i32>())
        .prop_map(|(slot, off, imm)| slot.with_off(off).with_imm(imm));
    prop_oneof![junk, near]
}

proptest! {
    #[test]
    fn any_slots_come_back(slots in prop::collection::vec(any_slot(), 0..40)) {
        comes_back(&code_of(slots));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..30)) {
        if let Ok(code) = parse(&words.concat()) {
            comes_back(&code);
        }
    }

    #[test]
    fn a_text_with_a_hole_is_read_or_refused(at in 0..TEXT.len(), length in 0..9usize, put in "[ -~\\n]{0,3}") {
        let mut text = TEXT.as_bytes().to_vec();
        text.splice(at..(at + length).min(TEXT.len()), put.bytes());
        if let Ok(code) = parse(&String::from_utf8(text).unwrap()) {
            comes_back(&code);
        }
    }
}

const WORDS: [&str; 48] = [
    "r1",
    "w2",
    "r10",
    "r11",
    " ",
    "\n",
    ";",
    "=",
    "+=",
    "s>>=",
    "-",
    "+",
    "0",
    "8",
    "-4",
    "0x10",
    "ll",
    "*(u32 *)",
    "*(s8 *)",
    "(u64 *)",
    "(r10 - 8)",
    "(",
    ")",
    ",",
    "skb[",
    "]",
    "if",
    "goto",
    "==",
    "&",
    "call",
    "exit",
    "lock",
    "kfunc(",
    "func(",
    "value(",
    "name",
    "\"q\"",
    ":",
    "reloc",
    "map(",
    ".byte ",
    "atomic_fetch_or(",
    "cmpxchg_64(",
    "store_release(",
    "ld_pseudo ",
    "#",
    "be16",
];
