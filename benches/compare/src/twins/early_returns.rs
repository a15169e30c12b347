use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, TCP, UDP};

pub fn record(object: &mut ObjectBuilder) {
    object.program("early_returns", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let drop = || f.return_(XdpAction::DROP);
        let ethernet = packet.view::<Ethernet>(0).or_return(XdpAction::PASS);
        let sort = ethernet.field(Ethernet::PROTOCOL).get();
        f.if_(sort.ne(ETH_P_IP), || f.return_(XdpAction::PASS));
        let network = packet.at(size_of::<Ethernet>());
        let ip = network.view::<Ipv4>(0).or_return(XdpAction::DROP);
        let version_ihl = ip.field(Ipv4::VERSION_IHL).get();
        let words = version_ihl & 0x0f;
        f.if_((version_ihl >> 4).ne(4) | words.lt(5), drop);
        let header = words.to::<u32>() * 4;
        let total = ip.field(Ipv4::TOTAL_LENGTH).get().to::<u32>();
        f.if_(total.lt(header) | total.to::<i64>().gt(network.remaining()), drop);
        f.if_(ip.field(Ipv4::TTL).get().eq(0), drop);
        let fragment = ip.field(Ipv4::FRAGMENT).get();
        f.if_(fragment.any_bits(0x8000), drop);
        f.if_(fragment.any_bits(0x1fff) & fragment.any_bits(0x4000), drop);

        let (source, destination) = (ip.field(Ipv4::SOURCE).get(), ip.field(Ipv4::DESTINATION).get());
        let net = source >> 24;
        f.if_(net.eq(0) | net.eq(127) | net.ge(224), drop);
        f.if_(source.eq(destination), drop);
        let net = destination >> 24;
        f.if_(net.eq(0) | net.eq(127), drop);

        let payload = total - header;
        let protocol = ip.field(Ipv4::PROTOCOL).get();
        f.if_(protocol.eq(0), drop);
        f.if_(protocol.eq(TCP) & payload.lt(20), drop);
        f.if_(protocol.eq(UDP) & payload.lt(8), drop);
        f.return_(XdpAction::PASS)
    });
}
