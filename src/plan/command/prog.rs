//! Loading programs, binding maps to them, reading what they print.

use std::ffi::CStr;
use std::sync::Arc;

use super::{Attributes, Show};
use crate::base::flags::{LogLevel, Stream};
use crate::kind::{AttachType, ProgType};
use crate::plan::Fd;
use crate::program::ProgramFlags;

/// Attributes of `BPF_PROG_LOAD` (since 3.18).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "BPF_PROG_LOAD")]
pub struct ProgLoad {
    /// `prog_type`.
    pub prog_type: ProgType,
    /// `insns`: 8 bytes each; `insn_cnt` follows from the length.
    pub insns: Arc<[u8]>,
    /// Instructions whose immediate is the number of a descriptor: index of the instruction, descriptor.
    pub fd_slots: Vec<(u32, Fd)>,
    /// `license`.
    pub license: Arc<CStr>,
    /// `kern_version` (4.1): kernels before 5.0 refuse kprobes that do not name their release.
    pub kern_version: u32,
    /// `prog_flags` (4.12).
    pub flags: ProgramFlags,
    /// `prog_name` (4.15): at most 15 bytes; empty for none.
    pub name: Arc<str>,
    /// `prog_ifindex` (4.15): the device an offloaded program runs on; 0 for none.
    pub ifindex: u32,
    /// `expected_attach_type` (4.17).
    pub expected_attach_type: Option<AttachType>,
    /// `prog_btf_fd`, `func_info`, `line_info` (5.0), `core_relos` (5.17).
    pub btf: Option<ProgBtf>,
    /// `attach_btf_id` (5.5); 0 for none.
    pub attach_btf_id: u32,
    /// `attach_prog_fd` (5.5), `attach_btf_obj_fd` (5.11): the program, or the module's BTF, that has what is attached to.
    pub attach_to: Option<Fd>,
    /// `fd_array` (5.14): maps and BTF by index. The kernel does not look at an index no instruction names, unless
    /// `fd_array_cnt` is told.
    pub fd_array: Vec<Fd>,
    /// `fd_array_cnt` (6.14) is told: everything in `fd_array` is bound to the program.
    pub bind_fd_array: bool,
    /// `prog_token_fd` (6.9).
    pub token: Option<Fd>,
    /// `signature`, `keyring_id` (6.18).
    pub signature: Option<Signature>,
    /// `log_level`, `log_size`.
    pub log: Log,
    /// The descriptor it gives.
    pub out: Fd,
}

impl ProgLoad {
    /// A program of these instructions: everything else is empty or zero.
    #[must_use]
    pub fn new(prog_type: ProgType, insns: impl Into<Arc<[u8]>>, out: Fd) -> Self {
        Self {
            prog_type,
            insns: insns.into(),
            fd_slots: Vec::new(),
            license: Arc::default(),
            kern_version: 0,
            flags: ProgramFlags::empty(),
            name: Arc::default(),
            ifindex: 0,
            expected_attach_type: None,
            btf: None,
            attach_btf_id: 0,
            attach_to: None,
            fd_array: Vec::new(),
            bind_fd_array: false,
            token: None,
            signature: None,
            log: Log::default(),
            out,
        }
    }
}

impl Attributes for ProgLoad {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.word("prog_type", self.prog_type);
        show.blob("insns", &self.insns);
        show.fd_slots("insns[].imm", &self.fd_slots);
        match self.license.to_str() {
            Ok(license) => show.text("license", license),
            Err(_) => show.blob("license", self.license.to_bytes()),
        }
        self.log.show(show, ["log_level", "log_size"]);
        show.number("kern_version", self.kern_version);
        show.flags("prog_flags", &self.flags);
        show.text("prog_name", &self.name);
        show.number("prog_ifindex", self.ifindex);
        if let Some(attach_type) = self.expected_attach_type {
            show.word("expected_attach_type", attach_type);
        }
        if let Some(btf) = &self.btf {
            btf.show(show);
        }
        show.number("attach_btf_id", self.attach_btf_id);
        show.fd("attach_prog_fd", self.attach_to);
        show.fds("fd_array", &self.fd_array);
        if self.bind_fd_array {
            show.number("fd_array_cnt", self.fd_array.len() as u64);
        }
        show.fd("prog_token_fd", self.token);
        if let Some(signature) = &self.signature {
            show.blob("signature", &signature.bytes);
            show.word("keyring_id", signature.keyring);
        }
    }

    fn out(&self) -> Option<Fd> {
        Some(self.out)
    }
}

/// What a program's BTF says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgBtf {
    /// `prog_btf_fd`.
    pub btf: Fd,
    /// `func_info`: records of `struct bpf_func_info`, 8 bytes each.
    pub func_info: Arc<[u8]>,
    /// `line_info`: records of `struct bpf_line_info`, 16 bytes each.
    pub line_info: Arc<[u8]>,
    /// `core_relos`: records of `struct bpf_core_relo`, 16 bytes each.
    pub core_relos: Arc<[u8]>,
}

impl ProgBtf {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("prog_btf_fd", self.btf);
        show.blob("func_info", &self.func_info);
        show.blob("line_info", &self.line_info);
        show.blob("core_relos", &self.core_relos);
    }
}

/// A PKCS#7 signature of a program's instructions (since 6.18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `signature`.
    pub bytes: Vec<u8>,
    /// `keyring_id`: the serial number of a keyring, or one of the kernel's special ones.
    pub keyring: i32,
}

/// How much the kernel shall write of what it does (`log_level`, `log_size`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Log {
    /// How much it says; empty for no log.
    pub level: LogLevel,
    /// The size of the buffer in bytes; 0 for none.
    pub size: u32,
}

impl Log {
    pub(super) fn show(self, show: &mut Show<'_>, [level, size]: [&'static str; 2]) {
        show.number(level, self.level.bits());
        show.number(size, self.size);
    }
}

/// Attributes of `BPF_PROG_BIND_MAP` (since 5.10): the map lives as long as the program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_BIND_MAP")]
pub struct ProgBindMap {
    /// `prog_bind_map.prog_fd`.
    pub program: Fd,
    /// `prog_bind_map.map_fd`.
    pub map: Fd,
}

impl Attributes for ProgBindMap {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.fd("prog_bind_map.prog_fd", self.program);
        show.fd("prog_bind_map.map_fd", self.map);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.program)
    }
}

/// Attributes of `BPF_PROG_STREAM_READ_BY_FD` (since 6.17). What the program printed comes as
/// [`Reply::Bytes`](crate::plan::Reply::Bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "BPF_PROG_STREAM_READ_BY_FD")]
pub struct ProgStreamReadByFd {
    /// `prog_stream_read.prog_fd`.
    pub program: Fd,
    /// `prog_stream_read.stream_id`.
    pub stream: Stream,
    /// `prog_stream_read.stream_buf_len`: how many bytes there is room for.
    pub room: u32,
}

impl Attributes for ProgStreamReadByFd {
    fn show<'a>(&'a self, show: &mut Show<'a>) {
        show.number("prog_stream_read.stream_buf_len", self.room);
        show.number("prog_stream_read.stream_id", self.stream as u32);
        show.fd("prog_stream_read.prog_fd", self.program);
    }

    fn about(&self) -> Option<Fd> {
        Some(self.program)
    }
}
