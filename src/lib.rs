#![doc = include_str!("../README.md")]

// The derive and its users name this crate the same way, inside and outside of it.
extern crate self as bpfsmith;

pub use bpfsmith_asm as asm;

#[cfg(feature = "sim")]
pub mod backend;
pub mod base;
pub mod btf;
pub mod check;
#[cfg(feature = "dsl")]
pub mod dsl;
#[cfg(all(feature = "dsl", feature = "derive", feature = "sim"))]
pub mod guide;
#[cfg(feature = "kernel")]
pub mod kernel;
pub mod kind;
#[cfg(feature = "kernel")]
pub mod link;
pub mod map;
pub mod object;
pub mod plan;
pub mod program;
pub mod relocate;
#[cfg(feature = "sim")]
pub mod sim;
mod site;
#[cfg(feature = "kernel")]
pub mod sys;
pub mod target;

pub use asm::Assembler;
pub use btf::BtfType;
pub use kind::ProgramKind;
pub use map::MapSpec;
pub use object::{Object, ObjectBuilder};
pub use plan::Plan;
pub use program::ProgramSpec;
pub use site::Site;
pub use target::Target;
