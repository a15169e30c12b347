//! Labels to offsets: the only place that knows where jumps go and how far they reach.
//!
//! Nearly always every jump reaches, and each slot is patched where it stands. If one does not, the function is laid
//! out anew: with 32-bit jumps where the instruction set has them ([`long`]), else with intermediate jumps on the way
//! ([`island`]).

mod island;
mod long;

use alloc::vec::Vec;

use crate::{
    AsmError, Assembler, Code, Isa, Label, Loc, Slot,
    assembler::{Fixup, Place, Target},
    code::Line,
    op::{K, call, class, pseudo, special},
    wire,
};

/// A jump between slots, counted as emitted.
#[derive(Clone, Copy, Debug)]
struct Jump {
    from: u32,
    to: u32,
}

/// What a new layout gives: the slots, and where each slot as emitted has gone; one more for the end.
struct Layout {
    lines: Vec<Line>,
    moved: Vec<u32>,
}

pub(crate) fn resolve(asm: &Assembler, code: &mut Code) -> Result<(), AsmError> {
    if asm.lines().len() > i32::MAX as usize {
        return Err(AsmError::TooLong { loc: asm.loc_of_slot(i32::MAX as u32) });
    }
    code.lines.clear();
    code.lines.extend_from_slice(asm.lines());
    code.relocs.clone_from(asm.relocs());
    code.symbols.clone_from(asm.symbols());
    code.locs.clone_from(asm.loc_table());
    if patch_in_place(asm, &mut code.lines)? {
        return Ok(());
    }
    let layout = relax(asm)?;
    for reloc in &mut code.relocs {
        reloc.slot = layout.moved.get(reloc.slot as usize).copied().unwrap_or(reloc.slot);
    }
    code.lines = layout.lines;
    Ok(())
}

/// The distance that an instruction holds, if it is a jump or a call within the function.
pub(crate) fn distance(slot: Slot) -> Option<i32> {
    reach(slot).map(|reach| match reach {
        Reach::Off => slot.off().into(),
        Reach::Imm => slot.imm(),
    })
}

/// Writes the distances; false if one does not fit.
fn patch_in_place(asm: &Assembler, lines: &mut [Line]) -> Result<bool, AsmError> {
    for fixup in asm.fixups() {
        let Some(to) = target(asm, fixup)? else { continue };
        let Some((slot, _)) = lines.get_mut(fixup.slot as usize) else { continue };
        match aimed(*slot, i64::from(to) - i64::from(fixup.slot) - 1) {
            Some(patched) => *slot = patched,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn relax(asm: &Assembler) -> Result<Layout, AsmError> {
    let mut jumps = Vec::with_capacity(asm.fixups().len());
    for fixup in asm.fixups() {
        if let Some(to) = target(asm, fixup)? {
            jumps.push(Jump { from: fixup.slot, to });
        }
    }
    if asm.isa().contains(Isa::CPUV4) { Ok(long::relax(asm, &jumps)) } else { island::relax(asm, &jumps) }
}

/// The slot a jump goes to; none for a raw slot that leads nowhere.
#[inline]
fn target(asm: &Assembler, fixup: &Fixup) -> Result<Option<u32>, AsmError> {
    let (slot, place) = match fixup.target {
        Target::Label(label) => match asm.place(label) {
            Some(place @ Place { slot: Some(slot), .. }) => (i64::from(*slot), Some(place)),
            _ => return Err(unbound(asm, fixup, label)),
        },
        Target::Slot(slot) => (asm.emitted(slot), None),
        Target::Raw(slot) => return Ok(instruction_at(asm, asm.emitted(slot))),
    };
    match instruction_at(asm, slot) {
        Some(slot) => Ok(Some(slot)),
        None => Err(nowhere(asm, fixup, slot, place)),
    }
}

#[cold]
fn unbound(asm: &Assembler, fixup: &Fixup, label: Label) -> AsmError {
    AsmError::Unbound { jump: asm.loc_of_slot(fixup.slot), made: Loc::of(label.made) }
}

#[cold]
fn nowhere(asm: &Assembler, fixup: &Fixup, slot: i64, place: Option<&Place>) -> AsmError {
    let jump = asm.loc_of_slot(fixup.slot);
    match place {
        Some(place) if slot == asm.lines().len() as i64 => {
            AsmError::JumpToEnd { jump, bound: asm.loc(place.bound) }
        }
        _ => AsmError::NoSuchTarget { loc: jump, target: slot },
    }
}

/// The slot as an index, if an instruction begins there.
#[inline]
fn instruction_at(asm: &Assembler, slot: i64) -> Option<u32> {
    let index = usize::try_from(slot).ok()?;
    asm.lines().get(index)?;
    if is_inside(asm, index) { None } else { u32::try_from(index).ok() }
}

/// Whether a slot is the second of an instruction.
#[inline]
fn is_inside(asm: &Assembler, index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| asm.lines().get(before));
    before.is_some_and(|(slot, _)| slot.is_wide())
}

/// The slot with this distance, if it reaches so far.
#[inline]
fn aimed(slot: Slot, distance: i64) -> Option<Slot> {
    match reach(slot) {
        Some(Reach::Imm) => Some(slot.with_imm(i32::try_from(distance).ok()?)),
        _ => Some(slot.with_off(i16::try_from(distance).ok()?)),
    }
}

/// Where an instruction holds its distance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Off,
    Imm,
}

#[inline]
fn reach(slot: Slot) -> Option<Reach> {
    let opcode = slot.opcode();
    let class = wire::class(opcode);
    if slot.is_wide() {
        return (slot.src() == pseudo::FUNC).then_some(Reach::Imm);
    }
    if class != class::JMP && class != class::JMP32 {
        return None;
    }
    let immediate = wire::source(opcode) == K;
    match (wire::operation(opcode), class) {
        (special::JA, class::JMP) => immediate.then_some(Reach::Off),
        (special::JA, _) => immediate.then_some(Reach::Imm),
        (special::CALL, class::JMP) => (immediate && slot.src() == call::FUNCTION).then_some(Reach::Imm),
        (special::JCOND, class::JMP) => immediate.then_some(Reach::Off),
        (special::CALL | special::EXIT | special::JCOND | 0xf0, _) => None,
        _ => Some(Reach::Off),
    }
}
