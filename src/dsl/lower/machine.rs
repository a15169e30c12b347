//! Instructions whose operands have no registers yet: what the allocator works on.

use regalloc2::{self as ra, Operand, PReg, PRegSet, RegClass, VReg};

use super::super::ir::{At, Block, Symbol};
use crate::asm::{
    AluOp, AtomicOp, BtfScope, Cond, CoreKind, Extend, Helper, Narrow, Reg, Size, SwapBits, SwapOp, Width,
};

/// What an instruction does; beside each, its operands in their order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// The parameters of the function: each made, in its register.
    Params,
    /// Made: a number.
    Const(i64),
    /// Made: an address on the stack.
    Stack(i32),
    /// Made: what only a name says.
    Named(Named),
    /// Used and made again; the other used, but for an immediate.
    Alu { op: AluOp, width: Width, imm: Option<i32> },
    /// Used and made again.
    Neg(Width),
    /// Used and made again.
    Swap(SwapOp, SwapBits),
    /// Used; made.
    Move,
    /// Used; made: the lower half.
    Move32,
    /// Used; made.
    MoveSx(Extend),
    /// The first used, the second used, but for an immediate; one value used and made again, and where the comparison
    /// does not hold the other one, which is used, but for an immediate.
    Select { cond: Cond, width: Width, imm: Option<i32>, other: Option<i32> },
    /// The base used, but for the stack; made.
    Load(Size, Mem),
    /// The same, the sign extended to 64 bits.
    LoadSx(Narrow, Mem),
    /// The base used, but for the stack; the value used, but for an immediate.
    Store(Size, Mem, Option<i32>),
    /// The base used, but for the stack; the value used; of one that fetches the old value made.
    Atomic(AtomicOp, Width, Mem),
    /// The base used, but for the stack; made.
    LoadAcquire(Size, Mem),
    /// The base used, but for the stack; the value used.
    StoreRelease(Size, Mem),
    /// Arguments used; the result made.
    Call(Called),
    /// The context used, the offset used, but for an immediate; the result made.
    PacketLoad(Narrow, Option<i32>),
    /// Inputs used; outputs made. The index of [`Machine::asm`].
    Asm(u32),
    /// Nothing: on to the only block behind.
    Jump,
    /// The first used, the second used, but for an immediate: on to the first block behind, else to the second.
    Branch { cond: Cond, width: Width, imm: Option<i32> },
    /// The result used.
    Return,
}

/// What a 64-bit load or a move with a relocation makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Named {
    Map(Symbol),
    MapValue(Symbol, u32),
    Function(Symbol),
    Ksym { name: Symbol, typed: bool },
    BtfId(BtfScope, Symbol),
    Core { kind: CoreKind, type_id: u32, type_name: Symbol, access: Symbol },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Called {
    Helper(Helper),
    Function(Symbol),
    Kfunc(Symbol),
}

/// An address: an offset to a base in a register or to the frame pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mem {
    pub(super) on_stack: bool,
    pub(super) off: i16,
}

/// The instructions of a function, block after block.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) insts: Vec<Inst>,
    pub(super) operands: Vec<Operand>,
    pub(super) blocks: Vec<BlockInfo>,
    /// Parameters of blocks, and what jumps hand to them.
    pub(super) vregs: Vec<VReg>,
    pub(super) predecessors: Vec<ra::Block>,
    pub(super) registers: u32,
    pub(super) asm: Vec<Asm>,
}

/// An assembler block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asm {
    /// The operation in the function.
    pub(super) place: (Block, u32),
    pub(super) clobbers: PRegSet,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Inst {
    pub(super) kind: Kind,
    pub(super) at: At,
    /// One behind its last operand.
    pub(super) operands_end: u32,
}

/// A block; ranges are of the vectors of [`Machine`].
#[derive(Clone, Debug)]
pub(super) struct BlockInfo {
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) successors: [ra::Block; 2],
    pub(super) ways: u8,
    /// Of a block that jumps to one that branches: which way that will go, if this is known by what is handed on.
    pub(super) known_way: Option<u8>,
    pub(super) params: (u32, u32),
    pub(super) args: (u32, u32),
    pub(super) predecessors: (u32, u32),
}

impl BlockInfo {
    pub(super) fn successors(&self) -> &[ra::Block] {
        &self.successors[..self.ways.into()]
    }
}

pub(super) fn preg(reg: Reg) -> PReg {
    PReg::new(reg.number().into(), RegClass::Int)
}

pub(super) fn vreg(number: u32) -> VReg {
    VReg::new(number as usize, RegClass::Int)
}

pub(super) fn set(regs: impl IntoIterator<Item = Reg>) -> PRegSet {
    regs.into_iter().fold(PRegSet::empty(), |set, reg| set.with(preg(reg)))
}

/// What a call leaves in no register it can be found in.
pub(super) const CALL_CLOBBERS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Machine {
    fn operands_of(&self, inst: ra::Inst) -> &[Operand] {
        let start = inst.index().checked_sub(1).map_or(0, |before| self.insts[before].operands_end);
        &self.operands[start as usize..self.insts[inst.index()].operands_end as usize]
    }

    fn vregs_of(&self, (start, end): (u32, u32)) -> &[VReg] {
        &self.vregs[start as usize..end as usize]
    }
}

impl ra::Function for Machine {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> ra::Block {
        ra::Block::new(0)
    }

    fn block_insns(&self, block: ra::Block) -> ra::InstRange {
        let info = &self.blocks[block.index()];
        ra::InstRange::new(ra::Inst::new(info.first as usize), ra::Inst::new(info.end as usize))
    }

    fn block_succs(&self, block: ra::Block) -> &[ra::Block] {
        self.blocks[block.index()].successors()
    }

    fn block_preds(&self, block: ra::Block) -> &[ra::Block] {
        let (start, end) = self.blocks[block.index()].predecessors;
        &self.predecessors[start as usize..end as usize]
    }

    fn block_params(&self, block: ra::Block) -> &[VReg] {
        self.vregs_of(self.blocks[block.index()].params)
    }

    fn is_ret(&self, inst: ra::Inst) -> bool {
        self.insts[inst.index()].kind == Kind::Return
    }

    fn is_branch(&self, inst: ra::Inst) -> bool {
        matches!(self.insts[inst.index()].kind, Kind::Jump | Kind::Branch { .. })
    }

    fn branch_blockparams(&self, block: ra::Block, _inst: ra::Inst, _way: usize) -> &[VReg] {
        // Only a block with one way out hands anything on.
        self.vregs_of(self.blocks[block.index()].args)
    }

    fn inst_operands(&self, inst: ra::Inst) -> &[Operand] {
        self.operands_of(inst)
    }

    fn inst_clobbers(&self, inst: ra::Inst) -> PRegSet {
        match self.insts[inst.index()].kind {
            Kind::Call(_) | Kind::PacketLoad(..) => set(CALL_CLOBBERS),
            Kind::Asm(index) => self.asm[index as usize].clobbers,
            _ => PRegSet::empty(),
        }
    }

    fn num_vregs(&self) -> usize {
        self.registers as usize
    }

    fn spillslot_size(&self, _class: RegClass) -> usize {
        1
    }
}
