//! Runs programs on both sides, and tells what differs.

use std::collections::{BTreeMap, BTreeSet};

use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{Code, Size};
use bpfsmith::base::Errno;
use bpfsmith::kernel::{self, LoadError, Loaded, TestRun};
use bpfsmith::kind::ProgramKind;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{CurrentTask, Input, Machine, RunError};
use bpfsmith::target::Target;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::{Pid, gettid};
use std::os::unix::fs::MetadataExt;

use crate::cover::{self, Hits};
use crate::generate::{self, CONTEXT, INPUTS, Made, Random, all_rows, assembler, is_skb};
use crate::helpers::{KINDS, Row};
use crate::maps;
use crate::support::with_own_network;

/// How many programs are made where `COUNT` does not say.
const SHORT: u64 = 1500;
/// From so many on, every instruction, helper and map kind must have been hit.
const FULL: u64 = 100_000;
/// ... this often.
const ENOUGH: u64 = 100;
/// Programs of an object.
const TOGETHER: u64 = 8;
/// Inputs of a program.
const INPUTS_EACH: u32 = 3;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|number| number.parse().unwrap_or_else(|_| panic!("{name}={number} is no number")))
}

pub fn differential() {
    // A network of its own: what a program redirects goes nowhere.
    with_own_network(|| {
        let mut only = CpuSet::new();
        only.set(0).unwrap();
        sched_setaffinity(Pid::from_raw(0), &only).unwrap();
        Differential::new(asked("SEED").unwrap_or(1)).run(asked("COUNT").unwrap_or(SHORT));
    });
}

struct Differential {
    random: Random,
    target: Target,
    /// What the verifier takes of each kind.
    rows: BTreeMap<u8, Vec<&'static Row>>,
    hits: Hits,
    made: u64,
    /// How many of them are compiled from the DSL's form.
    forms: u64,
    accepted: u64,
    /// A call that a kind may not make, and what the verifier says.
    untaken: BTreeMap<String, String>,
    /// What the verifier says, and how often.
    refused: BTreeMap<String, u64>,
    differences: Vec<String>,
}

/// Programs of one kind, by name.
struct Batch {
    kind: ProgramKind,
    programs: BTreeMap<String, Made>,
}

impl Differential {
    fn new(seed: u64) -> Self {
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self {
            random,
            target: Target::simulated().with_possible_cpus(possible_cpus()),
            rows: BTreeMap::new(),
            hits: Hits::default(),
            made: 0,
            forms: 0,
            accepted: 0,
            untaken: BTreeMap::new(),
            refused: BTreeMap::new(),
            differences: Vec::new(),
        }
    }

    fn run(mut self, count: u64) {
        self.calibrate();
        while self.made < count {
            self.batch(TOGETHER.min(count - self.made));
        }
        self.report(count);
    }

    /// Which calls the verifier takes from which kind of program.
    fn calibrate(&mut self) {
        for (at, kind) in (0..).zip(KINDS) {
            let taken = all_rows().filter(|row| {
                let refused = [1, 2].into_iter().find_map(|seed| refusal(kind, row, seed));
                if let Some(reason) = &refused {
                    self.untaken.insert(call_of(row), reason.clone());
                }
                refused.is_none()
            });
            self.rows.insert(at, taken.collect());
        }
    }

    fn batch(&mut self, programs: u64) {
        let at = self.random.below(KINDS.len());
        let kind = KINDS[at];
        let rows = &self.rows[&(at as u8)];
        let mut batch = Batch { kind, programs: BTreeMap::new() };
        for nth in 0..programs {
            let name = format!("p{nth}");
            let made = if kind == ProgramKind::SYSCALL && self.random.one_in(2) {
                self.forms += 1;
                generate::form(&mut self.random)
            } else {
                generate::program(&mut self.random, kind, &name, rows)
            };
            batch.programs.insert(name, made);
        }
        self.made += programs;
        while !batch.programs.is_empty() {
            let object = batch.object();
            match kernel::load(&object) {
                Ok(loaded) => return self.compare(&batch, &object, &loaded),
                Err(error) => self.refuse(&mut batch, &error),
            }
        }
    }

    /// Goes on without the program that the verifier did not take.
    fn refuse(&mut self, batch: &mut Batch, error: &LoadError) {
        let rejection = error.rejection().unwrap_or_else(|| panic!("{error}"));
        let reason = String::from_utf8_lossy(rejection.log().reason()).into_owned();
        let reason: String = reason.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        if asked("SHOWN").is_some() {
            println!("{}", String::from_utf8_lossy(rejection.raw_log()));
        }
        *self.refused.entry(format!("{}: {reason}", rejection.errno())).or_default() += 1;
        batch.programs.remove(rejection.program()).unwrap_or_else(|| panic!("{error}"));
    }

