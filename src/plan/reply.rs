//! What commands give, and how they fail.

use std::time::Duration;

use crate::base::Errno;
use crate::base::flags::AttachFlags;
use crate::map::MapFlags;

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing, or a descriptor that is now kept under its symbolic name.
    Done,
    /// The value of an element, or what a program printed.
    Bytes(Vec<u8>),
    /// The next key of a map; none after the last.
    Key(Option<Vec<u8>>),
    /// Elements of a map.
    Batch(Batch),
    /// How many elements were written or deleted.
    Count(usize),
    /// The next id; none after the last.
    Id(Option<u32>),
    /// What the kernel tells of an object.
    Info(Info),
    /// What a test run gave.
    TestRun(TestRunReply),
    /// What is attached at a place.
    Attached(Attached),
    /// What a descriptor of another process runs.
    TaskFd(TaskFd),
}

/// Elements of a map, and where the walk goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many elements. A short batch is normal, an empty one too.
    pub count: usize,
    /// Their keys, one behind the other.
    pub keys: Vec<u8>,
    /// Their values, as many.
    pub values: Vec<u8>,
    /// The cursor of the next batch; none after the last.
    pub cursor: Option<Vec<u8>>,
}

/// What `BPF_OBJ_GET_INFO_BY_FD` tells of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Info {
    /// Of a map (`struct bpf_map_info`).
    Map(MapInfo),
    /// Of a program (`struct bpf_prog_info`).
    Program(ProgramInfo),
    /// Of a BTF object (`struct bpf_btf_info`).
    Btf(BtfInfo),
    /// Of a link (`struct bpf_link_info`).
    Link(LinkInfo),
    /// Of a token (`struct bpf_token_info`, 6.17).
    Token(TokenInfo),
}

/// What the kernel tells of a map (`struct bpf_map_info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "bpf_map_info")]
pub struct MapInfo {
    /// `id`.
    pub id: u32,
    /// `name`: at most 15 bytes.
    pub name: Vec<u8>,
    /// `type`, sizes, entries, flags.
    pub shape: MapShape,
}

/// What makes a map fit for programs that were written for another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapShape {
    /// `type`.
    pub kind: u32,
    /// `key_size`, in bytes.
    pub key_size: u32,
    /// `value_size`, in bytes.
    pub value_size: u32,
    /// `max_entries`.
    pub max_entries: u32,
    /// `map_flags`.
    pub flags: u32,
}

impl MapShape {
    /// The first member that differs from what is `wanted`: its name, what was found, what is wanted.
    #[must_use]
    pub fn difference(self, wanted: Self) -> Option<(&'static str, u32, u32)> {
        let members = [
            ("type", self.kind, wanted.kind),
            ("key_size", self.key_size, wanted.key_size),
            ("value_size", self.value_size, wanted.value_size),
            ("max_entries", self.asked_entries(wanted), wanted.max_entries),
            ("map_flags", self.flags, wanted.flags),
        ];
        members.into_iter().find(|&(_, found, wanted)| found != wanted)
    }

    /// Lists of its own for each CPU make the kernel round the number up to a multiple of the CPUs (`htab_map_alloc`).
    fn asked_entries(self, wanted: Self) -> u32 {
        let rounded =
            self.flags & MapFlags::NO_COMMON_LRU.bits() != 0 && self.max_entries > wanted.max_entries;
        if rounded { wanted.max_entries } else { self.max_entries }
    }
}

/// What the kernel tells of a program (`struct bpf_prog_info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "bpf_prog_info")]
pub struct ProgramInfo {
    /// `type`, `enum bpf_prog_type`.
    pub prog_type: u32,
    /// `id`.
    pub id: u32,
    /// `tag`: the first bytes of a hash of the instructions.
    pub tag: [u8; 8],
    /// `name` (4.15): at most 15 bytes.
    pub name: Vec<u8>,
    /// `btf_id` (5.0); 0 for none.
    pub btf_id: u32,
    /// `verified_insns` (5.16): how many instructions the verifier looked at.
    pub verified_insns: u32,
}

/// What the kernel tells of a BTF object (`struct bpf_btf_info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "bpf_btf_info")]
pub struct BtfInfo {
    /// `id`.
    pub id: u32,
    /// `btf_size`, in bytes.
    pub size: u32,
    /// `kernel_btf` (5.11): whether it is the kernel's or a module's.
    pub of_kernel: bool,
}

/// What the kernel tells of any link (`struct bpf_link_info`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "bpf_link_info")]
pub struct LinkInfo {
    /// `type`, `enum bpf_link_type`.
    pub link_type: u32,
    /// `id`.
    pub id: u32,
    /// `prog_id`; 0 for none.
    pub prog_id: u32,
}

/// What a token allows (`struct bpf_token_info`, 6.17): bits by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "bpf_token_info")]
pub struct TokenInfo {
    /// `allowed_cmds`: commands.
    pub commands: u64,
    /// `allowed_maps`: kinds of maps.
    pub maps: u64,
    /// `allowed_progs`: types of programs.
    pub programs: u64,
    /// `allowed_attachs`: attach types.
    pub attach_types: u64,
}

/// What a test run gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRunReply {
    /// `retval`: what the program returned.
    pub retval: u32,
    /// `duration`: the time of one run, on average.
    pub duration: Duration,
    /// `data_out`: the packet as the program left it.
    pub data: Vec<u8>,
    /// `ctx_out`: the context as the program left it; of a syscall program what `ctx_in` holds now.
    pub context: Vec<u8>,
}

/// What is attached at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// `prog_cnt`: how many programs there are; more than there was room for are not an error.
    pub count: u32,
    /// `attach_flags`: what a cgroup's programs were attached with.
    pub flags: AttachFlags,
    /// `revision` (6.6): counts changes; 0 where the kernel does not say.
    pub revision: u64,
    /// The programs, in the order they run, as many as there was room for.
    pub programs: Vec<AttachedProgram>,
}

/// One program that is attached at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttachedProgram {
    /// `prog_ids`.
    pub id: u32,
    /// `prog_attach_flags` (6.0).
    pub flags: u32,
    /// `link_ids` (6.6); 0 for none.
    pub link: u32,
    /// `link_attach_flags` (6.6).
    pub link_flags: u32,
}

/// What a perf event or raw tracepoint of a process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFd {
    /// `prog_id`.
    pub prog_id: u32,
    /// `fd_type`, `enum bpf_task_fd_type`.
    pub fd_type: u32,
    /// What it is attached to, cut off where there was no room.
    pub name: Vec<u8>,
    /// `probe_offset`: bytes from the start of the function or file.
    pub probe_offset: u64,
    /// `probe_addr`: the address probed, where it has no name.
    pub probe_addr: u64,
}

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What bpf(2) returned.
    pub errno: Errno,
    /// What the kernel wrote to the log, without its NUL; empty where none was asked for.
    pub log: Vec<u8>,
    /// The size a log buffer has to have, where the kernel tells (since 6.4); else 0.
    pub log_true_size: u32,
    /// How many elements of a batch were done before.
    pub done: usize,
}

impl Failure {
    /// A failure without a log.
    #[must_use]
    pub const fn of(errno: Errno) -> Self {
        Self { errno, log: Vec::new(), log_true_size: 0, done: 0 }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::of(errno)
    }
}
