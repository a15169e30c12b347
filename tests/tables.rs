//! The tables of helpers, program and attach types, map kinds and errors, held against the running kernel: its BTF for
//! numbers and names, its answers for what it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

#[path = "abi/kernel.rs"]
#[allow(dead_code)] // The tests of the layout use the rest.
mod kernel;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::ExitCode;

use bpfsmith::asm::{Assembler, Helper, Reg::R0};
use bpfsmith::base::{Endian, Errno, KernelVersion, LinkType};
use bpfsmith::btf::special::{FieldKind, FieldKinds};
use bpfsmith::btf::{Builder, IntEncoding, StructDef, TypeId};
use bpfsmith::kind::{AttachType, ProgType, ProgramKind};
use bpfsmith::map::{BtfRule, EntriesRule, MapFlags, MapKind, SizeRule};
use bpfsmith::sys::map::{Create, Types, create};
use bpfsmith::sys::{BtfFd, Log, btf, host, prog};

use kernel::Kernel;
use support::{
    Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf,
};

/// The last release whose constants are all in the tables.
const COMPLETE: KernelVersion = KernelVersion::new(6, 18);

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.test_if(has_vmlinux_btf, "program types have the kernel's numbers", prog_types);
    suite.test_if(has_vmlinux_btf, "attach types have the kernel's numbers", attach_types);
    suite.test_if(has_vmlinux_btf, "link types have the kernel's numbers", link_types);
    suite.test_if(has_vmlinux_btf, "map kinds have the kernel's numbers", map_kinds);
    suite.test_if(has_vmlinux_btf, "helpers have the kernel's numbers", helpers);
    suite.test_if(has_vmlinux_btf, "map flags have the kernel's bits", map_flags);
    // Flags of hash tables and sockets ask for more than CAP_BPF.
    let caps = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin]);
    let programs = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon]);
    suite.test_if(caps(), "the kernel takes the map flags that the table says", flags_of_kinds);
    suite.test_if(caps(), "the kernel takes the key sizes that the table says", key_sizes);
    suite.test_if(caps(), "the kernel takes the value sizes that the table says", value_sizes);
    suite.test_if(caps(), "the kernel takes the numbers of entries that the table says", entries);
    suite.test_if(caps(), "the kernel takes BTF where the table says", types_of_kinds);
    suite.test_if(caps(), "the kernel takes special fields where the table says", special_fields);
    suite.test_if(
        programs(),
        "the kernel loads each kind, and takes the return values that the table says",
        returns,
    );
    suite.run()
}

fn running() -> KernelVersion {
    host::kernel_version().unwrap()
}

type Row = (String, u64, Option<KernelVersion>);

