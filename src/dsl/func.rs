//! The function that is being recorded: control flow, variables, room on the stack.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Range, RangeTo};
use std::panic::Location;

use super::dynamic::{self, Cond, Layout};
use super::flow::{self, End, Exit, IntoReturn, Jump, Merge, Switch};
use super::ir::At;
use super::place::{Place, size_of_type};
use super::record::{Brand, Datum};
use super::scalar::{Number, Operand, Readable, Scalar};
use super::value::{Value, Var};
use crate::btf::BtfType;

/// The function that is being recorded; `R` is what it returns.
///
/// It is `Copy`, as all its values are. `'f` stands for this function alone: a value of one function does not fit another,
/// which the compiler says as `borrowed data escapes outside of closure`.
///
/// So does one of the function around a loop whose rounds are a function of their own:
///
/// ```compile_fail,E0521
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let (n, sum) = (f.get_prandom_u32(), f.local(0u32));
///     f.bpf_loop(4, &sum, |_, _, sum| sum.set(sum.get() + n));
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let (n, sum) = (f.get_prandom_u32(), f.local(0u32));
///     f.bpf_loop(4, &sum, |_, _, sum| sum.set(sum.get() + 1));
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
pub struct Func<'f, R = ()> {
    brand: Brand<'f>,
    returns: PhantomData<fn() -> R>,
}

impl<R> Clone for Func<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Func<'_, R> {}

impl<R> fmt::Debug for Func<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Func")
    }
}

impl<'f, R> Func<'f, R> {
    pub(crate) const fn new(brand: Brand<'f>) -> Self {
        Self { brand, returns: PhantomData }
    }

    pub(crate) const fn brand(self) -> Brand<'f> {
        self.brand
    }

    /// The same function, for what has types known at run time only.
    #[must_use]
    pub const fn dynamic(self) -> dynamic::Func<'f, R> {
        dynamic::Func::new(self.brand)
    }

    /// A number as a value.
    #[track_caller]
    pub fn val<T: Scalar>(self, value: impl Operand<'f, T>) -> Value<'f, T> {
        Value::new(self.brand, value.datum(self.brand, Location::caller()))
    }

    /// A variable that begins with this value.
    #[track_caller]
    pub fn var<T: Scalar>(self, value: impl Operand<'f, T>) -> Var<'f, T> {
        let at = Location::caller();
        Var::new(self.brand, value.datum(self.brand, at), at)
    }

    /// Room on the stack that holds this value.
    #[track_caller]
    pub fn local<T: Readable<Number = T> + Scalar>(self, value: impl Operand<'f, T>) -> Place<'f, T> {
        let at = Location::caller();
        let value = value.datum(self.brand, at);
        let pointer = self.brand.with(|state| {
            let place = state.local(T::LAYOUT, at);
            state.store(place, value, at);
            place
        });
        Place::new(dynamic::Place::new(self.brand, pointer))
    }

    /// Room on the stack for a `T`, all zeros.
    #[track_caller]
    pub fn zeroed<T: BtfType>(self) -> Place<'f, T> {
        Place::new(self.dynamic().zeroed(Layout::Bytes(size_of_type::<T>())))
    }
}

/// Control flow.
impl<'f, R> Func<'f, R> {
    /// Does this if the condition holds.
    #[track_caller]
    pub fn if_<E: End>(self, cond: impl Into<Cond<'f>>, then: impl FnOnce() -> E) -> E::Out {
        flow::if_(self.brand, cond.into().id(), Location::caller(), then)
    }

    /// Does the first if the condition holds, else the second. Values that both end in become one value.
    #[track_caller]
    pub fn if_else<E: Merge<'f>>(
        self,
        cond: impl Into<Cond<'f>>,
        then: impl FnOnce() -> E,
        otherwise: impl FnOnce() -> E,
    ) -> E {
        flow::if_else(self.brand, cond.into().id(), Location::caller(), then, otherwise)
    }

    /// Does this as long as the condition holds. The condition is a closure: it is worked out again in each round.
    ///
    /// The verifier walks every round: it has to see that the loop ends.
    #[track_caller]
    pub fn while_<E: End, C: Into<Cond<'f>>>(
        self,
        cond: impl FnOnce() -> C,
        body: impl FnOnce() -> E,
    ) -> E::Out {
        flow::while_(self.brand, Location::caller(), || cond().into().id(), body)
    }

    /// Does this until it breaks or returns.
    #[track_caller]
    pub fn loop_<E: End>(self, body: impl FnOnce() -> E) -> E::Out {
        flow::loop_(self.brand, Location::caller(), body)
    }

    /// Does this for every number of the range: `0..10u32`, `..n`, `f.val(1)..n`.
    #[track_caller]
    pub fn for_<L: LoopRange<'f>, E: End>(
        self,
        range: L,
        body: impl FnOnce(Value<'f, L::Number>) -> E,
    ) -> E::Out {
        let at = Location::caller();
        let ends = range.ends(self.brand, at);
        flow::count(self.brand, ends, at, |index| body(Value::new(self.brand, index)))
    }

    /// Does what belongs to the number: `f.switch(x).case(1, || ..).default(|| ..)`.
    #[track_caller]
    pub fn switch<'c, T: Number, E: Merge<'f>>(self, value: Value<'f, T>) -> Switch<'f, 'c, E> {
        Switch::new(self.brand, value.dynamic().datum(), Location::caller())
    }

    /// Leaves the innermost loop.
    #[track_caller]
    pub fn break_(self) -> Jump {
        let at = Location::caller();
        self.brand.with(|state| state.break_(at));
        Jump(())
    }

    /// Goes on with the next round of the innermost loop.
    #[track_caller]
    pub fn continue_(self) -> Jump {
        let at = Location::caller();
        self.brand.with(|state| state.continue_(at));
        Jump(())
    }

    /// Returns from the function.
    ///
    /// A program returns a verdict of its kind, no number:
    ///
    /// ```compile_fail,E0277
    /// # use bpfsmith::{dsl::Xdp, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// object.program("prog", Xdp::XDP, |f, _| {
    ///     f.return_(1)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// object.program("prog", Xdp::XDP, |f, _| {
    ///     f.return_(XdpAction::DROP)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn return_(self, value: impl IntoReturn<'f, R>) -> Exit {
        let at = Location::caller();
        let value = value.into_return(self.brand, at);
        self.brand.with(|state| state.return_(value, at));
        Exit(())
    }
}

