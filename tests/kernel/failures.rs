//! Loads that fail, at every stage: the error says what and why, and nothing stays behind.

use std::collections::BTreeSet;
use std::path::Path;

use bpfsmith::asm::Assembler;
use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::btf::Linkage;
use bpfsmith::kernel::{self, Kernel, LoadError};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::{Bpf, Command, Failure, Fd, ObjPin, Plan, Reply, StepError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;

use crate::common::{builder, load, returns};
use crate::support::{
    Condition, Suite, all, has_cap_bpf, has_cap_sys_admin, has_since, open_descriptors, with_bpffs,
    with_own_descriptors,
};

pub fn add(suite: &mut Suite) {
    type Stage = (&'static str, fn() -> Object, Expected);
    let stages: [Stage; 8] = [
        ("BTF_LOAD", refused_btf, ("BTF_LOAD", "btf", Errno::EINVAL)),
        ("MAP_CREATE", refused_map, ("MAP_CREATE", "map large", Errno::E2BIG)),
        (
            "MAP_CREATE of the template of a map of maps",
            refused_template,
            ("MAP_CREATE", "inner map template", Errno::E2BIG),
        ),
        ("MAP_UPDATE_ELEM", refused_entry, ("MAP_UPDATE_ELEM", "map full", Errno::E2BIG)),
        ("MAP_UPDATE_ELEM of a map", refused_inner, ("MAP_UPDATE_ELEM", "map outer", Errno::EINVAL)),
        ("MAP_FREEZE", refused_freeze, ("MAP_FREEZE", "map unwritable", Errno::EPERM)),
        ("OBJ_GET", refused_path, ("OBJ_GET", "map nowhere", Errno::EACCES)),
        ("OBJ_PIN", refused_pin, ("OBJ_PIN", "map nowhere", Errno::ENOENT)),
    ];
    for (stage, object, expected) in stages {
        let name = format!("failures: at {stage}, nothing stays open");
        let may = move || has_cap_bpf().and_then(|()| refuses(stage));
        suite.test_if(may, &name, move || fails(object, expected));
    }
    suite.test_if(
        has_cap_bpf,
        "failures: at PROG_LOAD of the second program, nothing stays open",
        second_program,
    );
    suite.test_if(
        has_cap_bpf,
        "failures: a load that works leaves its maps and programs open, and no more",
        works,
    );
    let admin = || all(&[has_cap_bpf, has_cap_sys_admin]);
    suite.test_if(admin(), "failures: at the second OBJ_PIN, the first pin goes", || with_bpffs(second_pin));
    suite.test_if(admin(), "failures: at every command of a plan, nothing stays behind", || {
        with_bpffs(every_command)
    });
    suite.test_if(admin(), "failures: a pin that was there stays", || with_bpffs(earlier_pin));
}

/// The command, what it was for, the errno.
type Expected = (&'static str, &'static str, Errno);

/// An object that has a map and a program before anything goes wrong.
fn good() -> ObjectBuilder {
    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, u64>("good").max_entries(1));
    object.add_program(ProgramSpec::new("good", ProgramKind::SYSCALL), returns(0));
    object
}

fn fails(object: fn() -> Object, expected: Expected) {
    let object = object();
    with_own_descriptors(|| {
        let before = open_descriptors();
        let error = kernel::load(&object).unwrap_err();
        let LoadError::Command { command, what, errno, .. } = &error else { panic!("{error}") };
        assert_eq!((*command, what.as_str(), *errno), expected, "{error}");
        assert_eq!(open_descriptors(), before);
    });
}

/// Files hold functions that are defined elsewhere; the kernel does not take them.
fn refused_btf() -> Object {
    let mut object = good();
    let proto = object.btf().func_proto(bpfsmith::btf::TypeId::VOID, &[]).unwrap();
    object.btf().func("elsewhere", proto, Linkage::Extern).unwrap();
    object.finish().unwrap()
}

fn large(name: &str) -> MapSpec<u32, u64> {
    MapSpec::hash::<u32, u64>(name).max_entries(u32::MAX)
}

fn refused_map() -> Object {
    let mut object = good();
    object.add_map(large("large"));
    object.finish().unwrap()
}

fn refused_template() -> Object {
    let mut object = good();
    object.add_map(MapSpec::array_of_maps("outer", large("template")).max_entries(1));
    object.finish().unwrap()
}

fn refused_entry() -> Object {
    let mut object = good();
    let full = object.add_map(MapSpec::hash::<u32, u64>("full").max_entries(1));
    object.add_entry(full, &1, &1);
    object.add_entry(full, &2, &2);
    object.finish().unwrap()
}

/// The map inside is not what the template says.
fn refused_inner() -> Object {
    let mut object = good();
    let template = MapSpec::hash::<u32, u64>("template").max_entries(1);
    let outer = object.add_map(MapSpec::array_of_maps("outer", template).max_entries(1));
    object.add_map(MapSpec::hash::<u32, u32>("inner").max_entries(1));
    object.add_entry_map(outer, &0, "inner");
    object.finish().unwrap()
}

/// Earlier kernels (6.1 is one) freeze maps that their process may not write, too.
fn refuses(stage: &str) -> Condition {
    let since = if stage == "MAP_FREEZE" { KernelVersion::new(6, 12) } else { KernelVersion::new(0, 0) };
    has_since(since, "reason to refuse that")
}

fn refused_freeze() -> Object {
    let mut object = good();
    let spec = MapSpec::array::<u32>("unwritable").max_entries(1).flags(MapFlags::RDONLY);
    object.add_map(spec.freeze());
    object.finish().unwrap()
}

/// A path that exists and is in no bpffs.
fn refused_path() -> Object {
    let mut object = good();
    object.add_map(MapSpec::hash::<u32, u64>("nowhere").max_entries(1).pinned("/proc/version"));
    object.finish().unwrap()
}

fn refused_pin() -> Object {
    let mut object = good();
    object.add_map(MapSpec::hash::<u32, u64>("nowhere").max_entries(1).pinned("/nowhere/at/all"));
    object.finish().unwrap()
}

fn second_program() {
    let mut object = good();
    object.add_program(ProgramSpec::new("bad", ProgramKind::SYSCALL), Assembler::new().exit().finish());
    let object = object.finish().unwrap();
    with_own_descriptors(|| {
        let before = open_descriptors();
        let error = kernel::load(&object).unwrap_err();
        assert_eq!(error.rejection().unwrap().program(), "bad");
        assert_eq!(open_descriptors(), before);
    });
}

fn works() {
    let mut object = good();
    let inner = MapSpec::hash::<u32, u64>("template").max_entries(1);
    object.add_map(MapSpec::array_of_maps("outer", inner).max_entries(1));
    let object = object.finish().unwrap();
    with_own_descriptors(|| {
        let before = open_descriptors();
        let loaded = load(&object);
        assert_eq!(open_descriptors(), before + 3, "two maps and a program");
        drop(loaded);
        assert_eq!(open_descriptors(), before);
    });
}

fn second_pin(bpffs: &Path) {
    let object = two_pins(bpffs, &bpffs.join("no/such/directory"));
    let error = kernel::load(&object).unwrap_err();
    assert!(matches!(error, LoadError::Command { command: "OBJ_PIN", errno: Errno::ENOENT, .. }), "{error}");
    assert!(!bpffs.join("first").exists());
}

fn earlier_pin(bpffs: &Path) {
    let path = bpffs.join("first");
    let mut object = builder();
    object.add_map(MapSpec::hash::<u32, u64>("first").max_entries(1).pinned(path.to_str().unwrap()));
    drop(load(&object.finish().unwrap()));
    kernel::load(&two_pins(bpffs, &bpffs.join("no/such/directory"))).unwrap_err();
    assert!(path.exists());
}

fn two_pins(bpffs: &Path, second: &Path) -> Object {
    let mut object = builder();
    for (name, path) in [("first", bpffs.join("first")), ("second", second.to_owned())] {
        object.add_map(MapSpec::hash::<u32, u64>(name).max_entries(1).pinned(path.to_str().unwrap()));
    }
    object.finish().unwrap()
}

/// The kernel, until a command is refused that it would have taken.
struct Faulty {
    kernel: Kernel,
    left: usize,
}

impl Bpf for Faulty {
    fn call(&mut self, command: &Command) -> Result<Reply, Failure> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(Failure::of(Errno::EIO)),
        }
        self.kernel.call(command)
    }

    fn close(&mut self, fd: Fd) {
        self.kernel.close(fd);
    }

    fn unpin(&mut self, pin: &ObjPin) {
        self.kernel.unpin(pin);
    }
}

