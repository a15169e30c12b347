//! Programs: loading, running once, attaching without a link, binding maps, reading what they printed.
//!
//! Unsafe because the kernel reads code and writes logs, packets and contexts through pointers in the attributes.

use std::ffi::CStr;
use std::mem::offset_of;
use std::os::fd::{AsFd, BorrowedFd};

use super::abi::{self, AttachFlags, Command, TestFlags};
use super::call::{
    call, call_fd, count, descriptor, implied, input, name, optional, optional_signed, output, records,
    string,
};
use super::fd::ProgFd;
use super::log::Log;
use crate::base::Errno;
pub use crate::base::flags::Stream;

/// What a program is loaded from.
#[derive(Clone, Debug, Default)]
pub struct Load<'a> {
    /// `enum bpf_prog_type`.
    pub prog_type: u32,
    /// Instructions, 8 bytes each, in the byte order of this machine.
    pub insns: &'a [u8],
    /// At most 127 bytes; `GPL` and the like open the helpers that ask for it.
    pub license: &'a CStr,
    /// The release the program is for; kernels before 5.0 refuse kprobes that do not name theirs (4.1).
    pub kern_version: u32,
    /// `BPF_F_*` of `prog_flags`; the one that says there is a token is set with it (4.12).
    pub flags: u32,
    /// At most 15 bytes of letters, digits, `_` and `.` (4.15).
    pub name: &'a [u8],
    /// The device an offloaded program runs on, or 0 (4.15).
    pub ifindex: u32,
    /// `enum bpf_attach_type` (4.17).
    pub expected_attach_type: u32,
    /// The program's own BTF and what refers to it (5.0).
    pub btf: Option<Btf<'a>>,
    /// The type in the kernel's BTF, or in that of `attach_to`, that the program attaches to; 0 for none (5.5).
    pub attach_btf_id: u32,
    /// The program (5.5) or the module's BTF (5.11) with the type to attach to; the kernel's own BTF otherwise.
    pub attach_to: Option<BorrowedFd<'a>>,
    /// Maps and modules' BTF that instructions name by index (5.14).
    pub fd_array: &'a [BorrowedFd<'a>],
    /// Tells the kernel the length of `fd_array`: all in it are bound to the program (6.14).
    pub bind_fd_array: bool,
    /// Vouches for the caller (6.9).
    pub token: Option<BorrowedFd<'a>>,
    /// Of the code, and the keyring to check it with (6.18).
    pub signature: Option<Signature<'a>>,
}

/// A program's own BTF, and the records that refer to it, in the byte order of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Btf<'a> {
    /// The BTF.
    pub btf: BorrowedFd<'a>,
    /// `struct bpf_func_info` records, 8 bytes each: where every function starts, ascending (5.0).
    pub func_info: &'a [u8],
    /// `struct bpf_line_info` records, 16 bytes each: where every line starts, ascending (5.0).
    pub line_info: &'a [u8],
    /// `struct bpf_core_relo` records, 16 bytes each: CO-RE relocations for the kernel to make (5.17).
    pub core_relos: &'a [u8],
}

/// Bytes of one `struct bpf_func_info`, `struct bpf_line_info` and `struct bpf_core_relo`.
const RECORD_SIZES: [u32; 3] = [8, 16, 16];

/// A PKCS#7 signature of a program's code.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    /// The signature.
    pub bytes: &'a [u8],
    /// Serial number of a keyring, or one of the kernel's special ones.
    pub keyring: i32,
}

/// Loads a program (`BPF_PROG_LOAD`, 3.18).
///
/// # Errors
/// The kernel's. Some common ones: `EPERM` a capability is missing; `EACCES`, `EINVAL` refused, and the log says why;
/// `ENOSPC` the log does not fit; `E2BIG` too many instructions or an attribute this kernel does not know; `EAGAIN` a signal
/// came. `EINVAL` without a call where `insns` or records have a rest, or the name does not fit.
#[doc(alias = "BPF_PROG_LOAD")]
pub fn load(program: &Load<'_>, log: &mut Log<'_>) -> Result<ProgFd, Errno> {
    let mut attr = load_attr(program)?;
    let least = if log.is_wanted() { offset_of!(abi::ProgLoad, prog_token_fd) } else { 0 };
    (attr.log_level, attr.log_size, attr.log_buf) = log.start();
    // SAFETY: code, licence, records, descriptors and signature are live slices of the lengths told, which the kernel only
    // reads; the log is a live buffer of the length told, borrowed exclusively.
    let result = unsafe { call_fd(Command::PROG_LOAD, &mut attr, least) };
    log.true_size = attr.log_true_size;
    Ok(ProgFd::trusted(result?, program.prog_type))
}

