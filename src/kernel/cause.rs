//! Why bpf(2) failed, where it says no more than an error number: the likely cause, from the command, the number and what
//! is known of the process and the kernel. Pure.
//!
//! Sources: `kernel/bpf/syscall.c` (`map_create`, `bpf_prog_load`, `bpf_btf_load`), the `map_alloc_check`
//! functions of the map kinds; for links see the module of their own.

mod link;

use std::borrow::Cow;

use crate::base::{Errno, KernelVersion};

/// The command that failed, as far as its parts explain failures.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Failed<'a> {
    /// `BPF_MAP_CREATE`
    MapCreate(MapFacts<'a>),
    /// `BPF_BTF_LOAD` of so many bytes.
    BtfLoad {
        /// The size of the blob.
        bytes: usize,
    },
    /// `BPF_PROG_LOAD` that left no log: the verifier never saw the program.
    ProgLoad(ProgramFacts<'a>),
    /// `BPF_LINK_CREATE`
    LinkCreate {
        /// The attach type's name.
        attach_type: &'a str,
    },
    /// `BPF_LINK_UPDATE`
    LinkUpdate,
    /// `BPF_LINK_DETACH`
    LinkDetach,
    /// `BPF_RAW_TRACEPOINT_OPEN`
    RawTracepointOpen {
        /// Whether a tracepoint was named; otherwise the program was loaded for its place.
        named: bool,
    },
    /// `BPF_LINK_GET_FD_BY_ID`
    LinkGetFdById,
    /// `BPF_ITER_CREATE`
    IterCreate,
    /// `BPF_PROG_QUERY`
    ProgQuery,
    /// `BPF_MAP_UPDATE_ELEM`
    MapUpdate {
        /// The update flags: `BPF_NOEXIST` is 1, `BPF_EXIST` 2, `BPF_F_LOCK` 4.
        flags: u64,
        /// Whether the map's values are fds of maps or programs.
        fds: bool,
    },
    /// `BPF_MAP_FREEZE`
    MapFreeze,
    /// `BPF_OBJ_PIN`
    ObjPin,
    /// `BPF_OBJ_GET`
    ObjGet,
}

/// What `BPF_MAP_CREATE` was asked for.
#[derive(Clone, Copy, Default, Debug)]
pub struct MapFacts<'a> {
    /// The map kind's name.
    pub kind: &'a str,
    /// Size of a key in bytes.
    pub key_size: u32,
    /// Size of a value in bytes.
    pub value_size: u32,
    /// How many elements, or bytes for ring buffers.
    pub max_entries: u32,
    /// `BPF_F_*`
    pub flags: u32,
    /// Whether BTF ids of key and value were sent.
    pub btf: bool,
    /// The special fields of the value, such as `bpf_timer`; empty when there are none.
    pub special: &'a str,
}

/// What `BPF_PROG_LOAD` was asked for.
#[derive(Clone, Copy, Default, Debug)]
pub struct ProgramFacts<'a> {
    /// The program kind's name.
    pub kind: &'a str,
    /// How many slots.
    pub slots: usize,
    /// Whether the kind attaches to a function or struct by its BTF id.
    pub attaches_by_btf: bool,
    /// Whether program BTF was sent.
    pub btf: bool,
}

/// What is known of process and kernel.
#[derive(Clone, Copy, Default, Debug)]
pub struct Facts<'a> {
    /// A capability the command needs and the process does not have, such as `CAP_BPF`.
    pub missing: Option<&'a str>,
    /// What the kernel calls itself.
    pub kernel: Option<KernelVersion>,
    /// The newest thing the command uses, and since which kernel it exists.
    pub newest: Option<(&'a str, KernelVersion)>,
}

/// The likely cause, one sentence without a full stop; `None` when the number says all there is to say.
#[must_use]
pub fn explain(command: &Failed<'_>, errno: Errno, facts: &Facts<'_>) -> Option<Cow<'static, str>> {
    permission(errno, facts)
        .or_else(|| too_new(errno, facts))
        .or_else(|| memory(command, errno, facts))
        .or_else(|| specific(command, errno))
        .or_else(|| general(errno))
}

