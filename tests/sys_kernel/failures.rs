//! Calls that fail: the errno is the kernel's, and nothing stays open.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use bpfsmith::base::Errno;
use bpfsmith::sys::link::Target;
use bpfsmith::sys::map::{Create, Types};
use bpfsmith::sys::prog::{Attach, Load};
use bpfsmith::sys::{FdKind, Log, MapFd, ProgFd, btf, ids, link, map, pin, prog};

use crate::samples::{ARRAY, HASH, SOCKET_FILTER, create, insn, int_btf, load, returns};
use crate::support::{Suite, has_cap_bpf, open_descriptors, with_own_descriptors};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "errors: the kernel's numbers come through", numbers);
    suite.test_if(has_cap_bpf, "errors: names that are none never reach the kernel", names);
    suite.test_if(has_cap_bpf, "descriptors: nothing stays open after a failure", leaks);
    suite.test_if(has_cap_bpf, "descriptors: close-on-exec, and never 0, 1 or 2", numbers_of_descriptors);
}

fn refused(map: &Create<'_>) -> Errno {
    map::create(map).unwrap_err()
}

fn numbers() {
    let array = Create { map_type: ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    let null = File::open("/dev/null").unwrap();
    let types = |key, value| Some(Types { btf: null.as_fd(), key, value });
    assert_eq!(refused(&Create { key_size: 8, ..array.clone() }), Errno::EINVAL);
    assert_eq!(refused(&Create { map_type: 4000, ..array.clone() }), Errno::EINVAL);
    assert_eq!(refused(&Create { map_type: HASH, value_size: 1 << 30, ..array.clone() }), Errno::E2BIG);
    assert_eq!(refused(&Create { btf: types(1, 1), ..array.clone() }), Errno::EINVAL);
    assert_eq!(refused(&Create { flags: 1 << 31, ..array.clone() }), Errno::EINVAL);
    assert_eq!(refused(&Create { map_type: HASH, max_entries: 0, ..array.clone() }), Errno::EINVAL);
    assert_eq!(refused(&Create { numa_node: Some(1 << 20), ..array.clone() }), Errno::EINVAL);
    assert_eq!(map::freeze(null.as_fd()), Err(Errno::EINVAL));
    let nowhere = Attach::default();
    assert!(prog::attach(&nowhere).is_err() && prog::detach(&nowhere).is_err());
    let load = |insns: &[u8], license| {
        let program = Load { prog_type: SOCKET_FILTER, insns, license, ..Default::default() };
        prog::load(&program, &mut Log::none()).unwrap_err()
    };
    assert_eq!(load(&[], c"GPL"), Errno::E2BIG);
    assert_eq!(load(&insn(0, 0, 0, 0, 0), c"GPL"), Errno::EINVAL);
}

fn names() {
    let array = Create { map_type: ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    for name in [&b"sixteen_letters_"[..], b"a\0b", b"\0"] {
        assert_eq!(refused(&Create { name, ..array.clone() }), Errno::EINVAL);
    }
    // This one is the kernel's to refuse.
    assert_eq!(refused(&Create { name: b"a b", ..array.clone() }), Errno::EINVAL);
    map::create(&Create { name: b"fifteen_letters", ..array }).unwrap();
}

fn leaks() {
    with_own_descriptors(|| {
        let map = create(HASH, 4, 4, 1);
        let before = open_descriptors();
        for _ in 0..3 {
            failing_calls(&map);
        }
        assert_eq!(open_descriptors(), before);
    });
}

fn failing_calls(map: &MapFd) {
    let null = || OwnedFd::from(File::open("/dev/null").unwrap());
    assert!(map::create(&Create::default()).is_err());
    assert!(prog::load(&Load::default(), &mut Log::none()).is_err());
    assert!(btf::load(&int_btf()[1..], None, &mut Log::none()).is_err());
    assert!(pin::get(c"/nowhere").is_err());
    assert!(ids::map_fd(u32::MAX).is_err());
    assert!(MapFd::try_from(null()).is_err());
    assert!(ProgFd::try_from(null()).is_err());
    assert!(ProgFd::try_from(OwnedFd::from(map.try_clone().unwrap())).is_err());
    let link = link::Create::new(map.as_fd(), Target::None, 0);
    assert!(link::create(&link).is_err());
    assert!(map::lookup(map, &[0; 4], &mut [0; 4], Default::default()).is_err());
}

fn numbers_of_descriptors() {
    with_own_descriptors(|| {
        let map: OwnedFd = create(ARRAY, 4, 4, 1).into();
        let flags = nix::fcntl::fcntl(&map, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, libc::FD_CLOEXEC);
        nix::unistd::close(0).unwrap();
        let (moved, program) = (create(ARRAY, 4, 4, 1), load(SOCKET_FILTER, 0, &returns(0)));
        assert!(moved.as_fd().as_raw_fd() > 2 && program.as_fd().as_raw_fd() > 2);
        let flags = nix::fcntl::fcntl(&moved, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, libc::FD_CLOEXEC);
        assert_eq!(FdKind::of(moved.as_fd()), Ok(FdKind::Map));
        // The number 0 is free again.
        assert_eq!(File::open("/dev/null").unwrap().as_raw_fd(), 0);
    });
}
