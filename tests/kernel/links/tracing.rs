//! Links to tracepoints and functions of the kernel: programs count what the test's own thread does.

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::Errno;
use bpfsmith::kernel::{self, Loaded, TestRun, unpin};
use bpfsmith::kind::{AttachType, ProgramKind};
use bpfsmith::link::{LinkError, RawTracepointLink, TracingLink};
use bpfsmith::map::MapSpec;
use bpfsmith::program::ProgramSpec;

use super::rig::{Counting, count};
use crate::common::{builder, load, wait_until};
use crate::support::{
    Condition, Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_kernel, has_vmlinux_btf,
    with_bpffs,
};

pub fn add(suite: &mut Suite) {
    const TRACING: &[fn() -> Condition] = &[has_cap_bpf, has_cap_perfmon];
    const TYPED: &[fn() -> Condition] = &[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf];
    suite.test_if(all(TRACING), "links: a raw tracepoint counts the calls of a thread", raw_tracepoint);
    suite.test_if(all(TYPED), "links: a typed tracepoint counts the calls of a thread", typed_tracepoint);
    suite.test_if(
        all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin]),
        "links: a pinned raw tracepoint stays",
        || with_bpffs(pinned),
    );
    suite.test_if(
        all(&[has_cap_bpf, has_cap_perfmon, || has_kernel(6, 10)]),
        "links: a raw tracepoint has a cookie",
        cookie,
    );
    suite.test_if(all(TRACING), "links: a raw tracepoint says what is wrong", errors);
    let trampolines = all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf, has_trampolines]);
    suite.test_if(trampolines, "links: the entry of a kernel function", fentry);
}

/// The kernel lets its functions be changed.
fn has_trampolines() -> Condition {
    match kernel::load(&Counting::object(traced(), 0)) {
        Err(kernel::LoadError::Command { errno: Errno::EPERM, .. }) => {
            Err("this kernel refuses trampolines".into())
        }
        // What else is wrong, the test says.
        _ => Ok(()),
    }
}

/// At a function that the kernel has for this, and runs in a test run of such a program.
fn traced() -> ProgramSpec {
    ProgramSpec::new("prog", ProgramKind::FENTRY).attach_to("bpf_fentry_test1")
}

/// The number of this thread: `/proc/thread-self` leads to `1234/task/1235`.
fn thread_id() -> u32 {
    let path = std::fs::read_link("/proc/thread-self").unwrap();
    path.file_name().unwrap().to_str().unwrap().parse().unwrap()
}

/// Counts its runs on behalf of this thread, and keeps the cookie.
fn counts_this_thread(spec: ProgramSpec, with_cookie: bool) -> Loaded {
    let mut a = Assembler::new();
    let out = a.label();
    a.mov(R6, R1).call(Helper::GET_CURRENT_PID_TGID);
    a.jne32(R0, i32::try_from(thread_id()).unwrap(), out);
    a.load_map_value(R1, "count", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2);
    if with_cookie {
        a.mov(R1, R6).call(Helper::GET_ATTACH_COOKIE);
        a.load_map_value(R3, "cookie", 0).stx(Size::DW, R3, 0, R0);
    }
    a.bind(out).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::array::<u64>("count").max_entries(1));
    object.add_map(MapSpec::array::<u64>("cookie").max_entries(1));
    object.add_program(spec, a.finish());
    load(&object.finish().unwrap())
}

fn raw_spec() -> ProgramSpec {
    ProgramSpec::new("prog", ProgramKind::RAW_TRACEPOINT)
}

fn make_calls() {
    for _ in 0..10 {
        std::fs::metadata("/").unwrap();
    }
}

/// Ten calls are counted while a link is there, and none once it is gone.
fn counts_until_dropped(loaded: &Loaded, link: RawTracepointLink) {
    let before = count(loaded);
    make_calls();
    assert!(count(loaded) >= before + 10);
    drop(link);
    wait_until("the program is detached", || {
        // Looking is a call, too.
        let before = count(loaded);
        make_calls();
        count(loaded) == before
    });
}

