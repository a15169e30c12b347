//! Values and variables with Rust types.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};
use std::panic::Location;

use super::dynamic::{self, Binary, Comparison, Cond};
use super::flow::Merge;
use super::ir::At;
use super::record::{Brand, Datum};
use super::scalar::{self, Number, Operand, Scalar};

/// A number of type `T` in a register, or a truth value.
///
/// Operators take values, variables and literals of the same type; they wrap. [`to`](Self::to) is the only conversion. A
/// division by 0 is 0, a remainder by 0 the left side. The amount of a shift that is not a literal counts modulo 64 for
/// types of 64 bits, modulo 32 for others.
///
/// Literals take the type of the other side, and have to fit it:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.local(f.val(1u64) + -1);
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.local(f.val(1i64) + -1);
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
///
/// What is compared is known when the program runs, not when it is recorded:
///
/// ```compile_fail,E0369
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     f.if_(n == 1, || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     let n = f.get_prandom_u32();
///     f.if_(n.eq(1), || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// # assert!(object.finish().is_ok());
/// ```
pub struct Value<'f, T> {
    value: dynamic::Value<'f>,
    ty: PhantomData<fn() -> T>,
}

impl<T> Clone for Value<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Value<'_, T> {}

impl<T> fmt::Debug for Value<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'f, T: Scalar> Value<'f, T> {
    pub(crate) const fn new(brand: Brand<'f>, datum: Datum) -> Self {
        Self { value: dynamic::Value::new(brand, datum), ty: PhantomData }
    }

    /// The same value, with its type known at run time only.
    pub const fn dynamic(self) -> dynamic::Value<'f> {
        self.value
    }
}

impl<'f> dynamic::Value<'f> {
    /// The same value with the Rust type it has. Another type is a mistake, which is noted with this line.
    #[track_caller]
    pub fn typed<T: Scalar>(self) -> Value<'f, T> {
        Value::new(self.brand(), scalar::typed::<T>(self, Location::caller()))
    }
}

impl<'f, T: Number> Value<'f, T> {
    /// The same number as another type, as Rust's `as` has it: bits that do not fit are dropped.
    #[track_caller]
    pub fn to<U: Number>(self) -> Value<'f, U> {
        let (brand, at) = (self.value.brand(), Location::caller());
        Value::new(brand, brand.with(|state| state.convert(self.value.datum(), U::TYPE, at)))
    }

    /// Whether any of the bits of `mask` are set.
    #[track_caller]
    pub fn any_bits(self, mask: impl Operand<'f, T>) -> Cond<'f> {
        let at = Location::caller();
        let mask = mask.datum(self.value.brand(), at);
        self.value.any_bits(dynamic::Value::new(self.value.brand(), mask))
    }

    #[track_caller]
    fn binary(self, op: Binary, other: impl Operand<'f, T>) -> Self {
        let (brand, at) = (self.value.brand(), Location::caller());
        let other = other.datum(brand, at);
        Self::new(brand, binary(brand, op, self.value.datum(), other, at))
    }
}

impl<'f> Value<'f, bool> {
    /// Whether it is true.
    #[track_caller]
    pub fn is_true(self) -> Cond<'f> {
        self.value.into()
    }

    /// A truth value as a number, 0 or 1.
    #[track_caller]
    pub fn to<U: Number>(self) -> Value<'f, U> {
        let (brand, at) = (self.value.brand(), Location::caller());
        Value::new(brand, brand.with(|state| state.convert(self.value.datum(), U::TYPE, at)))
    }
}

impl<'f> From<Value<'f, bool>> for Cond<'f> {
    #[track_caller]
    fn from(value: Value<'f, bool>) -> Self {
        value.value.into()
    }
}

fn binary<'f>(brand: Brand<'f>, op: Binary, a: Datum, b: Datum, at: At) -> Datum {
    brand.with(|state| state.binary(op, a, b, at))
}

