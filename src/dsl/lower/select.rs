//! Instructions for operations. What one instruction can make of nothing (a number, an address with a name, a place on
//! the stack) is made anew at each use: that costs no register in between, and the allocator does not do it by itself.

use regalloc2::{self as ra, Operand as Slot, VReg};

use super::super::eval;
use super::super::ir::dominators::Predecessors;
use super::super::ir::{
    Addr, Args, AsmBlock, At, Base, Block, Callee, Compare, End, Function, Inst, Op, Operand, Symbol, Target,
    Val,
};
use super::frame::Frame;
use super::machine::{self, BlockInfo, CALL_CLOBBERS, Called, Kind, Machine, Mem, Named, preg, vreg};
use crate::asm::{AluOp, AtomicOp, Extend, Isa, Reg, Size, Width};

const ARGUMENTS: [Reg; 5] = CALL_CLOBBERS;

/// The instructions of a function whose switches are branches and whose edges are split.
pub(super) fn select(function: &Function, frame: &Frame, isa: Isa) -> Machine {
    let mut machine = Machine { registers: function.values, ..Machine::default() };
    let count = function.blocks.iter().map(|block| block.insts.len() + 2).sum();
    machine.insts.reserve(count);
    machine.operands.reserve(count * 2);
    let mut selector = Selector {
        function,
        frame,
        isa,
        machine,
        made_at_use: vec![0; function.values as usize],
        kinds: Vec::new(),
        at_hand: Vec::new(),
    };
    let order = function.reverse_postorder();
    let mut numbers = vec![0; function.blocks.len()];
    for (number, block) in order.iter().enumerate() {
        numbers[block.index()] = number;
    }
    for block in &order {
        selector.block(*block, &numbers);
    }
    selector.predecessors(&order, &numbers);
    selector.machine
}

struct Selector<'a> {
    function: &'a Function,
    frame: &'a Frame,
    isa: Isa,
    machine: Machine,
    /// What is made anew at each use: for each value, one more than its index here.
    made_at_use: Vec<u32>,
    kinds: Vec<Kind>,
    /// The maps whose values' start is in a register, since the block began or something was called.
    at_hand: Vec<(Symbol, VReg)>,
}