fn raw_tracepoint() {
    let loaded = counts_this_thread(raw_spec(), false);
    let program = loaded.program("prog").unwrap();
    let link = RawTracepointLink::attach(program, "sys_enter").unwrap();
    let info = link.info().unwrap();
    assert_eq!(
        (info.prog_id, info.name.as_slice(), info.cookie),
        (program.id().unwrap(), &b"sys_enter"[..], 0)
    );
    counts_until_dropped(&loaded, link);
}

fn typed_tracepoint() {
    let spec = ProgramSpec::new("prog", ProgramKind::TP_BTF).attach_to("sys_enter");
    let loaded = counts_this_thread(spec, false);
    let program = loaded.program("prog").unwrap();
    let link = RawTracepointLink::attach_typed(program, 0).unwrap();
    assert_eq!(link.info().unwrap().name, b"sys_enter");
    counts_until_dropped(&loaded, link);
}

fn cookie() {
    const COOKIE: u64 = 0x0123_4567_89ab_cdef;
    let loaded = counts_this_thread(raw_spec(), true);
    let program = loaded.program("prog").unwrap();
    let link = RawTracepointLink::attach_with_cookie(program, "sys_enter", COOKIE).unwrap();
    make_calls();
    assert_eq!(loaded.typed_map::<u32, u64>("cookie").unwrap().get(&0).unwrap(), Some(COOKIE));
    if has_kernel(6, 17).is_ok() {
        assert_eq!(link.info().unwrap().cookie, COOKIE);
    }
}

fn pinned(bpffs: &std::path::Path) {
    let path = bpffs.join("tracepoint");
    let loaded = counts_this_thread(raw_spec(), false);
    let link = RawTracepointLink::attach(loaded.program("prog").unwrap(), "sys_enter").unwrap();
    link.pin(&path).unwrap();
    drop(link);
    let before = count(&loaded);
    make_calls();
    assert!(count(&loaded) >= before + 10);
    let again = RawTracepointLink::open(&path).unwrap();
    unpin(&path).unwrap();
    counts_until_dropped(&loaded, again);
}

fn errors() {
    let counts = Counting::of(raw_spec(), 0);
    let attach = |name| RawTracepointLink::attach(counts.program(), name).unwrap_err();
    let LinkError::Kernel { operation, errno, cause: Some(cause), .. } = attach("no_such_tracepoint") else {
        panic!("no cause")
    };
    assert_eq!((operation, errno), ("RAW_TRACEPOINT_OPEN", Errno::ENOENT));
    assert!(cause.contains("tracepoint"), "{cause}");
    assert_eq!(attach("a\0b"), LinkError::Name { name: "a\0b".to_owned() });
    let error = TracingLink::attach(counts.program()).unwrap_err();
    let LinkError::Kernel { errno: Errno::EFAULT | Errno::EINVAL, .. } = error else { panic!("{error}") };
    let filter = Counting::new(ProgramKind::SOCKET_FILTER, 0);
    let error = TracingLink::attach_with_cookie(filter.program(), AttachType::TRACE_FENTRY, 1).unwrap_err();
    let LinkError::Kernel { operation, errno, .. } = error else { panic!("{error}") };
    assert_eq!((operation, errno), ("LINK_CREATE", Errno::EINVAL));
    let error = TracingLink::replace_function(filter.program(), filter.program(), 1).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EINVAL, .. }), "{error}");
}

fn fentry() {
    let counts = Counting::of(traced(), 0);
    let link = TracingLink::attach(counts.program()).unwrap();
    let before = counts.runs();
    counts.program().test_run(&TestRun::new()).unwrap();
    assert!(counts.runs() > before);
    let info = link.info().unwrap();
    assert_eq!((info.prog_id, info.attach_type), (counts.id(), AttachType::TRACE_FENTRY));
    let again = TracingLink::attach(counts.program()).unwrap_err();
    let expected = if has_kernel(5, 13).is_ok() { Errno::EBUSY } else { Errno::ENOENT };
    let LinkError::Kernel { errno, cause: Some(cause), .. } = &again else { panic!("{again}") };
    assert_eq!(*errno, expected);
    assert!(cause.contains("attached"), "{again}");
}
