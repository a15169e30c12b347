//! What programs of each kind find in their context.

use super::memory::Use;
use super::program::Program;
use crate::kind::{ContextAccess as Access, ContextPointer, Direction, Known, ProgType, ProgramKind};

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
    /// A pointer to what stands before the packet.
    PacketMeta,
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

/// What `size` bytes at `off` are.
pub(super) fn field(program: &Program<'_>, off: i64, size: u8, how: Use) -> Field {
    let direction = match how {
        Use::Read => Direction::Read,
        Use::Write => Direction::Write,
    };
    let Ok(off) = u32::try_from(off) else { return Field::None };
    let context = program.kind.context();
    match context.access(direction, off, size.into()) {
        Access::Refused => Field::None,
        Access::Unknown => Field::Unknown,
        Access::Allowed(field) => match field.pointer {
            Some(ContextPointer::Packet) => Field::Packet,
            Some(ContextPointer::PacketMeta) => Field::PacketMeta,
            Some(ContextPointer::PacketEnd) => Field::PacketEnd,
            Some(_) => Field::Unknown,
            None if context.known() == Known::Fully => Field::FreeNumber,
            None => Field::Number,
        },
    }
}
