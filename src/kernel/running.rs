//! The running kernel as a target: reads only what the needs of an object name.

use std::fs;

use thiserror::Error;

use crate::base::{Capabilities, Endian, Errno};
use crate::object::{Need, Needs};
use crate::sys::{host, ids, info};
use crate::target::Target;

/// What of the running kernel could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {errno}")]
pub struct TargetError {
    /// A file or a fact.
    pub what: &'static str,
    /// Why.
    pub errno: Errno,
}

const SYMBOLS: &str = "/proc/kallsyms";

impl Target {
    /// The kernel this process runs on, as far as `needs` ask for it: for an object without needs that is
    /// its release, no file and no bpf(2) call.
    ///
    /// # Errors
    /// What had to be read and could not be.
    pub fn running(needs: &Needs) -> Result<Self, TargetError> {
        let mut target = Self::unknown(Endian::NATIVE);
        if let Ok(release) = host::kernel_version() {
            target = target.with_release_hint(release);
        }
        if needs.capabilities()
            && let Some(capabilities) = capabilities()
        {
            target = target.with_capabilities(capabilities);
        }
        if needs.kernel_btf() {
            let btf = host::vmlinux_btf().map_err(|errno| TargetError { what: "the kernel's BTF", errno })?;
            target = target.with_btf(btf);
        }
        if needs.iter().any(|(need, _)| matches!(need, Need::PossibleCpus(_))) {
            let cpus = host::possible_cpus().map_err(|errno| TargetError { what: "possible CPUs", errno })?;
            target = target.with_possible_cpus(cpus);
        }
        let names: Vec<&str> = needs.addresses().collect();
        if names.is_empty() { Ok(target) } else { with_addresses(target, &names) }
    }

    /// Adds the BTF of the running kernel's module `name`, for names the kernel's own BTF does not have (since 5.11). Walks
    /// the BTF objects of the system to find its number, which needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// What could not be read; ENOENT where no such module is loaded.
    pub fn with_running_module(self, name: &str) -> Result<Self, TargetError> {
        let wrong = |errno| TargetError { what: "the BTF of a kernel module", errno };
        let bytes = host::kernel_btf(name).map_err(wrong)?;
        let id = module_id(name).map_err(wrong)?;
        Ok(self.with_module(name, id, bytes))
    }
}

fn module_id(name: &str) -> Result<u32, Errno> {
    // Module names have at most 55 bytes (MODULE_NAME_LEN, 64-bit machines).
    let mut buffer = [0; 64];
    for id in ids::all(ids::Kind::Btf) {
        let id = id?;
        let summary = info::btf(&ids::btf_fd(id, None)?, &mut [], &mut buffer)?;
        let found = buffer.get(..summary.name_len as usize).unwrap_or_default();
        if summary.of_kernel && found == name.as_bytes() {
            return Ok(id);
        }
    }
    Err(Errno::ENOENT)
}

/// What counts for bpf(2): in another user namespace than the first, nothing.
fn capabilities() -> Option<Capabilities> {
    match host::in_initial_user_namespace() {
        Ok(false) => Some(Capabilities::empty()),
        _ => host::capabilities().ok(),
    }
}

/// `/proc/kallsyms`: an address in hex, a letter, a name. Without the right to know, addresses read as 0.
fn with_addresses(mut target: Target, names: &[&str]) -> Result<Target, TargetError> {
    let symbols = fs::read(SYMBOLS).map_err(|error| unreadable(SYMBOLS, &error))?;
    let wanted: std::collections::BTreeSet<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    for line in symbols.split(|&byte| byte == b'\n') {
        let mut words = line.split(|byte| byte.is_ascii_whitespace());
        let (Some(address), Some(_), Some(name)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if !wanted.contains(name) {
            continue;
        }
        let address = std::str::from_utf8(address).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
        if let (Some(address @ 1..), Ok(name)) = (address, std::str::from_utf8(name)) {
            target = target.with_symbol(name, address);
        }
    }
    Ok(target)
}

fn unreadable(what: &'static str, error: &std::io::Error) -> TargetError {
    TargetError { what, errno: Errno(error.raw_os_error().unwrap_or(Errno::EIO.0)) }
}
