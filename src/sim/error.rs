//! What can go wrong: when a machine is made, and when it runs.

use std::fmt;

use thiserror::Error;

pub use super::memory::Refusal;
use crate::asm::DecodeError;
use crate::base::{Errno, Helper};
use crate::map::MapKind;
use crate::site::Site;

/// Why an object cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SimError {
    /// A slot holds no instruction.
    #[error("program `{program}`, slot {slot}{site}: {error}")]
    NoInstruction {
        /// The program.
        program: String,
        /// The slot, counted from the program's start.
        slot: usize,
        /// What is wrong with it.
        error: DecodeError,
        /// The Rust line that emitted it.
        site: Site,
    },
    /// The simulator does not have an instruction.
    #[error("program `{program}`, slot {slot}{site}: the simulator has no {what}")]
    Instruction {
        /// The program.
        program: String,
        /// The slot.
        slot: usize,
        /// What the instruction is.
        what: &'static str,
        /// The Rust line that emitted it.
        site: Site,
    },
    /// A jump or call leads out of the program.
    #[error(
        "program `{program}`, slot {slot}{site}: leads to slot {target}, which the program does not have"
    )]
    Target {
        /// The program.
        program: String,
        /// The slot.
        slot: usize,
        /// Where it leads, counted from the program's start.
        target: i64,
        /// The Rust line that emitted it.
        site: Site,
    },
    /// The simulator does not have a helper.
    #[error("program `{program}`, slot {slot}{site}: the simulator has no {helper}")]
    Helper {
        /// The program.
        program: String,
        /// The slot.
        slot: usize,
        /// The helper.
        helper: Helper,
        /// The Rust line that calls it.
        site: Site,
    },
    /// A name of the kernel's that the simulator has no meaning for.
    #[error("program `{program}`, slot {slot}{site}: the simulator has no `{name}`")]
    Name {
        /// The program.
        program: String,
        /// The slot.
        slot: usize,
        /// The function, variable or type.
        name: String,
        /// The Rust line that names it.
        site: Site,
    },
    /// The simulator does not have a kind of map.
    #[error("map `{map}`{site}: the simulator has no {kind}")]
    MapKind {
        /// The map.
        map: String,
        /// Its kind.
        kind: MapKind,
        /// The Rust line that described it.
        site: Site,
    },
    /// A map cannot be made, or not be given what it is to hold from the start.
    #[error("map `{map}`{site}: {errno}")]
    Map {
        /// The map.
        map: String,
        /// What the kernel would say.
        errno: Errno,
        /// The Rust line that described it.
        site: Site,
    },
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    NoProgram(String),
    /// The kernel's test run would refuse the input.
    #[error("program `{program}`: the input is refused: {errno}")]
    Input {
        /// The program.
        program: String,
        /// What the kernel would say.
        errno: Errno,
    },
    /// The machine has fewer CPUs.
    #[error("there is no CPU {cpu}: the machine has {cpus}")]
    NoCpu {
        /// The CPU asked for.
        cpu: u32,
        /// How many there are.
        cpus: u32,
    },
    /// There is no such map.
    #[error("there is no map `{0}`")]
    NoMap(String),
    /// Timers are still armed.
    #[error("after {fired} firings {armed} timers are still armed; the next is that of {timer}")]
    NotIdle {
        /// How many fired.
        fired: u64,
        /// How many are armed.
        armed: usize,
        /// The timer that fires next: its map and the key of its element.
        timer: String,
    },
    /// A task waits for the function of a timer to run beside it, and none is due.
    #[error("task {task}, on CPU {cpu}, waits for the function of a timer to run, and none is due")]
    NothingBeside {
        /// Which task.
        task: usize,
        /// Its CPU.
        cpu: u32,
    },
    /// The program did what it may not.
    #[error(transparent)]
    Fault(#[from] Box<Fault>),
}

/// Where and how a program went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("program `{program}`, function `{function}`, slot {slot}{site}: {kind}")]
pub struct Fault {
    /// The program.
    pub program: String,
    /// The function of it.
    pub function: String,
    /// The slot of the instruction, counted from the program's start.
    pub slot: usize,
    /// The Rust line that emitted it.
    pub site: Site,
    /// What went wrong.
    pub kind: FaultKind,
}

