use bpfsmith::BtfType;
use bpfsmith::dsl::{SchedCls, TcAction};
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet};

/// The headers of a flow, with addresses and ports as the machine reads them.
#[derive(BtfType, Clone, Copy)]
#[repr(C, packed)]
struct Flow {
    ethernet: Ethernet,
    version_ihl: u8,
    unread: [u8; 8],
    protocol: u8,
    checksum: u16,
    saddr: u32,
    daddr: u32,
    source: u16,
    dest: u16,
    further: u32,
}

pub fn record(object: &mut ObjectBuilder) {
    object.program("mixed_width", SchedCls::CLASSIFIER, |f, ctx| {
        let flow = ctx.packet(f).view::<Flow>(0).or_return(TcAction::OK);
        let sort = flow.field(Flow::ETHERNET).field(Ethernet::PROTOCOL).get();
        let words = flow.field(Flow::VERSION_IHL).get() & 0x0f;
        f.if_(sort.ne(ETH_P_IP) | words.ne(5), || f.return_(TcAction::OK));
        let (saddr, daddr) = (flow.field(Flow::SADDR).get(), flow.field(Flow::DADDR).get());
        let h = ((saddr.to::<u64>() << 32) | daddr.to::<u64>()) ^ 0x9e37_79b9_7f4a_7c15;
        let h = h * 0xff51_afd7_ed55_8ccd;
        let h = h ^ (h >> 33);
        let (source, dest) = (flow.field(Flow::SOURCE).get(), flow.field(Flow::DEST).get());
        let ports = (source.to::<u32>() << 16) | dest.to::<u32>();
        let protocol = flow.field(Flow::PROTOCOL).get().to::<u32>();
        let h = h + ports.to::<u64>() * (protocol + 1).to::<u64>();
        let low = h.to::<u32>() ^ (h >> 32).to::<u32>();
        let low = (low << 7) | (low >> 25);
        let low = low * 0x85eb_ca6b;
        let half = (low >> 16).to::<u16>() + low.to::<u16>();
        let byte = (half >> 8).to::<u8>() - half.to::<u8>();
        let balance = byte.to::<i32>() - 128;
        let weight = balance.to::<i64>() * ctx.len().to::<i64>() + low.to::<i32>().to::<i64>();
        ctx.set_mark(half.to::<u32>());
        ctx.set_priority(byte.to::<u32>());
        f.if_(weight.lt(0), || f.return_(TcAction::OK));
        f.return_(TcAction::SHOT)
    });
}
