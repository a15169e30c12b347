//! Plans carried out by something that only pretends: what is called, how often, and what is left.

use std::collections::{BTreeMap, BTreeSet};

use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::R0;
use bpfsmith::base::Errno;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::*;

use crate::samples;

/// Keeps symbols of what is open and pinned, and fails where it is told to.
#[derive(Default)]
struct Pretend {
    calls: Vec<Command>,
    open: BTreeSet<Fd>,
    pins: BTreeSet<String>,
    /// What each path holds from the start.
    pinned: BTreeMap<String, MapShape>,
    /// What to fail with: from the numbered successful call on, these one after the other.
    at: usize,
    failures: Vec<Failure>,
    done: usize,
}

impl Bpf for Pretend {
    fn call(&mut self, command: &Command) -> Result<Reply, Failure> {
        self.calls.push(command.clone());
        if self.done == self.at && !self.failures.is_empty() {
            return Err(self.failures.remove(0));
        }
        self.done += 1;
        let found = match command {
            Command::ObjGet(get) => {
                Some(*self.pinned.get(&get.path).ok_or(Failure::of(Errno::ENOENT)).inspect_err(|_| {
                    // A pin that is not there is an answer, not a fault.
                })?)
            }
            Command::ObjGetInfoByFd(_) => self.pinned.values().next().copied(),
            _ => None,
        };
        if let Command::ObjPin(pin) = command {
            self.pins.insert(pin.path.clone());
        }
        self.open.extend(command.out());
        Ok(match (command, found) {
            (Command::ObjGetInfoByFd(_), Some(shape)) => {
                Reply::Info(Info::Map(MapInfo { shape, ..MapInfo::default() }))
            }
            _ => Reply::Done,
        })
    }

    fn close(&mut self, fd: Fd) {
        assert!(self.open.remove(&fd), "{fd:?} closed twice");
    }

    fn unpin(&mut self, pin: &ObjPin) {
        assert!(self.pins.remove(&pin.path), "{} unpinned twice", pin.path);
    }
}

fn plan(object: &Object) -> Plan {
    Plan::new(object, &samples::answers(6, 18)).unwrap()
}

fn run(object: &Object, pretend: &mut Pretend) -> Result<(), StepError> {
    plan(object).execute(pretend)
}

#[test]
fn a_dry_run_makes_the_commands_of_the_plan() {
    for (name, object) in samples::all() {
        let plan = plan(&object);
        let mut pretend = Pretend::default();
        plan.execute(&mut pretend).unwrap();
        // Without the pin there is nothing to compare with.
        let made = |step: &&Step| !matches!(step.when, When::Found(_));
        let expected: Vec<_> = plan.steps().iter().filter(made).map(|step| step.command.clone()).collect();
        assert_eq!(pretend.calls, expected, "{name}");
        for (index, info) in (0..).zip(plan.fds()) {
            let kept = matches!(info.kind, FdKind::Map | FdKind::Program);
            let made = &*info.name != "shared" || info.kind != FdKind::Map;
            assert_eq!(pretend.open.contains(&Fd::at(index)), kept && made, "{name}: {info}");
        }
    }
}

fn failure(errno: Errno, log: &str, log_true_size: u32) -> Failure {
    Failure { log: log.as_bytes().to_vec(), log_true_size, ..Failure::of(errno) }
}

#[test]
fn after_a_failure_at_any_step_nothing_is_left() {
    for (name, object) in samples::all() {
        let steps = plan(&object).steps().iter().filter(|step| !matches!(step.when, When::Found(_))).count();
        let pins = usize::from(name == "pinned");
        for at in 0..steps - pins {
            for errno in [Errno::EPERM, Errno::EINVAL, Errno::ENOMEM, Errno::E2BIG, Errno::ENOSPC] {
                let failures = vec![failure(errno, "", 0); 100];
                let mut pretend = Pretend { at, failures, ..Pretend::default() };
                let error = run(&object, &mut pretend).unwrap_err();
                let StepError::Failed { failure, .. } = error else { panic!("{error}") };
                assert_eq!(failure.errno, errno, "{name} step {at}");
                assert!(pretend.open.is_empty() && pretend.pins.is_empty(), "{name} step {at}: {errno}");
            }
        }
    }
}

