//! The shape of a program: where its jumps lead, what is never reached, who calls whom.

use super::findings::Findings;
use super::program::{At, Program};
use super::{Rule, Severity};
use crate::asm::{DecodeError, Field, Insn, Source};
use crate::btf::Linkage;

/// The slots of a program where paths meet.
pub(super) struct Shape {
    /// What each slot is, as bits.
    marks: Vec<u8>,
    /// Whether the program can be walked.
    pub(super) sound: bool,
}

const JOIN: u8 = 1;
const LOOP_HEAD: u8 = 2;
const IN_LOOP: u8 = 4;

impl Shape {
    fn new(program: &Program<'_>, sound: bool) -> Self {
        let mut shape = Self { marks: vec![0; program.len()], sound };
        // How many loops begin at a slot, less those that end before it.
        let mut loops = vec![0i32; program.len() + 1];
        for slot in 0..program.len() {
            if let Some(join) = target(program, slot) {
                shape.mark(join, JOIN);
                if join <= slot {
                    shape.mark(join, LOOP_HEAD);
                    loops[join] += 1;
                    loops[slot + 1] -= 1;
                }
            }
            match program.at(slot) {
                Some(At::Insn(Insn::CallFunction { .. }, width)) => shape.mark(slot + width, JOIN),
                Some(At::Insn(Insn::LoadFunction { .. }, _)) => {
                    let start = called(program, slot).map(|function| program.range(function).start);
                    start.into_iter().for_each(|start| shape.mark(start, JOIN));
                }
                _ => {}
            }
        }
        let mut depth = 0;
        for (slot, change) in loops.into_iter().enumerate() {
            depth += change;
            if depth > 0 {
                shape.mark(slot, IN_LOOP);
            }
        }
        shape
    }

    fn mark(&mut self, slot: usize, mark: u8) {
        if let Some(marks) = self.marks.get_mut(slot) {
            *marks |= mark;
        }
    }

    fn has(&self, slot: usize, mark: u8) -> bool {
        self.marks.get(slot).is_some_and(|marks| marks & mark != 0)
    }

    /// Whether several paths may lead to a slot.
    pub(super) fn is_join(&self, slot: usize) -> bool {
        self.has(slot, JOIN)
    }

    /// Whether a jump leads back to a slot.
    pub(super) fn is_loop_head(&self, slot: usize) -> bool {
        self.has(slot, LOOP_HEAD)
    }

    /// Whether control may come to a slot more than once.
    pub(super) fn is_in_loop(&self, slot: usize) -> bool {
        self.has(slot, IN_LOOP)
    }
}

/// Checks everything that does not depend on values.
pub(super) fn check(program: &Program<'_>, findings: &mut Findings<'_, '_>) -> Shape {
    let before = findings.rejected();
    for function in 0..program.functions().len() {
        ends(program, function, findings);
        jumps(program, function, findings);
    }
    let sound = findings.rejected() == before;
    if sound {
        unreached(program, findings);
    }
    Shape::new(program, sound)
}

fn ends(program: &Program<'_>, function: usize, findings: &mut Findings<'_, '_>) {
    let range = program.range(function);
    let Some(last) = range.end.checked_sub(1) else { return };
    match program.at(last) {
        Some(At::Insn(Insn::Exit | Insn::Ja { .. } | Insn::JaLong { .. } | Insn::Gotox { .. }, _)) => {}
        // bpf_throw ends a function too.
        Some(At::Insn(Insn::CallKfunc { .. }, _)) => {}
        Some(At::Invalid(error)) => {
            // exit and ja with a stray field end the function, but are refused where they run.
            let opcode = program.raw(last).map_or(0, |slot| slot.opcode());
            if !matches!(error, DecodeError::Field { .. }) || ![0x05, 0x06, 0x95].contains(&opcode) {
                findings.reject(Rule::MissingExit, last, "the last slot is no instruction".to_owned());
            }
        }
        _ => {
            let reason = "the function goes on after its last instruction, which is neither exit nor a jump";
            findings.reject(Rule::MissingExit, last, reason.to_owned());
        }
    }
}

fn jumps(program: &Program<'_>, function: usize, findings: &mut Findings<'_, '_>) {
    let range = program.range(function);
    for slot in range.clone() {
        match program.at(slot) {
            Some(At::Insn(..)) => {}
            Some(At::Invalid(DecodeError::Opcode { opcode })) => {
                let reason = format!("no instruction has the opcode 0x{opcode:02x}");
                findings.add(Rule::InvalidInstruction, slot, told(program), reason);
            }
            _ => continue,
        }
        let Some(target) = jump_target(program, slot) else { continue };
        let Some(target) = usize::try_from(target).ok().filter(|target| range.contains(target)) else {
            let reason =
                format!("it leads {} slots from its end, outside of the function", distance(program, slot));
            findings.reject(Rule::JumpOutOfFunction, slot, reason);
            continue;
        };
        if matches!(program.at(target), Some(At::Second)) {
            let reason = format!("slot {} is the second half of a 64-bit load", target - range.start);
            findings.reject(Rule::JumpIntoInstruction, slot, reason);
        }
    }
}

