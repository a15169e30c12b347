//! Attaching, with links and without, to cgroups of the tests' own and to iterators.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::btf::{Kind as BtfKind, View};
use bpfsmith::sys::abi::{AttachFlags, QueryFlags};
use bpfsmith::sys::ids::{self, Kind};
use bpfsmith::sys::info::{self, LinkDetail};
use bpfsmith::sys::link::{self, Create, Functions, IterTarget, Options, Place, Relative};
use bpfsmith::sys::prog::{self, Attach, Load, Target};
use bpfsmith::sys::query::{self, Attached};
use bpfsmith::sys::{FdKind, LinkFd, Log, ProgFd, host, iter};

use crate::samples::{
    ARRAY, CGROUP_INET_EGRESS, CGROUP_SKB, SOCKET_FILTER, TRACE_ITER, TRACING, create, load, returns,
};
use crate::support::{
    Cgroup, Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon, has_cap_sys_admin, has_cgroup2,
    has_vmlinux_btf,
};

pub fn add(suite: &mut Suite) {
    let cgroup = || all(&[has_cap_bpf, has_cap_net_admin, has_cap_sys_admin, has_cgroup2]);
    suite.test_if(cgroup(), "link: made, asked, updated, detached", cgroup_link);
    suite.test_if(cgroup(), "link: goes with its descriptor", dropped);
    suite.test_if(cgroup(), "link: in a chosen place", placed);
    suite.test_if(cgroup(), "attach: there, asked for, gone", attach);
    let iterators = || all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf]);
    suite.test_if(iterators(), "link: an iterator over maps writes nothing", iterate);
    suite.test_if(iterators(), "link: iterators know what they walk", iterator_targets);
    suite.test_if(has_cap_bpf, "link: errors", errors);
}

fn egress(returned: i32) -> ProgFd {
    load(CGROUP_SKB, CGROUP_INET_EGRESS, &returns(returned))
}

fn prog_id(program: &ProgFd) -> u32 {
    info::program(program).unwrap().id
}

/// What is attached at a cgroup: ids of programs and of their links.
fn attached(cgroup: &std::fs::File, flags: QueryFlags) -> (Vec<u32>, query::Answer) {
    let mut programs = [0; 4];
    let mut question = Attached {
        target: Target::Fd(cgroup.as_fd()),
        attach_type: CGROUP_INET_EGRESS,
        flags,
        programs: &mut programs,
        program_flags: &mut [],
        links: &mut [],
        link_flags: &mut [],
    };
    let answer = query::attached(&mut question).unwrap();
    (programs[..answer.count.min(4) as usize].to_vec(), answer)
}

fn cgroup_link() {
    let cgroup = Cgroup::new().unwrap();
    let directory = cgroup.open();
    let (first, second) = (egress(1), egress(1));
    let create = Create::new(first.as_fd(), Target::Fd(directory.as_fd()), CGROUP_INET_EGRESS);
    let made = link::create(&create).unwrap();
    assert_eq!(FdKind::of(made.as_fd()), Ok(FdKind::Link));
    assert_eq!(attached(&directory, QueryFlags::empty()).0, [prog_id(&first)]);

    let told = info::link(&made).unwrap();
    assert_eq!(told.prog_id, prog_id(&first));
    let LinkDetail::Cgroup { cgroup_id, attach_type } = told.detail else { panic!("{told:?}") };
    let inode = std::os::unix::fs::MetadataExt::ino(&directory.metadata().unwrap());
    assert_eq!((cgroup_id, attach_type), (inode, CGROUP_INET_EGRESS));
    assert!(ids::all(Kind::Link).any(|id| id == Ok(told.id)));
    assert_eq!(info::link(&ids::link_fd(told.id).unwrap()).unwrap(), told);

    assert_eq!(link::update(&made, second.as_fd(), Some(second.as_fd())), Err(Errno::EPERM));
    link::update(&made, second.as_fd(), Some(first.as_fd())).unwrap();
    link::update(&made, second.as_fd(), None).unwrap();
    assert_eq!(attached(&directory, QueryFlags::EFFECTIVE).0, [prog_id(&second)]);
    link::detach(&made).unwrap();
    assert_eq!(attached(&directory, QueryFlags::empty()).0, []);
    let LinkDetail::Cgroup { cgroup_id: 0, .. } = info::link(&made).unwrap().detail else {
        panic!("attached")
    };
}

