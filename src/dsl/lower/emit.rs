//! Slots for instructions whose registers are known, and their text.

use std::fmt;

use regalloc2::{self as ra, Allocation, AllocationKind, Edit, Function as _, Output, PReg};

use super::super::ir::{At, Function, Op};
use super::frame::Frame;
use super::layout::{Layout, SharedExit};
use super::machine::{Called, Kind, Machine, Mem, Named};
use super::slots::Slots;
use crate::asm::{
    AluOp, AsmError, Assembler, Code, Insn, Isa, Label, MapRef, Reg, RelocKind, Size, Source, Width,
};

/// A function with registers.
pub(super) struct Placed<'a> {
    pub(super) function: &'a Function,
    pub(super) frame: &'a Frame,
    pub(super) machine: &'a Machine,
    pub(super) registers: &'a Output,
    pub(super) slots: &'a Slots,
}

impl Placed<'_> {
    pub(super) fn emit(&self, isa: Isa) -> Result<Code, AsmError> {
        let mut assembler = Assembler::with_isa(isa);
        let labels = self.machine.blocks.iter().map(|_| assembler.label()).collect();
        let layout = Layout::new(self);
        let exits = vec![None; self.machine.blocks.len()];
        let mut emitter = Emitter { placed: self, assembler, labels, exits, layout: &layout };
        for (index, block) in layout.order.iter().enumerate() {
            emitter.block(*block, layout.order.get(index + 1).copied());
        }
        emitter.assembler.finish()
    }

    /// The moves before and behind the instructions of a block.
    pub(super) fn edits(&self, block: usize) -> &[(ra::ProgPoint, Edit)] {
        let info = &self.machine.blocks[block];
        let edits = &self.registers.edits;
        let from = |inst: u32| {
            let point = ra::ProgPoint::before(ra::Inst::new(inst as usize));
            edits.partition_point(|(at, _)| *at < point)
        };
        &edits[from(info.first)..from(info.end)]
    }

    /// Whether a block only puts a constant into r0 and returns.
    pub(super) fn returns_constant(&self, block: usize) -> bool {
        let info = &self.machine.blocks[block];
        let kinds = self.machine.insts[info.first as usize..info.end as usize].iter().map(|inst| inst.kind);
        info.end - info.first == 2
            && kinds.zip([true, false]).all(|(kind, first)| match kind {
                Kind::Const(_) => first,
                kind => kind == Kind::Return && !first,
            })
            && self.edits(block).iter().all(|(_, Edit::Move { from, to })| from == to)
    }

    /// Whether the branch of a block does not look at r0.
    pub(super) fn leaves_r0(&self, block: usize) -> bool {
        let last = self.regs(self.machine.blocks[block].end - 1);
        last.0.iter().all(|allocation| reg(Some(*allocation)) != Reg::R0)
    }

    /// Whether the branch of a block has an opposite.
    pub(super) fn inverts(&self, block: usize) -> bool {
        match self.machine.insts[self.machine.blocks[block].end as usize - 1].kind {
            Kind::Branch { cond, .. } => cond.inverse().is_some(),
            _ => false,
        }
    }

    /// Whether two instructions are the same, with the same registers.
    pub(super) fn same_inst(&self, one: u32, other: u32) -> bool {
        let kind = |inst: u32| self.machine.insts[inst as usize].kind;
        kind(one) == kind(other) && self.regs(one).0 == self.regs(other).0
    }

    fn regs(&self, inst: u32) -> Regs<'_> {
        Regs(self.registers.inst_allocs(ra::Inst::new(inst as usize)))
    }
}

/// The registers of an instruction's operands, in their order.
struct Regs<'a>(&'a [Allocation]);

impl Regs<'_> {
    fn at(&self, index: usize) -> Reg {
        reg(self.0.get(index).copied())
    }

    /// What most instructions make; of one without operands, no matter which.
    fn last(&self) -> Reg {
        self.0.last().map_or(Reg::R0, |last| reg(Some(*last)))
    }
}

