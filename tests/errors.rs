//! One golden message for each error from the description of an object to its life in the kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod samples;

use std::collections::BTreeSet;
use std::fmt::Write;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{self, R0, R1, R2};
use bpfsmith::asm::{Assembler, BtfScope, Helper, Isa, Loc, Size};
use bpfsmith::base::{Endian, Errno, LinkType};
use bpfsmith::btf::{Builder, SpinLock, StructDef, Timer, TypeId};
use bpfsmith::kernel::log::Place;
use bpfsmith::kernel::{LoadError, MapError, Position, ProgramError, Rejection, TargetError};
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::LinkError;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::plan::{Plan, PlanError};
use bpfsmith::program::{ProgramFlags, ProgramSpec};
use bpfsmith::relocate::RelocateError;
use bpfsmith::target::{Fact, Feature, Subject, Target};

/// The messages, a line each, under the names of their variants.
struct Messages {
    text: String,
    names: BTreeSet<String>,
}

impl Messages {
    fn new() -> Self {
        Self { text: String::new(), names: BTreeSet::new() }
    }

    fn add(&mut self, error: &impl std::error::Error) {
        let debug = format!("{error:?}");
        let name: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
        writeln!(self.text, "{name}: {error}").unwrap();
        self.names.insert(name);
    }

