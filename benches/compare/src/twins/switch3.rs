use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{
    ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, Ethernet, ICMP, Ipv4, Ipv6, Ipv6Frame, TCP, UDP, Udp, UdpFrame,
};

pub fn record(object: &mut ObjectBuilder) {
    let classes = object.map(MapSpec::percpu_array::<u64>("classes").max_entries(16));
    object.program("switch3", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let class = f.var(0u32);
        let ipv6 = || {
            packet.view::<Ipv6Frame>(0).if_some(|frame| {
                f.switch(frame.field(Ipv6Frame::IP).field(Ipv6::NEXT_HEADER).get())
                    .case(TCP, || class.set(2))
                    .case(UDP, || class.set(3))
                    .default(|| class.set(4));
            });
        };
        let tcp = |port| {
            f.switch(port)
                .case(22, || class.set(6))
                .case(80, || class.set(7))
                .case(8080, || class.set(7))
                .case(443, || class.set(8))
                .default(|| class.set(9));
        };
        let udp = |port| {
            f.switch(port)
                .case(53, || class.set(10))
                .case(67, || class.set(11))
                .case(68, || class.set(11))
                .case(123, || class.set(12))
                .case(443, || class.set(13))
                .default(|| class.set(14));
        };
        let ipv4 = || {
            packet.view::<UdpFrame>(0).if_some(|frame| {
                let port = || frame.field(UdpFrame::UDP).field(Udp::DESTINATION).get();
                f.switch(frame.field(UdpFrame::IP).field(Ipv4::PROTOCOL).get())
                    .case(ICMP, || class.set(5))
                    .case(TCP, || tcp(port()))
                    .case(UDP, || udp(port()))
                    .default(|| class.set(15));
            });
        };
        packet.view::<Ethernet>(0).if_some(|ethernet| {
            f.switch(ethernet.field(Ethernet::PROTOCOL).get())
                .case(ETH_P_ARP, || class.set(1))
                .case(ETH_P_IPV6, ipv6)
                .case(ETH_P_IP, ipv4)
                .default(|| ());
        });
        let count = f.map_lookup(&classes, &f.local(class)).or_return(XdpAction::PASS);
        count.set(count.get() + 1);
        f.return_(XdpAction::PASS)
    });
}
