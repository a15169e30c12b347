//! One walk over a function in which every value is made once: constants folded, operations made simpler, those that are
//! there already shared, constant parts of addresses moved into offsets, what was stored or loaded before not loaded again.
//!
//! Nothing moves up: what a check guards stays behind the check. And nothing is made twice: a pointer into a packet that
//! has been compared with the end stays the one that is used.

use super::super::eval;
use std::collections::hash_map::Entry;

use super::super::ir::dominators::Dominators;
use super::super::ir::hash::Map;
use super::super::ir::{Addr, Base, Block, End, Function, Inst, Memory, Op, Operand, Val};
use super::facts::{self, Bits, Made};
use super::memory::{Epoch, Epochs};
use super::{alu, compare};
use crate::asm::{AluOp, AtomicOp, Isa, Size, SwapBits, SwapOp, Width};

/// Walks over a function. Parameters of blocks stay; operations nobody uses stay too.
pub(super) fn number(function: &mut Function, dominators: &Dominators, isa: Isa) {
    let narrow = facts::narrow_params(function, &dominators.order);
    let mut bits = vec![Bits::ALL; function.values as usize];
    for (index, _) in narrow.iter().enumerate().filter(|(_, narrow)| **narrow) {
        bits[index] = facts::of_constant(Width::Bits32, -1);
    }
    let mut walk = Walk {
        alias: vec![None; function.values as usize],
        bits,
        made: facts::made(function),
        uses: facts::uses(function),
        known: Map::default(),
        stored: Map::default(),
        passed: 0,
        epochs: Epochs::new(function, &dominators.order),
        is_base: facts::bases(function),
        dominators,
        function,
        isa,
    };
    walk.known.reserve(walk.alias.len());
    for block in &dominators.order {
        walk.block(*block);
    }
}

pub(super) struct Walk<'a> {
    function: &'a mut Function,
    dominators: &'a Dominators,
    /// What stands for a value that is not made any more.
    alias: Vec<Option<Operand>>,
    bits: Vec<Bits>,
    made: Vec<Made>,
    uses: Vec<u32>,
    known: Map<Key, Known>,
    /// What lies in memory, as far as it was stored or loaded since the memory last changed.
    stored: Map<Key, Known>,
    /// How many operations have been passed.
    passed: u32,
    epochs: Epochs,
    /// Which values are the base of an address somewhere.
    is_base: Vec<bool>,
    pub(super) isa: Isa,
}

/// A value that may be at hand, and where it was last seen.
#[derive(Clone, Copy)]
struct Known {
    value: Operand,
    block: Block,
    passed: u32,
}

/// What was last used so many operations ago is made anew: ten registers are not enough to remember everything.
const REMEMBERED: u32 = 256;

/// What two operations that make the same have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    tag: Tag,
    a: Operand,
    b: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tag {
    Alu(AluOp, Width),
    Neg(Width),
    ZeroExtend(u8),
    SignExtend(u8, Width),
    Swap(SwapOp, SwapBits),
    Memory(Size, i32, Memory, Epoch),
}

