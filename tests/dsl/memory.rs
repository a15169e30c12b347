//! What packets, atomics, global variables and locks become, and what a mistake with each is told as.

use bpfsmith::BtfType;
use bpfsmith::base::Helper;
use bpfsmith::btf::{Be, SpinLock};
use bpfsmith::dsl::dynamic::{Layout, ScalarType};
use bpfsmith::dsl::{CgroupSkb, Context, Func, SchedCls, TcAction, Verdict, Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Ethernet {
    destination: [u8; 6],
    source: [u8; 6],
    protocol: Be<u16>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Locked {
    lock: SpinLock,
    count: u32,
}

fn xdp(body: impl for<'f> FnOnce(Func<'f, XdpAction>, Context<'f, Xdp>)) -> ObjectBuilder {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, ctx| {
        body(f, ctx);
        f.return_(XdpAction::PASS)
    });
    object
}

fn locked(body: impl for<'f> FnOnce(Func<'f, Verdict>, bpfsmith::dsl::Place<'f, Locked>)) -> ObjectBuilder {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::array::<Locked>("map").max_entries(1));
    object.program("prog", CgroupSkb::EGRESS, |f, _| {
        let value = f.map_lookup(&map, &f.local(0u32)).or_return(Verdict::ALLOW);
        body(f, value);
        f.return_(Verdict::ALLOW)
    });
    object
}

fn code(object: ObjectBuilder) -> String {
    super::text(&object.finish().unwrap())
}

fn error(object: ObjectBuilder) -> String {
    let error = object.finish().unwrap_err();
    assert!(error.loc().is_some(), "{error}");
    crate::mistake(&error)
}

#[test]
fn a_view_of_a_packet() {
    insta::assert_snapshot!(code(xdp(|f, ctx| {
        let packet = ctx.packet(f);
        let ethernet = packet.view::<Ethernet>(0).or_return(XdpAction::PASS);
        f.if_(ethernet.field(Ethernet::PROTOCOL).get().ne(0x0800), || f.return_(XdpAction::PASS));
        let ip = packet.at(size_of::<Ethernet>());
        let words = ip.view::<u8>(0).or_return(XdpAction::PASS).get() & 0x0f;
        let port = ip.at(words * 4).view::<Be<u16>>(2).or_return(XdpAction::PASS);
        f.if_(port.get().eq(53), || f.return_(XdpAction::DROP));
    })));
}

#[test]
fn globals_and_atomics() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let seen = object.global("seen", &0u64);
    let last = object.global("last", &0u32);
    let limit = object.constant("limit", &10u64);
    object.program("prog", Xdp::XDP, |f, ctx| {
        f.global(last).set(ctx.ingress_ifindex());
        f.global(last).fetch_or(1);
        let before = f.global(seen).fetch_add(1);
        f.if_(before.gt(f.constant(limit).get()), || f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    });
    insta::assert_snapshot!(code(object));
}

#[test]
fn a_lock_and_a_comparison_of_16_bytes() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::array::<Locked>("map").max_entries(1));
    let addresses = object.global("addresses", &[[1u8; 16]; 2]);
    object.program("prog", CgroupSkb::EGRESS, |f, _| {
        let value = f.map_lookup(&map, &f.local(0u32)).or_return(Verdict::ALLOW);
        let count = value.field(Locked::COUNT);
        f.lock(value.field(Locked::LOCK), || {
            f.if_(count.get().gt(9), || f.return_(Verdict::DENY));
            count.set(count.get() + 1);
        });
        let [a, b] = [0, 1].map(|index| f.global(addresses).at(index));
        f.if_(a.same_as(b), || f.return_(Verdict::DENY));
        f.return_(Verdict::ALLOW)
    });
    insta::assert_snapshot!(code(object));
}

#[test]
fn mistakes() {
    let foreign = ObjectBuilder::new("other").global("foreign", &1u32);
    let all = [
        error(xdp(|f, ctx| {
            let far = ctx.packet(f).view::<Be<u32>>(0).or_return(XdpAction::PASS);
            let _ = ctx.packet(f).at(far.get()).view::<u8>(0);
        })),
        error(xdp(|f, ctx| {
            let byte = ctx.packet(f).view::<u8>(0).or_return(XdpAction::PASS);
            let args = [ctx.dynamic().place().into(), f.val(-4i32).dynamic().into()];
            f.dynamic().call(Helper::XDP_ADJUST_HEAD, &args).value();
            let counted = f.var(0u8);
            counted.set(byte.get());
            byte.set(counted.get() + 1);
        })),
        error({
            let mut object = ObjectBuilder::new("test").license("GPL");
            object.program("prog", CgroupSkb::EGRESS, |f, ctx| {
                let byte = ctx.dynamic().packet(f.dynamic()).unwrap();
                let byte = byte.view(0, Layout::Scalar(ScalarType::U8)).or_return(Verdict::ALLOW);
                byte.set(1);
                f.return_(Verdict::ALLOW)
            });
            object
        }),
        error({
            let mut object = ObjectBuilder::new("test").license("GPL");
            object.program("prog", SchedCls::CLASSIFIER, |f, ctx| {
                ctx.set_cb(5, 1);
                f.return_(TcAction::OK)
            });
            object
        }),
        error(xdp(|_, ctx| {
            ctx.egress_ifindex();
        })),
        error(xdp(|f, _| {
            f.global(foreign);
        })),
        error(xdp(|f, _| {
            let mistake = f.dynamic().global("nowhere").unwrap_err();
            f.global(foreign);
            assert_eq!(
                mistake.to_string().split(" at ").next(),
                Some("the object has no global variable `nowhere`")
            );
        })),
        error(xdp(|f, _| {
            let number = f.local(1u16).dynamic();
            number.fetch_add(1);
        })),
        error(locked(|f, value| {
            f.lock(value.field(Locked::LOCK), || {
                f.dynamic().call(Helper::KTIME_GET_NS, &[]).value();
            });
        })),
        error(locked(|f, value| {
            let lock = value.field(Locked::LOCK);
            f.lock(lock, || f.lock(lock, || value.field(Locked::COUNT).set(1)));
        })),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
