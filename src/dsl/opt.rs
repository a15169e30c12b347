//! Passes that make a function smaller and faster, and never change what the verifier can know of it.

use super::ir::Function;
use crate::asm::Isa;

/// Runs all passes.
pub(crate) fn optimise(_function: &mut Function, _isa: Isa) {}