fn compare<'f>(brand: Brand<'f>, op: Comparison, a: Datum, b: Datum, at: At) -> Cond<'f> {
    let id = brand.with(|state| {
        let compare = state.compare(op, a, b, at);
        state.comparison(compare)
    });
    Cond::new(brand, id)
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        /// Comparisons.
        impl<'f, T: Scalar> Value<'f, T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, other: impl Operand<'f, T>) -> Cond<'f> {
                let (brand, at) = (self.value.brand(), Location::caller());
                let other = other.datum(brand, at);
                compare(brand, Comparison::$op, self.value.datum(), other, at)
            })*
        }

        /// Comparisons.
        impl<'f, T: Scalar> Var<'f, T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, other: impl Operand<'f, T>) -> Cond<'f> {
                self.get().$name(other)
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

/// A variable of type `T`: set as often as one likes.
pub struct Var<'f, T> {
    var: dynamic::Var<'f>,
    ty: PhantomData<fn() -> T>,
}

impl<T> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Var<'_, T> {}

impl<T> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.var.fmt(f)
    }
}

impl<'f, T: Scalar> Var<'f, T> {
    pub(crate) fn new(brand: Brand<'f>, value: Datum, at: At) -> Self {
        Self { var: dynamic::Var::new(brand, value, at), ty: PhantomData }
    }

    /// What it holds here.
    pub fn get(self) -> Value<'f, T> {
        Value { value: self.var.get(), ty: PhantomData }
    }

    /// Sets it.
    #[track_caller]
    pub fn set(self, value: impl Operand<'f, T>) {
        let at = Location::caller();
        self.var.set_datum(value.datum(self.var.brand(), at), at);
    }

    /// The same variable, with its type known at run time only.
    #[must_use]
    pub const fn dynamic(self) -> dynamic::Var<'f> {
        self.var
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'f, T: Number, R: Operand<'f, T>> $trait<R> for Value<'f, T> {
            type Output = Value<'f, T>;

            #[track_caller]
            fn $method(self, other: R) -> Value<'f, T> {
                self.binary(Binary::$op, other)
            }
        }

        impl<'f, T: Number, R: Operand<'f, T>> $trait<R> for Var<'f, T> {
            type Output = Value<'f, T>;

            #[track_caller]
            fn $method(self, other: R) -> Value<'f, T> {
                self.get().binary(Binary::$op, other)
            }
        }

        operators!(literals $trait $method $op: u8 u16 u32 u64 i8 i16 i32 i64);
    )*};
    (literals $trait:ident $method:ident $op:ident: $($ty:ident)*) => {$(
        impl<'f> $trait<Value<'f, $ty>> for $ty {
            type Output = Value<'f, $ty>;

            #[track_caller]
            fn $method(self, other: Value<'f, $ty>) -> Value<'f, $ty> {
                let (brand, at) = (other.value.brand(), Location::caller());
                let left = Datum::constant(self.bits(), <$ty>::TYPE);
                Value::new(brand, binary(brand, Binary::$op, left, other.value.datum(), at))
            }
        }

        impl<'f> $trait<Var<'f, $ty>> for $ty {
            type Output = Value<'f, $ty>;

            #[track_caller]
            fn $method(self, other: Var<'f, $ty>) -> Value<'f, $ty> {
                $trait::$method(self, other.get())
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

impl<T: Number> Neg for Value<'_, T> {
    type Output = Self;

    #[track_caller]
    fn neg(self) -> Self {
        Self { value: -self.value, ty: PhantomData }
    }
}

impl<T: Scalar> Not for Value<'_, T> {
    type Output = Self;

    #[track_caller]
    fn not(self) -> Self {
        Self { value: !self.value, ty: PhantomData }
    }
}

impl<'f, T: Scalar> Merge<'f> for Value<'f, T> {
    type Slots = <dynamic::Value<'f> as Merge<'f>>::Slots;

    fn first(self, brand: Brand<'f>, at: At) -> Self::Slots {
        self.value.first(brand, at)
    }

    fn further(self, slots: Self::Slots, brand: Brand<'f>, at: At) {
        self.value.further(slots, brand, at);
    }

    fn merged(slots: Self::Slots, brand: Brand<'f>) -> Self {
        Self { value: Merge::merged(slots, brand), ty: PhantomData }
    }
}
