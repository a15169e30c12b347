//! Commands of plans on the running kernel: each is one that `kernel::Kernel` carries out, and its reply.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod samples;
mod support;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;

use bpfsmith::asm::Reg::{R0, R1, R2, R3};
use bpfsmith::asm::{Assembler, Code, Helper, Reg, Size};
use bpfsmith::base::flags::{Access, ElemFlags, LogLevel, QueryFlags, Stream};
use bpfsmith::base::{Endian, Errno};
use bpfsmith::btf::{BtfType, Builder};
use bpfsmith::kernel::Kernel;
use bpfsmith::kind::{AttachType, ProgType, ProgramKind};
use bpfsmith::map::MapKind;
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::*;
use bpfsmith::program::{ProgramFlags, ProgramSpec};
use bpfsmith::target::Target;

use support::{
    Cgroup, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_cgroup2,
    has_vmlinux_btf,
};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.test("a descriptor that is not open is EBADF", unopened);
    suite.test_if(has_cap_bpf, "elements: written, read, walked, deleted", elements);
    suite.test_if(has_cap_bpf, "batches: the cursor leads through the map", batches);
    suite.test_if(has_cap_bpf, "per-CPU maps: one value becomes every CPU's", per_cpu);
    suite.test_if(has_cap_bpf, "programs: loaded by descriptor and by index, run, told of", programs);
    suite.test_if(has_cap_bpf, "BTF: loaded, told of; refused with a log", btf);
    suite.test_if(has_cap_bpf, "BTF: what is made for old kernels is BTF", old_btf);
    suite.test_if(has_cap_sys_admin, "ids: walked and opened", ids);
    suite.test_if(has_cap_sys_admin, "pins: made, found again, removed", pins);
    suite.test_if(has_cap_sys_admin, "statistics are counted while the descriptor is open", statistics);
    suite.test_if(
        all(&[has_cap_bpf, has_cap_net_admin, has_cgroup2]),
        "cgroups: attached with a link and without, asked for, detached",
        cgroups,
    );
    let tracing = || all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin]);
    suite.test_if(tracing(), "raw tracepoints: opened, told of, found by id", raw_tracepoints);
    let iterators = all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf]);
    suite.test_if(iterators, "iterators: linked, created, read", iterators_of_maps);
    suite.test_if(has_cap_bpf, "streams: a program that wrote nothing has nothing to read", streams);
    suite.test_if(has_cap_sys_admin, "tokens: none in the initial user namespace", tokens);
    suite.run()
}

const A: Fd = Fd::at(0);
const B: Fd = Fd::at(1);
const C: Fd = Fd::at(2);

fn call(kernel: &mut Kernel, command: Command) -> Reply {
    kernel.call(&command).unwrap_or_else(|failure| {
        panic!("{command}\n{}: {}", failure.errno, String::from_utf8_lossy(&failure.log))
    })
}

fn map(kind: MapKind, entries: u32, out: Fd) -> Command {
    let (key_size, value_size, max_entries) = (4, 8, entries);
    Command::MapCreate(Box::new(MapCreate { key_size, value_size, max_entries, ..MapCreate::new(kind, out) }))
}

fn key(number: u32) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

fn set(map: Fd, number: u32, value: u64) -> Command {
    let value = ElemValue::Bytes(value.to_ne_bytes().to_vec());
    Command::MapUpdateElem(MapUpdateElem { map, key: key(number), value, flags: ElemFlags::empty() })
}

fn get(map: Fd, number: u32) -> MapLookupElem {
    MapLookupElem { map, key: key(number), value: Vec::new(), flags: ElemFlags::empty() }
}

fn info(kernel: &mut Kernel, fd: Fd) -> Info {
    let Reply::Info(info) = call(kernel, Command::ObjGetInfoByFd(ObjGetInfoByFd { fd })) else { panic!() };
    info
}

fn unopened() {
    let failure = Kernel::new().call(&Command::MapFreeze(MapFreeze { map: A })).unwrap_err();
    assert_eq!(failure, Failure::of(Errno::EBADF));
}

