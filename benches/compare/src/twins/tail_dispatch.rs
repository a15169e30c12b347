use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, Ethernet, ICMP, Ipv4, Ipv4Frame, TCP, UDP};

pub fn record(object: &mut ObjectBuilder) {
    let parsers = object.map(MapSpec::prog_array("parsers").max_entries(8));
    let unhandled = object.map(MapSpec::percpu_array::<u64>("unhandled").max_entries(8));
    object.program("tail_dispatch", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let slot = f.var(0u32);
        let ipv4 = || {
            packet.view::<Ipv4Frame>(0).if_some(|frame| {
                f.switch(frame.field(Ipv4Frame::IP).field(Ipv4::PROTOCOL).get())
                    .case(TCP, || slot.set(1))
                    .case(UDP, || slot.set(2))
                    .case(ICMP, || slot.set(3))
                    .default(|| slot.set(4));
            });
        };
        packet.view::<Ethernet>(0).if_some(|ethernet| {
            f.switch(ethernet.field(Ethernet::PROTOCOL).get())
                .case(ETH_P_IP, ipv4)
                .case(ETH_P_IPV6, || slot.set(5))
                .case(ETH_P_ARP, || slot.set(6))
                .default(|| ());
        });
        f.tail_call(&ctx, &parsers, slot);
        let count = f.map_lookup(&unhandled, &f.local(slot)).or_return(XdpAction::PASS);
        count.set(count.get() + 1);
        f.return_(XdpAction::PASS)
    });
}
