//! Functions inside an object: plain data.

use crate::asm::Code;
use crate::btf::{Linkage, TypeId};
use crate::site::Site;

/// One function: its code and the BTF it is known by.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDef {
    /// The name calls refer to it by.
    pub name: String,
    /// Its instructions.
    pub code: Code,
    /// `static` for callbacks and functions verified with their callers; `global` for entry points and
    /// functions verified on their own (since 5.6).
    pub linkage: Linkage,
    /// Its FUNC_PROTO in the object's BTF; void stands for `int name(void)`.
    pub proto: TypeId,
    /// The Rust line that added it.
    pub site: Site,
}
