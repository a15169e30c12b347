//! Control flow with closures, for both layers: what closures may end in, and what comes of that.

use std::panic::Location;

use super::dynamic::{self, Any};
use super::error::Error;
use super::ir::{At, Variable};
use super::record::{Brand, CondId, Datum};
use super::types::ScalarType;

/// The end of a function: what `return_` gives. A program has to end in one.
#[derive(Clone, Copy, Debug)]
pub struct Exit(pub(crate) ());

/// The end of a round: what `break_` and `continue_` give.
#[derive(Clone, Copy, Debug)]
pub struct Jump(pub(crate) ());

/// What the closure of an `if_` or a loop may end in.
///
/// A value at its end would be lost:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.if_(f.get_prandom_u32().eq(1), || f.ktime_get_ns());
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.if_(f.get_prandom_u32().eq(1), || _ = f.ktime_get_ns());
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "the closure of an `if_` or a loop ends in nothing, in `f.return_(..)`, `f.break_()` or `f.continue_()`, not in `{Self}`",
    label = "put a `;` behind the last expression of the closure"
)]
pub trait End {
    /// What the construct is worth: nothing, or what `?` takes on.
    type Out;

    #[doc(hidden)]
    fn out(self) -> Self::Out;
}

macro_rules! ends {
    ($($end:ty),*) => {$(
        impl End for $end {
            type Out = ();

            fn out(self) {}
        }
    )*};
}

ends!((), Exit, Jump);

impl<E: End> End for Result<E, Error> {
    type Out = Result<(), Error>;

    fn out(self) -> Self::Out {
        self.map(|_| ())
    }
}

/// What does not go on behind itself: a return, a break, a continue.
#[diagnostic::on_unimplemented(
    message = "the closure has to end in `f.return_(..)`, `f.break_()` or `f.continue_()`",
    label = "this closure goes on"
)]
pub trait Diverges {}

impl Diverges for Exit {}
impl Diverges for Jump {}

/// What a function returns: a value of type `R`.
///
/// A callback returns nothing, which is 0 to the kernel:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |f, _, _, value| {
///     f.if_(value.field(Elem::COUNTER).get().eq(1), || f.return_(1));
/// });
/// ```
/// ```
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |f, _, _, value| {
///     f.if_(value.field(Elem::COUNTER).get().eq(1), || f.return_(()));
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "this function returns `{R}`, not `{Self}`",
    label = "a `{R}` is returned here"
)]
pub trait IntoReturn<'f, R> {
    #[doc(hidden)]
    fn into_return(self, brand: Brand<'f>, at: At) -> Datum;
}

impl<'f> IntoReturn<'f, Any> for dynamic::Value<'f> {
    fn into_return(self, _: Brand<'f>, _: At) -> Datum {
        self.datum()
    }
}

/// Nothing: a callback returns 0 by itself.
impl<'f> IntoReturn<'f, ()> for () {
    fn into_return(self, _: Brand<'f>, _: At) -> Datum {
        Datum::constant(0, ScalarType::I64)
    }
}

/// What the two arms of an `if_else`, or the arms of a `switch`, may both end in: values of one type, which become one value.
#[diagnostic::on_unimplemented(
    message = "the arms end in values, in `()`, in `f.return_(..)` or in `f.break_()`, not in `{Self}`"
)]
pub trait Merge<'f>: Sized {
    /// Where the result of an arm is kept until the arms meet.
    #[doc(hidden)]
    type Slots: Copy;

    #[doc(hidden)]
    fn first(self, brand: Brand<'f>, at: At) -> Self::Slots;
    #[doc(hidden)]
    fn further(self, slots: Self::Slots, brand: Brand<'f>, at: At);
    #[doc(hidden)]
    fn merged(slots: Self::Slots, brand: Brand<'f>) -> Self;
}

macro_rules! merges_of_nothing {
    ($($ty:ty = $value:expr;)*) => {$(
        impl<'f> Merge<'f> for $ty {
            type Slots = ();

            fn first(self, _: Brand<'f>, _: At) {}
            fn further(self, (): (), _: Brand<'f>, _: At) {}
            fn merged((): (), _: Brand<'f>) -> Self {
                $value
            }
        }
    )*};
}

merges_of_nothing! {
    () = ();
    Exit = Exit(());
    Jump = Jump(());
}

/// Where a value is kept until the arms meet.
#[derive(Clone, Copy, Debug)]
pub struct Slot(Variable, ScalarType);

impl<'f> Merge<'f> for dynamic::Value<'f> {
    type Slots = Slot;

    fn first(self, brand: Brand<'f>, at: At) -> Self::Slots {
        Slot(brand.with(|state| state.variable(self.datum(), at)), self.ty())
    }

    fn further(self, Slot(variable, ty): Slot, brand: Brand<'f>, at: At) {
        brand.with(|state| state.set_variable(variable, ty, self.datum(), at));
    }

    fn merged(Slot(variable, ty): Slot, brand: Brand<'f>) -> Self {
        Self::new(brand, brand.with(|state| state.get_variable(variable, ty)))
    }
}

macro_rules! merges_of_tuples {
    ($(($($part:ident $index:tt),*);)*) => {$(
        impl<'f, $($part: Merge<'f>),*> Merge<'f> for ($($part,)*) {
            type Slots = ($($part::Slots,)*);

            fn first(self, brand: Brand<'f>, at: At) -> Self::Slots {
                ($(self.$index.first(brand, at),)*)
            }

            fn further(self, slots: Self::Slots, brand: Brand<'f>, at: At) {
                $(self.$index.further(slots.$index, brand, at);)*
            }

            fn merged(slots: Self::Slots, brand: Brand<'f>) -> Self {
                ($($part::merged(slots.$index, brand),)*)
            }
        }
    )*};
}

merges_of_tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

pub(crate) fn if_<'f, E: End>(brand: Brand<'f>, cond: CondId, at: At, then: impl FnOnce() -> E) -> E::Out {
    let arm = brand.with(|state| state.if_begin(cond, false, at));
    let end = then().out();
    brand.with(|state| state.if_end(&arm, at));
    end
}