/// A range that a loop can count through: `0..10u32`, `..n`, `f.val(1)..n`. Its end is not part of it.
///
/// A range of Rust has both ends of one type, so a literal and a value make none:
///
/// ```compile_fail,E0308
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let (n, sum) = (f.get_prandom_u32() & 7, f.var(0u32));
///     f.for_(0..n, |i| sum.set(sum + i));
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let (n, sum) = (f.get_prandom_u32() & 7, f.var(0u32));
///     f.for_(..n, |i| sum.set(sum + i));
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no range that a loop can count through",
    note = "write `0..10u32`, `..n` or `f.val(0)..n`"
)]
pub trait LoopRange<'f> {
    /// What it counts.
    type Number: Number;

    #[doc(hidden)]
    fn ends(self, brand: Brand<'f>, at: At) -> (Datum, Datum);
}

impl<'f, T: Number> LoopRange<'f> for Range<T> {
    type Number = T;

    fn ends(self, brand: Brand<'f>, at: At) -> (Datum, Datum) {
        (self.start.datum(brand, at), self.end.datum(brand, at))
    }
}

impl<'f, T: Number> LoopRange<'f> for RangeTo<T> {
    type Number = T;

    fn ends(self, brand: Brand<'f>, at: At) -> (Datum, Datum) {
        (Datum::constant(0, T::TYPE), self.end.datum(brand, at))
    }
}

impl<'f, T: Number> LoopRange<'f> for Range<Value<'f, T>> {
    type Number = T;

    fn ends(self, _: Brand<'f>, _: At) -> (Datum, Datum) {
        (self.start.dynamic().datum(), self.end.dynamic().datum())
    }
}

impl<'f, T: Number> LoopRange<'f> for RangeTo<Value<'f, T>> {
    type Number = T;

    fn ends(self, _: Brand<'f>, _: At) -> (Datum, Datum) {
        (Datum::constant(0, T::TYPE), self.end.dynamic().datum())
    }
}
