//! What stops the engine, before it has a line: numbers and addresses only.

use super::error::{Access, Refusal};
use crate::base::Helper;

/// Why an instruction could not be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trap {
    Access { access: Access, size: u32, address: u64, refusal: Refusal },
    Field { access: Access, size: u32, offset: i64, context: &'static str },
    Argument { helper: Helper, argument: u8, address: u64, expected: &'static str },
    CallDepth { limit: u32 },
    NoInstruction,
    NotAFunction { address: u64 },
    Returned { value: i64 },
    StackArgument { number: u32 },
    Budget { instructions: u64 },
    EndlessPass { fired: u64 },
    Deadlock,
}

impl Trap {
    pub(super) fn access(access: Access, size: usize, address: u64, refusal: Refusal) -> Self {
        Self::Access { access, size: u32::try_from(size).unwrap_or(u32::MAX), address, refusal }
    }
}
