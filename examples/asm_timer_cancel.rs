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
use std::thread::sleep;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R4, R6, R7};
use bpfsmith::asm::{AsmError, Assembler, Code, Helper, Reg, Size};
use bpfsmith::base::Clock;
use bpfsmith::btf::Timer;
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::CgroupLink;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::program::ProgramSpec;

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

const EBUSY: i32 = 16;
/// cgroup_skb: 0 drops the packet, 1 lets it pass.
const PASS: i32 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    for cancel in [true, false] {
        if !run(cancel)? {
            break;
        }
    }
    Ok(())
}

fn run(cancel: bool) -> Result<bool, Box<dyn Error>> {
    let Some(loaded) = support::load_or_explain(&object(cancel)?)? else { return Ok(false) };
    let cgroup = support::Cgroup::make("bpfsmith-timer-cancel")?;
    let (listener, mut connections) = (support::listener_in(&cgroup)?, Vec::new());
    let link = CgroupLink::attach(loaded.program("arm")?, cgroup.path(), AttachType::CGROUP_INET_EGRESS)?;
    let packet = || send_packet(&loaded, &listener, &mut connections);
    let results = support::until_memory(|results: &Results| results.init, packet)?;
    link.detach()?;
    drop(connections);
    sleep(Duration::from_millis(50));

    println!("bpf_timer_init = {}", results.init);
    println!("bpf_timer_set_callback = {}", results.set_callback);
    println!("bpf_timer_start = {}", results.start);
    if cancel {
        println!("bpf_timer_cancel = {}", results.cancel);
    }
    let runs: u64 = loaded.typed_map::<u32, u64>("runs")?.get(&0)?.unwrap_or(0);
    println!("callback ran {runs} time{}", if runs == 1 { "" } else { "s" });
    Ok(true)
}

pub(crate) fn object(cancel: bool) -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("timer_cancel").license("GPL");
    object.add_map(MapSpec::array::<Elem>("timers").max_entries(1));
    object.add_map(MapSpec::array::<u64>("runs").max_entries(1));
    object.add_map(MapSpec::array::<Results>("results").max_entries(1));
    object.add_program(ProgramSpec::new("arm", ProgramKind::CGROUP_SKB_EGRESS), arm(cancel));
    object.add_function("on_timer", on_timer());
    object.finish()
}

/// r6 = the element with the timer, r7 = where the results go.
fn arm(cancel: bool) -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let (initialised, out) = (a.label(), a.label());
    a.st(Size::W, Reg::FP, -4, 0); // key = 0
    a.st(Size::DW, Reg::FP, -16, 0).st(Size::DW, Reg::FP, -24, 0); // struct elem zero = {}
    a.load_map(R1, "timers").mov(R2, Reg::FP).add(R2, -4).mov(R3, Reg::FP).add(R3, -24).mov(R4, 0);
    a.call(Helper::MAP_UPDATE_ELEM);
    look_up(&mut a, "results").jeq(R0, 0, out).mov(R7, R0);
    look_up(&mut a, "timers").jeq(R0, 0, out).mov(R6, R0);

    a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
    store_result(&mut a, Results::INIT.off());
    a.jeq(R0, 0, initialised).jne(R0, -EBUSY, out).bind(initialised);

    a.mov(R1, R6).load_function(R2, "on_timer").call(Helper::TIMER_SET_CALLBACK);
    store_result(&mut a, Results::SET_CALLBACK.off());

    a.mov(R1, R6).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
    store_result(&mut a, Results::START.off());

    if cancel {
        a.mov(R1, R6).call(Helper::TIMER_CANCEL);
        store_result(&mut a, Results::CANCEL.off());
    }
    a.bind(out).mov(R0, PASS).exit();
    a.finish()
}

/// The callback: r1 = the map, r2 = the key, r3 = the value; it must return 0.
fn on_timer() -> Result<Code, AsmError> {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, Reg::FP, -4, 0); // key = 0
    look_up(&mut a, "runs").jeq(R0, 0, out);
    a.mov(R1, 1).atomic_add(Size::DW, R0, 0, R1);

    a.load_imm64(R1, u64::from_le_bytes(*b"the time")).stx(Size::DW, Reg::FP, -24, R1);
    a.load_imm64(R1, u64::from_le_bytes(*b"r fired\0")).stx(Size::DW, Reg::FP, -16, R1);
    a.mov(R1, Reg::FP).add(R1, -24).mov(R2, 16).call(Helper::TRACE_PRINTK);
    a.bind(out).mov(R0, 0).exit();
    a.finish()
}

/// r0 = the value of the key at fp - 4, or null.
fn look_up<'a>(a: &'a mut Assembler, map: &str) -> &'a mut Assembler {
    a.load_map(R1, map).mov(R2, Reg::FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM)
}

fn store_result(a: &mut Assembler, offset: i32) {
    a.stx(Size::DW, R7, offset, R0);
}

/// Has a packet sent that arms the timer, and reads what the helpers returned. The connection stays open: closing it would send
/// another.
fn send_packet(
    loaded: &bpfsmith::kernel::Loaded,
    listener: &std::net::TcpListener,
    connections: &mut Vec<std::net::TcpStream>,
) -> Result<Results, Box<dyn Error>> {
    connections.push(support::send_packet(listener)?);
    Ok(loaded.typed_map::<u32, Results>("results")?.get(&0)?.unwrap_or_default())
}
