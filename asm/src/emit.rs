//! The mnemonics: methods of [`Assembler`](crate::Assembler), one file for each family.

mod alu;
mod atomic;
mod call;
mod jump;
mod lower;
mod mem;
mod operand;
mod refuse;

pub use operand::{Imm64, Operand};
