//! What is known at one point of one path: registers, stacks, what is held.

use std::rc::Rc;

use super::scalar::{Scalar, Truth};
use super::value::{Memory, Null, Pointer, Value};
use crate::asm::{Reg, limits};

/// How much of what is held is followed.
const MANY_REFERENCES: usize = 64;

/// The state of a program on one path.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The functions that called one another; never empty.
    pub(super) frames: Vec<Frame>,
    /// The kernel walks this path for sure: some run of the program takes it.
    pub(super) certain: bool,
    /// A loop on this path may be cut short by the kernel.
    pub(super) bounded: bool,
    /// The lock that is held: the element's id and the map.
    pub(super) lock: Option<(u32, usize)>,
    /// What has to be released, and the slot that acquired it.
    pub(super) references: Vec<(u32, usize)>,
    /// Elements whose timers lost their callback on this path, by cancel or because none was set yet.
    pub(super) disarmed: Vec<u32>,
}

/// One call of a function.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) registers: [Value; 11],
    pub(super) stack: Stack,
    /// Which function of the program.
    pub(super) function: usize,
    pub(super) returns: Returns,
    /// A number for the calls that led here; 0 for none.
    pub(super) context: u32,
}

/// Where a function returns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returns {
    /// It is the program.
    FromProgram,
    /// It is a global function, verified on its own.
    FromGlobal,
    /// The kernel calls it later: a timer's callback.
    FromAsync,
    /// A helper calls it.
    FromCallback,
    /// To this slot of the caller.
    To(usize),
}

impl Frame {
    pub(super) fn new(function: usize, depth: usize, returns: Returns) -> Self {
        let mut registers = [Value::Uninit; 11];
        registers[10] = Value::Pointer(Pointer::new(Memory::Stack(depth)));
        Self { registers, stack: Stack::default(), function, returns, context: 0 }
    }
}

impl State {
    pub(super) fn new(frame: Frame, certain: bool) -> Self {
        let (references, disarmed) = (Vec::new(), Vec::new());
        Self { frames: vec![frame], certain, bounded: false, lock: None, references, disarmed }
    }

    pub(super) fn depth(&self) -> usize {
        self.frames.len() - 1
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frames[self.frames.len() - 1]
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn get(&self, reg: Reg) -> Value {
        self.frame().registers[usize::from(reg.number())]
    }

    pub(super) fn set(&mut self, reg: Reg, value: Value) {
        self.frame_mut().registers[usize::from(reg.number())] = value;
    }

    /// What a call leaves of the caller's registers.
    pub(super) fn clobber(&mut self) {
        for register in &mut self.frame_mut().registers[..6] {
            *register = Value::Uninit;
        }
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.frames.iter_mut().flat_map(|frame| frame.registers.iter_mut().chain(frame.stack.spilled_mut()))
    }

    /// Learns that `old` is `new` on this path: for its copies too, and what was computed from it is less sure.
    pub(super) fn learn(&mut self, old: Scalar, new: Scalar) {
        if old.origin == 0 || old == new {
            return;
        }
        for value in self.values_mut() {
            match value {
                Value::Scalar(scalar) => learn_one(scalar, old, new),
                Value::Pointer(Pointer { var: Some(scalar), .. }) => learn_one(scalar, old, new),
                _ => {}
            }
        }
    }

    /// Learns whether the pointer of a look-up is null.
    pub(super) fn learn_null(&mut self, id: u32, is_null: bool) {
        let mut reference = 0;
        for value in self.values_mut() {
            let Value::Pointer(pointer) = value else { continue };
            if pointer.id != id || pointer.null == Null::Never {
                continue;
            }
            if is_null {
                reference = pointer.reference.max(reference);
                *value = Value::constant(0);
            } else {
                pointer.null = Null::Never;
            }
        }
        if is_null {
            self.references.retain(|(held, _)| *held != reference);
        }
    }

    /// Something has to be released from here on; the slot is where it was acquired.
    pub(super) fn acquire(&mut self, reference: u32, slot: usize) {
        if self.references.len() == MANY_REFERENCES {
            // Nobody holds so much; what is not followed is not asked for.
            self.references.clear();
            self.certain = false;
        }
        self.references.push((reference, slot));
    }

    /// Makes all pointers with a reference worthless.
    pub(super) fn release(&mut self, reference: u32) {
        self.give(reference, Value::Scalar(Scalar::some()));
    }

    /// Who was given a pointer with this reference may have released it.
    pub(super) fn hand_over(&mut self, reference: u32) {
        self.give(reference, Value::Unknown);
    }

    fn give(&mut self, reference: u32, left: Value) {
        self.references.retain(|(held, _)| *held != reference);
        for value in self.values_mut() {
            if matches!(value, Value::Pointer(pointer) if pointer.reference == reference) {
                *value = left;
            }
        }
    }

    /// An element's timer has no callback on this path.
    pub(super) fn disarm(&mut self, element: u32) {
        if element != 0 && !self.disarmed.contains(&element) {
            self.disarmed.truncate(MANY_REFERENCES);
            self.disarmed.push(element);
        }
    }

    /// A pointer to the packet is not behind its end: this holds for all that were computed from the same.
    pub(super) fn learn_range(&mut self, packet: Pointer, open: u32) {
        let Ok(off) = u32::try_from(packet.off) else { return };
        if off == 0 && open == 1 {
            return;
        }
        for value in self.values_mut() {
            if let Value::Pointer(pointer) = value
                && (pointer.memory, pointer.id) == (packet.memory, packet.id)
            {
                pointer.range = pointer.range.max(off.saturating_add(open));
            }
        }
    }

    /// Nothing is said of pointers to the packet any more.
    pub(super) fn trust_packets(&mut self) {
        self.replace_packets(Value::Unknown);
    }

    /// Pointers to the packet became numbers.
    pub(super) fn lose_packets(&mut self) {
        self.replace_packets(Value::Scalar(Scalar::some()));
    }

    fn replace_packets(&mut self, with: Value) {
        for value in self.values_mut() {
            if matches!(value, Value::Pointer(p) if p.memory.is_packet() || p.memory == Memory::PacketEnd) {
                *value = with;
            }
        }
    }

    /// States of different kinds are never compared: which calls led here, and what is held.
    pub(super) fn kind(&self) -> (u32, u32) {
        let held = u32::try_from(self.references.len()).unwrap_or(u32::MAX / 2);
        (self.frame().context, 2 * held + u32::from(self.lock.is_some()))
    }

    /// Forgets the registers that are not in a set: nothing reads them before they are written.
    pub(super) fn keep_registers(&mut self, live: u16) {
        for (register, value) in self.frame_mut().registers[..10].iter_mut().enumerate() {
            if live & (1 << register) == 0 {
                *value = Value::Uninit;
            }
        }
    }

    /// What is on the stacks may be something else now.
    pub(super) fn blur_stacks(&mut self) {
        self.frames.iter_mut().for_each(|frame| frame.stack.blur());
    }

    /// Whether what was found from here on `self` is all that could be found on `other`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        (self.certain || !other.certain) && self.compare(other, Value::covers)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.compare(other, Value::same)
    }

