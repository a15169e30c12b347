//! Why a step of a plan failed: the verifier's line, the capability that is missing, the feature the kernel lacks.

use super::LoadError;
use super::cause::{self, Facts, Failed, MapFacts, ProgramFacts};
use super::log::Place;
use super::probe::probe;
use super::rejection::{self, Rejection};
use crate::asm::{Helper, Isa};
use crate::base::{Capabilities, Errno};
use crate::kind::ProgType;
use crate::map::MapKind;
use crate::object::Object;
use crate::object::linker::LinkedProgram;
use crate::plan::{Assumption, Command, ElemValue, Failure, MapShape, Plan, Step, StepError};
use crate::sys::host;
use crate::target::{Fact, Subject};

pub(super) fn step(object: &Object, plan: &Plan, error: StepError) -> LoadError {
    match error {
        StepError::Incompatible { step, found, wanted } => incompatible(plan, step, found, wanted),
        StepError::Failed { step, failure } => failed(object, plan, step, failure),
    }
}

fn failed(object: &Object, plan: &Plan, step: usize, failure: Failure) -> LoadError {
    let Some(step) = plan.steps().get(step) else {
        return LoadError::NoSuch { what: "step", name: step.to_string() };
    };
    let command = &step.command;
    let what = command
        .about()
        .and_then(|fd| plan.fd(fd))
        .map_or_else(|| "the object".to_owned(), ToString::to_string);
    if let (Command::ProgLoad(load), false) = (command, failure.log.is_empty()) {
        let name = plan.fd(load.out).map_or("", |info| &*info.name);
        let rejection = reject(object, name, failure).with_lacking(lacking(step));
        return LoadError::Rejected(Box::new(rejection));
    }
    let assumed = lacking(step).collect();
    let cause = explanation(object, plan, step, failure.errno);
    LoadError::Command {
        command: command.name(),
        what,
        errno: failure.errno,
        cause,
        assumed,
        log: failure.log.into(),
    }
}

/// What the step took for granted and the kernel, asked now, does not have.
fn lacking(step: &Step) -> impl Iterator<Item = String> {
    let lacks = |assumption: &&Assumption| probe(assumption.subject) == Fact::No;
    step.assumptions.iter().filter(lacks).map(|assumption| named(assumption.subject))
}

/// A subject by the names of the tables, which targets do not know.
fn named(subject: Subject) -> String {
    match subject {
        Subject::MapKind(number) => format!("{} maps", MapKind(number)),
        Subject::Helper { helper, prog_type } => {
            format!("{} in {} programs", Helper(helper), ProgType(prog_type))
        }
        Subject::Isa(bits) => {
            let names: Vec<_> = Isa::from_bits_retain(bits).iter_names().map(|(name, _)| name).collect();
            format!("instructions of the group {}", names.join(" | "))
        }
        _ => subject.to_string(),
    }
}