impl Walk<'_> {
    fn block(&mut self, block: Block) {
        self.epochs.enter(block);
        let mut insts = std::mem::take(&mut self.function.blocks[block.index()].insts);
        for index in 0..insts.len() {
            let (before, rest) = insts.split_at_mut(index);
            if let Some(inst) = rest.first_mut() {
                self.inst(inst, Here { block, before });
            }
        }
        self.function.blocks[block.index()].insts = insts;
        self.epochs.leave(block);
        let Some((mut end, at)) = self.function.blocks[block.index()].end.take() else { return };
        end.each_operand_mut(|operand| *operand = self.resolve(*operand));
        for target in end.targets_mut() {
            target.args.iter_mut().for_each(|arg| *arg = self.resolve(*arg));
        }
        if let End::Branch { compare, then, otherwise } = &mut end {
            let here = Here { block, before: &[] };
            if compare::simplify(compare, self, &here) {
                std::mem::swap(then, otherwise);
            }
        }
        self.function.blocks[block.index()].end = Some((end, at));
    }

    fn inst(&mut self, inst: &mut Inst, here: Here<'_>) {
        self.passed += 1;
        inst.op.each_operand_mut(|operand| *operand = self.resolve(*operand));
        self.resolve_pointer(inst, &here);
        self.fold_address(inst, &here);
        if let Op::Select { compare, then, otherwise } = &mut inst.op
            && compare::simplify(compare, self, &here)
        {
            std::mem::swap(then, otherwise);
        }
        let Some(result) = inst.result.filter(|_| inst.results == 1) else {
            self.effect(inst, here.block);
            return;
        };
        let simpler = alu::simplify(&mut inst.op, self, &here);
        if let Some(value) = simpler.or_else(|| self.same(&inst.op, result, here.block)) {
            return self.replace(result, value, &mut inst.op);
        }
        self.bits[result.index()] = facts::bits(&inst.op, |operand| self.bits(operand));
        self.effect(inst, here.block);
    }

    /// A copy that nobody uses remains.
    fn replace(&mut self, result: Val, value: Operand, op: &mut Op) {
        op.each_use(|value| self.uses[value.index()] = self.uses[value.index()].saturating_sub(1));
        *op = Op::Copy { a: value };
        self.bits[result.index()] = self.bits(value);
        // A constant cannot be an address: who needs it as one keeps the copy.
        self.alias[result.index()] = Some(value);
        if let Operand::Val(value) = value {
            self.uses[value.index()] += self.uses[result.index()];
        }
    }

    fn resolve_pointer(&mut self, inst: &mut Inst, here: &Here<'_>) {
        let Some(pointer) = inst.op.pointer_mut() else { return };
        if let Operand::Val(value) = self.resolve((*pointer).into()) {
            *pointer = value;
        }
        let pointer = *pointer;
        if let Some(Op::LocalAddr { local, off }) = self.op(pointer, here)
            && let (local, off) = (*local, *off)
            && let Some(addr) = inst.op.addr_mut()
            && let Some(sum) = addr.off.checked_add(off)
        {
            *addr = Addr { base: Base::Local(local), off: sum };
        }
    }

    /// Constants that are added to the base go into the offset. The base of an address is a pointer, never a number
    /// whose bounds were checked after the addition, so nothing the verifier knows is lost.
    fn fold_address(&mut self, inst: &mut Inst, here: &Here<'_>) {
        let Some(addr) = inst.op.addr_mut() else { return };
        while let Base::Val(base) = addr.base
            && let Some((inner, off)) = self.base_and_offset(base, addr.off, here)
        {
            self.uses[inner.index()] += 1;
            *addr = Addr { base: Base::Val(inner), off };
        }
    }

    fn base_and_offset(&self, base: Val, off: i32, here: &Here<'_>) -> Option<(Val, i32)> {
        let Op::Alu { op: AluOp::Add, width: Width::Bits64, a: Operand::Val(inner), b: Operand::Imm(more) } =
            *self.op(base, here)?
        else {
            return None;
        };
        let off = off.checked_add(i32::try_from(more).ok()?)?;
        i16::try_from(off).is_ok().then_some((inner, off))
    }

    /// What has been made already, on every way here.
    fn same(&mut self, op: &Op, result: Val, block: Block) -> Option<Operand> {
        if let Op::Load { size, addr, memory } = op {
            return self.loaded(*size, *addr, *memory, result, block);
        }
        let key = key(op)?;
        let now = Known { value: result.into(), block, passed: self.passed };
        match self.known.entry(key) {
            Entry::Occupied(mut known) => {
                let found = at_hand(known.get(), &now, self.dominators);
                *known.get_mut() = found.unwrap_or(now);
                found.map(|found| found.value)
            }
            Entry::Vacant(nothing) => {
                nothing.insert(now);
                None
            }
        }
    }

    fn loaded(
        &mut self,
        size: Size,
        addr: Addr,
        memory: Memory,
        result: Val,
        block: Block,
    ) -> Option<Operand> {
        let key = self.memory_key(size, addr, memory);
        let now = Known { value: result.into(), block, passed: self.passed };
        let found = self.stored.get(&key).and_then(|known| at_hand(known, &now, self.dominators));
        self.stored.insert(key, found.unwrap_or(now));
        found.map(|found| found.value)
    }

    fn memory_key(&self, size: Size, addr: Addr, memory: Memory) -> Key {
        let epoch = self.epochs.of(memory, addr.base);
        let tag = Tag::Memory(size, addr.off, memory, epoch);
        match addr.base {
            Base::Val(value) => Key { tag, a: value.into(), b: Operand::Imm(0) },
            Base::Local(local) => Key { tag, a: Operand::Imm(local.0.into()), b: Operand::Imm(1) },
        }
    }

    /// What changes in memory.
    fn effect(&mut self, inst: &mut Inst, block: Block) {
        self.epochs.change(&inst.op);
        if let Op::Store { size, addr, memory, value } = inst.op {
            let whole = size == Size::DW
                || self.bits(value).real <= size.bytes() * 8 && facts::constant(value).is_none();
            if whole {
                let key = self.memory_key(size, addr, memory);
                self.stored.insert(key, Known { value, block, passed: self.passed });
            }
        }
        if let Op::Atomic { op, .. } = &mut inst.op
            && let Some(result) = inst.result
            && self.uses[result.index()] == 0
            && let Some(plain) = without_fetch(*op)
        {
            (*op, inst.result, inst.results) = (plain, None, 0);
        }
    }
}