fn load_attr(program: &Load<'_>) -> Result<abi::ProgLoad, Errno> {
    let mut attr = abi::ProgLoad {
        prog_type: program.prog_type,
        insn_cnt: records(program.insns, 8)?,
        insns: input(program.insns),
        license: string(program.license),
        kern_version: program.kern_version,
        prog_flags: program.flags | implied(program.token, abi::BPF_F_TOKEN_FD),
        prog_name: name(program.name)?,
        prog_ifindex: program.ifindex,
        expected_attach_type: program.expected_attach_type,
        attach_btf_id: program.attach_btf_id,
        attach_prog_fd: optional(program.attach_to),
        // A borrowed descriptor has the representation of a C int.
        fd_array: input(program.fd_array),
        prog_token_fd: optional_signed(program.token),
        fd_array_cnt: if program.bind_fd_array { count(program.fd_array)? } else { 0 },
        signature: program.signature.map_or(0, |signature| input(signature.bytes)),
        signature_size: program.signature.map_or(Ok(0), |signature| count(signature.bytes))?,
        keyring_id: program.signature.map_or(0, |signature| signature.keyring),
        ..Default::default()
    };
    if let Some(btf) = &program.btf {
        set_btf(&mut attr, btf)?;
    }
    Ok(attr)
}

fn set_btf(attr: &mut abi::ProgLoad, btf: &Btf<'_>) -> Result<(), Errno> {
    let [function, line, relo] = RECORD_SIZES;
    attr.prog_btf_fd = descriptor(btf.btf);
    attr.func_info = input(btf.func_info);
    attr.func_info_cnt = records(btf.func_info, function)?;
    attr.func_info_rec_size = if attr.func_info_cnt > 0 { function } else { 0 };
    attr.line_info = input(btf.line_info);
    attr.line_info_cnt = records(btf.line_info, line)?;
    attr.line_info_rec_size = if attr.line_info_cnt > 0 { line } else { 0 };
    attr.core_relos = input(btf.core_relos);
    attr.core_relo_cnt = records(btf.core_relos, relo)?;
    attr.core_relo_rec_size = if attr.core_relo_cnt > 0 { relo } else { 0 };
    Ok(())
}

/// One test run: what goes in, and where the results go.
#[derive(Debug, Default)]
pub struct TestRun<'a> {
    /// The packet. Types that run on packets want 14 bytes at least; types that do not want none.
    pub data: &'a [u8],
    /// Where the packet goes as the program left it.
    pub data_out: &'a mut [u8],
    /// The context; a SYSCALL program's is copied back to here (5.2).
    pub context: &'a mut [u8],
    /// Where the context goes as the program left it; not for SYSCALL programs (5.2).
    pub context_out: &'a mut [u8],
    /// How often; 0 is once. SYSCALL programs take no other.
    pub repeat: u32,
    /// Flags; the one that says there is a CPU is set with it (5.10).
    pub flags: TestFlags,
    /// The CPU to run on (5.10).
    pub cpu: Option<u32>,
    /// Frames in flight at once, of XDP frames that are really sent (5.18).
    pub batch_size: u32,
    /// What the kernel answered; filled by the call, also when it fails for lack of room.
    pub outcome: Outcome,
}

/// What a test run gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the program returned.
    pub retval: u32,
    /// Nanoseconds of one run, on average.
    pub duration: u32,
    /// Bytes of the packet afterwards. With `ENOSPC`, more than there was room for.
    pub data_size: u32,
    /// Bytes of the context afterwards. With `ENOSPC`, more than there was room for.
    pub context_size: u32,
}

/// The one program type whose context holds addresses that the kernel writes to.
const STRUCT_OPS: u32 = 27;

