//! What the figures come from, without names and paths.

use std::fs;
use std::process::Command;

pub fn print() {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("{} × {cpus}, Linux {}, {}", cpu(), kernel(), compiler());
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "CPU unknown".to_owned(), |(_, model)| model.to_owned())
}

/// The release without what a distribution or an owner adds.
fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().split('-').next().unwrap_or_default().to_owned()
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "rustc unknown".to_owned(),
        |output| {
            let text = String::from_utf8_lossy(&output.stdout);
            text.split(" (").next().unwrap_or_default().trim().to_owned()
        },
    )
}