fn elements() {
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::HASH, 8, A));
    (1..=3).for_each(|number| drop(call(&mut kernel, set(A, number, u64::from(number) * 10))));
    let value = |number: u64| Reply::Bytes(number.to_ne_bytes().to_vec());
    assert_eq!(call(&mut kernel, Command::MapLookupElem(get(A, 2))), value(20));
    assert_eq!(call(&mut kernel, Command::MapLookupAndDeleteElem(get(A, 2))), value(20));
    let missing = kernel.call(&Command::MapLookupElem(get(A, 2))).unwrap_err();
    assert_eq!(missing.errno, Errno::ENOENT);
    call(&mut kernel, Command::MapDeleteElem(MapDeleteElem { map: A, key: key(1) }));
    let next = |key| Command::MapGetNextKey(MapGetNextKey { map: A, key });
    assert_eq!(call(&mut kernel, next(None)), Reply::Key(Some(key(3))));
    assert_eq!(call(&mut kernel, next(Some(key(3)))), Reply::Key(None));
    call(&mut kernel, Command::MapFreeze(MapFreeze { map: A }));
    assert_eq!(kernel.call(&set(A, 5, 1)).unwrap_err().errno, Errno::EPERM);
    let Info::Map(info) = info(&mut kernel, A) else { panic!() };
    let shape = MapShape { kind: MapKind::HASH.0, key_size: 4, value_size: 8, max_entries: 8, flags: 0 };
    assert_eq!((info.shape, info.id > 0), (shape, true));
    kernel.close(A);
    assert!(kernel.take_fd(A).is_none());
}

fn batches() {
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::HASH, 1000, A));
    let keys: Vec<u8> = (0..1000).flat_map(key).collect();
    let values: Vec<u8> = (0..1000_u64).flat_map(u64::to_ne_bytes).collect();
    let flags = ElemFlags::empty();
    let update = MapUpdateBatch { map: A, keys: keys.clone(), values, flags };
    assert_eq!(call(&mut kernel, Command::MapUpdateBatch(update)), Reply::Count(1000));
    let (mut cursor, mut seen) = (None, 0);
    loop {
        let lookup = MapLookupBatch { map: A, cursor, count: 100, flags };
        let Reply::Batch(batch) = call(&mut kernel, Command::MapLookupBatch(lookup)) else { panic!() };
        assert_eq!((batch.keys.len(), batch.values.len()), (batch.count * 4, batch.count * 8));
        seen += batch.count;
        cursor = batch.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, 1000);
    let delete = |keys: Vec<u8>| Command::MapDeleteBatch(MapDeleteBatch { map: A, keys, flags });
    assert_eq!(call(&mut kernel, delete(keys[..400].to_vec())), Reply::Count(100));
    let failure = kernel.call(&delete([&keys[400..440], &keys[..4]].concat())).unwrap_err();
    assert_eq!((failure.errno, failure.done), (Errno::ENOENT, 10));
    let take = MapLookupBatch { map: A, cursor: None, count: 1000, flags };
    let Reply::Batch(batch) = call(&mut kernel, Command::MapLookupAndDeleteBatch(take)) else { panic!() };
    assert_eq!((batch.count, batch.cursor), (890, None));
    let wrong = MapLookupBatch { map: A, cursor: Some(vec![1]), count: 1, flags };
    assert_eq!(kernel.call(&Command::MapLookupBatch(wrong)).unwrap_err().errno, Errno::EINVAL);
}

fn per_cpu() {
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::PERCPU_ARRAY, 1, A));
    call(&mut kernel, set(A, 0, 77));
    let Reply::Bytes(values) = call(&mut kernel, Command::MapLookupElem(get(A, 0))) else { panic!() };
    assert_eq!(values.len(), 8 * bpfsmith::sys::host::possible_cpus().unwrap() as usize);
    assert!(values.chunks(8).all(|value| value == 77_u64.to_ne_bytes()));
}

fn insns(code: &Code) -> Vec<u8> {
    code.encode(Endian::NATIVE)
}

fn returns(value: i32) -> Vec<u8> {
    insns(&Assembler::new().mov(R0, value).exit().finish().unwrap())
}

fn load(prog_type: ProgType, insns: Vec<u8>, out: Fd) -> ProgLoad {
    ProgLoad { license: c"GPL".into(), name: "commands".into(), ..ProgLoad::new(prog_type, insns, out) }
}

