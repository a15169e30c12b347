//! Plans: what they show, what old kernels get, how they are carried out. No kernel is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "plan/execute.rs"]
mod execute;
#[path = "plan/kernels.rs"]
mod kernels;
mod samples;

use bpfsmith::base::BpfCommand;
use bpfsmith::base::flags::{
    Access, AttachFlags, ElemFlags, LogLevel, MultiFlags, QueryFlags, Stream, TestFlags,
};
use bpfsmith::kind::{AttachType, ProgType};
use bpfsmith::map::{MapFlags, MapKind};
use bpfsmith::plan::*;
use bpfsmith::program::ProgramFlags;

#[test]
fn the_samples() {
    for (name, object) in samples::all() {
        let plan = Plan::new(&object, &samples::answers(6, 18)).unwrap();
        insta::assert_snapshot!(format!("plan_{name}"), plan.to_string());
        insta::assert_snapshot!(format!("plan_{name}_in_full"), format!("{plan:#}"));
    }
}

#[test]
fn a_trivial_program_is_one_command_and_a_timer_with_its_program_three() {
    let count = |object| Plan::new(&object, &samples::answers(6, 18)).unwrap().commands().count();
    assert_eq!(count(samples::trivial()), 1);
    assert_eq!(count(samples::asm_map_elem::object().unwrap()), 3);
}

fn elem(map: Fd) -> MapLookupElem {
    MapLookupElem { map, key: vec![1, 0, 0, 0], value: Vec::new(), flags: ElemFlags::LOCK }
}

fn batch(map: Fd) -> MapLookupBatch {
    MapLookupBatch { map, cursor: Some(vec![3; 8]), count: 16, flags: ElemFlags::empty() }
}

fn attach(program: Fd, target: Fd) -> ProgAttach {
    ProgAttach {
        target: AttachTo::Fd(target),
        program: Some(program),
        attach_type: AttachType::CGROUP_INET_EGRESS,
        flags: AttachFlags::ALLOW_MULTI | AttachFlags::BEFORE,
        replace: None,
        relative: Some(Relative::ProgramId(5)),
        expected_revision: 9,
    }
}

fn by_id(out: Fd) -> FdById {
    FdById { id: 7, access: Access::ReadOnly, token: None, out }
}

fn map_create(out: Fd) -> MapCreate {
    MapCreate {
        key_size: 4,
        value_size: 16,
        max_entries: 8,
        flags: MapFlags::NO_PREALLOC | MapFlags::NUMA_NODE,
        inner: Some(Fd::at(9)),
        numa_node: Some(0),
        name: "everything".into(),
        ifindex: 3,
        btf: Some(MapBtf { btf: Fd::at(8), key: 1, value: 3 }),
        vmlinux_value_type: 12,
        extra: 1 << 40,
        value_type_btf: Some(Fd::at(7)),
        token: Some(Fd::at(6)),
        exclusive_to: vec![0xab; 32],
        ..MapCreate::new(MapKind::HASH, out)
    }
}

fn prog_load(out: Fd) -> ProgLoad {
    ProgLoad {
        fd_slots: vec![(0, Fd::at(1)), (5, Fd::at(2))],
        license: c"GPL".into(),
        kern_version: 0x41200,
        flags: ProgramFlags::SLEEPABLE,
        name: "everything".into(),
        ifindex: 3,
        expected_attach_type: Some(AttachType::TRACE_FENTRY),
        btf: Some(ProgBtf {
            btf: Fd::at(8),
            func_info: vec![1; 8].into(),
            line_info: vec![2; 16].into(),
            core_relos: vec![3; 16].into(),
        }),
        attach_btf_id: 77,
        attach_to: Some(Fd::at(7)),
        fd_array: vec![Fd::at(1), Fd::at(2)],
        bind_fd_array: true,
        token: Some(Fd::at(6)),
        signature: Some(Signature { bytes: vec![9; 20], keyring: -1 }),
        log: Log { level: LogLevel::ERRORS, size: 4096 },
        ..ProgLoad::new(ProgType::TRACING, vec![0x95, 0, 0, 0, 0, 0, 0, 0], out)
    }
}

fn links(object: Fd, out: Fd) -> Vec<LinkCreate> {
    let place = Place { relative: Some(Relative::Link(Fd::at(4))), expected_revision: 2 };
    let (entry, none) = (MultiFlags::empty(), Vec::new);
    let options = vec![
        LinkOptions::None,
        LinkOptions::Tracing { btf_id: 5, cookie: 6 },
        LinkOptions::Iter(IterTarget::Map(Fd::at(1))),
        LinkOptions::Iter(IterTarget::Cgroup { order: 2, cgroup: Some(Fd::at(3)), cgroup_id: 0 }),
        LinkOptions::Iter(IterTarget::Task { tid: 0, pid: 12, pid_fd: None }),
        LinkOptions::PerfEvent { cookie: 8 },
        LinkOptions::KprobeMulti {
            functions: Functions::Names(vec!["a".to_owned(), "b".to_owned()]),
            cookies: vec![1, 2],
            flags: MultiFlags::RETURN,
        },
        LinkOptions::KprobeMulti {
            functions: Functions::Addresses(vec![16, 32]),
            cookies: none(),
            flags: entry,
        },
        LinkOptions::Netfilter { family: 2, hook: 0, priority: -5, flags: 1 },
        LinkOptions::Tcx(place),
        LinkOptions::UprobeMulti {
            path: "/bin/true".to_owned(),
            offsets: vec![64],
            ref_ctr_offsets: none(),
            cookies: none(),
            flags: entry,
            pid: 4,
        },
        LinkOptions::Netkit(place),
        LinkOptions::Cgroup(place),
    ];
    let link = |options| LinkCreate {
        object,
        target: AttachTo::Ifindex(2),
        attach_type: AttachType::TCX_INGRESS,
        flags: 0,
        options,
        out,
    };
    options.into_iter().map(link).collect()
}

