use bpfsmith::btf::Be;
use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, UDP, Udp, UdpFrame};

const LABELS_MAX: u32 = 16;
const DNS_HEADER: usize = 12;
const DNS: u16 = 53;

pub fn record(object: &mut ObjectBuilder) {
    let types = object.map(MapSpec::percpu_array::<u64>("types").max_entries(4));
    object.program("dns_name", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let name = packet.at(size_of::<UdpFrame>() + DNS_HEADER);
        f.if_(name.remaining().lt(0), || f.return_(XdpAction::PASS));
        let frame = packet.view::<UdpFrame>(0).or_return(XdpAction::PASS);
        let (ip, udp) = (frame.field(UdpFrame::IP), frame.field(UdpFrame::UDP));
        let protocol = frame.field(UdpFrame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(XdpAction::PASS));
        let words = ip.field(Ipv4::VERSION_IHL).get() & 0x0f;
        f.if_(words.ne(5) | ip.field(Ipv4::PROTOCOL).get().ne(UDP), || f.return_(XdpAction::PASS));
        let other = udp.field(Udp::SOURCE).get().ne(DNS) & udp.field(Udp::DESTINATION).get().ne(DNS);
        f.if_(other, || f.return_(XdpAction::PASS));

        let (at, sort) = (f.var(0u32), f.var(3u32));
        f.for_(0..LABELS_MAX + 1, |_| {
            let label = name.at(at.get() & 0x7ff);
            let length = label.view::<u8>(0).or_else(|| f.break_()).get();
            let pointer = (length & 0xc0).eq(0xc0);
            f.if_(length.eq(0) | pointer, || {
                let size = f.if_else(length.eq(0), || f.val(1u8), || f.val(2u8));
                label.at(size).view::<Be<u16>>(0).if_some(|kind| {
                    f.switch(kind.get())
                        .case(1, || sort.set(0))
                        .case(28, || sort.set(1))
                        .default(|| sort.set(2));
                });
                f.break_()
            });
            f.if_(length.gt(63), || f.break_());
            at.set(at.get() + length.to::<u32>() + 1);
        });
        let count = f.map_lookup(&types, &f.local(sort)).or_return(XdpAction::PASS);
        count.set(count.get() + 1);
        f.return_(XdpAction::PASS)
    });
}
