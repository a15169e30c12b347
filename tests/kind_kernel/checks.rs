//! What the tables say and what the kernel says.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::sync::OnceLock;

use bpfsmith::asm::{Assembler, Isa, Reg, Size};
use bpfsmith::base::{Endian, Helper, KernelVersion};
use bpfsmith::btf::{BtfType, Builder, Kind, Timer, Type, TypeId, View};
use bpfsmith::kind::{
    Context, ContextAccess, ContextField, ContextPointer, Direction, HelperTerms, Known, ProgType,
    ProgramKind,
};
use bpfsmith::map::MapKind;
use bpfsmith::sys::{Log, MapFd, btf, host, map};

use crate::loader::Loader;

/// A call of every helper. The kernel looks whether the kind may call it before it looks at anything else.
pub fn helpers(loader: &Loader) -> Vec<String> {
    Helper::ALL.into_iter().filter_map(|helper| differs(loader, helper)).collect()
}

fn differs(loader: &Loader, helper: Helper) -> Option<String> {
    let verdict = loader.try_body(|a| {
        a.call(helper);
    });
    // The last is what kernels that do not have it say.
    let refused = ["program of this type cannot use helper", "unknown func", "invalid func unknown"];
    let offered = !refused.iter().any(|words| verdict.log.contains(words));
    let terms = loader.kind.helper(helper);
    let expected = terms.map_or(Some(false), |terms| is_offered(&terms));
    assert_eq!(terms.is_some(), loader.kind.helpers().contains(helper));
    let early = TOO_EARLY.iter().any(|(known, until)| *known == helper && running() < *until);
    let differs = expected.is_some_and(|expected| expected != offered && !(expected && early));
    differs.then(|| format!("{helper}: the kernel {}, the table {terms:?}", says(offered)))
}

/// For some kinds the table says too early a release, as it may: this one, or one not long before it, is the first of theirs. In
/// some cases the kernel offered the helper before to programs that may sleep.
const TOO_EARLY: [(Helper, KernelVersion); 11] = [
    (Helper::COPY_FROM_USER, KernelVersion::new(6, 12)),
    (Helper::COPY_FROM_USER_TASK, KernelVersion::new(6, 12)),
    (Helper::IMA_FILE_HASH, KernelVersion::new(6, 12)),
    (Helper::IMA_INODE_HASH, KernelVersion::new(6, 12)),
    (Helper::CURRENT_TASK_UNDER_CGROUP, KernelVersion::new(6, 12)),
    (Helper::GET_CURRENT_CGROUP_ID, KernelVersion::new(6, 12)),
    (Helper::GET_CURRENT_ANCESTOR_CGROUP_ID, KernelVersion::new(6, 12)),
    (Helper::GET_CURRENT_PID_TGID, KernelVersion::new(6, 12)),
    (Helper::GET_NS_CURRENT_PID_TGID, KernelVersion::new(6, 12)),
    (Helper::TASK_STORAGE_GET, KernelVersion::new(6, 16)),
    (Helper::TASK_STORAGE_DELETE, KernelVersion::new(6, 16)),
];

fn says(yes: bool) -> &'static str {
    if yes { "allows it" } else { "refuses it" }
}

/// `None` where it depends on what a test cannot see.
fn is_offered(terms: &HelperTerms) -> Option<bool> {
    let permitted = host::capabilities().unwrap().lacking(terms.capabilities).is_empty();
    let configured = terms.config.map_or(Some(true), configured);
    if terms.since > running() || !permitted || configured == Some(false) {
        return Some(false);
    }
    if terms.lockdown.is_some() || terms.only_for.is_some() { None } else { configured }
}

fn running() -> KernelVersion {
    host::kernel_version().unwrap()
}

fn configured(symbol: &str) -> Option<bool> {
    static CONFIG: OnceLock<Option<String>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| embedded_config().or_else(installed_config));
    let set = format!("{symbol}=");
    config.as_ref().map(|config| config.lines().any(|line| line.starts_with(&set)))
}

/// Kernels may tell how they were built (`CONFIG_IKCONFIG_PROC`),
fn embedded_config() -> Option<String> {
    let output = Command::new("zcat").arg("/proc/config.gz").output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}

/// ... and distributions install it beside them.
fn installed_config() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    fs::read_to_string(format!("/boot/config-{}", release.trim())).ok()
}

const WIDTHS: [(u32, Size); 4] = [(1, Size::B), (2, Size::H), (4, Size::W), (8, Size::DW)];

/// Reads and writes of every width at every offset, and some after the end.
pub fn context(loader: &Loader) -> Vec<String> {
    let mut differences = Vec::new();
    let mut taken = Vec::new();
    for direction in [Direction::Read, Direction::Write] {
        for (offset, (width, size)) in offsets(loader.kind).flat_map(|at| WIDTHS.map(|width| (at, width))) {
            let access = loader.kind.context().access(direction, offset, width);
            match access {
                ContextAccess::Allowed(field) if field.since <= running() => {
                    taken.push((direction, offset, size));
                }
                ContextAccess::Unknown if !is_known_here(loader.kind.context(), direction, offset, width) => {
                }
                _ if !try_access(loader, &[(direction, offset, size)]) => {}
                _ => differences.push(format!("{direction:?} {width} at {offset}: allowed, not {access:?}")),
            }
        }
    }
    differences.extend(sign_extended(loader));
    differences.extend(pointers(loader));
    differences.extend(refused(loader, &taken));
    differences
}

