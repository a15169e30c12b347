//! Asks the running kernel whether it has something, by trying. Never done unasked, but for what a failed
//! command took for granted.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use crate::asm::{Assembler, Cast, Code, Helper, Insn, Isa, MapRef, Reg, Size, StackArg};
use crate::base::{Endian, Errno};
use crate::btf::{BtfType, Builder, IntEncoding, Linkage, StructDef, Timer};
use crate::kind::{ProgType, ProgramKind};
use crate::map::{BtfRule, EntriesRule, MapKind, SizeRule};
use crate::program::ProgramFlags;
use crate::sys::abi::LogLevel;
use crate::sys::{self, BtfFd, Log, MapFd, ProgFd};
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
    // A struct of the kernel is more than a trial can bring along.
    if kind == MapKind::STRUCT_OPS || kind.since().is_none() {
        return Fact::Unknown;
    }
    match (kind.has_inner(), kind.btf()) {
        (true, _) => fact_of(array(b"").and_then(|inner| map(kind, Some(inner.as_fd()), None))),
        (_, BtfRule::Required) => match btf(|builder| builder.int("int", 4, IntEncoding::SIGNED).is_ok()) {
            Ok(types) => fact_of(map(kind, None, Some(types.as_fd()))),
            Err(_) => Fact::Unknown,
        },
        _ => fact_of(map(kind, None, None)),
    }
}

fn map(kind: MapKind, inner: Option<BorrowedFd<'_>>, types: Option<BorrowedFd<'_>>) -> Result<MapFd, Errno> {
    let max_entries = match kind.max_entries() {
        EntriesRule::Zero => 0,
        EntriesRule::RingBytes => {
            sys::host::page_size().ok().and_then(|size| u32::try_from(size).ok()).unwrap_or(4096)
        }
        _ => 1,
    };
    sys::map::create(&sys::map::Create {
        map_type: kind.0,
        key_size: least(kind.key_size()),
        value_size: if types.is_some() { 4 } else { least(kind.value_size()) },
        max_entries,
        flags: kind.required_flags().bits(),
        inner,
        btf: types.map(|btf| sys::map::Types { btf, key: 1, value: 1 }),
        ..Default::default()
    })
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
    const NONE: [&[u8]; 3] = [b"invalid func", b"unknown func", b"cannot use helper"];
    let (result, log) = load(prog_type, &code);
    match result {
        Ok(_) => Fact::Yes,
        Err(Errno::EPERM) => Fact::NotPermitted,
        Err(_) if NONE.iter().any(|text| says(&log, text)) => Fact::No,
        Err(_) if log.is_empty() => Fact::Unknown,
        Err(_) => Fact::Yes,
    }
}

fn isa(group: Isa) -> Fact {
    match group {
        Isa::MAP_VALUE => return feature(Feature::GlobalData),
        Isa::MAP_INDEX => return feature(Feature::FdArray),
        _ => {}
    }
    if let Some(code) = valid(group) {
        let (result, log) = load(ProgType::SOCKET_FILTER, &code);
        return match result {
            Err(Errno::EPERM) => Fact::NotPermitted,
            Err(_) if log.is_empty() => Fact::Unknown,
            result => fact_of(result),
        };
    }
    known(group).map_or(Fact::Unknown, understood)
}

/// A program the verifier takes that uses the group, and nothing newer.
fn valid(group: Isa) -> Option<Code> {
    let mut a = Assembler::with_isa(Isa::all());
    a.mov(Reg::R6, Reg::R1).mov(Reg::R0, 0);
    let next = a.label();
    match group {
        Isa::BASE32 | Isa::BASE64 => &mut a,
        Isa::DIVMUL32 => a.mul32(Reg::R0, 3).div32(Reg::R0, 3),
        Isa::DIVMUL64 => a.mul(Reg::R0, 3).div(Reg::R0, 3),
        Isa::XADD32 => a.st(Size::DW, Reg::FP, -8, 0).atomic_add(Size::W, Reg::FP, -8, Reg::R0),
        Isa::XADD64 => a.st(Size::DW, Reg::FP, -8, 0).atomic_add(Size::DW, Reg::FP, -8, Reg::R0),
        Isa::PACKET => a.ld_abs(Size::B, 0),
        Isa::LESS_THAN => a.jlt(Reg::R0, 1, next),
        Isa::FUNCTION_CALL => {
            // To the instruction after the exit: a function of its own.
            a.insn(Insn::CallFunction { off: 1 }).exit().mov(Reg::R0, 0)
        }
        Isa::JUMP32 => a.jeq32(Reg::R0, 0, next),
        Isa::ATOMIC32 => a.st(Size::DW, Reg::FP, -8, 0).atomic_or(Size::W, Reg::FP, -8, Reg::R0),
        Isa::ATOMIC64 => a.st(Size::DW, Reg::FP, -8, 0).atomic_or(Size::DW, Reg::FP, -8, Reg::R0),
        Isa::CPUV4 => a.bswap(Reg::R0, 16),
        Isa::MAY_GOTO => a.may_goto(next),
        Isa::ACQUIRE_RELEASE => a.st(Size::DW, Reg::FP, -8, 0).load_acquire(Size::DW, Reg::R0, Reg::FP, -8),
        _ => return None,
    };
    a.bind(next).mov(Reg::R0, 0).exit();
    a.finish().ok()
}

