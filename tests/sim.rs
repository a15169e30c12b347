//! Programs in the simulator: what they return, and what they leave behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "sim/alu.rs"]
mod alu;
#[path = "sim/common.rs"]
mod common;
#[path = "sim/concurrent.rs"]
mod concurrent;
#[path = "sim/examples.rs"]
mod examples;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/flow.rs"]
mod flow;
#[path = "sim/helpers.rs"]
mod helpers;
#[path = "sim/maps.rs"]
mod maps;
#[path = "sim/memory.rs"]
mod memory;
mod samples;
#[path = "sim/time.rs"]
mod time;
#[path = "sim/timers.rs"]
mod timers;
#[path = "sim/watch.rs"]
mod watch;
