//! The simulator: the bytes that go to the kernel, run in the process, on any system, without privileges, with timers
//! on a virtual clock.
//!
//! ```
//! use bpfsmith::asm::{Assembler, Reg::R0};
//! use bpfsmith::sim::{Input, Machine};
//! use bpfsmith::{ObjectBuilder, ProgramKind, ProgramSpec, Target};
//!
//! let mut object = ObjectBuilder::new("answer");
//! object.add_program(ProgramSpec::new("answer", ProgramKind::SYSCALL), Assembler::new().mov(R0, 42).exit().finish());
//! let object = object.finish()?;
//!
//! let mut machine = Machine::new(&object, &Target::simulated())?;
//! assert_eq!(machine.run("answer", &Input::empty())?.retval, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What runs is checked as it runs: an access that leaves what it points into stops the program with the Rust line that
//! emitted the instruction ([`Fault`]). Maps are there for user space as they are in the kernel ([`Machine::map`]). Time
//! stands still until [`Machine::advance`] lets it pass.

mod clock;
mod context;
mod cpu;
mod engine;
mod error;
mod helpers;
mod machine;
mod maps;
mod memory;
mod op;
mod random;
mod task;
mod text;
mod timeline;
mod timers;
mod trap;
mod user;
mod watch;
mod world;

pub use context::{Input, Redirect, RedirectTo};
pub use error::{Access, Fault, FaultKind, Part, Place, Refusal, RunError, SimError};
pub use helpers::all as helpers;
pub use machine::{Machine, Outcome, Task, TaskOutcome, TaskResult, explore};
pub use task::CurrentTask;
pub use timeline::{Timeline, TimelineEntry, TimerEvent};
pub use user::{Batch, Cursor, MapError, MapView, RawMap, RawRing, Records};
pub use watch::{Coverage, InsnPlace, TraceStep};
