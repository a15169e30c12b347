use bpfsmith::btf::Be;
use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame, SYN, TCP, Tcp, TcpFrame};

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const OPTIONS_MAX: u32 = 40;

pub fn record(object: &mut ObjectBuilder) {
    let smallest = object.map(MapSpec::array::<u32>("smallest").max_entries(1));
    object.program("tcp_options", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let frame = packet.view::<TcpFrame>(0).or_return(XdpAction::PASS);
        let (ip, header) = (frame.field(TcpFrame::IP), frame.field(TcpFrame::TCP));
        let protocol = frame.field(TcpFrame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(XdpAction::PASS));
        let words = ip.field(Ipv4::VERSION_IHL).get() & 0x0f;
        let other = words.ne(5) | ip.field(Ipv4::PROTOCOL).get().ne(TCP);
        let syn = header.field(Tcp::FLAGS).get().any_bits(SYN);
        f.if_(other | !syn, || f.return_(XdpAction::PASS));
        let end = (header.field(Tcp::OFFSET).get() >> 4).to::<u32>() * 4;

        let tcp = packet.at(size_of::<Ipv4Frame>());
        let at = f.var(20u32);
        f.for_(0..OPTIONS_MAX, |_| {
            f.if_(at.ge(end), || f.break_());
            let option = tcp.at(at.get() & 0x3f);
            let kind = option.view::<u8>(0).or_return(XdpAction::PASS).get();
            f.if_(kind.eq(END), || f.return_(XdpAction::PASS));
            f.if_(kind.eq(NOP), || {
                at.set(at.get() + 1);
                f.continue_()
            });
            let size = option.view::<u8>(1).or_return(XdpAction::PASS).get().to::<u32>();
            f.if_(size.lt(2), || f.return_(XdpAction::DROP));
            let next = at.get() + size;
            f.if_(next.gt(end), || f.return_(XdpAction::PASS));
            f.if_(kind.eq(MSS) & size.eq(4), || {
                let mss = option.view::<Be<u16>>(2).or_return(XdpAction::PASS).get().to::<u32>();
                let least = f.map_lookup(&smallest, &f.local(0u32)).or_return(XdpAction::PASS);
                f.if_(mss.lt(least.get()), || f.return_(XdpAction::DROP));
                f.return_(XdpAction::PASS)
            });
            at.set(next);
        });
        f.return_(XdpAction::PASS)
    });
}
