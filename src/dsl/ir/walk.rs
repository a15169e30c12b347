//! Ways through a function: the operands of operations, the targets of jumps, the blocks that are reached.

use super::{Addr, Base, Block, BlockData, End, Function, Inst, Op, Operand, Target, Val};

impl Op {
    /// The operands that can be constants.
    pub(crate) fn each_operand_mut(&mut self, mut f: impl FnMut(&mut Operand)) {
        match self {
            Self::Copy { a }
            | Self::Neg { a, .. }
            | Self::ZeroExtend { a, .. }
            | Self::SignExtend { a, .. }
            | Self::Swap { a, .. } => f(a),
            Self::Alu { a, b, .. } => {
                f(a);
                f(b);
            }
            Self::Select { compare, then, otherwise } => {
                [&mut compare.a, &mut compare.b, then, otherwise].into_iter().for_each(f);
            }
            Self::Store { value, .. } | Self::StoreRelease { value, .. } => f(value),
            Self::Atomic { value, expected, .. } => {
                f(value);
                expected.iter_mut().for_each(f);
            }
            Self::Call { args, .. } => args.iter_mut().for_each(f),
            Self::PacketLoad { offset, .. } => f(offset),
            Self::Asm(block) => block.inputs.iter_mut().for_each(|(_, operand)| f(operand)),
            Self::Load { .. }
            | Self::LoadSx { .. }
            | Self::LoadAcquire { .. }
            | Self::LocalAddr { .. }
            | Self::MapAddr { .. }
            | Self::MapValueAddr { .. }
            | Self::FunctionAddr { .. }
            | Self::Ksym { .. }
            | Self::BtfId { .. }
            | Self::Core { .. } => {}
        }
    }

    /// The same.
    pub(crate) fn each_operand(&self, mut f: impl FnMut(Operand)) {
        match self {
            Self::Copy { a }
            | Self::Neg { a, .. }
            | Self::ZeroExtend { a, .. }
            | Self::SignExtend { a, .. }
            | Self::Swap { a, .. } => f(*a),
            Self::Alu { a, b, .. } => {
                f(*a);
                f(*b);
            }
            Self::Select { compare, then, otherwise } => {
                [compare.a, compare.b, *then, *otherwise].into_iter().for_each(f);
            }
            Self::Store { value, .. } | Self::StoreRelease { value, .. } => f(*value),
            Self::Atomic { value, expected, .. } => {
                f(*value);
                expected.iter().copied().for_each(f);
            }
            Self::Call { args, .. } => args.iter().for_each(f),
            Self::PacketLoad { offset, .. } => f(*offset),
            Self::Asm(block) => block.inputs.iter().for_each(|(_, operand)| f(*operand)),
            Self::Load { .. }
            | Self::LoadSx { .. }
            | Self::LoadAcquire { .. }
            | Self::LocalAddr { .. }
            | Self::MapAddr { .. }
            | Self::MapValueAddr { .. }
            | Self::FunctionAddr { .. }
            | Self::Ksym { .. }
            | Self::BtfId { .. }
            | Self::Core { .. } => {}
        }
    }

    pub(crate) fn addr(&self) -> Option<Addr> {
        match self {
            Self::Load { addr, .. }
            | Self::LoadSx { addr, .. }
            | Self::Store { addr, .. }
            | Self::Atomic { addr, .. }
            | Self::LoadAcquire { addr, .. }
            | Self::StoreRelease { addr, .. } => Some(*addr),
            _ => None,
        }
    }

    pub(crate) fn addr_mut(&mut self) -> Option<&mut Addr> {
        match self {
            Self::Load { addr, .. }
            | Self::LoadSx { addr, .. }
            | Self::Store { addr, .. }
            | Self::Atomic { addr, .. }
            | Self::LoadAcquire { addr, .. }
            | Self::StoreRelease { addr, .. } => Some(addr),
            _ => None,
        }
    }

