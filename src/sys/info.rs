//! What the kernel knows of an object (`BPF_OBJ_GET_INFO_BY_FD`, 4.13).
//!
//! Unsafe because the kernel writes code, ids and names through pointers in the records. Which pointers a record has depends
//! on the kind of object, so every function takes a descriptor whose kind is known.

mod link;

use std::os::fd::AsFd;

pub use link::{LinkDetail, LinkInfo, PerfEvent, link};

use super::abi::{BtfInfo, MapInfo, ProgInfo, TokenInfo};
use super::call::{count, get_info, output};
use super::fd::{BtfFd, ProgFd, TokenFd};
use super::map::MapFd;
use crate::base::Errno;

/// What is known of a map.
///
/// # Errors
/// The kernel's.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn map(map: &MapFd) -> Result<MapInfo, Errno> {
    // SAFETY: a map; no pointers.
    unsafe { get_info(map.as_fd(), MapInfo::default()) }
}

/// The SHA-256 hash of a map's contents (6.18). The map has to be frozen.
///
/// # Errors
/// The kernel's. `EINVAL`: not of this map type. `EPERM`: not frozen. `EOPNOTSUPP`: the kernel is older than 6.18.
pub fn map_hash(map: &MapFd) -> Result<[u8; 32], Errno> {
    let mut hash = [0; 32];
    let asked = MapInfo { hash: output(&mut hash), hash_size: count(&hash)?, ..Default::default() };
    // SAFETY: a map; the hash goes to a live buffer of the length told.
    match unsafe { get_info(map.as_fd(), asked) } {
        Ok(_) => Ok(hash),
        // What an older kernel says to bytes behind the record it knows that are not zero.
        Err(Errno::E2BIG) => Err(Errno::EOPNOTSUPP),
        Err(error) => Err(error),
    }
}

/// What is known of a program.
///
/// # Errors
/// The kernel's.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn program(program: &ProgFd) -> Result<ProgInfo, Errno> {
    program_parts(program, &mut ProgParts::default())
}

/// Where the parts of a program go that have no fixed size. What is left empty is not asked for.
///
/// The kernel fills as much as fits; how much there is stands in the counts of [`ProgInfo`]. Without `CAP_BPF` there are no
/// parts, and the counts are 0; where addresses are restricted (`bpf_jit_harden`, `kptr_restrict`) those that show them are
/// withheld, and the pointer of the part is 0.
#[derive(Debug, Default)]
pub struct ProgParts<'a> {
    /// Instructions after verification, 8 bytes each.
    pub xlated: &'a mut [u8],
    /// Machine code, of all functions.
    pub jited: &'a mut [u8],
    /// Ids of the maps used (4.15).
    pub map_ids: &'a mut [u32],
    /// Addresses of the functions (4.18).
    pub jited_ksyms: &'a mut [u64],
    /// Bytes of each function's machine code (4.18).
    pub jited_func_lens: &'a mut [u32],
    /// `struct bpf_func_info` records: offset, type (5.0).
    pub func_info: &'a mut [[u8; 8]],
    /// `struct bpf_line_info` records: offset, file, line's text, line and column (5.0).
    pub line_info: &'a mut [[u8; 16]],
    /// The address of each line's machine code (5.0).
    pub jited_line_info: &'a mut [u64],
    /// The tag of each function (5.0).
    pub prog_tags: &'a mut [[u8; 8]],
}

/// What is known of a program, with its `parts`. Of the pointers in the record is left whether they were used: 0 or 1.
///
/// # Errors
/// The kernel's.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn program_parts(program: &ProgFd, parts: &mut ProgParts<'_>) -> Result<ProgInfo, Errno> {
    let asked = ask(parts)?;
    // SAFETY: a program; each part goes to a live, exclusively borrowed buffer of the count told. Records of functions and
    // lines have the sizes of `struct bpf_func_info` and `struct bpf_line_info`: told another size, the kernel refuses.
    let told = unsafe { get_info(program.as_fd(), asked) }?;
    Ok(without_addresses(told))
}