/// The register of an allocation. All operands ask for one, so there always is one.
fn reg(allocation: Option<Allocation>) -> Reg {
    let number = allocation.and_then(Allocation::as_reg).map(|preg| preg.hw_enc() as u8);
    debug_assert!(number.is_some(), "an operand without a register");
    number.and_then(Reg::from_number).unwrap_or(Reg::R0)
}

struct Emitter<'a> {
    placed: &'a Placed<'a>,
    assembler: Assembler,
    labels: Vec<Label>,
    /// Of a return that others share: its last instruction.
    exits: Vec<Option<Label>>,
    layout: &'a Layout,
}

impl Emitter<'_> {
    fn block(&mut self, block: usize, next: Option<usize>) {
        let machine = self.placed.machine;
        let info = &machine.blocks[block];
        let first = machine.insts[info.first as usize].at;
        self.assembler.bind_at(self.labels[block], first);
        let mut edits = self.placed.edits(block);
        for index in info.first..info.end {
            let inst = machine.insts[index as usize];
            let here = ra::Inst::new(index as usize);
            edits = self.moves(edits, ra::ProgPoint::before(here), inst.at);
            match inst.kind {
                Kind::Jump => self.go(self.layout.end_of_jump(self.placed, block), next, inst.at),
                Kind::Branch { cond, width, imm } => {
                    let regs = self.placed.regs(index);
                    let src = imm.map_or_else(|| Source::Reg(regs.at(1)), Source::Imm);
                    let jump = Insn::Jump { cond, width, dst: regs.at(0), src, off: 0 };
                    match self.layout.shared_exit(block) {
                        Some(shared) => self.branch_to_exit(jump, shared, inst.at),
                        None => self.branch(jump, info.successors, next, inst.at),
                    }
                }
                Kind::Return => {
                    if let Some(exit) = self.exits[block] {
                        self.assembler.bind_at(exit, inst.at);
                    }
                    self.put(Insn::Exit, inst.at);
                }
                kind => self.inst(kind, &self.placed.regs(index), inst.at),
            }
            edits = self.moves(edits, ra::ProgPoint::after(here), inst.at);
        }
    }

    fn moves<'e>(
        &mut self,
        mut edits: &'e [(ra::ProgPoint, Edit)],
        until: ra::ProgPoint,
        at: At,
    ) -> &'e [(ra::ProgPoint, Edit)] {
        while let Some(((point, Edit::Move { from, to }), rest)) = edits.split_first() {
            if *point > until {
                break;
            }
            self.shift(*from, *to, at);
            edits = rest;
        }
        edits
    }

    fn shift(&mut self, from: Allocation, to: Allocation, at: At) {
        let slot = |allocation: Allocation| {
            let index = allocation.as_stack().map_or(0, |slot| self.placed.slots.number[slot.index()]);
            // A frame this deep is refused before.
            i16::try_from(self.placed.frame.spill(index as usize)).unwrap_or(i16::MIN)
        };
        let insn = match (from.kind(), to.kind()) {
            _ if from == to => return,
            (AllocationKind::Reg, AllocationKind::Stack) => {
                Insn::Store { size: Size::DW, base: Reg::FP, off: slot(to), src: reg(Some(from)) }
            }
            (AllocationKind::Stack, _) => {
                Insn::Load { size: Size::DW, dst: reg(Some(to)), base: Reg::FP, off: slot(from) }
            }
            // All 64 bits: the verifier then knows that both are the same, and what it learns of one holds for the other.
            _ => mov(Width::Bits64, reg(Some(to)), Source::Reg(reg(Some(from)))),
        };
        self.assembler.insn_at(insn, at);
    }

    fn go(&mut self, to: usize, next: Option<usize>, at: At) {
        if next != Some(to) {
            self.assembler.jump_at(Insn::Ja { off: 0 }, self.labels[to], at);
        }
    }

    fn branch(&mut self, jump: Insn, [then, otherwise]: [ra::Block; 2], next: Option<usize>, at: At) {
        let (there, here) = (self.layout.destination(then), self.layout.destination(otherwise));
        if there == here {
            return self.go(there, next, at);
        }
        match inverted(jump) {
            Some(inverse) if next == Some(there) => {
                self.assembler.jump_at(inverse, self.labels[here], at);
            }
            _ => {
                self.assembler.jump_at(jump, self.labels[there], at);
                self.go(here, next, at);
            }
        }
    }

    /// The kept return follows.
    fn branch_to_exit(&mut self, jump: Insn, shared: SharedExit, at: At) {
        let first = self.placed.machine.blocks[shared.gone].first;
        let constant = self.placed.machine.insts[first as usize];
        self.inst(constant.kind, &self.placed.regs(first), constant.at);
        let exit = self.assembler.label();
        self.exits[shared.kept] = Some(exit);
        let jump = if shared.way == 0 { Some(jump) } else { inverted(jump) };
        if let Some(jump) = jump {
            self.assembler.jump_at(jump, exit, at);
        }
    }

    fn inst(&mut self, kind: Kind, regs: &Regs<'_>, at: At) {
        match kind {
            Kind::Named(named) => self.named(named, regs.at(0), at),
            Kind::Call(called) => self.call(called, at),
            Kind::Asm(index) => self.asm(index),
            Kind::Select { cond, width, imm, other } => {
                let src = imm.map_or_else(|| Source::Reg(regs.at(1)), Source::Imm);
                self.put(Insn::Jump { cond, width, dst: regs.at(0), src, off: 1 }, at);
                let stays = 2 - usize::from(imm.is_some());
                let other = other.map_or_else(|| Source::Reg(regs.at(stays + 1)), Source::Imm);
                self.put(mov(Width::Bits64, regs.last(), other), at);
            }
            Kind::Stack(off) => {
                let dst = regs.at(0);
                self.put(mov(Width::Bits64, dst, Source::Reg(Reg::FP)), at);
                let add = Insn::Alu { op: AluOp::Add, width: Width::Bits64, dst, src: Source::Imm(off) };
                self.put(add, at);
            }
            _ => {
                if let Some(insn) = plain(kind, regs) {
                    self.put(insn, at);
                }
            }
        }
    }

    fn put(&mut self, insn: Insn, at: At) {
        self.assembler.insn_at(insn, at);
    }

    fn named(&mut self, named: Named, dst: Reg, at: At) {
        let function = self.placed.function;
        let map = MapRef::Fd(0);
        let (insn, kind, name) = match named {
            Named::Map(name) => (Insn::LoadMap { dst, map }, RelocKind::Map, name),
            Named::MapValue(name, offset) => {
                (Insn::LoadMapValue { dst, map, offset }, RelocKind::MapValue { offset }, name)
            }
            Named::Function(name) => (Insn::LoadFunction { dst, off: 0 }, RelocKind::LoadFunction, name),
            Named::Ksym { name, typed: true } => {
                (Insn::LoadBtfId { dst, id: 0, btf_fd: 0 }, RelocKind::Ksym { typed: true }, name)
            }
            Named::Ksym { name, typed: false } => {
                (Insn::LoadImm64 { dst, value: 0 }, RelocKind::Ksym { typed: false }, name)
            }
            Named::BtfId(scope, name) => {
                (mov(Width::Bits64, dst, Source::Imm(0)), RelocKind::BtfId(scope), name)
            }
            Named::Core { kind, type_id, type_name, access } => {
                let (name, access) = (function.symbol(type_name), function.symbol(access));
                let insn = mov(Width::Bits64, dst, Source::Imm(0));
                self.assembler.core_at(insn, kind, name, type_id, access, at);
                return;
            }
        };
        self.assembler.reloc_at(insn, kind, function.symbol(name), at);
    }

    fn call(&mut self, called: Called, at: At) {
        let function = self.placed.function;
        match called {
            Called::Helper(helper) => self.put(Insn::Call { helper }, at),
            Called::Function(name) => {
                let insn = Insn::CallFunction { off: 0 };
                self.assembler.reloc_at(insn, RelocKind::CallFunction, function.symbol(name), at);
            }
            Called::Kfunc(name) => {
                let insn = Insn::CallKfunc { id: 0, btf_index: 0 };
                self.assembler.reloc_at(insn, RelocKind::Kfunc, function.symbol(name), at);
            }
        }
    }

    fn asm(&mut self, index: u32) {
        let (block, inst) = self.placed.machine.asm[index as usize].place;
        if let Op::Asm(asm) = &self.placed.function.block(block).insts[inst as usize].op {
            self.assembler.splice(&asm.code);
        }
    }
}

