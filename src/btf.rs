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
mod index;
mod kind;
mod layout;
mod records;
mod size;
mod types;
mod value;
mod view;

pub use builder::Builder;
pub use error::{BtfError, DecodeError, DecodeReason, Place, Rule};
pub use kind::Kind;
pub use layout::StructDef;
pub use records::{Record, Records};
pub use types::{
    Array, Composite, DataSec, DeclTag, Enum, Enum64, EnumValue, EnumValue64, Func, FuncProto, Fwd, Int,
    IntEncoding, Linkage, Member, Name, Param, StrOff, Type, TypeId, Typedef, Var, VarSecInfo,
};
pub use value::BtfType;
pub use view::{Btf, View};