fn permission(errno: Errno, facts: &Facts<'_>) -> Option<Cow<'static, str>> {
    let capability = facts.missing.filter(|_| matches!(errno, Errno::EPERM | Errno::EACCES))?;
    Some(format!("the process lacks {capability}").into())
}

/// What an old kernel does not know is an unknown number, flag, or field to it.
fn too_new(errno: Errno, facts: &Facts<'_>) -> Option<Cow<'static, str>> {
    let says_so =
        matches!(errno, Errno::EINVAL | Errno::E2BIG | Errno::EOPNOTSUPP | Errno::ENOTSUPP | Errno::ENOSYS);
    let (what, since) = facts.newest.filter(|_| says_so)?;
    let kernel = facts.kernel.filter(|kernel| *kernel < since)?;
    Some(format!("{what} came with Linux {since}; this kernel says it is {kernel}").into())
}

/// The first release that does not count maps and programs as locked memory of the user.
const UNLOCKED: KernelVersion = KernelVersion::new(5, 11);

/// Who lacks a capability was told so before.
fn memory(command: &Failed<'_>, errno: Errno, facts: &Facts<'_>) -> Option<Cow<'static, str>> {
    let counted = matches!(command, Failed::MapCreate(_) | Failed::ProgLoad(_)) && errno == Errno::EPERM;
    let kernel = facts.kernel.filter(|kernel| counted && *kernel < UNLOCKED)?;
    let text = format!(
        "over the limit of locked memory (RLIMIT_MEMLOCK, `ulimit -l`), to which Linux {kernel} counts maps and programs, \
         or a capability beyond CAP_BPF is missing"
    );
    Some(text.into())
}

fn specific(command: &Failed<'_>, errno: Errno) -> Option<Cow<'static, str>> {
    match command {
        Failed::MapCreate(map) => map_create(map, errno),
        Failed::BtfLoad { bytes } => btf_load(*bytes, errno).map(Cow::from),
        Failed::ProgLoad(program) => prog_load(program, errno),
        Failed::LinkCreate { attach_type } => link::create(attach_type, errno),
        Failed::LinkUpdate => link::update(errno).map(Cow::from),
        Failed::LinkDetach => link::detach(errno).map(Cow::from),
        Failed::RawTracepointOpen { named: true } => link::raw_tracepoint(errno).map(Cow::from),
        Failed::RawTracepointOpen { named: false } => link::loaded_for(errno).map(Cow::from),
        Failed::LinkGetFdById => link::by_id(errno).map(Cow::from),
        Failed::IterCreate => link::iter_create(errno).map(Cow::from),
        Failed::ProgQuery => link::query(errno).map(Cow::from),
        Failed::MapUpdate { flags, fds } => map_update(*flags, *fds, errno).map(Cow::from),
        Failed::MapFreeze => map_freeze(errno).map(Cow::from),
        Failed::ObjPin => obj_pin(errno).map(Cow::from),
        Failed::ObjGet => obj_get(errno).map(Cow::from),
    }
}

/// `BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG`
const PROGRAM_ACCESS: u32 = 1 << 7 | 1 << 8;
/// `BPF_F_MMAPABLE`
const MMAPABLE: u32 = 1 << 10;

fn map_create(map: &MapFacts<'_>, errno: Errno) -> Option<Cow<'static, str>> {
    let (kind, special) = (map.kind, map.special);
    let cause = match errno {
        Errno::EINVAL => return Some(map_create_einval(map)),
        Errno::EOPNOTSUPP if !special.is_empty() => format!("maps of kind {kind} cannot hold {special}"),
        Errno::EACCES if map.flags & PROGRAM_ACCESS != 0 && !special.is_empty() => {
            format!(
                "a value with {special} cannot be read-only or write-only for programs (BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)"
            )
        }
        Errno::EACCES if map.btf => "btf_fd is the kernel's own BTF, which cannot describe a map".to_owned(),
        Errno::EPERM if !special.is_empty() => format!("values with {special} need CAP_BPF"),
        Errno::EBADF if map.btf => "btf_fd is not an open BTF fd".to_owned(),
        Errno::EBADF => "inner_map_fd is not an open map fd".to_owned(),
        Errno::E2BIG => format!(
            "keys of {} bytes, values of {} bytes or {} elements are more than a {kind} map may have, or the kernel is too old for a field",
            map.key_size, map.value_size, map.max_entries
        ),
        Errno::ENOMEM => format!(
            "no memory for {} elements, or over the process's limit (RLIMIT_MEMLOCK before 5.11)",
            map.max_entries
        ),
        Errno::ENOTSUPP => format!("a {kind} map cannot have these flags ({:#x})", map.flags),
        _ => return None,
    };
    Some(cause.into())
}

/// What the kernel checks is the same for most kinds; the first thing that looks wrong is named.
fn map_create_einval(map: &MapFacts<'_>) -> Cow<'static, str> {
    let MapFacts { kind, key_size, value_size, max_entries, flags, .. } = *map;
    let sizes =
        format!("key size {key_size}, value size {value_size}, {max_entries} elements, flags {flags:#x}");
    if flags & PROGRAM_ACCESS == PROGRAM_ACCESS {
        return "BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other".into();
    }
    if flags & MMAPABLE != 0 && !kind.eq_ignore_ascii_case("array") {
        return format!(
            "BPF_F_MMAPABLE is for ARRAY maps and arenas, or this kernel is too old for it ({kind}: {sizes})"
        )
        .into();
    }
    if map.btf {
        return format!(
            "the BTF sizes of key or value differ from key size {key_size} and value size {value_size}, the kind ({kind}) wants another \
             key type, or the kind does not take these sizes, entries or flags ({sizes})"
        )
        .into();
    }
    format!("this kernel has no {kind} maps, or they do not take {sizes}; a name may hold letters, digits, `_` and `.` only").into()
}

/// `BTF_MAX_SIZE`, include/uapi/linux/btf.h and btf.c
const BTF_MAX_SIZE: usize = 16 << 20;

fn btf_load(bytes: usize, errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::E2BIG if bytes > BTF_MAX_SIZE => Some("BTF may be 16 MiB at most"),
        Errno::EINVAL => Some("malformed, or of a kind this kernel does not know; its log says which type"),
        Errno::EFAULT => Some("a struct misplaces a special field such as bpf_spin_lock or bpf_list_head"),
        Errno::ENOSPC => Some("the log buffer was too small"),
        _ => None,
    }
}

/// `BPF_MAXINSNS` and `BPF_COMPLEXITY_LIMIT_INSNS`, include/linux/bpf_common.h and bpf.h
const SLOTS_UNPRIVILEGED: usize = 4096;
const SLOTS: usize = 1_000_000;

fn prog_load(program: &ProgramFacts<'_>, errno: Errno) -> Option<Cow<'static, str>> {
    let kind = program.kind;
    let cause = match errno {
        Errno::E2BIG if program.slots == 0 => "the program is empty".to_owned(),
        Errno::E2BIG if program.slots > SLOTS => format!("{} slots are more than {SLOTS}", program.slots),
        Errno::E2BIG if program.slots > SLOTS_UNPRIVILEGED => {
            format!(
                "more than {SLOTS_UNPRIVILEGED} slots need CAP_BPF (a kernel before 5.2 never takes more)"
            )
        }
        Errno::EINVAL if program.attaches_by_btf => {
            format!(
                "{kind} programs need a BTF id to attach to that exists in this kernel, and the attach type that fits it"
            )
        }
        Errno::EINVAL => format!(
            "this kernel has no {kind} programs, or the attach type does not fit, or a flag, log setting or name is not valid"
        ),
        Errno::EPERM => format!(
            "{kind} programs need more capabilities than CAP_BPF (CAP_NET_ADMIN for networking, CAP_PERFMON for tracing), or a lockdown, \
             LSM or token policy forbids them"
        ),
        Errno::EBADF if program.btf => "an fd of BTF, a map or a target program is not open".to_owned(),
        Errno::EBADF => "an fd of a map or a target program is not open".to_owned(),
        Errno::ENOSPC => {
            "the log buffer was too small: the kernel fails the load even if the program is valid".to_owned()
        }
        Errno::ENOTSUPP => {
            "the kernel's JIT cannot compile this program, or the target is BTF that is not the kernel's"
                .to_owned()
        }
        Errno::EPROTO => "the program refers to maps by index and no fd_array was given".to_owned(),
        Errno::EAGAIN => "a signal interrupted the verifier every time".to_owned(),
        _ => return None,
    };
    Some(cause.into())
}

fn map_update(flags: u64, fds: bool, errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EEXIST => {
            Some("the key exists, and BPF_NOEXIST was asked for; elements of array maps always exist")
        }
        Errno::ENOENT => Some("the key does not exist, and BPF_EXIST was asked for"),
        Errno::E2BIG => Some("the map is full, or the index is beyond its end"),
        Errno::EPERM => Some("the map is frozen, or was opened read-only"),
        Errno::EINVAL if flags & 4 != 0 => Some("BPF_F_LOCK needs a bpf_spin_lock in the value"),
        Errno::EINVAL if fds => Some(
            "the map or program does not fit the outer map: type, sizes, flags and special fields must match",
        ),
        Errno::EBADF if fds => Some("the fd in the value is not open"),
        Errno::EBUSY => Some("the element is being changed by a program that was interrupted: try again"),
        _ => None,
    }
}

fn map_freeze(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EBUSY => Some(
            "the map is mapped into memory for writing, or being written; older kernels: or is frozen already",
        ),
        Errno::ENOTSUPP => {
            Some("a map with a special field (timer, lock, kptr) cannot be frozen, nor one of struct_ops")
        }
        Errno::EPERM => {
            Some("the map is frozen already, or its fd may not write to it; older kernels also want CAP_BPF")
        }
        _ => None,
    }
}

fn obj_pin(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EPERM => Some("the directory is not on a bpffs, or links of this kind cannot be pinned"),
        Errno::EACCES => Some("the directory is not writable for this user"),
        Errno::EEXIST => Some("something is pinned there already"),
        Errno::ENOENT => Some("the directory does not exist"),
        Errno::ENOSPC => Some("the bpffs is full"),
        _ => None,
    }
}

fn obj_get(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ENOENT => Some("nothing is pinned there"),
        Errno::EACCES => Some("the pin may not be opened by this user, or it is not on a bpffs"),
        Errno::EPERM => Some("the pin may not be opened without CAP_BPF"),
        Errno::EINVAL => Some("a link cannot be opened read-only or write-only"),
        _ => None,
    }
}

fn general(errno: Errno) -> Option<Cow<'static, str>> {
    let cause = match errno {
        Errno::EPERM => {
            "a capability is missing (CAP_BPF at least), it is held in a user namespace only, or lockdown, an LSM or seccomp forbids it"
        }
        Errno::ENOSYS => "this kernel is built without bpf(2), or seccomp hides it",
        Errno::E2BIG => "this kernel is too old for a field that was set",
        Errno::EINVAL => "this kernel does not know the command, a field or a flag",
        Errno::ENOMEM => "no memory, or over the process's limit (RLIMIT_MEMLOCK before 5.11)",
        Errno::EMFILE | Errno::ENFILE => "too many open files",
        Errno::EBADF => "an fd is not open, or is not what is expected there",
        _ => return None,
    };
    Some(cause.into())
}
