//! A machine: an object, made ready to run, and what it runs in.

mod concurrent;
mod lifetime;
mod make;
mod report;
mod time;
mod watched;

use std::collections::BTreeMap;

pub use self::concurrent::{Task, TaskOutcome, TaskResult, explore};
use super::context::{self, Input, Redirect};
use super::cpu::Cpu;
use super::engine::{self, Stop};
use super::error::{RunError, SimError};
use super::task::CurrentTask;
use super::text::Text;
use super::timeline::Timeline;
use super::trap::Trap;
use super::user::{MapError, MapView, RawMap, RawRing, Records};
use super::watch::Watch;
use super::world::World;
use crate::btf::BtfType;
use crate::object::Object;
use crate::target::Target;

/// Instructions that a run may take unless said otherwise: far more than the kernel's verifier lets pass.
const BUDGET: u64 = 1 << 32;

/// A virtual kernel that has loaded an object.
#[derive(Debug)]
pub struct Machine {
    object: Object,
    text: Text,
    world: World,
    /// What executes, two for each virtual CPU: its program, and the function of a timer that interrupts it.
    cpus: Vec<[Cpu; 2]>,
    budget: u64,
    /// Pins of maps: the paths, and the numbers of the maps.
    pins: BTreeMap<String, u32>,
    watch: Watch,
    /// Whether user space holds the descriptor of each program.
    opened: Vec<bool>,
}

/// What runs on a virtual CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Program,
    Softirq,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What the program returned, as a test run tells it.
    pub retval: u32,
    /// All of r0.
    pub result: u64,
    /// The packet as the program left it.
    pub packet: Vec<u8>,
    /// The context as the program left it.
    pub context: Vec<u8>,
    /// Where a helper sent the packet, if one did; it goes there if the program returns what the helper returned.
    pub redirect: Option<Redirect>,
    /// Copies of the packet that were sent (`bpf_clone_redirect`).
    pub sent: Vec<Redirect>,
    /// How many instructions were executed.
    pub instructions: u64,
}

impl Machine {
    /// Makes the maps of an object and decodes its programs, for what `target` says of the kernel: its release, its CPUs.
    ///
    /// The machine has the byte order of the object, whatever that of the target.
    ///
    /// # Errors
    /// [`SimError`] names what the simulator does not have, or the kernel would not take, and its Rust line.
    pub fn new(object: &Object, target: &Target) -> Result<Self, SimError> {
        make::machine(object, target)
    }

    /// Runs a program as `BPF_PROG_TEST_RUN` does, on CPU 0.
    ///
    /// # Errors
    /// [`RunError`]: there is no such program, its kind does not take such input, or it did what it may not.
    pub fn run(&mut self, program: &str, input: &Input) -> Result<Outcome, RunError> {
        self.run_on(0, program, input)
    }

    /// Runs a program on a virtual CPU: what it starts fires there.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`RunError::NoCpu`].
    pub fn run_on(&mut self, cpu: u32, program: &str, input: &Input) -> Result<Outcome, RunError> {
        self.enter(cpu, program, input)?;
        let ended = self.finish(Level::Program);
        self.outcome(ended)
    }

    /// How many virtual CPUs there are: those the target may have, or one.
    #[must_use]
    pub fn cpus(&self) -> u32 {
        self.cpus.len() as u32
    }

