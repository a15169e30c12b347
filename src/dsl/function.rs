//! Functions of the object that others call, or that the kernel calls back.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::dynamic;
use super::error::{Error, site};
use super::func::Func;
use super::ir::At;
use super::record::{Brand, Datum};
use super::scalar::{Operand, Scalar};
use super::types::ScalarType;
use super::value::Value;
use crate::object::Owner;

/// A function that the kernel calls back with the map, a key and the value: when a timer fires.
pub struct Callback<K, V> {
    owner: Owner,
    index: usize,
    types: PhantomData<fn() -> (K, V)>,
}

/// A function with the parameters `A` (a tuple) that returns an `R`.
pub struct Function<A, R> {
    owner: Owner,
    index: usize,
    types: PhantomData<fn(A) -> R>,
}

macro_rules! handles {
    ($($name:ident $a:ident $b:ident;)*) => {$(
        impl<$a, $b> Clone for $name<$a, $b> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$a, $b> Copy for $name<$a, $b> {}

        impl<$a, $b> fmt::Debug for $name<$a, $b> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.index)
            }
        }

        impl<$a, $b> $name<$a, $b> {
            pub(crate) const fn new(owner: Owner, index: usize) -> Self {
                Self { owner, index, types: PhantomData }
            }

            /// Where it stands among the functions of the object with this owner.
            pub(crate) fn index_in(self, owner: Owner) -> Option<usize> {
                (self.owner == owner).then_some(self.index)
            }
        }
    )*};
}

handles! {
    Callback K V;
    Function A R;
}

/// The parameters of a function: a tuple of up to five types of values.
#[diagnostic::on_unimplemented(
    message = "the parameters of a function are a tuple of up to five integers or truth values, not `{Self}`"
)]
pub trait Params {
    /// What its closure gets.
    type Values<'f>;

    #[doc(hidden)]
    const TYPES: &'static [ScalarType];
    #[doc(hidden)]
    fn values<'f>(brand: Brand<'f>) -> Self::Values<'f>;
}

/// What a function with the parameters `A` is called with: a tuple of values or numbers of these types.
#[diagnostic::on_unimplemented(message = "this function takes `{A}`, not `{Self}`")]
pub trait CallArgs<'f, A> {
    #[doc(hidden)]
    fn datums(self, brand: Brand<'f>, at: At) -> Vec<Datum>;
}

macro_rules! params {
    ($(($($ty:ident $arg:ident $index:tt),*);)*) => {$(
        impl<$($ty: Scalar),*> Params for ($($ty,)*) {
            type Values<'f> = ($(Value<'f, $ty>,)*);

            const TYPES: &'static [ScalarType] = &[$($ty::TYPE),*];

            #[allow(clippy::unused_unit, unused_variables)]
            fn values<'f>(brand: Brand<'f>) -> Self::Values<'f> {
                ($(param::<$ty>(brand, $index),)*)
            }
        }

        impl<'f, $($ty: Scalar, $arg: Operand<'f, $ty>),*> CallArgs<'f, ($($ty,)*)> for ($($arg,)*) {
            #[allow(unused_variables)]
            fn datums(self, brand: Brand<'f>, at: At) -> Vec<Datum> {
                vec![$(self.$index.datum(brand, at)),*]
            }
        }
    )*};
}

params! {
    ();
    (A S 0);
    (A S 0, B T 1);
    (A S 0, B T 1, C U 2);
    (A S 0, B T 1, C U 2, D V 3);
    (A S 0, B T 1, C U 2, D V 3, E W 4);
}

fn param<T: Scalar>(brand: Brand<'_>, index: u8) -> Value<'_, T> {
    Value::new(brand, param_of(brand, index, T::TYPE))
}

pub(crate) fn param_of(brand: Brand<'_>, index: u8, ty: ScalarType) -> Datum {
    brand.with(|state| {
        let operand = state.param(index);
        state.made(operand, ty)
    })
}

impl<'f, R> Func<'f, R> {
    /// Calls a function of the object: `f.call_fn(add, (x, 7))`.
    #[track_caller]
    pub fn call_fn<A, Q: Scalar>(self, function: Function<A, Q>, args: impl CallArgs<'f, A>) -> Value<'f, Q> {
        let (brand, at) = (self.brand(), Location::caller());
        let args = args.datums(brand, at);
        let datum = brand.with(|state| {
            let index = function.index_in(state.object.recorder().owner);
            if index.is_none() {
                state.fail(Error::Foreign { what: "function", site: site(at) });
            }
            state.call_function(index.unwrap_or(usize::MAX), &args, Q::TYPE, at)
        });
        Value::new(brand, datum)
    }
}

impl<A: Params, R: Scalar> Function<A, R> {
    /// The same function, with its types known at run time.
    #[must_use]
    pub fn dynamic(self) -> dynamic::Function {
        dynamic::Function {
            owner: self.owner,
            index: self.index,
            params: A::TYPES.to_vec(),
            returns: R::TYPE,
        }
    }
}
