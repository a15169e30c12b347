//! The three programs of the kernel's page on timers that share one map: `bpf_prog1` makes the timer of an element ready,
//! `bpf_prog2` gives it a callback, `bpf_prog3` starts it. Each works on what the others did, in whatever order they come:
//! what is too early is refused with -EINVAL.
//!
//! A program is told the key of the element in its context and returns what the helper returned.

mod support;

use std::error::Error;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::Input;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{Clock, Errno, Func, Map, Place, Syscall, TimerFlags, Value};
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
    for name in ["bpf_prog2", "bpf_prog3", "bpf_prog1", "bpf_prog3", "bpf_prog2", "bpf_prog3"] {
        let returned = support::until_memory(|code| i64::from(*code), || run(&mut running, name, 0))?;
        println!("{name} = {returned}");
    }
    println!("without an element: bpf_prog1 = {}", run(&mut running, "bpf_prog1", 1)?);

    if let Running::Kernel(kernel) = &mut running {
        let loaded = kernel.loaded();
        // The timer holds the program whose callback it calls; the map's timers live as long as somebody holds the map.
        for name in ["bpf_prog1", "bpf_prog2", "bpf_prog3"] {
            drop(loaded.take_program(name));
        }
        for map in loaded.stopped_by_drop()? {
            println!("dropping `{}`: {}", map.name(), map.on_drop()?);
        }
    }
    wait_for_counter(&mut running, 10)?;
    let closed = matches!(running, Running::Kernel(_));
    println!("the callback runs{}", if closed { ", with every program closed" } else { "" });
    Ok(())
}

fn run(running: &mut Running, program: &str, key: i32) -> Result<i32, Box<dyn Error>> {
    Ok(running.run(program, &Input::context(&key.to_ne_bytes()))?.retval.cast_signed())
}

fn wait_for_counter(running: &mut Running, enough: i32) -> Result<(), Box<dyn Error>> {
    let counted = running.wait_until(Duration::from_secs(20), |running| {
        Ok(running.get::<i32, MapElem>("hmap", &0)?.is_some_and(|elem| elem.counter >= enough))
    })?;
    if counted { Ok(()) } else { Err("the timer does not fire".into()) }
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("shared_map").license("GPL");
    let hmap = object.map(MapSpec::hash::<i32, MapElem>("hmap").max_entries(1000));

    let timer_cb = object.timer_callback(&hmap, "timer_cb", |f, _map, _key, value| {
        let counter = value.field(MapElem::COUNTER);
        counter.set(counter.get() + 1);
        f.timer_start(value.field(MapElem::TIMER), PERIOD, TimerFlags::empty());
    });

    with_timer(&mut object, &hmap, "bpf_prog1", |f, timer| f.timer_init(timer, Clock::Monotonic));
    with_timer(&mut object, &hmap, "bpf_prog2", |f, timer| f.timer_set_callback(timer, timer_cb));
    with_timer(&mut object, &hmap, "bpf_prog3", |f, timer| f.timer_start(timer, PERIOD, TimerFlags::empty()));
    object.finish()
}

/// A program that looks up the element of the key in its context and returns what `call` gives for the timer in it; -ENOENT
/// where there is none.
fn with_timer(
    object: &mut ObjectBuilder,
    hmap: &Map<i32, MapElem>,
    name: &str,
    call: impl for<'f> FnOnce(Func<'f, i32>, Place<'f, Timer>) -> Value<'f, i64>,
) {
    object.program(name, Syscall::SYSCALL, |f, ctx| {
        let key = f.local(ctx.args::<i32>().get());
        let value = f.map_lookup(hmap, &key).or_return(-Errno::ENOENT);
        f.return_(call(f, value.field(MapElem::TIMER)).to::<i32>())
    });
}
