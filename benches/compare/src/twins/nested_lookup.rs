use bpfsmith::BtfType;
use bpfsmith::btf::Be;
use bpfsmith::dsl::{SchedCls, TcAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, TCP, UDP, Udp, UdpFrame};

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct PolicyKey {
    group: u32,
    port: Be<u16>,
    protocol: u8,
    pad: u8,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Policy {
    bytes: u64,
    deny: u32,
    pad: u32,
}

pub fn record(object: &mut ObjectBuilder) {
    let clients = object.map(MapSpec::hash::<Be<u32>, u32>("clients").max_entries(1024));
    let policies = object.map(MapSpec::hash::<PolicyKey, Policy>("policies").max_entries(1024));
    let limits = object.map(MapSpec::array::<u64>("limits").max_entries(64));
    object.program("nested_lookup", SchedCls::CLASSIFIER, |f, ctx| {
        let frame = ctx.packet(f).view::<UdpFrame>(0).or_return(TcAction::OK);
        let (ip, udp) = (frame.field(UdpFrame::IP), frame.field(UdpFrame::UDP));
        let sort = frame.field(UdpFrame::ETHERNET).field(Ethernet::PROTOCOL).get();
        let words = ip.field(Ipv4::VERSION_IHL).get() & 0x0f;
        f.if_(sort.ne(ETH_P_IP) | words.ne(5), || f.return_(TcAction::OK));
        let protocol = ip.field(Ipv4::PROTOCOL).get();
        f.if_(protocol.ne(TCP) & protocol.ne(UDP), || f.return_(TcAction::OK));
        let (source, key) = (f.zeroed::<Be<u32>>(), f.zeroed::<PolicyKey>());
        source.copy_from(ip.field(Ipv4::SOURCE));
        key.field(PolicyKey::PORT).copy_from(udp.field(Udp::DESTINATION));
        key.field(PolicyKey::PROTOCOL).set(protocol);

        let group = f.map_lookup(&clients, &source).or_return(TcAction::SHOT);
        key.field(PolicyKey::GROUP).set(group.get());
        let policy = f.map_lookup(&policies, &key).or_return(TcAction::OK);
        f.if_(policy.field(Policy::DENY).get().ne(0), || f.return_(TcAction::SHOT));
        let len = ctx.len().to::<u64>();
        policy.field(Policy::BYTES).fetch_add(len);
        let limit = f.map_lookup(&limits, &key.field(PolicyKey::GROUP)).or_return(TcAction::OK).get();
        f.if_(limit.ne(0) & len.gt(limit), || f.return_(TcAction::SHOT));
        f.return_(TcAction::OK)
    });
}