/// A program that uses the group, and which a verifier that knows it refuses for another reason.
fn known(group: Isa) -> Option<Code> {
    let insn = match group {
        Isa::BTF_ID => Insn::LoadBtfId { dst: Reg::R1, id: u32::MAX, btf_fd: 0 },
        Isa::FUNCTION_ADDRESS => Insn::LoadFunction { dst: Reg::R1, off: 1 },
        Isa::KFUNC_CALL => Insn::CallKfunc { id: u32::MAX >> 1, btf_index: 0 },
        Isa::ARENA => Insn::AddrSpaceCast { cast: *Cast::ALL.first()?, dst: Reg::R1, src: Reg::R1 },
        Isa::INDIRECT_JUMP => Insn::Gotox { dst: Reg::R1 },
        Isa::STACK_ARGUMENTS => Insn::StoreArgImm { arg: StackArg::new(1)?, imm: 0 },
        _ => return None,
    };
    Assembler::with_isa(Isa::all()).insn(insn).mov(Reg::R0, 0).exit().finish().ok()
}

/// Whether the verifier knows the instruction, by what it says.
fn understood(code: Code) -> Fact {
    const UNKNOWN: [&[u8]; 5] = [
        b"unknown opcode",
        b"uses reserved fields",
        b"unrecognized bpf_ld_imm64",
        b"invalid BPF_LD_IMM64",
        b"R11 is invalid",
    ];
    let (result, log) = load(ProgType::SOCKET_FILTER, &code);
    match result {
        Ok(_) => Fact::Yes,
        Err(Errno::EPERM) => Fact::NotPermitted,
        Err(_) if log.is_empty() => Fact::Unknown,
        Err(_) if UNKNOWN.iter().any(|text| says(&log, text)) => Fact::No,
        Err(_) => Fact::Yes,
    }
}

fn says(log: &[u8], text: &[u8]) -> bool {
    log.windows(text.len()).any(|window| window == text)
}

fn feature(feature: Feature) -> Fact {
    match feature {
        Feature::ObjectNames => fact_of(array(b"probe")),
        Feature::Btf => fact_of(btf(|builder| builder.int("int", 4, IntEncoding::SIGNED).is_ok())),
        Feature::FuncInfo => fact_of(btf(|builder| function(builder, Linkage::Static))),
        Feature::GlobalFunctions => fact_of(btf(|builder| function(builder, Linkage::Global))),
        Feature::FunctionCalls => isa(Isa::FUNCTION_CALL),
        Feature::GlobalData => fact_of(array(b"").and_then(|map| sys::map::freeze(map.as_fd()))),
        Feature::BoundedLoops => {
            counts_down().map_or(Fact::Unknown, |code| fact_of(load(ProgType::SOCKET_FILTER, &code).0))
        }
        Feature::Callbacks => isa(Isa::FUNCTION_ADDRESS),
        Feature::Kfuncs => isa(Isa::KFUNC_CALL),
        Feature::Timers => helper(Helper::TIMER_INIT, ProgType::SOCKET_FILTER),
        Feature::TracingTimers => fact_of(timers().and_then(|map| by_index(map, ProgType::RAW_TRACEPOINT))),
        Feature::FdArray => fact_of(array(b"").and_then(|map| by_index(map, ProgType::SOCKET_FILTER))),
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

/// An array whose values are timers. A kernel that keeps them from a type of program says so of the map alone: the helper is
/// offered all the same.
fn timers() -> Result<MapFd, Errno> {
    let mut ids = None;
    let types = btf(|builder| {
        let value =
            |builder: &mut Builder, timer| builder.structure(StructDef::new("value").member("timer", timer));
        let key = builder.int("int", 4, IntEncoding::SIGNED);
        let value = Timer::btf(builder).and_then(|timer| value(builder, timer));
        ids = key.ok().zip(value.ok());
        ids.is_some()
    })?;
    let (key, value) = ids.ok_or(Errno::EINVAL)?;
    let value_size = u32::try_from(Timer::SIZE).map_err(|_| Errno::EINVAL)?;
    sys::map::create(&sys::map::Create {
        map_type: MapKind::ARRAY.0,
        key_size: 4,
        value_size,
        max_entries: 1,
        btf: Some(sys::map::Types { btf: types.as_fd(), key: key.0, value: value.0 }),
        ..Default::default()
    })
}

fn counts_down() -> Option<Code> {
    let mut a = Assembler::new();
    let again = a.label();
    a.mov(Reg::R0, 3).bind(again).sub(Reg::R0, 1).jne(Reg::R0, 0, again).exit();
    a.finish().ok()
}

fn btf(describe: impl FnOnce(&mut Builder) -> bool) -> Result<BtfFd, Errno> {
    let mut builder = Builder::new();
    let described = describe(&mut builder);
    let bytes = builder.finish().ok().filter(|_| described).ok_or(Errno::EINVAL)?.encode(Endian::NATIVE);
    sys::btf::load(&bytes, None, &mut Log::none())
}

fn function(builder: &mut Builder, linkage: Linkage) -> bool {
    let proto = i32::btf(builder).and_then(|int| builder.func_proto(int, &[]));
    proto.and_then(|proto| builder.func("probe", proto, linkage)).is_ok()
}

fn by_index(map: MapFd, prog_type: ProgType) -> Result<(), Errno> {
    let mut a = Assembler::new();
    a.insn(Insn::LoadMap { dst: Reg::R1, map: MapRef::Index(0) }).mov(Reg::R0, 0).exit();
    let insns = a.finish().map_err(|_| Errno::EINVAL)?.encode(Endian::NATIVE);
    let fds = [map.as_fd()];
    let prog_type = prog_type.0;
    let load =
        sys::prog::Load { prog_type, insns: &insns, license: LICENSE, fd_array: &fds, ..Default::default() };
    sys::prog::load(&load, &mut Log::none()).map(drop)
}