/// What this kernel should know is there with its number, and it knows nothing else.
fn compare(ours: Vec<Row>, theirs: Vec<(String, u64)>) {
    let theirs: BTreeMap<String, u64> = theirs.into_iter().collect();
    for (name, number, since) in &ours {
        match theirs.get(name) {
            Some(told) => assert_eq!(told, number, "{name}"),
            None => assert!(since.unwrap() > running(), "the kernel does not know {name}"),
        }
    }
    if running() <= COMPLETE {
        let known = |name: &String| ours.iter().any(|row| row.0 == *name);
        let missing: Vec<_> = theirs.keys().filter(|name| !known(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

fn is_constant(name: &str) -> bool {
    !name.starts_with("__")
        && !name.ends_with("_UNSPEC")
        && !name.ends_with("_unspec")
        && !name.ends_with("_DEPRECATED")
}

fn values(name: &str) -> Vec<(String, u64)> {
    Kernel::open().values_of(name).into_iter().filter(|(name, _)| is_constant(name)).collect()
}

fn prog_types() {
    let ours = ProgType::ALL.iter().map(|ty| (ty.kernel_name().unwrap().into(), ty.0.into(), ty.since()));
    compare(ours.collect(), values("bpf_prog_type"));
}

fn attach_types() {
    let ours = AttachType::ALL.iter().map(|ty| (ty.kernel_name().unwrap().into(), ty.0.into(), ty.since()));
    compare(ours.collect(), values("bpf_attach_type"));
}

fn link_types() {
    let ours = LinkType::ALL.iter().map(|ty| (ty.kernel_name().unwrap().into(), ty.0.into(), ty.since()));
    compare(ours.collect(), values("bpf_link_type"));
}

fn map_kinds() {
    let ours =
        MapKind::ALL.iter().map(|kind| (kind.kernel_name().unwrap().into(), kind.0.into(), kind.since()));
    compare(ours.collect(), values("bpf_map_type"));
}

fn helpers() {
    let name = |helper: Helper| helper.name().unwrap().replacen("bpf_", "BPF_FUNC_", 1);
    let ours = Helper::ALL.iter().map(|helper| (name(*helper), helper.number().into(), helper.since()));
    compare(ours.collect(), values("bpf_func_id"));
}

fn map_flags() {
    let theirs = Kernel::open().enumerators();
    for (name, flag) in MapFlags::all().iter_names() {
        match theirs.get(&format!("BPF_F_{name}")) {
            Some(bits) => assert_eq!(*bits, flag.bits().into(), "{name}"),
            None => assert!(flag.since().unwrap() > running(), "the kernel does not know {name}"),
        }
    }
}

/// The kinds this kernel has that can be made without anything else at hand.
fn kinds() -> impl Iterator<Item = MapKind> {
    let alone = |kind: &MapKind| !kind.has_inner() && kind.btf() != BtfRule::KernelStruct;
    MapKind::ALL.iter().copied().filter(move |kind| kind.since().unwrap() <= running() && alone(kind))
}

fn page_size() -> u32 {
    host::page_size().unwrap().try_into().unwrap()
}

fn some_size(rule: SizeRule) -> u32 {
    (0..=260).find(|size| rule.allows(*size)).unwrap()
}

/// A map that the table says the kernel takes.
fn valid(kind: MapKind) -> Create<'static> {
    let entries = match kind.max_entries() {
        EntriesRule::Zero => 0,
        EntriesRule::RingBytes => page_size(),
        _ => 1,
    };
    Create {
        map_type: kind.0,
        key_size: some_size(kind.key_size()),
        value_size: some_size(kind.value_size()),
        max_entries: entries,
        flags: kind.required_flags().bits(),
        ..Create::default()
    }
}

/// Whether the kernel takes the map, with types where the kind asks for them.
fn takes(kind: MapKind, map: &Create<'_>) -> bool {
    if kind.btf() != BtfRule::Required || map.key_size == 0 || map.value_size == 0 {
        return answer(map);
    }
    takes_types(map, Some(map.key_size), map.value_size)
}

fn takes_types(map: &Create<'_>, key: Option<u32>, value: u32) -> bool {
    let (fd, key, value) = types(key, value);
    let types = Types { btf: fd.as_fd(), key: key.map_or(0, |id| id.0), value: value.0 };
    answer(&Create { btf: Some(types), ..map.clone() })
}

fn answer(map: &Create<'_>) -> bool {
    match create(map) {
        Ok(_) => true,
        Err(Errno::EINVAL | Errno::E2BIG | Errno::ENOTSUPP | Errno::EPERM) => false,
        Err(errno) => panic!("{errno}: {map:?}"),
    }
}

/// Keys are integers of four or eight bytes, or structs of any size; values are structs.
fn types(key: Option<u32>, value: u32) -> (BtfFd, Option<TypeId>, TypeId) {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, IntEncoding::SIGNED).unwrap();
    let long = builder.int("long", 8, IntEncoding::SIGNED).unwrap();
    let byte = builder.int("byte", 1, IntEncoding::empty()).unwrap();
    let mut record = |size| {
        let bytes = builder.array(byte, size).unwrap();
        builder.structure(StructDef::new(format!("size{size}")).member("bytes", bytes)).unwrap()
    };
    let key = key.map(|size| match size {
        4 => int,
        8 => long,
        _ => record(size),
    });
    let value = record(value);
    let btf = builder.finish().unwrap().encode(Endian::NATIVE);
    (btf::load(&btf, None, &mut Log::none()).unwrap(), key, value)
}

#[track_caller]
fn agree(kind: MapKind, what: impl std::fmt::Display, table: bool, kernel: bool) {
    let word = |takes| if takes { "takes" } else { "refuses" };
    assert_eq!(table, kernel, "{kind}, {what}: the table {}, the kernel {}", word(table), word(kernel));
}

fn flags_of_kinds() {
    for kind in kinds() {
        for (name, flag) in MapFlags::all().iter_names() {
            // These come with a descriptor.
            let told = MapFlags::TOKEN_FD | MapFlags::VTYPE_BTF_OBJ_FD;
            if flag.since().unwrap() > running() || told.contains(flag) {
                continue;
            }
            let mut map = valid(kind);
            map.flags |= flag.bits();
            if flag == MapFlags::STACK_BUILD_ID && kind == MapKind::STACK_TRACE {
                map.value_size = 32;
            }
            agree(kind, name, kind.flags().contains(flag), takes(kind, &map));
        }
        for (name, flag) in kind.required_flags().iter_names() {
            let mut map = valid(kind);
            map.flags &= !flag.bits();
            agree(kind, format_args!("without {name}"), false, takes(kind, &map));
        }
    }
}

fn key_sizes() {
    for kind in kinds() {
        for size in [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 260, 261, 512, 513] {
            let map = Create { key_size: size, ..valid(kind) };
            agree(kind, format_args!("key of {size}"), kind.key_size().allows(size), takes(kind, &map));
        }
    }
}

fn value_sizes() {
    for kind in kinds() {
        for size in [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 24, 32, 1000, 32768, 32769] {
            let map = Create { value_size: size, ..valid(kind) };
            // The depth of stacks is a setting of the machine.
            if kind == MapKind::STACK_TRACE && size > 1000 {
                continue;
            }
            agree(kind, format_args!("value of {size}"), kind.value_size().allows(size), takes(kind, &map));
        }
    }
}

fn entries() {
    let page = page_size();
    for kind in kinds() {
        for entries in [0, 1, 2, 3, page - 1, page, page + 1, 3 * page, 4 * page] {
            // There are not so many CPUs.
            if kind == MapKind::CPUMAP && entries > 3 {
                continue;
            }
            let map = Create { max_entries: entries, ..valid(kind) };
            let table = kind.max_entries().allows(entries, page);
            agree(kind, format_args!("{entries} entries"), table, takes(kind, &map));
        }
    }
}

fn types_of_kinds() {
    for kind in kinds() {
        let map = valid(kind);
        let value = map.value_size;
        agree(kind, "no types", kind.btf() != BtfRule::Required, answer(&map));
        if map.value_size == 0 {
            continue;
        }
        let (with_key, without) = match kind.btf() {
            BtfRule::Optional
            | BtfRule::ArrayKey
            | BtfRule::StructKey
            | BtfRule::CgroupKey
            | BtfRule::Required => (true, false),
            BtfRule::ValueOnly => (false, true),
            BtfRule::KernelStruct | BtfRule::Refused => (false, false),
        };
        let key = (map.key_size != 0).then_some(map.key_size);
        if key.is_some() {
            agree(kind, "types of key and value", with_key, takes_types(&map, key, value));
        }
        agree(kind, "a type of the value alone", without, takes_types(&map, None, value));
        for size in [8, 12].into_iter().filter(|size| kind.key_size().allows(*size) && with_key) {
            let wide = Create { key_size: size, ..map.clone() };
            let table = size == 12 || kind.btf() != BtfRule::StructKey;
            agree(
                kind,
                format_args!("a type of {size} bytes as the key"),
                table,
                takes_types(&wide, Some(size), value),
            );
        }
    }
}

/// Those that need nothing beside them in the value.
const FIELDS: [(FieldKind, FieldKinds); 9] = [
    (FieldKind::SpinLock, FieldKinds::SPIN_LOCK),
    (FieldKind::ResSpinLock, FieldKinds::RES_SPIN_LOCK),
    (FieldKind::Timer, FieldKinds::TIMER),
    (FieldKind::WorkQueue, FieldKinds::WORK_QUEUE),
    (FieldKind::TaskWork, FieldKinds::TASK_WORK),
    (FieldKind::KptrUntrusted, FieldKinds::KPTR_UNTRUSTED),
    (FieldKind::Kptr, FieldKinds::KPTR),
    (FieldKind::Uptr, FieldKinds::UPTR),
    (FieldKind::RefCount, FieldKinds::REFCOUNT),
];

/// The size of the values that hold them.
const HOLDER: u32 = 32;

/// A key for the kind, and a value with the field.
fn holder(key: u32, field: FieldKind) -> (BtfFd, TypeId, TypeId) {
    let mut builder = Builder::new();
    let key = match key {
        4 => builder.int("int", 4, IntEncoding::SIGNED),
        8 => builder.int("long", 8, IntEncoding::SIGNED),
        size => builder.structure(StructDef::new("key").size(size)),
    };
    let field = match field {
        FieldKind::KptrUntrusted | FieldKind::Kptr | FieldKind::Uptr => {
            // A pointer to user memory is to a type of the program, the others are to one of the kernel.
            let target = if field == FieldKind::Uptr { "bpfsmith_test" } else { "task_struct" };
            let target = builder.structure(StructDef::new(target).size(8)).unwrap();
            let tagged = builder.type_tag(field.name(), target).unwrap();
            builder.ptr(tagged)
        }
        _ => builder.structure(StructDef::new(field.name()).size(field.size())),
    };
    let value = builder.structure(StructDef::new("value").member_at("field", field.unwrap(), 0).size(HOLDER));
    let btf = builder.finish().unwrap().encode(Endian::NATIVE);
    (btf::load(&btf, None, &mut Log::none()).unwrap(), key.unwrap(), value.unwrap())
}

fn special_fields() {
    for kind in kinds().filter(|kind| kind.value_size().allows(HOLDER)) {
        if matches!(kind.btf(), BtfRule::Refused | BtfRule::ValueOnly) {
            continue;
        }
        for (field, set) in FIELDS.into_iter().filter(|(field, _)| field.since() <= running()) {
            let map = Create { value_size: HOLDER, ..valid(kind) };
            let (fd, key, value) = holder(map.key_size, field);
            let types = Types { btf: fd.as_fd(), key: key.0, value: value.0 };
            let takes = match create(&Create { btf: Some(types), ..map }) {
                Ok(_) => true,
                Err(Errno::EOPNOTSUPP) => false,
                Err(errno) => panic!("{kind}, {}: {errno}", field.name()),
            };
            agree(kind, field.name(), kind.special().contains(set), takes);
        }
    }
}

const BPF_F_SLEEPABLE: u32 = 1 << 4;
const BPF_F_XDP_HAS_FRAGS: u32 = 1 << 5;

/// Whether the kernel loads a program that does nothing but return this.
fn loads(kind: ProgramKind, value: i32) -> bool {
    let mut a = Assembler::new();
    a.mov(R0, value).exit();
    let sleepable = if kind.sleepable() { BPF_F_SLEEPABLE } else { 0 };
    let frags = if kind.xdp_frags() { BPF_F_XDP_HAS_FRAGS } else { 0 };
    let load = prog::Load {
        prog_type: kind.prog_type().0,
        insns: &a.finish().unwrap().encode(Endian::NATIVE),
        license: c"GPL",
        flags: sleepable | frags,
        expected_attach_type: kind.expected_attach_type().map_or(0, |at| at.0),
        ..prog::Load::default()
    };
    match prog::load(&load, &mut Log::none()) {
        Ok(_) => true,
        Err(Errno::EINVAL) => false,
        Err(errno) => panic!("{kind} returns {value}: {errno}"),
    }
}

fn returns() {
    let alone = |kind: &&ProgramKind| !kind.needs_attach_btf_id() && kind.since() <= running();
    let mut loaded = 0;
    for &kind in ProgramKind::ALL.iter().filter(alone) {
        let any = kind.return_range().is_none();
        if any && !loads(kind, 0) {
            // Not every kernel is built with infrared remotes.
            assert_eq!(kind, ProgramKind::LIRC_MODE2);
            continue;
        }
        for value in [-1, 0, 1, 2, 3, 4, i32::MAX, i32::MIN] {
            let table = kind.return_range().is_none_or(|range| range.contains(&value));
            assert_eq!(table, loads(kind, value), "{kind} returns {value}: the table says {table}");
        }
        loaded += 1;
    }
    assert!(loaded > 40, "{loaded}");
}