/// The logs of the calls of the one command of the trivial object.
fn logs(failures: Vec<Failure>) -> (Result<(), StepError>, Vec<u32>) {
    let mut pretend = Pretend { failures, ..Pretend::default() };
    let result = run(&samples::trivial(), &mut pretend);
    (result, pretend.calls.iter().map(|command| command.log().unwrap().size).collect())
}

fn errno_and_log(result: Result<(), StepError>) -> (Errno, Vec<u8>) {
    let StepError::Failed { failure, .. } = result.unwrap_err() else { panic!("incompatible") };
    (failure.errno, failure.log)
}

const MIB: u32 = 1 << 20;

#[test]
fn what_works_is_called_once_and_without_a_log() {
    let (result, sizes) = logs(Vec::new());
    assert!(result.is_ok());
    assert_eq!(sizes, [0]);
}

#[test]
fn what_fails_is_repeated_once_with_a_log() {
    let (result, sizes) = logs(vec![failure(Errno::EACCES, "", 0), failure(Errno::EACCES, "why", 4)]);
    assert_eq!(errno_and_log(result), (Errno::EACCES, b"why".to_vec()));
    assert_eq!(sizes, [0, MIB]);
}

#[test]
fn what_works_the_second_time_works() {
    let (result, sizes) = logs(vec![failure(Errno::ENOMEM, "", 0)]);
    assert!(result.is_ok());
    assert_eq!(sizes, [0, MIB]);
}

#[test]
fn the_first_errno_is_kept() {
    let (result, _) = logs(vec![failure(Errno::EINVAL, "", 0), failure(Errno::EPERM, "", 0)]);
    assert_eq!(errno_and_log(result).0, Errno::EINVAL);
}

#[test]
fn a_log_that_does_not_fit_is_asked_for_at_the_size_the_kernel_says() {
    let needed = 3 * MIB + 17;
    let (result, sizes) = logs(vec![
        failure(Errno::EINVAL, "", 0),
        failure(Errno::ENOSPC, "tail", needed),
        failure(Errno::EINVAL, "all of it", needed),
    ]);
    assert_eq!(errno_and_log(result), (Errno::EINVAL, b"all of it".to_vec()));
    assert_eq!(sizes, [0, MIB, needed]);
}

#[test]
fn before_6_4_the_log_doubles() {
    let mut failures = vec![failure(Errno::EINVAL, "", 0)];
    failures.extend(vec![failure(Errno::ENOSPC, "head", 0); 2]);
    failures.push(failure(Errno::EINVAL, "all of it", 0));
    let (result, sizes) = logs(failures);
    assert_eq!(errno_and_log(result), (Errno::EINVAL, b"all of it".to_vec()));
    assert_eq!(sizes, [0, MIB, 2 * MIB, 4 * MIB]);
}

#[test]
fn a_kernel_that_is_never_content_is_given_up() {
    let (result, sizes) = logs(vec![failure(Errno::ENOSPC, "x", 0); 100]);
    assert_eq!(errno_and_log(result).0, Errno::ENOSPC);
    assert!(sizes.len() < 10 && sizes.iter().all(|&size| size <= u32::MAX >> 8), "{sizes:?}");
    let (_, sizes) = logs(vec![failure(Errno::ENOSPC, "x", 2 * MIB); 100]);
    assert_eq!(sizes, [0, MIB, 2 * MIB]);
}

#[test]
fn a_signal_is_waited_out_five_times() {
    let signal = || failure(Errno::EAGAIN, "", 0);
    for count in 0..=5 {
        let (result, sizes) = logs(vec![signal(); count]);
        assert!(result.is_ok(), "{count}");
        assert_eq!(sizes, vec![0; count + 1]);
    }
    let (result, sizes) = logs(vec![signal(); 100]);
    assert_eq!(errno_and_log(result).0, Errno::EAGAIN);
    assert_eq!(sizes, [vec![0; 6], vec![MIB; 6]].concat());
}

#[test]
fn commands_without_a_log_are_made_once() {
    let object = samples::pinned();
    let mut pretend = Pretend { at: 1, failures: vec![failure(Errno::ENOMEM, "", 0)], ..Pretend::default() };
    // A map that is not BTF: the first command opens the pin, the second loads BTF or makes the map.
    let result = run(&object, &mut pretend);
    let names: Vec<_> = pretend.calls.iter().map(Command::name).collect();
    assert!(result.is_err() || names.iter().filter(|name| **name == "MAP_CREATE").count() == 1, "{names:?}");
}