    /// The map `name`, for user space, with the Rust types of its keys and values.
    ///
    /// # Errors
    /// [`MapError`]: there is no such map, or the types have other sizes than it.
    pub fn map<K: BtfType, V: BtfType>(&mut self, name: &str) -> Result<MapView<'_, K, V>, MapError> {
        MapView::new(self.raw_map(name)?)
    }

    /// The map `name`, for user space, as bytes.
    ///
    /// # Errors
    /// [`MapError::NoMap`].
    pub fn raw_map(&mut self, name: &str) -> Result<RawMap<'_>, MapError> {
        let index = self.object.map_index(name).ok_or_else(|| MapError::NoMap(name.to_owned()))?;
        Ok(RawMap::new(&mut self.world, index as u32))
    }

    /// The ring buffer, user ring buffer or perf event array `name`, for user space, as bytes.
    ///
    /// # Errors
    /// [`MapError::NoMap`].
    pub fn raw_ring(&mut self, name: &str) -> Result<RawRing<'_>, MapError> {
        let index = self.object.map_index(name).ok_or_else(|| MapError::NoMap(name.to_owned()))?;
        Ok(RawRing::new(&mut self.world, index as u32))
    }

    /// The ring buffer `name`, for user space, with the Rust type of its records.
    ///
    /// # Errors
    /// [`MapError::NoMap`].
    pub fn ring<T: BtfType>(&mut self, name: &str) -> Result<Records<'_, T>, MapError> {
        self.raw_ring(name).map(Records::new)
    }

    /// What the map `name` holds, a line for each element, with the names of its types: `{.id = 3}: {.hits = 7}`. A key or
    /// value without a type is shown as bytes.
    ///
    /// # Errors
    /// [`MapError::NoMap`]; [`MapError::Btf`]: its types cannot be read.
    pub fn dump(&mut self, name: &str) -> Result<String, MapError> {
        let index = self.object.map_index(name).ok_or_else(|| MapError::NoMap(name.to_owned()))?;
        let def = &self.object.maps()[index];
        RawMap::new(&mut self.world, index as u32).dump(self.object.btf(), def.key, def.value)
    }

    /// What programs printed, line by line.
    #[must_use]
    pub fn printed(&self) -> &[String] {
        &self.world.printed
    }

    /// What happened to timers, in order.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        let log = &self.world.timers.log;
        Timeline::new(log.moments().iter().map(|moment| self.entry(moment)).collect(), log.dropped())
    }

    /// How many entries the timeline keeps, 65,536 unless said otherwise; 0 keeps none, and takes no time.
    pub fn set_timeline_limit(&mut self, entries: usize) {
        self.world.timers.log.set_limit(entries);
    }

    /// How many instructions a run may take before it is stopped.
    pub fn set_budget(&mut self, instructions: u64) {
        self.budget = instructions;
    }

    /// Where `bpf_get_prandom_u32` begins: the same seed gives the same run.
    pub fn set_seed(&mut self, seed: u64) {
        self.world.random = super::random::Random::new(seed);
    }

    /// The task that programs run in.
    pub fn set_task(&mut self, task: CurrentTask) {
        self.world.task = task;
    }

    /// Gives user space memory at an address, for `bpf_probe_read_user` and its like.
    pub fn map_user_memory(&mut self, address: u64, bytes: &[u8]) {
        self.world.user_memory.map(address, bytes);
    }

    /// Makes a program ready to run on a CPU.
    fn enter(&mut self, cpu: u32, program: &str, input: &Input) -> Result<(), RunError> {
        let cpus = self.cpus();
        if cpu >= cpus {
            return Err(RunError::NoCpu { cpu, cpus });
        }
        self.world.cpu = cpu;
        let index = self.object.program_index(program).filter(|index| self.opened[*index]);
        let index = index.ok_or_else(|| RunError::NoProgram(program.to_owned()))?;
        let kind = self.object.programs()[index].kind;
        let start = self.text.programs[index].start;
        let refused = |errno| RunError::Input { program: program.to_owned(), errno };
        let context = context::begin(&mut self.world, kind, input).map_err(refused)?;
        self.start(Level::Program, start, [context, 0, 0, 0, 0]);
        Ok(())
    }

    /// What the program on this CPU leaves, given how it ended.
    fn outcome(&mut self, ended: Result<u64, RunError>) -> Result<Outcome, RunError> {
        let context::Left { packet, context, redirect, sent } = context::end(&mut self.world);
        let result = ended?;
        let instructions = self.cpus[self.world.cpu as usize][Level::Program as usize].executed;
        Ok(Outcome { retval: result as u32, result, packet, context, redirect, sent, instructions })
    }

    fn start(&mut self, level: Level, at: usize, arguments: [u64; 5]) {
        let cpu = &mut self.cpus[self.world.cpu as usize][level as usize];
        cpu.start(&mut self.world, at, arguments);
    }

    /// Runs what was started to its end.
    fn finish(&mut self, level: Level) -> Result<u64, RunError> {
        match self.resume(level, self.budget)? {
            Stop::Returned(value) => Ok(value),
            Stop::Paused => Err(self.stopped(level, Trap::Budget { instructions: self.budget })),
            Stop::Waiting => Err(self.stopped(level, Trap::Deadlock)),
        }
    }

    /// Runs what was started some way.
    fn resume(&mut self, level: Level, quota: u64) -> Result<Stop, RunError> {
        let stopped = if self.watch.is_on() {
            self.run_watched(level, quota)
        } else {
            let cpu = &mut self.cpus[self.world.cpu as usize][level as usize];
            engine::run(cpu, &mut self.world, &self.text, quota)
        };
        self.world.timers.op = None;
        stopped.map_err(|trap| self.stopped(level, trap))
    }

    fn stopped(&self, level: Level, trap: Trap) -> RunError {
        self.fault(self.cpus[self.world.cpu as usize][level as usize].at, trap)
    }
}