/// Addresses of this process are nobody's business, and differ from run to run.
fn without_addresses(told: ProgInfo) -> ProgInfo {
    ProgInfo {
        jited_prog_insns: told.jited_prog_insns.min(1),
        xlated_prog_insns: told.xlated_prog_insns.min(1),
        map_ids: told.map_ids.min(1),
        jited_ksyms: told.jited_ksyms.min(1),
        jited_func_lens: told.jited_func_lens.min(1),
        func_info: told.func_info.min(1),
        line_info: told.line_info.min(1),
        jited_line_info: told.jited_line_info.min(1),
        prog_tags: told.prog_tags.min(1),
        ..told
    }
}

fn ask(parts: &mut ProgParts<'_>) -> Result<ProgInfo, Errno> {
    Ok(ProgInfo {
        jited_prog_len: count(parts.jited)?,
        xlated_prog_len: count(parts.xlated)?,
        jited_prog_insns: output(parts.jited),
        xlated_prog_insns: output(parts.xlated),
        nr_map_ids: count(parts.map_ids)?,
        map_ids: output(parts.map_ids),
        nr_jited_ksyms: count(parts.jited_ksyms)?,
        nr_jited_func_lens: count(parts.jited_func_lens)?,
        jited_ksyms: output(parts.jited_ksyms),
        jited_func_lens: output(parts.jited_func_lens),
        func_info_rec_size: record_size(parts.func_info),
        func_info: output(parts.func_info),
        nr_func_info: count(parts.func_info)?,
        nr_line_info: count(parts.line_info)?,
        line_info: output(parts.line_info),
        jited_line_info: output(parts.jited_line_info),
        nr_jited_line_info: count(parts.jited_line_info)?,
        line_info_rec_size: record_size(parts.line_info),
        jited_line_info_rec_size: record_size(parts.jited_line_info),
        nr_prog_tags: count(parts.prog_tags)?,
        prog_tags: output(parts.prog_tags),
        ..Default::default()
    })
}

/// Bytes of a record that is asked for, else 0.
fn record_size<T>(records: &[T]) -> u32 {
    if records.is_empty() { 0 } else { size_of::<T>() as u32 }
}

/// What is known of a BTF object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BtfSummary {
    /// Its number.
    pub id: u32,
    /// Bytes of the BTF; more than there was room for are not an error.
    pub size: u32,
    /// Bytes of the name, without NUL: of the kernel's BTF `vmlinux`, of a module's the module's; else 0 (5.11).
    pub name_len: u32,
    /// Whether it is the kernel's or a module's (5.11).
    pub of_kernel: bool,
}

/// What is known of a BTF object, with the BTF itself in `data` and its name, ended by a NUL, in `name`, as far as they fit.
///
/// # Errors
/// The kernel's. `ENOSPC`: there is room for a name, but not enough.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn btf(btf: &BtfFd, data: &mut [u8], name: &mut [u8]) -> Result<BtfSummary, Errno> {
    let asked = BtfInfo {
        btf: output(data),
        btf_size: count(data)?,
        name: output(name),
        name_len: count(name)?,
        ..Default::default()
    };
    // SAFETY: BTF; both go to live, exclusively borrowed buffers of the lengths told.
    let told = unsafe { get_info(btf.as_fd(), asked) }?;
    Ok(BtfSummary {
        id: told.id,
        size: told.btf_size,
        name_len: told.name_len,
        of_kernel: told.kernel_btf != 0,
    })
}

/// What a token allows: bit sets of commands, map types, program types and attach types (6.17).
///
/// # Errors
/// The kernel's. `EINVAL`: older than 6.17.
#[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
pub fn token(token: &TokenFd) -> Result<TokenInfo, Errno> {
    // SAFETY: a token, or refused by the kernel; no pointers.
    unsafe { get_info(token.as_fd(), TokenInfo::default()) }
}
