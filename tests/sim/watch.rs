//! What a machine says of the instructions it executed.

use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::kind::ProgramKind;
use bpfsmith::sim::Input;

use crate::common::{assembler, machine, object_of};

const SOURCE: &str = include_str!("watch.rs");

fn counting() -> bpfsmith::sim::Machine {
    let mut a = assembler();
    let again = a.label();
    let never = a.label();
    a.mov(R0, 0).mov(R1, 3); // once
    a.bind(again);
    a.add(R0, 2); // three times
    a.sub(R1, 1).jne(R1, 0, again);
    a.jeq(R0, 0, never).load_imm64(R2, 1_u64 << 40).exit();
    a.bind(never);
    a.mov(R0, -1).exit(); // never
    machine(&object_of(ProgramKind::SYSCALL, a.finish()))
}

fn line_of(what: &str) -> u32 {
    let line = SOURCE.lines().position(|line| line.trim_end().ends_with(what)).unwrap();
    u32::try_from(line).unwrap() + 1
}

#[test]
fn lines_are_counted() {
    let mut machine = counting();
    machine.run("prog", &Input::empty()).unwrap();
    assert!(machine.coverage().insns().is_empty(), "it is off");
    machine.set_coverage(true);
    assert_eq!(machine.run("prog", &Input::empty()).unwrap().retval, 6);
    let coverage = machine.coverage();
    let file = coverage.insns()[0].0.loc.as_ref().unwrap().file().to_owned();
    let lines = coverage.lines();
    let count = |what: &str| lines.get(&(file.clone(), line_of(what))).copied();
    assert_eq!(
        [count("; // once"), count("; // three times"), count("; // never")],
        [Some(1), Some(3), Some(0)]
    );
    let annotated = coverage.annotate(&file, SOURCE);
    let annotated: Vec<&str> = annotated.lines().collect();
    assert!(annotated[line_of("; // three times") as usize - 1].starts_with("         3 "));
    assert!(annotated[0].starts_with("         - "));
    machine.run("prog", &Input::empty()).unwrap();
    assert_eq!(machine.coverage().insns()[0].1, 2, "runs add up");
    assert!(machine.coverage().to_string().contains("         2  prog+0  r0 = 0"));
    machine.set_coverage(true);
    assert!(machine.coverage().insns().iter().all(|(_, count)| *count == 0));
}

#[test]
fn a_watched_run_counts_the_same_instructions() {
    let plain = counting().run("prog", &Input::empty()).unwrap();
    let mut machine = counting();
    machine.set_trace(usize::MAX);
    assert_eq!(machine.run("prog", &Input::empty()).unwrap(), plain);
    assert_eq!(machine.trace().len() as u64, plain.instructions);
}

#[test]
fn the_trace_says_what_changed() {
    let mut machine = counting();
    machine.set_trace(4);
    machine.run("prog", &Input::empty()).unwrap();
    let steps: Vec<String> = machine.trace().iter().map(ToString::to_string).collect();
    let before_loc = |step: &str| step.split("  at ").next().unwrap().to_owned();
    let steps: Vec<String> = steps.iter().map(|step| before_loc(step)).collect();
    assert_eq!(
        steps,
        [
            "cpu 0 prog+4  if r1 != 0 goto -3",
            "cpu 0 prog+5  if r0 == 0 goto +3",
            "cpu 0 prog+6  r2 = 1099511627776 ll  ; r2 = 0x10000000000",
            "cpu 0 prog+8  exit",
        ]
    );
    machine.set_trace(0);
    assert!(machine.trace().is_empty());
}
