//! Packets and contexts in programs written as closures.

use bpfsmith::BtfType;
use bpfsmith::base::Helper;
use bpfsmith::btf::Be;
use bpfsmith::dsl::dynamic::{Layout, ScalarType};
use bpfsmith::dsl::{CgroupSkb, Context, Func, SchedCls, TcAction, Verdict, Xdp, XdpAction};
use bpfsmith::kernel::{TestOutcome, TestRun};
use bpfsmith::kind::{ContextPointer, ProgramKind};

use crate::common::{builder, load};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 7] = [
        ("headers of fixed and variable length", headers),
        ("names are skipped in a loop", names),
        ("packets are written", writes),
        ("what is left of a packet", rest),
        ("a packet that has moved is asked for again", moved),
        ("bytes are copied out of and into packets", copies),
        ("types of packets known at run time only", dynamic),
    ];
    for (name, test) in tests {
        let condition = all(&[has_cap_bpf, has_cap_perfmon, has_cap_net_admin]);
        suite.test_if(condition, &format!("dsl packet: {name}"), test);
    }
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Ethernet {
    destination: [u8; 6],
    source: [u8; 6],
    protocol: Be<u16>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Ipv4 {
    version: u8,
    service: u8,
    length: Be<u16>,
    id: Be<u16>,
    fragment: Be<u16>,
    ttl: u8,
    protocol: u8,
    checksum: Be<u16>,
    source: Be<u32>,
    destination: Be<u32>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Udp {
    source: Be<u16>,
    destination: Be<u16>,
    length: Be<u16>,
    checksum: Be<u16>,
}

/// A packet of UDP to a port, behind an IPv4 header of so many words.
fn udp(words: u8, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xff; 12];
    packet.extend([8, 0, 0x40 | words, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.resize(14 + usize::from(words) * 4, 0);
    packet.extend([1, 2]);
    packet.extend(port.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(payload);
    packet
}

type Body = for<'f> fn(Func<'f, XdpAction>, Context<'f, Xdp>) -> bpfsmith::dsl::Exit;

fn xdp(body: Body, packet: &[u8]) -> TestOutcome {
    let mut object = builder();
    object.program("prog", Xdp::XDP, body);
    let loaded = load(&object.finish().unwrap());
    loaded.program("prog").unwrap().test_run(&TestRun::new().data(packet)).unwrap()
}

fn verdict(body: Body, packet: &[u8]) -> i32 {
    xdp(body, packet).retval.cast_signed()
}

fn headers() {
    let body: Body = |f, ctx| {
        let packet = ctx.packet(f);
        let ethernet = packet.view::<Ethernet>(0).or_return(XdpAction::PASS);
        f.if_(ethernet.field(Ethernet::PROTOCOL).get().ne(0x0800), || f.return_(XdpAction::PASS));
        let ip = packet.at(size_of::<Ethernet>());
        let header = ip.view::<Ipv4>(0).or_return(XdpAction::PASS);
        let words = header.field(Ipv4::VERSION).get() & 0x0f;
        f.if_(words.lt(5) | header.field(Ipv4::PROTOCOL).get().ne(17), || f.return_(XdpAction::PASS));
        let udp = ip.at(words * 4).view::<Udp>(0).or_return(XdpAction::PASS);
        f.if_(udp.field(Udp::DESTINATION).get().eq(53), || f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    };
    let (drop, pass) = (XdpAction::DROP.number(), XdpAction::PASS.number());
    assert_eq!(verdict(body, &udp(5, 53, &[])), drop);
    assert_eq!(verdict(body, &udp(15, 53, &[])), drop);
    assert_eq!(verdict(body, &udp(15, 54, &[])), pass);
    let mut short = udp(15, 53, &[]);
    short.pop();
    assert_eq!(verdict(body, &short), pass);
    assert_eq!(verdict(body, &[0; 14]), pass);
}

fn names() {
    let body: Body = |f, ctx| {
        let start = ctx.packet(f).at(14);
        let offset = f.var(0u32);
        f.for_(0..32u32, |_| {
            let at = offset.get() & 0x1ff;
            let len = start.at(at).view::<u8>(0).or_return(XdpAction::ABORTED).get();
            f.if_(len.eq(0), || f.break_());
            f.if_((len & 0xc0).ne(0), || f.return_(XdpAction::ABORTED));
            offset.set(at + len.to::<u32>() + 1);
        });
        let kind = start.at((offset.get() & 0x1ff) + 1).view::<Be<u16>>(0).or_return(XdpAction::ABORTED);
        f.if_(kind.get().eq(28), || f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    };
    let mut packet = vec![0; 14];
    packet.extend(b"\x03www\x07example\x03org\x00\x00\x1c\x00\x01");
    assert_eq!(verdict(body, &packet), XdpAction::DROP.number());
    packet[32] = 1;
    assert_eq!(verdict(body, &packet), XdpAction::PASS.number());
    packet.truncate(32);
    assert_eq!(verdict(body, &packet), XdpAction::ABORTED.number());
}

fn writes() {
    let body: Body = |f, ctx| {
        let ethernet = ctx.packet(f).view::<Ethernet>(0).or_return(XdpAction::PASS);
        ethernet.field(Ethernet::PROTOCOL).set(0x86dd);
        let (to, from) = (ethernet.field(Ethernet::DESTINATION), ethernet.field(Ethernet::SOURCE));
        for index in 0..6 {
            let byte = to.at(index).get();
            to.at(index).set(from.at(index).get());
            from.at(index).set(byte);
        }
        f.return_(XdpAction::TX)
    };
    let outcome = xdp(body, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 1]);
    assert_eq!(outcome.retval.cast_signed(), XdpAction::TX.number());
    assert_eq!(outcome.data, [7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 0x86, 0xdd, 1]);
}

fn rest() {
    let body: Body = |f, ctx| {
        let rest = ctx.packet(f).at(14).remaining();
        f.if_(rest.eq(3), || f.return_(XdpAction::TX));
        let empty = ctx.packet_meta(f).view::<u8>(0);
        empty.if_some(|_| f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    };
    assert_eq!(verdict(body, &[0; 17]), XdpAction::TX.number());
    assert_eq!(verdict(body, &[0; 18]), XdpAction::PASS.number());
}

fn moved() {
    let body: Body = |f, ctx| {
        let first = ctx.packet(f).view::<u8>(0).or_return(XdpAction::ABORTED).get();
        let args = [ctx.dynamic().place().into(), f.val(-4i32).dynamic().into()];
        let moved = f.dynamic().call(Helper::XDP_ADJUST_HEAD, &args).value().typed::<i64>();
        f.if_(moved.ne(0), || f.return_(XdpAction::ABORTED));
        let again = ctx.packet(f).bytes::<5>(0).or_return(XdpAction::ABORTED);
        f.if_(again.at(4).get().eq(first), || f.return_(XdpAction::TX));
        f.return_(XdpAction::DROP)
    };
    assert_eq!(verdict(body, &[7; 20]), XdpAction::TX.number());
}

fn copies() {
    let mut object = builder();
    object.program("prog", SchedCls::CLASSIFIER, |f, ctx| {
        let ethernet = f.zeroed::<Ethernet>();
        f.if_(ctx.load_bytes(0, &ethernet).ne(0), || f.return_(TcAction::SHOT));
        let protocol = ethernet.field(Ethernet::PROTOCOL);
        protocol.set(protocol.get() + 1);
        f.if_(ctx.store_bytes(0, &ethernet).ne(0), || f.return_(TcAction::SHOT));
        f.return_(TcAction::OK)
    });
    let loaded = load(&object.finish().unwrap());
    let outcome = loaded.program("prog").unwrap().test_run(&TestRun::new().data([8; 40])).unwrap();
    assert_eq!(outcome.retval.cast_signed(), TcAction::OK.number());
    assert_eq!(outcome.data[12..14], [8, 9]);
}

/// Whose programs cannot write the packet.
const READ_ONLY: [ProgramKind; 11] = [
    ProgramKind::CGROUP_SKB,
    ProgramKind::CGROUP_SKB_INGRESS,
    ProgramKind::CGROUP_SKB_EGRESS,
    ProgramKind::FLOW_DISSECTOR,
    ProgramKind::LWT_IN,
    ProgramKind::LWT_OUT,
    ProgramKind::LWT_SEG6LOCAL,
    ProgramKind::SK_REUSEPORT,
    ProgramKind::SK_REUSEPORT_MIGRATE,
    ProgramKind::SOCK_OPS,
    ProgramKind::SOCKET_FILTER,
];

/// Every kind whose context leads to a packet reads one.
fn dynamic() {
    let layout = Layout::Network(ScalarType::U16);
    let packets = |kind: &&ProgramKind| {
        kind.context().fields().any(|field| field.pointer == Some(ContextPointer::PacketEnd))
    };
    let mut object = builder();
    object.program("skb", CgroupSkb::EGRESS, |f, ctx| {
        let number = ctx.packet(f).view::<Be<u16>>(2).or_return(Verdict::DENY);
        f.if_(number.get().eq(0x0102), || f.return_(Verdict::ALLOW));
        f.return_(Verdict::DENY)
    });
    let mut count = 0;
    for kind in ProgramKind::ALL.iter().filter(packets) {
        let number = kind.return_range().map_or(0, |range| *range.start());
        let name: String =
            kind.to_string().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        object.program(&name, *kind, |f, ctx| {
            let packet = ctx.packet(f.dynamic())?;
            packet.at(f.dynamic().number(ScalarType::U8, 3)).view(1, layout).if_some(|place| {
                f.var(place.get().typed::<u16>());
                if !READ_ONLY.contains(kind) {
                    place.set(1);
                }
            });
            Ok(f.return_(f.dynamic().number(ScalarType::I32, number.into())))
        });
        count += 1;
    }
    assert!(count > 10);
    drop(load(&object.finish().unwrap()));
}
