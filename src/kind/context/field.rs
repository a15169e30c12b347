//! Fields of contexts.

use super::Direction;
use crate::base::KernelVersion;

bitflags::bitflags! {
    /// Widths an access may have.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
    pub struct Widths: u8 {
        /// One byte.
        const B1 = 1;
        /// Two bytes.
        const B2 = 2;
        /// Four bytes.
        const B4 = 4;
        /// Eight bytes.
        const B8 = 8;
    }
}

/// A field of a context, and what programs of a kind may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContextField {
    /// The kernel's name, or that of the part of the context it is.
    pub name: &'static str,
    /// Bytes from the start of the context.
    pub offset: u32,
    /// Bytes; of all elements, if it is an array.
    pub size: u32,
    /// The widths it can be read with, anywhere inside; empty: it cannot be.
    pub reads: Widths,
    /// The widths it can be written with, anywhere inside; empty: it cannot be.
    pub writes: Widths,
    /// Whether narrower reads than its size have to be at its first byte.
    pub at_start: bool,
    /// What a read leaves in the register, if that is no number. Such a field cannot be read with a load that extends the sign.
    pub pointer: Option<ContextPointer>,
    /// The first release that has the field, in the kind's context or in that of the first kind that had it.
    pub since: KernelVersion,
}

impl ContextField {
    /// Whether an access of `width` bytes at `offset` of the context is one to this field that is allowed.
    #[must_use]
    pub fn allows(&self, direction: Direction, offset: u32, width: u32) -> bool {
        let widths = match direction {
            Direction::Read => self.reads,
            Direction::Write => self.writes,
        };
        let Some(wanted) = u8::try_from(width).ok().and_then(Widths::from_bits) else { return false };
        wanted.bits().is_power_of_two()
            && widths.contains(wanted)
            && offset.is_multiple_of(width)
            && self.holds(offset, width)
    }

    fn holds(&self, offset: u32, width: u32) -> bool {
        let Some(inside) = offset.checked_sub(self.offset) else { return false };
        u64::from(inside) + u64::from(width) <= u64::from(self.size) && (inside == 0 || !self.at_start)
    }
}

/// What a pointer in a context points to (`enum bpf_reg_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextPointer {
    /// The first byte of the packet, or of other data that ends where [`PacketEnd`](Self::PacketEnd) says.
    #[doc(alias = "PTR_TO_PACKET")]
    Packet,
    /// The first byte of what stands before the packet.
    #[doc(alias = "PTR_TO_PACKET_META")]
    PacketMeta,
    /// The byte after the packet.
    #[doc(alias = "PTR_TO_PACKET_END")]
    PacketEnd,
    /// `struct bpf_flow_keys`, which can be read and written.
    #[doc(alias = "PTR_TO_FLOW_KEYS")]
    FlowKeys,
    /// `struct bpf_sock`.
    #[doc(alias = "PTR_TO_SOCKET")]
    Socket,
    /// `struct bpf_sock`, or null.
    SocketOrNull,
    /// The part of `struct bpf_sock` that all sockets have, or null.
    #[doc(alias = "PTR_TO_SOCK_COMMON")]
    SockCommonOrNull,
    /// The buffer of a tracepoint, which can be read and written.
    #[doc(alias = "PTR_TO_TP_BUFFER")]
    TracepointBuffer,
    /// A structure of the kernel's, by the name it has in BTF; it can be read.
    #[doc(alias = "PTR_TO_BTF_ID")]
    Kernel(&'static str),
}

/// What becomes of an access to a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextAccess {
    /// It is one to this field.
    Allowed(ContextField),
    /// No kernel allows it.
    Refused,
    /// It depends on what the table does not know: see [`Known`](super::Known).
    Unknown,
}

const NARROW_4: Widths = Widths::B1.union(Widths::B2).union(Widths::B4);

/// A field of 4 bytes that can be read in parts, and whole be written.
pub(super) const fn u32(name: &'static str, offset: u32) -> ContextField {
    array(name, offset, 1)
}

/// Fields as [`u32`], side by side.
pub(super) const fn array(name: &'static str, offset: u32, count: u32) -> ContextField {
    ContextField {
        name,
        offset,
        size: 4 * count,
        reads: NARROW_4,
        writes: Widths::B4,
        at_start: false,
        pointer: None,
        since: KernelVersion::new(0, 0),
    }
}

/// A field of 8 bytes that can be read and written whole.
pub(super) const fn u64(name: &'static str, offset: u32) -> ContextField {
    u32(name, offset).sized(8).reads(Widths::B8).writes(Widths::B8)
}

/// Bytes that can be accessed with any width.
pub(super) const fn bytes(name: &'static str, offset: u32, size: u32) -> ContextField {
    u32(name, offset).sized(size).reads(Widths::all()).writes(Widths::all())
}

impl ContextField {
    const fn sized(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Can be read with these widths.
    pub(super) const fn reads(mut self, widths: Widths) -> Self {
        self.reads = widths;
        self
    }

    /// Can be written with these widths.
    pub(super) const fn writes(mut self, widths: Widths) -> Self {
        self.writes = widths;
        self
    }

    /// Can be read and written in no other width than 4.
    pub(super) const fn whole(self) -> Self {
        self.reads(Widths::B4)
    }

    /// Aligned pairs of its elements can be accessed at once.
    pub(super) const fn wide(self) -> Self {
        self.reads(NARROW_4.union(Widths::B8)).writes(Widths::B4.union(Widths::B8))
    }

    /// Only its first bytes can be read in parts.
    pub(super) const fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    /// Can be read and written as 2 bytes, or one.
    pub(super) const fn half(self) -> Self {
        self.sized(2).reads(Widths::B1.union(Widths::B2))
    }

    /// Is one byte.
    pub(super) const fn byte(self) -> Self {
        self.sized(1).reads(Widths::B1)
    }

    /// Holds a pointer.
    pub(super) const fn to(mut self, pointer: ContextPointer) -> Self {
        self.pointer = Some(pointer);
        self
    }

    pub(super) const fn since(mut self, major: u16, minor: u16) -> Self {
        self.since = KernelVersion::new(major, minor);
        self
    }
}
