//! The simulator: interpreting, beside rbpf's interpreter on the same bytes; a million pending timers.

use std::time::{Duration, Instant};

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7, R8, R9};
use bpfsmith::asm::{AluOp, Assembler, Code, Helper, Reg, Size};
use bpfsmith::base::{Clock, Endian};
use bpfsmith::btf::Timer;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{Input, Machine};
use bpfsmith::target::Target;

use crate::rounds::{Contender, Role, table, table_of};
use crate::{Outcome, told};

/// Rounds of a loop.
const LOOPS: i32 = 10_000;

pub fn tables() {
    loops("interpret an ALU loop, an instruction", alu);
    loops("interpret a mixed loop, an instruction", mixed);
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        if let Err(why) = timers(count) {
            println!("\n**timers**: {why}");
        }
    }
}

fn loops(title: &str, body: fn(&mut Assembler)) {
    let measured = || -> Outcome<()> {
        let code = looped(body)?;
        let bytes = code.encode(Endian::NATIVE);
        let mut machine = machine(&object(code)?)?;
        let instructions = machine.run("prog", &Input::empty()).map_err(told)?.instructions;
        let expected = machine.run("prog", &Input::empty()).map_err(told)?.result;
        let peer = rbpf::EbpfVmNoData::new(Some(&bytes)).map_err(told)?;
        if peer.execute_program().map_err(told)? != expected {
            return Err("rbpf comes to something else".to_owned());
        }
        let ours = move || machine.run("prog", &Input::empty()).map_err(told);
        let rows = vec![
            Contender::new("bpfsmith's simulator, memory checked", Role::Ours, ours),
            Contender::new("rbpf's interpreter", Role::Peer, || peer.execute_program().map_err(told)),
        ];
        table(title, instructions as usize, rows);
        Ok(())
    };
    if let Err(why) = measured() {
        println!("\n**{title}**: {why}");
    }
}

fn looped(body: fn(&mut Assembler)) -> Outcome<Code> {
    let mut a = Assembler::new();
    let again = a.label();
    a.mov(R0, 1).mov(R2, 3).mov(R3, 5).mov(R6, LOOPS).bind(again);
    body(&mut a);
    a.sub(R6, 1).jne(R6, 0, again).exit();
    a.finish().map_err(told)
}

fn alu(a: &mut Assembler) {
    a.add(R0, R2).xor(R0, R3).lsh(R3, 1).add(R3, 7).mul(R2, 5).or(R0, 64).alu(AluOp::Rsh, R2, 1).add(R0, R3);
}

/// Arithmetic, the stack, a jump that is taken every other time.
fn mixed(a: &mut Assembler) {
    let odd = a.label();
    a.stx(Size::DW, Reg::FP, -8, R0).add(R0, R2).stx(Size::W, Reg::FP, -16, R0).ldx(
        Size::DW,
        R3,
        Reg::FP,
        -8,
    );
    a.xor(R3, R0).and(R3, 1).jne(R3, 0, odd).add(R2, 3).bind(odd);
    a.ldx(Size::W, R7, Reg::FP, -16).add(R0, R7).st(Size::H, Reg::FP, -24, 9).ldx(Size::H, R8, Reg::FP, -24);
    a.sub(R0, R8);
}

fn object(code: Code) -> Outcome<Object> {
    let mut object = ObjectBuilder::new("loop");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), Ok(code));
    object.finish().map_err(told)
}

fn machine(object: &Object) -> Outcome<Machine> {
    Machine::new(object, &Target::simulated()).map_err(told)
}

/// Starting and firing so many timers, all armed at once, each.
fn timers(count: u32) -> Outcome<()> {
    let object = many_timers(count)?;
    let rounds = if count < 100_000 { 21 } else { 5 };
    let start = Contender::timed("start", Role::Ours, || Ok(start_and_fire(&object, count)?.0));
    let fire = Contender::timed("fire", Role::Peer, || Ok(start_and_fire(&object, count)?.1));
    table_of(&format!("simulated timers, {count} pending, each"), rounds, count as usize, vec![start, fire]);
    Ok(())
}

fn start_and_fire(object: &Object, count: u32) -> Outcome<(Duration, Duration)> {
    let mut machine = machine(object)?;
    machine.set_timeline_limit(0);
    machine.run("prepare", &Input::empty()).map_err(told)?;
    let begun = Instant::now();
    machine.run("start", &Input::empty()).map_err(told)?;
    let started = begun.elapsed();
    if machine.armed_timers() != count as usize {
        return Err(format!("{} are armed", machine.armed_timers()));
    }
    let begun = Instant::now();
    let fired = machine.advance(Duration::from_secs(1)).map_err(told)?;
    let time = begun.elapsed();
    if fired == u64::from(count) { Ok((started, time)) } else { Err(format!("{fired} fired")) }
}

fn many_timers(count: u32) -> Outcome<Object> {
    let mut object = ObjectBuilder::new("timers").license("GPL");
    object.add_map(MapSpec::array::<u32, Timer>("timers").max_entries(count));
    let prepare = for_each(count, |a| {
        a.load_map(R2, "timers").mov(R3, Clock::Monotonic.number() as i32).call(Helper::TIMER_INIT);
        a.mov(R1, R7).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
    });
    // Spread over 16 ms, in no order.
    let start = for_each(count, |a| {
        a.mov(R2, R6).mul(R2, 0x61c8_8647).and(R2, 0xff_ffff).mov(R3, 0).call(Helper::TIMER_START);
    });
    object.add_program(ProgramSpec::new("prepare", ProgramKind::SYSCALL), prepare);
    object.add_program(ProgramSpec::new("start", ProgramKind::SYSCALL), start);
    object.add_function("tick", Assembler::new().mov(R0, 0).exit().finish());
    object.finish().map_err(told)
}

/// `emit` for the timer of every element, in r1 and r7; r6 is its key.
fn for_each(count: u32, emit: fn(&mut Assembler)) -> Result<Code, bpfsmith::asm::AsmError> {
    let mut a = Assembler::new();
    let (again, out) = (a.label(), a.label());
    a.mov(R6, 0).mov(R9, count as i32).bind(again).stx(Size::W, Reg::FP, -4, R6);
    a.load_map(R1, "timers").mov(R2, Reg::FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jeq(R0, 0, out).mov(R7, R0).mov(R1, R0);
    emit(&mut a);
    a.add(R6, 1).jne(R6, R9, again).bind(out).mov(R0, 0).exit();
    a.finish()
}
