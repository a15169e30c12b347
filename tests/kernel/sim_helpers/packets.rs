//! Helpers that change packets.

use bpfsmith::asm::{Reg, Size};
use bpfsmith::base::Helper;
use bpfsmith::kind::ProgramKind;

use super::{FP, IPV4, IPV6, Notes, Test, VLAN, compare, just, packet};

pub(super) const TESTS: &[Test] = &[
    ("bytes of packets are read and written", bytes),
    ("packets grow and shrink at their ends", ends),
    ("room is made behind headers", room),
    ("IPv4 becomes IPv6 and back", protocols),
    ("VLAN tags", vlan),
    ("types, hashes, checksum levels, times", state),
    ("XDP moves the start, the end and the metadata", xdp),
    ("XDP reads and writes bytes", xdp_bytes),
    ("redirects", redirects),
];

const SKB: [ProgramKind; 4] = [
    ProgramKind::SCHED_CLS,
    ProgramKind::CGROUP_SKB_EGRESS,
    ProgramKind::SOCKET_FILTER,
    ProgramKind::LWT_XMIT,
];
const SEEN: [&str; 9] =
    ["len", "protocol", "pkt_type", "vlan_present", "vlan_tci", "vlan_proto", "hash", "gso_size", "ifindex"];

fn packets() -> Vec<super::Given> {
    just(&[packet(IPV4, 40), packet(IPV6, 60), packet(0x1234, 3), packet(0x1234, 0), packet(VLAN, 30)])
}

fn bytes() {
    for kind in SKB {
        let mut notes = Notes::new();
        for (offset, len) in [(0, 8), (2, 3), (14, 6), (38, 4), (1 << 31, 4), (-1, 4), (0x10000, 1)] {
            notes.put(-8, [0xaa; 8]);
            notes.call_with(Helper::SKB_LOAD_BYTES, |a| {
                a.mov(Reg::R1, Reg::R6).load_imm64(Reg::R2, i64::cast_unsigned(offset));
                a.mov(Reg::R3, FP).add(Reg::R3, -8).mov(Reg::R4, len);
            });
            notes.stack(-8);
            let starts: &[i32] = if kind == ProgramKind::LWT_XMIT { &[] } else { &[0, 1, 2] };
            for start in starts.iter().copied() {
                notes.put(-8, [0xaa; 8]);
                notes.call_with(Helper::SKB_LOAD_BYTES_RELATIVE, |a| {
                    a.mov(Reg::R1, Reg::R6).load_imm64(Reg::R2, i64::cast_unsigned(offset));
                    a.mov(Reg::R3, FP).add(Reg::R3, -8).mov(Reg::R4, len).mov(Reg::R5, start);
                });
                notes.stack(-8);
            }
        }
        // Others may only read.
        if matches!(kind, ProgramKind::SCHED_CLS | ProgramKind::LWT_XMIT) {
            for len in [0, 20, 1000] {
                notes.call(Helper::SKB_PULL_DATA, &[len]);
            }
        }
        let code = notes.fields(kind, &SEEN).end(1);
        compare(&format!("{kind:?}"), kind, code, &packets());
    }
    let mut notes = Notes::new();
    notes.put(-8, *b"abcdefgh");
    for (offset, len, flags) in
        [(0, 6, 0), (15, 2, 1), (20, 8, 3), (54, 1, 2), (50, 8, 0), (-1, 8, 0), (3, 3, 4)]
    {
        notes.call_with(Helper::SKB_STORE_BYTES, |a| {
            a.mov(Reg::R1, Reg::R6).mov(Reg::R2, offset);
            a.mov(Reg::R3, FP).add(Reg::R3, -8).mov(Reg::R4, len).mov(Reg::R5, flags);
        });
    }
    compare("store", ProgramKind::SCHED_CLS, notes.end(0), &packets());
}

