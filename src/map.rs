//! Maps: what kinds there are, what the kernel asks of each, and how an object describes one.

mod def;
mod flags;
mod kind;
mod rules;
mod spec;

pub use def::{Entry, EntryValue, MapDef, MapSource};
pub use flags::MapFlags;
pub use kind::MapKind;
pub use rules::{BtfRule, EntriesRule, FdKind, SizeRule};
pub use spec::MapSpec;
pub(crate) use spec::{Part, PartType};