/// The instruction, where there is exactly one and nothing in it has a name; none if nothing is to be done.
fn plain(kind: Kind, regs: &Regs<'_>) -> Option<Insn> {
    let dst = regs.last();
    Some(match kind {
        Kind::Const(number) => constant(dst, number),
        Kind::Alu { op, width, imm } => {
            let src = imm.map_or_else(|| Source::Reg(regs.at(1)), Source::Imm);
            Insn::Alu { op, width, dst, src }
        }
        Kind::Neg(width) => Insn::Neg { width, dst },
        Kind::Swap(op, bits) => Insn::Swap { op, bits, dst },
        Kind::Move if regs.at(0) == dst => return None,
        Kind::Move => mov(Width::Bits64, dst, Source::Reg(regs.at(0))),
        Kind::Move32 => mov(Width::Bits32, dst, Source::Reg(regs.at(0))),
        Kind::MoveSx(extend) => Insn::MovSx { extend, dst, src: regs.at(0) },
        Kind::Load(size, Mem { off, .. }) => Insn::Load { size, dst, base: base(kind, regs), off },
        Kind::LoadSx(size, Mem { off, .. }) => Insn::LoadSx { size, dst, base: base(kind, regs), off },
        Kind::LoadAcquire(size, Mem { off, .. }) => {
            Insn::LoadAcquire { size, dst, base: base(kind, regs), off }
        }
        Kind::Store(size, Mem { off, .. }, Some(imm)) => {
            Insn::StoreImm { size, base: base(kind, regs), off, imm }
        }
        Kind::Store(size, Mem { off, .. }, None) => {
            Insn::Store { size, base: base(kind, regs), off, src: dst }
        }
        Kind::StoreRelease(size, Mem { off, .. }) => {
            Insn::StoreRelease { size, base: base(kind, regs), off, src: dst }
        }
        Kind::Atomic(op, width, mem) => {
            let src = regs.at(usize::from(!mem.on_stack));
            Insn::Atomic { op, width, base: base(kind, regs), off: mem.off, src }
        }
        Kind::PacketLoad(size, Some(offset)) => Insn::LoadAbs { size, offset },
        Kind::PacketLoad(size, None) => Insn::LoadInd { size, src: regs.at(1), offset: 0 },
        Kind::Return => Insn::Exit,
        Kind::Params => return None,
        // Emitted elsewhere.
        Kind::Select { .. }
        | Kind::Stack(_)
        | Kind::Named(_)
        | Kind::Call(_)
        | Kind::Asm(_)
        | Kind::Jump
        | Kind::Branch { .. } => {
            return None;
        }
    })
}