fn ends() {
    for kind in [ProgramKind::SCHED_CLS, ProgramKind::LWT_XMIT] {
        let mut notes = Notes::new();
        for (len, flags) in
            [(30, 0), (50, 0), (5, 0), (14, 0), (13, 0), (3000, 0), (20_000, 0), (16_064, 0), (40, 1)]
        {
            notes.call(Helper::SKB_CHANGE_TAIL, &[len, flags]).fields(kind, &["len"]);
        }
        for (room, flags) in [(4, 0), (0, 0), (14, 0), (20_000, 0), (-1, 0), (3, 1)] {
            notes.call(Helper::SKB_CHANGE_HEAD, &[room, flags]).fields(kind, &["len"]);
        }
        notes.call(Helper::SKB_CHANGE_TAIL, &[60, 0]);
        let starts: &[i32] = if kind == ProgramKind::SCHED_CLS { &[0, 1] } else { &[] };
        for start in starts.iter().copied() {
            notes.call_with(Helper::SKB_LOAD_BYTES_RELATIVE, |a| {
                a.mov(Reg::R1, Reg::R6).mov(Reg::R2, 0);
                a.mov(Reg::R3, FP).add(Reg::R3, -8).mov(Reg::R4, 8).mov(Reg::R5, start);
            });
            notes.stack(-8);
        }
        compare(&format!("{kind:?}"), kind, notes.fields(kind, &SEEN).end(0), &packets());
    }
}

fn room() {
    const KIND: ProgramKind = ProgramKind::SCHED_CLS;
    let flags: Vec<i64> = (0..9)
        .map(|bit| 1 << bit)
        .chain([0, 1 << 9, 0x0e << 56 | 0x42, 0x0e << 56 | 2, 6, 0x18, 0x102])
        .collect();
    for difference in [8, 20, -8, -20, 0, 0x1000, -0x1000] {
        for mode in [0, 1, 2] {
            for flag in &flags {
                let mut notes = Notes::new();
                notes.call(Helper::SKB_ADJUST_ROOM, &[difference, mode, *flag]).fields(KIND, &SEEN);
                notes.call(Helper::SKB_ADJUST_ROOM, &[4, 1, 2]).call(Helper::SKB_CHANGE_TAIL, &[90, 0]);
                let name = format!("{difference} {mode} {flag:#x}");
                compare(&name, KIND, notes.fields(KIND, &SEEN).end(0), &packets());
            }
        }
    }
}

fn protocols() {
    const KIND: ProgramKind = ProgramKind::SCHED_CLS;
    for to in [IPV4, IPV6, VLAN] {
        for flags in [0, 1] {
            let mut notes = Notes::new();
            let to_network = i64::from(to.to_be());
            notes.call(Helper::SKB_CHANGE_PROTO, &[to_network, flags]).fields(KIND, &SEEN);
            notes.call(Helper::SKB_CHANGE_PROTO, &[i64::from(IPV4.to_be()), 0]).fields(KIND, &SEEN);
            compare(&format!("{to:#x} {flags}"), KIND, notes.end(0), &packets());
        }
    }
}

fn vlan() {
    const KIND: ProgramKind = ProgramKind::SCHED_CLS;
    let mut twice = packet(VLAN, 2);
    twice.extend(packet(0x88a8, 0).split_off(12));
    twice.extend([9, 9, 8, 0, 1, 2, 3]);
    let mut length = packet(VLAN, 2);
    length.extend([0, 9, 0xff, 0xff, 5, 5, 5, 5]);
    let mut inputs = packets();
    inputs.extend(just(&[packet(VLAN, 3), packet(VLAN, 4), twice, length]));
    let orders: [&[(i64, i64)]; 4] = [
        &[(0, 0), (0, 0), (0, 0)],
        &[(0x8100, 5), (0x88a8, 0x1fff), (0, 0), (0, 0), (0, 0)],
        &[(0x1234, 7), (0x88a8, 8), (0x8100, 9)],
        &[(0x88a8, 0x1_0007), (0, 0), (0x8100, 1), (0x8100, 2), (0, 0)],
    ];
    for order in orders {
        let mut notes = Notes::new();
        for (protocol, tci) in order {
            match protocol {
                0 => notes.call(Helper::SKB_VLAN_POP, &[]),
                _ => notes.call(Helper::SKB_VLAN_PUSH, &[i64::from((*protocol as u16).to_be()), *tci]),
            };
            notes.fields(KIND, &SEEN);
        }
        compare(&format!("{order:?}"), KIND, notes.end(0), &inputs);
    }
}

