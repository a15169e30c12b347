//! Asks the running kernel whether it has something, by trying. Never done unasked, but for what a failed
//! command took for granted.

use std::ffi::CStr;

use crate::asm::{Assembler, Code, Helper, Isa, Reg, Size};
use crate::base::{Endian, Errno};
use crate::btf::{BtfType, Builder, IntEncoding, Linkage};
use crate::kind::{ProgType, ProgramKind};
use crate::map::{EntriesRule, MapKind, SizeRule};
use crate::program::ProgramFlags;
use crate::sys::abi::LogLevel;
use crate::sys::{self, Log, MapFd, ProgFd};
use crate::target::{Fact, Feature, Subject};

/// Tries whether the running kernel has `subject`: creates a map, loads a program, and drops it again.
///
/// [`Fact::NotPermitted`] where that needs a capability the process lacks, [`Fact::Unknown`] where no trial tells.
/// Feed the answer to [`Target::with_fact`](crate::target::Target::with_fact).
#[must_use]
pub fn probe(subject: Subject) -> Fact {
    match subject {
        Subject::MapKind(number) => map_kind(MapKind(number)),
        Subject::ProgType(number) => prog_type(ProgType(number)),
        Subject::Helper { helper, prog_type } => self::helper(Helper(helper), ProgType(prog_type)),
        Subject::Isa(bits) => isa(Isa::from_bits_retain(bits)),
        Subject::Feature(feature) => self::feature(feature),
    }
}

fn fact_of<T>(result: Result<T, Errno>) -> Fact {
    match result {
        Ok(_) => Fact::Yes,
        Err(Errno::EPERM) => Fact::NotPermitted,
        Err(Errno::EINVAL | Errno::E2BIG | Errno::EOPNOTSUPP | Errno::ENOTSUPP | Errno::ENOSYS) => Fact::No,
        Err(_) => Fact::Unknown,
    }
}

fn least(rule: SizeRule) -> u32 {
    match rule {
        SizeRule::Exactly(size) | SizeRule::Either(size, _) | SizeRule::MultipleOf(size) => size,
        SizeRule::Between(least, _) => least,
        SizeRule::Any | SizeRule::KernelStruct => 8,
    }
}

fn map_kind(kind: MapKind) -> Fact {
    // Types in BTF, an inner map or a kernel struct are more than a trial can bring along.
    if kind.has_inner() || matches!(kind, MapKind::STRUCT_OPS) || kind.since().is_none() {
        return Fact::Unknown;
    }
    let max_entries = match kind.max_entries() {
        EntriesRule::Zero => 0,
        EntriesRule::RingBytes => {
            sys::host::page_size().ok().and_then(|size| u32::try_from(size).ok()).unwrap_or(4096)
        }
        _ => 1,
    };
    let create = sys::map::Create {
        map_type: kind.0,
        key_size: least(kind.key_size()),
        value_size: least(kind.value_size()),
        max_entries,
        flags: kind.required_flags().bits(),
        ..Default::default()
    };
    match sys::map::create(&create) {
        // Local storages want BTF, which the trial does not bring: they are known all the same.
        Err(Errno::EINVAL) if create.key_size == 4 && max_entries == 0 => Fact::Unknown,
        result => fact_of(result),
    }
}

const LICENSE: &CStr = c"GPL";

/// Loads a program as `prog_type`; the log says why not.
fn load(prog_type: ProgType, code: &Code) -> (Result<ProgFd, Errno>, Vec<u8>) {
    let insns = code.encode(Endian::NATIVE);
    let kind = ProgramKind::of_type(prog_type).next();
    let attach_type = kind.and_then(ProgramKind::expected_attach_type);
    let load = sys::prog::Load {
        prog_type: prog_type.0,
        insns: &insns,
        license: LICENSE,
        expected_attach_type: attach_type.map_or(0, |attach| attach.0),
        flags: if kind.is_some_and(|kind| prog_type == ProgType::SYSCALL || kind.sleepable()) {
            ProgramFlags::SLEEPABLE.bits()
        } else {
            0
        },
        ..Default::default()
    };
    let mut buffer = vec![0; 1 << 16];
    let mut log = Log::new(LogLevel::from_bits_retain(1), &mut buffer);
    let result = sys::prog::load(&load, &mut log);
    let text = log.text().to_vec();
    (result, text)
}

fn trivial() -> Option<Code> {
    let mut a = Assembler::new();
    a.mov(Reg::R0, 0).exit();
    a.finish().ok()
}

fn prog_type(prog_type: ProgType) -> Fact {
    let Some(code) = trivial() else { return Fact::Unknown };
    if ProgramKind::of_type(prog_type).next().is_none_or(ProgramKind::needs_attach_btf_id) {
        return Fact::Unknown;
    }
    match load(prog_type, &code) {
        // The verifier looked at it, so the type is known.
        (Err(_), log) if !log.is_empty() => Fact::Yes,
        (result, _) => fact_of(result),
    }
}