fn dropped() {
    let cgroup = Cgroup::new().unwrap();
    let directory = cgroup.open();
    let program = egress(1);
    let create = Create::new(program.as_fd(), Target::Fd(directory.as_fd()), CGROUP_INET_EGRESS);
    let made: OwnedFd = link::create(&create).unwrap().into();
    let made = LinkFd::try_from(made).unwrap();
    assert_eq!(attached(&directory, QueryFlags::empty()).1.count, 1);
    drop(made);
    assert_eq!(attached(&directory, QueryFlags::empty()).1.count, 0);
}

fn placed() {
    let cgroup = Cgroup::new().unwrap();
    let directory = cgroup.open();
    let (first, second) = (egress(1), egress(1));
    let create = |object, flags: AttachFlags, place| {
        link::create(&Create {
            object,
            target: Target::Fd(directory.as_fd()),
            attach_type: CGROUP_INET_EGRESS,
            flags: flags.bits(),
            options: Options::Cgroup(place),
        })
    };
    let one = create(first.as_fd(), AttachFlags::empty(), Place::default()).unwrap();
    let before_it = Place { relative: Some(Relative::Link(one.as_fd())), expected_revision: 0 };
    if host::kernel_version().unwrap() < KernelVersion::new(6, 17) {
        assert_eq!(create(second.as_fd(), AttachFlags::BEFORE, before_it).unwrap_err(), Errno::EINVAL);
        return;
    }
    let _two = create(second.as_fd(), AttachFlags::BEFORE, before_it).unwrap();
    let (programs, answer) = attached(&directory, QueryFlags::empty());
    assert_eq!(programs, [prog_id(&second), prog_id(&first)]);
    let stale = Place { expected_revision: answer.revision + 1, ..Place::default() };
    assert_eq!(create(egress(1).as_fd(), AttachFlags::empty(), stale).unwrap_err(), Errno::ESTALE);
}

fn attach() {
    let cgroup = Cgroup::new().unwrap();
    let directory = cgroup.open();
    let program = egress(1);
    let place = Attach {
        target: Target::Fd(directory.as_fd()),
        program: Some(program.as_fd()),
        attach_type: CGROUP_INET_EGRESS,
        flags: AttachFlags::ALLOW_MULTI,
        ..Default::default()
    };
    prog::attach(&place).unwrap();
    assert_eq!(prog::attach(&place), Err(Errno::EINVAL));
    let (programs, answer) = attached(&directory, QueryFlags::empty());
    assert_eq!((programs, answer.flags), (vec![prog_id(&program)], AttachFlags::ALLOW_MULTI));
    let other = egress(1);
    let swap = Attach {
        program: Some(other.as_fd()),
        flags: AttachFlags::ALLOW_MULTI | AttachFlags::REPLACE,
        replace: Some(program.as_fd()),
        ..place
    };
    prog::attach(&swap).unwrap();
    let gone = Attach { flags: AttachFlags::empty(), ..place };
    assert_eq!(prog::detach(&gone), Err(Errno::ENOENT));
    prog::detach(&Attach { program: Some(other.as_fd()), ..gone }).unwrap();
    assert_eq!(attached(&directory, QueryFlags::empty()).1.count, 0);
}

