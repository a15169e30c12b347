//! What is read from the running kernel besides bpf(2).

use std::time::Duration;

use bpfsmith::base::{Capabilities, Errno, KernelVersion};
use bpfsmith::sys::host;

use crate::support::{Suite, has_vmlinux_btf};

pub fn add(suite: &mut Suite) {
    suite.test("host: CPUs, page, release, clock", facts);
    suite.test("host: capabilities are those of the status file", capabilities);
    suite.test("host: module names cannot be paths", module_names);
    suite.test_if(has_vmlinux_btf, "host: the kernel's BTF, mapped or read, is the file", vmlinux);
}

fn facts() {
    let cpus = host::possible_cpus().unwrap();
    assert!(cpus >= 1 && cpus as usize >= std::thread::available_parallelism().unwrap().get());
    assert!(host::page_size().unwrap().is_power_of_two());
    assert!(host::kernel_version().unwrap() >= KernelVersion::new(4, 0));
    let before = host::monotonic().unwrap();
    assert!(before > Duration::ZERO && host::monotonic().unwrap() >= before);
    host::unprivileged_bpf().unwrap();
}

fn capabilities() {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let have = host::capabilities().unwrap();
    if host::in_initial_user_namespace().unwrap() {
        assert!(status.contains(&format!("CapEff:\t{:016x}", have.bits())), "{have:?}");
    } else {
        assert_eq!(have, Capabilities::empty());
    }
}

fn module_names() {
    for name in ["", "../btf/vmlinux", "a/b", ".", "no such module"] {
        assert_eq!(host::kernel_btf(name).unwrap_err(), Errno::EINVAL, "{name}");
    }
    assert_eq!(host::kernel_btf("bpfsmith_has_none").unwrap_err(), Errno::ENOENT);
}

fn vmlinux() {
    let btf = host::vmlinux_btf().unwrap();
    assert!(*btf == std::fs::read("/sys/kernel/btf/vmlinux").unwrap(), "{btf:?}");
    if host::kernel_version().unwrap() >= KernelVersion::new(6, 16) {
        assert!(btf.is_mapped());
    }
}
