//! A plan as text: each command with its attributes by their uapi names.

use std::fmt;

use super::{Command, ElemValue, Fd, Log, Plan, Step, When};

/// What an attribute holds, for printing.
enum Value<'a> {
    Number(u64),
    Word(String),
    Text(&'a str),
    Fd(Fd),
    Fds(&'a [Fd]),
    Blob(&'a [u8]),
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.steps.len();
        writeln!(
            f,
            "plan `{}` for {}: {count} bpf(2) command{}",
            self.name,
            self.target,
            if count == 1 { "" } else { "s" }
        )?;
        for (number, step) in (1..).zip(&self.steps) {
            self.print_step(f, number, step)?;
        }
        Ok(())
    }
}

impl Plan {
    fn print_step(&self, f: &mut fmt::Formatter<'_>, number: usize, step: &Step) -> fmt::Result {
        write!(f, "{number:3}. {}", step.command.name())?;
        match step.when {
            When::Always => {}
            When::Found(fd) => write!(f, ", if {} was pinned", self.fd_name(fd))?,
            When::Missing(fd) => write!(f, ", if {} was not pinned", self.fd_name(fd))?,
        }
        match step.command.out() {
            Some(out) => writeln!(f, " -> {}", self.fd_name(out))?,
            None => writeln!(f)?,
        }
        let mut result = Ok(());
        step.command.attributes(&mut |name, value| {
            if result.is_ok() {
                result = self.print_attribute(f, name, &value);
            }
        });
        result
    }

    fn print_attribute(&self, f: &mut fmt::Formatter<'_>, name: &str, value: &Value<'_>) -> fmt::Result {
        write!(f, "       {name} = ")?;
        match value {
            Value::Number(number) => write!(f, "{number}")?,
            Value::Word(word) => f.write_str(word)?,
            Value::Text(text) => write!(f, "{text:?}")?,
            Value::Fd(fd) => f.write_str(&self.fd_name(*fd))?,
            Value::Fds(fds) => {
                let names: Vec<_> = fds.iter().map(|&fd| self.fd_name(fd)).collect();
                write!(f, "[{}]", names.join(", "))?;
            }
            Value::Blob(bytes) if f.alternate() => print_bytes(f, bytes)?,
            Value::Blob(bytes) => write!(f, "{} bytes, fnv1a {:016x}", bytes.len(), fnv1a(bytes))?,
        }
        writeln!(f)
    }

    fn fd_name(&self, fd: Fd) -> String {
        self.fd(fd).map_or_else(|| format!("descriptor {}", fd.0), ToString::to_string)
    }
}

fn print_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const LINE: usize = 32;
    if bytes.len() <= LINE {
        return bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"));
    }
    write!(f, "{} bytes", bytes.len())?;
    for line in bytes.chunks(LINE) {
        write!(f, "\n         ")?;
        line.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
    }
    Ok(())
}

/// A short name for a blob: the same bytes give the same number on any machine.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Command {
    /// The kernel's name of the command, without `BPF_`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MapCreate(_) => "MAP_CREATE",
            Self::MapUpdateElem(_) => "MAP_UPDATE_ELEM",
            Self::ProgLoad(_) => "PROG_LOAD",
            Self::ObjPin(_) => "OBJ_PIN",
            Self::ObjGet(_) => "OBJ_GET",
            Self::ObjGetInfoByFd(_) => "OBJ_GET_INFO_BY_FD",
            Self::BtfLoad(_) => "BTF_LOAD",
            Self::MapFreeze(_) => "MAP_FREEZE",
            Self::LinkCreate(_) => "LINK_CREATE",
            Self::ProgBindMap(_) => "PROG_BIND_MAP",
        }
    }

    /// The descriptor it gives, where it gives one.
    #[must_use]
    pub const fn out(&self) -> Option<Fd> {
        match self {
            Self::MapCreate(command) => Some(command.out),
            Self::ProgLoad(command) => Some(command.out),
            Self::ObjGet(command) => Some(command.out),
            Self::BtfLoad(command) => Some(command.out),
            Self::LinkCreate(command) => Some(command.out),
            _ => None,
        }
    }

    /// The descriptor it is about: the one it gives, or the one it works on.
    #[must_use]
    pub const fn about(&self) -> Option<Fd> {
        match self {
            Self::MapUpdateElem(command) => Some(command.map),
            Self::MapFreeze(command) => Some(command.map),
            Self::ObjPin(command) => Some(command.fd),
            Self::ObjGetInfoByFd(command) => Some(command.fd),
            Self::ProgBindMap(command) => Some(command.program),
            _ => self.out(),
        }
    }

    /// Shows each attribute that is not zero, by its name in `union bpf_attr`.
    fn attributes<'a>(&'a self, show: &mut dyn FnMut(&'static str, Value<'a>)) {
        match self {
            Self::MapCreate(command) => map_create(command, show),
            Self::MapUpdateElem(command) => {
                show("map_fd", Value::Fd(command.map));
                show("key", Value::Blob(&command.key));
                match &command.value {
                    ElemValue::Bytes(bytes) => show("value", Value::Blob(bytes)),
                    ElemValue::Fd(fd) => show("value", Value::Fd(*fd)),
                }
                number(show, "flags", command.flags);
            }
            Self::ProgLoad(command) => prog_load(command, show),
            Self::ObjPin(command) => {
                show("pathname", Value::Text(&command.path));
                show("bpf_fd", Value::Fd(command.fd));
            }
            Self::ObjGet(command) => {
                show("pathname", Value::Text(&command.path));
                number(show, "file_flags", command.flags);
            }
            Self::ObjGetInfoByFd(command) => show("bpf_fd", Value::Fd(command.fd)),
            Self::BtfLoad(command) => {
                show("btf", Value::Blob(&command.bytes));
                log(show, ["btf_log_level", "btf_log_size"], command.log);
            }
            Self::MapFreeze(command) => show("map_fd", Value::Fd(command.map)),
            Self::LinkCreate(command) => {
                show("prog_fd", Value::Fd(command.program));
                show("target_fd", Value::Fd(command.target));
                show("attach_type", Value::Word(command.attach_type.to_string()));
                number(show, "flags", command.flags);
            }
            Self::ProgBindMap(command) => {
                show("prog_fd", Value::Fd(command.program));
                show("map_fd", Value::Fd(command.map));
                number(show, "flags", command.flags);
            }
        }
    }
}