    /// The operand that cannot be a constant: the base of an address, the context of a packet load.
    pub(crate) fn pointer(&self) -> Option<Val> {
        match self {
            Self::PacketLoad { context, .. } => Some(*context),
            _ => match self.addr()?.base {
                Base::Val(value) => Some(value),
                Base::Local(_) => None,
            },
        }
    }

    /// The same.
    pub(crate) fn pointer_mut(&mut self) -> Option<&mut Val> {
        match self {
            Self::PacketLoad { context, .. } => Some(context),
            _ => match &mut self.addr_mut()?.base {
                Base::Val(value) => Some(value),
                Base::Local(_) => None,
            },
        }
    }

    /// All values it uses, each as often as it does.
    pub(crate) fn each_use(&self, mut f: impl FnMut(Val)) {
        if let Some(value) = self.pointer() {
            f(value);
        }
        self.each_operand(|operand| {
            if let Operand::Val(value) = operand {
                f(value);
            }
        });
    }
}

impl Inst {
    /// The values it makes.
    pub(crate) fn made(&self) -> impl Iterator<Item = Val> + use<> {
        let first = self.result.map_or(0, |value| value.0);
        (first..first + u32::from(self.results)).map(Val)
    }
}

impl End {
    pub(crate) fn targets(&self) -> impl DoubleEndedIterator<Item = &Target> {
        let (one, cases, other) = match self {
            Self::Jump(target) => (Some(target), [].iter(), None),
            Self::Branch { then, otherwise, .. } => (Some(then), [].iter(), Some(otherwise)),
            Self::Switch { cases, default, .. } => (None, cases.iter(), Some(default)),
            Self::Return(_) => (None, [].iter(), None),
        };
        one.into_iter().chain(cases.map(|(_, target)| target)).chain(other)
    }

    pub(crate) fn targets_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        let (one, cases, other) = match self {
            Self::Jump(target) => (Some(target), [].iter_mut(), None),
            Self::Branch { then, otherwise, .. } => (Some(then), [].iter_mut(), Some(otherwise)),
            Self::Switch { cases, default, .. } => (None, cases.iter_mut(), Some(default)),
            Self::Return(_) => (None, [].iter_mut(), None),
        };
        one.into_iter().chain(cases.map(|(_, target)| target)).chain(other)
    }

    /// How many ways lead on.
    pub(crate) fn ways(&self) -> usize {
        match self {
            Self::Jump(_) => 1,
            Self::Branch { .. } => 2,
            Self::Switch { cases, .. } => cases.len() + 1,
            Self::Return(_) => 0,
        }
    }

    /// Where one of them leads.
    pub(crate) fn way(&self, index: usize) -> Option<Block> {
        match (self, index) {
            (Self::Jump(target), 0) => Some(target.block),
            (Self::Branch { then, .. }, 0) => Some(then.block),
            (Self::Branch { otherwise, .. }, 1) => Some(otherwise.block),
            (Self::Switch { cases, default, .. }, _) => {
                Some(cases.get(index).map_or(default.block, |(_, target)| target.block))
            }
            _ => None,
        }
    }

    /// The operands that it compares or returns; not those it hands on.
    pub(crate) fn each_operand_mut(&mut self, mut f: impl FnMut(&mut Operand)) {
        match self {
            Self::Jump(_) => {}
            Self::Branch { compare, .. } => {
                f(&mut compare.a);
                f(&mut compare.b);
            }
            Self::Switch { value, .. } | Self::Return(value) => f(value),
        }
    }

    /// The same.
    pub(crate) fn each_operand(&self, mut f: impl FnMut(Operand)) {
        match self {
            Self::Jump(_) => {}
            Self::Branch { compare, .. } => {
                f(compare.a);
                f(compare.b);
            }
            Self::Switch { value, .. } | Self::Return(value) => f(*value),
        }
    }

    /// All values it uses, those it hands on too.
    pub(crate) fn each_use(&self, mut f: impl FnMut(Val)) {
        let mut of = |operand| {
            if let Operand::Val(value) = operand {
                f(value);
            }
        };
        self.each_operand(&mut of);
        self.targets().flat_map(|target| &target.args).copied().for_each(of);
    }
}