/// The register of an address: the first operand, or the frame pointer.
fn base(kind: Kind, regs: &Regs<'_>) -> Reg {
    match kind {
        Kind::Load(_, mem)
        | Kind::LoadSx(_, mem)
        | Kind::LoadAcquire(_, mem)
        | Kind::Store(_, mem, _)
        | Kind::StoreRelease(_, mem)
        | Kind::Atomic(_, _, mem)
            if mem.on_stack =>
        {
            Reg::FP
        }
        _ => regs.at(0),
    }
}

fn mov(width: Width, dst: Reg, src: Source) -> Insn {
    Insn::Alu { op: AluOp::Mov, width, dst, src }
}

/// In one slot if that holds it.
fn constant(dst: Reg, number: i64) -> Insn {
    match (i32::try_from(number), u32::try_from(number)) {
        (Ok(imm), _) => mov(Width::Bits64, dst, Source::Imm(imm)),
        (_, Ok(imm)) => mov(Width::Bits32, dst, Source::Imm(imm.cast_signed())),
        _ => Insn::LoadImm64 { dst, value: number.cast_unsigned() },
    }
}

fn inverted(jump: Insn) -> Option<Insn> {
    match jump {
        Insn::Jump { cond, width, dst, src, off } => {
            Some(Insn::Jump { cond: cond.inverse()?, width, dst, src, off })
        }
        _ => None,
    }
}

