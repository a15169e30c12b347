//! The eBPF instruction set: registers, instructions, labels, an assembler. No system calls, no `std`.
//!
//! A program in the text that LLVM's assembler takes,
//!
//! ```text
//! r2 = *(u32 *)(r1 + 0)
//! r0 = 0
//! if r2 == 0 goto +1
//! r0 = 1
//! exit
//! ```
//!
//! is this with the [`Assembler`]:
//!
//! ```
//! use bpfsmith_asm::{Assembler, Endian, Insn, Reg::*, Size, Slot};
//!
//! let mut a = Assembler::new();
//! let out = a.label();
//! a.ldx(Size::W, R2, R1, 0);
//! a.mov(R0, 0);
//! a.jeq(R2, 0, out);
//! a.mov(R0, 1);
//! a.bind(out);
//! a.exit();
//! let code = a.finish()?;
//!
//! // Every slot knows the line of Rust it came from,
//! assert_eq!(code.loc(4).unwrap().line(), code.loc(0).unwrap().line() + 5);
//! // and these are the bytes, in either byte order.
//! assert_eq!(code.encode(Endian::Little)[16..24], [0x15, 0x02, 1, 0, 0, 0, 0, 0]);
//! assert_eq!(code.encode(Endian::Big)[16..24], [0x15, 0x20, 0, 1, 0, 0, 0, 0]);
//!
//! // The way back: bytes, slots, instructions.
//! let exit = Slot::from_bytes([0x95, 0, 0, 0, 0, 0, 0, 0], Endian::Little);
//! assert_eq!(Insn::decode(&[exit]), Ok((Insn::Exit, 1)));
//! # Ok::<(), bpfsmith_asm::AsmError>(())
//! ```
//!
//! - [`Insn`] is one instruction, checked: a combination without a meaning cannot be written down.
//! - [`Slot`] is eight bytes as fields, whatever they hold.
//! - [`Code`] is one finished function. Maps, other functions and kernel symbols are names in it ([`Reloc`]), filled in
//!   by whatever loads or writes it.
//! - [`Isa`] says which instructions may come out; [`AsmError`] says what is wrong, and on which line.
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
pub mod timer;
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
