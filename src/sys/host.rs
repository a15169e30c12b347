//! What else is read from the running kernel: CPUs, pages, release, clock, capabilities, its BTF.

mod btf;
mod caps;

use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::statfs::{FsType, SYSFS_MAGIC, fstatfs};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

pub use btf::{KernelBtf, kernel_btf, vmlinux_btf};
pub use caps::{capabilities, in_initial_user_namespace};

use super::errno;
pub use crate::base::Capabilities;
use crate::base::{Errno, KernelVersion};

/// How many CPUs the kernel can ever have: as many values has an element of a per-CPU map. Read once.
///
/// Not the CPUs that are there, or that this process may use. Only the kernel's own word counts, since the kernel writes that
/// many values: a file that is not on sysfs is refused.
///
/// # Errors
/// Those of opening and reading `/sys/devices/system/cpu/possible`; `EINVAL`: it is not on sysfs, or not a list of CPUs.
pub fn possible_cpus() -> Result<u32, Errno> {
    static CPUS: OnceLock<u32> = OnceLock::new();
    if let Some(&cpus) = CPUS.get() {
        return Ok(cpus);
    }
    let list = read_sysfs("/sys/devices/system/cpu/possible")?;
    let cpus = count_cpus(&list).ok_or(Errno::EINVAL)?;
    Ok(*CPUS.get_or_init(|| cpus))
}

fn read_sysfs(path: &str) -> Result<String, Errno> {
    let mut file = fs::File::open(path).map_err(|error| errno::from_io(&error))?;
    if !is_sysfs(&file)? {
        return Err(Errno::EINVAL);
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| errno::from_io(&error))?;
    Ok(text)
}

fn is_sysfs(file: impl AsFd) -> Result<bool, Errno> {
    let kind: FsType = fstatfs(file).map_err(errno::from_nix)?.filesystem_type();
    Ok(kind == SYSFS_MAGIC)
}

/// The CPUs in a list such as `0-3,5`: ranges that ascend and do not meet.
fn count_cpus(list: &str) -> Option<u32> {
    let mut count = 0u32;
    let mut free = 0u32;
    for range in list.trim_end().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        if first < free || last < first {
            return None;
        }
        free = last.checked_add(1)?;
        count = count.checked_add(free - first)?;
    }
    Some(count)
}

/// A number of digits only: `parse` would take a sign.
fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Bytes of a page of memory.
///
/// # Errors
/// Those of `sysconf`; it has none for this.
pub fn page_size() -> Result<usize, Errno> {
    let size = sysconf(SysconfVar::PAGE_SIZE).map_err(errno::from_nix)?;
    size.and_then(|size| usize::try_from(size).ok()).ok_or(Errno::EINVAL)
}

/// The release that uname gives. A hint: distributions bring features to older releases.
///
/// # Errors
/// `EINVAL`: it does not begin with two numbers.
pub fn kernel_version() -> Result<KernelVersion, Errno> {
    let name = nix::sys::utsname::uname().map_err(errno::from_nix)?;
    name.release().to_str().and_then(parse_release).ok_or(Errno::EINVAL)
}

/// The first two numbers of `6.18.44-fc`.
fn parse_release(release: &str) -> Option<KernelVersion> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let rest = release.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(KernelVersion::new(major, minor))
}

/// The monotonic clock, which `bpf_ktime_get_ns` and timers go by: time since boot without suspension.
///
/// # Errors
/// Those of `clock_gettime`; it has none for this clock.
pub fn monotonic() -> Result<Duration, Errno> {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).map_err(errno::from_nix)
}

/// Who may call bpf(2) without capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnprivilegedBpf {
    /// Everybody, for what needs none.
    Allowed,
    /// Nobody, until the next boot.
    DisabledForGood,
    /// Nobody, until an administrator changes it (5.13).
    Disabled,
}

/// Who may call bpf(2) without capabilities, by the sysctl `kernel.unprivileged_bpf_disabled` (4.4).
///
/// # Errors
/// Those of reading the sysctl; `ENOENT`: a kernel without bpf(2). `EINVAL`: a value not known here.
#[doc(alias = "unprivileged_bpf_disabled")]
pub fn unprivileged_bpf() -> Result<UnprivilegedBpf, Errno> {
    let path = "/proc/sys/kernel/unprivileged_bpf_disabled";
    let text = fs::read_to_string(path).map_err(|error| errno::from_io(&error))?;
    match text.trim_end() {
        "0" => Ok(UnprivilegedBpf::Allowed),
        "1" => Ok(UnprivilegedBpf::DisabledForGood),
        "2" => Ok(UnprivilegedBpf::Disabled),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::{KernelVersion, count_cpus, parse_release};

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count_cpus("0\n"), Some(1));
        assert_eq!(count_cpus("0-3,5\n"), Some(5));
        assert_eq!(count_cpus("0-255"), Some(256));
        assert_eq!(count_cpus("0,2-3,8-8"), Some(4));
    }

    #[test]
    fn what_is_no_cpu_list_is_refused() {
        for list in ["", "\n", "a", "3-1", "0-", "-1", "0,,1", "0-3,2", "+1", "0-4294967295", "0-3 5"] {
            assert_eq!(count_cpus(list), None, "{list:?}");
        }
    }

    #[test]
    fn releases_are_their_first_two_numbers() {
        assert_eq!(parse_release("6.18.44-fc-v669"), Some(KernelVersion::new(6, 18)));
        assert_eq!(parse_release("5.10-rc3+"), Some(KernelVersion::new(5, 10)));
        assert_eq!(parse_release("7.2"), Some(KernelVersion::new(7, 2)));
        for release in ["", "6", "6.", "6-rc1.2", "a6.1", "6.x", "99999.1", ".6.1"] {
            assert_eq!(parse_release(release), None, "{release:?}");
        }
    }
}
