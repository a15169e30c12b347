//! Every instruction there is: one of each shape with each of its operations, for tests that want them all.

use crate::{
    AluOp, AtomicOp, Cast, Cond, Extend, Helper, Insn, MapRef, Narrow, Reg, Size, Source, StackArg, SwapBits,
    SwapOp, Width,
};

/// One instruction of each shape with each operation, width, size and kind of source, in a fixed order.
///
/// Registers, offsets and numbers are samples: `R1` is an operand and a result, `R2` a second operand or an address;
/// memory is at `R10 - 8`; distances are those to the following instruction.
///
/// ```
/// use bpfsmith_asm::{Insn, walk};
///
/// assert!(walk::all().all(|insn| !insn.isa().is_empty()));
/// assert!(walk::all().any(|insn| insn == Insn::Exit));
/// ```
pub fn all() -> impl Iterator<Item = Insn> {
    arithmetic().chain(moves()).chain(memory()).chain(atomics()).chain(wide()).chain(jumps()).chain(calls())
}

const DST: Reg = Reg::R1;
const SRC: Reg = Reg::R2;
const OFF: i16 = -8;
const SOURCES: [Source; 2] = [Source::Imm(5), Source::Reg(SRC)];

fn each<T: Copy>(all: &'static [T]) -> impl Iterator<Item = T> {
    all.iter().copied()
}

fn widths() -> impl Iterator<Item = Width> {
    each(Width::ALL)
}

fn arithmetic() -> impl Iterator<Item = Insn> {
    let binary = each(AluOp::ALL).flat_map(|op| {
        widths()
            .flat_map(move |width| SOURCES.into_iter().map(move |src| Insn::Alu { op, width, dst: DST, src }))
    });
    binary.chain(widths().map(|width| Insn::Neg { width, dst: DST }))
}

fn moves() -> impl Iterator<Item = Insn> {
    let extensions = each(Extend::ALL).map(|extend| Insn::MovSx { extend, dst: DST, src: SRC });
    let swaps = each(SwapOp::ALL)
        .flat_map(|op| each(SwapBits::ALL).map(move |bits| Insn::Swap { op, bits, dst: DST }));
    let casts = each(Cast::ALL).map(|cast| Insn::AddrSpaceCast { cast, dst: DST, src: SRC });
    extensions.chain(swaps).chain(casts)
}

fn memory() -> impl Iterator<Item = Insn> {
    let base = Reg::FP;
    let sized = each(Size::ALL).flat_map(move |size| {
        [
            Insn::Load { size, dst: DST, base, off: OFF },
            Insn::Store { size, base, off: OFF, src: SRC },
            Insn::StoreImm { size, base, off: OFF, imm: 5 },
        ]
    });
    let narrow = each(Narrow::ALL).flat_map(move |size| {
        [
            Insn::LoadSx { size, dst: DST, base, off: OFF },
            Insn::LoadAbs { size, offset: 0 },
            Insn::LoadInd { size, src: SRC, offset: 0 },
        ]
    });
    sized.chain(narrow).chain(StackArg::new(1).into_iter().flat_map(|arg| {
        [Insn::LoadArg { dst: DST, arg }, Insn::StoreArg { arg, src: SRC }, Insn::StoreArgImm { arg, imm: 5 }]
    }))
}

fn atomics() -> impl Iterator<Item = Insn> {
    let base = Reg::FP;
    let updates = each(AtomicOp::ALL)
        .flat_map(move |op| widths().map(move |width| Insn::Atomic { op, width, base, off: OFF, src: SRC }));
    let ordered = each(Size::ALL).flat_map(move |size| {
        [
            Insn::LoadAcquire { size, dst: DST, base, off: OFF },
            Insn::StoreRelease { size, base, off: OFF, src: SRC },
        ]
    });
    updates.chain(ordered)
}

fn wide() -> impl Iterator<Item = Insn> {
    let maps = [MapRef::Fd(0), MapRef::Index(0)];
    let values = maps.map(|map| Insn::LoadMapValue { dst: DST, map, offset: 0 });
    let others = [
        Insn::LoadImm64 { dst: DST, value: 0x0123_4567_89ab_cdef },
        Insn::LoadBtfId { dst: DST, id: 1, btf_fd: 0 },
        Insn::LoadFunction { dst: DST, off: 1 },
    ];
    maps.map(|map| Insn::LoadMap { dst: DST, map }).into_iter().chain(values).chain(others)
}

fn jumps() -> impl Iterator<Item = Insn> {
    let conditional = each(Cond::ALL).flat_map(|cond| {
        let jump = move |width, src| Insn::Jump { cond, width, dst: DST, src, off: 0 };
        widths().flat_map(move |width| SOURCES.map(|src| jump(width, src)))
    });
    let others = [
        Insn::Ja { off: 0 },
        Insn::JaLong { off: 0 },
        Insn::MayGoto { off: 0 },
        Insn::Gotox { dst: DST },
        Insn::Exit,
    ];
    conditional.chain(others)
}

fn calls() -> impl Iterator<Item = Insn> {
    [Insn::Call { helper: Helper(5) }, Insn::CallFunction { off: 0 }, Insn::CallKfunc { id: 1, btf_index: 0 }]
        .into_iter()
}
