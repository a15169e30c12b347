//! BTF, the type information a kernel reads: building, encoding, decoding, printing, and the rules the
//! kernel applies to it.
//!
//! - [`Builder`] makes BTF, with C layout where you want it; [`BtfType`] makes it from a Rust type.
//! - [`View`] reads BTF from bytes it borrows, of either byte order, alone or on top of a base (split BTF).
//!   [`Btf`] is a view that owns its bytes: what a builder makes.
//! - [`Type`] is one type as both hand it out; [`TypeId`] is its number, 0 being `void`.
//!
//! ```
//! use bpfsmith::base::Endian;
//! use bpfsmith::btf::{Builder, IntEncoding, StructDef};
//!
//! let mut b = Builder::new();
//! let int = b.int("int", 4, IntEncoding::SIGNED)?;
//! let elem = b.structure(StructDef::new("elem").member("key", int).member("count", int))?;
//! let btf = b.finish()?;
//! assert_eq!(btf.size_of(elem)?, 8);
//! assert_eq!(btf.encode(Endian::Little).len(), 24 + 16 + 36 + 20);
//! # Ok::<(), bpfsmith::btf::BtfError>(())
//! ```

mod builder;
mod check;
mod decode;
mod dedup;
mod encode;
mod error;
pub mod ext;
mod fields;
mod index;
mod kind;
mod layout;
mod listing;
mod print;
mod records;
mod show;
mod size;
pub mod special;
mod types;
mod value;
mod verify;
mod view;

pub use crate::base::Endian;
pub use builder::Builder;
pub(crate) use check::function_name;
pub use error::{BtfError, DecodeError, DecodeReason, Place, Rule};
pub use fields::{
    Field, ListHead, ListNode, RbNode, RbRoot, RefCount, ResSpinLock, SpinLock, TaskWork, Timer, WorkQueue,
};
pub use kind::Kind;
pub use layout::StructDef;
pub use listing::Listing;
pub use records::{Record, Records};
pub use types::{
    Array, Composite, DataSec, DeclTag, Enum, Enum64, EnumValue, EnumValue64, Func, FuncProto, Fwd, Int,
    IntEncoding, Linkage, Member, Name, Param, StrOff, Type, TypeId, TypeTag, Typedef, Var, VarSecInfo,
};
pub use value::{Be, BtfType};

/// Implements [`BtfType`] for a struct with named fields and `#[repr(C)]`, or for an enum without fields and
/// with `#[repr(u32)]` or another integer.
///
/// Offsets are the compiler's own, so the Rust type and its BTF cannot disagree. Each field becomes a constant:
/// `Elem::COUNTER` is a [`Field`], for the places of the field `counter` within values of type `Elem`.
///
/// ```
/// use bpfsmith::base::Endian;
/// use bpfsmith::btf::{BtfType, Timer};
///
/// #[derive(BtfType)]
/// #[repr(C)]
/// #[btf(name = "map_elem")]
/// struct Elem {
///     counter: i32,
///     timer: Timer, // behind 4 bytes of padding
/// }
///
/// assert_eq!(Elem::SIZE, 24);
/// assert_eq!(Elem::TIMER.offset(), 8);
/// let bytes = Elem { counter: -1, timer: Timer::new() }.to_bytes(Endian::Little);
/// assert_eq!(bytes[..8], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
/// ```
///
/// # Attributes
/// - `#[btf(name = "…")]` on the struct, enum, field or variant: its name in BTF, where it is not the Rust name.
/// - `#[btf(tag = "…")]` on the struct or a field: a declaration tag.
/// - `#[btf(crate = path)]` on the struct or enum: where this crate is, if not at `::bpfsmith`.
///
/// # What does not compile
/// Without `#[repr(C)]` Rust is free to move fields:
///
/// ```compile_fail
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// struct Key { port: u16, address: u32 }
/// ```
/// ```
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// #[repr(C)]
/// struct Key { port: u16, address: u32 }
/// ```
///
/// Members have names:
///
/// ```compile_fail
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// #[repr(C)]
/// struct Key(u16, u32);
/// ```
///
/// Every field is a type that BTF can tell of (a `usize` has no size that kernel and program agree on):
///
/// ```compile_fail
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// #[repr(C)]
/// struct Key { port: usize }
/// ```
/// ```
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// #[repr(C)]
/// struct Key { port: u64 }
/// ```
///
/// An enum has the size of an integer, and no fields:
///
/// ```compile_fail
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// enum State { Idle, Busy }
/// ```
/// ```
/// # use bpfsmith::btf::BtfType;
/// #[derive(BtfType)]
/// #[repr(u32)]
/// enum State { Idle, Busy }
/// ```
#[cfg(feature = "derive")]
pub use bpfsmith_derive::BtfType;
pub use view::{Btf, View};