/// Instructions with their registers, block by block, as the allocator left them.
impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "function {}: {} stack slots for values",
            self.function.name, self.registers.num_spillslots
        )?;
        for (block, info) in self.machine.blocks.iter().enumerate() {
            writeln!(f, "b{block}:")?;
            let mut edits = self.edits(block);
            for index in info.first..info.end {
                let here = ra::Inst::new(index as usize);
                edits = self.write_moves(edits, ra::ProgPoint::before(here), f)?;
                self.write_inst(index, info.successors(), f)?;
                edits = self.write_moves(edits, ra::ProgPoint::after(here), f)?;
            }
        }
        Ok(())
    }
}

impl Placed<'_> {
    fn write_moves<'e>(
        &self,
        mut edits: &'e [(ra::ProgPoint, Edit)],
        until: ra::ProgPoint,
        f: &mut fmt::Formatter<'_>,
    ) -> Result<&'e [(ra::ProgPoint, Edit)], fmt::Error> {
        while let Some(((point, Edit::Move { from, to }), rest)) = edits.split_first() {
            if *point > until {
                break;
            }
            writeln!(f, "  {} = {}", self.place(*to), self.place(*from))?;
            edits = rest;
        }
        Ok(edits)
    }

    fn place(&self, allocation: Allocation) -> Place {
        Place {
            reg: allocation.as_reg(),
            slot: allocation.as_stack().map(|slot| self.slots.number[slot.index()]),
        }
    }

    fn write_inst(&self, index: u32, to: &[ra::Block], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |symbol| self.function.symbol(symbol);
        let inst = &self.machine.insts[index as usize];
        write!(f, "  ")?;
        match inst.kind {
            Kind::Named(Named::Map(symbol)) => write!(f, "map {}", name(symbol))?,
            Kind::Named(Named::MapValue(symbol, off)) => write!(f, "value of map {} + {off}", name(symbol))?,
            Kind::Named(Named::Function(symbol)) => write!(f, "function {}", name(symbol))?,
            Kind::Named(Named::Ksym { name: symbol, .. }) => write!(f, "ksym {}", name(symbol))?,
            Kind::Named(Named::BtfId(_, symbol)) => write!(f, "btf id of {}", name(symbol))?,
            Kind::Named(Named::Core { type_name, .. }) => write!(f, "core {}", name(type_name))?,
            Kind::Call(Called::Helper(helper)) => write!(f, "call {helper}")?,
            Kind::Call(Called::Function(symbol)) => write!(f, "call function {}", name(symbol))?,
            Kind::Call(Called::Kfunc(symbol)) => write!(f, "call kfunc {}", name(symbol))?,
            kind => write!(f, "{kind:?}")?,
        }
        let operands = self.machine.inst_operands(ra::Inst::new(index as usize));
        for (operand, allocation) in operands.iter().zip(self.regs(index).0) {
            let (vreg, what) = (operand.vreg().vreg(), operand.kind());
            let made = if what == ra::OperandKind::Def { "=" } else { "" };
            write!(f, " {made}v{vreg}:{}", self.place(*allocation))?;
        }
        for block in to.iter().filter(|_| self.machine.is_branch(ra::Inst::new(index as usize))) {
            write!(f, " b{}", block.index())?;
        }
        writeln!(f)
    }
}

/// A register, or a slot on the stack.
struct Place {
    reg: Option<PReg>,
    slot: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reg, self.slot) {
            (Some(preg), _) => write!(f, "r{}", preg.hw_enc()),
            (_, Some(slot)) => write!(f, "stack{slot}"),
            _ => write!(f, "nowhere"),
        }
    }
}