/// Blocks.
impl Selector<'_> {
    fn block(&mut self, block: Block, numbers: &[usize]) {
        let function = self.function;
        let data = function.block(block);
        let first = self.machine.insts.len() as u32;
        self.at_hand.clear();
        let Some((end, at)) = &data.end else { return };
        let mut params = self.vregs(data.params.iter().map(|param| vreg(param.0)));
        if block == Block(0) {
            self.parameters(&data.params, data.insts.first().map_or(*at, |inst| inst.at));
            params.1 = params.0;
        }
        for (index, inst) in data.insts.iter().enumerate() {
            self.inst(inst, (block, index as u32));
        }
        let mut info = BlockInfo {
            first,
            end: 0,
            successors: [ra::Block::invalid(); 2],
            ways: 0,
            known_way: None,
            params,
            args: (0, 0),
            predecessors: (0, 0),
        };
        for (way, target) in end.targets().enumerate().take(2) {
            info.successors[way] = ra::Block::new(numbers[target.block.index()]);
            info.ways += 1;
        }
        self.end(end, at, &mut info);
        info.end = self.machine.insts.len() as u32;
        self.machine.blocks.push(info);
    }

    fn parameters(&mut self, params: &[Val], at: At) {
        let defs = params.iter().zip(ARGUMENTS).map(|(param, reg)| fixed_def(vreg(param.0), reg));
        self.machine.operands.extend(defs);
        self.close(Kind::Params, at);
    }

    fn end(&mut self, end: &End, at: At, info: &mut BlockInfo) {
        match end {
            End::Jump(target) => {
                info.args = self.arguments(target, at);
                info.known_way = self.known_way(target);
                self.push(Kind::Jump, at, []);
            }
            End::Branch { compare, .. } => self.branch(*compare, at),
            End::Return(value) => {
                let value = self.value(*value, at);
                self.push(Kind::Return, at, [fixed_use(value, Reg::R0)]);
            }
            // Made of branches before.
            End::Switch { .. } => debug_assert!(false, "a switch is left"),
        }
    }

    /// Which way the block that is jumped to will go: a loop over a range of constants is entered without a test.
    fn known_way(&self, target: &Target) -> Option<u8> {
        let block = self.function.block(target.block);
        let Some((End::Branch { compare, .. }, _)) = &block.end else { return None };
        let given = |operand| match operand {
            Operand::Val(value) => {
                let index = block.params.iter().position(|param| *param == value)?;
                constant(*target.args.get(index)?)
            }
            Operand::Imm(number) => Some(number),
        };
        let holds = eval::holds(compare.cond, compare.width, given(compare.a)?, given(compare.b)?);
        Some(u8::from(!holds))
    }

    fn arguments(&mut self, target: &Target, at: At) -> (u32, u32) {
        let values: Vec<_> = target.args.iter().map(|arg| self.value(*arg, at)).collect();
        self.vregs(values)
    }

    fn vregs(&mut self, vregs: impl IntoIterator<Item = VReg>) -> (u32, u32) {
        let start = self.machine.vregs.len() as u32;
        self.machine.vregs.extend(vregs);
        (start, self.machine.vregs.len() as u32)
    }

    fn predecessors(&mut self, order: &[Block], numbers: &[usize]) {
        let predecessors = Predecessors::new(self.function, order);
        for (number, block) in order.iter().enumerate() {
            let start = self.machine.predecessors.len() as u32;
            let of = predecessors.of(*block).iter().map(|from| ra::Block::new(numbers[from.index()]));
            self.machine.predecessors.extend(of);
            self.machine.blocks[number].predecessors = (start, self.machine.predecessors.len() as u32);
        }
    }

    fn branch(&mut self, compare: Compare, at: At) {
        let (compare, imm, operands) = self.compared(compare, at);
        let Compare { cond, width, .. } = compare;
        self.push_all(Kind::Branch { cond, width, imm }, at, operands.into_iter().flatten());
    }

    /// A comparison with its constant, if it has one, on the right; and its operands.
    fn compared(&mut self, compare: Compare, at: At) -> (Compare, Option<i32>, [Option<Slot>; 2]) {
        let Compare { mut cond, width, mut a, mut b } = compare;
        if matches!(a, Operand::Imm(_)) && matches!(b, Operand::Val(_)) {
            (a, b, cond) = (b, a, cond.swapped());
        }
        let left = Slot::reg_use(self.value(a, at));
        let imm = immediate(b, width);
        let right = imm.is_none().then(|| Slot::reg_use(self.value(b, at)));
        (Compare { cond, width, a, b }, imm, [Some(left), right])
    }

    /// One value stands in the register of the result before the comparison, the other is moved there after it.
    fn choice(&mut self, compare: Compare, then: Operand, otherwise: Operand, made: VReg, at: At) {
        let (mut compare, imm, operands) = self.compared(compare, at);
        let (mut stays, mut other) = (then, otherwise);
        // A constant costs a move in either place, a value only in the second.
        if let (Operand::Imm(_), Operand::Val(_), Some(inverse)) = (then, otherwise, compare.cond.inverse()) {
            (stays, other, compare.cond) = (otherwise, then, inverse);
        }
        let stays = self.value(stays, at);
        let other_imm = immediate(other, Width::Bits64);
        let other = other_imm.is_none().then(|| Slot::reg_use(self.value(other, at)));
        let kind = Kind::Select { cond: compare.cond, width: compare.width, imm, other: other_imm };
        let operands = operands.into_iter().flatten();
        let index = 2 - usize::from(imm.is_some());
        let all = operands.chain([Slot::reg_use(stays)]).chain(other);
        self.push_all(kind, at, all.chain([Slot::reg_reuse_def(made, index)]));
    }
}

