use bpfsmith::BtfType;
use bpfsmith::btf::{Be, SpinLock};
use bpfsmith::dsl::{SchedCls, TcAction, UpdateFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Pair {
    source: Be<u32>,
    destination: Be<u32>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Flow {
    lock: SpinLock,
    largest: u32,
    packets: u64,
    bytes: u64,
}

pub fn record(object: &mut ObjectBuilder) {
    let flows = object.map(MapSpec::hash::<Pair, Flow>("flows").max_entries(1024));
    object.program("spin_counter", SchedCls::CLASSIFIER, |f, ctx| {
        let len = ctx.len();
        let frame = ctx.packet(f).view::<Ipv4Frame>(0).or_return(TcAction::OK);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(TcAction::OK));
        let (ip, key) = (frame.field(Ipv4Frame::IP), f.zeroed::<Pair>());
        key.field(Pair::SOURCE).copy_from(ip.field(Ipv4::SOURCE));
        key.field(Pair::DESTINATION).copy_from(ip.field(Ipv4::DESTINATION));
        let flow = f.map_lookup(&flows, &key).or_place(|| {
            f.map_update(&flows, &key, &f.zeroed::<Flow>(), UpdateFlags::NOEXIST);
            f.map_lookup(&flows, &key).or_return(TcAction::OK)
        });
        let (packets, bytes, largest) =
            (flow.field(Flow::PACKETS), flow.field(Flow::BYTES), flow.field(Flow::LARGEST));
        f.lock(flow.field(Flow::LOCK), || {
            packets.set(packets.get() + 1);
            bytes.set(bytes.get() + len.to::<u64>());
            f.if_(len.gt(largest.get()), || largest.set(len));
        });
        f.return_(TcAction::OK)
    });
}
