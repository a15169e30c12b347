//! Builds a function block by block, variables included: "Simple and Efficient Construction of Static Single Assignment
//! Form" (Braun et al., 2013), with lists of work in the place of its recursion.

use super::hash::Map;
use super::phi::{PhiId, Phis};
use super::{
    At, Block, BlockData, Compare, End, Function, Inst, Local, LocalData, Op, Operand, Symbol, Target, Val,
};
use crate::asm::Width;

/// A variable of the function that is being built: set as often as one likes, a value of its own wherever it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variable(u32);

/// Builds a [`Function`].
///
/// A block is *sealed* when no further jump to it will be added: a loop's head after its back edge, others before they
/// are filled. Behind a jump or a return nothing is recorded until [`switch_to`](Self::switch_to).
#[derive(Debug)]
pub(crate) struct Builder {
    function: Function,
    current: Option<Block>,
    /// Per block: whether it is sealed, who jumps there, what is open in it.
    flow: Vec<Flow>,
    /// What a variable was last set to, and in which block: nearly always the answer.
    latest: Vec<Option<(Block, Operand)>>,
    /// What a variable holds at the end of a block so far, where `latest` does not say it.
    held: Map<(Block, Variable), Operand>,
    phis: Phis,
    /// Parameters of sealed blocks whose arguments have not been looked up.
    pending: Vec<PhiId>,
    /// The blocks in the order in which they ended.
    ended: Vec<Block>,
    symbols: Map<Box<str>, Symbol>,
    last_at: Option<At>,
}

#[derive(Debug, Default)]
struct Flow {
    sealed: bool,
    /// The blocks that jump here; once for each way.
    predecessors: Vec<Block>,
    /// Parameters that wait for the block to be sealed.
    open: Vec<PhiId>,
}

impl Builder {
    /// A function with `params` parameters (at most 5), in its entry block, which is sealed.
    pub(crate) fn new(name: &str, params: u8) -> Self {
        let params = params.min(5).into();
        let entry = BlockData { params: (0..params).map(Val).collect(), ..BlockData::default() };
        Self {
            function: Function {
                name: name.into(),
                blocks: vec![entry],
                locals: Vec::new(),
                symbols: Vec::new(),
                values: params,
            },
            current: Some(Block(0)),
            flow: vec![Flow { sealed: true, ..Flow::default() }],
            latest: Vec::new(),
            held: Map::default(),
            phis: Phis::default(),
            pending: Vec::new(),
            ended: Vec::new(),
            symbols: Map::default(),
            last_at: None,
        }
    }

    /// The parameter `index`, in r1 and on.
    pub(crate) fn param(&self, index: u8) -> Val {
        debug_assert!(self.function.blocks.first().is_some_and(|entry| entry.params.len() > index.into()));
        Val(index.into())
    }

    /// A new block, nothing in it, not sealed.
    pub(crate) fn block(&mut self) -> Block {
        let block = Block(self.function.blocks.len() as u32);
        self.function.blocks.push(BlockData::default());
        self.flow.push(Flow::default());
        block
    }

    /// Goes on in `block`. The block that was current must have ended. If nothing jumps to `block` by now, nothing ever
    /// reaches it (a loop is entered before it is repeated): what follows is dropped.
    pub(crate) fn switch_to(&mut self, block: Block) {
        debug_assert!(self.current.is_none(), "the block before has not ended");
        debug_assert!(self.function.blocks[block.index()].end.is_none(), "{block} has ended");
        let reached = !self.flow[block.index()].predecessors.is_empty();
        self.current = reached.then_some(block);
    }

    /// No further jump to `block` will be added.
    pub(crate) fn seal(&mut self, block: Block) {
        let flow = &mut self.flow[block.index()];
        debug_assert!(!flow.sealed, "{block} is sealed twice");
        flow.sealed = true;
        for phi in std::mem::take(&mut flow.open) {
            self.phis.reserve(phi, self.flow[block.index()].predecessors.len());
            self.pending.push(phi);
        }
        self.settle();
    }

    /// The block that is being filled; none behind a jump or a return, where what is pushed is dropped.
    pub(crate) fn current(&self) -> Option<Block> {
        self.current
    }

    /// Adds an operation; its first result, if it has one.
    pub(crate) fn push(&mut self, op: Op, at: At) -> Option<Val> {
        let results = op.results();
        let result = (results > 0).then_some(Val(self.function.values));
        self.function.values += u32::from(results);
        self.last_at = Some(at);
        if let Some(block) = self.current {
            self.function.blocks[block.index()].insts.push(Inst { op, result, results, at });
        }
        result
    }

    pub(crate) fn jump(&mut self, block: Block, at: At) {
        self.end(End::Jump(to(block)), at);
    }

    pub(crate) fn branch(&mut self, compare: Compare, then: Block, otherwise: Block, at: At) {
        self.end(End::Branch { compare, then: to(then), otherwise: to(otherwise) }, at);
    }

    /// The cases differ from each other.
    pub(crate) fn switch(
        &mut self,
        width: Width,
        value: Operand,
        cases: &[(i64, Block)],
        default: Block,
        at: At,
    ) {
        let cases = cases.iter().map(|(case, block)| (*case, to(*block))).collect();
        self.end(End::Switch { width, value, cases, default: to(default) }, at);
    }

    pub(crate) fn ret(&mut self, value: Operand, at: At) {
        self.end(End::Return(value), at);
    }

    pub(crate) fn variable(&mut self) -> Variable {
        self.latest.push(None);
        Variable(self.latest.len() as u32 - 1)
    }

