//! Programs that the kernel takes, and of which there is nothing to say.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10};
use bpfsmith::asm::{Assembler, Code, Helper, Size};
use bpfsmith::kind::ProgramKind;

use crate::cases::{look_up, look_up_checked, look_up_socket};
use crate::objects::code;

pub(crate) type Function = (&'static str, Code);

pub(crate) fn tick(a: &mut Assembler) {
    let out = a.label();
    a.ldx(Size::W, R1, R3, 0).add(R1, 1).stx(Size::W, R3, 0, R1);
    a.ldx(Size::W, R1, R2, 0).stx(Size::W, R10, -4, R1).mov(R6, R3);
    a.load_map(R1, "hash").mov(R2, R10).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM).jeq(R0, 0, out);
    a.mov(R1, 1).atomic_add(Size::DW, R0, 8, R1);
    a.mov(R1, R6).add(R1, 8).mov(R2, 1000).mov(R3, 0).call(Helper::TIMER_START);
    a.bind(out).mov(R0, 0).exit();
}

/// Its own timer is not cancelled: that is -EDEADLK, and the callback stays.
fn cancels_itself(a: &mut Assembler) {
    a.mov(R6, R3).mov(R1, R6).add(R1, 8).call(Helper::TIMER_CANCEL);
    a.mov(R1, R6).add(R1, 8).mov(R2, 1000).mov(R3, 0).call(Helper::TIMER_START);
    a.mov(R0, 0).exit();
}

pub(crate) fn double(a: &mut Assembler) {
    a.mov(R0, R1).add(R0, R1).exit();
}

fn arm(a: &mut Assembler) {
    let out = a.label();
    look_up(a, "timers");
    a.jeq(R0, 0, out).mov(R6, R0);
    a.mov(R1, R6).add(R1, 8).load_map(R2, "timers").mov(R3, 1).call(Helper::TIMER_INIT).jne(R0, 0, out);
    a.mov(R1, R6).add(R1, 8).load_function(R2, "tick").call(Helper::TIMER_SET_CALLBACK);
    a.mov(R1, R6).add(R1, 8).mov(R2, 1000).mov(R3, 0).call(Helper::TIMER_START);
    a.bind(out).mov(R0, 1).exit();
}

fn count_packets(a: &mut Assembler) {
    let (out, small) = (a.label(), a.label());
    a.mov(R7, R1).ldx(Size::W, R8, R1, 0).jlt(R8, 100, small).mov(R8, 100).bind(small);
    look_up_checked(a, "global");
    a.and(R8, 3).lsh(R8, 3).mov(R9, R6).add(R9, R8);
    a.mov(R1, 1).atomic_add(Size::DW, R9, 0, R1);
    a.mov(R2, R8).stx(Size::DW, R10, -16, R2).ldx(Size::DW, R3, R10, -16).jgt(R3, 24, out);
    a.mov(R1, R3).call_function("double");
    a.bind(out).mov(R0, 1).exit();
}

fn record(a: &mut Assembler) {
    let out = a.label();
    a.mov(R6, R1).load_map(R1, "ring").mov(R2, 24).mov(R3, 0).call(Helper::RINGBUF_RESERVE).jeq(R0, 0, out);
    a.mov(R7, R0).call(Helper::KTIME_GET_NS).stx(Size::DW, R7, 0, R0);
    a.ldx(Size::W, R1, R6, 8).stx(Size::W, R7, 8, R1).st(Size::W, R7, 12, 0).st(Size::DW, R7, 16, -1);
    a.mov(R1, R7).mov(R2, 0).call(Helper::RINGBUF_SUBMIT);
    a.bind(out).mov(R0, 0).exit();
}

fn locked(a: &mut Assembler) {
    look_up_checked(a, "locks");
    a.mov(R1, R6).call(Helper::SPIN_LOCK);
    a.ldx(Size::W, R1, R6, 4).add(R1, 1).stx(Size::W, R6, 4, R1);
    a.mov(R1, R6).call(Helper::SPIN_UNLOCK).mov(R0, 1).exit();
}

