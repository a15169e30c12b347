use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{Clock, Errno, SchedCls, TcAction, TimerFlags, UpdateFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType)]
#[repr(C)]
struct Session {
    packets: u64,
    timer: Timer,
    expired: u32,
    pad: u32,
}

pub fn record(object: &mut ObjectBuilder) {
    let sessions = object.map(MapSpec::hash::<u32, Session>("sessions").max_entries(1000));
    let expire = object.timer_callback(&sessions, "expire", |_, _, _, session| {
        session.field(Session::EXPIRED).set(1);
        session.field(Session::PACKETS).set(0);
    });
    object.program("timer_arm", SchedCls::CLASSIFIER, |f, ctx| {
        let key = f.local(ctx.mark());
        let session = f.map_lookup(&sessions, &key).or_place(|| {
            f.map_update(&sessions, &key, &f.zeroed::<Session>(), UpdateFlags::NOEXIST);
            let session = f.map_lookup(&sessions, &key).or_return(TcAction::OK);
            let timer = session.field(Session::TIMER);
            let err = f.timer_init(timer, Clock::Monotonic);
            f.if_(err.ne(0) & err.ne(-Errno::EBUSY), || f.return_(TcAction::OK));
            f.timer_set_callback(timer, expire);
            session
        });
        session.field(Session::PACKETS).fetch_add(1);
        session.field(Session::EXPIRED).set(0);
        f.timer_start(session.field(Session::TIMER), Duration::from_secs(10), TimerFlags::empty());
        f.return_(TcAction::OK)
    });
}
