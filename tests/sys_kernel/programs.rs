//! Loading and running programs, loading BTF.

use std::os::fd::AsFd;

use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::sys::abi::LogLevel;
use bpfsmith::sys::prog::{self, Btf, Load, Stream, TestRun};
use bpfsmith::sys::{Log, btf, host, info};

use crate::samples::{ARRAY, CGROUP_SKB, SOCKET_FILTER, SYSCALL, create, insn, int_btf, load, returns};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin};

pub fn add(suite: &mut Suite) {
    suite.test_if(has_cap_bpf, "prog: a packet goes in and comes out", packet);
    suite.test_if(has_cap_bpf, "prog: an output without room is not written", no_room);
    suite.test_if(has_cap_bpf, "prog: the log, its end and its size", logs);
    suite.test_if(has_cap_bpf, "prog: function and line records", records);
    suite.since(KernelVersion::new(5, 14), "syscall programs, and fd_array", |suite| {
        suite.test_if(has_cap_bpf, "prog: a SYSCALL program's context comes back", context);
        suite.test_if(has_cap_bpf, "prog: maps by index and bound maps", maps);
        suite.test_if(has_cap_bpf, "prog: nothing printed", streams);
    });
    suite.test_if(all(&[has_cap_bpf, has_cap_net_admin]), "prog: repeated on one CPU", repeated);
    suite.since(KernelVersion::new(5, 11), "names of BTF", |suite| {
        suite.test_if(has_cap_bpf, "btf: good and bad, with a log", load_btf);
    });
}

fn packet() {
    let program = load(SOCKET_FILTER, 0, &returns(5));
    let mut out = [0xff; 64];
    let mut run = TestRun { data: &[3; 32], data_out: &mut out, ..Default::default() };
    let outcome = prog::test_run(&program, &mut run).unwrap();
    assert_eq!((outcome.retval, outcome.data_size), (5, 32));
    // A socket filter does not see the link layer's 14 bytes, and none come back.
    assert_eq!((out[13], out[14], out[31], out[32]), (0, 3, 3, 0xff));
}

fn no_room() {
    let program = load(SOCKET_FILTER, 0, &returns(0));
    let mut memory = [0xaau8; 64];
    let (room, rest) = memory.split_at_mut(8);
    let mut run = TestRun { data: &[3; 32], data_out: room, ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run), Err(Errno::ENOSPC));
    assert_eq!(run.outcome.data_size, 32);
    assert!(rest.iter().all(|&byte| byte == 0xaa));

    // The kernel takes a length of 0 for "no limit": there must be no address then.
    let (none, rest) = memory.split_at_mut(0);
    let mut run = TestRun { data: &[3; 32], data_out: none, ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run).unwrap().data_size, 32);
    assert!(rest[8..].iter().all(|&byte| byte == 0xaa));
}

/// `*(u64 *)(r1 + 8) = *(u64 *)(r1 + 0) + 1`, returns 7.
fn context() {
    let insns = [
        insn(0x79, 2, 1, 0, 0),
        insn(0x07, 2, 0, 0, 1),
        insn(0x7b, 1, 2, 8, 0),
        insn(0xb7, 0, 0, 0, 7),
        insn(0x95, 0, 0, 0, 0),
    ];
    let program = load(SYSCALL, 0, &insns.concat());
    let mut context = [0u64; 2].map(u64::to_ne_bytes).concat();
    context[0] = 41;
    let mut run = TestRun { context: &mut context, ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run).unwrap().retval, 7);
    let expected = u64::from_ne_bytes(context[..8].try_into().unwrap()) + 1;
    assert_eq!(context[8..], expected.to_ne_bytes());

    let mut run = TestRun { context: &mut context[..8], ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run), Err(Errno::EINVAL));
    let mut run = TestRun { context: &mut context, data: &[0; 14], ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run), Err(Errno::EINVAL));
}

