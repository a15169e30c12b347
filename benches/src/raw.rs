//! The limits: bpf(2) and mmap(2) with nothing around them.
//!
//! Unsafe because system calls are; every one here gets pointers to live values of the size it is told.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A file mapped whole.
pub struct Mapping {
    start: *mut libc::c_void,
    length: usize,
}

impl Mapping {
    pub fn of(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len() as usize;
        // SAFETY: a new mapping, which replaces none.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Self { start, length }) }
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: mapped with this length until dropped; sysfs's BTF never changes.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `of`, and no reference is left.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

/// The members of `union bpf_attr` that the benches use, as far as they use them.
pub mod attr {
    #[repr(C)]
    #[derive(Default)]
    pub struct MapCreate {
        pub map_type: u32,
        pub key_size: u32,
        pub value_size: u32,
        pub max_entries: u32,
        pub map_flags: u32,
        pub inner_map_fd: u32,
        pub numa_node: u32,
        pub map_name: [u8; 16],
        pub map_ifindex: u32,
        pub btf_fd: u32,
        pub btf_key_type_id: u32,
        pub btf_value_type_id: u32,
    }

    #[repr(C)]
    #[derive(Default)]
    pub struct MapElem {
        pub map_fd: u64,
        pub key: u64,
        pub value: u64,
        pub flags: u64,
    }

    #[repr(C)]
    #[derive(Default)]
    pub struct ProgLoad {
        pub prog_type: u32,
        pub insn_cnt: u32,
        pub insns: u64,
        pub license: u64,
        pub log_level: u32,
        pub log_size: u32,
        pub log_buf: u64,
        pub kern_version: u32,
        pub prog_flags: u32,
        pub prog_name: [u8; 16],
        pub prog_ifindex: u32,
        pub expected_attach_type: u32,
        pub prog_btf_fd: u32,
        pub func_info_rec_size: u32,
        pub func_info: u64,
        pub func_info_cnt: u32,
        pub line_info_rec_size: u32,
        pub line_info: u64,
        pub line_info_cnt: u32,
        pub attach_btf_id: u32,
        pub attach_prog_fd: u32,
        pub core_relo_cnt: u32,
        pub fd_array: u64,
    }

    #[repr(C)]
    #[derive(Default)]
    pub struct BtfLoad {
        pub btf: u64,
        pub log_buf: u64,
        pub btf_size: u32,
        pub log_size: u32,
        pub log_level: u32,
        pub flags: u32,
    }
}

pub const MAP_CREATE: libc::c_int = 0;
pub const MAP_LOOKUP_ELEM: libc::c_int = 1;
pub const MAP_UPDATE_ELEM: libc::c_int = 2;
pub const PROG_LOAD: libc::c_int = 5;
pub const BTF_LOAD: libc::c_int = 18;

/// # Safety
/// `A` is the member of `union bpf_attr` for `command`, and its pointers are good for it.
#[inline]
pub unsafe fn bpf<A>(command: libc::c_int, attr: &mut A) -> io::Result<libc::c_long> {
    // SAFETY: the attributes are live for the call; the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<A>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// # Safety
/// As of [`bpf`]; and `command` gives a descriptor.
pub unsafe fn bpf_fd<A>(command: libc::c_int, attr: &mut A) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(command, attr) }?;
    // SAFETY: the kernel has just opened it for this process.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
