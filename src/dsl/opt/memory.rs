//! When memory changes: two loads of one place give the same if nothing may have been written in between.

use super::super::ir::dominators::Predecessors;
use super::super::ir::{Base, Block, Callee, Function, Memory, Op};
use crate::asm::Helper;
use crate::asm::helper::{Access, ArgKind};

/// Memory between two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Epoch(u32);

/// The kinds that change, in the order of a block's epochs.
const KINDS: [Memory; 5] = [Memory::Context, Memory::Stack, Memory::Map, Memory::Packet, Memory::Other];

type All = [Epoch; KINDS.len()];

/// The epochs along a walk in reverse postorder.
pub(super) struct Epochs {
    now: All,
    last: u32,
    at_end: Vec<Option<All>>,
    predecessors: Predecessors,
    /// Whether the address of any place on the stack is known to more than loads and stores.
    stack_escapes: bool,
}

impl Epochs {
    pub(super) fn new(function: &Function, order: &[Block]) -> Self {
        let insts = function.blocks.iter().flat_map(|block| &block.insts);
        let stack_escapes =
            insts.into_iter().any(|inst| matches!(inst.op, Op::LocalAddr { .. } | Op::Asm(_)));
        Self {
            now: [Epoch(0); KINDS.len()],
            last: 0,
            at_end: vec![None; function.blocks.len()],
            predecessors: Predecessors::new(function, order),
            stack_escapes,
        }
    }

    /// A block that is entered from several sides goes on where all of them agree; a loop's head knows only one of them.
    pub(super) fn enter(&mut self, block: Block) {
        let mut ends = self.predecessors.of(block).iter().map(|from| self.at_end[from.index()]);
        let Some(Some(mut now)) = ends.next() else {
            return if block == Block(0) { self.now = [Epoch(0); KINDS.len()] } else { self.all_change() };
        };
        let mut differ = [false; KINDS.len()];
        for other in ends {
            for (index, differs) in differ.iter_mut().enumerate() {
                *differs |= other.is_none_or(|other| other[index] != now[index]);
            }
        }
        for (epoch, _) in now.iter_mut().zip(differ).filter(|(_, differs)| *differs) {
            self.last += 1;
            *epoch = Epoch(self.last);
        }
        self.now = now;
    }

    pub(super) fn leave(&mut self, block: Block) {
        self.at_end[block.index()] = Some(self.now);
    }

    /// The epoch that a load of this memory belongs to.
    pub(super) fn of(&self, memory: Memory, base: Base) -> Epoch {
        match (memory, base) {
            (Memory::ReadOnly, _) => Epoch(0),
            (Memory::Other, Base::Val(_)) => self.now[4],
            (_, Base::Local(_)) => self.now[1],
            _ => KINDS.iter().position(|kind| *kind == memory).map_or(Epoch(0), |index| self.now[index]),
        }
    }

    /// What an operation changes.
    pub(super) fn change(&mut self, op: &Op) {
        match op {
            Op::Store { memory, .. } | Op::StoreRelease { memory, .. } => self.written(*memory),
            // Other processors are seen.
            Op::Atomic { memory, .. } | Op::LoadAcquire { memory, .. } => {
                self.written(*memory);
                self.written(Memory::Map);
            }
            Op::Call { pure: true, .. } => {}
            Op::Call { callee: Callee::Helper(helper), .. } => self.called(*helper),
            Op::Call { .. } => self.all_change(),
            Op::Asm(block) => block.writes.iter().for_each(|memory| self.written(*memory)),
            _ => {}
        }
    }

    fn called(&mut self, helper: Helper) {
        if writes_nothing(helper) {
            return;
        }
        for memory in [Memory::Map, Memory::Packet, Memory::Other] {
            self.written(memory);
        }
        if self.stack_escapes {
            self.written(Memory::Stack);
        }
        if changes_context(helper) {
            self.written(Memory::Context);
        }
    }

    fn all_change(&mut self) {
        for memory in KINDS {
            self.written(memory);
        }
    }

    fn written(&mut self, memory: Memory) {
        self.last += 1;
        for (epoch, kind) in self.now.iter_mut().zip(KINDS) {
            if kind == memory || kind == Memory::Other || memory == Memory::Other {
                *epoch = Epoch(self.last);
            }
        }
    }
}

/// Packet helpers move `data` and `data_end`.
fn changes_context(helper: Helper) -> bool {
    helper.proto().is_none_or(|proto| proto.args.iter().any(takes_context))
}

/// Whether anything in a function changes its context.
pub(super) fn context_changes(function: &Function) -> bool {
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.any(|inst| match &inst.op {
        Op::Store { memory, .. } | Op::StoreRelease { memory, .. } | Op::Atomic { memory, .. } => {
            matches!(memory, Memory::Context | Memory::Other)
        }
        Op::Call { callee: Callee::Helper(helper), .. } => changes_context(*helper),
        Op::Call { pure, .. } => !pure,
        Op::Asm(block) => block.writes.iter().any(|memory| matches!(memory, Memory::Context | Memory::Other)),
        _ => false,
    })
}

const fn takes_context(arg: &ArgKind) -> bool {
    matches!(arg, ArgKind::Context | ArgKind::ContextOrNull)
}

/// Whether a helper leaves all memory that a program sees as it is.
pub(super) fn writes_nothing(helper: Helper) -> bool {
    let reads = |arg: &ArgKind| {
        matches!(arg, ArgKind::Scalar | ArgKind::Size | ArgKind::SizeOrZero | ArgKind::Mem(Access::Read))
    };
    helper == Helper::MAP_LOOKUP_ELEM || helper.proto().is_some_and(|proto| proto.args.iter().all(reads))
}
