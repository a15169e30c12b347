//! Many states into one that stands for all of them; what is found on it is not proved.

use super::program::{At, Program};
use super::scalar::{Scalar, Truth};
use super::state::{Byte, Frame, Slot, State};
use super::value::{Memory, Pointer, Value};
use crate::asm::{Insn, Source};

/// From so many merges on, ranges go to the next number the program compares with; then nothing is known of a number.
const NEAR: u32 = 2;
const FAR: u32 = 6;

/// What merging takes from the walk.
pub(super) struct Merge<'w, 'a> {
    pub(super) program: &'w Program<'a>,
    /// The last number that stands for one unknown thing.
    pub(super) ids: &'w mut u32,
    /// Numbers that the program compares with, in their order; filled when they are needed.
    pub(super) limits: &'w mut Vec<u64>,
}

/// Two states, and how copies of one value in them are called in the result.
struct Pair<'m, 'w, 'a> {
    merge: &'m mut Merge<'w, 'a>,
    rounds: u32,
    references: Vec<(u32, u32)>,
    copies: Vec<((u32, u32), u32)>,
    changed: bool,
}

impl<'a> Merge<'_, 'a> {
    /// Makes `known` stand for `other` too; tells whether it stands for more than before.
    pub(super) fn states(&mut self, known: &mut State, other: &State, rounds: u32) -> bool {
        let references = known.references.iter().zip(&other.references).map(|(a, b)| (a.0, b.0)).collect();
        let mut pair = Pair { merge: self, rounds, references, copies: Vec::new(), changed: false };
        for (known, other) in known.frames.iter_mut().zip(&other.frames) {
            pair.frame(known, other);
        }
        let changed = pair.changed || !known.bounded && other.bounded;
        known.bounded |= other.bounded;
        known.disarmed.retain(|id| other.disarmed.contains(id));
        known.certain &= !changed;
        changed
    }

    fn limits(&mut self) -> &[u64] {
        if self.limits.is_empty() {
            *self.limits = limits(self.program);
        }
        self.limits
    }

    fn fresh(&mut self) -> u32 {
        *self.ids += 1;
        *self.ids
    }
}

/// What the program compares with, and the ends of the usual types.
fn limits(program: &Program<'_>) -> Vec<u64> {
    let mut limits = vec![0, 1 << 31, u32::MAX.into(), 1 << 63, u64::MAX];
    for slot in 0..program.len() {
        let number = match program.at(slot) {
            Some(At::Insn(Insn::Jump { src: Source::Imm(imm), .. }, _)) => i64::from(imm).cast_unsigned(),
            Some(At::Insn(Insn::Alu { op: crate::asm::AluOp::Mov, src: Source::Imm(imm), .. }, _)) => {
                i64::from(imm).cast_unsigned()
            }
            Some(At::Insn(Insn::LoadImm64 { value, .. }, _)) => value,
            _ => continue,
        };
        limits.extend([number.wrapping_sub(1), number, number.wrapping_add(1)]);
    }
    limits.sort_unstable();
    limits.dedup();
    limits
}

impl Pair<'_, '_, '_> {
    fn frame(&mut self, known: &mut Frame, other: &Frame) {
        for (known, other) in known.registers.iter_mut().zip(&other.registers) {
            *known = self.values(*known, *other);
        }
        if known.stack.is_shared_with(&other.stack) {
            return;
        }
        for index in 0..known.stack.len().max(other.stack.len()) {
            let (a, b) = (known.stack.slot(index), other.stack.slot(index));
            let merged = self.slots(a, b);
            if merged != a {
                *known.stack.slot_mut(index) = merged;
            }
        }
    }

    fn slots(&mut self, known: Slot, other: Slot) -> Slot {
        let merged = match (known, other) {
            (a, b) if a == b => return a,
            (Slot::Spilled { value: a, size }, Slot::Spilled { value: b, size: other }) if size == other => {
                return Slot::Spilled { value: self.values(a, b), size };
            }
            (Slot::Bytes(a), Slot::Bytes(b)) => Slot::Bytes(std::array::from_fn(|i| match (a[i], b[i]) {
                (a, b) if a == b => a,
                _ => Byte::Some,
            })),
            _ => Slot::Spilled { value: Value::Unknown, size: 8 },
        };
        self.changed |= merged != known;
        merged
    }

    fn values(&mut self, known: Value, other: Value) -> Value {
        let merged = match (known, other) {
            (Value::Unknown, _) => return known,
            (a, b) if a.same(b) && self.same_reference(a, b) => return a,
            (Value::Scalar(a), Value::Scalar(b)) => self.numbers(a, b),
            (Value::Pointer(a), Value::Pointer(b)) => self.pointers(a, b),
            _ => Value::Unknown,
        };
        self.changed |= merged != known;
        merged
    }

    fn same_reference(&self, known: Value, other: Value) -> bool {
        let reference = |value| match value {
            Value::Pointer(Pointer { reference, .. }) => reference,
            _ => 0,
        };
        let (a, b) = (reference(known), reference(other));
        a == b || self.references.contains(&(a, b))
    }

    fn numbers(&mut self, known: Scalar, other: Scalar) -> Value {
        let hull = known.hull(other);
        if hull.same_values(known) {
            return Value::Scalar(known);
        }
        if self.rounds >= FAR {
            return Value::Unknown;
        }
        let hull = if self.rounds >= NEAR { hull.widened(known, self.merge.limits()) } else { hull };
        Value::Scalar(hull.with_truth(Truth::Some).called(self.copy(known.id, other.id)))
    }

    /// Copies of one value stay copies.
    fn copy(&mut self, known: u32, other: u32) -> u32 {
        let pair = (known, other);
        if let Some((_, id)) = self.copies.iter().find(|(copied, _)| *copied == pair) {
            return *id;
        }
        let id = self.merge.fresh();
        if pair != (0, 0) && self.copies.len() < 16 {
            self.copies.push((pair, id));
        }
        id
    }

    fn pointers(&mut self, known: Pointer, other: Pointer) -> Value {
        let alike = (known.memory, known.null) == (other.memory, other.null)
            && self.same_reference(Value::Pointer(known), Value::Pointer(other));
        let moves = matches!(known.memory, Memory::MapValue(_) | Memory::Record(_) | Memory::Stack(_));
        if !alike || !moves {
            return Value::Unknown;
        }
        let place = |pointer: Pointer| pointer.var.unwrap_or(Scalar::constant(0)).plus(pointer.off);
        let (a, b) = (place(known), place(other));
        if a.hull(b).same_values(a.with_truth(Truth::Some)) {
            return Value::Pointer(known);
        }
        match self.numbers(a, b) {
            Value::Scalar(var) => Value::Pointer(Pointer { off: 0, var: Some(var), ..known }),
            _ => Value::Unknown,
        }
    }
}
