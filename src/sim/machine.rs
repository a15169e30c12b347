//! A machine: an object, made ready to run, and what it runs in.

mod make;
mod report;

use std::time::Duration;

use super::context::{self, Input, Redirect};
use super::cpu::Cpu;
use super::engine::{self, Stop};
use super::error::{RunError, SimError};
use super::task::Task;
use super::text::Text;
use super::timeline::TimerEvent;
use super::trap::Trap;
use super::user::{MapError, MapView, RawMap, RawRing, Records};
use super::world::World;
use crate::asm::Loc;
use crate::base::Clock;
use crate::btf::BtfType;
use crate::object::Object;
use crate::target::Target;

/// Instructions that a run may take unless said otherwise: far more than the kernel's verifier lets pass.
const BUDGET: u64 = 1 << 32;
/// Between two passes over timers that are due, in nanoseconds: what the interrupt takes.
const PASS: u64 = 1_000;

/// A virtual kernel that has loaded an object.
#[derive(Debug)]
pub struct Machine {
    object: Object,
    text: Text,
    world: World,
    /// What executes, for each virtual CPU.
    cpus: Vec<Cpu>,
    budget: u64,
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

/// Something that happened to a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When: `CLOCK_MONOTONIC`, in nanoseconds.
    pub time: u64,
    /// The virtual CPU.
    pub cpu: u32,
    /// Which timer, in the order they were initialised.
    pub timer: usize,
    /// The map the timer is in.
    pub map: String,
    /// The key of its element.
    pub key: Vec<u8>,
    /// What happened.
    pub event: TimerEvent,
    /// The Rust line that did it; none where user space or the clock did.
    pub loc: Option<Loc>,
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
        let index = self.object.program_index(program);
        let index = index.ok_or_else(|| RunError::NoProgram(program.to_owned()))?;
        let kind = self.object.programs()[index].kind;
        let start = self.text.programs[index].start;
        let refused = |errno| RunError::Input { program: program.to_owned(), errno };
        let context = context::begin(&mut self.world, kind, input).map_err(refused)?;
        let ended = self.call(start, [context, 0, 0, 0, 0]);
        let context::Left { packet, context, redirect, sent } = context::end(&mut self.world);
        let result = ended?;
        let instructions = self.cpus[self.world.cpu as usize].executed;
        Ok(Outcome { retval: result as u32, result, packet, context, redirect, sent, instructions })
    }

    /// Lets time pass: what falls due is called, in order. How many timers fired.
    ///
    /// # Errors
    /// [`RunError::Fault`]: the function of a timer did what it may not; time stands where it did.
    pub fn advance(&mut self, time: Duration) -> Result<u64, RunError> {
        let until = self.world.timers.clock.after(time);
        let mut fired = 0;
        // What a pass arms for the same moment waits until the next.
        let mut after_pass = 0;
        while let Some(deadline) = self.world.timers.next_deadline() {
            let late = deadline <= self.now();
            let moment = if late { self.now() + after_pass } else { deadline };
            if moment > until {
                break;
            }
            self.world.timers.clock.go_to(moment);
            fired += self.pass()?;
            after_pass = PASS;
        }
        self.world.timers.clock.go_to(until);
        Ok(fired)
    }

    /// The time: `CLOCK_MONOTONIC`, in nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.world.timers.clock.now(Clock::Monotonic)
    }

    /// How many timers are armed.
    #[must_use]
    pub fn armed_timers(&self) -> usize {
        self.world.timers.armed()
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
    pub fn timeline(&self) -> Vec<TimelineEntry> {
        self.world.timers.timeline.moments.iter().map(|moment| self.entry(moment)).collect()
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
    pub fn set_task(&mut self, task: Task) {
        self.world.task = task;
    }

    /// Gives user space memory at an address, for `bpf_probe_read_user` and its like.
    pub fn map_user_memory(&mut self, address: u64, bytes: &[u8]) {
        self.world.user_memory.map(address, bytes);
    }

    /// One softirq: what is due now is called, what it arms waits for the next.
    fn pass(&mut self) -> Result<u64, RunError> {
        let turn = self.world.timers.turn();
        let mut fired = 0;
        self.world.timers.op = None;
        while let Some(due) = self.world.timers.take_due(self.world.cpu, turn) {
            let (key, value) = self.element(due.map, due.address);
            self.world.timers.begin(self.world.cpu, &due);
            let at = self.text.function(due.callback).map_err(|trap| self.fault(0, trap))?;
            let ended = self.call(at, [self.world.handle(due.map), key, value, 0, 0]);
            self.world.timers.op = None;
            self.world.timers.end(self.world.cpu, &due);
            fired += 1;
            match ended?.cast_signed() {
                0 => {}
                value => {
                    let at = self.cpus[self.world.cpu as usize].at;
                    return Err(self.fault(at.saturating_sub(1), Trap::Returned { value }));
                }
            }
        }
        Ok(fired)
    }

    /// The addresses of key and value of the element a timer is in.
    fn element(&mut self, map: u32, timer: u64) -> (u64, u64) {
        let value = timer - u64::from(self.world.memory.element_offset(timer));
        (self.world.with_map(map, |map, at| map.key_of(at, value)), value)
    }

    /// Runs a function from the outside, to its end.
    fn call(&mut self, at: usize, arguments: [u64; 5]) -> Result<u64, RunError> {
        let world = &mut self.world;
        let cpu = &mut self.cpus[world.cpu as usize];
        cpu.start(world, at, arguments);
        let stopped = engine::run(cpu, world, &self.text, self.budget);
        world.timers.op = None;
        let spent = cpu.executed >= self.budget;
        let at = cpu.at;
        match stopped {
            Ok(Stop::Returned(value)) => Ok(value),
            Ok(Stop::Paused) if spent => Err(self.fault(at, Trap::Budget { instructions: self.budget })),
            Ok(Stop::Paused) => Err(self.fault(at, Trap::Deadlock)),
            Err(trap) => Err(self.fault(at, trap)),
        }
    }
}