fn programs() {
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::ARRAY, 1, A));
    let code = insns(&Assembler::new().load_map(R1, "m").mov(R0, 3).exit().finish().unwrap());
    let by_number = ProgLoad { fd_slots: vec![(0, A)], ..load(ProgType::SOCKET_FILTER, code, B) };
    call(&mut kernel, Command::ProgLoad(Box::new(by_number)));
    call(&mut kernel, Command::ProgBindMap(ProgBindMap { program: B, map: A }));
    let run = ProgTestRun { data: vec![0; 64], data_room: 64, ..ProgTestRun::new(B) };
    let Reply::TestRun(outcome) = call(&mut kernel, Command::ProgTestRun(run)) else { panic!() };
    assert_eq!((outcome.retval, outcome.data.len()), (3, 64));
    let Info::Program(told) = info(&mut kernel, B) else { panic!() };
    assert_eq!((told.prog_type, told.name.as_slice()), (ProgType::SOCKET_FILTER.0, b"commands".as_slice()));
    // A syscall program's context comes back as it was left.
    let code = Assembler::new().ldx(Size::W, R2, R1, 0).add(R2, 1).finish_doubling();
    let syscall = ProgLoad { flags: ProgramFlags::SLEEPABLE, ..load(ProgType::SYSCALL, code, C) };
    call(&mut kernel, Command::ProgLoad(Box::new(syscall)));
    let run = ProgTestRun { context: vec![41, 0, 0, 0], ..ProgTestRun::new(C) };
    let Reply::TestRun(outcome) = call(&mut kernel, Command::ProgTestRun(run)) else { panic!() };
    assert_eq!(outcome.context, 42_u32.to_ne_bytes());
    let log = Log { level: LogLevel::ERRORS, size: 1 << 16 };
    let refused = ProgLoad { log, ..load(ProgType::SOCKET_FILTER, returns(0)[8..].to_vec(), C) };
    let failure = kernel.call(&Command::ProgLoad(Box::new(refused))).unwrap_err();
    assert!(failure.log.windows(8).any(|text| text == b"!read_ok"), "{failure:?}");
}

trait Doubling {
    fn finish_doubling(&mut self) -> Vec<u8>;
}

impl Doubling for Assembler {
    /// Writes r2 to the context and ends.
    fn finish_doubling(&mut self) -> Vec<u8> {
        insns(&self.stx(Size::W, R1, 0, R2).mov(R0, 0).exit().finish().unwrap())
    }
}

fn btf() {
    let mut kernel = Kernel::new();
    let mut builder = Builder::new();
    <u32 as BtfType>::btf(&mut builder).unwrap();
    let bytes: Vec<u8> = builder.finish().unwrap().encode(Endian::NATIVE);
    let size = u32::try_from(bytes.len()).unwrap();
    let log = Log { level: LogLevel::ERRORS, size: 1 << 16 };
    let load = |bytes: Vec<u8>| Command::BtfLoad(BtfLoad { bytes: bytes.into(), log, token: None, out: A });
    call(&mut kernel, load(bytes.clone()));
    let Info::Btf(told) = info(&mut kernel, A) else { panic!() };
    assert_eq!((told.size, told.of_kernel), (size, false));
    let failure = kernel.call(&load(bytes[..24].to_vec())).unwrap_err();
    assert!(failure.errno == Errno::EINVAL && !failure.log.is_empty());
}

/// A kernel that knows every kind takes what was cut down for one that does not.
fn old_btf() {
    let object = samples::every_kind();
    for (major, minor) in [(4, 18), (5, 0), (5, 2), (5, 6), (5, 13), (5, 16), (5, 17), (6, 0), (6, 18)] {
        let target = Target::of_kernel(major, minor).with_endian(Endian::Little);
        let bytes = samples::loaded_btf(&object, &target);
        let log = Log { level: LogLevel::ERRORS, size: 1 << 16 };
        call(&mut Kernel::new(), Command::BtfLoad(BtfLoad { bytes: bytes.into(), log, token: None, out: A }));
    }
}

fn ids() {
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::ARRAY, 1, A));
    call(&mut kernel, Command::ProgLoad(Box::new(load(ProgType::SOCKET_FILTER, returns(0), B))));
    let (Info::Map(map), Info::Program(program)) = (info(&mut kernel, A), info(&mut kernel, B)) else {
        panic!()
    };
    let next = |id: u32| NextId { start: id - 1 };
    assert_eq!(call(&mut kernel, Command::MapGetNextId(next(map.id))), Reply::Id(Some(map.id)));
    assert_eq!(call(&mut kernel, Command::ProgGetNextId(next(program.id))), Reply::Id(Some(program.id)));
    assert_eq!(call(&mut kernel, Command::BtfGetNextId(NextId { start: 0 })), Reply::Id(Some(1)));
    assert_eq!(
        call(&mut kernel, Command::LinkGetNextId(NextId { start: i32::MAX as u32 - 1 })),
        Reply::Id(None)
    );
    let open = |id, out| FdById { id, access: Access::ReadOnly, token: None, out };
    call(&mut kernel, Command::MapGetFdById(open(map.id, C)));
    assert_eq!(info(&mut kernel, C), Info::Map(map));
    assert_eq!(kernel.call(&set(C, 0, 1)).unwrap_err().errno, Errno::EPERM);
    call(&mut kernel, Command::ProgGetFdById(open(program.id, C)));
    assert_eq!(info(&mut kernel, C), Info::Program(program));
    call(&mut kernel, Command::BtfGetFdById(open(1, C)));
    assert!(matches!(info(&mut kernel, C), Info::Btf(BtfInfo { id: 1, of_kernel: true, .. })));
}

