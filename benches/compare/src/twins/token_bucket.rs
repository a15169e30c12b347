use bpfsmith::BtfType;
use bpfsmith::btf::Be;
use bpfsmith::dsl::{SchedCls, TcAction, UpdateFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::headers::{ETH_P_IP, Ethernet, Ipv4, Ipv4Frame};

const BURST: u64 = 65536;
const SECOND: u64 = 1_000_000_000;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Bucket {
    tokens: u64,
    last: u64,
}

pub fn record(object: &mut ObjectBuilder) {
    let buckets = object.map(MapSpec::lru_hash::<Be<u32>, Bucket>("buckets").max_entries(4096));
    object.program("token_bucket", SchedCls::CLASSIFIER, |f, ctx| {
        let frame = ctx.packet(f).view::<Ipv4Frame>(0).or_return(TcAction::OK);
        let protocol = frame.field(Ipv4Frame::ETHERNET).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(ETH_P_IP), || f.return_(TcAction::OK));
        let source = f.zeroed::<Be<u32>>();
        source.copy_from(frame.field(Ipv4Frame::IP).field(Ipv4::SOURCE));
        let now = f.ktime_get_ns();
        let bucket = f.map_lookup(&buckets, &source).or_else(|| {
            let fresh = f.zeroed::<Bucket>();
            fresh.field(Bucket::TOKENS).set(BURST - ctx.len().to::<u64>());
            fresh.field(Bucket::LAST).set(now);
            f.map_update(&buckets, &source, &fresh, UpdateFlags::empty());
            f.return_(TcAction::OK)
        });
        let (tokens, last) = (bucket.field(Bucket::TOKENS), bucket.field(Bucket::LAST));
        let elapsed = f.var(now - last.get());
        f.if_(elapsed.gt(SECOND), || elapsed.set(SECOND));
        let filled = f.var(tokens.get() + elapsed.get() * 1250 / 1_000_000);
        f.if_(filled.gt(BURST), || filled.set(BURST));
        last.set(now);
        let len = ctx.len().to::<u64>();
        f.if_(filled.lt(len), || {
            tokens.set(filled);
            f.return_(TcAction::SHOT)
        });
        tokens.set(filled.get() - len);
        f.return_(TcAction::OK)
    });
}
