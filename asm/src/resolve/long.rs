//! Relaxation with 32-bit jumps: each jump that does not reach is made of one that does.

use alloc::{vec, vec::Vec};

use super::{Jump, Layout, aimed};
use crate::{Assembler, Insn, Slot, code::Line};

/// How often the layout is measured exactly before the remaining doubts are settled all at once.
const EXACT_ROUNDS: usize = 8;

/// What a jump has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It reaches as it is.
    Short,
    /// `gotol target`
    Goto,
    /// `if !condition goto +1; gotol target`
    Inverted(Insn),
    /// `if condition goto +1; goto +1; gotol target`
    Over,
}

impl Form {
    /// How many slots more than the short form.
    const fn growth(self) -> u32 {
        match self {
            Self::Short | Self::Goto => 0,
            Self::Inverted(_) => 1,
            Self::Over => 2,
        }
    }
}

pub(super) fn relax(asm: &Assembler, jumps: &[Jump]) -> Layout {
    let mut forms = vec![Form::Short; jumps.len()];
    let mut moved = Vec::new();
    measure(asm, jumps, &forms, &mut moved);
    for _ in 0..EXACT_ROUNDS {
        if !lengthen(asm, jumps, &mut forms, |jump| distance(&moved, jump)) {
            return lay_out(asm, jumps, &forms, moved);
        }
        measure(asm, jumps, &forms, &mut moved);
    }
    // Each round may lengthen a single jump. So assume the worst of all that are left: what reaches even then, reaches.
    let slack = possible_growth(asm, jumps, &forms);
    lengthen(asm, jumps, &mut forms, |jump| at_worst(distance(&moved, jump), jump, &slack));
    measure(asm, jumps, &forms, &mut moved);
    lay_out(asm, jumps, &forms, moved)
}

/// Where each slot goes with these forms; one more for the end.
fn measure(asm: &Assembler, jumps: &[Jump], forms: &[Form], moved: &mut Vec<u32>) {
    moved.clear();
    let mut growing = jumps.iter().zip(forms).filter(|(_, form)| form.growth() > 0).peekable();
    let mut growth = 0;
    for slot in 0..=asm.lines().len() as u32 {
        moved.push(slot + growth);
        if let Some((_, form)) = growing.next_if(|(jump, _)| jump.from == slot) {
            growth += form.growth();
        }
    }
}

/// The distance of the short form.
fn distance(moved: &[u32], jump: &Jump) -> i64 {
    at(moved, jump.to) - at(moved, jump.from) - 1
}

fn at(moved: &[u32], slot: u32) -> i64 {
    moved.get(slot as usize).copied().map_or(0, i64::from)
}

/// Lengthens every short jump whose distance does not fit; whether there was one.
fn lengthen(asm: &Assembler, jumps: &[Jump], forms: &mut [Form], distance: impl Fn(&Jump) -> i64) -> bool {
    let mut any = false;
    for (jump, form) in jumps.iter().zip(forms) {
        if *form == Form::Short && aimed(slot(asm, jump), distance(jump)).is_none() {
            *form = long_form(asm, slot(asm, jump));
            any = true;
        }
    }
    any
}

fn long_form(asm: &Assembler, slot: Slot) -> Form {
    match Insn::decode(&[slot]) {
        Ok((Insn::Jump { cond, width, dst, src, .. }, _)) => match cond.inverse() {
            Some(inverse) if asm.isa().contains(inverse.isa(width)) => {
                Form::Inverted(Insn::Jump { cond: inverse, width, dst, src, off: 1 })
            }
            _ => Form::Over,
        },
        Ok((Insn::Ja { .. }, _)) => Form::Goto,
        _ => Form::Over,
    }
}

/// How much can still be added before each slot, if every short jump gets long.
fn possible_growth(asm: &Assembler, jumps: &[Jump], forms: &[Form]) -> Vec<u32> {
    let worst: Vec<Form> = jumps
        .iter()
        .zip(forms)
        .map(|(jump, form)| match form {
            Form::Short => long_form(asm, slot(asm, jump)),
            _ => Form::Short,
        })
        .collect();
    let mut grown = Vec::new();
    measure(asm, jumps, &worst, &mut grown);
    grown
}

/// The distance if everything grows that can; `grown` counts from the slots as emitted.
fn at_worst(distance: i64, jump: &Jump, grown: &[u32]) -> i64 {
    let added = |slot: u32| at(grown, slot) - i64::from(slot);
    distance + added(jump.to) - added(jump.from)
}

fn slot(asm: &Assembler, jump: &Jump) -> Slot {
    asm.lines().get(jump.from as usize).map_or(Insn::Exit.encode().first(), |(slot, _)| *slot)
}

fn lay_out(asm: &Assembler, jumps: &[Jump], forms: &[Form], moved: Vec<u32>) -> Layout {
    let mut lines = Vec::with_capacity(moved.last().map_or(0, |end| *end as usize));
    let mut next = jumps.iter().zip(forms).peekable();
    for (index, line) in asm.lines().iter().enumerate() {
        match next.next_if(|(jump, _)| jump.from as usize == index) {
            Some((jump, form)) => place(&mut lines, *line, *form, at(&moved, jump.to)),
            None => lines.push(*line),
        }
    }
    Layout { lines, moved }
}

/// Emits a jump in its form, to the slot `to` of the new layout.
fn place(lines: &mut Vec<Line>, (slot, loc): Line, form: Form, to: i64) {
    let push = |lines: &mut Vec<Line>, insn: Insn| lines.push((insn.encode().first(), loc));
    match form {
        Form::Short => {
            let distance = to - lines.len() as i64 - 1;
            lines.push((aimed(slot, distance).unwrap_or(slot), loc));
            return;
        }
        Form::Goto => {}
        Form::Inverted(inverse) => push(lines, inverse),
        Form::Over => {
            lines.push((slot.with_off(1), loc));
            push(lines, Insn::Ja { off: 1 });
        }
    }
    let off = to - lines.len() as i64 - 1;
    push(lines, Insn::JaLong { off: off as i32 });
}
