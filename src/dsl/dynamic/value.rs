//! Values and variables.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};
use std::panic::Location;

use super::Cond;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Variable};
use crate::dsl::record::{Binary, Brand, Comparison, Datum};
use crate::dsl::types::ScalarType;

/// A number or truth value in a register, of a type known at run time.
#[derive(Clone, Copy, Debug)]
pub struct Value<'f> {
    brand: Brand<'f>,
    datum: Datum,
}

impl<'f> Value<'f> {
    pub(crate) const fn new(brand: Brand<'f>, datum: Datum) -> Self {
        Self { brand, datum }
    }

    pub(crate) const fn brand(self) -> Brand<'f> {
        self.brand
    }

    pub(crate) const fn datum(self) -> Datum {
        self.datum
    }

    /// Its type.
    #[must_use]
    pub const fn ty(self) -> ScalarType {
        self.datum.ty
    }

    /// The number, if it is known already.
    #[must_use]
    pub const fn number(self) -> Option<i128> {
        self.datum.number()
    }

    /// The operator, with a value of the same type or a number.
    #[track_caller]
    pub fn binary(self, op: Binary, other: impl Rhs<'f>) -> Self {
        let at = Location::caller();
        let other = other.datum_of(self, at);
        Self::new(self.brand, self.brand.with(|state| state.binary(op, self.datum, other, at)))
    }

    /// The comparison, with a value of the same type or a number.
    #[track_caller]
    pub fn compare(self, op: Comparison, other: impl Rhs<'f>) -> Cond<'f> {
        let at = Location::caller();
        let other = other.datum_of(self, at);
        let id = self.brand.with(|state| {
            let compare = state.compare(op, self.datum, other, at);
            state.comparison(compare)
        });
        Cond::new(self.brand, id)
    }

    /// Whether any of the bits of `mask` are set.
    #[track_caller]
    pub fn any_bits(self, mask: impl Rhs<'f>) -> Cond<'f> {
        let at = Location::caller();
        let mask = mask.datum_of(self, at);
        Cond::new(self.brand, self.brand.with(|state| state.bits_set(self.datum, mask, at)))
    }

    /// The same number as another type, as Rust's `as` has it.
    #[track_caller]
    pub fn convert(self, to: ScalarType) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.convert(self.datum, to, at)))
    }
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        /// Comparisons.
        impl<'f> Value<'f> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, other: impl Rhs<'f>) -> Cond<'f> {
                self.compare(Comparison::$op, other)
            })*
        }
    };
}

comparisons! {
    /// `==`
    eq Eq;
    /// `!=`
    ne Ne;
    /// `<`
    lt Lt;
    /// `<=`
    le Le;
    /// `>`
    gt Gt;
    /// `>=`
    ge Ge;
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'f, R: Rhs<'f>> $trait<R> for Value<'f> {
            type Output = Self;

            #[track_caller]
            fn $method(self, other: R) -> Self {
                self.binary(Binary::$op, other)
            }
        }
    )*};
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Div div Div;
    Rem rem Rem;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
    Shl shl Shl;
    Shr shr Shr;
}

impl Neg for Value<'_> {
    type Output = Self;

    #[track_caller]
    fn neg(self) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.negate(self.datum, at)))
    }
}

impl Not for Value<'_> {
    type Output = Self;

    #[track_caller]
    fn not(self) -> Self {
        let at = Location::caller();
        Self::new(self.brand, self.brand.with(|state| state.complement(self.datum, at)))
    }
}

/// What can stand on the right of an operator: a value, or a number, which gets the type of the left side.
pub trait Rhs<'f> {
    #[doc(hidden)]
    fn datum_of(self, left: Value<'f>, at: At) -> Datum;
}

impl<'f> Rhs<'f> for Value<'f> {
    fn datum_of(self, _: Value<'f>, _: At) -> Datum {
        self.datum
    }
}

impl<'f> Rhs<'f> for Var<'f> {
    #[track_caller]
    fn datum_of(self, _: Value<'f>, _: At) -> Datum {
        self.get().datum
    }
}

impl<'f> Rhs<'f> for i64 {
    fn datum_of(self, left: Value<'f>, at: At) -> Datum {
        let (number, ty) = (i128::from(self), left.ty());
        if !ty.holds(number) {
            left.brand.with(|state| state.fail(Error::Number { number, ty, site: site(at) }));
        }
        Datum::constant(self, ty)
    }
}

/// A variable: set as often as one likes.
#[derive(Clone, Copy, Debug)]
pub struct Var<'f> {
    brand: Brand<'f>,
    variable: Variable,
    ty: ScalarType,
}

impl<'f> Var<'f> {
    pub(crate) fn new(brand: Brand<'f>, value: Datum, at: At) -> Self {
        Self { brand, variable: brand.with(|state| state.variable(value, at)), ty: value.ty }
    }

    pub(crate) const fn brand(self) -> Brand<'f> {
        self.brand
    }

    /// Its type.
    #[must_use]
    pub const fn ty(self) -> ScalarType {
        self.ty
    }

    /// What it holds here.
    pub fn get(self) -> Value<'f> {
        Value::new(self.brand, self.brand.with(|state| state.get_variable(self.variable, self.ty)))
    }

    /// Sets it to a value of its type, or to a number.
    #[track_caller]
    pub fn set(self, value: impl Rhs<'f>) {
        let at = Location::caller();
        let value = value.datum_of(self.get(), at);
        self.set_datum(value, at);
    }

    pub(crate) fn set_datum(self, value: Datum, at: At) {
        self.brand.with(|state| state.set_variable(self.variable, self.ty, value, at));
    }
}
