//! The one place that calls bpf(2), and how Rust values become its arguments.
//!
//! Unsafe because a system call reads and writes whatever memory its arguments point to. All callers go through [`call`]
//! and state why their pointers are good.

use std::ffi::{CStr, c_long};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};

use super::abi::{Command, Plain};
use super::errno;
use crate::base::Errno;

/// A structure the kernel reads and writes, with room behind it.
///
/// The kernel writes replies at their places in `union bpf_attr` no matter which size it was told, and a later kernel may
/// have replies further behind: the room takes them. It reads no further than the size it was told, so nothing is put there.
#[repr(C)]
struct Roomy<A> {
    head: A,
    room: MaybeUninit<[u64; 32]>,
}

impl<A> Roomy<A> {
    fn new(head: A) -> Self {
        Self { head, room: MaybeUninit::uninit() }
    }
}

/// Makes one bpf(2) call. `attr` is replaced by what the kernel left of it, whether the call succeeded or not.
///
/// The size told is the end of the last field that is not zero, but at least `least` bytes: pass the end of the last field
/// the kernel is to write.
///
/// # Safety
/// For `command`, every pointer in `attr` is null or valid for all the kernel reads and writes through it.
#[inline(always)] // So that the attributes are built in place, and not copied back where nobody looks at them.
pub(super) unsafe fn call<A: Plain>(command: Command, attr: &mut A, least: usize) -> Result<c_long, Errno> {
    let size = told_size(attr, least);
    let mut roomy = Roomy::new(*attr);
    // SAFETY: the attributes are a live, 8-aligned buffer whose first `size` bytes are initialised, of more bytes than the 168
    // of the largest member of the union, within which the kernel writes its replies; what they point to is the caller's
    // promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command.0, &raw mut roomy, size) };
    // A copy makes no system call: errno is still this one's.
    *attr = roomy.head;
    if result < 0 { Err(errno::last()) } else { Ok(result) }
}

/// Makes one bpf(2) call whose result is a new file descriptor.
///
/// # Safety
/// As for [`call`]; and the command is one that returns a descriptor.
pub(super) unsafe fn call_fd<A: Plain>(
    command: Command,
    attr: &mut A,
    least: usize,
) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller's promise.
    let raw = unsafe { call(command, attr, least) }?;
    let raw = i32::try_from(raw).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the kernel has just opened it for this process, and nobody else knows of it.
    above_standard(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Moves a descriptor out of 0 to 2, which only happens where the process has closed those: as an attribute, 0 means none.
fn above_standard(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    let raw = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(errno::from_nix)?;
    // SAFETY: a duplicate that the kernel has just made, unknown to anybody else.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// The end of the last field of `attr` that is not zero, but at least `least`.
#[inline]
fn told_size<A: Plain>(attr: &A, least: usize) -> usize {
    if least >= size_of::<A>() { size_of::<A>() } else { used_size(attr).max(least) }
}

fn used_size<A: Plain>(attr: &A) -> usize {
    let bytes = as_bytes(attr);
    let (words, rest) = bytes.as_chunks::<4>();
    let used = match rest.iter().rposition(|&byte| byte != 0) {
        Some(last) => words.len() * 4 + last + 1,
        None => words.iter().rposition(|word| *word != [0; 4]).map_or(0, |last| last * 4 + 1),
    };
    A::ENDS.iter().copied().find(|&end| end >= used).unwrap_or(used)
}

/// The bytes of a plain structure.
pub(super) fn as_bytes<A: Plain>(plain: &A) -> &[u8] {
    // SAFETY: `Plain` promises that all bytes are initialised; they live as long as the reference.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(plain).cast(), size_of::<A>()) }
}

/// Asks for a reply record of type `I` about the object `fd`; in `info`, the questions (pointers, counts).
///
/// # Safety
/// `fd` is of the kind that `I` is the record of; every pointer in `info` is null or valid for what the kernel writes there.
pub(super) unsafe fn get_info<I: Plain>(fd: BorrowedFd<'_>, info: I) -> Result<I, Errno> {
    use super::abi::GetInfo;
    let mut roomy = Roomy::new(info);
    let mut attr = GetInfo {
        bpf_fd: descriptor(fd),
        info_len: u32::try_from(size_of::<I>()).map_err(|_| Errno::E2BIG)?,
        info: (&raw mut roomy).expose_provenance() as u64,
    };
    // SAFETY: `info` is a live buffer of at least `info_len` bytes, and the kernel writes no more than that into it; the
    // pointers in it are the caller's promise.
    unsafe { call(Command::OBJ_GET_INFO_BY_FD, &mut attr, size_of::<GetInfo>()) }?;
    Ok(roomy.head)
}

/// A descriptor as an attribute.
pub(super) fn descriptor(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// A descriptor that may be left out as an attribute: 0 is none.
pub(super) fn optional(fd: Option<BorrowedFd<'_>>) -> u32 {
    fd.map_or(0, descriptor)
}

/// The flag that says an optional attribute is there.
pub(super) fn implied<T>(attribute: Option<T>, flag: u32) -> u32 {
    if attribute.is_some() { flag } else { 0 }
}

/// [`optional`] for attributes the kernel declares signed.
pub(super) fn optional_signed(fd: Option<BorrowedFd<'_>>) -> i32 {
    fd.map_or(0, |fd| fd.as_raw_fd())
}

/// Where the kernel reads `items`; null when there are none.
pub(super) fn input<T>(items: &[T]) -> u64 {
    if items.is_empty() { 0 } else { items.as_ptr().expose_provenance() as u64 }
}

/// Where the kernel writes into `items`; null when there is no room. Only for integers, of which any bytes are a value.
pub(super) fn output<T: Integer>(items: &mut [T]) -> u64 {
    if items.is_empty() { 0 } else { items.as_mut_ptr().expose_provenance() as u64 }
}

/// Where the kernel reads a string.
pub(super) fn string(text: &CStr) -> u64 {
    text.as_ptr().expose_provenance() as u64
}

/// What the kernel may write bytes into.
pub(super) trait Integer: Copy {}
impl Integer for u8 {}
impl Integer for u32 {}
impl Integer for u64 {}
impl<const N: usize> Integer for [u8; N] {}

/// The number of `items` as an attribute.
pub(super) fn count<T>(items: &[T]) -> Result<u32, Errno> {
    u32::try_from(items.len()).map_err(|_| Errno::E2BIG)
}

/// The number of records of `size` bytes that `bytes` are; a rest is `EINVAL`.
pub(super) fn records(bytes: &[u8], size: u32) -> Result<u32, Errno> {
    let length = count(bytes)?;
    match length.checked_rem(size) {
        Some(0) => Ok(length / size),
        None if length == 0 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// A name for the kernel: at most 15 bytes, none of them NUL, else `EINVAL`. Which letters it takes is the kernel's to say.
pub(super) fn name(name: &[u8]) -> Result<[u8; 16], Errno> {
    let mut bytes = [0; 16];
    if name.len() >= bytes.len() || name.contains(&0) {
        return Err(Errno::EINVAL);
    }
    bytes[..name.len()].copy_from_slice(name);
    Ok(bytes)
}