/// An object whose plan has every kind of command that loading an object takes.
fn all_commands(bpffs: &Path) -> Object {
    let mut object = good();
    let path = |name: &str| bpffs.join(name).to_str().unwrap().to_owned();
    let spec = |name: &str| MapSpec::array::<u64>(name).max_entries(1);
    let first = object.add_map(spec("first").pinned(path("first")));
    object.add_entry(first, &0, &1);
    object.add_map(spec("second").pinned(path("second")).freeze());
    let outer = object.add_map(MapSpec::array_of_maps("outer", spec("template")).max_entries(1));
    object.add_entry_map(outer, &0, "first");
    let calls = object.add_map(MapSpec::prog_array("calls").max_entries(1));
    object.add_entry_program(calls, &0, "good");
    object.finish().unwrap()
}

fn every_command(bpffs: &Path) {
    let object = all_commands(bpffs);
    let plan = Plan::new(&object, &Target::running(object.needs()).unwrap()).unwrap();
    let pins = || ["first", "second"].map(|name| bpffs.join(name).exists());
    with_own_descriptors(|| {
        let before = open_descriptors();
        let mut failed = BTreeSet::new();
        for left in 0.. {
            let mut faulty = Faulty { kernel: Kernel::new(), left };
            let Err(error) = plan.execute(&mut faulty) else { break };
            let StepError::Failed { step, failure } = error else { panic!("{error}") };
            assert_eq!(failure.errno, Errno::EIO);
            failed.insert(plan.steps()[step].command.name());
            drop(faulty);
            assert_eq!((open_descriptors(), pins()), (before, [false; 2]), "after {left} calls");
        }
        let all: BTreeSet<_> =
            plan.commands().map(Command::name).filter(|name| *name != "OBJ_GET_INFO_BY_FD").collect();
        assert_eq!(failed, all);
        assert_eq!((open_descriptors(), pins()), (before, [true; 2]));
    });
}