    fn compare(&mut self, batch: &Batch, object: &Object, loaded: &Loaded) {
        let mut machine = Machine::new(object, &self.target).unwrap_or_else(|error| panic!("{error}"));
        machine.set_task(current());
        let names: BTreeSet<&str> = batch.maps();
        for name in batch.programs.keys() {
            self.accepted += 1;
            machine.set_coverage(true);
            for _ in 0..INPUTS_EACH {
                let inputs: Vec<u8> =
                    (0..INPUTS / 8).flat_map(|_| self.random.number().to_ne_bytes()).collect();
                maps::reset(loaded, &mut machine, &inputs);
                let given = given(&mut self.random, batch.kind);
                let real = in_kernel(loaded, name, &given);
                let simulated = simulated(&mut machine, name, &given);
                let mut difference =
                    (real != simulated).then(|| format!("kernel {real:x?}\nsimulator {simulated:x?}"));
                for map in &names {
                    let (real, simulated) =
                        (maps::in_kernel(loaded, map), maps::simulated(&mut machine, map));
                    if real != simulated && difference.is_none() {
                        difference = Some(apart(map, &real, &simulated));
                    }
                }
                if let Some(difference) = difference {
                    let code = object.function(name).map(|function| listing(&function.code));
                    let shown = format!(
                        "{:?} {name}, of batch to {}: {difference}\ninputs {inputs:02x?}\ngiven {given:02x?}\n{}",
                        batch.kind,
                        self.made,
                        code.unwrap_or_default()
                    );
                    self.differences.push(shown);
                    // What follows would differ because of this.
                    return;
                }
            }
            self.hits.add(object, &machine);
        }
    }

    fn report(&self, count: u64) {
        let share = 100.0 * self.accepted as f64 / self.made as f64;
        println!(
            "{} programs, {} of them from the DSL's form, {} accepted: {share:.1} %",
            self.made, self.forms, self.accepted
        );
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        for (reason, times) in refused.into_iter().take(15) {
            println!("  refused {times} times: {reason}");
        }
        let taken = |row: &&Row| self.rows.values().flatten().any(|taken| std::ptr::eq(*taken, *row));
        for row in all_rows().filter(|row| !taken(row)) {
            let call = call_of(row);
            println!("  no kind may call {call}: {}", self.untaken[&call]);
        }
        println!("left out or not compared:");
        cover::out_of_reach().iter().for_each(|line| println!("  {line}"));
        println!("hit least, in so many programs:");
        let all = self.hits.all();
        all.iter().take(40).for_each(|(hits, what)| println!("  {hits:6} {what}"));
        println!("{} differences", self.differences.len());
        for difference in self.differences.iter().take(asked("SHOWN").unwrap_or(3) as usize) {
            println!("{difference}\n");
        }
        assert!(self.differences.is_empty(), "{} programs differ", self.differences.len());
        assert!(share >= 30.0, "only {share:.1} % were accepted");
        if count >= FULL {
            let rare: Vec<_> = all.iter().filter(|(hits, _)| *hits < ENOUGH).collect();
            assert!(rare.is_empty(), "hit fewer than {ENOUGH} times: {rare:?}");
        }
    }
}

impl Batch {
    fn maps(&self) -> BTreeSet<&'static str> {
        let used = self.programs.values().flat_map(|made| made.maps.iter().copied());
        let mut maps: BTreeSet<_> = used.chain(["notes"]).collect();
        if maps.contains("array_of_maps") || maps.contains("hash_of_maps") {
            maps.insert("array");
        }
        maps
    }

    fn object(&self) -> Object {
        let mut object = ObjectBuilder::new("generated").license("GPL");
        let names = self.maps();
        names.iter().for_each(|name| maps::add(&mut object, name));
        for (name, made) in &self.programs {
            for (function, code) in &made.functions {
                object.add_function(function.clone(), code.clone());
            }
            object.add_program(spec(name, self.kind), made.main.clone());
        }
        if names.contains("programs") {
            object.add_program(spec("target", self.kind), target());
        }
        object.finish().unwrap_or_else(|error| panic!("{error}"))
    }
}

fn call_of(row: &Row) -> String {
    format!("{} on {}", row.helper, row.map.unwrap_or("nothing"))
}

/// Why a kind may not make a call; none: it may.
fn refusal(kind: ProgramKind, row: &'static Row, seed: u64) -> Option<String> {
    let made = generate::sample(&mut Random(seed), kind, row);
    let batch = Batch { kind, programs: BTreeMap::from([("prog".to_owned(), made)]) };
    let error = kernel::load(&batch.object()).err()?;
    let reason =
        error.rejection().map(|rejection| String::from_utf8_lossy(rejection.log().reason()).into_owned());
    Some(reason.unwrap_or_else(|| error.to_string()))
}