/// Every command, with every attribute set.
fn every_command() -> Vec<Command> {
    use Command as C;
    let (a, b, out) = (Fd::at(0), Fd::at(1), Fd::at(2));
    let next = || NextId { start: 3 };
    let mut commands = vec![
        C::MapCreate(Box::new(map_create(out))),
        C::MapLookupElem(elem(a)),
        C::MapUpdateElem(MapUpdateElem {
            map: a,
            key: vec![1],
            value: ElemValue::Fd(b),
            flags: ElemFlags::NOEXIST,
        }),
        C::MapDeleteElem(MapDeleteElem { map: a, key: vec![1] }),
        C::MapGetNextKey(MapGetNextKey { map: a, key: Some(vec![1]) }),
        C::ProgLoad(Box::new(prog_load(out))),
        C::ObjPin(ObjPin { path: "/sys/fs/bpf/a".to_owned(), at: Some(b), fd: a }),
        C::ObjGet(ObjGet {
            path: "a".to_owned(),
            at: Some(b),
            access: Access::WriteOnly,
            kind: FdKind::Map,
            out,
        }),
        C::ProgAttach(attach(a, b)),
        C::ProgDetach(attach(a, b)),
        C::ProgTestRun(ProgTestRun {
            data: vec![0; 14],
            data_room: 64,
            context: vec![1; 4],
            context_room: 4,
            repeat: 2,
            flags: TestFlags::XDP_LIVE_FRAMES,
            cpu: Some(0),
            batch_size: 8,
            ..ProgTestRun::new(a)
        }),
        C::ProgGetNextId(next()),
        C::MapGetNextId(next()),
        C::ProgGetFdById(by_id(out)),
        C::MapGetFdById(by_id(out)),
        C::ObjGetInfoByFd(ObjGetInfoByFd { fd: a }),
        C::ProgQuery(ProgQuery {
            target: AttachTo::Fd(b),
            attach_type: AttachType::CGROUP_INET_EGRESS,
            flags: QueryFlags::EFFECTIVE,
            room: 8,
            details: true,
        }),
        C::RawTracepointOpen(RawTracepointOpen { name: "sys_enter".to_owned(), program: a, cookie: 4, out }),
        C::BtfLoad(BtfLoad {
            bytes: vec![1; 24].into(),
            log: Log { level: LogLevel::ERRORS | LogLevel::TRACE, size: 512 },
            token: Some(b),
            out,
        }),
        C::BtfGetFdById(by_id(out)),
        C::TaskFdQuery(TaskFdQuery { pid: 1, fd: 0, room: 128 }),
        C::MapLookupAndDeleteElem(elem(a)),
        C::MapFreeze(MapFreeze { map: a }),
        C::BtfGetNextId(next()),
        C::MapLookupBatch(batch(a)),
        C::MapLookupAndDeleteBatch(batch(a)),
        C::MapUpdateBatch(MapUpdateBatch {
            map: a,
            keys: vec![1],
            values: vec![2],
            flags: ElemFlags::empty(),
        }),
        C::MapDeleteBatch(MapDeleteBatch { map: a, keys: vec![1], flags: ElemFlags::empty() }),
        C::LinkUpdate(LinkUpdate { link: a, new: b, old: Some(out) }),
        C::LinkGetFdById(by_id(out)),
        C::LinkGetNextId(next()),
        C::EnableStats(EnableStats { out }),
        C::IterCreate(IterCreate { link: a, out }),
        C::LinkDetach(LinkDetach { link: a }),
        C::ProgBindMap(ProgBindMap { program: a, map: b }),
        C::TokenCreate(TokenCreate { bpffs: a, out }),
        C::ProgStreamReadByFd(ProgStreamReadByFd { program: a, stream: Stream::Stderr, room: 256 }),
    ];
    commands.extend(links(a, out).into_iter().map(C::LinkCreate));
    commands.sort_by_key(|command| command.number());
    commands
}

#[test]
fn every_command_of_the_kernel_is_a_command_of_plans() {
    let commands = every_command();
    let mut numbers: Vec<BpfCommand> = commands.iter().map(Command::number).collect();
    numbers.dedup();
    assert_eq!(numbers, BpfCommand::ALL);
    for command in &commands {
        assert_eq!(Some(command.name()), command.number().name());
    }
    assert_eq!(bpfsmith::sys::abi::Command::ALL, BpfCommand::ALL);
}

#[test]
fn every_command_as_text() {
    let text: Vec<_> = every_command().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn commands_know_what_they_are_about() {
    for command in every_command() {
        let walks = matches!(command.name(), name if name.ends_with("NEXT_ID") || name == "TASK_FD_QUERY");
        assert_eq!(command.about().is_none(), walks, "{}", command.name());
        if let Some(out) = command.out() {
            assert_eq!(command.about(), Some(out), "{}", command.name());
        }
    }
}

#[test]
fn only_loads_have_a_log() {
    for command in every_command() {
        let log = Log { level: LogLevel::STATS, size: 1 };
        let changed = command.with_log(log);
        match command.name() {
            "PROG_LOAD" | "BTF_LOAD" => assert_eq!(changed.log(), Some(log)),
            _ => assert_eq!((changed.log(), &changed), (None, &command)),
        }
    }
}