fn update(a: &mut Assembler) {
    a.ldx(Size::W, R1, R1, 0).stx(Size::W, R10, -4, R1).st(Size::DW, R10, -16, 1).st(Size::DW, R10, -24, 2);
    a.load_map(R1, "hash").mov(R2, R10).add(R2, -4).mov(R3, R10).add(R3, -24).mov(R4, 0);
    a.call(Helper::MAP_UPDATE_ELEM).mov(R6, R0).load_imm64(R1, u64::from_le_bytes(*b"updated\0"));
    a.stx(Size::DW, R10, -32, R1).mov(R1, R10).add(R1, -32).mov(R2, 8).mov(R3, R6).call(Helper::TRACE_PRINTK);
    a.mov(R0, 0).exit();
}

fn sum(a: &mut Assembler) {
    let (again, done) = (a.label(), a.label());
    look_up_checked(a, "global");
    a.mov(R0, 0).mov(R1, 0).bind(again).jge(R1, 4, done);
    a.mov(R2, R1)
        .lsh(R2, 3)
        .mov(R3, R6)
        .add(R3, R2)
        .ldx(Size::DW, R4, R3, 0)
        .add(R0, R4)
        .add(R1, 1)
        .ja(again);
    a.bind(done).and(R0, 1).exit();
}

fn packet(a: &mut Assembler) {
    let out = a.label();
    a.ldx(Size::W, R2, R1, 0).ldx(Size::W, R3, R1, 4).mov(R4, R2).add(R4, 14).jgt(R4, R3, out);
    a.ldx(Size::H, R5, R2, 12).to_be(R5, 16).jne(R5, 0x800, out).mov(R0, 1).exit();
    a.bind(out).mov(R0, 2).exit();
}

fn visit(a: &mut Assembler) {
    a.ldx(Size::W, R1, R2, 0).ldx(Size::DW, R5, R3, 0).add(R5, R1).stx(Size::DW, R3, 8, R5);
    a.ldx(Size::DW, R1, R4, 0).add(R1, 1).stx(Size::DW, R4, 0, R1).mov(R0, 0).exit();
}

fn visit_all(a: &mut Assembler) {
    a.st(Size::DW, R10, -8, 0).load_map(R1, "array").load_function(R2, "visit").mov(R3, R10).add(R3, -8);
    a.mov(R4, 0).call(Helper::FOR_EACH_MAP_ELEM).ldx(Size::DW, R0, R10, -8).and(R0, 1).exit();
}

fn round(a: &mut Assembler) {
    let more = a.label();
    a.ldx(Size::DW, R3, R2, 0).add(R3, R1).stx(Size::DW, R2, 0, R3).mov(R0, 0).jlt(R3, 100, more);
    a.mov(R0, 1).bind(more).exit();
}

fn rounds(a: &mut Assembler) {
    a.st(Size::DW, R10, -8, 0).mov(R1, 10).load_function(R2, "round").mov(R3, R10).add(R3, -8).mov(R4, 0);
    a.call(Helper::LOOP).mov(R0, 1).exit();
}

fn tail(a: &mut Assembler) {
    a.mov(R6, R1).load_map(R2, "programs").mov(R3, 1).call(Helper::TAIL_CALL);
    a.ldx(Size::W, R0, R6, 0).and(R0, 1).exit();
}

fn socket(a: &mut Assembler) {
    let none = a.label();
    look_up_socket(a);
    a.jeq(R0, 0, none).mov(R6, R0).ldx(Size::W, R7, R0, 4).mov(R1, R6).call(Helper::SK_RELEASE);
    a.bind(none).mov(R0, 0).exit();
}

fn queue(a: &mut Assembler) {
    a.st(Size::DW, R10, -8, 3)
        .load_map(R1, "queue")
        .mov(R2, R10)
        .add(R2, -8)
        .mov(R3, 0)
        .call(Helper::MAP_PUSH_ELEM);
    a.load_map(R1, "queue").mov(R2, R10).add(R2, -16).call(Helper::MAP_POP_ELEM);
    let empty = a.label();
    a.jne(R0, 0, empty).ldx(Size::DW, R0, R10, -16).and(R0, 1).exit().bind(empty).mov(R0, 0).exit();
}

fn dynptr(a: &mut Assembler) {
    a.load_map(R1, "ring")
        .mov(R2, 24)
        .mov(R3, 0)
        .mov(R4, R10)
        .add(R4, -32)
        .call(Helper::RINGBUF_RESERVE_DYNPTR);
    a.st(Size::DW, R10, -8, 7)
        .mov(R1, R10)
        .add(R1, -32)
        .mov(R2, 0)
        .mov(R3, R10)
        .add(R3, -8)
        .mov(R4, 8)
        .mov(R5, 0);
    a.call(Helper::DYNPTR_WRITE);
    a.mov(R1, R10).add(R1, -32).mov(R2, 0).call(Helper::RINGBUF_SUBMIT_DYNPTR).mov(R0, 0).exit();
}