fn socket_filter(insns: &[u8]) -> Load<'_> {
    Load { prog_type: SOCKET_FILTER, insns, license: c"GPL", ..Default::default() }
}

fn logs() {
    let sized = host::kernel_version().unwrap() >= KernelVersion::new(6, 4);
    let bad = insn(0x95, 0, 0, 0, 0); // exit without a value
    let mut buffer = vec![0xff; 4096];
    let mut log = Log::new(LogLevel::ERRORS, &mut buffer);
    assert_eq!(prog::load(&socket_filter(&bad), &mut log).unwrap_err(), Errno::EACCES);
    let text = String::from_utf8_lossy(log.text()).into_owned();
    assert!(text.contains("R0 !read_ok"), "{text}");
    let size = text.len() as u32 + 1;
    assert!(log.true_size == size || !sized);

    let mut small = [0; 16];
    let mut log = Log::new(LogLevel::ERRORS, &mut small);
    // Before, buffers of less than 128 bytes are not valid.
    let too_small = if sized { Errno::ENOSPC } else { Errno::EINVAL };
    assert_eq!(prog::load(&socket_filter(&bad), &mut log).unwrap_err(), too_small);
    assert!(log.true_size == size || !sized);

    let mut log = Log::new(LogLevel::ERRORS, &mut []);
    if sized {
        assert_eq!(prog::load(&socket_filter(&bad), &mut log).unwrap_err(), Errno::EACCES);
        assert_eq!(log.true_size, size);
    }
    assert_eq!(prog::load(&socket_filter(&bad), &mut Log::none()).unwrap_err(), Errno::EACCES);

    // A call refused before the verifier leaves no old text.
    let mut log = Log::new(LogLevel::ERRORS, &mut buffer);
    assert_eq!(prog::load(&socket_filter(&[]), &mut log).unwrap_err(), Errno::E2BIG);
    assert_eq!((log.text(), log.true_size), (&b""[..], 0));
    assert_eq!(prog::load(&socket_filter(&bad[..7]), &mut log).unwrap_err(), Errno::EINVAL);
    let mut log = Log::new(LogLevel::empty(), &mut buffer);
    assert_eq!(prog::load(&socket_filter(&bad), &mut log).unwrap_err(), Errno::EINVAL);
}

/// BTF of `int`, `int main(void)` with its strings; types 1, 2, 3.
fn main_btf() -> Vec<u8> {
    let mut btf = Vec::new();
    btf.extend(0xeb9fu16.to_ne_bytes());
    btf.extend([1, 0]);
    for word in [24u32, 0, 40, 40, 17] {
        btf.extend(word.to_ne_bytes());
    }
    let int = [1u32, 1 << 24, 4, 1 << 24 | 32];
    let proto = [0, 13 << 24, 1];
    let main = [5, 12 << 24 | 1, 2];
    for word in int.into_iter().chain(proto).chain(main) {
        btf.extend(word.to_ne_bytes());
    }
    btf.extend(b"\0int\0main\0a.rs\0x\0");
    btf
}

fn records() {
    let btf = btf::load(&main_btf(), None, &mut Log::none()).unwrap();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    let (func_info, line_info) = (words(&[0, 3]), words(&[0, 10, 15, 7 << 10 | 3]));
    let types = Btf { btf: btf.as_fd(), func_info: &func_info, line_info: &line_info, core_relos: &[] };
    let insns = returns(0);
    let program = prog::load(&Load { btf: Some(types), ..socket_filter(&insns) }, &mut Log::none()).unwrap();

    let (mut xlated, mut functions, mut lines, mut tags) = ([0; 16], [[0; 8]; 2], [[0; 16]; 2], [[0; 8]; 1]);
    let mut parts = info::ProgParts {
        xlated: &mut xlated,
        func_info: &mut functions,
        line_info: &mut lines,
        prog_tags: &mut tags,
        ..Default::default()
    };
    let told = info::program_parts(&program, &mut parts).unwrap();
    assert_eq!((told.nr_func_info, told.nr_line_info, told.xlated_prog_len), (1, 1, 16));
    assert_eq!(xlated.as_slice(), insns);
    assert_eq!((functions[0].as_slice(), lines[0].as_slice()), (&*func_info, &*line_info));
    assert_eq!((functions[1], tags[0]), ([0; 8], told.tag));
    let summary = info::btf(&btf, &mut [], &mut []).unwrap();
    assert_eq!(told.btf_id, summary.id);

    let types = Btf { func_info: &func_info[..7], ..types };
    let refused = prog::load(&Load { btf: Some(types), ..socket_filter(&insns) }, &mut Log::none());
    assert_eq!(refused.unwrap_err(), Errno::EINVAL);
}

