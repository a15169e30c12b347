//! Runs programs, several to an object.

use std::env;

use bpfsmith::asm::Isa;
use bpfsmith::kernel::{self, TestRun};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::sim::{Input, Machine};
use bpfsmith::target::Target;

use crate::evaluate::{self, Hits, Outcome};
use crate::generate::{self, Random};
use crate::record;
use crate::shrink;
use crate::tree::{INTEGERS, Program};

/// Programs of one object.
const TOGETHER: u64 = 8;
/// Contexts that each program is run on.
const RUNS: usize = 4;
/// Programs, unless `COUNT` says otherwise.
const COUNT: u64 = 304;

/// Programs that were wrong or refused once: they go first.
const FOUND: [u64; 4] = [781, 5213, 9562, 9808];

/// Where programs run.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Kernel,
    Simulator,
}

/// What is wrong with a program.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The DSL, the verifier or the simulator does not take it.
    Refused(String),
    /// It gives something else than it should.
    Wrong { context: Vec<u64>, expected: Outcome, found: Outcome },
}

impl Fault {
    /// What it comes down to: the last thing the verifier says that is not a count, without numbers.
    fn reason(&self) -> String {
        let Self::Refused(why) = self else { return "wrong".into() };
        let said = |line: &&str| {
            !["processed", "cur state", "old state"].iter().any(|start| line.starts_with(start))
        };
        let line = why.lines().rfind(|line| said(line) && !line.is_empty()).unwrap_or_default();
        line.rsplit_once("goto pc").map_or(line, |(_, said)| said).to_owned()
    }

    /// Whether the other is of the same kind, in another place.
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |fault: &Self| fault.reason().replace(|c: char| !c.is_alphabetic(), "");
        words(self) == words(other)
    }
}

/// A program, the instructions it may use, and what it is tried on.
#[derive(Clone, Debug)]
pub struct Sample {
    pub seed: u64,
    pub program: Program,
    pub isa: Isa,
    pub contexts: Vec<Vec<u64>>,
}

impl Sample {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let program = generate::program(&mut random);
        let contexts = (0..RUNS).map(|_| generate::context(&mut random)).collect();
        // Programs of one object have the same instructions.
        let isa = if (seed / TOGETHER).is_multiple_of(2) { Isa::V3 } else { Isa::V4 };
        Self { seed, program, isa, contexts }
    }
}

/// As many as `COUNT` says, from `SEED` on.
pub fn random(on: On) {
    let (count, first) = (asked("COUNT").unwrap_or(COUNT), asked("SEED").unwrap_or(0));
    let (mut hits, mut faults, mut ran) = (Hits::new(), Vec::new(), 0);
    let found = FOUND.into_iter().filter(|_| asked("COUNT").is_none());
    let seeds: Vec<u64> = found.chain(first * count..(first + 1) * count).collect();
    for seeds in seeds.chunk_by(|a, b| a / TOGETHER == b / TOGETHER) {
        let samples: Vec<_> = seeds.iter().map(|&seed| Sample::new(seed)).collect();
        for (sample, fault) in samples.iter().zip(try_together(on, &samples, &mut hits)) {
            match fault {
                None => ran += 1,
                Some(fault) => faults.push((sample.clone(), fault)),
            }
        }
    }
    if asked("COUNT").is_some() {
        tell(on, ran, &faults, &hits);
    }
    if let Some((sample, fault)) = faults.first() {
        let (sample, fault) = shrink::shrink(on, sample.clone(), fault.clone());
        panic!("{} faults, the first smaller:\n{}", faults.len(), describe(&sample, &fault));
    }
    if count >= COUNT {
        covered(&hits);
    }
}

