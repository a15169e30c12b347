//! What other emitters and loaders get wrong, as far as only a kernel shows it, and no other file here does.

use std::sync::Arc;

use bpfsmith::asm::Reg::{R0, R1, R2, R5};
use bpfsmith::asm::{Assembler, Code, Helper, Loc, LocId, Size, Slot};
use bpfsmith::base::Errno;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, FP, builder, load, rejection, returns, run};
use crate::golden;
use crate::support::{Condition, Suite, all, has_cap_bpf, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "traps: a line in mid-function only", line_in_the_middle);
    suite.test_if(has_cap_bpf, "traps: lines and files with letters that are not ASCII", letters);
    suite.test_if(
        has_cap_bpf,
        "traps: the first function without a line, the second with one",
        second_function_only,
    );
    let tracing = all(&[has_cap_bpf, has_cap_perfmon, is_before_7_0]);
    suite.test_if(tracing, "traps: a timer in a tracing program, before 7.0", timer_in_tracing);
}

fn is_before_7_0() -> Condition {
    let kernel = bpfsmith::sys::host::kernel_version().map_err(|errno| errno.to_string())?;
    if kernel.major < 7 { Ok(()) } else { Err(format!("Linux {kernel} has timers in tracing programs")) }
}

/// The same code, with lines where the list has some.
fn with_lines(code: &Code, locs: Vec<Loc>, line_of: impl Fn(usize) -> LocId) -> Code {
    let slots: Vec<(Slot, LocId)> =
        code.slots().enumerate().map(|(index, slot)| (slot, line_of(index))).collect();
    let symbols = code.symbols().map(Into::into).collect();
    Code::from_parts(slots, locs, code.relocs().to_vec(), symbols).unwrap()
}

/// An object that loads BTF, so that lines go along.
fn typed(code: Assembled, function: Assembled) -> Object {
    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, u64>("typed").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
    object.add_function("function", function);
    object.finish().unwrap()
}

fn calls_function() -> Code {
    Assembler::new().mov(R1, 1).mov(R2, 2).call_function("function").exit().finish().unwrap()
}

fn line_of(file: &str, line: u32, text: &str) -> Loc {
    Loc::new(file, line, 1, Some(Arc::from(text)))
}

const FIRST: LocId = LocId(0);

fn line_in_the_middle() {
    let code = calls_function();
    let middle =
        with_lines(
            &code,
            vec![line_of("a.c", 3, "two()")],
            |slot| {
                if slot == 2 { FIRST } else { LocId::UNKNOWN }
            },
        );
    let loaded = load(&typed(Ok(middle), returns(4)));
    assert_eq!(run(loaded.program("prog").unwrap()), 4);
}

fn second_function_only() {
    let code = with_lines(&calls_function(), Vec::new(), |_| LocId::UNKNOWN);
    let loaded = load(&typed(Ok(code), returns(5)));
    assert_eq!(run(loaded.program("prog").unwrap()), 5);
}

fn letters() {
    let text = "größe = naïve(\"日本\\n\"); // \u{1f980}\t%s %n";
    let lines = |code: &Code| with_lines(code, vec![line_of("src/größe.c", 7, text)], |_| FIRST);
    let good = lines(&calls_function());
    let loaded = load(&typed(Ok(good), returns(6)));
    assert_eq!(run(loaded.program("prog").unwrap()), 6);

    let bad = lines(&Assembler::new().mov(R0, R5).exit().finish().unwrap());
    let rejection = rejection(&typed(Ok(bad), returns(6)));
    assert_eq!(rejection.reason(), "R5 !read_ok");
    let place =
        "the verifier refused program `prog` at instruction 0 of `prog`, src/größe.c:7:1: R5 !read_ok";
    assert_eq!(rejection.to_string(), place);
    assert_eq!(rejection.loc().unwrap().text(), Some(text));
}

/// The running kernel's release is a hint only, so that the kernel has the last word; and then that word is explained.
fn timer_in_tracing() {
    let mut a = Assembler::new();
    a.st(Size::W, FP, -4, 0).load_map(R1, "timers").mov(R2, FP).add(R2, -4);
    a.call(Helper::MAP_LOOKUP_ELEM).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, golden::Value>("timers").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::KPROBE), a.finish());
    let rejection = rejection(&object.finish().unwrap());
    assert_eq!(
        (rejection.reason().as_str(), rejection.errno()),
        ("tracing progs cannot use bpf_timer yet", Errno::EINVAL)
    );
    assert!(rejection.hint().is_some_and(|hint| hint.contains("7.0")), "{:?}", rejection.hint());
}
