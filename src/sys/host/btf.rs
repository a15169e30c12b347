//! The BTF of the kernel and its modules, as files on sysfs.
//!
//! Unsafe because a mapping is memory that others might change. This one is of the kernel's own read-only data: sysfs gives
//! out those pages only, and takes no writes.

use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::is_sysfs;
use crate::base::Errno;
use crate::sys::errno;

/// The bytes of one BTF file of the kernel: mapped where the kernel allows (vmlinux, 6.16), else read.
pub struct KernelBtf(Bytes);

enum Bytes {
    Mapped { start: NonNull<c_void>, length: NonZeroUsize },
    Read(Vec<u8>),
}

// SAFETY: the mapping is read-only, of memory nobody writes to, and not bound to a thread.
unsafe impl Send for Bytes {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Bytes {}

impl KernelBtf {
    /// Whether the bytes are mapped, not copied.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Bytes::Mapped { .. })
    }
}

impl Deref for KernelBtf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: the mapping holds `length` readable bytes until it is dropped, and they never change.
            Bytes::Mapped { start, length } => unsafe {
                std::slice::from_raw_parts(start.as_ptr().cast(), length.get())
            },
            Bytes::Read(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for KernelBtf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for KernelBtf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelBtf").field("len", &self.len()).field("mapped", &self.is_mapped()).finish()
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Self::Mapped { start, length } = *self {
            // SAFETY: mapped by `map` below with this length, and no reference is left. It cannot fail on a whole mapping.
            let _ = unsafe { munmap(start, length.get()) };
        }
    }
}

/// The kernel's own BTF (5.4).
///
/// # Errors
/// Those of opening and reading `/sys/kernel/btf/vmlinux`. `ENOENT`: built without BTF. `EINVAL`: not on sysfs.
pub fn vmlinux_btf() -> Result<KernelBtf, Errno> {
    kernel_btf("vmlinux")
}

/// The BTF of a module, or of `vmlinux` (5.11). A module's is split: its types go on from those of vmlinux.
///
/// # Errors
/// Those of opening and reading the file. `ENOENT`: no such module, or it has no BTF. `EINVAL`: not the name of a module.
pub fn kernel_btf(module: &str) -> Result<KernelBtf, Errno> {
    let is_name = module.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if !is_name || module.is_empty() {
        return Err(Errno::EINVAL);
    }
    let file = File::open(format!("/sys/kernel/btf/{module}")).map_err(|error| errno::from_io(&error))?;
    if !is_sysfs(&file)? {
        return Err(Errno::EINVAL);
    }
    let length = file.metadata().map_err(|error| errno::from_io(&error))?.len();
    let length = usize::try_from(length).ok().and_then(NonZeroUsize::new);
    match length.and_then(|length| map(&file, length)) {
        Some(bytes) => Ok(KernelBtf(bytes)),
        None => read(file).map(KernelBtf),
    }
}

/// Nothing where the file cannot be mapped: an older kernel, or a module.
fn map(file: &File, length: NonZeroUsize) -> Option<Bytes> {
    // SAFETY: a new mapping, which replaces none.
    let start = unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0) }.ok()?;
    Some(Bytes::Mapped { start, length })
}

fn read(mut file: File) -> Result<Bytes, Errno> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| errno::from_io(&error))?;
    Ok(Bytes::Read(bytes))
}
