//! Types as C, each after what it needs.

mod declare;
mod layout;
mod order;

use super::error::BtfError;
use super::types::TypeId;
use super::view::View;

impl View<'_> {
    /// A type as C, behind everything it needs, each thing once. Members that do not lie right behind the one before
    /// them have their offset as a comment; padding that C would not put there itself is a member.
    ///
    /// # Errors
    /// A type does not exist, is malformed, or is nested too deep; or the C would be out of proportion to the BTF.
    pub fn to_c(&self, id: TypeId) -> Result<String, BtfError> {
        order::one(self, id)
    }

    /// All of its own types as C.
    ///
    /// # Errors
    /// As [`to_c`](Self::to_c).
    pub fn all_to_c(&self) -> Result<String, BtfError> {
        order::all(self)
    }
}
