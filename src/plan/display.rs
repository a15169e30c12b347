//! A plan as text: each command with its attributes by their uapi names.

use std::fmt;

use super::command::{Show, Value};
use super::{Command, Fd, FdInfo, Plan, Step, When};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.steps.len();
        let plural = if count == 1 { "" } else { "s" };
        writeln!(f, "plan `{}` for {}: {count} bpf(2) command{plural}", self.name, self.target)?;
        (1..).zip(&self.steps).try_for_each(|(number, step)| self.print_step(f, number, step))
    }
}

impl Plan {
    fn print_step(&self, f: &mut fmt::Formatter<'_>, number: usize, step: &Step) -> fmt::Result {
        let names = Names(Some(&self.fds));
        write!(f, "{number:3}. {}", step.command.name())?;
        match step.when {
            When::Always => {}
            When::Found(fd) => write!(f, ", if {} was pinned", names.of(fd))?,
            When::Missing(fd) => write!(f, ", if {} was not pinned", names.of(fd))?,
        }
        match step.command.out() {
            Some(out) => writeln!(f, " -> {}", names.of(out))?,
            None => writeln!(f)?,
        }
        print_attributes(f, &step.command, &names)
    }
}

/// The kernel's name of the command and its attributes, a line each; descriptors by number.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Names(None);
        match self.out() {
            Some(out) => writeln!(f, "{} -> {}", self.name(), names.of(out))?,
            None => writeln!(f, "{}", self.name())?,
        }
        print_attributes(f, self, &names)
    }
}

/// What descriptors are called: as the plan has them, or by number.
struct Names<'a>(Option<&'a [FdInfo]>);

impl Names<'_> {
    fn of(&self, fd: Fd) -> String {
        let info = self.0.and_then(|fds| fds.get(fd.index()));
        info.map_or_else(|| format!("fd {}", fd.0), ToString::to_string)
    }
}

fn print_attributes(f: &mut fmt::Formatter<'_>, command: &Command, names: &Names<'_>) -> fmt::Result {
    let mut show = Show::default();
    command.attributes().show(&mut show);
    for (name, value) in &show.0 {
        write!(f, "       {name} = ")?;
        print_value(f, value, names)?;
        writeln!(f)?;
    }
    Ok(())
}

fn print_value(f: &mut fmt::Formatter<'_>, value: &Value<'_>, names: &Names<'_>) -> fmt::Result {
    match value {
        Value::Number(number) => write!(f, "{number}"),
        Value::Word(word) => f.write_str(word),
        Value::Text(text) => write!(f, "{text:?}"),
        Value::Fd(fd) => f.write_str(&names.of(*fd)),
        Value::Fds(fds) => {
            let list: Vec<_> = fds.iter().map(|&fd| names.of(fd)).collect();
            write!(f, "[{}]", list.join(", "))
        }
        Value::FdSlots(slots) => {
            let list: Vec<_> = slots.iter().map(|&(slot, fd)| format!("{slot}: {}", names.of(fd))).collect();
            write!(f, "[{}]", list.join(", "))
        }
        Value::Blob(bytes) if f.alternate() => print_bytes(f, bytes),
        Value::Blob(bytes) => print_digest(f, bytes),
    }
}

/// How many bytes a short blob may have: those are printed as they are.
const SHORT: usize = 16;

fn print_digest(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    if bytes.len() <= SHORT {
        return print_hex(f, bytes);
    }
    write!(f, "{} bytes, fnv1a {:016x}", bytes.len(), fnv1a(bytes))
}

fn print_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const LINE: usize = 32;
    if bytes.len() <= LINE {
        return print_hex(f, bytes);
    }
    write!(f, "{} bytes", bytes.len())?;
    for line in bytes.chunks(LINE) {
        write!(f, "\n         ")?;
        print_hex(f, line)?;
    }
    Ok(())
}

fn print_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// A short name for a blob: the same bytes give the same number on any machine.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
