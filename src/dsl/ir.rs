//! The form between the DSL and the registers: a control-flow graph of basic blocks in static single assignment form.
//!
//! Every value is a 64-bit register. What a 32-bit operation makes is zero in its upper half, as the machine leaves it;
//! a value of 8 or 16 bits is kept extended, by its own sign, to 32 (and then zero above).

mod build;
pub(crate) mod dominators;
mod dump;
pub(crate) mod hash;
mod phi;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

pub(crate) use build::{Builder, Variable};
pub(crate) use verify::{Flaw, verify};

use std::panic::Location;

use crate::asm::{
    AluOp, AtomicOp, BtfScope, Code, Cond, CoreKind, Helper, Narrow, Reg, Size, SwapBits, SwapOp, Width,
};

/// The line of the user's code that asked for an operation.
pub(crate) type At = &'static Location<'static>;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u32);

        impl $name {
            pub(crate) const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// A value: made once, by a parameter of a block or by an operation.
    Val "v";
    /// A basic block.
    Block "b";
    /// A place on the stack of fixed size.
    Local "s";
    /// A name: of a map, a function, a kernel symbol.
    Symbol "@";
}

/// What an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operand {
    Val(Val),
    /// A constant; where 32 bits are wanted, the lower half counts.
    Imm(i64),
}

impl From<Val> for Operand {
    fn from(value: Val) -> Self {
        Self::Val(value)
    }
}

impl From<i64> for Operand {
    fn from(value: i64) -> Self {
        Self::Imm(value)
    }
}

/// Where memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Addr {
    pub(crate) base: Base,
    /// In bytes.
    pub(crate) off: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    Val(Val),
    Local(Local),
}

/// Which memory is accessed: a write to one kind leaves loads of another as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Memory {
    Context,
    Stack,
    Map,
    Packet,
    /// Never written while the program runs: frozen or read-only maps.
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    ReadOnly,
    /// Any of them, or memory of the kernel.
    Other,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Callee {
    Helper(Helper),
    Function(Symbol),
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    Kfunc(Symbol),
}

/// The arguments of a call: r1 to r5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Args {
    values: [Option<Operand>; 5],
}

impl Args {
    /// The first five of them.
    pub(crate) fn new(args: impl IntoIterator<Item = Operand>) -> Self {
        let mut values = [None; 5];
        for (value, arg) in values.iter_mut().zip(args) {
            *value = Some(arg);
        }
        Self { values }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        self.values.iter().flatten().copied()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Operand> + '_ {
        self.values.iter_mut().flatten()
    }
}

