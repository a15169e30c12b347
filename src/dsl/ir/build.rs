//! Builds a function block by block, variables included: "Simple and Efficient Construction of Static Single Assignment
//! Form" (Braun et al., 2013).

use std::collections::HashMap;

use super::{At, Block, BlockData, Compare, End, Function, Inst, Local, LocalData, Op, Operand, Symbol, Target, Val};

/// A variable of the function that is being built: set as often as one likes, a value of its own wherever it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variable(u32);

/// Builds a [`Function`].
///
/// A block is *sealed* when no further jump to it will be added: a loop's head after its back edge, others before they
/// are filled.
#[derive(Debug)]
pub(crate) struct Builder {
    function: Function,
    current: Option<Block>,
    /// Per block: whether it is sealed, who jumps there, what is open in it.
    flow: Vec<Flow>,
    variables: u32,
    /// What a variable holds at the end of a block so far.
    held: HashMap<(Block, Variable), Operand>,
    symbols: HashMap<Box<str>, Symbol>,
}

#[derive(Debug, Default)]
struct Flow {
    sealed: bool,
    predecessors: Vec<Block>,
    /// Parameters that wait for the block to be sealed.
    open: Vec<(Variable, Val)>,
}

impl Builder {
    /// A function with `params` parameters (at most 5), in its entry block, which is sealed.
    pub(crate) fn new(name: &str, params: u8) -> Self;
    /// The parameter `index`, in r1 and on.
    pub(crate) fn param(&self, index: u8) -> Val;

    /// A new block, nothing in it, not sealed.
    pub(crate) fn block(&mut self) -> Block;
    /// Goes on in `block`. The block that was current must have ended.
    pub(crate) fn switch_to(&mut self, block: Block);
    /// No further jump to `block` will be added.
    pub(crate) fn seal(&mut self, block: Block);
    /// The block that is being filled; none behind a jump or a return. What is pushed then goes into a block of its own
    /// that nothing reaches (and the passes drop).
    pub(crate) fn current(&self) -> Option<Block>;

    /// Adds an operation; its first result, if it has one.
    pub(crate) fn push(&mut self, op: Op, at: At) -> Option<Val>;
    pub(crate) fn jump(&mut self, block: Block, at: At);
    pub(crate) fn branch(&mut self, compare: Compare, then: Block, otherwise: Block, at: At);
    pub(crate) fn switch(&mut self, width: Width, value: Operand, cases: &[(i64, Block)], default: Block, at: At);
    pub(crate) fn ret(&mut self, value: Operand, at: At);

    pub(crate) fn variable(&mut self) -> Variable;
    pub(crate) fn set(&mut self, variable: Variable, value: Operand);
    /// What the variable holds here: a constant stays one. Zero on a path that never set it.
    pub(crate) fn get(&mut self, variable: Variable) -> Operand;

    pub(crate) fn local(&mut self, size: u32, align: u32, at: At) -> Local;
    pub(crate) fn symbol(&mut self, name: &str) -> Symbol;

    /// The function, every block ended; blocks nothing reaches are gone.
    pub(crate) fn finish(self) -> Function;
}

// And in dsl/lower.rs, the one way from here to code, not generic:
// pub(crate) fn compile(function: Function, isa: Isa, stages: Option<&mut Stages>) -> Result<Code, LowerError>;
// Stages keeps the text of each stage (recorded, optimised, allocated) for dumps.