    fn compare(&self, other: &Self, values: fn(Value, Value) -> bool) -> bool {
        self.frames.len() == other.frames.len()
            && self.disarmed.len() == other.disarmed.len()
            && self.frames.iter().zip(&other.frames).all(|(a, b)| a.compare(b, values))
    }
}

fn learn_one(scalar: &mut Scalar, old: Scalar, new: Scalar) {
    if scalar.origin != old.origin {
        return;
    }
    *scalar = if scalar.id == old.id && old.id != 0 { new } else { scalar.with_truth(Truth::Some) };
}

impl Frame {
    fn compare(&self, other: &Self, values: fn(Value, Value) -> bool) -> bool {
        (self.function, self.returns) == (other.function, other.returns)
            && self.registers.iter().zip(&other.registers).all(|(a, b)| values(*a, *b))
            && self.stack.compare(&other.stack, values)
    }
}

/// The stack of one frame: slots of eight bytes, the first just below the frame pointer. States share what is alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stack {
    slots: Rc<Vec<Slot>>,
}

/// Eight bytes of stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slot {
    /// A register, stored whole (or its low bytes, where it is a number).
    Spilled { value: Value, size: u8 },
    /// Bytes, the lowest address first.
    Bytes([Byte; 8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Byte {
    Unwritten,
    Zero,
    Some,
}

const EMPTY: Slot = Slot::Bytes([Byte::Unwritten; 8]);

/// What a load from the stack gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Loaded {
    /// This value.
    Value(Value),
    /// A number nothing is known of.
    Bytes,
    /// Bytes of which some were never written.
    Unwritten,
    /// A part of a pointer.
    PartOfPointer,
}

/// Slot and byte of an offset below the frame pointer.
fn place(off: i64) -> (usize, usize) {
    let below = usize::try_from(-off).unwrap_or(0);
    (below.div_ceil(8).saturating_sub(1), (8 - below % 8) % 8)
}

impl Stack {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(EMPTY)
    }

    pub(super) fn slot_mut(&mut self, index: usize) -> &mut Slot {
        let slots = Rc::make_mut(&mut self.slots);
        if slots.len() <= index {
            slots.resize(index + 1, EMPTY);
        }
        &mut slots[index]
    }

    pub(super) fn is_shared_with(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.slots, &other.slots)
    }

    /// What is spilled, except constants and what is not followed: nothing more is ever learned of those.
    fn spilled_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let open = |value: &Value| *value != Value::Unknown && value.as_constant().is_none();
        let spilled = |slot: &Slot| matches!(slot, Slot::Spilled { value, .. } if open(value));
        let any = self.slots.iter().any(spilled);
        let slots = if any { Rc::make_mut(&mut self.slots).as_mut_slice() } else { &mut [] };
        slots.iter_mut().filter_map(|slot| match slot {
            Slot::Spilled { value, .. } => Some(value),
            Slot::Bytes(_) => None,
        })
    }

    /// Anything may have been written anywhere.
    fn blur(&mut self) {
        const SLOTS: usize = limits::STACK_BYTES as usize / 8;
        self.slots = Rc::new(vec![Slot::Spilled { value: Value::Unknown, size: 8 }; SLOTS]);
    }

    /// Stores `size` bytes of `value` at `off`, which is aligned.
    pub(super) fn store(&mut self, off: i64, size: u8, value: Value) {
        let (index, byte) = place(off);
        let slot = self.slot_mut(index);
        let whole = byte == 0 && (size == 8 || matches!(value, Value::Scalar(s) if fits(s, size)));
        if value.as_constant() == Some(0) && size < 8 {
            fill(slot, byte, size, Byte::Zero);
        } else if whole && (size == 8 || alone(slot, size)) {
            *slot = Slot::Spilled { value, size };
        } else {
            fill(slot, byte, size, Byte::Some);
        }
    }

    /// Something was written to these bytes, maybe.
    pub(super) fn scramble(&mut self, from: i64, to: i64) {
        for off in from..to {
            let (index, byte) = place(off);
            fill(self.slot_mut(index), byte, 1, Byte::Some);
        }
    }

    /// A helper was given these bytes to read: before 6.12 kernels take pointers in them for bytes from then on.
    pub(super) fn forget_pointers(&mut self, from: i64, to: i64) {
        let (Some(last), first) = (place(from).0.checked_add(1), place(to - 1).0) else { return };
        for index in first..last.min(self.slots.len()) {
            if matches!(self.slots[index], Slot::Spilled { value: Value::Pointer(_), .. }) {
                *self.slot_mut(index) = Slot::Spilled { value: Value::Unknown, size: 8 };
            }
        }
    }

    /// Loads `size` bytes from `off`, which is aligned.
    pub(super) fn load(&self, off: i64, size: u8) -> Loaded {
        let (index, byte) = place(off);
        match self.slot(index) {
            Slot::Spilled { value: value @ Value::Scalar(_), size: stored } => {
                if byte == 0 && size == stored { Loaded::Value(value) } else { Loaded::Bytes }
            }
            Slot::Spilled { value: Value::Unknown, .. } if size == 8 => Loaded::Value(Value::Unknown),
            Slot::Spilled { value: Value::Unknown, .. } => Loaded::Bytes,
            Slot::Spilled { value, .. } if size == 8 => Loaded::Value(value),
            Slot::Spilled { .. } => Loaded::PartOfPointer,
            Slot::Bytes(bytes) => {
                let read = &bytes[byte..(byte + usize::from(size)).min(8)];
                if read.contains(&Byte::Unwritten) {
                    Loaded::Unwritten
                } else if read.iter().all(|b| *b == Byte::Zero) {
                    Loaded::Value(Value::constant(0))
                } else {
                    Loaded::Bytes
                }
            }
        }
    }

    /// Whether some of these bytes were never written.
    pub(super) fn has_unwritten(&self, from: i64, to: i64) -> bool {
        (from..to).any(|off| {
            let (index, byte) = place(off);
            matches!(self.slot(index), Slot::Bytes(bytes) if bytes[byte] == Byte::Unwritten)
        })
    }

    fn compare(&self, other: &Self, values: fn(Value, Value) -> bool) -> bool {
        let len = self.slots.len().max(other.slots.len());
        self.is_shared_with(other)
            || (0..len).all(|index| match (self.slot(index), other.slot(index)) {
                (Slot::Spilled { value: a, size }, Slot::Spilled { value: b, size: other }) => {
                    size == other && values(a, b)
                }
                (a, b) => a == b,
            })
    }
}

/// Whether nothing is known of the bytes above the first `size`.
fn alone(slot: &Slot, size: u8) -> bool {
    match slot {
        Slot::Spilled { size: stored, .. } => *stored <= size,
        Slot::Bytes(bytes) => bytes[usize::from(size)..].iter().all(|byte| *byte == Byte::Unwritten),
    }
}

/// Whether the number is whole in so many bytes; else a load gives another number.
fn fits(scalar: Scalar, size: u8) -> bool {
    scalar.umax() < 1u64.checked_shl(8 * u32::from(size)).unwrap_or(u64::MAX)
}

fn fill(slot: &mut Slot, byte: usize, size: u8, with: Byte) {
    let mut bytes = match *slot {
        Slot::Bytes(bytes) => bytes,
        Slot::Spilled { size, value } => {
            let mut bytes = [Byte::Unwritten; 8];
            let zero = value.as_constant() == Some(0);
            bytes[..usize::from(size).min(8)].fill(if zero { Byte::Zero } else { Byte::Some });
            bytes
        }
    };
    bytes[byte..(byte + usize::from(size)).min(8)].fill(with);
    *slot = Slot::Bytes(bytes);
}