/// The registers in the tables are those of x86-64, where `Unknown` comes to refused.
fn is_known_here(context: Context, direction: Direction, offset: u32, width: u32) -> bool {
    let unaligned = context.unaligned_since().filter(|_| !offset.is_multiple_of(width));
    if let Some(since) = unaligned {
        return running() < since;
    }
    cfg!(target_arch = "x86_64")
        && match context.known() {
            Known::OnX86 => true,
            Known::OnX86ToRead => direction == Direction::Read,
            _ => false,
        }
}

/// All of a small context; of a large one the first bytes and the last that an instruction reaches.
fn offsets(kind: ProgramKind) -> impl Iterator<Item = u32> {
    let size = kind.context().size();
    let first = if size <= 256 { size + 16 } else { 64 };
    let last = if size <= 256 { first } else { (size - 16).min(32_767 - 32) };
    (0..first).chain(last..(last + 32).min(32_767)).filter(move |&at| at < first || size > 256)
}

/// The accesses that should be allowed and are not: one program tries them all, and only if it fails each is tried.
fn refused(loader: &Loader, accesses: &[(Direction, u32, Size)]) -> Vec<String> {
    if try_access(loader, accesses) {
        return Vec::new();
    }
    let refused = accesses.iter().filter(|&&access| !try_access(loader, &[access]));
    refused.map(|access| format!("{access:?}: refused")).collect()
}

/// Before, no context took the store of a constant.
const CONSTANTS_INTO_CONTEXTS: KernelVersion = KernelVersion::new(6, 4);

fn try_access(loader: &Loader, accesses: &[(Direction, u32, Size)]) -> bool {
    let body = |a: &mut Assembler| {
        a.mov(Reg::R3, 0);
        for &(direction, offset, size) in accesses {
            let offset = i32::try_from(offset).unwrap();
            match direction {
                Direction::Read => a.ldx(size, Reg::R2, Reg::R1, offset),
                Direction::Write => a.stx(size, Reg::R1, offset, Reg::R3),
            };
            if direction == Direction::Write && running() >= CONSTANTS_INTO_CONTEXTS {
                a.st(size, Reg::R1, offset, 0);
            }
        }
    };
    loader.try_body(body).is_taken()
}

/// Pointers of four bytes are not read with a load that extends the sign.
fn sign_extended(loader: &Loader) -> Vec<String> {
    if Isa::CPUV4.since() > Some(running()) {
        return Vec::new();
    }
    let pointers = loader.kind.context().fields().filter(|field| field.pointer.is_some() && field.size == 4);
    let allowed = pointers.filter(|field| {
        let body = |a: &mut Assembler| {
            a.ldsx(Size::W, Reg::R2, Reg::R1, i32::try_from(field.offset).unwrap());
        };
        loader.try_body(body).is_taken()
    });
    allowed.map(|field| format!("{}: a load may extend the sign", field.name)).collect()
}

/// What the verifier says is in the register after a read of the whole field.
fn pointers(loader: &Loader) -> Vec<String> {
    let there = |field: &ContextField| !field.reads.is_empty() && field.since <= running();
    let fields = loader.kind.context().fields().filter(there);
    let differing = fields.filter_map(|field| {
        let widest = field.reads.iter().last()?.bits();
        let (_, size) = WIDTHS.into_iter().find(|&(width, _)| width == u32::from(widest))?;
        let offset = field.offset.next_multiple_of(u32::from(widest));
        let verdict = loader.trace_body(|a| {
            a.ldx(size, Reg::R2, Reg::R1, i32::try_from(offset).unwrap());
        });
        // Before 6.18 a register that was written is `R2_w`.
        let written = verdict.log.split_once(" R2=").or_else(|| verdict.log.split_once(" R2_w="));
        let (_, after) = written.unwrap_or_default();
        let found = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        let expected = field.pointer.map_or("scalar".into(), register);
        (found != expected).then(|| format!("{}: R2 is {found}, not {expected}", field.name))
    });
    differing.collect()
}

/// The verifier's word for it (`reg_type_str`).
fn register(pointer: ContextPointer) -> String {
    let word = match pointer {
        ContextPointer::Packet => "pkt",
        ContextPointer::PacketMeta => "pkt_meta",
        ContextPointer::PacketEnd => "pkt_end",
        ContextPointer::FlowKeys => "flow_keys",
        ContextPointer::Socket => "sock",
        ContextPointer::SocketOrNull => "sock_or_null",
        ContextPointer::SockCommonOrNull => "sock_common_or_null",
        ContextPointer::TracepointBuffer => "tp_buffer",
        ContextPointer::Kernel(name) => return format!("trusted_ptr_{name}"),
        _ => "?",
    };
    word.into()
}

