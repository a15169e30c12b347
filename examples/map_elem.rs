//! The first program of the kernel's page on timers: a hash map whose values hold a counter and a timer; the callback counts
//! and arms the timer again, every 10 ms.

mod support;

use std::error::Error;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::Input;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{Clock, Syscall, TimerFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use support::Running;

/// Four bytes of padding, then the timer at 8: offsets come from the compiler.
#[derive(BtfType, Default)]
#[btf(name = "map_elem")]
#[repr(C)]
struct MapElem {
    counter: i32,
    timer: Timer,
}

const PERIOD: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut running = Running::start(&object()?)?;
    running.set("hmap", &0i32, &MapElem::default())?;
    let init = support::until_memory(
        |code| i64::from(*code),
        || Ok(running.run("bpf_prog1", &Input::empty())?.retval.cast_signed()),
    )?;
    if init != 0 {
        return Err(format!("bpf_timer_init = {init}").into());
    }
    for _ in 0..10 {
        running.wait(Duration::from_millis(100))?;
        let elem: MapElem = running.get("hmap", &0i32)?.ok_or("the element is gone")?;
        println!("counter = {}", elem.counter);
    }
    Ok(())
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("map_elem").license("GPL");
    let hmap = object.map(MapSpec::hash::<i32, MapElem>("hmap").max_entries(1000));

    let timer_cb1 = object.timer_callback(&hmap, "timer_cb1", |f, _map, _key, value| {
        let counter = value.field(MapElem::COUNTER);
        counter.set(counter.get() + 1);
        f.timer_start(value.field(MapElem::TIMER), PERIOD, TimerFlags::empty());
    });

    // Starts the timer of key 0. What bpf_timer_init says is handed back: it may find no memory for a moment.
    object.program("bpf_prog1", Syscall::SYSCALL, |f, _ctx| {
        let value = f.map_lookup(&hmap, &f.local(0)).or_return(0);
        let timer = value.field(MapElem::TIMER);
        let err = f.timer_init(timer, Clock::Monotonic);
        f.if_(err.ne(0), || f.return_(err.to::<i32>()));
        f.timer_set_callback(timer, timer_cb1);
        f.timer_start(timer, PERIOD, TimerFlags::empty());
        f.return_(0)
    });
    object.finish()
}
