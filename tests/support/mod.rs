//! What tests on a running kernel share: tests that find out that they cannot run, and say why.
//!
//! A test file with `harness = false` fills a [`Suite`] and runs it:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     let mut suite = Suite::new();
//!     suite.test("always", || assert!(true));
//!     suite.test_if(has_cap_bpf, "loads", || { .. });
//!     suite.run()
//! }
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]
// Each test file uses a part.
#![allow(dead_code)]

use std::ffi::{CString, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use libtest_mimic::{Arguments, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use bpfsmith::asm::Isa;
use bpfsmith::base::{Capabilities, KernelVersion};
use bpfsmith::sys::host;

/// Whether a test can run, or why not.
pub type Condition = Result<(), String>;

/// Tests of one file.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
    /// What all tests need that are added now.
    floor: Option<(KernelVersion, &'static str)>,
}

impl Suite {
    pub fn new() -> Self {
        Self::default()
    }

    /// A test that can always run.
    pub fn test(&mut self, name: &str, test: impl FnOnce() + Send + 'static) {
        self.trials.push(trial(name, test));
    }

    /// A test that runs where `condition` holds, and else is reported as ignored, because of what it says.
    pub fn test_if(
        &mut self,
        condition: impl FnOnce() -> Condition,
        name: &str,
        test: impl FnOnce() + Send + 'static,
    ) {
        let trial = trial(name, test);
        let old_enough = self.floor.map_or(Ok(()), |(since, what)| has_since(since, what));
        self.trials.push(match old_enough.and_then(|()| condition()) {
            Ok(()) => trial,
            Err(reason) => trial.with_kind(format!("ignored, because {reason}")).with_ignored_flag(true),
        });
    }

    /// Adds tests that all need `what`, which came with `since`.
    pub fn since(&mut self, since: KernelVersion, what: &'static str, add: impl FnOnce(&mut Self)) {
        self.floor = Some((since, what));
        add(self);
        self.floor = None;
    }

    /// Runs them with the arguments of the process.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.trials).exit_code()
    }
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// Both conditions.
pub fn all(conditions: &'static [fn() -> Condition]) -> impl Fn() -> Condition + Copy {
    move || conditions.iter().try_for_each(|condition| condition())
}

/// A kernel that is new enough for `what`.
pub fn has_since(since: KernelVersion, what: &str) -> Condition {
    let kernel = host::kernel_version().map_err(|errno| format!("the release is unknown: {errno}"))?;
    if kernel >= since { Ok(()) } else { Err(format!("Linux {kernel} has no {what}")) }
}

/// May load programs of these instructions, by a kernel that runs them.
pub fn may_use(isa: Isa) -> impl Fn() -> Condition + Copy {
    move || {
        isa.since().map_or(Ok(()), |since| has_since(since, "instructions for it"))?;
        has_cap_bpf()
    }
}

/// May load programs: `CAP_BPF`, or before 5.8 `CAP_SYS_ADMIN`, in the initial user namespace.
pub fn has_cap_bpf() -> Condition {
    has(Capabilities::BPF, "CAP_BPF")
}

/// May load and attach programs that see packets.
pub fn has_cap_net_admin() -> Condition {
    has(Capabilities::NET_ADMIN, "CAP_NET_ADMIN")
}

/// May load programs that trace.
pub fn has_cap_perfmon() -> Condition {
    has(Capabilities::PERFMON, "CAP_PERFMON")
}

/// May walk ids, mount, and the rest.
pub fn has_cap_sys_admin() -> Condition {
    has(Capabilities::SYS_ADMIN, "CAP_SYS_ADMIN")
}

fn has(capability: Capabilities, name: &str) -> Condition {
    let have = host::capabilities().map_err(|errno| format!("capabilities are unknown: {errno}"))?;
    if have.lacking(capability).is_empty() { Ok(()) } else { Err(format!("{name} is missing")) }
}

/// The kernel says it is of this release, or later.
pub fn has_kernel(major: u16, minor: u16) -> Condition {
    let wanted = KernelVersion::new(major, minor);
    match host::kernel_version() {
        Ok(running) if running < wanted => Err(format!("Linux {running} is older than {wanted}")),
        _ => Ok(()),
    }
}

/// The kernel's BTF can be read.
pub fn has_vmlinux_btf() -> Condition {
    match host::vmlinux_btf() {
        Ok(_) => Ok(()),
        Err(errno) => Err(format!("/sys/kernel/btf/vmlinux is unreadable: {errno}")),
    }
}

/// A cgroup2 hierarchy is mounted where this process may make cgroups.
pub fn has_cgroup2() -> Condition {
    cgroup2_mount().ok_or("no cgroup2 is mounted")?;
    Cgroup::new().map(drop).ok_or_else(|| "no cgroup can be made".into())
}

fn cgroup2_mount() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    Some(unescape(line.split(' ').nth(1)?))
}

/// Paths in mount tables have `\040` for a space, and the like.
fn unescape(path: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

/// A cgroup of the tests' own, removed when dropped.
pub struct Cgroup(PathBuf);

impl Cgroup {
    pub fn new() -> Option<Self> {
        let path = cgroup2_mount()?.join(unique("bpfsmith-test"));
        fs::create_dir(&path).ok()?;
        Some(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn open(&self) -> fs::File {
        fs::File::open(&self.0).unwrap()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// A directory of the tests' own, removed when dropped.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(unique("bpfsmith-test"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Runs `test` with a BPF file system at the path it is given. Nobody else sees the mount, and it goes with the thread.
pub fn with_bpffs(test: impl FnOnce(&Path) + Send) {
    let directory = TempDir::new();
    on_own_thread(CloneFlags::CLONE_NEWNS, || {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
        mount(Some("bpffs"), directory.path(), Some("bpf"), MsFlags::empty(), None::<&str>).unwrap();
        test(directory.path());
    });
}

/// Runs `test` in a network namespace of its own, which goes with the thread; its loopback is down.
pub fn with_own_network(test: impl FnOnce() + Send) {
    on_own_thread(CloneFlags::CLONE_NEWNET, test);
}

/// Runs `test` with a table of descriptors of its own: what other tests open does not show in it.
pub fn with_own_descriptors(test: impl FnOnce() + Send) {
    on_own_thread(CloneFlags::CLONE_FILES, test);
}

/// The descriptors this thread has open.
pub fn open_descriptors() -> usize {
    fs::read_dir("/proc/thread-self/fd").unwrap().count()
}

fn on_own_thread(unshared: CloneFlags, test: impl FnOnce() + Send) {
    let outcome = thread::scope(|scope| {
        let body = || {
            unshare(unshared).unwrap();
            test();
        };
        scope.spawn(body).join()
    });
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A path for the kernel.
pub fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap()
}
