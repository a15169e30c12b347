//! What can go wrong, and where.

/// Why slots, places and relocations do not make a [`Code`](crate::Code).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// A slot's place is not in the table of places.
    #[error("slot {slot} comes from a place that is not in the table of places")]
    NoSuchLoc {
        /// The slot.
        slot: usize,
    },
    /// A relocation is for a slot beyond the end.
    #[error("a relocation is for slot {slot}, which is beyond the end")]
    NoSuchSlot {
        /// The slot.
        slot: u32,
    },
    /// A relocation's name is not in the table of symbols.
    #[error("the relocation of slot {slot} names a symbol that is not in the table of symbols")]
    NoSuchSymbol {
        /// The slot.
        slot: u32,
    },
    /// Relocations are not in ascending order of their slots.
    #[error("the relocation of slot {slot} is followed by one of an earlier slot")]
    Order {
        /// The slot of the first one out of order.
        slot: u32,
    },
}