/// The likely cause of a failure that came without a log.
fn explanation(object: &Object, plan: &Plan, step: &Step, errno: Errno) -> Option<String> {
    let name = |fd| plan.fd(fd).map_or("", |info| &*info.name);
    let special = match &step.command {
        Command::MapCreate(create) => object.map(name(create.out)).map_or_else(String::new, special_fields),
        _ => String::new(),
    };
    let kind = match &step.command {
        Command::MapCreate(create) => create.kind.to_string(),
        Command::ProgLoad(load) => load.prog_type.to_string(),
        Command::LinkCreate(create) => create.attach_type.to_string(),
        _ => String::new(),
    };
    let failed = match &step.command {
        Command::MapCreate(create) => Failed::MapCreate(MapFacts {
            kind: &kind,
            key_size: create.key_size,
            value_size: create.value_size,
            max_entries: create.max_entries,
            flags: create.flags.bits(),
            btf: create.btf.is_some(),
            special: &special,
        }),
        Command::BtfLoad(load) => Failed::BtfLoad { bytes: load.bytes.len() },
        Command::ProgLoad(load) => Failed::ProgLoad(ProgramFacts {
            kind: &kind,
            slots: load.insns.len() / 8,
            attaches_by_btf: load.attach_btf_id != 0,
            btf: load.btf.is_some(),
        }),
        Command::LinkCreate(_) => Failed::LinkCreate { attach_type: &kind },
        Command::MapUpdateElem(update) => {
            Failed::MapUpdate { flags: update.flags.bits(), fds: matches!(update.value, ElemValue::Fd(_)) }
        }
        Command::MapFreeze(_) => Failed::MapFreeze,
        Command::ObjPin(_) => Failed::ObjPin,
        Command::ObjGet(_) => Failed::ObjGet,
        Command::ObjGetInfoByFd(_) if step.wanted.is_some() && errno == Errno::EINVAL => {
            return Some("what is pinned there is no map".to_owned());
        }
        _ => return None,
    };
    let missing = missing_capability(object, plan, &step.command);
    let newest = step.assumptions.iter().max_by_key(|assumption| assumption.since);
    let newest = newest.map(|assumption| (named(assumption.subject), assumption.since));
    let facts = Facts {
        missing: missing.as_deref(),
        kernel: host::kernel_version().ok(),
        newest: newest.as_ref().map(|(what, since)| (what.as_str(), *since)),
    };
    cause::explain(&failed, errno, &facts).map(std::borrow::Cow::into_owned)
}

fn special_fields(map: &crate::map::MapDef) -> String {
    let names: Vec<_> = map.fields.iter().map(|field| field.kind.name()).collect();
    names.join(", ")
}

/// What of the capabilities the command needs the process does not have.
fn missing_capability(object: &Object, plan: &Plan, command: &Command) -> Option<String> {
    let wanted = match command {
        Command::MapCreate(create) => create.kind.capabilities(),
        Command::ProgLoad(load) => object.program(&plan.fd(load.out)?.name)?.kind.capabilities(),
        Command::BtfLoad(_) => Capabilities::BPF,
        _ => return None,
    };
    if host::in_initial_user_namespace() == Ok(false) {
        return Some(format!("{wanted} in the initial user namespace: it is in another one"));
    }
    let have = host::capabilities().ok()?;
    let missing = have.lacking(wanted);
    (!missing.is_empty()).then(|| missing.to_string())
}

/// Turns the verifier's instruction number into a function and a Rust line.
fn reject(object: &Object, name: &str, failure: Failure) -> Rejection {
    let program = object.linked().programs.iter().find(|program| program.def.name == name);
    Rejection::new(name, failure.errno, failure.log, |place| program.and_then(|program| site(program, place)))
}

fn site(program: &LinkedProgram, place: Place) -> Option<rejection::Position> {
    let slot = match place {
        Place::Instruction(slot) => slot as usize,
        Place::Opcode(opcode) => program.slots.iter().position(|slot| slot.opcode() == opcode)?,
        Place::Function(number) => {
            let placed = program.functions.get(number as usize)?;
            let loc = placed.def.code.loc(0).cloned();
            return Some(rejection::Position { function: placed.def.name.clone(), instruction: None, loc });
        }
        _ => return None,
    };
    let (placed, inside) = program.function_at(slot)?;
    Some(rejection::Position {
        function: placed.def.name.clone(),
        instruction: u32::try_from(inside).ok(),
        loc: placed.def.code.loc(inside).cloned(),
    })
}

fn incompatible(plan: &Plan, step: usize, found: MapShape, wanted: MapShape) -> LoadError {
    let fd = plan.steps().get(step).and_then(|step| step.command.about());
    let map = fd.and_then(|fd| plan.fd(fd)).map_or_else(String::new, |info| info.name.to_string());
    let path = plan.commands().find_map(|command| match command {
        Command::ObjGet(get) if Some(get.out) == fd => Some(get.path.clone()),
        _ => None,
    });
    let (attribute, found, wanted) =
        found.difference(wanted).unwrap_or(("map_flags", found.flags, wanted.flags));
    LoadError::Incompatible { map, path: path.unwrap_or_default(), attribute, found, wanted }
}