fn map_create<'a>(command: &'a super::MapCreate, show: &mut dyn FnMut(&'static str, Value<'a>)) {
    show("map_type", Value::Word(command.kind.to_string()));
    number(show, "key_size", command.key_size);
    number(show, "value_size", command.value_size);
    number(show, "max_entries", command.max_entries);
    if !command.flags.is_empty() {
        show("map_flags", Value::Word(command.flags.to_string()));
    }
    if let Some(inner) = command.inner {
        show("inner_map_fd", Value::Fd(inner));
    }
    number(show, "numa_node", command.numa_node);
    text(show, "map_name", &command.name);
    if let Some(btf) = command.btf {
        show("btf_fd", Value::Fd(btf.btf));
        number(show, "btf_key_type_id", btf.key);
        number(show, "btf_value_type_id", btf.value);
    }
    number(show, "map_extra", command.extra);
}

fn prog_load<'a>(command: &'a super::ProgLoad, show: &mut dyn FnMut(&'static str, Value<'a>)) {
    show("prog_type", Value::Word(command.prog_type.to_string()));
    show("insns", Value::Blob(&command.insns));
    if !command.fd_slots.is_empty() {
        show("insns[].imm", Value::Word(format!("{} descriptors", command.fd_slots.len())));
    }
    text(show, "license", &command.license);
    if !command.flags.is_empty() {
        show("prog_flags", Value::Word(command.flags.to_string()));
    }
    text(show, "prog_name", &command.name);
    if let Some(attach_type) = command.expected_attach_type {
        show("expected_attach_type", Value::Word(attach_type.to_string()));
    }
    if let Some(btf) = &command.btf {
        show("prog_btf_fd", Value::Fd(btf.btf));
        show("func_info", Value::Blob(&btf.func_info));
        blob(show, "line_info", &btf.line_info);
        blob(show, "core_relos", &btf.core_relos);
    }
    number(show, "attach_btf_id", command.attach_btf_id);
    if !command.fd_array.is_empty() {
        show("fd_array", Value::Fds(&command.fd_array));
    }
    log(show, ["log_level", "log_size"], command.log);
}

fn number<'a>(show: &mut dyn FnMut(&'static str, Value<'a>), name: &'static str, number: impl Into<u64>) {
    match number.into() {
        0 => {}
        number => show(name, Value::Number(number)),
    }
}

fn text<'a>(show: &mut dyn FnMut(&'static str, Value<'a>), name: &'static str, text: &'a str) {
    if !text.is_empty() {
        show(name, Value::Text(text));
    }
}

fn blob<'a>(show: &mut dyn FnMut(&'static str, Value<'a>), name: &'static str, bytes: &'a [u8]) {
    if !bytes.is_empty() {
        show(name, Value::Blob(bytes));
    }
}

fn log<'a>(show: &mut dyn FnMut(&'static str, Value<'a>), [level, size]: [&'static str; 2], log: Log) {
    number(show, level, log.level);
    number(show, size, log.size);
}
