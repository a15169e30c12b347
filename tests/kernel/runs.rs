//! Test runs: packets and contexts in and out.

use std::path::Path;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::kernel::{Loaded, Program, TestRun};
use bpfsmith::kind::{ProgType, ProgramKind};
use bpfsmith::map::MapSpec;
use bpfsmith::program::ProgramSpec;

use crate::common::{Assembled, builder, load, object_of, returns};
use crate::support::{
    Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, with_bpffs,
};

pub fn add(suite: &mut Suite) {
    let net = || all(&[has_cap_bpf, has_cap_net_admin]);
    suite.test_if(net(), "runs: an XDP program changes its packet", packet);
    suite.test_if(net(), "runs: a packet grows, and needs room for it", growing);
    suite.since(KernelVersion::new(5, 16), "the last fields of struct __sk_buff", |suite| {
        suite.test_if(net(), "runs: a classifier reads and writes the fields of its packet", sk_buff);
    });
    suite.since(KernelVersion::new(5, 15), "contexts for runs of XDP", |suite| {
        suite.test_if(net(), "runs: a frame of XDP begins where the context says", xdp_context);
    });
    suite.test_if(has_cap_bpf, "runs: as often as was said", repeat);
    suite.since(ProgramKind::SYSCALL.since(), "syscall programs", |suite| {
        let name = "runs: a syscall program's context comes back as it left it";
        suite.test_if(has_cap_bpf, name, syscall_context);
        suite.test_if(has_cap_bpf, "runs: input that the kind does not take is an error", errors);
        let admin = all(&[has_cap_bpf, has_cap_sys_admin]);
        suite.test_if(admin, "programs: pinned, opened, found by id", || with_bpffs(pinned));
    });
    let tracing = all(&[has_cap_bpf, has_cap_perfmon]);
    suite.test_if(tracing, "runs: a kind that cannot be run is an error", no_test_run);
}

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
/// `struct xdp_md` and `struct __sk_buff`.
const DATA: i32 = 0;
const DATA_END: i32 = 4;
const MARK: usize = 8;
const PRIORITY: usize = 32;

fn loaded(kind: ProgramKind, code: Assembled) -> Loaded {
    load(&object_of(kind, code))
}

fn run(loaded: &Loaded, input: &TestRun) -> bpfsmith::kernel::TestOutcome {
    loaded.program("prog").unwrap().test_run(input).unwrap()
}

fn ethernet(len: usize) -> Vec<u8> {
    (0..len).map(|index| index as u8).collect()
}

/// Swaps the first two bytes; passes packets that have so many, drops others.
fn swaps() -> Assembled {
    let mut a = Assembler::new();
    let drop = a.label();
    a.ldx(Size::W, R2, R1, DATA).ldx(Size::W, R3, R1, DATA_END);
    a.mov(R6, R2).add(R6, 60).jgt(R6, R3, drop);
    a.ldx(Size::H, R0, R2, 0).to_be(R0, 16).stx(Size::H, R2, 0, R0);
    a.mov(R0, XDP_PASS).exit().bind(drop).mov(R0, XDP_DROP).exit();
    a.finish()
}

fn packet() {
    let loaded = loaded(ProgramKind::XDP, swaps());
    let outcome = run(&loaded, &TestRun::new().data(ethernet(60)));
    assert_eq!(outcome.retval, XDP_PASS);
    assert_eq!(outcome.data.len(), 60);
    assert_eq!((outcome.data[..2].to_vec(), &outcome.data[2..]), (vec![1, 0], &ethernet(60)[2..]));
    let outcome = run(&loaded, &TestRun::new().data(ethernet(59)));
    assert_eq!((outcome.retval, outcome.data), (XDP_DROP, ethernet(59)));
}

fn growing() {
    let mut a = Assembler::new();
    a.mov(R2, -100).call(Helper::XDP_ADJUST_HEAD).mov(R0, XDP_PASS).exit();
    let loaded = loaded(ProgramKind::XDP, a.finish());
    let input = TestRun::new().data(ethernet(200));
    let outcome = run(&loaded, &input);
    assert_eq!(outcome.data.len(), 300);
    assert_eq!(outcome.data[100..], ethernet(200));
    let error = loaded.program("prog").unwrap().test_run(&input.clone().data_room(200)).unwrap_err();
    assert_eq!((error.operation, error.errno), ("PROG_TEST_RUN", Errno::ENOSPC));
    assert_eq!(run(&loaded, &input.data_room(300)).data.len(), 300);
}

