//! Helpers that work on memory alone.

use bpfsmith::asm::{Reg, Size};
use bpfsmith::base::Helper;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::program::ProgramSpec;

use super::{FP, NOTES, Notes, Test, compare, compare_object};
use crate::common::builder;

pub(super) const TESTS: &[Test] = &[
    ("numbers are read from text", numbers),
    ("text is compared", comparisons),
    ("text is formatted", formats),
    ("lines are printed", printed),
    ("memory is probed", probes),
    ("dynptrs", dynptrs),
    ("current", current),
];

const KIND: ProgramKind = ProgramKind::SYSCALL;

fn nothing() -> [super::Given; 1] {
    [(Vec::new(), Vec::new())]
}

/// So many bytes of text, zeros behind them, under the frame pointer.
fn words(text: &str, count: usize) -> Vec<[u8; 8]> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(8 * count, 0);
    bytes.chunks(8).map(|word| word.try_into().unwrap()).collect()
}

fn numbers() {
    let texts = [
        "42",
        "-42",
        "  17x",
        "0x1f",
        "0x",
        "0xg",
        "017",
        "08",
        "-",
        "",
        "x",
        "-0x10 ",
        "\t\n 5",
        "--1",
        "+3",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775808",
        "-0",
        "0",
        "ff",
        "0000000000000000000000000000000000000000000000000000000000000000000005",
    ];
    for text in texts {
        let mut notes = Notes::new();
        for (at, word) in words(text, 10).into_iter().enumerate() {
            notes.put(-80 + 8 * i32::try_from(at).unwrap(), word);
        }
        for helper in [Helper::STRTOL, Helper::STRTOUL] {
            for (flags, len) in [(0, 80), (8, 80), (10, 80), (16, 80), (7, 80), (32, 80), (0, 2), (0, 1)] {
                notes.put(-88, [0xff; 8]);
                notes.call_with(helper, |a| {
                    a.mov(Reg::R1, FP).add(Reg::R1, -80).mov(Reg::R2, len).mov(Reg::R3, flags);
                    a.mov(Reg::R4, FP).add(Reg::R4, -88);
                });
                notes.stack(-88);
            }
        }
        compare(text, KIND, notes.end(0), &nothing());
    }
}

/// A program with a read-only text in `text`.
fn with_text(name: &str, text: &[u8], notes: &mut Notes) {
    let mut object = builder();
    object.add_map(MapSpec::new(MapKind::ARRAY, "notes").key_size(4).value_size(NOTES as u32).max_entries(1));
    let mut text = text.to_vec();
    text.push(0);
    let map = MapSpec::new(MapKind::ARRAY, "text").key_size(4).max_entries(1).freeze();
    let size = u32::try_from(text.len()).unwrap();
    let map = object.add_map(map.value_size(size).flags(MapFlags::RDONLY_PROG));
    object.add_entry_bytes(map, &0u32.to_ne_bytes(), &text);
    object.add_program(ProgramSpec::new("prog", KIND), notes.end(0));
    compare_object(name, &object.finish().unwrap(), &nothing());
}

fn comparisons() {
    for (left, right) in [
        ("abc", "abc"),
        ("abc", "abd"),
        ("b", "abc"),
        ("", "abc"),
        ("abc", ""),
        ("abcdefgh", "abcdefgX"),
        ("\u{e4}", "z"),
    ] {
        let mut notes = Notes::new();
        notes.put(-8, words(left, 1)[0]);
        for len in [1, 2, 3, 8] {
            notes.call_with(Helper::STRNCMP, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -8).mov(Reg::R2, len).load_map_value(Reg::R3, "text", 0);
            });
        }
        with_text(&format!("{left} {right}"), right.as_bytes(), &mut notes);
    }
}

/// An argument of a format.
#[derive(Clone, Copy)]
enum Argument {
    Number(i64),
    /// The address of a text.
    Text,
}
use Argument::{Number as N, Text as T};