fn helper(helper: Helper, prog_type: ProgType) -> Fact {
    let mut a = Assembler::new();
    a.call(helper).exit();
    let Ok(code) = a.finish() else { return Fact::Unknown };
    let (result, log) = load(prog_type, &code);
    let says = |text: &[u8]| log.windows(text.len()).any(|window| window == text);
    match result {
        Ok(_) => Fact::Yes,
        Err(Errno::EPERM) => Fact::NotPermitted,
        Err(_) if says(b"invalid func") || says(b"unknown func") || says(b"cannot use helper") => Fact::No,
        Err(_) if log.is_empty() => Fact::Unknown,
        Err(_) => Fact::Yes,
    }
}

fn isa(group: Isa) -> Fact {
    let Some(code) = sample(group) else { return Fact::Unknown };
    let (result, log) = load(ProgType::SOCKET_FILTER, &code);
    match result {
        Err(Errno::EPERM) => Fact::NotPermitted,
        Err(_) if log.is_empty() => Fact::Unknown,
        result => fact_of(result),
    }
}

/// A program the verifier takes that uses the group, and nothing newer.
fn sample(group: Isa) -> Option<Code> {
    let mut a = Assembler::with_isa(Isa::all());
    a.mov(Reg::R0, 0);
    match group {
        Isa::LESS_THAN | Isa::JUMP32 | Isa::MAY_GOTO => {
            let next = a.label();
            match group {
                Isa::LESS_THAN => a.jlt(Reg::R0, 1, next),
                Isa::JUMP32 => a.jeq32(Reg::R0, 0, next),
                _ => a.may_goto(next),
            };
            a.bind(next).mov(Reg::R0, 0);
        }
        Isa::ATOMIC32 | Isa::ATOMIC64 => {
            let size = if group == Isa::ATOMIC32 { Size::W } else { Size::DW };
            a.st(Size::DW, Reg::FP, -8, 0).mov(Reg::R1, 1).atomic_or(size, Reg::FP, -8, Reg::R1);
        }
        Isa::CPUV4 => {
            a.bswap(Reg::R0, 16);
        }
        Isa::ACQUIRE_RELEASE => {
            a.st(Size::DW, Reg::FP, -8, 0).load_acquire(Size::DW, Reg::R0, Reg::FP, -8).mov(Reg::R0, 0);
        }
        Isa::BASE32 | Isa::BASE64 => {}
        _ => return None,
    }
    a.exit();
    a.finish().ok()
}

fn feature(feature: Feature) -> Fact {
    match feature {
        Feature::ObjectNames => fact_of(array(b"probe")),
        Feature::Btf => fact_of(btf(|builder| builder.int("int", 4, IntEncoding::SIGNED).is_ok())),
        Feature::FuncInfo => fact_of(btf(|builder| function(builder, Linkage::Static))),
        Feature::GlobalFunctions => fact_of(btf(|builder| function(builder, Linkage::Global))),
        Feature::GlobalData => {
            fact_of(array(b"").and_then(|map| sys::map::freeze(std::os::fd::AsFd::as_fd(&map))))
        }
        Feature::Timers => helper(Helper::TIMER_INIT, ProgType::SOCKET_FILTER),
        Feature::TracingTimers => helper(Helper::TIMER_INIT, ProgType::RAW_TRACEPOINT),
        Feature::FdArray => fact_of(array(b"").and_then(by_index)),
        _ => Fact::Unknown,
    }
}

fn array(name: &[u8]) -> Result<MapFd, Errno> {
    let size = 4;
    let map_type = MapKind::ARRAY.0;
    sys::map::create(&sys::map::Create {
        map_type,
        key_size: size,
        value_size: size,
        max_entries: 1,
        name,
        ..Default::default()
    })
}

fn btf(describe: impl FnOnce(&mut Builder) -> bool) -> Result<(), Errno> {
    let mut builder = Builder::new();
    let described = describe(&mut builder);
    let bytes = builder.finish().ok().filter(|_| described).ok_or(Errno::EINVAL)?.encode(Endian::NATIVE);
    sys::btf::load(&bytes, None, &mut Log::none()).map(drop)
}

fn function(builder: &mut Builder, linkage: Linkage) -> bool {
    let proto = i32::btf(builder).and_then(|int| builder.func_proto(int, &[]));
    proto.and_then(|proto| builder.func("probe", proto, linkage)).is_ok()
}

fn by_index(map: MapFd) -> Result<(), Errno> {
    use crate::asm::{Insn, MapRef};
    let mut a = Assembler::new();
    a.insn(Insn::LoadMap { dst: Reg::R1, map: MapRef::Index(0) }).mov(Reg::R0, 0).exit();
    let insns = a.finish().map_err(|_| Errno::EINVAL)?.encode(Endian::NATIVE);
    let fds = [std::os::fd::AsFd::as_fd(&map)];
    let prog_type = ProgType::SOCKET_FILTER.0;
    let load =
        sys::prog::Load { prog_type, insns: &insns, license: LICENSE, fd_array: &fds, ..Default::default() };
    sys::prog::load(&load, &mut Log::none()).map(drop)
}
