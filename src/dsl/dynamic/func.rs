//! The function that is being recorded, with types known at run time.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::{Any, Layout, MaybeNull, Place, Rhs, ScalarType, Value, Var};
use crate::base::Helper;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::At;
use crate::dsl::map::map_of;
use crate::dsl::record::{Argument, Brand, Datum, MapArgument, MapId, Returned};
use crate::object::{MapRef, Owner};

/// The function that is being recorded: everything that is done with types known at run time. Control flow is
/// that of [`dsl::Func`](crate::dsl::Func).
pub struct Func<'f, R = Any> {
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

    /// A number of this type.
    #[track_caller]
    pub fn number(self, ty: ScalarType, number: i64) -> Value<'f> {
        let at = Location::caller();
        let zero = Value::new(self.brand, Datum::constant(0, ty));
        Value::new(self.brand, number.datum_of(zero, at))
    }

    /// A variable that begins with this value.
    #[track_caller]
    pub fn var(self, value: Value<'f>) -> Var<'f> {
        Var::new(self.brand, value.datum(), Location::caller())
    }

    /// Room on the stack, all zeros.
    #[track_caller]
    pub fn zeroed(self, layout: Layout) -> Place<'f> {
        let at = Location::caller();
        let pointer = self.brand.with(|state| {
            let place = state.local(layout, at);
            state.zero(place, at);
            place
        });
        Place::new(self.brand, pointer)
    }

    /// Room on the stack for a value.
    #[track_caller]
    pub fn local(self, value: Value<'f>) -> Place<'f> {
        let at = Location::caller();
        let pointer = self.brand.with(|state| {
            let place = state.local(Layout::Scalar(value.ty()), at);
            state.store(place, value.datum(), at);
            place
        });
        Place::new(self.brand, pointer)
    }

    /// Calls a helper. Its arguments have to be what its prototype says.
    #[track_caller]
    pub fn call(self, helper: Helper, args: &[Arg<'f>]) -> Result<'f, R> {
        self.call_at(helper, args, Location::caller())
    }

    pub(crate) fn call_at(self, helper: Helper, args: &[Arg<'f>], at: At) -> Result<'f, R> {
        let returned = self.brand.with(|state| {
            let args: Vec<_> = args.iter().map(|arg| arg.0).collect();
            state.call_helper(helper, &args, at)
        });
        Result { brand: self.brand, returned, helper, at, returns: PhantomData }
    }

    /// A map of the object, as an argument.
    #[track_caller]
    pub fn map<K, V>(self, map: MapRef<K, V>) -> MapArg<'f> {
        map_of(self.brand, map.untyped(), Location::caller())
    }

    /// Calls a function of the object; the types of the arguments have to be those of its parameters.
    #[track_caller]
    pub fn call_function(self, function: &Function, args: &[Value<'f>]) -> Value<'f> {
        let at = Location::caller();
        let datum = self.brand.with(|state| {
            if function.owner != state.object.recorder().owner {
                state.fail(Error::Foreign { what: "function", site: site(at) });
            }
            let name =
                state.object.recorder().announced.get(function.index).map(|known| known.name.to_string());
            let callee = name.unwrap_or_default();
            if args.len() != function.params.len() {
                let (expected, found) = (function.params.len(), args.len());
                state.fail(Error::ArgumentCount { callee, expected, found, site: site(at) });
            }
            for (arg, &expected) in args.iter().zip(&function.params) {
                if arg.ty() != expected {
                    state.mismatch(expected, arg.ty(), at);
                }
            }
            let args: Vec<_> = args.iter().map(|arg| arg.datum()).collect();
            state.call_function(function.index, &args, function.returns, at)
        });
        Value::new(self.brand, datum)
    }
}

/// A function of the object that can be called: its parameters and what it returns.
#[derive(Clone, Debug)]
pub struct Function {
    pub(crate) owner: Owner,
    pub(crate) index: usize,
    pub(crate) params: Vec<ScalarType>,
    pub(crate) returns: ScalarType,
}

/// A map as an argument.
#[derive(Clone, Copy, Debug)]
pub struct MapArg<'f> {
    brand: Brand<'f>,
    map: MapArgument,
}

impl<'f> MapArg<'f> {
    pub(crate) const fn new(brand: Brand<'f>, map: MapArgument) -> Self {
        Self { brand, map }
    }

    pub(crate) const fn id(self) -> MapId {
        self.map.id
    }

    /// What its values are.
    #[must_use]
    pub fn value_layout(self) -> Layout {
        self.brand.with(|state| state.value_layout(self.map.id))
    }

    /// What its keys are; no bytes where it has none.
    #[must_use]
    pub fn key_layout(self) -> Layout {
        self.brand.with(|state| state.key_layout(self.map.id))
    }
}

/// An argument of a helper.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'f>(pub(crate) Argument, PhantomData<Brand<'f>>);

impl Arg<'_> {
    /// The null pointer.
    pub const NULL: Self = Self(Argument::Null, PhantomData);

    pub(crate) const fn new(argument: Argument) -> Self {
        Self(argument, PhantomData)
    }

    pub(crate) const fn number(number: i64) -> Self {
        Self::new(Argument::Number(Datum::constant(number, ScalarType::U64)))
    }
}

impl<'f> From<Value<'f>> for Arg<'f> {
    fn from(value: Value<'f>) -> Self {
        Self::new(Argument::Number(value.datum()))
    }
}

impl<'f> From<Place<'f>> for Arg<'f> {
    fn from(place: Place<'f>) -> Self {
        Self::new(Argument::Pointer(place.pointer()))
    }
}

impl<'f> From<MapArg<'f>> for Arg<'f> {
    fn from(map: MapArg<'f>) -> Self {
        Self::new(Argument::Map(map.map))
    }
}