fn kept(kind: MapKind, entries: u32, flags: MapFlags) -> Object {
    let mut object = ObjectBuilder::new("kept");
    let map = samples::untyped(kind, "kept").max_entries(entries).flags(flags).pinned("/pin");
    object.add_map(map);
    let mut a = Assembler::new();
    object.add_program(
        bpfsmith::program::ProgramSpec::new("p", bpfsmith::kind::ProgramKind::XDP),
        a.load_map(R0, "kept").mov(R0, 0).exit().finish(),
    );
    object.finish().unwrap()
}

fn reuse(object: &Object, shape: MapShape) -> (Result<(), StepError>, Vec<&'static str>) {
    let mut pretend = Pretend { pinned: [("/pin".to_owned(), shape)].into(), ..Pretend::default() };
    let result = run(object, &mut pretend);
    if result.is_err() {
        assert!(pretend.open.is_empty() && pretend.pins.is_empty());
    }
    (result, pretend.calls.iter().map(Command::name).collect())
}

const SHAPE: MapShape = MapShape { kind: 1, key_size: 4, value_size: 4, max_entries: 8, flags: 0 };

#[test]
fn a_pinned_map_is_used_again_and_left_as_it_is() {
    let (result, names) = reuse(&kept(MapKind::HASH, 8, MapFlags::empty()), SHAPE);
    assert!(result.is_ok());
    assert_eq!(names, ["OBJ_GET", "OBJ_GET_INFO_BY_FD", "PROG_LOAD"]);
}

#[test]
fn another_map_under_the_pin_is_an_error_that_names_the_difference() {
    let object = kept(MapKind::HASH, 8, MapFlags::empty());
    let others = [
        ("type", MapShape { kind: 2, ..SHAPE }),
        ("key_size", MapShape { key_size: 8, ..SHAPE }),
        ("value_size", MapShape { value_size: 8, ..SHAPE }),
        ("max_entries", MapShape { max_entries: 9, ..SHAPE }),
        ("map_flags", MapShape { flags: 1, ..SHAPE }),
    ];
    for (attribute, shape) in others {
        let (result, _) = reuse(&object, shape);
        let Err(StepError::Incompatible { found, wanted, .. }) = result else { panic!("{attribute}") };
        assert_eq!(found.difference(wanted).unwrap().0, attribute);
    }
}

#[test]
fn what_the_kernel_makes_of_a_map_is_no_difference() {
    let rounded = MapFlags::NO_COMMON_LRU;
    let lru = MapShape { kind: MapKind::LRU_HASH.0, max_entries: 12, flags: rounded.bits(), ..SHAPE };
    assert!(reuse(&kept(MapKind::LRU_HASH, 10, rounded), lru).0.is_ok());
    assert!(reuse(&kept(MapKind::LRU_HASH, 13, rounded), lru).0.is_err());
    let marked = MapShape { kind: MapKind::DEVMAP.0, flags: MapFlags::RDONLY_PROG.bits(), ..SHAPE };
    assert!(reuse(&kept(MapKind::DEVMAP, 8, MapFlags::empty()), marked).0.is_ok());
}

#[test]
fn maps_that_came_from_the_caller_stay_open_after_a_failure() {
    let object = {
        let mut object = ObjectBuilder::new("supplied");
        object.add_map(MapSpec::hash::<u32, u32>("theirs").max_entries(1).supplied());
        let mut a = Assembler::new();
        object.add_program(
            bpfsmith::program::ProgramSpec::new("p", bpfsmith::kind::ProgramKind::XDP),
            a.load_map(R0, "theirs").mov(R0, 0).exit().finish(),
        );
        object.finish().unwrap()
    };
    let supplied = Fd::at(0);
    let mut pretend = Pretend { failures: vec![failure(Errno::EINVAL, "", 0); 2], ..Pretend::default() };
    pretend.open.insert(supplied);
    assert!(run(&object, &mut pretend).is_err());
    assert!(pretend.open.contains(&supplied));
}
