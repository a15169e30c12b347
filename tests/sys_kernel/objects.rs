//! Kinds of descriptors, pins, ids, infos, statistics.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::sys::abi::ElemFlags;
use bpfsmith::sys::ids::{self, Kind};
use bpfsmith::sys::pin::{self, Path};
use bpfsmith::sys::prog::TestRun;
use bpfsmith::sys::{
    Access, BtfFd, FdKind, LinkFd, Log, MapFd, ProgFd, btf, host, info, iter, map, prog, query, stats, token,
};

use crate::samples::{ARRAY, HASH, SOCKET_FILTER, create, int_btf, load, returns};
use crate::support::{Suite, TempDir, all, c_path, has_cap_bpf, has_cap_sys_admin, has_since, with_bpffs};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "fd: an object is taken for what it is", kinds);
    suite.test_if(all(&[has_cap_bpf, has_cap_sys_admin]), "pin: there and back", pins);
    let admin = all(&[has_cap_bpf, has_cap_sys_admin]);
    let below = || has_since(KernelVersion::new(6, 5), "path_fd").and_then(|()| admin());
    suite.test_if(below, "pin: below an open directory", pin_below);
    suite.test_if(has_cap_bpf, "pin: errors", pin_errors);
    suite.test_if(all(&[has_cap_bpf, has_cap_sys_admin]), "ids: every object is found and opened", walk_ids);
    suite.test_if(has_cap_bpf, "info: a map", map_info);
    suite.test_if(has_cap_bpf, "info: the hash of a frozen array", map_hash);
    suite.test_if(has_cap_bpf, "info: a program and its parts", prog_info);
    suite.test_if(has_cap_sys_admin, "info: the kernel's BTF has a name", kernel_btf);
    suite.test_if(
        all(&[has_cap_bpf, has_cap_sys_admin]),
        "stats: runs are counted while the descriptor is open",
        statistics,
    );
    suite.test_if(has_cap_sys_admin, "query: descriptors of a process", task_fd);
    suite.test_if(has_cap_sys_admin, "token: not in the initial namespace", tokens);
    suite.test_if(has_cap_bpf, "iter: not of anything", iter_errors);
}

fn kinds() {
    let program: OwnedFd = load(SOCKET_FILTER, 0, &returns(0)).into();
    let map: OwnedFd = create(HASH, 4, 8, 3).into();
    let types: OwnedFd = btf::load(&int_btf(), None, &mut Log::none()).unwrap().into();
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let kinds = [&program, &map, &types, &null].map(|fd| FdKind::of(fd.as_fd()).unwrap());
    assert_eq!(kinds, [FdKind::Program, FdKind::Map, FdKind::Btf, FdKind::Other]);
    assert_eq!(MapFd::try_from(null).unwrap_err(), Errno::EINVAL);
    assert_eq!(MapFd::try_from(program.try_clone().unwrap()).unwrap_err(), Errno::EINVAL);
    assert_eq!(LinkFd::try_from(program.try_clone().unwrap()).unwrap_err(), Errno::EINVAL);
    assert_eq!(ProgFd::try_from(types.try_clone().unwrap()).unwrap_err(), Errno::EINVAL);
    assert_eq!(BtfFd::try_from(map.try_clone().unwrap()).unwrap_err(), Errno::EINVAL);
    assert_eq!(ProgFd::try_from(program).unwrap().prog_type(), SOCKET_FILTER);
    BtfFd::try_from(types).unwrap();
    let map = MapFd::try_from(map).unwrap();
    let shape = map.shape();
    assert_eq!(
        (shape.map_type(), shape.key_size(), shape.value_size(), shape.max_entries()),
        (HASH, 4, 8, 3)
    );
    assert_eq!(map.try_clone().unwrap().shape(), shape);
}

