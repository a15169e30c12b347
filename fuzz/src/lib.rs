//! What each fuzz target does with its bytes. Also a module of tests/fuzz_smoke.rs, so that every `cargo test` runs it on
//! a few thousand inputs; whatever fails panics.

use arbitrary::{Arbitrary, Result, Unstructured};
use bpfsmith::asm::{
    AluOp, AtomicOp, Cast, Code, CodeError, Cond, Extend, Helper, Insn, LocId, MapRef, Narrow, Reg, Reloc,
    RelocKind, Size, Slot, Source, StackArg, SwapBits, SwapOp, SymbolId, Width,
};
use bpfsmith::base::{Endian, Errno};
use bpfsmith::btf::{Timer, View, special};
use bpfsmith::kernel::{Rejection, Sources, VerifierLog};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::Target;
use std::sync::Arc;

/// Any bytes, read as instructions: what decodes encodes to the same bytes, in both byte orders.
pub fn insn_decode(data: &[u8]) {
    for endian in [Endian::Little, Endian::Big] {
        let slots: Vec<_> = data.as_chunks().0.iter().map(|bytes| Slot::from_bytes(*bytes, endian)).collect();
        let mut rest = &slots[..];
        while !rest.is_empty() {
            let taken = decode_one(rest);
            rest = &rest[taken..];
        }
        let bytes: Vec<_> = slots.iter().flat_map(|slot| slot.to_bytes(endian)).collect();
        assert_eq!(bytes, data[..bytes.len()]);
    }
}

fn decode_one(slots: &[Slot]) -> usize {
    match Insn::decode(slots) {
        Ok((insn, taken)) => {
            assert_eq!(encoded(insn), slots[..taken], "{insn:?}");
            taken
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            1
        }
    }
}

fn encoded(insn: Insn) -> Vec<Slot> {
    let slots = insn.encode();
    let slots: Vec<_> = [Some(slots.first()), slots.second()].into_iter().flatten().collect();
    assert_eq!(slots.len(), insn.encode().len());
    slots
}

/// Any instruction that can be written down decodes to itself.
pub fn encode_decode(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    while !bytes.is_empty() {
        let Ok(insn) = instruction(&mut bytes) else { return };
        let slots = encoded(insn);
        assert_eq!(Insn::decode(&slots), Ok((insn, slots.len())));
    }
}

fn instruction(u: &mut Unstructured<'_>) -> Result<Insn> {
    let (op, off, imm) = (u.arbitrary::<u8>()?, i16::arbitrary(u)?, i32::arbitrary(u)?);
    let (width, dst, src) = (*u.choose(Width::ALL)?, *u.choose(&Reg::ALL)?, *u.choose(&Reg::ALL)?);
    let (size, narrow) = (*u.choose(Size::ALL)?, *u.choose(Narrow::ALL)?);
    let source = if u.arbitrary()? { Source::Reg(src) } else { Source::Imm(imm) };
    let map = if u.arbitrary()? { MapRef::Fd(imm) } else { MapRef::Index(imm as u32) };
    let arg = StackArg::new(u.int_in_range(1..=StackArg::MAX)?).ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(match op % 31 {
        0 => Insn::Alu { op: *u.choose(AluOp::ALL)?, width, dst, src: source },
        1 => Insn::Neg { width, dst },
        2 => Insn::MovSx { extend: *u.choose(Extend::ALL)?, dst, src },
        3 => Insn::Swap { op: *u.choose(SwapOp::ALL)?, bits: *u.choose(SwapBits::ALL)?, dst },
        4 => Insn::AddrSpaceCast { cast: *u.choose(Cast::ALL)?, dst, src },
        5 => Insn::Load { size, dst, base: src, off },
        6 => Insn::LoadSx { size: narrow, dst, base: src, off },
        7 => Insn::Store { size, base: dst, off, src },
        8 => Insn::StoreImm { size, base: dst, off, imm },
        9 => Insn::Atomic { op: *u.choose(AtomicOp::ALL)?, width, base: dst, off, src },
        10 => Insn::LoadAcquire { size, dst, base: src, off },
        11 => Insn::StoreRelease { size, base: dst, off, src },
        12 => Insn::LoadArg { dst, arg },
        13 => Insn::StoreArg { arg, src },
        14 => Insn::StoreArgImm { arg, imm },
        15 => Insn::LoadAbs { size: narrow, offset: imm },
        16 => Insn::LoadInd { size: narrow, src, offset: imm },
        17 => Insn::LoadImm64 { dst, value: u.arbitrary()? },
        18 => Insn::LoadMap { dst, map },
        19 => Insn::LoadMapValue { dst, map, offset: u.arbitrary()? },
        20 => Insn::LoadBtfId { dst, id: u.arbitrary()?, btf_fd: imm },
        21 => Insn::LoadFunction { dst, off: imm },
        22 => Insn::Ja { off },
        23 => Insn::JaLong { off: imm },
        24 => Insn::Jump { cond: *u.choose(Cond::ALL)?, width, dst, src: source, off },
        25 => Insn::MayGoto { off },
        26 => Insn::Gotox { dst },
        27 => Insn::Call { helper: Helper(imm as u32) },
        28 => Insn::CallFunction { off: imm },
        29 => Insn::CallKfunc { id: imm as u32, btf_index: off },
        _ => Insn::Exit,
    })
}