fn spec(name: &str, kind: ProgramKind) -> ProgramSpec {
    ProgramSpec::new(name, kind)
}

/// What a tail call goes to.
fn target() -> Result<Code, bpfsmith::asm::AsmError> {
    let mut a = assembler();
    a.load_map_value(R1, "notes", 128).mov(R2, 77).fetch_add(Size::DW, R1, 0, R2).mov(R0, 1).exit();
    a.finish()
}

/// A packet and a context.
#[derive(Debug)]
struct Given {
    packet: Vec<u8>,
    context: Vec<u8>,
}

fn given(random: &mut Random, kind: ProgramKind) -> Given {
    let mut bytes = |len: usize| -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| random.number().to_ne_bytes()).collect();
        bytes.truncate(len);
        bytes
    };
    if kind == ProgramKind::SYSCALL {
        return Given { packet: Vec::new(), context: bytes(CONTEXT) };
    }
    if kind == ProgramKind::RAW_TRACEPOINT {
        return Given { packet: Vec::new(), context: bytes(96) };
    }
    let mut packet = bytes(200);
    packet.truncate(14 + random.below(187));
    let protocol = random.pick(&[0x0800_u16, 0x0800, 0x86dd, 0x8100, 0x1234]);
    packet[12..14].copy_from_slice(&protocol.to_be_bytes());
    if random.one_in(3) {
        packet[..6].fill(random.pick(&[0, 0xff, 1]));
    }
    let context = if is_skb(kind) && random.one_in(2) { skb(random) } else { Vec::new() };
    Given { packet, context }
}

/// `struct __sk_buff` with a mark, a priority and `cb`.
fn skb(random: &mut Random) -> Vec<u8> {
    let mut context = vec![0; 192];
    for at in [8, 32, 48, 52, 56, 60, 64] {
        context[at..at + 4].copy_from_slice(&(random.number() as u32).to_ne_bytes());
    }
    context
}

/// What a run came to.
type Came = Result<(u32, Vec<u8>, Vec<u8>), Errno>;

fn in_kernel(loaded: &Loaded, name: &str, given: &Given) -> Came {
    let mut run = TestRun::new().data(given.packet.clone()).context(given.context.clone());
    if !given.packet.is_empty() {
        run = run.data_room(1 << 16);
    }
    let outcome = loaded.program(name).unwrap().test_run(&run).map_err(|error| error.errno)?;
    Ok((outcome.retval, outcome.data, outcome.context))
}

fn simulated(machine: &mut Machine, name: &str, given: &Given) -> Came {
    let input = if given.packet.is_empty() { Input::empty() } else { Input::packet(&given.packet) };
    let outcome = match machine.run(name, &input.with_context(&given.context)) {
        Ok(outcome) => outcome,
        Err(RunError::Input { errno, .. }) => return Err(errno),
        Err(error) => {
            println!("{name}: {error}");
            return Err(Errno(0));
        }
    };
    // The kernel gives a context back where one went in.
    let context = if given.context.is_empty() { Vec::new() } else { outcome.context };
    Ok((outcome.retval, outcome.packet, context))
}

fn current() -> CurrentTask {
    let comm = std::fs::read("/proc/thread-self/comm").unwrap();
    let mut task = CurrentTask::new();
    task.pid = gettid().as_raw().cast_unsigned();
    task.tgid = std::process::id();
    let this = std::fs::metadata("/proc/thread-self").unwrap();
    (task.uid, task.gid) = (this.uid(), this.gid());
    task.comm = comm.strip_suffix(b"\n").unwrap_or(&comm).to_vec();
    task
}

fn possible_cpus() -> u32 {
    let mut object = ObjectBuilder::new("cpus");
    maps::add(&mut object, "percpu_array");
    let loaded = kernel::load(&object.finish().unwrap()).unwrap();
    loaded.map("percpu_array").unwrap().values_per_key().try_into().unwrap()
}

/// Where the contents of a map differ.
fn apart(map: &str, real: &maps::Contents, simulated: &maps::Contents) -> String {
    let pairs = real.iter().zip(simulated).enumerate().filter(|(_, (real, simulated))| real != simulated);
    let shown = pairs.map(|(at, (real, simulated))| match (real, simulated) {
        (Some(real), Some(simulated)) => {
            let bytes =
                real.iter().zip(simulated).enumerate().filter(|(_, (real, simulated))| real != simulated);
            let bytes: Vec<_> =
                bytes.map(|(at, (real, simulated))| format!("{at}: {real:02x} {simulated:02x}")).collect();
            format!("key {at}, bytes: {}", bytes.join(", "))
        }
        _ => format!("key {at}: kernel {real:02x?}, simulator {simulated:02x?}"),
    });
    format!("map {map}: {}", shown.collect::<Vec<_>>().join("; "))
}

fn listing(code: &Code) -> String {
    code.to_string()
}
