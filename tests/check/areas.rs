//! Mistakes with what has rules of its own: the packet, dynptrs, strings, sockets.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R10};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::check::Rule;
use bpfsmith::check::Severity::Rejected;
use bpfsmith::kind::ProgramKind;

use super::{Body, Cases, end, look_up_checked};

/// r2, r3 = the packet and its end, and `bytes` of it are there.
fn checked_packet(a: &mut Assembler, bytes: i32) {
    let there = a.label();
    a.ldx(Size::W, R2, R1, 0).ldx(Size::W, R3, R1, 4).mov(R4, R2).add(R4, bytes).jle(R4, R3, there);
    a.mov(R0, 1).exit().bind(there);
}

pub(super) fn packets(cases: &mut Cases) {
    let outside = "offset is outside of the packet";
    let mut add = |name, rule, kernel, kind, body: Body| {
        cases.of_kind(name, rule, Rejected, kernel, kind, body, &[]);
    };
    let xdp = ProgramKind::XDP;
    add("one_byte_behind_what_was_compared", Rule::PacketBounds, outside, xdp, |a| {
        checked_packet(a, 14);
        a.ldx(Size::B, R5, R2, 14).mov(R0, 2).exit();
    });
    add("before_the_packet", Rule::PacketBounds, outside, xdp, |a| {
        checked_packet(a, 14);
        a.ldx(Size::B, R5, R2, -1).mov(R0, 2).exit();
    });
    add("moved_after_the_comparison", Rule::PacketBounds, outside, xdp, |a| {
        checked_packet(a, 14);
        a.ldx(Size::B, R5, R2, 0).add(R2, R5).ldx(Size::B, R5, R2, 0).mov(R0, 2).exit();
    });
    add("on_the_other_side_of_the_comparison", Rule::PacketBounds, outside, xdp, |a| {
        let out = a.label();
        a.ldx(Size::W, R2, R1, 0).ldx(Size::W, R3, R1, 4).mov(R4, R2).add(R4, 14).jlt(R4, R3, out);
        a.ldx(Size::B, R5, R2, 0).bind(out).mov(R0, 2).exit();
    });
    add("after_the_packet_was_moved", Rule::NotAPointer, "invalid mem access 'scalar'", xdp, |a| {
        a.mov(R6, R1);
        checked_packet(a, 14);
        a.mov(R7, R2).mov(R1, R6).mov(R2, 4).call(Helper::XDP_ADJUST_HEAD).ldx(Size::B, R0, R7, 0);
        a.mov(R0, 2).exit();
    });
    let skb = ProgramKind::CGROUP_SKB_EGRESS;
    add("packet_written_where_it_is_read_only", Rule::ReadOnly, "cannot write into packet", skb, |a| {
        let out = a.label();
        a.ldx(Size::W, R2, R1, 76).ldx(Size::W, R3, R1, 80).mov(R4, R2).add(R4, 14).jgt(R4, R3, out);
        a.st(Size::B, R2, 0, 1).bind(out).mov(R0, 1).exit();
    });
    let printed = "helper access to the packet is not allowed";
    add("packet_for_a_helper_that_takes_none", Rule::ArgumentKind, printed, xdp, |a| {
        checked_packet(a, 14);
        a.mov(R1, R2).mov(R2, 14).call(Helper::TRACE_PRINTK).mov(R0, 2).exit();
    });
}

/// fp - 16 = a dynptr to 24 bytes of a ring buffer.
fn reserve_dynptr(a: &mut Assembler) {
    a.load_map(R1, "ring")
        .mov(R2, 24)
        .mov(R3, 0)
        .mov(R4, R10)
        .add(R4, -16)
        .call(Helper::RINGBUF_RESERVE_DYNPTR);
}

fn submit_dynptr(a: &mut Assembler) {
    a.mov(R1, R10).add(R1, -16).mov(R2, 0).call(Helper::RINGBUF_SUBMIT_DYNPTR);
}

pub(super) fn dynptrs(cases: &mut Cases) {
    let none = "Expected an initialized dynptr";
    cases.add("dynptr_that_was_never_made", Rule::ArgumentKind, Rejected, none, |a| {
        a.st(Size::DW, R10, -16, 0).st(Size::DW, R10, -8, 0);
        a.mov(R1, R10).add(R1, -16).mov(R2, 0).mov(R3, 8).call(Helper::DYNPTR_DATA);
        end(a);
    });
    cases.add("dynptr_never_submitted", Rule::MissingRelease, Rejected, "Unreleased reference", |a| {
        reserve_dynptr(a);
        end(a);
    });
    cases.add(
        "dynptr_submitted_twice",
        Rule::ArgumentKind,
        Rejected,
        "arg 1 is an unacquired reference",
        |a| {
            reserve_dynptr(a);
            submit_dynptr(a);
            submit_dynptr(a);
            end(a);
        },
    );
    let name = "string_that_programs_may_write";
    cases.add(name, Rule::ArgumentKind, Rejected, "does not point to a readonly map", |a| {
        look_up_checked(a, "array");
        a.st(Size::DW, R10, -8, 0).mov(R1, R10).add(R1, -8).mov(R2, 8).mov(R3, R6).mov(R4, 0).mov(R5, 0);
        a.call(Helper::SNPRINTF);
        end(a);
    });
    cases.add("socket_that_is_a_number", Rule::ArgumentKind, Rejected, "R1 type=scalar expected=", |a| {
        a.mov(R1, 1).call(Helper::SKC_TO_TCP_SOCK);
        end(a);
    });
}