/// Instructions written by hand: they begin at their first slot and fall out behind the last.
#[derive(Clone, Debug)]
pub(crate) struct AsmBlock {
    pub(crate) code: Code,
    pub(crate) inputs: Vec<(Reg, Operand)>,
    /// One result each.
    pub(crate) outputs: Vec<Reg>,
    pub(crate) clobbers: Vec<Reg>,
    /// The kinds of memory it may write.
    pub(crate) writes: Vec<Memory>,
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The operand itself; where it is a constant that is wanted as a value.
    Copy {
        a: Operand,
    },
    /// Any operator but `Mov`; division and remainder by zero give what the machine gives.
    Alu {
        op: AluOp,
        width: Width,
        a: Operand,
        b: Operand,
    },
    Neg {
        width: Width,
        a: Operand,
    },
    /// The lowest `bits` (8, 16, 32) of `a`, the rest zero.
    ZeroExtend {
        bits: u8,
        a: Operand,
    },
    /// The lowest `bits` (8, 16, 32) of `a`, their sign up to `width`.
    SignExtend {
        bits: u8,
        width: Width,
        a: Operand,
    },
    /// `ToBe` and `ToLe` are only made for machines whose order is the other one.
    Swap {
        op: SwapOp,
        bits: SwapBits,
        a: Operand,
    },
    /// `then` where the comparison holds, else `otherwise`: a jump over a move. Made by the passes.
    Select {
        compare: Compare,
        then: Operand,
        otherwise: Operand,
    },
    /// The rest of the register is zero. With [`Op::SignExtend`] behind it, one instruction where there is one.
    Load {
        size: Size,
        addr: Addr,
        memory: Memory,
    },
    /// The sign goes up to 64 bits. Made by the passes, where the instruction set has it.
    LoadSx {
        size: Narrow,
        addr: Addr,
        memory: Memory,
    },
    Store {
        size: Size,
        addr: Addr,
        memory: Memory,
        value: Operand,
    },
    /// The old value is a result if the operation fetches. `Cmpxchg` compares with `expected`.
    Atomic {
        op: AtomicOp,
        size: Size,
        addr: Addr,
        memory: Memory,
        value: Operand,
        expected: Option<Operand>,
    },
    LoadAcquire {
        size: Size,
        addr: Addr,
        memory: Memory,
    },
    StoreRelease {
        size: Size,
        addr: Addr,
        memory: Memory,
        value: Operand,
    },
    LocalAddr {
        local: Local,
        off: i32,
    },
    MapAddr {
        map: Symbol,
    },
    MapValueAddr {
        map: Symbol,
        off: u32,
    },
    FunctionAddr {
        function: Symbol,
    },
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    Ksym {
        name: Symbol,
        typed: bool,
    },
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    BtfId {
        scope: BtfScope,
        name: Symbol,
    },
    /// A number that the kernel's types answer: a move of an immediate with a CO-RE relocation.
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    Core {
        kind: CoreKind,
        type_id: u32,
        type_name: Symbol,
        access: Symbol,
    },
    /// One result: r0. It may write the stack places whose address was taken, maps, packets, other memory; and a context
    /// only if the kernel says so (packet helpers change `data` and `data_end`).
    Call {
        callee: Callee,
        args: Args,
        pure: bool,
    },
    /// Legacy packet access, network byte order (`BPF_LD_ABS`, `BPF_LD_IND`): leaves the program with 0 beyond the packet.
    #[allow(dead_code, reason = "lowered and tested; no method of the DSL makes it yet")]
    PacketLoad {
        size: Size,
        context: Val,
        offset: Operand,
    },
    Asm(Box<AsmBlock>),
}

impl Op {
    /// How many values it makes.
    pub(crate) fn results(&self) -> u8 {
        match self {
            Self::Store { .. } | Self::StoreRelease { .. } => 0,
            Self::Atomic { op, .. } => op.fetches().into(),
            Self::Asm(block) => block.outputs.len() as u8,
            _ => 1,
        }
    }
}

/// An operation in its block.
#[derive(Clone, Debug)]
pub(crate) struct Inst {
    pub(crate) op: Op,
    /// The first result; others follow it in number.
    pub(crate) result: Option<Val>,
    pub(crate) results: u8,
    pub(crate) at: At,
}

/// Where a jump goes and what the block's parameters become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) block: Block,
    pub(crate) args: Vec<Operand>,
}

/// A comparison of two operands in 64 or 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Compare {
    pub(crate) cond: Cond,
    pub(crate) width: Width,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Jump(Target),
    Branch {
        compare: Compare,
        then: Target,
        otherwise: Target,
    },
    /// The cases differ from each other.
    Switch {
        width: Width,
        value: Operand,
        cases: Vec<(i64, Target)>,
        default: Target,
    },
    Return(Operand),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct BlockData {
    pub(crate) params: Vec<Val>,
    pub(crate) insts: Vec<Inst>,
    /// None only while the function is being built.
    pub(crate) end: Option<(End, At)>,
}

/// A place on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalData {
    pub(crate) size: u32,
    /// A power of two, at most 8 counts.
    pub(crate) align: u32,
    pub(crate) at: At,
}

/// A function. Block 0 is its entry; its parameters are what arrives in r1 to r5.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) blocks: Vec<BlockData>,
    pub(crate) locals: Vec<LocalData>,
    pub(crate) symbols: Vec<Box<str>>,
    /// How many values have been numbered.
    pub(crate) values: u32,
}