fn state() {
    const KIND: ProgramKind = ProgramKind::SCHED_CLS;
    let mut notes = Notes::new();
    for to in [0, 1, 2, 3, 4, 255] {
        notes.call(Helper::SKB_CHANGE_TYPE, &[to]).fields(KIND, &["pkt_type"]);
    }
    notes.call(Helper::SET_HASH, &[0x1_2345_6789]).call(Helper::GET_HASH_RECALC, &[]);
    notes.fields(KIND, &["hash"]).call(Helper::SET_HASH_INVALID, &[]).fields(KIND, &["hash"]);
    for level in [0, 1, 0, 1, 1, 1, 0, 2, 0, 3, 0, 2, 0, 4] {
        notes.call(Helper::CSUM_LEVEL, &[level]);
    }
    notes.call(Helper::CSUM_UPDATE, &[5]);
    for (time, kind) in [(5, 0), (0, 0), (7, 1), (0, 1), (9, 2), (1, 3)] {
        notes.call(Helper::SKB_SET_TSTAMP, &[time, kind]).fields(KIND, &["tstamp", "tstamp_type"]);
    }
    for helper in [Helper::GET_CGROUP_CLASSID, Helper::GET_ROUTE_REALM, Helper::GET_SOCKET_UID] {
        notes.call(helper, &[]);
    }
    compare("state", KIND, notes.end(0), &packets());
}

fn xdp() {
    let orders: [&[(Helper, i64)]; 7] = [
        &[(Helper::XDP_ADJUST_HEAD, 5), (Helper::XDP_ADJUST_HEAD, -5), (Helper::XDP_ADJUST_HEAD, -216)],
        &[(Helper::XDP_ADJUST_HEAD, -217), (Helper::XDP_ADJUST_HEAD, -216), (Helper::XDP_ADJUST_HEAD, -1)],
        &[(Helper::XDP_ADJUST_META, -8), (Helper::XDP_ADJUST_HEAD, -20), (Helper::XDP_ADJUST_META, 4)],
        &[(Helper::XDP_ADJUST_META, -3), (Helper::XDP_ADJUST_META, -252), (Helper::XDP_ADJUST_META, 4)],
        &[(Helper::XDP_ADJUST_META, -216), (Helper::XDP_ADJUST_HEAD, -1), (Helper::XDP_ADJUST_HEAD, 8)],
        &[(Helper::XDP_ADJUST_TAIL, 10), (Helper::XDP_ADJUST_TAIL, -20), (Helper::XDP_ADJUST_TAIL, 4000)],
        &[(Helper::XDP_ADJUST_TAIL, 3400), (Helper::XDP_ADJUST_TAIL, -3420), (Helper::XDP_ADJUST_TAIL, 20)],
    ];
    for order in orders {
        let mut notes = Notes::new();
        for (helper, offset) in order {
            notes.call(*helper, &[*offset]).call(Helper::XDP_GET_BUFF_LEN, &[]);
        }
        let mut inputs = packets();
        inputs.push((packet(IPV4, 255), super::runs::xdp_md(8, 269, 0, 0)));
        compare(&format!("{order:?}"), ProgramKind::XDP, notes.end(2), &inputs);
    }
}

fn xdp_bytes() {
    let mut notes = Notes::new();
    notes.put(-8, *b"abcdefgh").put(-16, [0; 8]);
    for (offset, len) in [(0, 8), (12, 3), (6, 8), (7, 8), (50, 5), (0x10000, 1), (-1, 1)] {
        for (helper, at) in [(Helper::XDP_STORE_BYTES, -8), (Helper::XDP_LOAD_BYTES, -16)] {
            notes.call_with(helper, |a| {
                a.mov(Reg::R1, Reg::R6).mov(Reg::R2, offset);
                a.mov(Reg::R3, FP).add(Reg::R3, at).mov(Reg::R4, len);
            });
            notes.stack(at);
        }
    }
    compare("bytes", ProgramKind::XDP, notes.end(2), &packets());
}

fn redirects() {
    for kind in [ProgramKind::SCHED_CLS, ProgramKind::XDP, ProgramKind::LWT_XMIT] {
        let mut notes = Notes::new();
        for flags in [0, 1, 2, 1 << 16] {
            notes.call_with(Helper::REDIRECT, |a| {
                a.mov(Reg::R1, 1).mov(Reg::R2, flags);
            });
        }
        if kind == ProgramKind::SCHED_CLS {
            for flags in [0, 1] {
                notes.call_with(Helper::REDIRECT_PEER, |a| {
                    a.mov(Reg::R1, 1).mov(Reg::R2, flags);
                });
                notes.call_with(Helper::REDIRECT_NEIGH, |a| {
                    a.mov(Reg::R1, 1).mov(Reg::R2, 0).mov(Reg::R3, 0).mov(Reg::R4, flags);
                });
            }
            notes.call(Helper::CLONE_REDIRECT, &[1, 2]).call(Helper::CLONE_REDIRECT, &[0, 0]);
        }
        notes.a.st(Size::DW, FP, -8, 0);
        compare(&format!("{kind:?}"), kind, notes.end(0), &packets());
    }
}