/// A header of variable length, as IPv4 has.
fn header(a: &mut Assembler) {
    let out = a.label();
    a.ldx(Size::W, R6, R1, 0).ldx(Size::W, R7, R1, 4).mov(R2, R6).add(R2, 20).jgt(R2, R7, out);
    a.ldx(Size::B, R3, R6, 0).and(R3, 15).lsh(R3, 2).mov(R4, R6).add(R4, R3).mov(R5, R4).add(R5, 8);
    a.jgt(R5, R7, out).ldx(Size::H, R0, R4, 2).st(Size::H, R4, 6, 0).mov(R0, 2).exit();
    a.bind(out).mov(R0, 1).exit();
}

fn metadata(a: &mut Assembler) {
    let out = a.label();
    a.ldx(Size::W, R2, R1, 8).ldx(Size::W, R3, R1, 0).mov(R4, R2).add(R4, 4).jgt(R4, R3, out);
    a.ldx(Size::W, R0, R2, 0).bind(out).mov(R0, 2).exit();
}

/// Stores through a pointer to the caller's stack.
fn store(a: &mut Assembler) {
    a.stx(Size::DW, R1, 0, R2).ldx(Size::DW, R0, R1, 8).exit();
}

/// All of the stack, and a call of a function that uses none of its own.
fn all_of_the_stack(a: &mut Assembler) {
    a.st(Size::DW, R10, -512, 1).st(Size::DW, R10, -8, 1);
    a.mov(R1, R10).add(R1, -16).mov(R2, 5).call_function("store").mov(R0, 1).exit();
}

fn stack_of_the_caller(a: &mut Assembler) {
    a.st(Size::DW, R10, -8, 1).mov(R1, R10).add(R1, -16).mov(R2, 5).call_function("store");
    a.ldx(Size::DW, R1, R10, -16).mov(R0, R1).and(R0, 1).exit();
}

/// Programs without a mistake: kind, program, functions.
pub(crate) fn good() -> Vec<(ProgramKind, Code, Vec<Function>)> {
    let timers = || vec![("tick", code(tick))];
    let calls = || vec![("double", code(double))];
    let skb = ProgramKind::CGROUP_SKB_EGRESS;
    vec![
        (ProgramKind::SOCKET_FILTER, code(arm), timers()),
        (skb, code(arm), timers()),
        (skb, code(arm), vec![("tick", code(cancels_itself))]),
        (ProgramKind::SOCKET_FILTER, code(count_packets), calls()),
        (ProgramKind::SCHED_CLS, code(count_packets), calls()),
        (ProgramKind::SOCKET_FILTER, code(record), Vec::new()),
        (ProgramKind::SCHED_CLS, code(record), Vec::new()),
        (skb, code(locked), Vec::new()),
        (ProgramKind::SCHED_CLS, code(update), Vec::new()),
        (ProgramKind::SOCKET_FILTER, code(update), Vec::new()),
        (ProgramKind::SOCKET_FILTER, code(sum), Vec::new()),
        (ProgramKind::XDP, code(sum), Vec::new()),
        (ProgramKind::XDP, code(packet), Vec::new()),
        (ProgramKind::XDP, code(header), Vec::new()),
        (ProgramKind::XDP, code(metadata), Vec::new()),
        (ProgramKind::SCHED_CLS, code(dynptr), Vec::new()),
        (ProgramKind::SOCKET_FILTER, code(visit_all), vec![("visit", code(visit))]),
        (ProgramKind::XDP, code(rounds), vec![("round", code(round))]),
        (ProgramKind::SCHED_CLS, code(tail), Vec::new()),
        (ProgramKind::SCHED_CLS, code(socket), Vec::new()),
        (ProgramKind::SOCKET_FILTER, code(queue), Vec::new()),
        (ProgramKind::SOCKET_FILTER, code(all_of_the_stack), vec![("store", code(store))]),
        (ProgramKind::SOCKET_FILTER, code(stack_of_the_caller), vec![("store", code(store))]),
    ]
}