/// The value as it is seen now, if it is there on every way here and was seen not long ago.
fn at_hand(known: &Known, now: &Known, dominators: &Dominators) -> Option<Known> {
    let near = now.passed - known.passed <= REMEMBERED;
    (near && dominators.dominates(known.block, now.block)).then_some(Known { passed: now.passed, ..*known })
}

/// The operation without the old value, where there is one.
const fn without_fetch(op: AtomicOp) -> Option<AtomicOp> {
    match op {
        AtomicOp::FetchAdd => Some(AtomicOp::Add),
        AtomicOp::FetchOr => Some(AtomicOp::Or),
        AtomicOp::FetchAnd => Some(AtomicOp::And),
        AtomicOp::FetchXor => Some(AtomicOp::Xor),
        _ => None,
    }
}

/// Where the walk is: in a block, behind these operations.
pub(super) struct Here<'a> {
    block: Block,
    before: &'a [Inst],
}

/// What rules ask.
impl Walk<'_> {
    /// What stands for an operand.
    pub(super) fn resolve(&self, operand: Operand) -> Operand {
        match operand {
            // One step: what stands for a value was resolved itself.
            Operand::Val(value) => self.alias[value.index()].unwrap_or(operand),
            constant => constant,
        }
    }

    pub(super) fn bits(&self, operand: Operand) -> Bits {
        match operand {
            Operand::Imm(number) => facts::of_constant(Width::Bits64, number),
            Operand::Val(value) => self.bits[value.index()],
        }
    }

    /// The operation that makes a value.
    pub(super) fn op<'s>(&'s self, value: Val, here: &Here<'s>) -> Option<&'s Op> {
        match self.made[value.index()] {
            Made::Inst(block, index) if block == here.block && !here.before.is_empty() => {
                here.before.get(index as usize).map(|inst| &inst.op)
            }
            Made::Inst(block, index) => {
                self.function.blocks[block.index()].insts.get(index as usize).map(|inst| &inst.op)
            }
            Made::Param(_) | Made::Nowhere => None,
        }
    }

    /// The same, if nobody else uses the value. What the verifier learns of a value where it is compared is lost to
    /// what is no longer made of it.
    pub(super) fn op_used_once<'s>(&'s self, operand: Operand, here: &Here<'s>) -> Option<&'s Op> {
        let value = facts::value(operand)?;
        if self.uses[value.index()] == 1 { self.op(value, here) } else { None }
    }

    /// Whether a value is known to be a pointer: constants added to it one after the other can become one, whoever
    /// else uses what lies between.
    pub(super) fn is_pointer(&self, operand: Operand) -> bool {
        facts::value(operand).is_some_and(|value| self.is_base[value.index()])
    }

    /// The operation that makes a value.
    pub(super) fn op_of<'s>(&'s self, operand: Operand, here: &Here<'s>) -> Option<&'s Op> {
        self.op(facts::value(operand)?, here)
    }

    /// An operand of the operation that makes `old` takes the place of `old`.
    pub(super) fn exchanged(&mut self, old: Operand, new: Operand) {
        let Operand::Val(old) = old else { return };
        let left = self.uses[old.index()].saturating_sub(1);
        self.uses[old.index()] = left;
        // If nobody else wants the old one, its own use of the new one goes with it.
        if let Operand::Val(new) = new
            && left > 0
        {
            self.uses[new.index()] += 1;
        }
    }
}

fn key(op: &Op) -> Option<Key> {
    let (tag, a, b) = match op {
        Op::Alu { op, width, a, b } if eval::commutes(*op) && order(*b) < order(*a) => {
            (Tag::Alu(*op, *width), *b, *a)
        }
        Op::Alu { op, width, a, b } => (Tag::Alu(*op, *width), *a, *b),
        Op::Neg { width, a } => (Tag::Neg(*width), *a, Operand::Imm(0)),
        Op::ZeroExtend { bits, a } => (Tag::ZeroExtend(*bits), *a, Operand::Imm(0)),
        Op::SignExtend { bits, width, a } => (Tag::SignExtend(*bits, *width), *a, Operand::Imm(0)),
        Op::Swap { op, bits, a } => (Tag::Swap(*op, *bits), *a, Operand::Imm(0)),
        _ => return None,
    };
    Some(Key { tag, a, b })
}

/// Any order will do.
fn order(operand: Operand) -> (u32, i64) {
    match operand {
        Operand::Val(value) => (value.0, 0),
        Operand::Imm(number) => (u32::MAX, number),
    }
}
