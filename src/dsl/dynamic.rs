//! The DSL with types known at run time: values of [`ScalarType`]s, places whose fields are found by name.
//!
//! Everything the typed layer does is done here; its handles only add Rust types.

mod cond;
mod func;
mod place;
mod value;

pub use super::record::{Binary, Comparison};
pub use super::types::{Layout, ScalarType};
pub use cond::Cond;
pub use func::{Arg, Func, Function, MapArg, Result};
pub use place::{MaybeNull, Place};
pub use value::{Rhs, Value, Var};

/// What a function returns whose type is only known at run time.
#[derive(Clone, Copy, Debug)]
pub struct Any;