/// What the verifier takes; addresses are not printed, those of the simulator are others.
const FORMATS: [(&str, [Argument; 3]); 47] = [
    ("%d %u %x", [N(-1), N(-1), N(-1)]),
    ("%i|%X|%5d|", [N(1 << 40), N(0xabcdef), N(-7)]),
    ("%-5d|%05d|%+d", [N(42), N(-42), N(42)]),
    ("% d|%+5d|% 05d", [N(42), N(42), N(42)]),
    ("%ld %lu %lx", [N(-5), N(-5), N(-5)]),
    ("%lld %llu %llX", [N(i64::MIN), N(-1), N(-1)]),
    ("%%%d%%", [N(1), N(0), N(0)]),
    ("%c%c|%5c|", [N(65), N(0x142), N(67)]),
    ("%-5c|%c", [N(65), N(66), N(0)]),
    ("%s|%s|", [T, T, N(0)]),
    ("%20s|%-20s|%d", [T, T, N(3)]),
    ("%3s|%020s|", [T, T, N(0)]),
    ("%s|%s|", [N(0), N(8), N(0)]),
    ("%px %x", [N(0x1234), N(5), N(0)]),
    ("%20px|%-20px|", [N(0x1234), N(0x1234), N(0)]),
    ("%020px|%-020px|", [N(0x1234), N(0x1234), N(0)]),
    ("%p|%d", [N(0), N(7), N(0)]),
    ("%p %5p|", [N(-1), N(-22), N(0)]),
    ("%pK|%d", [N(0), N(7), N(0)]),
    ("%pI4 %pi4", [T, T, N(0)]),
    ("%pI6|%d", [T, N(5), N(0)]),
    ("%pi6|%d", [T, N(5), N(0)]),
    ("%pI4|%pI6|", [N(0), N(8), N(0)]),
    ("%20pI4|%d", [T, N(5), N(0)]),
    ("%pI4abc %d", [T, N(5), N(0)]),
    ("%pks|%d", [T, N(5), N(0)]),
    ("%20pks|%d", [T, N(5), N(0)]),
    ("%pus|%d", [N(8), N(5), N(0)]),
    ("%20pus|%d", [N(8), N(5), N(0)]),
    ("%ps|%d", [N(0x1234), N(5), N(0)]),
    ("%20ps|%-10pS|", [N(0x1234), N(5), N(0)]),
    ("%pB|%d", [N(0x1234), N(5), N(0)]),
    ("%020pB|%d", [N(0x1234), N(5), N(0)]),
    ("plain", [N(0), N(0), N(0)]),
    ("", [N(0), N(0), N(0)]),
    ("tab\t\u{b}\n", [N(0), N(0), N(0)]),
    ("%0-5d|%-05d|%-+5d|", [N(4), N(5), N(6)]),
    ("%+x|% x|%+u", [N(4), N(5), N(6)]),
    ("%03x|%08lx|%3u", [N(4), N(5), N(6000)]),
    ("%1c|%2c|%-3c|", [N(65), N(66), N(67)]),
    ("%100d", [N(1), N(0), N(0)]),
    ("%p.|%p,", [N(0), N(0), N(0)]),
    ("%pSR|%d", [N(1), N(2), N(0)]),
    ("%+5d|% -5d|%0+6d|", [N(-3), N(3), N(3)]),
    ("%s%c%s", [T, N(0), T]),
    ("%ld%c%ld", [N(1), N(65), N(2)]),
    ("%x|%lx|%llx", [N(0x1_0000_0001), N(0x1_0000_0001), N(0x1_0000_0001)]),
];

fn formats() {
    for (text, arguments) in &FORMATS {
        let mut notes = Notes::new();
        let words = words("text of 15 chs", 2);
        notes.put(-16, words[0]).put(-8, words[1]);
        for (at, argument) in (-40..).step_by(8).zip(arguments) {
            match argument {
                N(number) => notes.a.load_imm64(Reg::R0, number.cast_unsigned()),
                T => notes.a.mov(Reg::R0, FP).add(Reg::R0, -16),
            };
            notes.a.stx(Size::DW, FP, at, Reg::R0);
        }
        for size in [64, 5, 1] {
            for at in (0..64).step_by(8) {
                notes.put(-160 + at, [0xaa; 8]);
            }
            notes.call_with(Helper::SNPRINTF, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -160).mov(Reg::R2, size);
                a.load_map_value(Reg::R3, "text", 0);
                a.mov(Reg::R4, FP).add(Reg::R4, -40).mov(Reg::R5, 24);
            });
            for at in (0..64).step_by(8) {
                notes.stack(-160 + at);
            }
        }
        with_text(text, text.as_bytes(), &mut notes);
    }
}