fn pins() {
    support::with_bpffs(|bpffs| {
        let mut kernel = Kernel::new();
        call(&mut kernel, map(MapKind::ARRAY, 1, A));
        call(&mut kernel, Command::ProgLoad(Box::new(load(ProgType::SOCKET_FILTER, returns(0), B))));
        let path = |name: &str| bpffs.join(name).to_str().unwrap().to_owned();
        for (name, fd, kind) in [("map", A, FdKind::Map), ("program", B, FdKind::Program)] {
            call(&mut kernel, Command::ObjPin(ObjPin { path: path(name), at: None, fd }));
            let access = Access::ReadWrite;
            call(&mut kernel, Command::ObjGet(ObjGet { path: path(name), at: None, access, kind, out: C }));
            assert_eq!(info(&mut kernel, C), info(&mut kernel, fd));
            kernel.unpin(&ObjPin { path: path(name), at: None, fd });
            let get = ObjGet { path: path(name), at: None, access, kind, out: C };
            assert_eq!(kernel.call(&Command::ObjGet(get)).unwrap_err().errno, Errno::ENOENT);
        }
        // A name that starts from a directory (6.5), and another kind than was expected.
        kernel.supply(C, File::open(bpffs).unwrap());
        call(&mut kernel, Command::ObjPin(ObjPin { path: "here".to_owned(), at: Some(C), fd: B }));
        let out = Fd::at(3);
        let (path, access) = (path("here"), Access::ReadWrite);
        call(&mut kernel, Command::ObjGet(ObjGet { path, at: None, access, kind: FdKind::Map, out }));
        let failure = kernel.call(&Command::ObjGetInfoByFd(ObjGetInfoByFd { fd: out })).unwrap_err();
        assert_eq!(failure.errno, Errno::EINVAL);
    });
}

fn statistics() {
    let mut kernel = Kernel::new();
    call(&mut kernel, Command::EnableStats(EnableStats { out: A }));
    assert!(kernel.take_fd(A).is_some());
}

fn cgroups() {
    let cgroup = Cgroup::new().unwrap();
    let mut kernel = Kernel::new();
    kernel.supply(A, File::open(cgroup.path()).unwrap());
    let attach_type = AttachType::CGROUP_INET_EGRESS;
    let program =
        ProgLoad { expected_attach_type: Some(attach_type), ..load(ProgType::CGROUP_SKB, returns(1), B) };
    call(&mut kernel, Command::ProgLoad(Box::new(program)));
    let Info::Program(program) = info(&mut kernel, B) else { panic!() };
    let target = AttachTo::Fd(A);
    let query = ProgQuery { target, attach_type, flags: QueryFlags::empty(), room: 4, details: false };
    let attached = |kernel: &mut Kernel| {
        let Reply::Attached(attached) = call(kernel, Command::ProgQuery(query.clone())) else { panic!() };
        attached.programs.iter().map(|program| program.id).collect::<Vec<_>>()
    };
    let attach = ProgAttach {
        target,
        program: Some(B),
        attach_type,
        flags: bpfsmith::base::flags::AttachFlags::ALLOW_MULTI,
        replace: None,
        relative: None,
        expected_revision: 0,
    };
    call(&mut kernel, Command::ProgAttach(attach.clone()));
    assert_eq!(attached(&mut kernel), [program.id]);
    call(&mut kernel, Command::ProgDetach(ProgAttach { flags: Default::default(), ..attach }));
    assert!(attached(&mut kernel).is_empty());
    let options = LinkOptions::None;
    let link = LinkCreate { object: B, target, attach_type, flags: 0, options, out: C };
    call(&mut kernel, Command::LinkCreate(link));
    assert_eq!(attached(&mut kernel), [program.id]);
    assert!(matches!(info(&mut kernel, C), Info::Link(told) if told.prog_id == program.id));
    call(&mut kernel, Command::LinkUpdate(LinkUpdate { link: C, new: B, old: Some(B) }));
    call(&mut kernel, Command::LinkDetach(LinkDetach { link: C }));
    assert!(attached(&mut kernel).is_empty());
}