impl BlockData {
    /// Puts others in the place of values. A constant that becomes an address is made a value first, for which `values`
    /// counts on.
    pub(crate) fn replace(&mut self, values: &mut u32, mut with: impl FnMut(Val) -> Operand) {
        let mut index = 0;
        while let Some(inst) = self.insts.get_mut(index) {
            inst.op.each_operand_mut(|operand| replace(operand, &mut with));
            if let Some(pointer) = inst.op.pointer_mut() {
                match with(*pointer) {
                    Operand::Val(value) => *pointer = value,
                    constant => {
                        let value = Val(*values);
                        (*pointer, *values) = (value, *values + 1);
                        let op = Op::Copy { a: constant };
                        let copy = Inst { op, result: Some(value), results: 1, at: inst.at };
                        self.insts.insert(index, copy);
                        index += 1;
                    }
                }
            }
            index += 1;
        }
        if let Some((end, _)) = &mut self.end {
            end.each_operand_mut(|operand| replace(operand, &mut with));
            let args = end.targets_mut().flat_map(|target| &mut target.args);
            args.for_each(|operand| replace(operand, &mut with));
        }
    }
}

fn replace(operand: &mut Operand, with: &mut impl FnMut(Val) -> Operand) {
    if let Operand::Val(value) = operand {
        *operand = with(*value);
    }
}

impl Function {
    /// The numbers of its blocks.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Block> + use<> {
        (0..self.blocks.len() as u32).map(Block)
    }

    pub(crate) fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// The blocks behind a block, each as often as there are ways.
    pub(crate) fn successors(&self, block: Block) -> impl DoubleEndedIterator<Item = Block> + '_ {
        self.block(block).end.iter().flat_map(|(end, _)| end.targets()).map(|target| target.block)
    }

    /// The blocks that the entry reaches, in an order in which a block comes after all that are only reached through it,
    /// and loops aside after all that lead to it.
    pub(crate) fn reverse_postorder(&self) -> Vec<Block> {
        let mut order = Vec::with_capacity(self.blocks.len());
        let mut seen = vec![false; self.blocks.len()];
        let entry = Block(0);
        seen[entry.index()] = true;
        // The way here, with how many of the ways on are still to be looked at, the last first.
        let mut open = vec![(entry, self.ways(entry))];
        while let Some((block, ways)) = open.last_mut() {
            if *ways == 0 {
                order.push(*block);
                open.pop();
                continue;
            }
            *ways -= 1;
            let end = self.blocks[block.index()].end.as_ref();
            let Some(next) = end.and_then(|(end, _)| end.way(*ways)) else { continue };
            if !std::mem::replace(&mut seen[next.index()], true) {
                open.push((next, self.ways(next)));
            }
        }
        order.reverse();
        order
    }

    fn ways(&self, block: Block) -> usize {
        self.blocks[block.index()].end.as_ref().map_or(0, |(end, _)| end.ways())
    }

    /// Drops the blocks that nothing reaches and numbers the others anew, in their order; those that are left in reverse
    /// postorder.
    pub(crate) fn drop_unreachable(&mut self) -> Vec<Block> {
        let mut order = self.reverse_postorder();
        if order.len() == self.blocks.len() {
            return order;
        }
        let mut reached = vec![false; self.blocks.len()];
        order.iter().for_each(|block| reached[block.index()] = true);
        let mut count = 0;
        let number = |reached: &bool| {
            count += u32::from(*reached);
            Block(count.saturating_sub(1))
        };
        let numbers: Vec<_> = reached.iter().map(number).collect();
        let mut reached = reached.into_iter();
        self.blocks.retain(|_| reached.next().unwrap_or_default());
        for target in self.blocks.iter_mut().flat_map(|b| &mut b.end).flat_map(|(end, _)| end.targets_mut()) {
            target.block = numbers[target.block.index()];
        }
        order.iter_mut().for_each(|block| *block = numbers[block.index()]);
        order
    }
}
