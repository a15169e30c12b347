//! What test runs take, refuse and give back.

use bpfsmith::asm::{Reg, Size};
use bpfsmith::kind::ProgramKind;

use super::{Given, IPV4, IPV6, Notes, Test, VLAN, compare, just, packet};

pub(super) const TESTS: &[Test] = &[
    ("the fields of packets", fields),
    ("the contexts that packets take", contexts),
    ("the sizes of packets", sizes),
    ("what programs write into contexts", writes),
    ("the contexts that XDP takes", xdp_contexts),
    ("flow dissectors", flow_dissectors),
    ("socket look-ups", socket_lookups),
    ("raw tracepoints", raw_tracepoints),
    ("packets without their end", data_end),
    ("legacy loads", legacy),
    ("the socket of a packet", sockets),
];

/// Kinds that run on a packet with a socket buffer.
const SKB: [ProgramKind; 7] = [
    ProgramKind::SCHED_CLS,
    ProgramKind::SCHED_ACT,
    ProgramKind::SOCKET_FILTER,
    ProgramKind::CGROUP_SKB_EGRESS,
    ProgramKind::LWT_IN,
    ProgramKind::LWT_OUT,
    ProgramKind::LWT_XMIT,
];

fn ethernets() -> Vec<Vec<u8>> {
    let mut other = packet(IPV4, 30);
    other[0] = 2;
    let mut multicast = packet(IPV4, 30);
    multicast[0] = 1;
    let mut broadcast = packet(0x0600, 30);
    broadcast[..6].fill(0xff);
    let mut raw = packet(5, 30);
    raw[14..16].fill(0xff);
    vec![
        packet(IPV4, 30),
        packet(IPV6, 50),
        packet(IPV4, 19),
        packet(IPV6, 39),
        packet(VLAN, 9),
        packet(3, 9),
        packet(3, 0),
        other,
        multicast,
        broadcast,
        raw,
    ]
}

fn fields() {
    for kind in SKB {
        let names: Vec<&str> = kind
            .context()
            .fields()
            .filter(|field| field.pointer.is_none() && field.size <= 8)
            .map(|field| field.name)
            // Which queue is napi's, who knows.
            .filter(|name| *name != "napi_id")
            .collect();
        let code = Notes::new().fields(kind, &names).end(1);
        compare(&format!("{kind:?}"), kind, code, &just(&ethernets()));
        let arrays = ["remote_ip6", "local_ip6"].into_iter().filter_map(|name| kind.context().field(name));
        let mut notes = Notes::new();
        for field in arrays {
            for word in 0..4 {
                let offset = i32::try_from(field.offset + 4 * word).unwrap();
                notes.a.ldx(Size::W, Reg::R0, Reg::R6, offset);
                notes.note(Reg::R0);
            }
        }
        compare(&format!("{kind:?}, addresses"), kind, notes.end(1), &just(&ethernets()));
    }
}

/// `struct __sk_buff` with one byte set.
fn skb(at: usize, value: u8, len: usize) -> Vec<u8> {
    let mut context = vec![0; len];
    context[at] = value;
    context
}

fn contexts() {
    let kind = ProgramKind::SCHED_CLS;
    let names = [
        "mark",
        "priority",
        "ingress_ifindex",
        "ifindex",
        "tstamp",
        "wire_len",
        "gso_segs",
        "gso_size",
        "hwtstamp",
    ];
    let code = Notes::new().fields(kind, &names).end(0);
    let mut inputs: Vec<Given> = Vec::new();
    for at in 0..192 {
        // Another interface than the loopback may not be there.
        if !(40..44).contains(&at) {
            inputs.push((packet(IPV4, 40), skb(at, 100, 192)));
        }
    }
    inputs.push((packet(IPV4, 40), skb(40, 1, 192)));
    inputs.push((packet(IPV4, 40), skb(162, 1, 192)));
    inputs.push((packet(IPV4, 40), skb(166, 1, 192)));
    inputs.push((packet(IPV4, 40), skb(8, 1, 12)));
    inputs.push((packet(IPV4, 40), skb(8, 1, 200)));
    inputs.push((packet(IPV4, 40), skb(195, 1, 200)));
    let accepted = compare("contexts", kind, code, &inputs);
    assert!(accepted.contains(&true) && accepted.contains(&false));
}