fn sk_buff() {
    let mut a = Assembler::new();
    a.ldx(Size::W, R0, R1, MARK as i32).mov(R2, 99).stx(Size::W, R1, PRIORITY as i32, R2).exit();
    let loaded = loaded(ProgramKind::SCHED_CLS, a.finish());
    let mut context = vec![0; 64];
    context[MARK..MARK + 4].copy_from_slice(&1234_u32.to_ne_bytes());
    let outcome = run(&loaded, &TestRun::new().data(ethernet(60)).context(context));
    assert_eq!(outcome.retval, 1234);
    assert!(outcome.context.len() >= 192, "the whole of struct __sk_buff");
    let number = |at: usize| u32::from_ne_bytes(outcome.context[at..at + 4].try_into().unwrap());
    assert_eq!((number(MARK), number(PRIORITY)), (1234, 99));
}

/// The packet begins after eight bytes of metadata.
fn xdp_context() {
    const DATA_META: i32 = 8;
    let mut a = Assembler::new();
    a.ldx(Size::W, R2, R1, DATA_META).ldx(Size::W, R3, R1, DATA).mov(R0, R3).sub(R0, R2).exit();
    let loaded = loaded(ProgramKind::XDP, a.finish());
    let mut context = vec![0; 24];
    context[0..4].copy_from_slice(&8_u32.to_ne_bytes());
    context[4..8].copy_from_slice(&68_u32.to_ne_bytes());
    let outcome = run(&loaded, &TestRun::new().data(ethernet(68)).context(context));
    assert_eq!((outcome.retval, outcome.context.len()), (8, 24));
}

fn syscall_context() {
    let mut a = Assembler::new();
    a.ldx(Size::DW, R2, R1, 0).add(R2, 1).stx(Size::DW, R1, 8, R2).mov(R0, -7).exit();
    let loaded = loaded(ProgramKind::SYSCALL, a.finish());
    let context = [41_u64.to_ne_bytes(), [0xff; 8], 5_u64.to_ne_bytes()].concat();
    let outcome = run(&loaded, &TestRun::new().context(context));
    assert_eq!(outcome.retval.cast_signed(), -7);
    assert_eq!(outcome.context, [41_u64, 42, 5].map(u64::to_ne_bytes).concat());
}

fn repeat() {
    let mut a = Assembler::new();
    a.load_map_value(R1, "runs", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::array::<u64>("runs").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SOCKET_FILTER), a.finish());
    let loaded = load(&object.finish().unwrap());
    let runs = || loaded.typed_map::<u32, u64>("runs").unwrap().get(&0).unwrap().unwrap();
    let input = TestRun::new().data(ethernet(60));
    run(&loaded, &input);
    assert_eq!(runs(), 1);
    run(&loaded, &input.repeat(100));
    assert_eq!(runs(), 101);
}

fn errors() {
    let filter = loaded(ProgramKind::SOCKET_FILTER, returns(0));
    let refused =
        |loaded: &Loaded, input: &TestRun| loaded.program("prog").unwrap().test_run(input).unwrap_err();
    let error = refused(&filter, &TestRun::new().data([0; 13]));
    assert_eq!(error.to_string(), "program `prog`: PROG_TEST_RUN: EINVAL (22): invalid argument");
    assert_eq!(refused(&filter, &TestRun::new().data([0; 14]).cpu(1 << 20)).errno, Errno::EINVAL);
    let syscall = loaded(ProgramKind::SYSCALL, returns(0));
    assert_eq!(refused(&syscall, &TestRun::new().data([0; 14])).errno, Errno::EINVAL);
    assert_eq!(refused(&syscall, &TestRun::new().repeat(2)).errno, Errno::EINVAL);
}

fn no_test_run() {
    let loaded = loaded(ProgramKind::KPROBE, returns(0));
    let error = loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap_err();
    assert_eq!(error.errno, Errno::ENOTSUPP);
}

fn pinned(bpffs: &Path) {
    let path = bpffs.join("program");
    let mut loaded = loaded(ProgramKind::SYSCALL, returns(6));
    let program = loaded.take_program("prog").unwrap();
    assert!(loaded.programs().next().is_none());
    program.pin(&path).unwrap();
    assert_eq!(program.pin(&path).unwrap_err().errno, Errno::EEXIST);
    let id = program.id().unwrap();
    drop(program);
    let again = Program::open(&path).unwrap();
    assert_eq!((again.id().unwrap(), again.prog_type()), (id, ProgType::SYSCALL));
    assert_eq!(Program::from_id(id).unwrap().test_run(&TestRun::new()).unwrap().retval, 6);
    assert_eq!(Program::open(bpffs.join("nothing")).unwrap_err().errno, Errno::ENOENT);
    assert_eq!(Program::from_id(u32::MAX).unwrap_err().errno, Errno::ENOENT);
    bpfsmith::kernel::unpin(&path).unwrap();
    drop(again);
}