/// What a program did that it may not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// An access to memory.
    #[error("{access} of {size} bytes at {place}: {refusal}")]
    Access {
        /// What it was to do.
        access: Access,
        /// How many bytes.
        size: u32,
        /// Where.
        place: Place,
        /// Why not.
        refusal: Refusal,
    },
    /// An access to the context that programs of the kind may not make.
    #[error(
        "{access} of {size} bytes at offset {offset} of the context (`{context}`): there is no such field"
    )]
    Field {
        /// What it was to do.
        access: Access,
        /// How many bytes.
        size: u32,
        /// Bytes from the start of the context.
        offset: i64,
        /// The C type of the context.
        context: &'static str,
    },
    /// An argument of a helper is not what the helper takes.
    #[error("{helper}: argument {argument} is {place}, not {expected}")]
    Argument {
        /// The helper.
        helper: Helper,
        /// Which, from 1.
        argument: u8,
        /// What it points to.
        place: Place,
        /// What it should be.
        expected: &'static str,
    },
    /// More instructions than were granted.
    #[error("the budget of {instructions} instructions is spent")]
    Budget {
        /// How many were granted.
        instructions: u64,
    },
    /// Too many functions call one another.
    #[error("more than {limit} functions call one another")]
    CallDepth {
        /// How many may.
        limit: u32,
    },
    /// It went on behind its last instruction.
    #[error("there is no instruction here")]
    NoInstruction,
    /// A call through a register that holds no function.
    #[error("{place} is no function")]
    NotAFunction {
        /// What it holds.
        place: Place,
    },
    /// The function of a timer returned something else than 0.
    #[error("the function of a timer returned {value}, not 0")]
    Returned {
        /// What it returned.
        value: i64,
    },
    /// A stack argument that the caller does not pass.
    #[error("there is no stack argument {number}")]
    StackArgument {
        /// Which, from 1.
        number: u32,
    },
    /// The function of a timer starts its timer again for a point in time that has passed: the kernel calls it over and over,
    /// in one softirq that never ends.
    #[error(
        "{fired} timers fired in one softirq: one starts itself again for a point in time that has passed"
    )]
    EndlessPass {
        /// How many functions were called.
        fired: u64,
    },
    /// It waits for another CPU, and there is none that could go on.
    #[error("waits for what never comes")]
    Deadlock,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Loads.
    Read,
    /// Stores.
    Write,
    /// Both, at once.
    Atomic,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "a load",
            Self::Write => "a store",
            Self::Atomic => "an atomic operation",
        })
    }
}

/// A place in memory, as a person would say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the address points into.
    pub region: Part,
    /// Bytes from its start; the address itself, where it is no pointer.
    pub offset: i64,
}

/// What an address points into.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Nothing: a number.
    Number,
    /// The program's code.
    Code,
    /// The stack of a function: 0 is the program's own.
    Stack(u32),
    /// The context.
    Context,
    /// The packet.
    Packet,
    /// A map.
    Map(String),
    /// A value of a map.
    Value(String),
    /// A key of a map.
    Key(String),
    /// A record of a ring.
    Record(String),
    /// A structure of the kernel's: `bpf_sock`.
    Kernel(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.region {
            Part::Number => write!(f, "{offset:#x}"),
            Part::Code => write!(f, "the code"),
            // As the program says it: from the frame pointer down.
            Part::Stack(frame) => write!(f, "fp{:+} of frame {frame}", offset - i64::from(STACK)),
            Part::Context => write!(f, "the context{offset:+}"),
            Part::Packet => write!(f, "the packet{offset:+}"),
            Part::Map(name) => write!(f, "the map `{name}`"),
            Part::Value(name) => write!(f, "the values of `{name}`{offset:+}"),
            Part::Record(name) => write!(f, "a record of `{name}`{offset:+}"),
            Part::Key(name) => write!(f, "the keys of `{name}`{offset:+}"),
            Part::Kernel(name) => write!(f, "the kernel's `{name}`{offset:+}"),
        }
    }
}

const STACK: u32 = crate::asm::limits::STACK_BYTES;