fn sizes() {
    let code = || Notes::new().end(1);
    let of = |len: usize| (vec![0; len], Vec::new());
    for kind in [ProgramKind::SCHED_CLS, ProgramKind::CGROUP_SKB_EGRESS] {
        compare("skb", kind, code(), &[1, 13, 14, 15, 3712, 3713, 5000].map(of));
    }
    compare("xdp", ProgramKind::XDP, code(), &[1, 13, 14, 15, 3520].map(of));
}

fn writes() {
    for kind in SKB {
        let mut notes = Notes::new();
        let context = kind.context();
        for field in context.fields().filter(|field| !field.writes.is_empty()) {
            let wide = field.size == 8;
            let size = if wide { Size::DW } else { Size::W };
            let offset = i32::try_from(field.offset).unwrap();
            for value in [0x1_2345_u64, 0xffff, 0x1234_5678_9abc_def0, 7] {
                notes.a.load_imm64(Reg::R0, value).stx(size, Reg::R6, offset, Reg::R0);
                notes.a.ldx(size, Reg::R0, Reg::R6, offset);
                notes.note(Reg::R0);
            }
        }
        let inputs = [(packet(IPV4, 40), vec![0; 192]), (packet(IPV4, 40), Vec::new())];
        compare(&format!("{kind:?}"), kind, notes.end(1), &inputs);
    }
}

