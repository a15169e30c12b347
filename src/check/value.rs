//! What a register or a spilled slot holds.

use super::scalar::Scalar;

/// A value as the walk knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// Never written on this path.
    Uninit,
    /// Written, with what this analysis does not follow: nothing is said of it.
    Unknown,
    /// A number.
    Scalar(Scalar),
    /// A pointer.
    Pointer(Pointer),
}

/// A pointer: into what, where, and whether it may be null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pointer {
    pub(super) memory: Memory,
    /// Bytes from the start of the memory; the stack's frame pointer is 0.
    pub(super) off: i64,
    /// A number added to that.
    pub(super) var: Option<Scalar>,
    pub(super) null: Null,
    /// Which look-up it came from: what is learned of one copy holds for all.
    pub(super) id: u32,
    /// What has to be released, where that is not 0.
    pub(super) reference: u32,
    /// How many bytes behind what it was computed from are known to be in the packet.
    pub(super) range: u32,
    /// It was found behind the end of the packet: some kernels know the outcome of another comparison.
    pub(super) behind: bool,
}

/// Whether a pointer may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Null {
    /// It is none.
    Never,
    /// Kernels differ: since 6.15 they know that an array has its elements.
    Perhaps,
    /// It has to be compared with 0 first.
    Maybe,
}

/// What a pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// The stack of a frame.
    Stack(usize),
    /// A value of a map, by its index in the program's table of maps.
    MapValue(usize),
    /// A key of a map, as callbacks get it.
    MapKey(usize),
    /// A map itself.
    Map(usize),
    /// The context of the program.
    Context,
    /// A function of the program, by its index.
    Function(usize),
    /// A ring buffer record of a size.
    Record(Option<u64>),
    /// The packet.
    Packet,
    /// What stands before the packet.
    PacketMeta,
    /// The end of the packet.
    PacketEnd,
    /// A socket or the like.
    Object,
    /// No pointer: what a slot of the stack holds that is the first half of a dynptr.
    Dynptr,
}

impl Memory {
    /// Whether how much of it there is shows at run time.
    pub(super) const fn is_packet(self) -> bool {
        matches!(self, Self::Packet | Self::PacketMeta)
    }
}

impl Pointer {
    /// Whether it is as it was loaded from the context.
    pub(super) const fn is_unmoved(self) -> bool {
        self.off == 0 && self.var.is_none()
    }

    pub(super) const fn new(memory: Memory) -> Self {
        Self { memory, off: 0, var: None, null: Null::Never, id: 0, reference: 0, range: 0, behind: false }
    }

    pub(super) const fn at(mut self, off: i64) -> Self {
        self.off = off;
        self
    }

    pub(super) const fn nullable(mut self, null: Null, id: u32) -> Self {
        (self.null, self.id) = (null, id);
        self
    }

    /// A few words for messages.
    pub(super) fn describe(self) -> &'static str {
        match (self.memory, self.null) {
            (Memory::Stack(_), _) => "a pointer to the stack",
            (Memory::MapValue(_), Null::Maybe) => "a map value or null",
            (Memory::MapValue(_), _) => "a pointer to a map value",
            (Memory::MapKey(_), _) => "a pointer to a map key",
            (Memory::Map(_), Null::Maybe) => "a map or null",
            (Memory::Map(_), _) => "a map",
            (Memory::Context, _) => "the context",
            (Memory::Function(_), _) => "a function",
            (Memory::Record(_), Null::Maybe) => "a ring buffer record or null",
            (Memory::Record(_), _) => "a ring buffer record",
            (Memory::Packet, _) => "a pointer to the packet",
            (Memory::PacketMeta, _) => "a pointer to the packet's metadata",
            (Memory::PacketEnd, _) => "the end of the packet",
            (Memory::Dynptr, _) => "a dynptr",
            (Memory::Object, Null::Maybe) => "a kernel object or null",
            (Memory::Object, _) => "a kernel object",
        }
    }
}

impl Value {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Uninit => "nothing",
            Self::Unknown => "something this check does not follow",
            Self::Scalar(_) => "a number",
            Self::Pointer(pointer) => pointer.describe(),
        }
    }

    pub(super) const fn constant(value: u64) -> Self {
        Self::Scalar(Scalar::constant(value))
    }

    pub(super) fn as_constant(self) -> Option<u64> {
        match self {
            Self::Scalar(scalar) => scalar.value(),
            _ => None,
        }
    }

    /// Whether whatever goes well from here with `self` goes well with `other`: mistakes found once need not be looked for again.
    pub(super) fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => a.covers(b),
            (Self::Pointer(a), Self::Pointer(b)) => {
                let var = match (a.var, b.var) {
                    (None, None) => true,
                    (Some(a), Some(b)) => a.covers(b),
                    _ => false,
                };
                var && (a.memory, a.off, a.null) == (b.memory, b.off, b.null)
                    && (a.reference == 0) == (b.reference == 0)
                    && a.range <= b.range
            }
            _ => self == other,
        }
    }

    /// Whether both stand for the same set of values; ids do not matter.
    pub(super) fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Scalar(a), Self::Scalar(b)) => a.same_values(b),
            (Self::Pointer(a), Self::Pointer(b)) => {
                let var = match (a.var, b.var) {
                    (None, None) => true,
                    (Some(a), Some(b)) => a.same_values(b),
                    _ => false,
                };
                var && (a.memory, a.off, a.null, a.range) == (b.memory, b.off, b.null, b.range)
            }
            _ => self == other,
        }
    }
}