pub(crate) fn if_else<'f, E: Merge<'f>>(
    brand: Brand<'f>,
    cond: CondId,
    at: At,
    then: impl FnOnce() -> E,
    otherwise: impl FnOnce() -> E,
) -> E {
    let arm = brand.with(|state| state.if_begin(cond, true, at));
    let slots = then().first(brand, at);
    brand.with(|state| state.if_else(&arm, at));
    otherwise().further(slots, brand, at);
    brand.with(|state| state.if_end(&arm, at));
    E::merged(slots, brand)
}

pub(crate) fn while_<'f, E: End>(
    brand: Brand<'f>,
    at: At,
    cond: impl FnOnce() -> CondId,
    body: impl FnOnce() -> E,
) -> E::Out {
    brand.with(|state| state.loop_begin(at));
    let cond = cond();
    brand.with(|state| state.loop_while(cond, at));
    let end = body().out();
    brand.with(|state| state.loop_end(at));
    end
}

pub(crate) fn loop_<'f, E: End>(brand: Brand<'f>, at: At, body: impl FnOnce() -> E) -> E::Out {
    brand.with(|state| state.loop_begin(at));
    let end = body().out();
    brand.with(|state| state.loop_end(at));
    end
}

pub(crate) fn count<'f, E: End>(
    brand: Brand<'f>,
    (start, end): (Datum, Datum),
    at: At,
    body: impl FnOnce(Datum) -> E,
) -> E::Out {
    let (count, index) = brand.with(|state| state.count_begin(start, end, at));
    let out = body(index).out();
    brand.with(|state| state.count_end(&count, at));
    out
}

/// A switch whose cases are being listed. It is recorded once its default is there.
#[must_use = "a switch does nothing until its default is there: .default(|| ..)"]
pub struct Switch<'f, 'c, E> {
    brand: Brand<'f>,
    value: Datum,
    cases: Vec<(i128, At)>,
    arms: Vec<Box<dyn FnOnce() -> E + 'c>>,
    at: At,
}

impl<'f, 'c, E: Merge<'f>> Switch<'f, 'c, E> {
    pub(crate) const fn new(brand: Brand<'f>, value: Datum, at: At) -> Self {
        Self { brand, value, cases: Vec::new(), arms: Vec::new(), at }
    }

    /// What is done where the value is this number.
    #[track_caller]
    pub fn case(mut self, number: impl Into<i128>, arm: impl FnOnce() -> E + 'c) -> Self {
        self.cases.push((number.into(), Location::caller()));
        self.arms.push(Box::new(arm));
        self
    }

    /// What is done where it is none of the numbers.
    pub fn default(self, arm: impl FnOnce() -> E) -> E {
        let Self { brand, value, cases, arms, at } = self;
        let mut recorded = brand.with(|state| state.switch_begin(value, &cases, at));
        let mut slots = None;
        for case in arms {
            brand.with(|state| state.arm_begin(&mut recorded, at));
            slots = Some(keep(case(), slots, brand, at));
            brand.with(|state| state.arm_end(&recorded, at));
        }
        brand.with(|state| state.arm_begin(&mut recorded, at));
        let slots = keep(arm(), slots, brand, at);
        brand.with(|state| {
            state.arm_end(&recorded, at);
            state.switch_end(&recorded);
        });
        E::merged(slots, brand)
    }
}

fn keep<'f, E: Merge<'f>>(value: E, slots: Option<E::Slots>, brand: Brand<'f>, at: At) -> E::Slots {
    match slots {
        Some(slots) => {
            value.further(slots, brand, at);
            slots
        }
        None => value.first(brand, at),
    }
}

impl<E> std::fmt::Debug for Switch<'_, '_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Switch({} cases)", self.cases.len())
    }
}