/// Any bytes, read as text: what parses prints as text that parses to the same code, and encodes in both byte orders.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let code = match Code::parse("fuzz.s", &text) {
        Ok(code) => code,
        Err(error) => return assert!(error.to_string().starts_with("fuzz.s:")),
    };
    let printed = code.to_string();
    match Code::parse("printed.s", &printed) {
        Ok(back) => assert_eq!(back, code, "{printed}"),
        Err(error) => panic!("{error}\n{printed}"),
    }
    assert_eq!(code.encode(Endian::Little).len(), code.encode(Endian::Big).len());
}

/// Any bytes, read as BTF: nothing that is asked of it panics, and what is read is written back as it was.
pub fn btf_decode(data: &[u8]) {
    let Ok(btf) = View::new(data) else { return };
    for id in btf.ids() {
        if let Ok(found) = btf.get(id) {
            let _ = format!("{found:?}");
        }
        let _ = (btf.size_of(id), btf.kind_of(id), special::scan(&btf, id));
    }
    let _ = btf.all_to_c();
    let good = btf.check().is_ok();
    assert!(!good || btf.listing().to_string().lines().count() >= btf.ids().count());
    let _ = btf.find_all("").count();
    let endian = btf.endian();
    let other = if endian == Endian::Little { Endian::Big } else { Endian::Little };
    let bytes = btf.encode(endian);
    let swapped = btf.encode(other);
    let swapped = View::new(&swapped).expect("its own encoding reads");
    assert_eq!(swapped.encode(endian), bytes);
}

/// Any bytes, read as the slots of a program and of a function it calls: whatever they are, check says something of them.
pub fn check(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let slots: Vec<_> =
        rest.as_chunks().0.iter().map(|bytes| Slot::from_bytes(*bytes, Endian::Little)).collect();
    let kinds = [
        ProgramKind::SOCKET_FILTER,
        ProgramKind::XDP,
        ProgramKind::SCHED_CLS,
        ProgramKind::CGROUP_SKB_EGRESS,
        ProgramKind::KPROBE,
        ProgramKind::SYSCALL,
    ];
    let kind = kinds[usize::from(first) % kinds.len()];
    let (main, other) = slots.split_at(slots.len() * 2 / 3);
    let (Ok(main), Ok(other)) = (code(main), code(other)) else { return };
    let Ok(object) = object(kind, main, other) else { return };
    for target in [Target::of_kernel(5, 15), Target::of_kernel(6, 18), Target::of_kernel(7, 2)] {
        assert!(!bpfsmith::check::check(&object, &target).to_string().is_empty());
    }
}

fn object(kind: ProgramKind, main: Code, other: Code) -> std::result::Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("fuzz").license("GPL");
    object.add_map(MapSpec::array::<[u64; 2]>("array").max_entries(1));
    object.add_map(MapSpec::hash::<u32, Timer>("plain").max_entries(4));
    object.add_map(MapSpec::ringbuf("ring", 4096));
    object.add_map(MapSpec::prog_array("programs").max_entries(4));
    object.add_map(MapSpec::array_of_maps("outer", MapSpec::hash::<u32, u64>("inner").max_entries(4)));
    object.add_program(ProgramSpec::new("main", kind), Ok(main));
    object.add_function("other", Ok(other));
    object.finish()
}

/// Where slots name a map or a function, they name one of those there are.
fn code(slots: &[Slot]) -> std::result::Result<Code, CodeError> {
    let symbols = ["array", "plain", "ring", "programs", "outer", "other"];
    let relocs = (0..).zip(slots).filter_map(|(at, slot)| {
        let (kind, symbol) = match (slot.opcode(), slot.src()) {
            (0x18, 1) => (RelocKind::Map, slot.imm().unsigned_abs() % 5),
            (0x18, 2) => (RelocKind::MapValue { offset: slot.off().unsigned_abs().into() }, 0),
            (0x18, 4) => (RelocKind::LoadFunction, 5),
            (0x85, 1) => (RelocKind::CallFunction, 5),
            _ => return None,
        };
        Some(Reloc { slot: at, kind, symbol: SymbolId(symbol) })
    });
    let lines = slots.iter().map(|slot| (*slot, LocId::UNKNOWN)).collect();
    Code::from_parts(lines, Vec::new(), relocs.collect(), symbols.map(Arc::from).to_vec())
}

/// Any bytes, read as a verifier log: it stays bounded, and nothing of it drives a terminal.
pub fn verifier_log(data: &[u8]) {
    let log = VerifierLog::parse(data);
    assert!(log.registers().len() <= 11 + 64);
    assert!(!log.to_string().contains(char::is_control));
    let rejection = Rejection::new("fuzz", Errno::EINVAL, data.to_vec(), |_| None);
    assert_eq!(rejection.log(), &log);
    let report = rejection.report(&Sources::none());
    assert!(!report.contains(|c: char| c != '\n' && c.is_control()));
}
