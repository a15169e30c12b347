use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

pub fn record(object: &mut ObjectBuilder) {
    object.program("checksum_fold", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let frame = packet.view::<Ipv4Frame>(0).or_return(XdpAction::PASS);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        let words = frame.field(Ipv4Frame::IP).field(Ipv4::VERSION_IHL).get() & 0x0f;
        f.if_(protocol.ne(ETH_P_IP) | words.ne(5), || f.return_(XdpAction::PASS));
        let words = packet.view::<[u16; 10]>(size_of::<Ethernet>()).or_return(XdpAction::PASS);
        let sum = (0..10).fold(f.val(0u32), |sum, index| sum + words.at(index).get().to::<u32>());
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        f.if_(sum.eq(0xffff), || f.return_(XdpAction::PASS));
        f.return_(XdpAction::DROP)
    });
}