/// Runs a program once, or [`repeat`](TestRun::repeat) times (`BPF_PROG_TEST_RUN`, also `BPF_PROG_RUN`, 4.12).
///
/// # Errors
/// `ENOSPC`: packet or context do not fit; [`outcome`](TestRun::outcome) has their sizes. `EINVAL`: an input this type does
/// not take. `ENOTSUPP` (524): the type cannot be run so. `EOPNOTSUPP` without a call for `STRUCT_OPS` programs: see
/// [`test_run_struct_ops`].
#[doc(alias = "BPF_PROG_TEST_RUN")]
#[doc(alias = "BPF_PROG_RUN")]
pub fn test_run(program: &ProgFd, run: &mut TestRun<'_>) -> Result<Outcome, Errno> {
    if program.prog_type() == STRUCT_OPS {
        return Err(Errno::EOPNOTSUPP);
    }
    // SAFETY: not of the type whose context holds addresses.
    unsafe { run_any(program, run) }
}

/// [`test_run`] for `STRUCT_OPS` programs (5.11): the context is an array of arguments, the first an address or 0.
///
/// # Safety
/// The first eight bytes of the context are 0 or the address of four bytes, valid for reads and writes, that nothing else
/// uses during the call (`struct bpf_dummy_ops_state`).
///
/// # Errors
/// As [`test_run`].
pub unsafe fn test_run_struct_ops(program: &ProgFd, run: &mut TestRun<'_>) -> Result<Outcome, Errno> {
    // SAFETY: the caller's promise.
    unsafe { run_any(program, run) }
}

/// # Safety
/// The context holds no address that the kernel writes to, or a good one.
unsafe fn run_any(program: &ProgFd, run: &mut TestRun<'_>) -> Result<Outcome, Errno> {
    let mut attr = run_attr(program, run)?;
    let least = offset_of!(abi::TestRun, data_in);
    // SAFETY: the inputs are live slices of the lengths told. The outputs are live, exclusively borrowed buffers, and the
    // kernel clamps to the lengths told: one that is empty is null, since a length of 0 would mean no limit. The context,
    // which a SYSCALL program's run writes back at the same length, is borrowed exclusively too.
    let result = unsafe { call(Command::PROG_TEST_RUN, &mut attr, least) };
    run.outcome = Outcome {
        retval: attr.retval,
        duration: attr.duration,
        data_size: attr.data_size_out,
        context_size: attr.ctx_size_out,
    };
    result.map(|_| run.outcome)
}

fn run_attr(program: &ProgFd, run: &mut TestRun<'_>) -> Result<abi::TestRun, Errno> {
    let mut flags = run.flags;
    flags.set(TestFlags::ON_CPU, run.cpu.is_some() || flags.contains(TestFlags::ON_CPU));
    Ok(abi::TestRun {
        prog_fd: descriptor(program.as_fd()),
        data_size_in: count(run.data)?,
        data_size_out: count(run.data_out)?,
        data_in: input(run.data),
        data_out: output(run.data_out),
        repeat: run.repeat,
        ctx_size_in: count(run.context)?,
        ctx_size_out: count(run.context_out)?,
        ctx_in: output(run.context),
        ctx_out: output(run.context_out),
        flags: flags.bits(),
        cpu: run.cpu.unwrap_or(0),
        batch_size: run.batch_size,
        ..Default::default()
    })
}

/// Where a program is attached.
#[derive(Clone, Copy, Debug, Default)]
pub enum Target<'a> {
    /// A cgroup's directory, a map of sockets, a network namespace, a perf event, ...
    Fd(BorrowedFd<'a>),
    /// A network device.
    Ifindex(u32),
    /// What needs none: the attach type, or the program, says it all.
    #[default]
    None,
}

impl Target<'_> {
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Fd(fd) => descriptor(fd),
            Self::Ifindex(index) => index,
            Self::None => 0,
        }
    }
}

/// The program or link that a new one is put before or after (6.6).
#[derive(Clone, Copy, Debug)]
pub enum Relative<'a> {
    /// A program.
    Program(BorrowedFd<'a>),
    /// A link.
    Link(BorrowedFd<'a>),
    /// A program, by id.
    ProgramId(u32),
    /// A link, by id.
    LinkId(u32),
}

impl Relative<'_> {
    /// The attribute, and the flags that say what it is.
    pub(super) fn parts(self) -> (u32, AttachFlags) {
        match self {
            Self::Program(fd) => (descriptor(fd), AttachFlags::empty()),
            Self::Link(fd) => (descriptor(fd), AttachFlags::LINK),
            Self::ProgramId(id) => (id, AttachFlags::ID),
            Self::LinkId(id) => (id, AttachFlags::LINK | AttachFlags::ID),
        }
    }
}