/// Operations.
impl Selector<'_> {
    fn inst(&mut self, inst: &Inst, place: (Block, u32)) {
        let at = inst.at;
        let made = inst.result.map(|value| vreg(value.0));
        if let (Some(value), Some(kind)) = (inst.result, self.made_of_nothing(&inst.op)) {
            self.kinds.push(kind);
            self.made_at_use[value.index()] = self.kinds.len() as u32;
            return;
        }
        match (&inst.op, made) {
            (Op::Store { size, addr, value, .. }, _) => self.store(*size, *addr, *value, at),
            (Op::StoreRelease { size, addr, value, .. }, _) => {
                let (mem, base) = self.address(*addr, at);
                let value = self.value(*value, at);
                self.push_all(
                    Kind::StoreRelease(*size, mem),
                    at,
                    base.into_iter().chain([Slot::reg_use(value)]),
                );
            }
            (Op::Atomic { op, size, addr, value, expected, .. }, made) => {
                self.atomic(*op, *size, *addr, *value, *expected, made, at);
            }
            (Op::Asm(block), made) => self.asm(block, place, made, at),
            (op, Some(made)) => self.value_of(op, made, at),
            // All others make something.
            (_, None) => {}
        }
    }

    /// The instruction, if it takes no operand.
    fn made_of_nothing(&self, op: &Op) -> Option<Kind> {
        Some(match op {
            Op::Copy { a: Operand::Imm(number) } => Kind::Const(*number),
            Op::LocalAddr { local, off } => Kind::Stack(self.frame.local(*local) + off),
            Op::MapAddr { map } => Kind::Named(Named::Map(*map)),
            Op::MapValueAddr { map, off } => Kind::Named(Named::MapValue(*map, *off)),
            Op::FunctionAddr { function } => Kind::Named(Named::Function(*function)),
            Op::Ksym { name, typed } => Kind::Named(Named::Ksym { name: *name, typed: *typed }),
            Op::BtfId { scope, name } => Kind::Named(Named::BtfId(*scope, *name)),
            Op::Core { kind, type_id, type_name, access } => Kind::Named(Named::Core {
                kind: *kind,
                type_id: *type_id,
                type_name: *type_name,
                access: *access,
            }),
            _ => return None,
        })
    }

    fn value_of(&mut self, op: &Op, made: VReg, at: At) {
        match op {
            Op::Copy { a } => {
                let a = self.value(*a, at);
                self.push(Kind::Move, at, [Slot::reg_use(a), Slot::reg_def(made)]);
            }
            Op::Alu { op, width, a, b } => self.alu(*op, *width, *a, *b, made, at),
            Op::Neg { width, a } => self.in_place(Kind::Neg(*width), *a, made, at),
            Op::Swap { op, bits, a } => self.in_place(Kind::Swap(*op, *bits), *a, made, at),
            Op::ZeroExtend { bits: 32, a } => {
                let a = self.value(*a, at);
                self.push(Kind::Move32, at, [Slot::reg_use(a), Slot::reg_def(made)]);
            }
            Op::ZeroExtend { bits, a } => {
                let mask = (1_i64 << bits) - 1;
                self.alu(AluOp::And, Width::Bits32, *a, mask.into(), made, at);
            }
            Op::SignExtend { bits, width, a } => self.sign_extend(*bits, *width, *a, made, at),
            Op::Select { compare, then, otherwise } => self.choice(*compare, *then, *otherwise, made, at),
            Op::Load { size, addr, .. } => self.load(Kind::Load(*size, Mem::NONE), *addr, made, at),
            Op::LoadSx { size, addr, .. } => self.load(Kind::LoadSx(*size, Mem::NONE), *addr, made, at),
            Op::LoadAcquire { size, addr, .. } => {
                self.load(Kind::LoadAcquire(*size, Mem::NONE), *addr, made, at);
            }
            Op::Call { callee, args, .. } => self.call(*callee, args, made, at),
            Op::PacketLoad { size, context, offset } => self.packet_load(*size, *context, *offset, made, at),
            _ => debug_assert!(false, "selected elsewhere: {op:?}"),
        }
    }

    fn alu(&mut self, op: AluOp, width: Width, a: Operand, b: Operand, made: VReg, at: At) {
        let commutes = matches!(op, AluOp::Add | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor);
        let (a, b) = if commutes && matches!(a, Operand::Imm(_)) { (b, a) } else { (a, b) };
        if op.divides() && immediate(b, width) == Some(0) {
            return self.divided_by_zero(op, width, a, made, at);
        }
        let a = self.value(a, at);
        let imm = immediate(b, width).map(|imm| if op.shifts() { imm & (width.bits() - 1) } else { imm });
        let kind = Kind::Alu { op, width, imm };
        if imm.is_some() {
            return self.push(kind, at, [Slot::reg_use(a), Slot::reg_reuse_def(made, 0)]);
        }
        let b = self.value(b, at);
        self.push(kind, at, [Slot::reg_use(a), Slot::reg_use(b), Slot::reg_reuse_def(made, 0)]);
    }

    /// What the kernel makes of a division by a register that is zero; it refuses one by the number.
    fn divided_by_zero(&mut self, op: AluOp, width: Width, a: Operand, made: VReg, at: At) {
        if matches!(op, AluOp::Div | AluOp::SDiv) {
            return self.push(Kind::Const(0), at, [Slot::reg_def(made)]);
        }
        let a = self.value(a, at);
        let kind = if width == Width::Bits64 { Kind::Move } else { Kind::Move32 };
        self.push(kind, at, [Slot::reg_use(a), Slot::reg_def(made)]);
    }

    fn in_place(&mut self, kind: Kind, a: Operand, made: VReg, at: At) {
        let a = self.value(a, at);
        self.push(kind, at, [Slot::reg_use(a), Slot::reg_reuse_def(made, 0)]);
    }

    fn sign_extend(&mut self, bits: u8, width: Width, a: Operand, made: VReg, at: At) {
        if let Some(extend) = Extend::new(bits.into(), width).filter(|_| self.isa.contains(Isa::CPUV4)) {
            let a = self.value(a, at);
            return self.push(Kind::MoveSx(extend), at, [Slot::reg_use(a), Slot::reg_def(made)]);
        }
        let by = Operand::Imm((width.bits() - i32::from(bits)).into());
        let up = self.temporary();
        self.alu(AluOp::Lsh, width, a, by, up, at);
        let imm = immediate(by, width);
        let kind = Kind::Alu { op: AluOp::Arsh, width, imm };
        self.push(kind, at, [Slot::reg_use(up), Slot::reg_reuse_def(made, 0)]);
    }

    fn load(&mut self, kind: Kind, addr: Addr, made: VReg, at: At) {
        let (mem, base) = self.address(addr, at);
        let kind = match kind {
            Kind::LoadAcquire(size, _) => Kind::LoadAcquire(size, mem),
            Kind::LoadSx(size, _) => Kind::LoadSx(size, mem),
            Kind::Load(size, _) => Kind::Load(size, mem),
            other => other,
        };
        self.push_all(kind, at, base.into_iter().chain([Slot::reg_def(made)]));
    }

    fn store(&mut self, size: Size, addr: Addr, value: Operand, at: At) {
        let (mem, base) = self.address(addr, at);
        match stored(value, size) {
            Some(imm) => self.push_all(Kind::Store(size, mem, Some(imm)), at, base),
            None => {
                let value = self.value(value, at);
                let operands = base.into_iter().chain([Slot::reg_use(value)]);
                self.push_all(Kind::Store(size, mem, None), at, operands);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one operation")]
    fn atomic(
        &mut self,
        op: AtomicOp,
        size: Size,
        addr: Addr,
        value: Operand,
        expected: Option<Operand>,
        made: Option<VReg>,
        at: At,
    ) {
        let Some(width) = size.atomic() else { return };
        let (mem, base) = self.address(addr, at);
        let value = self.value(value, at);
        let expected = expected.map(|expected| self.value(expected, at));
        let index = base.iter().len();
        let mut operands: Vec<_> = base.into_iter().chain([Slot::reg_use(value)]).collect();
        match (made, expected) {
            (Some(made), Some(expected)) => {
                operands.extend([fixed_use(expected, Reg::R0), fixed_def(made, Reg::R0)]);
            }
            (Some(made), None) => operands.push(Slot::reg_reuse_def(made, index)),
            (None, _) => {}
        }
        self.push_all(Kind::Atomic(op, width, mem), at, operands);
    }

    fn call(&mut self, callee: Callee, args: &Args, made: VReg, at: At) {
        let called = match callee {
            Callee::Helper(helper) => Called::Helper(helper),
            Callee::Function(symbol) => Called::Function(symbol),
            Callee::Kfunc(symbol) => Called::Kfunc(symbol),
        };
        let mut operands = [Slot::reg_def(made); 6];
        let mut count = 0;
        for (arg, reg) in args.iter().zip(ARGUMENTS) {
            operands[count] = fixed_use(self.value(arg, at), reg);
            count += 1;
        }
        operands[count] = fixed_def(made, Reg::R0);
        self.push_all(Kind::Call(called), at, operands.into_iter().take(count + 1));
    }

    fn packet_load(&mut self, size: Size, context: Val, offset: Operand, made: VReg, at: At) {
        let Some(size) = size.narrow() else { return };
        let context = self.value(context.into(), at);
        let imm = immediate(offset, Width::Bits32);
        let offset = imm.is_none().then(|| Slot::reg_use(self.value(offset, at)));
        let operands = [fixed_use(context, Reg::R6)].into_iter().chain(offset);
        self.push_all(Kind::PacketLoad(size, imm), at, operands.chain([fixed_def(made, Reg::R0)]));
    }

    fn asm(&mut self, block: &AsmBlock, place: (Block, u32), made: Option<VReg>, at: At) {
        let mut operands = Vec::new();
        for (reg, input) in &block.inputs {
            operands.push(fixed_use(self.value(*input, at), *reg));
        }
        let first = made.map_or(0, VReg::vreg);
        let outputs = block.outputs.iter().enumerate();
        operands.extend(outputs.map(|(index, reg)| fixed_def(vreg((first + index) as u32), *reg)));
        let lost = block.clobbers.iter().filter(|reg| !block.outputs.contains(reg) && **reg != Reg::FP);
        let clobbers = machine::set(lost.copied());
        self.machine.asm.push(machine::Asm { place, clobbers });
        self.push_all(Kind::Asm(self.machine.asm.len() as u32 - 1), at, operands);
    }
}

/// Operands.
impl Selector<'_> {
    /// A register with this in it.
    fn value(&mut self, operand: Operand, at: At) -> VReg {
        let kind = match operand {
            Operand::Imm(number) => Kind::Const(number),
            Operand::Val(value) => match self.kind_of(value) {
                Some(kind) => kind,
                None => return vreg(value.0),
            },
        };
        let made = self.temporary();
        self.push(kind, at, [Slot::reg_def(made)]);
        made
    }

    /// The instruction that makes a value, if it is made at each use.
    fn kind_of(&self, value: Val) -> Option<Kind> {
        let index = self.made_at_use[value.index()].checked_sub(1)?;
        self.kinds.get(index as usize).copied()
    }

    fn temporary(&mut self) -> VReg {
        self.machine.registers += 1;
        vreg(self.machine.registers - 1)
    }

    /// An address in a map's value by the distance from its start, which many can share.
    fn in_map_value(&mut self, addr: Addr, at: At) -> Option<(Mem, Option<Slot>)> {
        let Base::Val(value) = addr.base else { return None };
        let Some(Kind::Named(Named::MapValue(map, start))) = self.kind_of(value) else { return None };
        let off = i32::try_from(start).ok()?.checked_add(addr.off)?;
        let off = i16::try_from(off).ok()?;
        let known = self.at_hand.iter().find(|(other, _)| *other == map).map(|(_, base)| *base);
        let base = match known {
            Some(base) => base,
            None => {
                let base = self.temporary();
                self.push(Kind::Named(Named::MapValue(map, 0)), at, [Slot::reg_def(base)]);
                self.at_hand.push((map, base));
                base
            }
        };
        Some((Mem { on_stack: false, off }, Some(Slot::reg_use(base))))
    }

    /// The address, and the register of its base if it has one.
    fn address(&mut self, addr: Addr, at: At) -> (Mem, Option<Slot>) {
        if let Some(found) = self.in_map_value(addr, at) {
            return found;
        }
        let on_stack = match addr.base {
            Base::Local(local) => Some(self.frame.local(local)),
            Base::Val(value) => match self.kind_of(value) {
                Some(Kind::Stack(off)) => Some(off),
                _ => None,
            },
        };
        let off = on_stack.unwrap_or(0).saturating_add(addr.off);
        if let (Some(_), Ok(off)) = (on_stack, i16::try_from(off)) {
            return (Mem { on_stack: true, off }, None);
        }
        let base = match (on_stack, addr.base) {
            (None, Base::Val(value)) => self.value(value.into(), at),
            // Further away than the frame is large: the frame is refused.
            _ => return (Mem { on_stack: true, off: i16::MIN }, None),
        };
        match i16::try_from(addr.off) {
            Ok(off) => (Mem { on_stack: false, off }, Some(Slot::reg_use(base))),
            Err(_) => {
                let sum = self.temporary();
                let kind = Kind::Alu { op: AluOp::Add, width: Width::Bits64, imm: Some(addr.off) };
                self.push(kind, at, [Slot::reg_use(base), Slot::reg_reuse_def(sum, 0)]);
                (Mem { on_stack: false, off: 0 }, Some(Slot::reg_use(sum)))
            }
        }
    }

    fn push<const N: usize>(&mut self, kind: Kind, at: At, operands: [Slot; N]) {
        self.machine.operands.extend(operands);
        self.close(kind, at);
    }

    fn push_all(&mut self, kind: Kind, at: At, operands: impl IntoIterator<Item = Slot>) {
        self.machine.operands.extend(operands);
        self.close(kind, at);
    }

    fn close(&mut self, kind: Kind, at: At) {
        if matches!(kind, Kind::Call(_) | Kind::PacketLoad(..) | Kind::Asm(_)) {
            self.at_hand.clear();
        }
        let operands_end = self.machine.operands.len() as u32;
        self.machine.insts.push(machine::Inst { kind, at, operands_end });
    }
}

fn fixed_use(value: VReg, reg: Reg) -> Slot {
    Slot::reg_fixed_use(value, preg(reg))
}

fn fixed_def(value: VReg, reg: Reg) -> Slot {
    Slot::reg_fixed_def(value, preg(reg))
}

/// The operand as an immediate of an operation of this width, if it is one that fits.
fn immediate(operand: Operand, width: Width) -> Option<i32> {
    match (operand, width) {
        (Operand::Imm(number), Width::Bits64) => i32::try_from(number).ok(),
        (Operand::Imm(number), Width::Bits32) => Some(number as i32),
        (Operand::Val(_), _) => None,
    }
}

/// The operand as an immediate that is stored.
fn stored(operand: Operand, size: Size) -> Option<i32> {
    match (operand, size) {
        (Operand::Imm(number), Size::DW) => i32::try_from(number).ok(),
        (Operand::Imm(number), Size::W) => Some(number as i32),
        // Signed, so that the text of it is the same for the same bytes.
        (Operand::Imm(number), Size::H) => Some((number as i16).into()),
        (Operand::Imm(number), Size::B) => Some((number as i8).into()),
        (Operand::Val(_), _) => None,
    }
}

impl Mem {
    const NONE: Self = Self { on_stack: false, off: 0 };
}

fn constant(operand: Operand) -> Option<i64> {
    match operand {
        Operand::Imm(number) => Some(number),
        Operand::Val(_) => None,
    }
}
