//! Conditions.

use std::ops::{BitAnd, BitOr, Not};
use std::panic::Location;

use super::value::Value;
use crate::dsl::record::{Brand, CondId};

/// A condition: what a comparison makes, and `if_` and `while_` take.
///
/// `&`, `|` and `!` join conditions. Both sides of `&` and `|` have been computed by then: it is the jumps that are saved, not the
/// loads.
///
/// It is no `bool`: the program decides, not Rust while it records the program.
///
/// ```compile_fail,E0308
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     if n.eq(1) {
///         f.return_(XdpAction::DROP);
///     }
///     f.return_(XdpAction::PASS)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     f.if_(n.eq(1), || {
///         f.return_(XdpAction::DROP);
///     });
///     f.return_(XdpAction::PASS)
/// });
/// # assert!(object.finish().is_ok());
/// ```
///
/// Nor do `&&` and `||` join conditions:
///
/// ```compile_fail,E0308
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     f.if_(n.gt(1) && n.lt(9), || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     f.if_(n.gt(1) & n.lt(9), || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a condition does nothing until if_ or while_ takes it"]
pub struct Cond<'f> {
    brand: Brand<'f>,
    id: CondId,
}

impl<'f> Cond<'f> {
    pub(crate) const fn new(brand: Brand<'f>, id: CondId) -> Self {
        Self { brand, id }
    }

    pub(crate) const fn id(self) -> CondId {
        self.id
    }

    /// The condition as a truth value, 0 or 1.
    #[track_caller]
    pub fn value(self) -> Value<'f> {
        let (at, Self { brand, id }) = (Location::caller(), self);
        let datum = brand.with(|state| state.truth_of(id, at));
        Value::new(brand, datum)
    }
}

impl<'f> BitAnd for Cond<'f> {
    type Output = Self;

    #[track_caller]
    fn bitand(self, other: Self) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.and(self.id, other.id, at)))
    }
}

impl<'f> BitOr for Cond<'f> {
    type Output = Self;

    #[track_caller]
    fn bitor(self, other: Self) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.or(self.id, other.id, at)))
    }
}

impl Not for Cond<'_> {
    type Output = Self;

    #[track_caller]
    fn not(self) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.not(self.id, at)))
    }
}

/// Whether a truth value is true.
impl<'f> From<Value<'f>> for Cond<'f> {
    #[track_caller]
    fn from(value: Value<'f>) -> Self {
        let at = Location::caller();
        let brand = value.brand();
        Self::new(brand, brand.with(|state| state.truth(value.datum(), at)))
    }
}