fn raw_tracepoints() {
    let mut kernel = Kernel::new();
    call(&mut kernel, Command::ProgLoad(Box::new(load(ProgType::RAW_TRACEPOINT, returns(0), A))));
    let Info::Program(program) = info(&mut kernel, A) else { panic!() };
    let name = "sched_process_exec".to_owned();
    let open = RawTracepointOpen { name: name.clone(), program: A, cookie: 0, out: B };
    call(&mut kernel, Command::RawTracepointOpen(open));
    let Info::Link(link) = info(&mut kernel, B) else { panic!() };
    assert_eq!(link.prog_id, program.id);
    let by_id = FdById { id: link.id, access: Access::ReadWrite, token: None, out: C };
    call(&mut kernel, Command::LinkGetFdById(by_id));
    assert_eq!(info(&mut kernel, C), Info::Link(link));
    let descriptor = kernel.take_fd(B).unwrap();
    let fd = descriptor.as_raw_fd() as u32;
    let query = TaskFdQuery { pid: std::process::id(), fd, room: 64 };
    let Reply::TaskFd(told) = call(&mut kernel, Command::TaskFdQuery(query.clone())) else { panic!() };
    assert_eq!((told.prog_id, told.name), (program.id, name.into_bytes()));
    let cut = Command::TaskFdQuery(TaskFdQuery { room: 6, ..query });
    assert!(matches!(call(&mut kernel, cut), Reply::TaskFd(told) if told.name == b"sched"));
}

/// Writes a letter for each map there is.
fn letters() -> Object {
    let mut a = Assembler::new();
    let end = a.label();
    a.ldx(Size::DW, R2, R1, 8).jeq(R2, 0, end); // the map; null at the end
    a.ldx(Size::DW, R1, R1, 0).ldx(Size::DW, R1, R1, 0); // meta->seq
    a.st(Size::B, Reg::FP, -1, i32::from(b'm')).mov(R2, Reg::FP).add(R2, -1).mov(R3, 1);
    a.call(Helper::SEQ_WRITE).bind(end).mov(R0, 0).exit();
    let mut object = ObjectBuilder::new("letters").license("GPL");
    object.add_program(ProgramSpec::new("letters", ProgramKind::ITER).attach_to("bpf_map"), a.finish());
    object.finish().unwrap()
}

fn iterators_of_maps() {
    let loaded = bpfsmith::kernel::load(&letters()).unwrap();
    let mut kernel = Kernel::new();
    call(&mut kernel, map(MapKind::ARRAY, 1, C));
    kernel.supply(A, loaded.program("letters").unwrap().as_fd().try_clone_to_owned().unwrap());
    let link = LinkCreate {
        object: A,
        target: AttachTo::None,
        attach_type: AttachType::TRACE_ITER,
        flags: 0,
        options: LinkOptions::None,
        out: B,
    };
    call(&mut kernel, Command::LinkCreate(link));
    let out = Fd::at(3);
    call(&mut kernel, Command::IterCreate(IterCreate { link: B, out }));
    let mut text = String::new();
    File::from(kernel.take_fd(out).unwrap()).read_to_string(&mut text).unwrap();
    assert!(!text.is_empty() && text.bytes().all(|byte| byte == b'm'), "{text}");
}

fn streams() {
    let mut kernel = Kernel::new();
    call(&mut kernel, Command::ProgLoad(Box::new(load(ProgType::SOCKET_FILTER, returns(0), A))));
    for stream in [Stream::Stdout, Stream::Stderr] {
        let read = ProgStreamReadByFd { program: A, stream, room: 64 };
        assert_eq!(call(&mut kernel, Command::ProgStreamReadByFd(read)), Reply::Bytes(Vec::new()));
    }
}

/// A token is for those in a user namespace of their own.
fn tokens() {
    support::with_bpffs(|bpffs| {
        let mut kernel = Kernel::new();
        kernel.supply(A, File::open(bpffs).unwrap());
        let failure = kernel.call(&Command::TokenCreate(TokenCreate { bpffs: A, out: B })).unwrap_err();
        assert_eq!(failure.errno, Errno::EOPNOTSUPP);
        kernel.supply(A, File::open("/").unwrap());
        let failure = kernel.call(&Command::TokenCreate(TokenCreate { bpffs: A, out: B })).unwrap_err();
        assert_eq!(failure.errno, Errno::EINVAL);
    });
}
