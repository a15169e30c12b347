use bpfsmith::BtfType;
use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Counters {
    packets: u64,
    bytes: u64,
}

pub fn record(object: &mut ObjectBuilder) {
    let protocols = object.map(MapSpec::percpu_array::<Counters>("protocols").max_entries(256));
    object.program("percpu_add", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let frame = packet.view::<Ipv4Frame>(0).or_return(XdpAction::PASS);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(XdpAction::PASS));
        let protocol = frame.field(Ipv4Frame::IP).field(Ipv4::PROTOCOL).get().to::<u32>();
        let counters = f.map_lookup(&protocols, &f.local(protocol)).or_return(XdpAction::PASS);
        let (packets, bytes) = (counters.field(Counters::PACKETS), counters.field(Counters::BYTES));
        packets.set(packets.get() + 1);
        bytes.set(bytes.get() + packet.remaining().to::<u64>());
        f.return_(XdpAction::PASS)
    });
}