/// What a program is attached or detached with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attach<'a> {
    /// The place.
    pub target: Target<'a>,
    /// The program; to detach it may be left out where there is only one.
    pub program: Option<BorrowedFd<'a>>,
    /// `enum bpf_attach_type`.
    pub attach_type: u32,
    /// Flags; those that say what `relative` is are set with it.
    pub flags: AttachFlags,
    /// The program to take the place of, with [`AttachFlags::REPLACE`] (5.6).
    pub replace: Option<BorrowedFd<'a>>,
    /// The neighbour, with [`AttachFlags::BEFORE`] or [`AttachFlags::AFTER`] (6.6).
    pub relative: Option<Relative<'a>>,
    /// Refuse if the programs there have changed since this revision; 0: do not (6.6).
    pub expected_revision: u64,
}

/// Attaches a program until it is detached or its target goes (`BPF_PROG_ATTACH`, 4.10).
///
/// # Errors
/// The kernel's. `EEXIST`: there already. `ESTALE`: another revision. `EPERM`: a parent's program does not allow it.
#[doc(alias = "BPF_PROG_ATTACH")]
pub fn attach(attach: &Attach<'_>) -> Result<(), Errno> {
    let mut attr = attach_attr(attach);
    // SAFETY: no pointers.
    unsafe { call(Command::PROG_ATTACH, &mut attr, 12) }.map(drop)
}

/// Detaches a program (`BPF_PROG_DETACH`, 4.10).
///
/// # Errors
/// The kernel's. `ENOENT`: not there.
#[doc(alias = "BPF_PROG_DETACH")]
pub fn detach(attach: &Attach<'_>) -> Result<(), Errno> {
    let mut attr = attach_attr(attach);
    // SAFETY: no pointers.
    unsafe { call(Command::PROG_DETACH, &mut attr, 12) }.map(drop)
}

fn attach_attr(attach: &Attach<'_>) -> abi::ProgAttach {
    let (relative, flags) = attach.relative.map_or((0, AttachFlags::empty()), Relative::parts);
    abi::ProgAttach {
        target_fd: attach.target.number(),
        attach_bpf_fd: optional(attach.program),
        attach_type: attach.attach_type,
        attach_flags: (attach.flags | flags).bits(),
        replace_bpf_fd: optional(attach.replace),
        relative_fd: relative,
        expected_revision: attach.expected_revision,
    }
}

/// Keeps a map alive as long as the program is, though no instruction names it (`BPF_PROG_BIND_MAP`, 5.10).
///
/// # Errors
/// The kernel's. `EBADF`, `EINVAL`: not a program, not a map. Bound already is no error.
#[doc(alias = "BPF_PROG_BIND_MAP")]
pub fn bind_map(program: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut attr = abi::ProgBindMap { prog_fd: descriptor(program), map_fd: descriptor(map), flags: 0 };
    // SAFETY: no pointers.
    unsafe { call(Command::PROG_BIND_MAP, &mut attr, size_of::<abi::ProgBindMap>()) }.map(drop)
}

/// Takes what a program printed (`BPF_PROG_STREAM_READ_BY_FD`, 6.17); returns how many bytes, 0 for nothing.
///
/// # Errors
/// The kernel's. `EINVAL`: the program has no such stream, or the command is unknown.
#[doc(alias = "BPF_PROG_STREAM_READ_BY_FD")]
pub fn read_stream(program: &ProgFd, stream: Stream, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut attr = abi::ProgStreamRead {
        stream_buf: output(buffer),
        stream_buf_len: u32::try_from(buffer.len()).map_err(|_| Errno::E2BIG)?,
        stream_id: stream as u32,
        prog_fd: descriptor(program.as_fd()),
        _pad: 0,
    };
    // SAFETY: a live, exclusively borrowed buffer of the length told.
    let read = unsafe { call(Command::PROG_STREAM_READ_BY_FD, &mut attr, 0) }?;
    usize::try_from(read).map_err(|_| Errno::EINVAL)
}
