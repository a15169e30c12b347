//! The example that the design gives.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{CgroupSkb, Clock, Errno, TimerFlags, UpdateFlags, Verdict};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};

const EBUSY: Errno = Errno::EBUSY;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub(crate) struct Elem {
    pub(crate) counter: i32,
    pub(crate) timer: Timer,
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("timers").license("GPL");
    let hmap = object.map(MapSpec::hash::<u32, Elem>("hmap").max_entries(1000));

    let tick = object.timer_callback(&hmap, "tick", |f, _map, _key, value| {
        let counter = value.field(Elem::COUNTER);
        counter.set(counter.get() + 1);
        f.timer_start(value.field(Elem::TIMER), Duration::from_millis(10), TimerFlags::empty());
    });

    object.program("arm", CgroupSkb::EGRESS, |f, _ctx| {
        let key = f.local(0u32);
        f.map_update(&hmap, &key, &f.zeroed::<Elem>(), UpdateFlags::ANY);
        let value = f.map_lookup(&hmap, &key).or_return(Verdict::ALLOW);
        let timer = value.field(Elem::TIMER);
        let err = f.timer_init(timer, Clock::Monotonic);
        f.if_(err.ne(0) & err.ne(-EBUSY), || f.return_(Verdict::ALLOW));
        f.timer_set_callback(timer, tick);
        f.timer_start(timer, Duration::ZERO, TimerFlags::empty());
        f.timer_cancel(timer);
        f.return_(Verdict::ALLOW)
    });
    object.finish()
}

#[test]
fn becomes_these_instructions() {
    insta::assert_snapshot!(super::text(&object().unwrap()));
}