    pub(crate) fn set(&mut self, variable: Variable, value: Operand) {
        let Some(block) = self.current else { return };
        let before = self.latest[variable.0 as usize].replace((block, value));
        if let Some((other, value)) = before.filter(|(other, _)| *other != block) {
            self.held.insert((other, variable), value);
        }
    }

    /// What the variable holds here: a constant stays one. Zero on a path that never set it.
    pub(crate) fn get(&mut self, variable: Variable) -> Operand {
        let Some(block) = self.current else { return Operand::Imm(0) };
        let value = self.read(variable, block);
        self.settle();
        self.phis.resolve(value)
    }

    pub(crate) fn local(&mut self, size: u32, align: u32, at: At) -> Local {
        debug_assert!(align.is_power_of_two());
        self.function.locals.push(LocalData { size, align, at });
        Local(self.function.locals.len() as u32 - 1)
    }

    pub(crate) fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbols.get(name) {
            return *symbol;
        }
        let symbol = Symbol(self.function.symbols.len() as u32);
        self.function.symbols.push(name.into());
        self.symbols.insert(name.into(), symbol);
        symbol
    }

    /// The function, every block ended; blocks nothing reaches are gone.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Function {
        let at = self.last_at.unwrap_or_else(std::panic::Location::caller);
        debug_assert!(self.current.is_none(), "the last block has not ended");
        self.end(End::Return(Operand::Imm(0)), at);
        self.fill_arguments();
        self.resolve_all();
        self.function.drop_unreachable();
        self.function
    }
}

fn to(block: Block) -> Target {
    Target { block, args: Vec::new() }
}

/// How it is done.
impl Builder {
    fn end(&mut self, end: End, at: At) {
        self.last_at = Some(at);
        let Some(block) = self.current.take() else { return };
        for target in end.targets() {
            let flow = &mut self.flow[target.block.index()];
            debug_assert!(!flow.sealed, "a jump to {}, which is sealed", target.block);
            flow.predecessors.push(block);
        }
        self.ended.push(block);
        self.function.blocks[block.index()].end = Some((end, at));
    }

    fn held_at_end(&self, block: Block, variable: Variable) -> Option<Operand> {
        match self.latest[variable.0 as usize] {
            Some((latest, value)) if latest == block => Some(value),
            _ => self.held.get(&(block, variable)).copied(),
        }
    }

    /// What a variable holds at the end of a block so far. Arguments of parameters made on the way remain pending.
    fn read(&mut self, variable: Variable, block: Block) -> Operand {
        let (mut at, mut passed) = (block, 0);
        let value = loop {
            if let Some(value) = self.held_at_end(at, variable) {
                break value;
            }
            match self.flow[at.index()].single_predecessor() {
                // More steps than blocks: a ring that nothing enters.
                Some(before) if passed < self.flow.len() => at = before,
                Some(_) => break Operand::Imm(0),
                None => break self.merge(variable, at),
            }
            passed += 1;
        };
        self.remember(variable, block, passed, value);
        value
    }

    /// Holds a value in each of the blocks that were passed on the way to it.
    fn remember(&mut self, variable: Variable, block: Block, passed: usize, value: Operand) {
        let mut at = block;
        for _ in 0..passed {
            self.held.insert((at, variable), value);
            let Some(before) = self.flow[at.index()].single_predecessor() else { return };
            at = before;
        }
    }

    /// The value of a variable in a block that has not one predecessor.
    fn merge(&mut self, variable: Variable, block: Block) -> Operand {
        let flow = &mut self.flow[block.index()];
        if flow.sealed && flow.predecessors.is_empty() {
            return Operand::Imm(0);
        }
        let value = Val(self.function.values);
        self.function.values += 1;
        let phi = self.phis.add(block, variable, value);
        if flow.sealed {
            self.phis.reserve(phi, flow.predecessors.len());
            self.pending.push(phi);
        } else {
            flow.open.push(phi);
        }
        self.held.insert((block, variable), value.into());
        value.into()
    }

    /// Looks up the arguments of new parameters, and drops the parameters that stand for one value only.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut filled = Vec::new();
        while let Some(phi) = self.pending.pop() {
            let (block, variable) = self.phis.place(phi);
            for way in 0..self.flow[block.index()].predecessors.len() {
                let value = self.read(variable, self.flow[block.index()].predecessors[way]);
                self.phis.set_argument(phi, way, value);
            }
            filled.push(phi);
        }
        self.phis.simplify(filled);
    }

    /// Gives blocks the parameters that are left, and the jumps to them the arguments.
    fn fill_arguments(&mut self) {
        let mut params = vec![Vec::new(); self.function.blocks.len()];
        for (phi, block, value) in self.phis.kept() {
            self.function.blocks[block.index()].params.push(value);
            params[block.index()].push(phi);
        }
        // The ways into a block are numbered in the order the jumps were made.
        let mut ways = vec![0; self.function.blocks.len()];
        for from in &self.ended {
            let Some((end, _)) = &mut self.function.blocks[from.index()].end else { continue };
            for target in end.targets_mut() {
                let (params, way) = (&params[target.block.index()], &mut ways[target.block.index()]);
                target.args = params.iter().map(|phi| self.phis.argument(*phi, *way)).collect();
                *way += 1;
            }
        }
    }

    /// Puts what parameters that were dropped stand for in their place.
    fn resolve_all(&mut self) {
        if self.phis.is_empty() {
            return;
        }
        let phis = &mut self.phis;
        for block in &mut self.function.blocks {
            block.replace(&mut self.function.values, |value| phis.resolve(value.into()));
        }
    }
}

impl Flow {
    fn single_predecessor(&self) -> Option<Block> {
        match *self.predecessors {
            [one] if self.sealed => Some(one),
            _ => None,
        }
    }
}