/// What is printed is for people; how much of it, and what is refused, is for programs.
fn printed() {
    let wrong = [
        "%d %d %d %d",
        "%",
        "%l",
        "%z",
        "%#x",
        "%.3d",
        "%5",
        "%hd",
        "%sx",
        "%pf",
        "%pI5",
        "%plain",
        "%pksx",
        "\u{1}",
        "%llld",
        "%q",
        "%1$d",
        "%*d",
        "%pI",
        "%pi",
        "%pk",
        "%- 0+5d",
        "%05s|",
        "%ls",
        "%lc",
        "%lp",
        "%px1",
        "%d%",
    ];
    let right = ["%d %d %d", "x %p", "%100d", "%s|", "%c%c%c", "%%", "\n", ""];
    for text in right.into_iter().chain(wrong) {
        let mut notes = Notes::new();
        for (at, word) in (-32..).step_by(8).zip(words(text, 4)) {
            notes.put(at, word);
        }
        for size in [32, 3, 1] {
            notes.call_with(Helper::TRACE_PRINTK, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -32).mov(Reg::R2, size);
                a.mov(Reg::R3, 5).mov(Reg::R4, -5).mov(Reg::R5, 70_000);
            });
        }
        for len in [0, 8, 24, 12, 96, 104] {
            for at in (0..104).step_by(8) {
                notes.a.st(Size::DW, FP, -136 + at, 3);
            }
            notes.call_with(Helper::TRACE_VPRINTK, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -32).mov(Reg::R2, 32);
                a.mov(Reg::R3, FP).add(Reg::R3, -136).mov(Reg::R4, len);
            });
        }
        compare(text, KIND, notes.end(0), &nothing());
    }
}

fn probes() {
    let mut notes = Notes::new();
    notes.put(-8, *b"abc\0efgh").put(-16, *b"ijklmnop");
    let helpers = [
        Helper::PROBE_READ_KERNEL,
        Helper::PROBE_READ_KERNEL_STR,
        Helper::PROBE_READ_USER,
        Helper::PROBE_READ_USER_STR,
    ];
    for helper in helpers {
        for size in [1, 3, 4, 8] {
            for null in [false, true] {
                notes.put(-24, [0xaa; 8]);
                notes.call_with(helper, |a| {
                    a.mov(Reg::R1, FP).add(Reg::R1, -24).mov(Reg::R2, size);
                    if null {
                        a.mov(Reg::R3, 8);
                    } else {
                        a.mov(Reg::R3, FP).add(Reg::R3, -8);
                    }
                });
                notes.stack(-24);
            }
        }
    }
    compare("probe", KIND, notes.end(0), &nothing());
}

fn dynptrs() {
    let mut notes = Notes::new();
    let memory = |a: &mut bpfsmith::asm::Assembler, flags| {
        a.load_map_value(Reg::R1, "notes", 512)
            .mov(Reg::R2, 32)
            .mov(Reg::R3, flags)
            .mov(Reg::R4, FP)
            .add(Reg::R4, -16);
    };
    for flags in [1, 0] {
        notes.call_with(Helper::DYNPTR_FROM_MEM, |a| memory(a, flags));
        notes.put(-24, *b"dynptrs!");
        for (offset, len, flags) in
            [(0, 8, 0), (3, 8, 0), (24, 8, 0), (25, 8, 0), (32, 1, 0), (-1, 8, 0), (4, 4, 1)]
        {
            notes.call_with(Helper::DYNPTR_WRITE, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -16).mov(Reg::R2, offset);
                a.mov(Reg::R3, FP).add(Reg::R3, -24).mov(Reg::R4, len).mov(Reg::R5, flags);
            });
            notes.put(-32, [0xaa; 8]);
            notes.call_with(Helper::DYNPTR_READ, |a| {
                a.mov(Reg::R1, FP).add(Reg::R1, -32).mov(Reg::R2, len);
                a.mov(Reg::R3, FP).add(Reg::R3, -16).mov(Reg::R4, offset).mov(Reg::R5, flags);
            });
            notes.stack(-32);
        }
        for offset in [0, 5, 25, 31] {
            let null = notes.a.label();
            notes
                .a
                .mov(Reg::R1, FP)
                .add(Reg::R1, -16)
                .mov(Reg::R2, offset)
                .mov(Reg::R3, 8)
                .call(Helper::DYNPTR_DATA);
            notes.a.jeq(Reg::R0, 0, null).ldx(Size::DW, Reg::R0, Reg::R0, 0).bind(null);
            notes.note(Reg::R0);
        }
    }
    compare("dynptr", KIND, notes.end(0), &nothing());
}

/// What does not depend on who runs the test.
fn current() {
    let mut notes = Notes::new();
    for size in [1, 4] {
        notes.put(-8, [0xaa; 8]);
        notes.call_with(Helper::GET_CURRENT_COMM, |a| {
            a.mov(Reg::R1, FP).add(Reg::R1, -8).mov(Reg::R2, size);
        });
    }
    notes.put(-16, [0xaa; 8]);
    notes.call_with(Helper::GET_NS_CURRENT_PID_TGID, |a| {
        a.mov(Reg::R1, 0).mov(Reg::R2, 0).mov(Reg::R3, FP).add(Reg::R3, -16).mov(Reg::R4, 8);
    });
    notes.stack(-16);
    notes.call_with(Helper::GET_CURRENT_ANCESTOR_CGROUP_ID, |a| {
        a.mov(Reg::R1, 1000);
    });
    compare("current", KIND, notes.end(0), &nothing());
}
