//! Iterators: what their programs write is read as a file.

use std::io::{self, Read};
use std::path::Path;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R6, R7};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::Errno;
use bpfsmith::kernel::{Loaded, unpin};
use bpfsmith::kind::ProgramKind;
use bpfsmith::link::{CgroupOrder, IterLink, IterOver, LinkError};
use bpfsmith::map::MapSpec;
use bpfsmith::program::ProgramSpec;

use super::rig::Counting;
use crate::common::{FP, builder, load};
use crate::support::{
    Condition, Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_kernel, has_vmlinux_btf,
    with_bpffs,
};

pub fn add(suite: &mut Suite) {
    const NEEDED: &[fn() -> Condition] = &[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf];
    suite.test_if(all(NEEDED), "links: an iterator writes the elements of a map", elements);
    suite.test_if(all(NEEDED), "links: an iterator's program is swapped", swapped);
    suite.test_if(
        all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf, has_cap_sys_admin]),
        "links: a pinned iterator is read as a file",
        || with_bpffs(pinned),
    );
    let partial = all(&[has_cap_bpf, has_cap_perfmon, has_vmlinux_btf, || has_kernel(6, 1)]);
    suite.test_if(partial, "links: an iterator walks a part", partial_walks);
}

/// Writes every value of the map it walks. Its context: `meta`, `map`, `key`, `value`; the key is null at the end.
fn writes_values() -> Loaded {
    let mut a = Assembler::new();
    let out = a.label();
    a.ldx(Size::DW, R6, R1, 0).ldx(Size::DW, R7, R1, 24).jeq(R7, 0, out);
    a.ldx(Size::DW, R2, R7, 0).stx(Size::DW, FP, -8, R2);
    a.ldx(Size::DW, R1, R6, 0).mov(R2, FP).add(R2, -8).mov(R3, 8).call(Helper::SEQ_WRITE);
    a.bind(out).mov(R0, 0).exit();
    let mut object = builder();
    object.add_map(MapSpec::array::<u64>("walked").max_entries(3));
    object.add_program(ProgramSpec::new("prog", ProgramKind::ITER).attach_to("bpf_map_elem"), a.finish());
    load(&object.finish().unwrap())
}

fn read(mut file: impl Read) -> Vec<u64> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes.chunks_exact(8).map(|value| u64::from_ne_bytes(value.try_into().unwrap())).collect()
}

fn filled() -> Loaded {
    let loaded = writes_values();
    let map = loaded.typed_map::<u32, u64>("walked").unwrap();
    for key in 0..3 {
        map.set(&key, &(u64::from(key) + 100)).unwrap();
    }
    loaded
}

fn over_elements(loaded: &Loaded) -> IterLink {
    let over = IterOver::Map(loaded.map("walked").unwrap());
    IterLink::attach_over(loaded.program("prog").unwrap(), over).unwrap()
}

fn elements() {
    let loaded = filled();
    let link = over_elements(&loaded);
    assert_eq!(read(link.output().unwrap()), [100, 101, 102]);
    loaded.typed_map::<u32, u64>("walked").unwrap().set(&1, &7).unwrap();
    assert_eq!(read(link.output().unwrap()), [100, 7, 102]);
    let info = link.info().unwrap();
    assert_eq!(
        (info.target.as_slice(), info.prog_id),
        (&b"bpf_map_elem"[..], loaded.program("prog").unwrap().id().unwrap())
    );
    assert_ne!(info.map_id, 0);
    // It wants a map.
    let error = IterLink::attach(loaded.program("prog").unwrap()).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EBADF, cause: Some(_), .. }), "{error}");
}

fn iterates(target: &str) -> Counting {
    Counting::of(ProgramSpec::new("prog", ProgramKind::ITER).attach_to(target), 0)
}

fn swapped() {
    let (one, two, other) = (iterates("bpf_map"), iterates("bpf_map"), iterates("task"));
    let mut link = IterLink::attach(one.program()).unwrap();
    io::copy(&mut link.output().unwrap(), &mut io::sink()).unwrap();
    let seen = one.runs();
    assert!(seen > 0);
    let error = link.replace(two.program(), two.program()).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EPERM, .. }), "{error}");
    let error = link.update(other.program()).unwrap_err();
    assert!(matches!(error, LinkError::Kernel { errno: Errno::EINVAL, .. }), "{error}");
    link.replace(one.program(), two.program()).unwrap();
    io::copy(&mut link.output().unwrap(), &mut io::sink()).unwrap();
    assert_eq!(one.runs(), seen);
    assert!(two.runs() > 0);
}

fn pinned(bpffs: &Path) {
    let loaded = filled();
    let path = bpffs.join("walk");
    over_elements(&loaded).pin(&path).unwrap();
    assert_eq!(read(std::fs::File::open(&path).unwrap()), [100, 101, 102]);
    assert_eq!(read(IterLink::open(&path).unwrap().output().unwrap()), [100, 101, 102]);
    unpin(&path).unwrap();
}

/// How often a program runs in one walk.
fn runs(counts: &Counting, over: IterOver<'_>) -> u64 {
    let before = counts.runs();
    let link = IterLink::attach_over(counts.program(), over).unwrap();
    io::copy(&mut link.output().unwrap(), &mut io::sink()).unwrap();
    counts.runs() - before
}

/// Every walk ends with one more run, without an object.
fn partial_walks() {
    let tasks = iterates("task");
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let thread = thread.file_name().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(runs(&tasks, IterOver::Thread(thread)), 2);
    assert!(runs(&tasks, IterOver::Process(std::process::id())) >= 3);
    let cgroups = iterates("cgroup");
    let walk = |order| IterOver::Cgroups { order, from: None };
    assert_eq!(runs(&cgroups, walk(CgroupOrder::SelfOnly)), 2);
    assert_eq!(runs(&cgroups, walk(CgroupOrder::AncestorsUp)), 2);
    assert!(runs(&cgroups, walk(CgroupOrder::DescendantsPre)) >= 2);
}