fn pins() {
    with_bpffs(|mount| {
        let map = create(ARRAY, 4, 4, 1);
        let path = c_path(&mount.join("map"));
        pin::pin(map.as_fd(), &path).unwrap();
        assert_eq!(pin::pin(map.as_fd(), &path), Err(Errno::EEXIST));
        map::update(&map, &[0; 4], &[9; 4], ElemFlags::empty()).unwrap();
        drop(map);

        let map = MapFd::try_from(pin::get(&path).unwrap()).unwrap();
        let mut value = [0; 4];
        map::lookup(&map, &[0; 4], &mut value, ElemFlags::empty()).unwrap();
        assert_eq!(value, [9; 4]);
        let read_only = MapFd::try_from(pin::get_with(&path, Access::ReadOnly).unwrap()).unwrap();
        assert_eq!(map::update(&read_only, &[0; 4], &[1; 4], ElemFlags::empty()), Err(Errno::EPERM));

        assert_eq!(pin::get(&c_path(&mount.join("nothing"))).unwrap_err(), Errno::ENOENT);
    });
}

fn pin_below() {
    with_bpffs(|mount| {
        let directory = std::fs::File::open(mount).unwrap();
        let program = load(SOCKET_FILTER, 0, &returns(0));
        let at = Path { at: Some(directory.as_fd()), path: c"program" };
        pin::pin(program.as_fd(), at).unwrap();
        let opened = ProgFd::try_from(pin::get(at).unwrap()).unwrap();
        assert_eq!(info::program(&opened).unwrap().id, info::program(&program).unwrap().id);
    });
}

fn pin_errors() {
    let map = create(ARRAY, 4, 4, 1);
    assert_eq!(pin::get(c"/dev/null").unwrap_err(), Errno::EACCES);
    assert_eq!(pin::pin(map.as_fd(), c"/dev/null"), Err(Errno::EEXIST));
    let elsewhere = TempDir::new();
    assert_eq!(pin::pin(map.as_fd(), &c_path(&elsewhere.path().join("map"))), Err(Errno::EPERM));
    let null = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(pin::pin(null.as_fd(), &c_path(&elsewhere.path().join("null"))), Err(Errno::EINVAL));
}

fn walk_ids() {
    let (map, program) = (create(ARRAY, 4, 4, 1), load(SOCKET_FILTER, 0, &returns(0)));
    let types = btf::load(&int_btf(), None, &mut Log::none()).unwrap();
    let map_id = info::map(&map).unwrap().id;
    let prog_id = info::program(&program).unwrap().id;
    let btf_id = info::btf(&types, &mut [], &mut []).unwrap().id;
    for (kind, id) in [(Kind::Map, map_id), (Kind::Program, prog_id), (Kind::Btf, btf_id)] {
        let all: Vec<u32> = ids::all(kind).collect::<Result<_, _>>().unwrap();
        assert!(all.contains(&id) && all.is_sorted(), "{kind:?}");
    }
    assert_eq!(info::map(&ids::map_fd(map_id).unwrap()).unwrap().id, map_id);
    assert_eq!(ids::prog_fd(prog_id).unwrap().prog_type(), SOCKET_FILTER);
    assert_eq!(info::btf(&ids::btf_fd(btf_id, None).unwrap(), &mut [], &mut []).unwrap().id, btf_id);
    let read_only = ids::map_fd_with(map_id, Access::ReadOnly).unwrap();
    assert_eq!(map::update(&read_only, &[0; 4], &[1; 4], ElemFlags::empty()), Err(Errno::EPERM));
    for gone in
        [ids::map_fd(u32::MAX).map(drop), ids::prog_fd(u32::MAX).map(drop), ids::link_fd(u32::MAX).map(drop)]
    {
        assert_eq!(gone, Err(Errno::ENOENT));
    }
    assert_eq!(ids::next(Kind::Link, i32::MAX as u32 - 1), Ok(None));
    assert_eq!(ids::next(Kind::Link, i32::MAX as u32), Err(Errno::EINVAL));
}

fn map_info() {
    let map = create(HASH, 4, 8, 3);
    let told = info::map(&map).unwrap();
    assert_eq!((told.map_type, told.key_size, told.value_size, told.max_entries), (HASH, 4, 8, 3));
    assert!(told.name.starts_with(b"sample\0") && told.id > 0);
}

