//! Maps: what kinds there are, and what the kernel asks of each.

mod flags;
mod kind;
mod rules;

pub use flags::MapFlags;
pub use kind::MapKind;
pub use rules::{BtfRule, EntriesRule, FdKind, FieldKinds, SizeRule};