/// An iterator program that writes nothing, for the target whose kernel function is `function`.
fn iterator(function: &str) -> ProgFd {
    let vmlinux = host::vmlinux_btf().unwrap();
    let view = View::new(&vmlinux).unwrap();
    let program = Load {
        prog_type: TRACING,
        expected_attach_type: TRACE_ITER,
        attach_btf_id: view.find(BtfKind::Func, function).unwrap().0,
        insns: &returns(0),
        license: c"GPL",
        ..Default::default()
    };
    prog::load(&program, &mut Log::none()).unwrap()
}

fn iterator_link(function: &str, options: Options<'_>) -> LinkFd {
    let program = iterator(function);
    let create =
        Create { object: program.as_fd(), target: Target::None, attach_type: TRACE_ITER, flags: 0, options };
    link::create(&create).unwrap()
}

fn iterate() {
    let made = iterator_link("bpf_iter_bpf_map", Options::None);
    let mut output = String::new();
    std::fs::File::from(iter::create(made.as_fd()).unwrap()).read_to_string(&mut output).unwrap();
    assert_eq!(output, "");
    assert_eq!(link::detach(&made), Err(Errno::EOPNOTSUPP));
    let LinkDetail::Iter { target, .. } = info::link(&made).unwrap().detail else { panic!("no iterator") };
    assert_eq!(target, b"bpf_map");
}

fn iterator_targets() {
    let map = create(ARRAY, 4, 4, 1);
    let made = iterator_link("bpf_iter_bpf_map_elem", Options::Iter(IterTarget::Map(map.as_fd())));
    let LinkDetail::Iter { map_id, .. } = info::link(&made).unwrap().detail else { panic!("no iterator") };
    assert_eq!(map_id, info::map(&map).unwrap().id);
    if host::kernel_version().unwrap() < KernelVersion::new(6, 1) {
        return;
    }
    let own = std::process::id();
    let made =
        iterator_link("bpf_iter_task", Options::Iter(IterTarget::Task { tid: 0, pid: own, pid_fd: None }));
    let LinkDetail::Iter { target, tid, pid, .. } = info::link(&made).unwrap().detail else {
        panic!("no iterator")
    };
    assert_eq!((target.as_slice(), tid, pid), (&b"task"[..], 0, own));
    let root = IterTarget::Cgroup { order: 1, cgroup: None, cgroup_id: 1 };
    let made = iterator_link("bpf_iter_cgroup", Options::Iter(root));
    let LinkDetail::Iter { cgroup_id, order, .. } = info::link(&made).unwrap().detail else {
        panic!("no iterator")
    };
    assert_eq!((cgroup_id, order), (1, 1));
}

fn errors() {
    let (program, map) = (load(SOCKET_FILTER, 0, &returns(0)), create(ARRAY, 4, 4, 1));
    let make = |options| {
        let attach_type = 42; // BPF_TRACE_KPROBE_MULTI
        let create = Create { object: program.as_fd(), target: Target::None, attach_type, flags: 0, options };
        link::create(&create).unwrap_err()
    };
    let flags = bpfsmith::sys::abi::MultiFlags::empty();
    let functions = Functions::Names(&[c"a", c"b"]);
    assert_eq!(make(Options::KprobeMulti { functions, cookies: &[1], flags }), Errno::EINVAL);
    assert_eq!(make(Options::None), Errno::EINVAL);
    assert_eq!(make(Options::Iter(IterTarget::Map(map.as_fd()))), Errno::EINVAL);
    let offsets = &[1, 2];
    let multi =
        Options::UprobeMulti { path: c"/", offsets, ref_ctr_offsets: &[1], cookies: &[], flags, pid: 0 };
    assert_eq!(make(multi), Errno::EINVAL);
    let create = Create {
        object: map.as_fd(),
        target: Target::None,
        attach_type: 0,
        flags: 0,
        options: Options::None,
    };
    assert_eq!(link::create(&create).unwrap_err(), Errno::EINVAL);
    assert_eq!(link::open_raw_tracepoint(program.as_fd(), Some(c"sys_enter"), 0).unwrap_err(), Errno::EINVAL);
    assert!(LinkFd::try_from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap())).is_err());
}
