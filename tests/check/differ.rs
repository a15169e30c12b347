//! Loads what was checked, and compares.

use std::collections::BTreeMap;
use std::fmt::Write;

use bpfsmith::check::{Report, Rule, Severity, check};
use bpfsmith::kernel::{Inputs, LoadError, load_plan};
use bpfsmith::object::Object;
use bpfsmith::plan::Plan;
use bpfsmith::target::Target;

use crate::{cases, good, objects, odd, random};

/// What the kernel says of an object: taken, or why not. `None`: it never saw the program.
fn verdict(object: &Object, target: &Target) -> Option<Result<(), String>> {
    let plan = Plan::new(object, target).ok()?;
    match load_plan(object, &plan, Inputs::new()) {
        Ok(_) => Some(Ok(())),
        Err(LoadError::Rejected(rejection)) => {
            Some(Err(String::from_utf8_lossy(rejection.raw_log()).into_owned()))
        }
        Err(LoadError::Command { command: "BPF_PROG_LOAD", errno, .. }) => {
            Some(Err(format!("errno {errno}")))
        }
        Err(_) => None,
    }
}

fn running(object: &Object) -> Target {
    Target::running(object.needs()).unwrap()
}

/// Each case is refused with the recorded message, or taken where none is.
pub(crate) fn cases() {
    let mut wrong = String::new();
    for case in cases::cases().into_iter().filter(|case| case.target.is_none()) {
        assert_eq!(case.severity == Severity::Rejected, !case.kernel.is_empty(), "{}", case.name);
        match verdict(&case.object, &running(&case.object)) {
            Some(Ok(())) if case.kernel.is_empty() => {}
            Some(Err(log)) if !case.kernel.is_empty() && log.contains(case.kernel) => {}
            other => {
                let tail = match &other {
                    Some(Err(log)) => log.lines().rev().take(4).collect::<Vec<_>>().join("\n"),
                    other => format!("{other:?}"),
                };
                writeln!(wrong, "{}: expected {:?}, got {tail}", case.name, case.kernel).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Programs of which check has nothing to say are taken.
pub(crate) fn good() {
    for (kind, main, functions) in good::good() {
        let object = objects::object(kind, "GPL", main, functions).unwrap();
        let verdict = verdict(&object, &running(&object));
        assert_eq!(verdict, Some(Ok(())), "{kind}: {}", object.functions()[0].code);
    }
}

/// What may not be rejected is taken.
pub(crate) fn odd() {
    for odd in odd::odd().into_iter().filter(|odd| odd.target.is_none()) {
        assert_eq!(verdict(&odd.object, &running(&odd.object)), Some(Ok(())), "{}", odd.name);
    }
}

#[derive(Default)]
struct Tally {
    taken: usize,
    refused: usize,
    both: usize,
    unseen: usize,
    missed: BTreeMap<String, (usize, String)>,
    rules: BTreeMap<Rule, usize>,
    wrong: String,
}

impl Tally {
    fn add(&mut self, object: &Object, report: &Report, verdict: Option<Result<(), String>>) {
        match verdict {
            None => self.unseen += 1,
            Some(Ok(())) => {
                self.taken += 1;
                if report.is_rejected() {
                    let code = &object
                        .functions()
                        .iter()
                        .map(|f| format!("{}:\n{}", f.name, f.code))
                        .collect::<String>();
                    writeln!(self.wrong, "the kernel takes it:\n{code}\n{report}\n").unwrap();
                }
            }
            Some(Err(log)) => {
                self.refused += 1;
                if let Some(first) = report.rejected().next() {
                    self.both += 1;
                    *self.rules.entry(first.rule).or_default() += 1;
                } else {
                    let entry = self.missed.entry(message(&log)).or_default();
                    entry.0 += 1;
                    let code = object
                        .functions()
                        .iter()
                        .map(|f| format!("{}:\n{}", f.name, f.code))
                        .collect::<String>();
                    entry.1 = format!("{code}\n{report}\n{log}");
                }
            }
        }
    }

    fn print(&self) {
        let total = self.taken + self.refused;
        println!("{total} programs, both verdicts known ({} never reached the verifier)", self.unseen);
        println!("the kernel takes {}, refuses {}", self.taken, self.refused);
        println!("check rejects {} of those it refuses: {:.1} %", self.both, self.percent());
        println!("check rejects {} of those it takes", self.wrong.matches("the kernel takes it").count());
        println!("rejected, by rule:");
        for (rule, count) in &self.rules {
            println!("{count:>6} {rule}");
        }
        println!("missed, by the kernel's message:");
        let mut missed: Vec<_> = self.missed.iter().collect();
        missed.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (message, (count, sample)) in missed {
            println!("{count:>6} {message}");
            if std::env::var_os("SAMPLES").is_some() {
                println!("{sample}");
            }
        }
    }

    fn percent(&self) -> f64 {
        100.0 * self.both as f64 / self.refused.max(1) as f64
    }
}

/// The line of the log that says why, with numbers made alike.
fn message(log: &str) -> String {
    let line = log.lines().rev().find(|line| !line.starts_with("processed ") && !line.is_empty());
    let mut text = String::new();
    for c in line.unwrap_or_default().chars() {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c => text.push(c),
        }
    }
    text
}

/// Programs of every kind: what both say. Prints the share of what the kernel refuses that check rejects.
pub(crate) fn share() {
    let mut tally = Tally::default();
    for object in random::objects() {
        let target = running(&object);
        let report = check(&object, &target);
        let verdict = verdict(&object, &target);
        tally.add(&object, &report, verdict);
    }
    tally.print();
    assert!(tally.wrong.is_empty(), "\n{}", tally.wrong);
    assert!(tally.taken + tally.refused >= 2000);
    assert!(tally.percent() >= 70.0, "{:.1} %", tally.percent());
}
