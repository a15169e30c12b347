//! The first load of a process: each measured in a process of its own.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use bpfsmith::kernel::load;

use super::{OURS, OURS_PLANNED, Prepared, RAW, not_permitted, object, peers};
use crate::rounds::{Contender, Role};
use crate::{Outcome, told};

/// Tells this program to load one time as the contender that follows, and to print the nanoseconds.
pub const FLAG: &str = "--first";

pub fn contenders() -> Vec<Contender<'static>> {
    let ours = [(RAW, Role::Limit), (OURS, Role::Ours), (OURS_PLANNED, Role::Peer)];
    let peers = peers::FIRST.iter().map(|(name, _)| (*name, Role::Peer));
    ours.into_iter()
        .chain(peers)
        .map(|(name, role)| Contender::timed(name, role, move || run(name)))
        .collect()
}

/// Runs this program again for one load.
fn run(name: &str) -> Outcome<Duration> {
    let this = std::env::current_exe().map_err(told)?;
    let output = Command::new(this).args([FLAG, name]).output().map_err(told)?;
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
    if contender == OURS {
        let object = object()?;
        return timed(|| load(&object).map_err(not_permitted));
    }
    let prepared = Prepared::new()?;
    if contender == RAW { timed(|| prepared.replay.run()) } else { timed(|| prepared.execute()) }
}

pub fn timed<T>(load: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    let result = black_box(load());
    let time = start.elapsed();
    result.map(|_| time)
}
