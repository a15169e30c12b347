//! Contenders, measured in interleaved rounds: whatever else the machine does meets all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::{Outcome, told};

/// What a row is compared as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The least the machine can do for the same work.
    Limit,
    Ours,
    Peer,
}

/// One row of a table.
pub struct Contender<'a> {
    name: &'static str,
    role: Role,
    run: Box<dyn FnMut() -> Outcome<Duration> + 'a>,
    times: Vec<Duration>,
    failed: Option<String>,
}

impl<'a> Contender<'a> {
    /// A contender that takes its time itself, and leaves out of it what is not to be measured.
    pub fn timed(name: &'static str, role: Role, run: impl FnMut() -> Outcome<Duration> + 'a) -> Self {
        Self { name, role, run: Box::new(run), times: Vec::new(), failed: None }
    }

    /// A contender all of whose run is measured, the dropping of its result not.
    pub fn new<T>(name: &'static str, role: Role, mut run: impl FnMut() -> Outcome<T> + 'a) -> Self {
        Self::timed(name, role, move || {
            let start = Instant::now();
            let result = black_box(run());
            let time = start.elapsed();
            result.map(|_| time)
        })
    }

    /// A row that says why it has no figures.
    pub fn missing(name: &'static str, why: impl std::fmt::Display) -> Self {
        let mut row = Self::timed(name, Role::Peer, || Ok(Duration::ZERO));
        row.failed = Some(told(why));
        row
    }

    fn round(&mut self) {
        if self.failed.is_some() {
            return;
        }
        match (self.run)() {
            Ok(time) => self.times.push(time),
            Err(why) => self.failed = Some(why),
        }
    }

    fn is_slow(&self) -> bool {
        self.times.len() >= LEAST_ROUNDS && self.times.iter().sum::<Duration>() > SLOW
    }

    /// The median and the least, in nanoseconds for each of `each`.
    fn figures(&self, each: f64) -> Option<(f64, f64)> {
        if self.failed.is_some() {
            return None;
        }
        let mut times = self.times.clone();
        times.sort_unstable();
        let nanoseconds = |time: &Duration| time.as_nanos() as f64 / each;
        Some((nanoseconds(times.get(times.len() / 2)?), nanoseconds(times.first()?)))
    }
}

/// Why rows of libbpf are empty.
#[cfg(not(feature = "libbpf"))]
pub const NO_LIBBPF: &str = "needs `--features libbpf`";

const ROUNDS: usize = 101;
const LEAST_ROUNDS: usize = 5;
/// A contender that has taken so long sits out the later rounds.
const SLOW: Duration = Duration::from_secs(5);

/// Measures the contenders and prints their table. A round is work on `each` items, and the figures are for one.
pub fn table(title: &str, each: usize, contenders: Vec<Contender<'_>>) {
    table_of(title, ROUNDS, each, contenders);
}

/// As [`table`], with so many rounds.
pub fn table_of(title: &str, rounds: usize, each: usize, mut contenders: Vec<Contender<'_>>) {
    eprintln!("{title} ...");
    contenders.iter_mut().for_each(Contender::round);
    contenders.iter_mut().for_each(|contender| contender.times.clear());
    for _ in 0..rounds {
        contenders.iter_mut().filter(|contender| !contender.is_slow()).for_each(Contender::round);
    }
    print(title, each as f64, &contenders);
}

fn print(title: &str, each: f64, contenders: &[Contender<'_>]) {
    let median_of = |role: Role| {
        let first = contenders.iter().find(|contender| contender.role == role)?;
        first.figures(each).map(|(median, _)| median)
    };
    let (limit, ours) = (median_of(Role::Limit), median_of(Role::Ours));
    println!("\n**{title}**\n\n| | median | least | × limit | × ours |\n|---|---:|---:|---:|---:|");
    for contender in contenders {
        match (contender.figures(each), &contender.failed) {
            (Some((median, least)), _) => println!(
                "| {} | {} | {} | {} | {} |",
                contender.name,
                time(median),
                time(least),
                ratio(median, limit),
                ratio(median, ours)
            ),
            (None, why) => println!("| {} | {} ||||", contender.name, why.as_deref().unwrap_or("not run")),
        }
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..100.0 => format!("{nanoseconds:.2} ns"),
        ..10_000.0 => format!("{nanoseconds:.0} ns"),
        ..1_000_000.0 => format!("{:.1} µs", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

fn ratio(median: f64, to: Option<f64>) -> String {
    to.map_or_else(|| "–".to_owned(), |to| format!("{:.2}", median / to))
}
