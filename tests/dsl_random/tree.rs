//! Programs as trees: what the generator makes, the evaluator works out and the recorder tells the DSL.

use bpfsmith::dsl::dynamic::{Binary, Comparison, ScalarType};

/// Numbers of 8 bytes in the context: what comes in, then what goes out.
pub const CONTEXT: usize = 48;
/// This number that comes in is 0, which the DSL cannot know.
pub const ZERO: usize = 0;
/// The numbers that come in are those below it.
pub const INPUTS: usize = 20;
/// Elements of an array on the stack.
pub const ELEMENTS: usize = 8;

pub const INTEGERS: [ScalarType; 8] = [
    ScalarType::U8,
    ScalarType::U16,
    ScalarType::U32,
    ScalarType::U64,
    ScalarType::I8,
    ScalarType::I16,
    ScalarType::I32,
    ScalarType::I64,
];

/// A program: what it starts with is in the context.
#[derive(Clone, Debug)]
pub struct Program {
    pub functions: Vec<Function>,
    pub main: Body,
}

/// A function with up to four parameters, behind one that is always 0.
#[derive(Clone, Debug)]
pub struct Function {
    pub params: Vec<ScalarType>,
    pub returns: ScalarType,
    pub body: Body,
    pub result: Expr,
}

/// Variables, and what is done with them.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub variables: Vec<Variable>,
    /// Arrays on the stack, all zeros at first.
    pub arrays: Vec<ScalarType>,
    /// Single numbers on the stack.
    pub locals: Vec<Variable>,
    pub block: Block,
}

#[derive(Clone, Debug)]
pub struct Variable {
    pub ty: ScalarType,
    pub start: Start,
    /// Whether it counts the rounds of a loop, and nothing else sets it.
    pub counts: bool,
}

/// What a variable begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// A number of the context, or a parameter, as the variable's type has it.
    Input(usize),
    Number(i128),
}

pub type Block = Vec<Statement>;

#[derive(Clone, Debug)]
pub enum Statement {
    Set(usize, Expr),
    /// A name for a value that stays what it is, until the block ends.
    Let(usize, Expr),
    SetElement(usize, Expr, Expr),
    SetLocal(usize, Expr),
    /// Writes to the context.
    Output(usize, Expr),
    If(Condition, Block, Option<Block>),
    /// The arms do something and end in a value.
    SetIf(usize, Condition, (Block, Expr), (Block, Expr)),
    Switch(Expr, Vec<(i128, Block)>, Block),
    SetSwitch(usize, Expr, Vec<(i128, Block, Expr)>, (Block, Expr)),
    /// From the first to below the second; the number of the round has a name.
    For(usize, Expr, Expr, Block),
    /// As long as the condition holds, at most so many times, which a variable counts.
    While(usize, i128, Condition, Block),
    /// Until the variable has counted so many rounds.
    Loop(usize, i128, Block),
    Break,
    Continue,
    Return(Expr),
}

#[derive(Clone, Debug)]
pub enum Expr {
    Number(ScalarType, i128),
    Variable(ScalarType, usize),
    Named(ScalarType, usize),
    Input(ScalarType, usize),
    Local(ScalarType, usize),
    Element(ScalarType, usize, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Complement(Box<Expr>),
    Convert(ScalarType, Box<Expr>),
    Truth(Box<Condition>),
    Choose(Box<Condition>, Box<Expr>, Box<Expr>),
    Call(ScalarType, usize, Vec<Expr>),
    /// No more than this: what bounds an index or the end of a loop.
    AtMost(i128, Box<Expr>),
}

#[derive(Clone, Debug)]
pub enum Condition {
    Compare(Comparison, Expr, Expr),
    AnyBits(Expr, Expr),
    IsTrue(Expr),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Expr {
    pub fn ty(&self) -> ScalarType {
        match self {
            Self::Number(ty, _)
            | Self::Variable(ty, _)
            | Self::Named(ty, _)
            | Self::Input(ty, _)
            | Self::Local(ty, _)
            | Self::Element(ty, ..)
            | Self::Convert(ty, _)
            | Self::Call(ty, ..) => *ty,
            Self::Binary(_, a, _) | Self::Negate(a) | Self::Complement(a) | Self::AtMost(_, a) => a.ty(),
            Self::Truth(_) => ScalarType::BOOL,
            Self::Choose(_, a, _) => a.ty(),
        }
    }
}
