//! What can go wrong, and where.

use alloc::boxed::Box;

use crate::{Insn, Isa, Loc, RelocKind, Size, Width};

/// Why a function cannot be assembled: the mistake, and the line of Rust that made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AsmError {
    /// A number does not fit the immediate of an instruction, or would change when its sign is extended.
    #[error("{loc}: {value} does not fit the immediate of {}", immediate_of(*width))]
    Immediate {
        /// The instruction.
        loc: Loc,
        /// The number.
        value: i64,
        /// The width of the operation.
        width: Width,
    },
    /// A number does not fit the memory it is to be stored in.
    #[error("{loc}: {value} cannot be stored as a number in {}", stored_in(*size))]
    Stored {
        /// The instruction.
        loc: Loc,
        /// The number.
        value: i64,
        /// The size of the memory.
        size: Size,
    },
    /// An offset in memory does not fit 16 bits.
    #[error("{loc}: the offset {value} is not between -32768 and 32767")]
    Offset {
        /// The instruction.
        loc: Loc,
        /// The offset in bytes.
        value: i32,
    },
    /// A division or remainder by the number 0, which the kernel refuses.
    #[error("{loc}: division by zero")]
    DivisionByZero {
        /// The instruction.
        loc: Loc,
    },
    /// A shift by a number that is negative or not below the width, which the kernel refuses.
    #[error("{loc}: a shift of {} bits by {by}", width.bits())]
    Shift {
        /// The instruction.
        loc: Loc,
        /// By how much.
        by: i32,
        /// The width of the operation.
        width: Width,
    },
    /// An instruction writes the frame pointer, which the kernel refuses.
    #[error("{loc}: the frame pointer r10 can only be read")]
    FramePointer {
        /// The instruction.
        loc: Loc,
    },
    /// There is no sign extension or byte swap of so many bits.
    #[error("{loc}: the instruction does not exist for {bits} bits")]
    Bits {
        /// The instruction.
        loc: Loc,
        /// How many bits were asked for.
        bits: u32,
    },
    /// The instruction does not exist for memory of this size.
    #[error("{loc}: the instruction does not exist for {} of memory", bytes(*size))]
    Size {
        /// The instruction.
        loc: Loc,
        /// The size asked for.
        size: Size,
    },
    /// There is no argument on the stack with this number.
    #[error("{loc}: arguments on the stack are numbered from 1 to 4095, not {number}")]
    StackArg {
        /// The instruction.
        loc: Loc,
        /// The number asked for.
        number: u16,
    },
    /// A name that nothing can have: it is empty, or holds a NUL.
    #[error("{loc}: nothing can have the name {name:?}")]
    Symbol {
        /// The instruction.
        loc: Loc,
        /// The name.
        name: Box<str>,
    },
    /// An instruction has no field for what is to be filled in.
    #[error("{loc}: `{insn}` has no place for {}", filled_in(*kind))]
    Reloc {
        /// The instruction.
        loc: Loc,
        /// The instruction.
        insn: Insn,
        /// What was to be filled in.
        kind: RelocKind,
    },
    /// What is to go to a label is no jump.
    #[error("{loc}: `{insn}` does not jump, so it cannot go to a label")]
    NoJump {
        /// The instruction.
        loc: Loc,
        /// The instruction.
        insn: Insn,
    },
    /// The instruction set lacks an instruction, and no others do exactly the same.
    #[error("{loc}: `{insn}` needs {}, which the instruction set lacks", needs(*missing))]
    Isa {
        /// The instruction.
        loc: Loc,
        /// The instruction.
        insn: Insn,
        /// What it needs and the set lacks.
        missing: Isa,
    },
    /// A label is jumped to but has no place.
    #[error("{jump}: jumps to a label that is never bound (made at {made})")]
    Unbound {
        /// The jump.
        jump: Loc,
        /// Where the label was made.
        made: Loc,
    },
    /// A label is given a second place.
    #[error("{second}: the label is already bound (at {first})")]
    BoundTwice {
        /// The second binding.
        second: Loc,
        /// The first binding.
        first: Loc,
    },
    /// A label is used in an assembler that did not make it, or that has been cleared since.
    #[error("{used}: the label is of another assembler (made at {made})")]
    Foreign {
        /// The jump or binding.
        used: Loc,
        /// Where the label was made.
        made: Loc,
    },
    /// A jump goes to a label after the last instruction, which the kernel refuses.
    #[error("{jump}: jumps to the end, where no instruction follows the label (bound at {bound})")]
    JumpToEnd {
        /// The jump.
        jump: Loc,
        /// Where the label was bound.
        bound: Loc,
    },
    /// A distance given as a number leads out of the function, or into the middle of a 64-bit load.
    #[error("{loc}: there is no instruction at slot {target}, where this goes")]
    NoSuchTarget {
        /// The instruction.
        loc: Loc,
        /// The slot it goes to.
        target: i64,
    },
    /// Too many jumps cross one place for intermediate jumps to find room in their reach.
    #[error("{jump}: too many long jumps cross here for the intermediate jumps they need")]
    Crowded {
        /// One of the jumps.
        jump: Loc,
    },
    /// More slots than a distance can span.
    #[error("{loc}: the function is too long")]
    TooLong {
        /// The last instruction.
        loc: Loc,
    },
}