/// How sure it is that what the tables lack is refused.
pub(super) fn told(program: &Program<'_>) -> Severity {
    if program.is_told() { Severity::Rejected } else { Severity::Suspect }
}

fn distance(program: &Program<'_>, slot: usize) -> i64 {
    match program.at(slot) {
        Some(At::Insn(insn, _)) => jump_off(insn).unwrap_or(0),
        _ => 0,
    }
}

fn jump_off(insn: Insn) -> Option<i64> {
    match insn {
        Insn::Ja { off } | Insn::Jump { off, .. } | Insn::MayGoto { off } => Some(i64::from(off)),
        Insn::JaLong { off } => Some(i64::from(off)),
        _ => None,
    }
}

/// Where the jump in a slot leads.
pub(super) fn jump_target(program: &Program<'_>, slot: usize) -> Option<i64> {
    let Some(At::Insn(insn, _)) = program.at(slot) else { return None };
    Some(i64::try_from(slot).ok()? + 1 + jump_off(insn)?)
}

/// The same, as a slot.
pub(super) fn target(program: &Program<'_>, slot: usize) -> Option<usize> {
    usize::try_from(jump_target(program, slot)?).ok()
}

/// The slot after one, where control goes on there.
pub(super) fn follows(program: &Program<'_>, slot: usize) -> Option<usize> {
    match program.at(slot)? {
        At::Insn(Insn::Exit | Insn::Ja { .. } | Insn::JaLong { .. } | Insn::Gotox { .. }, _) => None,
        At::Insn(_, width) => Some(slot + width),
        At::Second => None,
        At::Invalid(_) => Some(slot + 1),
    }
}

/// Reports the first slot of each stretch nothing leads to. Functions are reached through the calls that name them.
fn unreached(program: &Program<'_>, findings: &mut Findings<'_, '_>) {
    if has_unknown_edges(program) {
        return;
    }
    let mut reached = vec![false; program.len()];
    let mut queue = vec![0];
    while let Some(slot) = queue.pop() {
        match reached.get_mut(slot) {
            Some(seen @ false) => *seen = true,
            _ => continue,
        }
        queue.extend(follows(program, slot));
        queue.extend(target(program, slot));
        queue.extend(called(program, slot).map(|function| program.range(function).start));
    }
    let mut inside = false;
    for (slot, reached) in reached.into_iter().enumerate() {
        let second = matches!(program.at(slot), Some(At::Second));
        let dead = !reached && !second;
        if dead && !inside {
            let reason = "no jump leads here, and nothing falls through";
            findings.reject(Rule::UnreachableCode, slot, reason.to_owned());
        }
        inside = dead || (inside && second);
    }
}

fn has_unknown_edges(program: &Program<'_>) -> bool {
    (0..program.len()).any(|slot| match program.at(slot) {
        Some(At::Insn(Insn::Gotox { .. }, _) | At::Invalid(_)) | None => true,
        // What is written by hand may lead into the middle of a function.
        Some(At::Insn(Insn::CallFunction { .. } | Insn::LoadFunction { .. }, _)) => {
            called(program, slot).is_none()
        }
        _ => false,
    })
}

/// The function a slot calls, or takes the address of.
pub(super) fn called(program: &Program<'_>, slot: usize) -> Option<usize> {
    let Some(At::Insn(Insn::CallFunction { off } | Insn::LoadFunction { off, .. }, _)) = program.at(slot)
    else {
        return None;
    };
    let target = i64::try_from(slot).ok()? + 1 + i64::from(off);
    program.function_at(usize::try_from(target).ok()?)
}

/// Why an instruction that decodes is refused all the same, whatever its operands hold.
pub(super) fn refused(insn: Insn) -> Option<(Rule, String)> {
    match insn {
        Insn::Alu { op, src: Source::Imm(0), .. } if op.divides() => {
            Some((Rule::DivisionByZero, "the divisor is the constant 0".to_owned()))
        }
        Insn::Alu { op, width, src: Source::Imm(by), .. }
            if op.shifts() && !(0..width.bits()).contains(&by) =>
        {
            Some((Rule::InvalidShift, format!("{by} is not between 0 and {}", width.bits() - 1)))
        }
        _ => None,
    }
}

/// Whether the kernel looks at the field that makes a slot no instruction.
pub(super) fn kernel_refuses(error: DecodeError, opcode: u8, src: u8) -> bool {
    match error {
        DecodeError::Opcode { .. } | DecodeError::Truncated => true,
        // The second half of a function's address is overwritten.
        DecodeError::SecondSlot { field: Field::Imm, .. } => src != 4,
        DecodeError::SecondSlot { .. } => true,
        // The offset of exit is never looked at.
        DecodeError::Field { field: Field::Off, .. } => opcode != 0x95,
        DecodeError::Field { .. } => true,
        _ => false,
    }
}

/// Whether a function is verified on its own.
pub(super) fn is_global(program: &Program<'_>, function: usize) -> bool {
    program.functions().get(function).is_some_and(|placed| placed.def.linkage == Linkage::Global)
}