fn asked(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn tell(on: On, ran: u64, faults: &[(Sample, Fault)], hits: &Hits) {
    let refused = faults.iter().filter(|(_, fault)| matches!(fault, Fault::Refused(_))).count();
    let wrong = faults.len() - refused;
    println!("{on:?}: {ran} programs ran as they should, {refused} were refused, {wrong} were wrong");
    for (sample, fault) in faults {
        println!("seed {}: {}", sample.seed, fault.reason());
    }
    for ((what, ty), count) in hits {
        println!("{what:20} {ty:5} {count:10}");
    }
}

/// Each operator and comparison has been gone through, with each type.
fn covered(hits: &Hits) {
    let operators = ["+", "-", "*", "/", "%", "bit &", "bit |", "^", "<<", ">>", "neg", "not"];
    let comparisons = ["==", "!=", "<", "<=", ">", ">="];
    for what in operators.into_iter().chain(comparisons) {
        for ty in INTEGERS {
            let count = hits.get(&(what, ty.to_string())).copied().unwrap_or(0);
            assert!(count >= 10, "{what} of {ty}: {count} times");
        }
    }
}

fn describe(sample: &Sample, fault: &Fault) -> String {
    let listing = match object(std::slice::from_ref(sample)) {
        Ok(object) => object.functions().iter().map(|f| format!("{}:\n{}\n", f.name, f.code)).collect(),
        Err(error) => error,
    };
    let fault = match fault {
        Fault::Refused(why) => format!("refused: {why}"),
        Fault::Wrong { context, expected, found } => {
            let differ =
                (0..expected.context.len()).filter(|&slot| expected.context[slot] != found.context[slot]);
            let slots: String = differ
                .map(|slot| {
                    format!("{slot}: {:#x} instead of {:#x}\n", found.context[slot], expected.context[slot])
                })
                .collect();
            let (expected, found) = (expected.returned, found.returned);
            format!("returned {found} instead of {expected}\n{slots}context {context:x?}")
        }
    };
    format!("seed {}\n{:#?}\n{listing}\n{fault}", sample.seed, sample.program)
}

/// What is wrong with a program by itself.
pub fn try_alone(on: On, sample: &Sample) -> Option<Fault> {
    let (sample, mut hits) = (std::slice::from_ref(sample), Hits::new());
    object(sample)
        .and_then(|object| ran(on, sample, &object, &mut hits))
        .map_or_else(|why| Some(Fault::Refused(why)), |mut faults| faults.pop()?)
}

fn try_together(on: On, samples: &[Sample], hits: &mut Hits) -> Vec<Option<Fault>> {
    object(samples)
        .and_then(|object| ran(on, samples, &object, hits))
        .unwrap_or_else(|_| samples.iter().map(|sample| try_alone(on, sample)).collect())
}

fn name(sample: &Sample) -> String {
    format!("p{}", sample.seed % TOGETHER)
}

fn object(samples: &[Sample]) -> Result<Object, String> {
    let mut object = ObjectBuilder::new("random").license("GPL").isa(samples[0].isa);
    for sample in samples {
        record::add(&mut object, &name(sample), &sample.program);
    }
    object.finish().map_err(|error| error.to_string())
}

/// What each gave that is wrong; an error where they cannot be loaded.
fn ran(on: On, samples: &[Sample], object: &Object, hits: &mut Hits) -> Result<Vec<Option<Fault>>, String> {
    let mut runner = Runner::new(on, object)?;
    samples
        .iter()
        .map(|sample| {
            for context in &sample.contexts {
                let expected = evaluate::run(&sample.program, context, hits);
                let found = runner.run(&name(sample), context)?;
                if expected != found {
                    return Ok(Some(Fault::Wrong { context: context.clone(), expected, found }));
                }
            }
            Ok(None)
        })
        .collect()
}

/// Where the programs of an object run.
pub enum Runner {
    Kernel(kernel::Loaded),
    Simulator(Box<Machine>),
}

impl Runner {
    pub fn new(on: On, object: &Object) -> Result<Self, String> {
        match on {
            On::Kernel => kernel::load(object).map(Self::Kernel).map_err(|error| match error.rejection() {
                Some(rejection) => String::from_utf8_lossy(rejection.raw_log()).into_owned(),
                None => error.to_string(),
            }),
            On::Simulator => Machine::new(object, &Target::simulated())
                .map(|machine| Self::Simulator(Box::new(machine)))
                .map_err(|error| error.to_string()),
        }
    }

    pub fn run(&mut self, program: &str, context: &[u64]) -> Result<Outcome, String> {
        let bytes: Vec<u8> = context.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let (returned, bytes) = match self {
            Self::Kernel(loaded) => {
                let program = loaded.program(program).map_err(|error| error.to_string())?;
                let outcome =
                    program.test_run(&TestRun::new().context(bytes)).map_err(|error| error.to_string())?;
                (outcome.retval, outcome.context)
            }
            Self::Simulator(machine) => {
                let outcome =
                    machine.run(program, &Input::context(&bytes)).map_err(|error| error.to_string())?;
                (outcome.retval, outcome.context)
            }
        };
        let numbers = bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap()));
        Ok(Outcome { returned, context: numbers.collect() })
    }
}
