//! The first load of a process: each measured in a process of its own.

use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bpfsmith::kernel::load;

use super::{OURS, OURS_PLANNED, Prepared, RAW, Replay, not_permitted, object, peers};
use crate::rounds::{Contender, Role, table_of};
use crate::{Outcome, told};

/// Tells this program to load one time as the contender that follows, and to print the nanoseconds.
pub const FLAG: &str = "--first";

/// Processes for each contender: their times differ more than those of one process.
const PROCESSES: usize = 301;

/// Two tables, each contender's every load in a process of its own.
///
/// In the first, all of ours and the raw calls have done the same before their clocks start: built the object, planned it, taken
/// the plan apart. What is measured is only the first load, bytes and BTF outside of it for all. In the second there is no more
/// than each has to have: raw bpf(2) its bytes, which another process made, ours an open assembler or an object, the peers an
/// ELF file in memory.
pub fn tables() {
    rows(
        "the first load in a process, all prepared alike",
        &[(RAW, Role::Limit), (OURS_PLANNED, Role::Ours), (OURS, Role::Peer)],
    );
    let mut cold = vec![(RAW_BYTES, Role::Limit), (OURS_COLD, Role::Ours), (OURS_ALL, Role::Peer)];
    cold.extend(peers::FIRST.iter().map(|(name, _)| (*name, Role::Peer)));
    rows("the first load in a process, nothing done before", &cold);
}

const RAW_BYTES: &str = "raw bpf(2), of bytes read from a pipe";
const OURS_COLD: &str = "bpfsmith, plan and execute, never planned before";
const OURS_ALL: &str = "bpfsmith, from Assembler on, nothing run before";

fn rows(title: &str, contenders: &[(&'static str, Role)]) {
    let contender = |&(name, role)| Contender::timed(name, role, move || run(name));
    table_of(title, PROCESSES, 1, contenders.iter().map(contender).collect());
}

/// Runs this program again for one load.
fn run(name: &str) -> Outcome<Duration> {
    let this = std::env::current_exe().map_err(told)?;
    let mut command = Command::new(this);
    command.args([FLAG, name]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(told)?;
    if let Some(mut pipe) = child.stdin.take()
        && name == RAW_BYTES
    {
        Prepared::new()?.replay.write(&mut pipe).map_err(told)?;
    }
    let output = child.wait_with_output().map_err(told)?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map(Duration::from_nanos).map_err(|_| told(String::from_utf8_lossy(&output.stderr)))
}

/// Loads one time, and prints how long that took.
pub fn first(contender: &str) -> ExitCode {
    match time(contender) {
        Ok(time) => println!("{}", time.as_nanos()),
        Err(why) => eprintln!("{why}"),
    }
    ExitCode::SUCCESS
}

fn time(contender: &str) -> Outcome<Duration> {
    if let Some((_, peer)) = peers::FIRST.iter().find(|(name, _)| *name == contender) {
        return peer();
    }
    match contender {
        RAW_BYTES => {
            let replay = Replay::read(&mut std::io::stdin().lock()).map_err(told)?;
            timed(|| replay.run())
        }
        OURS_COLD => {
            let object = object()?;
            timed(|| load(&object).map_err(not_permitted))
        }
        OURS_ALL => timed(|| load(&object()?).map_err(not_permitted)),
        _ => prepared(contender, &Prepared::new()?),
    }
}

fn prepared(contender: &str, prepared: &Prepared) -> Outcome<Duration> {
    match contender {
        RAW => timed(|| prepared.replay.run()),
        OURS => timed(|| load(&prepared.object).map_err(not_permitted)),
        OURS_PLANNED => timed(|| prepared.execute()),
        unknown => Err(format!("there is no contender `{unknown}`")),
    }
}

pub fn timed<T>(load: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    let result = black_box(load());
    let time = start.elapsed();
    result.map(|_| time)
}
