use bpfsmith::BtfType;
use bpfsmith::btf::Be;
use bpfsmith::dsl::dynamic::ScalarType;
use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct RouteKey {
    prefixlen: u32,
    address: Be<u32>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Route {
    packets: u64,
    action: u32,
    pad: u32,
}

pub fn record(object: &mut ObjectBuilder) {
    let routes = object.map(MapSpec::lpm_trie::<RouteKey, Route>("routes").max_entries(1024));
    object.program("lpm_lookup", Xdp::XDP, |f, ctx| {
        let frame = ctx.packet(f).view::<Ipv4Frame>(0).or_return(XdpAction::PASS);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(XdpAction::PASS));
        let key = f.zeroed::<RouteKey>();
        key.field(RouteKey::PREFIXLEN).set(32);
        key.field(RouteKey::ADDRESS).copy_from(frame.field(Ipv4Frame::IP).field(Ipv4::DESTINATION));
        let route = f.map_lookup(&routes, &key).or_return(XdpAction::PASS);
        route.field(Route::PACKETS).fetch_add(1);
        let action = route.field(Route::ACTION).get();
        f.if_(action.gt(XdpAction::TX.number().unsigned_abs()), || f.return_(XdpAction::ABORTED));
        f.return_(action.dynamic().convert(ScalarType::I32).typed::<XdpAction>())
    });
}