    /// Every variant has a message here.
    fn cover(&self, names: &[&str]) {
        let missing: Vec<_> = names.iter().filter(|name| !self.names.contains(**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// An error that passes on another's words, under its own variant's name.
#[derive(thiserror::Error)]
#[error("{1}")]
struct Named<E>(&'static str, E);

impl<E> std::fmt::Debug for Named<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// For closures that have no use for what a builder returns.
fn done<T>(_: T) {}

/// The error of an object that a closure makes.
fn object(describe: impl FnOnce(&mut ObjectBuilder)) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("object").license("GPL").endian(Endian::Little);
    describe(&mut object);
    object.finish()
}

fn wrong(describe: impl FnOnce(&mut ObjectBuilder)) -> ObjectError {
    object(describe).unwrap_err()
}

fn program(object: &mut ObjectBuilder, name: &str, build: impl FnOnce(&mut Assembler)) {
    let mut a = Assembler::with_isa(Isa::all());
    build(&mut a);
    object.add_program(ProgramSpec::new(name, ProgramKind::SOCKET_FILTER), a.mov(R0, 0).exit().finish());
}

#[derive(BtfType, Default)]
#[repr(C)]
struct Timed {
    count: u64,
    timer: Timer,
}

#[derive(BtfType, Default)]
#[repr(C)]
struct Locked {
    lock: SpinLock,
}

#[test]
fn of_objects() {
    let mut messages = Messages::new();
    let mut add = |describe: &dyn Fn(&mut ObjectBuilder)| messages.add(&wrong(describe));
    add(&|o| (0..2).for_each(|_| done(o.add_map(MapSpec::array::<u32>("twice").max_entries(1)))));
    add(&|o| (0..2).for_each(|_| o.add_function("twice", samples::returns(0))));
    add(&|o| (0..2).for_each(|_| program(o, "twice", |_| ())));
    add(&|o| {
        let mut other = ObjectBuilder::new("other");
        let foreign = other.add_map(MapSpec::array::<u32>("foreign").max_entries(1));
        o.add_entry(foreign, &0, &1);
    });
    add(&|o| program(o, "far", |a| done(a.stx(Size::W, Reg::FP, 40_000, R1).mov(R0, 1))));
    add(&|o| o.add_global_function("no name", TypeId(77), samples::returns(0)));
    add(&|o| program(o, "main", |a| done(a.load_map(R1, "missing").mov(R0, 1))));
    add(&|o| program(o, "main", |a| done(a.call_function("missing").mov(R0, 1))));
    add(&|o| program(o, "main", |a| done(a.load_function(R1, "main").mov(R0, 1))));
    add(&|o| {
        o.add_function("loop", Assembler::new().call_function("back").exit().finish());
        o.add_function("back", Assembler::new().call_function("loop").exit().finish());
        program(o, "main", |a| done(a.call_function("loop").mov(R0, 1)));
    });
    add(&|o| program(o, "main", |a| done(a.load_btf_id(R1, BtfScope::Program, "struct missing").mov(R0, 1))));
    add(&|o| o.add_program(ProgramSpec::new("main", ProgramKind::FENTRY), samples::returns(0)));
    add(&|o| {
        o.add_map(MapSpec::hash::<u32, u32>("hash").max_entries(1));
        program(o, "main", |a| done(a.load_map_value(R1, "hash", 0).mov(R0, 1)));
    });
    add(&|o| {
        o.add_map(MapSpec::array::<u32>("array").max_entries(2));
        program(o, "main", |a| done(a.load_map_value(R1, "array", 0).mov(R0, 1)));
    });
    add(&|o| {
        o.add_map(MapSpec::array::<u32>("array").max_entries(1));
        program(o, "main", |a| done(a.load_map_value(R1, "array", 4).mov(R0, 1)));
    });
    add(&|o| o.add_function("empty", Assembler::new().finish()));
    add(&|o| done(o.add_map(samples::untyped(MapKind::ARRAY, "map").key_size(8))));
    add(&|o| done(o.add_map(samples::untyped(MapKind::ARRAY, "map").value_size(0))));
    add(&|o| done(o.add_map(samples::untyped(MapKind::ARRAY, "map").max_entries(0))));
    add(&|o| done(o.add_map(MapSpec::ringbuf("map", 5000))));
    add(&|o| done(o.add_map(samples::untyped(MapKind::ARRAY, "map").flags(MapFlags::NO_PREALLOC))));
    add(&|o| {
        done(o.add_map(MapSpec::new(MapKind::ARRAY_OF_MAPS, "map").key_size(4).value_size(4).max_entries(1)))
    });
    let int = |o: &mut ObjectBuilder| <u32 as BtfType>::btf(o.btf()).unwrap();
    add(&|o| {
        let int = int(o);
        o.add_map(samples::untyped(MapKind::HASH, "map").key_type(int));
    });
    add(&|o| {
        let int = int(o);
        o.add_map(samples::untyped(MapKind::HASH, "map").value_type(int));
    });
    add(&|o| done(o.add_map(MapSpec::lpm_trie::<u64, u32>("map").max_entries(1))));
    add(&|o| done(o.add_map(MapSpec::typed::<[u16; 2], u32>(MapKind::ARRAY, "map").max_entries(1))));
    add(&|o| {
        let storage =
            samples::untyped(MapKind::SK_STORAGE, "map").max_entries(0).flags(MapFlags::NO_PREALLOC);
        o.add_map(storage);
    });
    add(&|o| done(o.add_map(samples::untyped(MapKind::ARRAY, "map").inner(MapSpec::array::<u32>("inner")))));
    add(&|o| {
        let timer = <Timer as BtfType>::btf(o.btf()).unwrap();
        let value = StructDef::new("two").member("a", timer).member("b", timer);
        let value = o.btf().structure(value).unwrap();
        let int = int(o);
        o.add_map(MapSpec::new(MapKind::HASH, "map").key_type(int).value_type(value).max_entries(1));
    });
    add(&|o| done(o.add_map(MapSpec::percpu_hash::<u32, Timed>("map").max_entries(1))));
    add(&|o| done(o.add_map(MapSpec::queue::<Timed>("map").max_entries(1))));
    add(&|o| done(o.add_map(MapSpec::array::<Locked>("map").max_entries(1).flags(MapFlags::RDONLY_PROG))));
    add(&|o| {
        let map = o.add_map(MapSpec::array::<u32>("map").max_entries(1));
        o.add_entry_bytes(map, &[0; 3], &[0; 4]);
    });
    add(&|o| {
        let map = o.add_map(MapSpec::array::<u32>("map").max_entries(1));
        o.add_entry_bytes(map, &[0; 4], &[0; 5]);
    });
    add(&|o| {
        let map = o.add_map(MapSpec::prog_array("map").max_entries(1));
        o.add_entry_program(map, &0, "missing");
    });
    add(&|o| done(o.add_map(MapSpec::array::<u32>("a\0b").max_entries(1))));
    add(&|o| {
        o.add_global_function("global", TypeId::VOID, samples::returns(0));
        program(o, "main", |a| done(a.load_function(R1, "global").mov(R0, 1)));
    });
    add(&|o| {
        o.global("twice", &1u32);
        o.global("twice", &2u32);
    });
    add(&|o| {
        let ty = u32::btf(o.btf()).unwrap();
        o.global_bytes("short", ty, vec![0; 3], false);
    });
    messages.add(&ObjectBuilder::new("long").license("x".repeat(128)).finish().unwrap_err());
    messages.add(&many_functions().unwrap_err());
    messages.cover(&[
        "DuplicateMap",
        "DuplicateGlobal",
        "GlobalSize",
        "DuplicateFunction",
        "DuplicateProgram",
        "ForeignMap",
        "Asm",
        "Btf",
        "UnknownMap",
        "UnknownFunction",
        "EntryUsedAsFunction",
        "GlobalCallback",
        "Recursion",
        "TooManyFunctions",
        "UnknownType",
        "NoAttachTarget",
        "NoDirectValue",
        "ValueOffset",
        "Body",
        "MapShape",
        "MapBtf",
        "Field",
        "FieldKind",
        "FieldFlags",
        "Entry",
        "Name",
    ]);
    insta::assert_snapshot!(messages.text);
}

/// One more than the kernel takes, and then some.
fn many_functions() -> Result<Object, ObjectError> {
    object(|o| {
        (0..300).for_each(|index| o.add_function(format!("f{index}"), samples::returns(0)));
        program(o, "main", |a| {
            (0..300).for_each(|index| done(a.call_function(format!("f{index}")).mov(R0, 1)))
        });
    })
}

/// A program without a map that does one thing.
fn doing(build: impl FnOnce(&mut Assembler)) -> Object {
    object(|o| program(o, "main", build)).unwrap()
}

fn plan(object: &Object, target: &Target) -> PlanError {
    Plan::new(object, target).unwrap_err()
}

#[test]
fn of_plans() {
    let mut messages = Messages::new();
    let old = |major, minor| Target::of_kernel(major, minor).with_endian(Endian::Little);
    let mut add = |object: &Object, target: &Target| messages.add(&plan(object, target));
    add(&samples::trivial(), &old(6, 18).with_endian(Endian::Big));
    add(&samples::asm_map_elem::object().unwrap(), &old(5, 10));
    add(&doing(|a| done(a.bswap(R1, 16))), &old(6, 1));
    let with_function = |build: &dyn Fn(&mut Assembler)| {
        object(|o| {
            o.add_function("other", samples::returns(0));
            program(o, "main", |a| build(a));
        })
        .unwrap()
    };
    add(&with_function(&|a| done(a.load_function(R1, "other").mov(R0, 1))), &old(5, 10));
    add(&with_function(&|a| done(a.call_function("other"))), &old(4, 15));
    add(&doing(|a| done(a.call(Helper::LOOP))), &old(5, 15));
    let timed = |kind| {
        object(|o| {
            o.add_program(
                ProgramSpec::new("main", kind),
                Assembler::new().mov(R2, 0).call(Helper::TIMER_CANCEL).mov(R0, 0).exit().finish(),
            );
        })
        .unwrap()
    };
    add(&timed(ProgramKind::KPROBE), &old(6, 18));
    let flagged = |flags| {
        let spec = ProgramSpec::new("main", ProgramKind::XDP).flags(flags);
        object(|o| o.add_program(spec, samples::returns(0))).unwrap()
    };
    add(&flagged(ProgramFlags::XDP_HAS_FRAGS), &old(5, 15));
    let map = |map: MapSpec| object(|o| done(o.add_map(map))).unwrap();
    add(&map(samples::untyped(MapKind::ARRAY, "map").flags(MapFlags::MMAPABLE)), &old(5, 4));
    add(&map(samples::untyped(MapKind::ARRAY, "map").freeze()), &old(5, 1));
    add(&map(MapSpec::ringbuf("map", 4096)), &old(6, 18).with_page_size(65536));
    add(&map(MapSpec::perf_event_array("map").untyped()), &old(6, 18));
    let long = doing(|a| (0..5000).for_each(|_| done(a.mov(R0, 0))));
    add(&long, &old(5, 1));
    messages.add(&PlanError::NeverHas {
        what: "function `main`, instruction 1".to_owned(),
        feature: "timers in lirc_mode2 programs".to_owned(),
        site: bpfsmith::Site::unknown(),
    });
    messages.add(&PlanError::Entry { map: "m".to_owned() });
    let source = Box::new(Builder::new().structure(StructDef::new("a b")).unwrap_err());
    messages.add(&PlanError::Btf { target: "Linux 5.0".to_owned(), source });
    messages.add(&Named("Relocate", plan(&doing(|a| done(a.call_kfunc("missing"))), &old(6, 18))));
    let timers = Subject::Feature(Feature::TracingTimers);
    assert!(Plan::new(&timed(ProgramKind::KPROBE), &old(6, 18).with_fact(timers, Fact::Yes)).is_ok());
    messages.cover(&[
        "Endian",
        "Lacks",
        "NeverHas",
        "Unanswered",
        "Entry",
        "TooLong",
        "PageSize",
        "Btf",
        "Relocate",
    ]);
    insta::assert_snapshot!(messages.text);
}

#[test]
fn of_names_of_the_kernel() {
    let mut messages = Messages::new();
    let with = samples::answers(6, 18);
    let without = Target::of_kernel(6, 18).with_endian(Endian::Little);
    let mut add = |object: &Object, target: &Target| match plan(object, target) {
        PlanError::Relocate(error) => messages.add(&error),
        other => panic!("{other}"),
    };
    let kfunc = doing(|a| done(a.call_kfunc("missing")));
    add(&kfunc, &without);
    add(&kfunc, &with);
    add(&kfunc, &without.clone().with_btf(vec![1, 2, 3]));
    let (kernel, _) = samples::kernel_btf();
    add(&kfunc, &without.clone().with_btf(kernel).with_module("broken", 3, vec![1, 2, 3]));
    add(&doing(|a| done(a.load_ksym(R1, "missing"))), &with);
    add(&doing(|a| done(a.load_ksym_typed(R1, "missing"))), &with);
    add(&doing(|a| done(a.load_btf_id(R1, BtfScope::Kernel, "struct missing"))), &with);
    let attached = |kind| {
        let spec = ProgramSpec::new("main", kind).attach_to("missing");
        object(|o| o.add_program(spec, samples::returns(0))).unwrap()
    };
    add(&attached(ProgramKind::FENTRY), &with);
    add(&attached(ProgramKind::EXT), &with);
    messages.cover(&["Unanswered", "NotInKernel", "KernelBtf", "ModuleBtf", "Unsupported"]);
    insta::assert_snapshot!(messages.text);
    let unanswered = |error: &RelocateError| error.loc().is_some();
    let PlanError::Relocate(error) = plan(&kfunc, &without) else { panic!() };
    assert!(unanswered(&error));
}

#[test]
fn of_loads() {
    let mut messages = Messages::new();
    let command = |cause: Option<&str>, assumed: &[&str]| LoadError::Command {
        command: "MAP_CREATE",
        what: "map m".to_owned(),
        errno: Errno::EINVAL,
        cause: cause.map(str::to_owned),
        assumed: assumed.iter().map(|&text| text.to_owned()).collect(),
        log: Box::default(),
    };
    messages.add(&command(None, &[]));
    messages.add(&command(Some("the likely cause"), &[]));
    messages.add(&command(Some("the likely cause"), &["fd_array", "BTF"]));
    messages.add(&LoadError::Incompatible {
        map: "m".to_owned(),
        path: "/sys/fs/bpf/m".to_owned(),
        attribute: "max_entries",
        found: 1,
        wanted: 2,
    });
    messages.add(&LoadError::NotSupplied { map: "m".to_owned() });
    messages.add(&LoadError::NotWanted { map: "m".to_owned() });
    messages.add(&LoadError::Unfit { map: "m".to_owned(), attribute: "value_size", found: 4, wanted: 8 });
    messages.add(&LoadError::NoSuch { what: "map", name: "m".to_owned() });
    messages.add(&LoadError::from(plan(&many_timers(), &Target::of_kernel(5, 10))));
    messages.add(&LoadError::from(MapError::Value { map: "m".to_owned(), part: "key" }));
    messages.add(&LoadError::Target(TargetError { what: "the kernel's BTF", errno: Errno::ENOENT }));
    messages.add(&Named("Rejected", LoadError::Rejected(Box::new(rejected(&[])))));
    messages.add(&Named("Rejected", LoadError::Rejected(Box::new(rejected(&["fd_array", "BTF"])))));
    messages.cover(&[
        "Command",
        "Incompatible",
        "NotSupplied",
        "NotWanted",
        "Unfit",
        "NoSuch",
        "Plan",
        "Map",
        "Target",
        "Rejected",
    ]);
    insta::assert_snapshot!(messages.text);
    assert!(!command(None, &[]).is_not_permitted());
}

/// As the kernel refused it, by its recorded log.
fn rejected(lacking: &[&str]) -> Rejection {
    let log = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/6.18/init_other_map.log");
    let rejection = Rejection::new("arm", Errno::EINVAL, std::fs::read(log).unwrap(), |place| {
        assert_eq!(place, Place::Instruction(15));
        let loc = Some(Loc::new("src/timers.rs", 4, 7, None));
        Some(Position { function: "arm".to_owned(), instruction: Some(15), loc })
    });
    rejection.with_lacking(lacking.iter().map(|&text| text.to_owned()))
}

fn many_timers() -> Object {
    let mut object = ObjectBuilder::new("timers");
    object.add_map(MapSpec::array::<Timed>("timers").max_entries(1));
    object.finish().unwrap()
}

#[test]
fn of_maps_programs_and_links() {
    let mut messages = Messages::new();
    let map = || "m".to_owned();
    messages.add(&MapError::Kernel { map: map(), operation: "MAP_LOOKUP_ELEM", errno: Errno::EPERM });
    messages.add(&MapError::Size { map: map(), part: "value", actual: 8, given: 4 });
    messages.add(&MapError::Value { map: map(), part: "value" });
    messages.add(&MapError::PerCpu { map: map(), actual: 4, given: 1 });
    messages.add(&MapError::Batch {
        map: map(),
        operation: "MAP_DELETE_BATCH",
        errno: Errno::ENOENT,
        done: 2,
    });
    messages.add(&MapError::NoDescriptors { map: map(), kind: MapKind::HASH });
    let program = || "p".to_owned();
    messages.add(&ProgramError { program: program(), operation: "PROG_TEST_RUN", errno: Errno::ENOTSUPP });
    let link = |cause: Option<&str>| LinkError::Kernel {
        program: program(),
        operation: "LINK_CREATE",
        errno: Errno::EINVAL,
        cause: cause.map(str::to_owned),
    };
    messages.add(&link(None));
    messages.add(&link(Some("the likely cause")));
    messages.add(&LinkError::Target { path: "/nowhere".to_owned(), errno: Errno::ENOENT });
    messages.add(&LinkError::Interface { name: "eth7".to_owned(), errno: Errno::ENODEV });
    messages.add(&LinkError::Id { id: 7, errno: Errno::ENOENT, cause: Some("the likely cause".to_owned()) });
    messages.add(&LinkError::Type { expected: LinkType::XDP, found: LinkType::TCX });
    let (attach_type, errno) = (AttachType::TCX_EGRESS, Errno::EPERM);
    messages.add(&LinkError::Query { attach_type, errno, cause: Some("the likely cause".to_owned()) });
    messages.add(&LinkError::Name { name: "a\0b".to_owned() });
    insta::assert_snapshot!(messages.text);
}
