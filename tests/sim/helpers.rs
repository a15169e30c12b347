//! Helpers that need no kernel beside them: what is settable, what is written down, what is refused.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::{Assembler, Reg, Size};
use bpfsmith::base::{Endian, Errno, Helper};
use bpfsmith::btf::SpinLock;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::ObjectBuilder;
use bpfsmith::program::ProgramSpec;
use bpfsmith::sim::{CurrentTask, FaultKind, Input, Machine, Outcome, RedirectTo, RunError};

use crate::common::{Assembled, assembler, fault_of, machine, object_in, object_of, result_of};

const FP: Reg = Reg::FP;

/// Every helper that the simulator does not have, by number: the list shrinks in view of all.
#[test]
fn what_is_lacking() {
    let had: Vec<Helper> = bpfsmith::sim::helpers().collect();
    let lacking = Helper::ALL.iter().filter(|helper| !had.contains(helper));
    let lacking: Vec<String> =
        lacking.map(|helper| format!("{} {}", helper.number(), helper.name().unwrap())).collect();
    insta::assert_snapshot!(format!("{} of {}\n{}", lacking.len(), Helper::ALL.len(), lacking.join("\n")));
}

#[test]
fn each_helper_once() {
    let mut had: Vec<Helper> = bpfsmith::sim::helpers().collect();
    had.sort_unstable();
    let count = had.len();
    had.dedup();
    assert_eq!(had.len(), count);
}

fn call(helper: Helper) -> Machine {
    let mut a = assembler();
    a.call(helper).exit();
    machine(&object_of(ProgramKind::SYSCALL, a.finish()))
}

fn result(machine: &mut Machine) -> u64 {
    machine.run("prog", &Input::empty()).unwrap().result
}

#[test]
fn the_task_is_settable() {
    let mut task = CurrentTask::new();
    (task.pid, task.tgid, task.uid, task.gid, task.cgroups) = (7, 5, 1000, 100, vec![1, 20, 300]);
    task.comm = b"a name that is too long".to_vec();
    for (helper, expected) in [
        (Helper::GET_CURRENT_PID_TGID, 5 << 32 | 7),
        (Helper::GET_CURRENT_UID_GID, 100 << 32 | 1000),
        (Helper::GET_CURRENT_CGROUP_ID, 300),
    ] {
        let mut machine = call(helper);
        machine.set_task(task.clone());
        assert_eq!(result(&mut machine), expected, "{helper}");
    }
    let mut a = assembler();
    a.mov(Reg::R6, Reg::R1).mov(Reg::R2, 24).call(Helper::GET_CURRENT_COMM);
    a.mov(Reg::R1, 1).call(Helper::GET_CURRENT_ANCESTOR_CGROUP_ID).exit();
    let mut machine = machine(&object_of(ProgramKind::SYSCALL, a.finish()));
    machine.set_task(task);
    let outcome = machine.run("prog", &Input::context(&[0xaa; 24])).unwrap();
    assert_eq!((outcome.result, &outcome.context[..]), (20, &b"a name that is \0\0\0\0\0\0\0\0\0"[..]));
}

#[test]
fn clocks_are_virtual() {
    for (helper, before, after) in [
        (Helper::KTIME_GET_NS, 1_000_000_000, 1_010_000_000),
        (Helper::KTIME_GET_COARSE_NS, 1_000_000_000, 1_008_000_000),
        (Helper::KTIME_GET_TAI_NS, 1_000_000_000, 1_010_000_000),
        (Helper::JIFFIES64, 4_294_892_546, 4_294_892_548),
    ] {
        let mut machine = call(helper);
        assert_eq!(result(&mut machine), before, "{helper}");
        machine.advance(Duration::from_millis(10)).unwrap();
        assert_eq!(result(&mut machine), after, "{helper}");
    }
}