/// Returns of values inside and outside of the range.
pub fn returns(loader: &Loader) -> Vec<String> {
    let range = loader.kind.return_range();
    // Each security hook has its own.
    if range.is_none() && loader.kind.prog_type() == ProgType::LSM {
        return Vec::new();
    }
    let values = [i32::MIN, -4096, -4095, -1, 0, 1, 2, 3, 4, 5, i32::MAX];
    let differing = values.into_iter().filter(|value| {
        let expected = range.as_ref().is_none_or(|range| range.contains(value));
        let verdict = loader.try_program(|a| {
            a.mov(Reg::R0, *value).exit();
        });
        verdict.is_taken() != expected
    });
    differing.map(|value| format!("r0 = {value} at exit: differs from {range:?}")).collect()
}

/// A map with a timer: kinds that may not use timers may not even name it.
pub fn timers(loader: &Loader) -> Vec<String> {
    let map = map_with_timer();
    let fd = map.as_fd().as_raw_fd();
    // R1 and BPF_PSEUDO_MAP_FD, which are both 1, in either byte order.
    let mut insns = [[0x18, 0x11, 0, 0], fd.to_ne_bytes(), [0; 4], [0; 4]].concat();
    let mut a = Assembler::new();
    a.mov(Reg::R0, loader.legal_return()).exit();
    insns.extend(a.finish().unwrap().encode(Endian::NATIVE));
    let verdict = loader.try_bytes(&insns);
    let expected = loader.kind.timers().is_some_and(|since| since <= running());
    let differs = (verdict.is_taken() != expected).then(|| format!("timers: {}", verdict.log));
    differs.into_iter().collect()
}

#[derive(BtfType)]
#[repr(C)]
struct Value {
    timer: Timer,
}

fn map_with_timer() -> MapFd {
    let mut builder = Builder::new();
    let key = u32::btf(&mut builder).unwrap();
    let value = Value::btf(&mut builder).unwrap();
    let bytes = builder.finish().unwrap().encode(Endian::NATIVE);
    let types = btf::load(&bytes, None, &mut Log::none()).unwrap();
    let create = map::Create {
        map_type: MapKind::ARRAY.0,
        key_size: 4,
        value_size: 16,
        max_entries: 1,
        btf: Some(map::Types { btf: types.as_fd(), key: key.0, value: value.0 }),
        ..Default::default()
    };
    map::create(&create).unwrap()
}

/// The fields have the names, offsets and sizes that the kernel's BTF says.
pub fn fields_are_where_btf_says() {
    let btf = host::vmlinux_btf().unwrap();
    let view = View::new(&btf).unwrap();
    let mut compared = 0;
    for context in ProgramKind::ALL.iter().map(|kind| kind.context()) {
        let Some(id) = view.find(Kind::Struct, context.name()) else { continue };
        for field in context.fields() {
            if let Some((offset, size)) = member(&view, id, field.name) {
                assert_eq!(offset, field.offset, "{context:?} {}", field.name);
                let zeros = (context.name(), field.name, field.size.saturating_sub(size));
                assert!(size == 0 || size == field.size || FOLLOWED_BY_ZEROS.contains(&zeros), "{zeros:?}");
                compared += 1;
            } else if field.since <= running() {
                assert!(MADE_UP.contains(&(context.name(), field.name)), "{context:?} {}", field.name);
            }
        }
    }
    assert!(compared > 400, "{compared}");
}

/// Read with the padding behind them too.
const FOLLOWED_BY_ZEROS: [(&str, &str, u32); 2] =
    [("bpf_sock", "dst_port", 2), ("bpf_sk_lookup", "remote_port", 2)];

/// Parts of a context that are no members.
const MADE_UP: [(&str, &str); 3] =
    [("pt_regs", "regs"), ("bpf_raw_tracepoint_args", "buffer"), ("bpf_raw_tracepoint_args", "rest")];

/// Offset and size of a member, also of one of a nameless struct or union inside.
fn member(view: &View<'_>, id: TypeId, name: &str) -> Option<(u32, u32)> {
    let (Type::Struct(def) | Type::Union(def)) = view.get(id).ok()? else { return None };
    def.members.iter().find_map(|member| {
        let offset = member.bit_offset / 8;
        if member.name == name {
            return Some((offset, view.size_of(member.ty).ok()?));
        }
        let inner = member.name.is_empty().then(|| self::member(view, member.ty, name))??;
        Some((offset + inner.0, inner.1))
    })
}

/// What loads alike has the same rows.
pub fn alike(kind: ProgramKind, other: ProgramKind) -> Option<String> {
    let same = kind.context() == other.context()
        && kind.helpers() == other.helpers()
        && kind.timers() == other.timers()
        && (kind.return_range() == other.return_range() || kind.prog_type() == ProgType::KPROBE);
    (!same).then(|| format!("{other} is not as {kind}"))
}