impl AsmError {
    /// The line of Rust that made the mistake.
    #[must_use]
    pub const fn loc(&self) -> &Loc {
        match self {
            Self::Immediate { loc, .. }
            | Self::Stored { loc, .. }
            | Self::Offset { loc, .. }
            | Self::DivisionByZero { loc }
            | Self::Shift { loc, .. }
            | Self::FramePointer { loc }
            | Self::Bits { loc, .. }
            | Self::Size { loc, .. }
            | Self::StackArg { loc, .. }
            | Self::Symbol { loc, .. }
            | Self::Reloc { loc, .. }
            | Self::NoJump { loc, .. }
            | Self::Isa { loc, .. }
            | Self::Unbound { jump: loc, .. }
            | Self::BoundTwice { second: loc, .. }
            | Self::Foreign { used: loc, .. }
            | Self::JumpToEnd { jump: loc, .. }
            | Self::NoSuchTarget { loc, .. }
            | Self::Crowded { jump: loc }
            | Self::TooLong { loc } => loc,
        }
    }

    /// The other line that it is at odds with, where there is one: the label's.
    #[must_use]
    pub const fn other(&self) -> Option<&Loc> {
        match self {
            Self::Unbound { made: loc, .. }
            | Self::BoundTwice { first: loc, .. }
            | Self::Foreign { made: loc, .. }
            | Self::JumpToEnd { bound: loc, .. } => Some(loc),
            _ => None,
        }
    }
}

fn immediate_of(width: Width) -> &'static str {
    match width {
        Width::Bits32 => "a 32-bit operation",
        Width::Bits64 => "a 64-bit operation, which takes a signed 32-bit number (load_imm64 takes any)",
    }
}

fn stored_in(size: Size) -> &'static str {
    match size {
        Size::B => "1 byte",
        Size::H => "2 bytes",
        Size::W => "4 bytes",
        Size::DW => "8 bytes, where it must be a signed 32-bit number",
    }
}

fn filled_in(kind: RelocKind) -> &'static str {
    match kind {
        RelocKind::Map => "a map",
        RelocKind::MapValue { .. } => "the address of a map's value at that offset",
        RelocKind::CallFunction => "the distance to a function that is called",
        RelocKind::LoadFunction => "the distance to a function whose address is loaded",
        RelocKind::Kfunc => "a kernel function",
        RelocKind::Ksym { typed: false } => "the address of a kernel symbol",
        RelocKind::Ksym { typed: true } => "the BTF id of a kernel variable",
        RelocKind::BtfId(_) => "the BTF id of a type",
        RelocKind::Core(_) => "what a CO-RE relocation gives",
    }
}

fn bytes(size: Size) -> &'static str {
    match size {
        Size::B => "1 byte",
        Size::H => "2 bytes",
        Size::W => "4 bytes",
        Size::DW => "8 bytes",
    }
}

/// The groups by name, with the kernel they came with.
struct Needs(Isa);

const fn needs(missing: Isa) -> Needs {
    Needs(missing)
}

impl core::fmt::Display for Needs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        bitflags::parser::to_writer(&self.0, &mut *f)?;
        match self.0.since() {
            Some(kernel) => write!(f, " (since Linux {kernel})"),
            None => Ok(()),
        }
    }
}

/// Why slots, places and relocations do not make a [`Code`](crate::Code).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// A slot's place is not in the table of places.
    #[error("slot {slot} comes from a place that is not in the table of places")]
    NoSuchLoc {
        /// The slot.
        slot: usize,
    },
    /// A relocation is for a slot beyond the end.
    #[error("a relocation is for slot {slot}, which is beyond the end")]
    NoSuchSlot {
        /// The slot.
        slot: u32,
    },
    /// A relocation's name is not in the table of symbols.
    #[error("the relocation of slot {slot} names a symbol that is not in the table of symbols")]
    NoSuchSymbol {
        /// The slot.
        slot: u32,
    },
    /// Relocations are not in ascending order of their slots.
    #[error("the relocation of slot {slot} is followed by one of an earlier slot")]
    Order {
        /// The slot of the first one out of order.
        slot: u32,
    },
}