#[test]
fn a_seed_makes_the_numbers() {
    let numbers = |seed| {
        let mut machine = call(Helper::GET_PRANDOM_U32);
        machine.set_seed(seed);
        [result(&mut machine), result(&mut machine)]
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    assert!(numbers(1)[0] != numbers(1)[1] && numbers(1)[0] <= u32::MAX.into());
}

#[test]
fn user_memory_is_what_was_given() {
    let mut a = assembler();
    a.mov(Reg::R6, Reg::R1).mov(Reg::R2, 16).load_imm64(Reg::R3, 0x7000_0003_u64);
    a.call(Helper::PROBE_READ_USER_STR).exit();
    let mut machine = machine(&object_of(ProgramKind::SYSCALL, a.finish()));
    let run = |machine: &mut Machine| {
        let outcome = machine.run("prog", &Input::context(&[0xaa; 16])).unwrap();
        (outcome.result.cast_signed(), outcome.context)
    };
    assert_eq!(run(&mut machine), (i64::from(-Errno::EFAULT.0), vec![0; 16]));
    machine.map_user_memory(0x7000_0000, b"12345\0");
    let (result, context) = run(&mut machine);
    assert_eq!((result, &context[..4]), (3, &b"45\0\xaa"[..]));
}

#[test]
fn lines_are_kept() {
    let mut a = assembler();
    for (at, word) in [b"%d %s %p", b"I4\n\0    "].into_iter().enumerate() {
        let off = -16 + 8 * at as i32;
        a.load_imm64(Reg::R0, u64::from_le_bytes(*word)).stx(Size::DW, FP, off, Reg::R0);
    }
    a.load_imm64(Reg::R0, u64::from_le_bytes(*b"\x7f\0\0\x01\0\0\0\0")).stx(Size::DW, FP, -24, Reg::R0);
    a.mov(Reg::R1, FP).add(Reg::R1, -16).mov(Reg::R2, 12).mov(Reg::R3, -3).mov(Reg::R4, FP).add(Reg::R4, -24);
    a.mov(Reg::R5, Reg::R4).call(Helper::TRACE_PRINTK).exit();
    let mut machine = machine(&object_of(ProgramKind::SYSCALL, a.finish()));
    assert_eq!(result(&mut machine), 15);
    assert_eq!(machine.printed(), ["-3 \u{7f} 127.0.0.1"]);
}

/// Runs a program of packets that makes one call, with its context as the first argument.
fn on_packet(kind: ProgramKind, helper: Helper, arguments: &[i64]) -> Outcome {
    let mut a = assembler();
    for (register, argument) in [Reg::R2, Reg::R3, Reg::R4].into_iter().zip(arguments) {
        a.load_imm64(register, argument.cast_unsigned());
    }
    a.call(helper).exit();
    let mut packet = vec![1; 40];
    packet[12..14].copy_from_slice(&[8, 0]);
    machine(&object_of(kind, a.finish())).run("prog", &Input::packet(&packet)).unwrap()
}

#[test]
fn where_packets_go_is_written_down() {
    let outcome = on_packet(ProgramKind::SCHED_CLS, Helper::CLONE_REDIRECT, &[3, 1]);
    let [sent] = &outcome.sent[..] else { panic!("{outcome:?}") };
    assert_eq!((&sent.to, sent.flags, sent.packet.len()), (&RedirectTo::Interface(3), 1, 40));
    assert_eq!((outcome.redirect, outcome.retval), (None, 0));

    for (kind, expected) in [(ProgramKind::SCHED_CLS, 7), (ProgramKind::XDP, 4)] {
        let mut a = assembler();
        a.mov(Reg::R1, 5).mov(Reg::R2, 0).call(Helper::REDIRECT).exit();
        let mut packet = vec![0; 34];
        packet[12] = 9;
        let outcome = machine(&object_of(kind, a.finish())).run("prog", &Input::packet(&packet)).unwrap();
        assert_eq!((outcome.retval, outcome.redirect.unwrap().to), (expected, RedirectTo::Interface(5)));
    }
}

#[test]
fn hashes_follow_the_packet() {
    let first = on_packet(ProgramKind::SCHED_CLS, Helper::GET_HASH_RECALC, &[]);
    assert_ne!(first.retval, 0);
    assert_eq!(first.retval, on_packet(ProgramKind::SCHED_CLS, Helper::GET_HASH_RECALC, &[]).retval);
}

#[test]
fn there_are_no_routes() {
    let mut a = assembler();
    for at in (-64..0).step_by(8) {
        a.st(Size::DW, FP, at, 0);
    }
    a.mov(Reg::R6, Reg::R1).st(Size::B, FP, -64, 2).mov(Reg::R2, FP).add(Reg::R2, -64);
    a.mov(Reg::R3, 64).mov(Reg::R4, 0).call(Helper::FIB_LOOKUP).exit();
    let outcome = machine(&object_of(ProgramKind::XDP, a.finish())).run("prog", &Input::packet(&[0; 14]));
    assert_eq!(outcome.unwrap().retval, 4);
}

#[test]
fn packets_belong_to_contexts() {
    let mut a = assembler();
    a.mov(Reg::R1, FP).mov(Reg::R2, 1).call(Helper::SKB_PULL_DATA).exit();
    let fault = fault_of(a.finish());
    assert_eq!(fault.kind.to_string(), "bpf_skb_pull_data: argument 1 is fp+0 of frame 0, not the context");
    let mut a = assembler();
    a.mov(Reg::R2, 1).call(Helper::SKB_PULL_DATA).exit();
    assert!(matches!(fault_of(a.finish()).kind, FaultKind::Argument { argument: 1, .. }));
}

#[derive(BtfType, Default)]
#[repr(C)]
struct Locked {
    lock: SpinLock,
    count: u32,
}

/// Runs calls on the lock of a value; the fault.
fn locks(calls: &[Helper]) -> Result<u64, FaultKind> {
    let mut a = assembler();
    a.load_map_value(Reg::R6, "locked", 0);
    for helper in calls {
        a.mov(Reg::R1, Reg::R6).call(*helper);
    }
    a.mov(Reg::R0, 0).exit();
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_map(MapSpec::array::<Locked>("locked").max_entries(1));
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    match machine(&object.finish().unwrap()).run("prog", &Input::empty()) {
        Ok(outcome) => Ok(outcome.result),
        Err(RunError::Fault(fault)) => Err(fault.kind),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_lock_is_taken_once_and_given_back_once() {
    const LOCK: Helper = Helper::SPIN_LOCK;
    const UNLOCK: Helper = Helper::SPIN_UNLOCK;
    assert_eq!(locks(&[LOCK, UNLOCK, LOCK, UNLOCK]), Ok(0));
    assert_eq!(locks(&[LOCK, LOCK]), Err(FaultKind::Deadlock));
    assert!(matches!(locks(&[UNLOCK]), Err(FaultKind::Argument { helper: UNLOCK, .. })));
    assert!(matches!(locks(&[LOCK, UNLOCK, UNLOCK]), Err(FaultKind::Argument { helper: UNLOCK, .. })));
}

/// Stores a number of so many bits, in the order of the machine; reads it as text.
#[test]
fn both_byte_orders() {
    for endian in [Endian::Little, Endian::Big] {
        let text = u64::from_le_bytes(*b" -0x1f\0\0");
        let text = if endian == Endian::Little { text } else { text.swap_bytes() };
        let mut a = assembler();
        a.load_imm64(Reg::R0, text).stx(Size::DW, FP, -8, Reg::R0);
        a.mov(Reg::R1, FP)
            .add(Reg::R1, -8)
            .mov(Reg::R2, 8)
            .mov(Reg::R3, 0)
            .mov(Reg::R4, FP)
            .add(Reg::R4, -16);
        let end = a.label();
        a.call(Helper::STRTOL).jne(Reg::R0, 6, end).ldx(Size::DW, Reg::R0, FP, -16).bind(end).exit();
        let outcome = machine(&object_in(endian, a.finish())).run("prog", &Input::empty()).unwrap();
        assert_eq!(outcome.result.cast_signed(), -31, "{endian:?}");
    }
}

#[test]
fn the_node_is_the_first() {
    let mut a = assembler();
    a.call(Helper::GET_NUMA_NODE_ID).exit();
    assert_eq!(result_of(a.finish()), 0);
}

/// Runs a program with one more map; the machine, and what the program returned.
fn with_map<K, V>(spec: MapSpec<K, V>, before: impl FnOnce(&mut Machine), code: Assembled) -> (Machine, u64) {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.add_map(spec);
    let mut drained = assembler();
    drained.mov(Reg::R6, Reg::R2).mov(Reg::R3, Reg::R1).mov(Reg::R1, Reg::R6).mov(Reg::R2, 8);
    drained.mov(Reg::R4, 0).mov(Reg::R5, 0).call(Helper::DYNPTR_READ).exit();
    object.add_function("drained", drained.finish());
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), code);
    let mut machine = machine(&object.finish().unwrap());
    before(&mut machine);
    let result = machine.run("prog", &Input::empty()).unwrap().result;
    (machine, result)
}

#[test]
fn records_have_dynptrs() {
    let mut a = assembler();
    a.load_map(Reg::R1, "ring").mov(Reg::R2, 16).mov(Reg::R3, 0).mov(Reg::R4, FP).add(Reg::R4, -16);
    a.call(Helper::RINGBUF_RESERVE_DYNPTR).load_imm64(Reg::R0, 0x1122_3344_5566_7788_u64);
    a.stx(Size::DW, FP, -24, Reg::R0);
    a.mov(Reg::R1, FP).add(Reg::R1, -16).mov(Reg::R2, 8).mov(Reg::R3, FP).add(Reg::R3, -24).mov(Reg::R4, 8);
    a.mov(Reg::R5, 0).call(Helper::DYNPTR_WRITE);
    a.mov(Reg::R1, FP).add(Reg::R1, -16).mov(Reg::R2, 0).call(Helper::RINGBUF_SUBMIT_DYNPTR);
    // It is null now.
    a.mov(Reg::R1, FP).add(Reg::R1, -16).mov(Reg::R2, 0).mov(Reg::R3, 1).call(Helper::DYNPTR_DATA).exit();
    let (mut machine, result) = with_map(MapSpec::ringbuf("ring", 4096), |_| {}, a.finish());
    assert_eq!(result, 0);
    let record = machine.raw_ring("ring").unwrap().read().unwrap().unwrap();
    assert_eq!(record[..], [[0; 8], 0x1122_3344_5566_7788_u64.to_le_bytes()].concat());
}

#[test]
fn records_of_user_space_are_drained() {
    for (samples, expected, last) in [(0_u64, 0, 0), (1, 1, 1), (3, 3, 3)] {
        let mut a = assembler();
        a.st(Size::DW, FP, -8, 0).load_map(Reg::R1, "ring").load_function(Reg::R2, "drained");
        a.mov(Reg::R3, FP).add(Reg::R3, -8).mov(Reg::R4, 0).call(Helper::USER_RINGBUF_DRAIN);
        a.ldx(Size::DW, Reg::R1, FP, -8).lsh(Reg::R1, 32).or(Reg::R0, Reg::R1).exit();
        let fill = |machine: &mut Machine| {
            for sample in 1..=samples {
                machine.raw_ring("ring").unwrap().write(&sample.to_le_bytes()).unwrap();
            }
        };
        let spec = MapSpec::new(MapKind::USER_RINGBUF, "ring").max_entries(4096);
        let (_, result) = with_map(spec, fill, a.finish());
        assert_eq!(result, last << 32 | expected);
    }
}

#[test]
fn tasks_have_storage() {
    let mut a = assembler();
    let get = |a: &mut Assembler, flags: i32| {
        a.call(Helper::GET_CURRENT_TASK_BTF).mov(Reg::R2, Reg::R0).load_map(Reg::R1, "tasks");
        a.mov(Reg::R3, 0).mov(Reg::R4, flags).call(Helper::TASK_STORAGE_GET);
    };
    let (found, end) = (a.label(), a.label());
    get(&mut a, 0);
    a.jne(Reg::R0, 0, end);
    get(&mut a, 1);
    a.jne(Reg::R0, 0, found).exit().bind(found).st(Size::DW, Reg::R0, 0, 77);
    get(&mut a, 0);
    a.ldx(Size::DW, Reg::R6, Reg::R0, 0);
    a.call(Helper::GET_CURRENT_TASK_BTF).mov(Reg::R2, Reg::R0).load_map(Reg::R1, "tasks");
    a.call(Helper::TASK_STORAGE_DELETE).jne(Reg::R0, 0, end);
    get(&mut a, 0);
    a.jne(Reg::R0, 0, end).mov(Reg::R0, Reg::R6).bind(end).exit();
    let spec = MapSpec::typed::<u32, u64>(MapKind::TASK_STORAGE, "tasks").flags(MapFlags::NO_PREALLOC);
    assert_eq!(with_map(spec, |_| {}, a.finish()).1, 77);
}
