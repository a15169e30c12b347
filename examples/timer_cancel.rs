//! The program of bpf_timer_cancel's documentation: arms a timer and cancels it at once, so its callback never runs;
//! then the same without the cancel.
//!
//! It sits on the way of packets out of a cgroup (cgroup_skb/egress). The documentation's program returns 0, which
//! drops the packet that brought it here; this one returns 1, which lets the packet pass.
//!
//! The packet is one that the kernel sends from a softirq. On the way of a packet that a process sends itself, a timer
//! started with 0 nanoseconds fires before `bpf_timer_start` returns, and there is nothing left to cancel.

mod support;

use std::error::Error;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::{Backend, Input};
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{CgroupSkb, Clock, Errno, TimerFlags, UpdateFlags, Verdict};
use bpfsmith::kernel::Loaded;
use bpfsmith::kind::AttachType;
use bpfsmith::link::CgroupLink;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use support::Running;

/// The value of the map `timers`.
#[derive(BtfType)]
#[btf(name = "elem")]
#[repr(C)]
struct Elem {
    t: Timer,
}

/// What the four helpers returned: the value of the map `results`.
#[derive(BtfType, Debug, Default)]
#[btf(name = "results")]
#[repr(C)]
struct Results {
    init: i64,
    set_callback: i64,
    start: i64,
    cancel: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    for cancel in [true, false] {
        let mut running = Running::start(&object(cancel)?)?;
        match &mut running {
            Running::Kernel(kernel) => in_a_cgroup(kernel.loaded())?,
            Running::Simulator(simulated) => {
                simulated.run("arm", &Input::packet(&[0; 64]))?;
            }
        }
        running.wait(Duration::from_millis(50))?;
        print(&mut running, cancel)?;
    }
    Ok(())
}

/// Attaches the program to a cgroup out of which packets are sent until `bpf_timer_init` has found memory.
fn in_a_cgroup(loaded: &Loaded) -> Result<(), Box<dyn Error>> {
    let cgroup = support::Cgroup::make("bpfsmith-timer-cancel")?;
    let listener = support::listener_in(&cgroup)?;
    let link = CgroupLink::attach(loaded.program("arm")?, cgroup.path(), AttachType::CGROUP_INET_EGRESS)?;
    // Closing a connection would send another packet.
    let mut connections = Vec::new();
    support::until_memory(
        |results: &Results| results.init,
        || {
            connections.push(support::send_packet(&listener)?);
            Ok(loaded.typed_map::<u32, Results>("results")?.get(&0)?.unwrap_or_default())
        },
    )?;
    link.detach()?;
    Ok(())
}

fn print(running: &mut Running, cancel: bool) -> Result<(), Box<dyn Error>> {
    let results: Results = running.get("results", &0u32)?.unwrap_or_default();
    println!("bpf_timer_init = {}", results.init);
    println!("bpf_timer_set_callback = {}", results.set_callback);
    println!("bpf_timer_start = {}", results.start);
    if cancel {
        println!("bpf_timer_cancel = {}", results.cancel);
    }
    let runs: u64 = running.get("runs", &0u32)?.unwrap_or_default();
    println!("callback ran {runs} time{}", if runs == 1 { "" } else { "s" });
    Ok(())
}

pub(crate) fn object(cancel: bool) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("timer_cancel").license("GPL");
    let timers = object.map(MapSpec::array::<Elem>("timers").max_entries(1));
    let runs = object.map(MapSpec::array::<u64>("runs").max_entries(1));
    let results = object.map(MapSpec::array::<Results>("results").max_entries(1));

    let on_timer = object.timer_callback(&timers, "on_timer", |f, _map, _key, _value| {
        f.map_lookup(&runs, &f.local(0u32)).if_some(|runs| {
            runs.fetch_add(1);
        });
        f.printk("the timer fired", ());
    });

    object.program("arm", CgroupSkb::EGRESS, |f, _ctx| {
        let key = f.local(0u32);
        f.map_update(&timers, &key, &f.zeroed::<Elem>(), UpdateFlags::ANY);
        let results = f.map_lookup(&results, &key).or_return(Verdict::ALLOW);
        let timer = f.map_lookup(&timers, &key).or_return(Verdict::ALLOW).field(Elem::T);

        let init = f.timer_init(timer, Clock::Monotonic);
        results.field(Results::INIT).set(init);
        f.if_(init.ne(0) & init.ne(-Errno::EBUSY), || f.return_(Verdict::ALLOW));
        results.field(Results::SET_CALLBACK).set(f.timer_set_callback(timer, on_timer));
        results.field(Results::START).set(f.timer_start(timer, Duration::ZERO, TimerFlags::empty()));
        if cancel {
            results.field(Results::CANCEL).set(f.timer_cancel(timer));
        }
        f.return_(Verdict::ALLOW)
    });
    object.finish()
}
