use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IPV6, Ethernet, Ipv6, Ipv6Frame};

pub fn record(object: &mut ObjectBuilder) {
    let blocked = object.map(MapSpec::array::<[u8; 16]>("blocked").max_entries(1));
    object.program("compare16", Xdp::XDP, |f, ctx| {
        let frame = ctx.packet(f).view::<Ipv6Frame>(0).or_return(XdpAction::PASS);
        let protocol = frame.field(Ipv6Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IPV6), || f.return_(XdpAction::PASS));
        let address = f.map_lookup(&blocked, &f.local(0u32)).or_return(XdpAction::PASS);
        let source = frame.field(Ipv6Frame::IP).field(Ipv6::SOURCE);
        f.if_(source.same_as(address), || f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    });
}
