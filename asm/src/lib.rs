//! The eBPF instruction set: registers, instructions, labels, an assembler.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod assembler;
mod code;
mod emit;
mod error;
pub mod helper;
mod insn;
mod isa;
mod label;
pub mod limits;
mod loc;
mod op;
mod reg;
mod reloc;
mod resolve;
mod slot;
pub mod text;
mod version;
pub mod walk;
mod wire;

pub use assembler::Assembler;
pub use code::Code;
pub use emit::{Imm64, Operand};
pub use error::{AsmError, CodeError};
pub use helper::Helper;
pub use insn::{DecodeError, Field, Insn, MapRef, Slots, Source, StackArg};
pub use isa::Isa;
pub use label::Label;
pub use loc::{Loc, LocId};
pub use op::{AluOp, AtomicOp, Cast, Cond, Extend, Narrow, Size, SwapBits, SwapOp, Width};
pub use reg::{NoSuchRegister, Reg};
pub use reloc::{BtfScope, CoreKind, CoreReloc, Reloc, RelocKind, SymbolId};
pub use slot::Slot;
pub use text::Form;
pub use version::KernelVersion;
pub use wire::Endian;
