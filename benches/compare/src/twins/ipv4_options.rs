use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

const END: u8 = 0;
const NOP: u8 = 1;
const LSRR: u8 = 131;
const SSRR: u8 = 137;
const OPTIONS_MAX: u32 = 40;

pub fn record(object: &mut ObjectBuilder) {
    object.program("ipv4_options", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let frame = packet.view::<Ipv4Frame>(0).or_return(XdpAction::PASS);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        let words = frame.field(Ipv4Frame::IP).field(Ipv4::VERSION_IHL).get() & 0x0f;
        f.if_(protocol.ne(ETH_P_IP) | words.lt(5), || f.return_(XdpAction::PASS));
        let length = words.to::<u32>() * 4 - 20;
        f.if_(length.eq(0), || f.return_(XdpAction::PASS));
        let options = packet.at(size_of::<Ipv4Frame>());
        f.if_(options.remaining().lt(length.to::<i64>()), || f.return_(XdpAction::DROP));

        let at = f.var(0u32);
        f.for_(0..OPTIONS_MAX, |_| {
            f.if_(at.ge(length), || f.break_());
            let option = options.at(at.get() & 0x3f);
            let kind = option.view::<u8>(0).or_return(XdpAction::DROP).get();
            f.if_(kind.eq(END), || f.return_(XdpAction::PASS));
            f.if_(kind.eq(NOP), || {
                at.set(at.get() + 1);
                f.continue_()
            });
            f.if_(kind.eq(LSRR) | kind.eq(SSRR), || f.return_(XdpAction::DROP));
            let size = option.view::<u8>(1).or_return(XdpAction::DROP).get().to::<u32>();
            let next = at.get() + size;
            f.if_(size.lt(2) | next.gt(length), || f.return_(XdpAction::DROP));
            at.set(next);
        });
        f.return_(XdpAction::PASS)
    });
}