/// What a helper left: which of the kinds it is follows from its prototype.
#[derive(Debug)]
#[must_use = "what the helper left is taken with value(), place() or maybe_null()"]
pub struct Result<'f, R> {
    brand: Brand<'f>,
    returned: Returned,
    helper: Helper,
    at: At,
    returns: PhantomData<fn() -> R>,
}

impl<'f, R> Result<'f, R> {
    /// It returns nothing, or nothing of interest.
    pub const fn nothing(self) {}

    /// The number it returned.
    pub fn value(self) -> Value<'f> {
        let datum = match self.returned {
            Returned::Number(datum) => datum,
            _ => self.wrong("number", Datum::constant(0, ScalarType::I64)),
        };
        Value::new(self.brand, datum)
    }

    /// The pointer it returned.
    pub fn place(self) -> Place<'f> {
        let Returned::Pointer(pointer) = self.returned else {
            let pointer = self.some_place();
            return Place::new(self.brand, self.wrong("pointer", pointer));
        };
        Place::new(self.brand, pointer)
    }

    /// The pointer it returned, or null.
    pub fn maybe_null(self) -> MaybeNull<'f, Place<'f>, R> {
        let Returned::MaybeNull(pointer) = self.returned else {
            let pointer = self.some_place();
            return MaybeNull::new(
                self.brand,
                pointer,
                Place::new(self.brand, self.wrong("pointer or null", pointer)),
            );
        };
        MaybeNull::new(self.brand, pointer, Place::new(self.brand, pointer))
    }

    fn some_place(&self) -> crate::dsl::record::Pointer {
        self.brand.with(|state| state.local(Layout::Bytes(0), self.at))
    }

    fn wrong<T>(&self, expected: &str, stand_in: T) -> T {
        let found = format!("result of {}", self.helper);
        let error = Error::Type { expected: expected.into(), found, site: site(self.at) };
        self.brand.with(|state| state.fail(error));
        stand_in
    }
}