/// `struct xdp_md`.
pub(super) fn xdp_md(data: u32, data_end: u32, interface: u32, queue: u32) -> Vec<u8> {
    [data, data_end, 0, interface, queue, 0].iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn xdp_contexts() {
    let kind = ProgramKind::XDP;
    let mut notes = Notes::new();
    notes.fields(kind, &["ingress_ifindex", "rx_queue_index"]);
    for (from, to) in [(8, 0), (0, 4)] {
        notes.a.ldx(Size::W, Reg::R2, Reg::R6, from).ldx(Size::W, Reg::R0, Reg::R6, to);
        notes.a.sub(Reg::R0, Reg::R2);
        notes.note(Reg::R0);
    }
    let inputs: Vec<Given> = [
        xdp_md(0, 54, 0, 0),
        xdp_md(4, 54, 0, 0),
        xdp_md(3, 54, 0, 0),
        xdp_md(40, 54, 0, 0),
        xdp_md(44, 54, 0, 0),
        xdp_md(4, 55, 0, 0),
        xdp_md(0, 54, 1, 0),
        xdp_md(0, 54, 1, 1),
        xdp_md(0, 54, 0, 1),
        [xdp_md(0, 54, 0, 0), vec![0; 8]].concat(),
        [xdp_md(0, 54, 0, 0), vec![1; 8]].concat(),
        skb(20, 1, 24),
        skb(8, 1, 24),
    ]
    .into_iter()
    .map(|context| (packet(IPV4, 40), context))
    .collect();
    compare("xdp_md", kind, notes.end(2), &inputs);
}

fn flow_dissectors() {
    let mut notes = Notes::new();
    notes.a.ldx(Size::DW, Reg::R8, Reg::R6, 144);
    for offset in (0..56).step_by(8) {
        notes.a.ldx(Size::DW, Reg::R0, Reg::R8, offset);
        notes.note(Reg::R0);
    }
    notes.a.st(Size::H, Reg::R8, 0, 3).st(Size::H, Reg::R8, 2, 1000).st(Size::B, Reg::R8, 9, 6);
    notes.a.st(Size::W, Reg::R8, 16, 0x1234);
    let mut inputs = just(&[packet(IPV4, 40), packet(IPV6, 60), packet(5, 0)]);
    inputs.push((vec![0; 13], Vec::new()));
    inputs.push((packet(IPV4, 40), skb(48, 3, 56)));
    inputs.push((packet(IPV4, 40), skb(47, 3, 56)));
    inputs.push((packet(IPV4, 40), skb(52, 3, 56)));
    compare("flow dissector", ProgramKind::FLOW_DISSECTOR, notes.end(0), &inputs);
}

fn socket_lookups() {
    let kind = ProgramKind::SK_LOOKUP;
    let mut notes = Notes::new();
    notes.fields(kind, &["family", "protocol", "remote_ip4", "remote_port", "local_ip4", "local_port"]);
    notes.fields(kind, &["ingress_ifindex"]);
    for at in (20..36).step_by(4).chain((44..60).step_by(4)) {
        notes.a.ldx(Size::W, Reg::R0, Reg::R6, at);
        notes.note(Reg::R0);
    }
    let given = |family: u32, port: u32, rest: u8| {
        let mut context = vec![rest; 72];
        context[..8].fill(0);
        context[8..12].copy_from_slice(&family.to_ne_bytes());
        context[60..64].copy_from_slice(&port.to_ne_bytes());
        context[64..].fill(0);
        context
    };
    let contexts = [
        given(2, 80, 7),
        given(10, 80, 7),
        given(2, 65_536, 0),
        given(3, 80, 0),
        given(0x1_0002, 80, 5),
        [given(2, 80, 7), vec![1]].concat(),
        given(2, 80, 7)[..64].to_vec(),
    ];
    let mut inputs: Vec<Given> = contexts.into_iter().map(|context| (Vec::new(), context)).collect();
    for at in [0, 4, 64, 67] {
        let mut context = given(2, 80, 0);
        context[at] = 1;
        inputs.push((Vec::new(), context));
    }
    inputs.push((Vec::new(), Vec::new()));
    for pass in [0, 1] {
        let code = if pass == 0 { Notes::new().end(0) } else { notes.end(1) };
        compare("look-up", kind, code, &inputs);
    }
}

fn raw_tracepoints() {
    let mut notes = Notes::new();
    for at in [0, 8, 24] {
        notes.a.ldx(Size::DW, Reg::R0, Reg::R6, at);
        notes.note(Reg::R0);
    }
    let inputs: Vec<Given> =
        [vec![1; 32], vec![2; 96], vec![3; 104]].into_iter().map(|context| (Vec::new(), context)).collect();
    // The kernel gives no context back.
    let code = notes.end(9);
    let object = super::object(ProgramKind::RAW_TRACEPOINT, code);
    let loaded = crate::common::load(&object);
    for (_, context) in inputs {
        let run = bpfsmith::kernel::TestRun::new().context(context.clone());
        let real = loaded.program("prog").unwrap().test_run(&run).map(|outcome| outcome.retval);
        let simulated = super::simulated(&object, &[], &context).map(|(value, ..)| value);
        assert_eq!(real.map_err(|error| error.errno), simulated);
    }
}

fn data_end() {
    for kind in
        [ProgramKind::SCHED_CLS, ProgramKind::CGROUP_SKB_EGRESS, ProgramKind::LWT_IN, ProgramKind::XDP]
    {
        let mut notes = Notes::new();
        let offset = |name| i32::try_from(kind.context().field(name).unwrap().offset).unwrap();
        let short = notes.a.label();
        notes.a.ldx(Size::W, Reg::R2, Reg::R6, offset("data"));
        notes.a.ldx(Size::W, Reg::R3, Reg::R6, offset("data_end"));
        notes.a.mov(Reg::R4, Reg::R2).add(Reg::R4, 20).jgt(Reg::R4, Reg::R3, short);
        notes.a.ldx(Size::DW, Reg::R0, Reg::R2, 12);
        notes.note(Reg::R0);
        notes.a.bind(short);
        compare(
            &format!("{kind:?}"),
            kind,
            notes.end(1),
            &just(&[packet(IPV4, 30), packet(IPV4, 20), packet(7, 5)]),
        );
    }
}

fn legacy() {
    for kind in [ProgramKind::SCHED_CLS, ProgramKind::SOCKET_FILTER] {
        for offset in [
            0,
            12,
            33,
            34,
            60,
            -0x10_0000,
            -0x10_0000 + 30,
            -0x20_0000,
            -0x20_0000 + 12,
            -0x20_0000 + 45,
            -0x1000,
            -1,
        ] {
            let mut notes = Notes::new();
            notes.a.ld_abs(Size::W, offset);
            notes.note(Reg::R0);
            compare(
                &format!("{kind:?} {offset}"),
                kind,
                notes.end(1),
                &just(&[packet(IPV4, 30), packet(7, 5)]),
            );
        }
    }
}

fn sockets() {
    let kind = ProgramKind::SCHED_CLS;
    let mut notes = Notes::new();
    let none = notes.a.label();
    notes.a.ldx(Size::DW, Reg::R1, Reg::R6, 168).jeq(Reg::R1, 0, none);
    notes.a.call(bpfsmith::base::Helper::SK_FULLSOCK).jeq(Reg::R0, 0, none).mov(Reg::R8, Reg::R0);
    for at in (0..48).step_by(4).chain((52..80).step_by(4)) {
        // The kernel extends the sign of `rx_queue_mapping`, as no other field of four bytes.
        notes.a.ldx(Size::W, Reg::R0, Reg::R8, at).stx(Size::W, Reg::R7, at, Reg::R0);
    }
    notes.a.bind(none);
    compare("socket", kind, notes.end(0), &just(&ethernets()));
}