/// `r1 = map by index 0 of fd_array`
fn maps() {
    let (map, other) = (create(ARRAY, 4, 4, 1), create(ARRAY, 4, 4, 1));
    let insns = [insn(0x18, 1, 5, 0, 0), insn(0, 0, 0, 0, 0), insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)];
    let (insns, fds) = (insns.concat(), [map.as_fd()]);
    let program = prog::load(&Load { fd_array: &fds, ..socket_filter(&insns) }, &mut Log::none()).unwrap();
    prog::bind_map(program.as_fd(), other.as_fd()).unwrap();
    prog::bind_map(program.as_fd(), other.as_fd()).unwrap();
    assert_eq!(prog::bind_map(map.as_fd(), map.as_fd()), Err(Errno::EINVAL));
    let mut ids = [0; 4];
    let mut parts = info::ProgParts { map_ids: &mut ids, ..Default::default() };
    let told = info::program_parts(&program, &mut parts).unwrap();
    let id = |map| info::map(map).unwrap().id;
    assert_eq!((told.nr_map_ids, ids), (2, [id(&map), id(&other), 0, 0]));
}

fn streams() {
    let program = load(SYSCALL, 0, &returns(0));
    let mut buffer = [0; 64];
    let known = host::kernel_version().unwrap() >= KernelVersion::new(6, 17);
    let expected = if known { Ok(0) } else { Err(Errno::EINVAL) };
    assert_eq!(prog::read_stream(&program, Stream::Stderr, &mut buffer), expected);
    assert_eq!(prog::read_stream(&program, Stream::Stdout, &mut buffer), expected);
}

fn repeated() {
    let program = load(CGROUP_SKB, 0, &returns(1));
    let mut run = TestRun { data: &[0; 64], repeat: 100, ..Default::default() };
    assert_eq!(prog::test_run(&program, &mut run).unwrap().retval, 1);
    let mut run = TestRun { data: &[0; 64], cpu: Some(0), ..Default::default() };
    // The CPU is for raw tracepoints only.
    assert_eq!(prog::test_run(&program, &mut run), Err(Errno::EINVAL));
}

fn load_btf() {
    let good = int_btf();
    let loaded = btf::load(&good, None, &mut Log::none()).unwrap();
    let mut data = vec![0; good.len() + 8];
    let mut name = [0xff; 8];
    let summary = info::btf(&loaded, &mut data, &mut name).unwrap();
    assert_eq!((summary.size as usize, summary.of_kernel, summary.name_len), (good.len(), false, 0));
    assert_eq!(data[..good.len()], good);
    assert_eq!(name[0], 0);

    let mut bad = good.clone();
    bad[24] = 200; // the name is outside of the strings
    let mut buffer = [0; 4096];
    let mut log = Log::new(LogLevel::ERRORS, &mut buffer);
    assert_eq!(btf::load(&bad, None, &mut log).unwrap_err(), Errno::EINVAL);
    let text = String::from_utf8_lossy(log.text());
    assert!(text.contains("name_offset"), "{text}");
    assert!(btf::load(&[], None, &mut Log::none()).is_err());
}