/// Only arrays that are frozen have one.
fn map_hash() {
    let [zeros, ones, again] = [0, 1, 1].map(|byte| {
        let map = create(ARRAY, 4, 4, 1);
        map::update(&map, &[0; 4], &[byte; 4], ElemFlags::empty()).unwrap();
        map
    });
    if host::kernel_version().unwrap() < KernelVersion::new(6, 18) {
        assert_eq!(info::map_hash(&zeros), Err(Errno::EOPNOTSUPP));
        return;
    }
    assert_eq!(info::map_hash(&create(HASH, 4, 4, 1)), Err(Errno::EINVAL));
    assert_eq!(info::map_hash(&zeros), Err(Errno::EPERM));
    let hashes = [&zeros, &ones, &again].map(|map| {
        map::freeze(map.as_fd()).unwrap();
        info::map_hash(map).unwrap()
    });
    assert_ne!(hashes[0], hashes[1]);
    assert_eq!(hashes[1], hashes[2]);
}

fn prog_info() {
    let program = load(SOCKET_FILTER, 0, &returns(3));
    let told = info::program(&program).unwrap();
    assert_eq!((told.prog_type, told.xlated_prog_len, told.nr_map_ids), (SOCKET_FILTER, 16, 0));
    assert!(told.name.starts_with(b"sample\0") && told.id > 0 && told.gpl_compatible != 0);
    let (mut xlated, mut jited, mut ksyms, mut lens) = ([0xff; 8], [0; 4096], [0; 4], [0; 4]);
    let mut parts = info::ProgParts {
        xlated: &mut xlated,
        jited: &mut jited,
        jited_ksyms: &mut ksyms,
        jited_func_lens: &mut lens,
        ..Default::default()
    };
    let told = info::program_parts(&program, &mut parts).unwrap();
    assert_eq!((xlated.as_slice(), told.xlated_prog_len), (&returns(3)[..8], 16));
    assert_eq!((told.nr_jited_ksyms, ksyms[1]), (1, 0));
    // Where addresses are restricted, lengths are too.
    assert_eq!(lens[0], if told.jited_func_lens == 0 { 0 } else { told.jited_prog_len });
}

fn kernel_btf() {
    let found = ids::all(Kind::Btf).find_map(|id| {
        let opened = ids::btf_fd(id.unwrap(), None).ok()?;
        let mut name = [0; 64];
        let summary = info::btf(&opened, &mut [], &mut name).unwrap();
        (summary.of_kernel && name.starts_with(b"vmlinux\0")).then_some((opened, summary))
    });
    if let Some((opened, summary)) = found {
        assert_eq!(summary.name_len, 7);
        let mut short = [0xff; 4];
        assert_eq!(info::btf(&opened, &mut [], &mut short).unwrap_err(), Errno::ENOSPC);
        assert_eq!(short, *b"vml\0");
    }
}

fn statistics() {
    let program = load(SOCKET_FILTER, 0, &returns(0));
    let run = |repeat| {
        let mut run = TestRun { data: &[0; 64], repeat, ..Default::default() };
        prog::test_run(&program, &mut run).unwrap();
        info::program(&program).unwrap()
    };
    let counting = stats::enable().unwrap();
    let told = run(100);
    assert!(told.run_cnt >= 100 && told.run_time_ns > 0);
    drop(counting);
}

fn task_fd() {
    let own = std::process::id();
    let null = std::fs::File::open("/dev/null").unwrap();
    let mut name = [0; 16];
    assert_eq!(query::task_fd(own, null.as_raw_fd() as u32, &mut name), Err(Errno::ENOTSUPP));
    assert_eq!(query::task_fd(own, 1 << 20, &mut name), Err(Errno::EBADF));
    assert_eq!(query::task_fd(u32::MAX >> 1, 0, &mut name), Err(Errno::ENOENT));
}

fn tokens() {
    with_bpffs(|mount| {
        let bpffs = std::fs::File::open(mount).unwrap();
        let error = token::create(bpffs.as_fd()).unwrap_err();
        // 6.9 and later, and before.
        assert!([Errno::EOPNOTSUPP, Errno::EINVAL].contains(&error), "{error}");
    });
}

fn iter_errors() {
    let map = create(ARRAY, 4, 4, 1);
    assert_eq!(iter::create(map.as_fd()).unwrap_err(), Errno::EINVAL);
}
