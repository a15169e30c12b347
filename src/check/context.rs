//! What programs of each kind find in their context.

use super::memory::Use;
use super::program::Program;
use crate::kind::{ProgType, ProgramKind};

/// What is at a place of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing that can be accessed so.
    None,
    /// A number, of which the kernel may know more.
    Number,
    /// A number the kernel knows nothing about.
    FreeNumber,
    /// A pointer to the packet.
    Packet,
    /// The end of the packet.
    PacketEnd,
    /// Something this check does not follow.
    Unknown,
}

/// Whether a constant may be added to the pointer before it is used: for `SYSCALL`, in kernels to come.
pub(super) fn may_be_modified(kind: ProgramKind) -> bool {
    matches!(
        kind.prog_type(),
        ProgType::SYSCALL | ProgType::TRACING | ProgType::LSM | ProgType::STRUCT_OPS | ProgType::EXT
    )
}

/// The largest context of a SYSCALL program.
const SYSCALL_BYTES: i64 = 65535;

/// What `size` bytes at `off` are.
pub(super) fn field(program: &Program<'_>, off: i64, size: u8, how: Use) -> Field {
    if off < 0 {
        return Field::None;
    }
    match program.kind.prog_type() {
        ProgType::SYSCALL if off >= SYSCALL_BYTES || off % i64::from(size) != 0 => Field::None,
        ProgType::SYSCALL if how == Use::Read => Field::FreeNumber,
        _ => Field::Unknown,
    }
}
