//! Which kinds of programs may use timers.

use std::time::Duration;

use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{Helper, Size};
use bpfsmith::base::{Clock, KernelVersion, TimerFlags};
use bpfsmith::dsl::dynamic::{Any, ScalarType};
use bpfsmith::dsl::{DynamicContext, Kind};
use bpfsmith::kernel::{self, LoadError};
use bpfsmith::kind::{AttachType, ProgType, ProgramKind};
use bpfsmith::map::MapSpec;
use bpfsmith::object::Object;
use bpfsmith::plan::{Plan, PlanError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::sys::host;
use bpfsmith::target::Target;

use super::rig::Plain;
use crate::common::{Assembled, FP, builder, look_up, rejection, returns};
use crate::dialect::{Dialect, add_dialects, assert_flawless};
use crate::support::{
    Condition, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_since,
    has_vmlinux_btf,
};

pub fn add(suite: &mut Suite) {
    for (name, prog_type) in TYPES {
        let kinds: Vec<_> = ProgramKind::of_type(prog_type).filter(|kind| !has_trampoline(*kind)).collect();
        let may = can_load(kinds[0]);
        add_dialects(suite, may, &format!("timer kinds: {name}"), move || assert_all_load(&kinds));
    }
    for &kind in ProgramKind::ALL.iter().filter(|kind| has_trampoline(**kind)) {
        add_dialects(suite, can_load(kind), &format!("timer kinds: {kind}"), move || {
            assert_all_load(&[kind])
        });
    }
    for (name, kind) in REFUSED {
        let condition = || is_before_7_0().and_then(|()| permitted());
        add_dialects(suite, condition, &format!("timer kinds: not {name} before 7.0"), move || {
            assert_refused(kind)
        });
        let condition =
            || has_since(KernelVersion::new(7, 0), "timers in tracing programs").and_then(|()| permitted());
        suite.test_if(condition, &format!("timer kinds: {name} since 7.0"), move || assert_all_load(&[kind]));
    }
}

/// Those that the documentation of `bpf_timer_cancel` lists.
const TYPES: [(&str, ProgType); 22] = [
    ("CGROUP_DEVICE", ProgType::CGROUP_DEVICE),
    ("CGROUP_SKB", ProgType::CGROUP_SKB),
    ("CGROUP_SOCK", ProgType::CGROUP_SOCK),
    ("CGROUP_SOCKOPT", ProgType::CGROUP_SOCKOPT),
    ("CGROUP_SOCK_ADDR", ProgType::CGROUP_SOCK_ADDR),
    ("CGROUP_SYSCTL", ProgType::CGROUP_SYSCTL),
    ("FLOW_DISSECTOR", ProgType::FLOW_DISSECTOR),
    ("LWT_IN", ProgType::LWT_IN),
    ("LWT_OUT", ProgType::LWT_OUT),
    ("LWT_SEG6LOCAL", ProgType::LWT_SEG6LOCAL),
    ("LWT_XMIT", ProgType::LWT_XMIT),
    ("SCHED_ACT", ProgType::SCHED_ACT),
    ("SCHED_CLS", ProgType::SCHED_CLS),
    ("SK_LOOKUP", ProgType::SK_LOOKUP),
    ("SK_MSG", ProgType::SK_MSG),
    ("SK_REUSEPORT", ProgType::SK_REUSEPORT),
    ("SK_SKB", ProgType::SK_SKB),
    ("SOCKET_FILTER", ProgType::SOCKET_FILTER),
    ("SOCK_OPS", ProgType::SOCK_OPS),
    ("SYSCALL", ProgType::SYSCALL),
    ("TRACING", ProgType::TRACING),
    ("XDP", ProgType::XDP),
];

/// LSM is among these: the kernel calls it from where it attaches, as it does fentry, fexit and fmod_ret.
fn has_trampoline(kind: ProgramKind) -> bool {
    let traces = [AttachType::TRACE_FENTRY, AttachType::TRACE_FEXIT, AttachType::MODIFY_RETURN];
    let attach = kind.expected_attach_type();
    kind.prog_type() == ProgType::LSM || attach.is_some_and(|attach| traces.contains(&attach))
}

const REFUSED: [(&str, ProgramKind); 4] = [
    ("KPROBE", ProgramKind::KPROBE),
    ("TRACEPOINT", ProgramKind::TRACEPOINT),
    ("PERF_EVENT", ProgramKind::PERF_EVENT),
    ("RAW_TRACEPOINT", ProgramKind::RAW_TRACEPOINT),
];

fn permitted() -> Condition {
    all(&[has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf])()
}

fn is_before_7_0() -> Condition {
    let kernel = host::kernel_version().map_err(|errno| errno.to_string())?;
    if kernel < KernelVersion::new(7, 0) { Ok(()) } else { Err(format!("Linux {kernel} lets them")) }
}

/// Whether the verifier comes to see programs of the kind at all: an empty one loads.
fn can_load(kind: ProgramKind) -> impl Fn() -> Condition {
    move || {
        permitted()?;
        match kernel::load(&object(kind, returns(legal(kind)))) {
            Err(LoadError::Command { errno, .. }) => {
                Err(format!("the kernel refuses the empty program before its verifier looks at it: {errno}"))
            }
            Err(LoadError::Rejected(rejection)) if rejection.reason().ends_with("is not sleepable") => {
                Err("the kernel is built without functions that may sleep and be traced".into())
            }
            _ => Ok(()),
        }
    }
}

fn legal(kind: ProgramKind) -> i32 {
    kind.return_range().map_or(0, |range| *range.start())
}

/// A function or the like that every kernel has.
fn spec(kind: ProgramKind, name: &str) -> ProgramSpec {
    let spec = ProgramSpec::new(name, kind);
    match kind.name() {
        "tp_btf" => spec.attach_to("task_newtask"),
        "iter" | "iter.s" => spec.attach_to("task"),
        "lsm" | "lsm.s" => spec.attach_to("file_open"),
        "lsm_cgroup" => spec.attach_to("socket_bind"),
        // Since 6.2 or so this one may sleep; of the others that depends on how the kernel was built.
        "fentry.s" | "fexit.s" | "fmod_ret.s" => spec.attach_to("bpf_fentry_test1"),
        _ if kind.expected_attach_type() == Some(AttachType::MODIFY_RETURN) => {
            spec.attach_to("security_file_open")
        }
        _ if kind.needs_attach_btf_id() => spec.attach_to("__x64_sys_getpgid"),
        _ => spec,
    }
}

fn object(kind: ProgramKind, code: Assembled) -> Object {
    let mut object = builder();
    object.add_map(MapSpec::array::<Plain>("timers").max_entries(1));
    object.add_program(spec(kind, "prog"), code);
    object.add_function("callback", returns(0));
    object.finish().unwrap()
}

/// A program that calls each of the four.
fn calling(kind: ProgramKind) -> Object {
    match Dialect::current() {
        Dialect::Assembler => object(kind, four_calls(kind)),
        Dialect::Dsl => closures(kind),
    }
}

/// A kind known at run time only, with what it attaches to.
struct Attached(ProgramKind);

impl Kind for Attached {
    type Context<'f> = DynamicContext<'f>;
    type Return = Any;

    fn spec(self, name: &str) -> ProgramSpec {
        spec(self.0, name)
    }

    fn context(context: DynamicContext<'_>) -> DynamicContext<'_> {
        context
    }
}

fn closures(kind: ProgramKind) -> Object {
    let mut object = builder();
    let timers = object.map(MapSpec::array::<Plain>("timers").max_entries(1));
    let callback = object.timer_callback(&timers, "callback", |_, _, _, _| {});
    object.program("prog", Attached(kind), |f, _ctx| {
        let legal = f.dynamic().number(ScalarType::I32, legal(kind).into());
        let timer = f.map_lookup(&timers, &f.local(0u32)).or_return(legal).field(Plain::TIMER);
        f.timer_init(timer, Clock::Monotonic);
        f.timer_set_callback(timer, callback);
        f.timer_start(timer, Duration::ZERO, TimerFlags::empty());
        f.timer_cancel(timer);
        f.return_(legal)
    });
    object.finish().unwrap()
}

/// A call of each of the four.
fn four_calls(kind: ProgramKind) -> Assembled {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "timers").jeq(R0, 0, out).mov(R6, R0).add(R6, Plain::TIMER.off());
    a.mov(R1, R6).load_map(R2, "timers").mov(R3, Clock::Monotonic).call(Helper::TIMER_INIT);
    a.mov(R1, R6).load_function(R2, "callback").call(Helper::TIMER_SET_CALLBACK);
    a.mov(R1, R6).mov(R2, 0).mov(R3, 0).call(Helper::TIMER_START);
    a.mov(R1, R6).call(Helper::TIMER_CANCEL);
    a.bind(out).mov(R0, legal(kind)).exit();
    a.finish()
}

fn assert_all_load(kinds: &[ProgramKind]) {
    let kernel = host::kernel_version().unwrap();
    let failures: Vec<_> = kinds
        .iter()
        .filter(|kind| kind.since() <= kernel)
        .filter_map(|&kind| {
            let object = calling(kind);
            if Dialect::current() == Dialect::Dsl {
                assert_flawless(&object);
            }
            kernel::load(&object).err().map(|error| (kind, error))
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// By our table for this release; the kernel, whose release is but a hint, has the last word.
fn assert_refused(kind: ProgramKind) {
    let object = calling(kind);
    let kernel = host::kernel_version().unwrap();
    let error = Plan::new(&object, &Target::of_kernel(kernel.major, kernel.minor)).unwrap_err();
    let PlanError::Lacks { since, .. } = &error else { panic!("{error}") };
    assert_eq!(*since, KernelVersion::new(7, 0));
    assert!(error.loc().is_some_and(|loc| loc.file() == file!()), "{error}");
    assert_eq!(rejection(&object).reason(), "tracing progs cannot use bpf_timer yet");
}
