//! bpfsmith beside the peers that a registry has, and beside the least the machine can do, all in one run.
//!
//! `benches/run` builds and runs this; `benches/run emit` runs one group only. The table goes to the standard output, what is
//! being measured to the standard error. Only ratios within one run mean anything: machines differ, and so do days.

mod btf;
mod dsl;
mod emit;
mod load;
mod machine;
mod maps;
mod memory;
mod raw;
mod rounds;
mod sim;

use std::process::ExitCode;

/// A failure as the table shows it.
type Outcome<T> = Result<T, String>;

const GROUPS: [(&str, fn()); 6] = [
    ("emit", emit::tables),
    ("btf", btf::tables),
    ("load", load::tables),
    ("maps", maps::tables),
    ("dsl", dsl::tables),
    ("sim", sim::tables),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, contender] = words.as_slice()
        && flag == load::FIRST
    {
        return load::first(contender);
    }
    if let Some(unknown) = words.iter().find(|word| word.as_str() != "all" && !is_group(word)) {
        eprintln!("there is no group `{unknown}`: emit, btf, load, maps, dsl, sim, all");
        return ExitCode::FAILURE;
    }
    machine::print();
    let wanted = |group: &str| words.is_empty() || words.iter().any(|word| word == group || word == "all");
    GROUPS.iter().filter(|(name, _)| wanted(name)).for_each(|(_, tables)| tables());
    ExitCode::SUCCESS
}

fn is_group(word: &str) -> bool {
    GROUPS.iter().any(|(name, _)| *name == word)
}

/// Any error as a line of a table.
fn told<E: std::fmt::Display>(error: E) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
