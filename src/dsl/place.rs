//! Places in memory with Rust types.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::dynamic::{self, Layout, MaybeNull};
use super::flow::Merge;
use super::func::Func;
use super::ir::At;
use super::record::{Brand, Datum, PlaceVariable, Pointer};
use super::scalar::{Number, Operand, Readable};
use super::types::ScalarType;
use super::value::{Value, Var};
use crate::btf::{BtfType, Field};

/// A place can be read and written.
#[derive(Clone, Copy, Debug)]
pub enum Rw {}

/// A place can be read only.
///
/// Keys, constants, and the packets of some kinds:
///
/// ```compile_fail,E0599
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |_, _, key, value| {
///     key.set(1);
///     value.field(Elem::COUNTER).set(1);
/// });
/// ```
/// ```
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |_, _, key, value| {
///     key.get();
///     value.field(Elem::COUNTER).set(1);
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Ro {}

/// A place in memory where a `T` lies: on the stack, in a map's value or key, in a packet. `M` says whether it can be
/// written.
pub struct Place<'f, T, M = Rw> {
    place: dynamic::Place<'f>,
    types: PhantomData<fn() -> (T, M)>,
}

impl<T, M> Clone for Place<'_, T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, M> Copy for Place<'_, T, M> {}

impl<T, M> fmt::Debug for Place<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl<'f, T, M> Place<'f, T, M> {
    pub(crate) const fn new(place: dynamic::Place<'f>) -> Self {
        Self { place, types: PhantomData }
    }

    pub(crate) const fn brand(self) -> Brand<'f> {
        self.place.brand()
    }

    pub(crate) const fn pointer(self) -> Pointer {
        self.place.pointer()
    }

    /// A field of the struct that lies here: `value.field(Elem::COUNTER)`.
    ///
    /// The field is one of this struct:
    ///
    /// ```compile_fail,E0308
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # #[derive(BtfType)] #[repr(C)] struct Other { counter: i32 }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
    ///     value.field(Other::COUNTER).set(1);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # #[derive(BtfType)] #[repr(C)] struct Other { counter: i32 }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
    ///     value.field(Elem::COUNTER).set(1);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn field<U: BtfType>(self, field: Field<T, U>) -> Place<'f, U, M> {
        Place::new(self.place.offset(field.offset(), Layout::Bytes(size_of_type::<U>())))
    }
}

impl<'f, T: BtfType, M> Place<'f, T, M> {
    /// The same place, with what lies there known at run time only.
    #[track_caller]
    pub fn dynamic(self) -> dynamic::Place<'f> {
        let (brand, pointer, at) = (self.brand(), self.pointer(), Location::caller());
        let layout = brand.with(|state| state.layout_of(T::btf, size_of_type::<T>(), at));
        dynamic::Place::new(brand, Pointer { layout, ..pointer })
    }
}

impl<'f, T: Readable, M> Place<'f, T, M> {
    /// The number that lies here, in the byte order of the machine.
    #[track_caller]
    pub fn get(self) -> Value<'f, T::Number> {
        let at = Location::caller();
        let from = Pointer { layout: T::LAYOUT, ..self.pointer() };
        Value::new(self.brand(), self.brand().with(|state| state.load(from, at)))
    }
}

impl<'f, T: Readable> Place<'f, T, Rw> {
    /// Writes a number here.
    #[track_caller]
    pub fn set(self, value: impl Operand<'f, T::Number>) {
        let at = Location::caller();
        let value = value.datum(self.brand(), at);
        let to = Pointer { layout: T::LAYOUT, ..self.pointer() };
        self.brand().with(|state| state.store(to, value, at));
    }
}

impl<'f, T: BtfType, M, const N: usize> Place<'f, [T; N], M> {
    /// An element of the array. The verifier has to see as well that the index is below the number of elements: a
    /// literal, a value of a small type, or one that `&`, `>>` or the end of a loop keeps small.
    #[track_caller]
    pub fn at(self, index: impl Index<'f>) -> Place<'f, T, M> {
        let (brand, at) = (self.brand(), Location::caller());
        let index = index.index(brand, at);
        let elements = (Layout::Bytes(size_of_type::<T>()), u32::try_from(N).unwrap_or(u32::MAX));
        let pointer = brand.with(|state| state.element(self.pointer(), elements, index, at));
        Place::new(dynamic::Place::new(brand, pointer))
    }
}

/// A variable that holds places: set as often as one likes.
pub struct PlaceVar<'f, T, M = Rw> {
    brand: Brand<'f>,
    variable: PlaceVariable,
    types: PhantomData<fn() -> (T, M)>,
}

impl<T, M> Clone for PlaceVar<'_, T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, M> Copy for PlaceVar<'_, T, M> {}

impl<T, M> fmt::Debug for PlaceVar<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.variable.fmt(f)
    }
}

impl<'f, T, M> PlaceVar<'f, T, M> {
    /// The place it holds here.
    pub fn get(self) -> Place<'f, T, M> {
        let pointer = self.brand.with(|state| state.get_place(self.variable));
        Place::new(dynamic::Place::new(self.brand, pointer))
    }

    /// Sets it to another place: in the same map, or in memory of the same kind.
    #[track_caller]
    pub fn set(self, place: &Place<'f, T, M>) {
        let at = Location::caller();
        self.brand.with(|state| state.set_place(self.variable, place.pointer(), at));
    }
}

impl<'f, R> Func<'f, R> {
    /// A variable that holds a place (C: `struct elem *p = value;`).
    #[track_caller]
    pub fn place_var<T, M>(self, place: &Place<'f, T, M>) -> PlaceVar<'f, T, M> {
        let (brand, at) = (self.brand(), Location::caller());
        let variable = brand.with(|state| state.place_variable(place.pointer(), at));
        PlaceVar { brand, variable, types: PhantomData }
    }
}

/// Places of one type, in memory of one kind.
impl<'f, T, M> Merge<'f> for Place<'f, T, M> {
    type Slots = PlaceVariable;

    fn first(self, brand: Brand<'f>, at: At) -> PlaceVariable {
        brand.with(|state| state.place_variable(self.pointer(), at))
    }

    fn further(self, slots: PlaceVariable, brand: Brand<'f>, at: At) {
        brand.with(|state| state.meet_place(slots, self.pointer(), at));
    }

    fn merged(slots: PlaceVariable, brand: Brand<'f>) -> Self {
        Self::new(dynamic::Place::merged(slots, brand))
    }
}

/// Places of one size, in memory of one kind.
impl<'f> Merge<'f> for dynamic::Place<'f> {
    type Slots = PlaceVariable;

    fn first(self, brand: Brand<'f>, at: At) -> PlaceVariable {
        brand.with(|state| state.place_variable(self.pointer(), at))
    }

    fn further(self, slots: PlaceVariable, brand: Brand<'f>, at: At) {
        brand.with(|state| state.meet_place(slots, self.pointer(), at));
    }

    fn merged(slots: PlaceVariable, brand: Brand<'f>) -> Self {
        Self::new(brand, brand.with(|state| state.get_place(slots)))
    }
}

/// What an array is indexed with: a number known now, or an unsigned value.
#[diagnostic::on_unimplemented(
    message = "an array is indexed with a `usize` or an unsigned value, not with `{Self}`"
)]
pub trait Index<'f> {
    #[doc(hidden)]
    fn index(self, brand: Brand<'f>, at: At) -> Datum;
}

impl<'f> Index<'f> for usize {
    fn index(self, _: Brand<'f>, _: At) -> Datum {
        Datum::constant(i64::try_from(self).unwrap_or(i64::MAX), ScalarType::U64)
    }
}

impl<'f, T: Number> Index<'f> for Value<'f, T> {
    fn index(self, brand: Brand<'f>, at: At) -> Datum {
        brand.with(|state| state.convert(self.dynamic().datum(), ScalarType::U64, at))
    }
}

impl<'f, T: Number> Index<'f> for Var<'f, T> {
    fn index(self, brand: Brand<'f>, at: At) -> Datum {
        self.get().index(brand, at)
    }
}

/// A pointer to a `T`, as helpers want keys and values: a place of it.
///
/// A key or value of another type is none:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u64)).or_return(Verdict::ALLOW);
///     value.field(Elem::COUNTER).set(1);
///     f.return_(Verdict::ALLOW)
/// });
/// ```
/// ```
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
///     value.field(Elem::COUNTER).set(1);
///     f.return_(Verdict::ALLOW)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "a pointer to `{T}` is expected, `{Self}` is not one",
    label = "not a place of `{T}`",
    note = "put a value on the stack first: `&f.local(value)`"
)]
pub trait AsPtr<'f, T> {
    #[doc(hidden)]
    fn place(self) -> dynamic::Place<'f>;
}

impl<'f, T, M> AsPtr<'f, T> for &Place<'f, T, M> {
    fn place(self) -> dynamic::Place<'f> {
        self.place
    }
}

pub(crate) const fn size_of_type<T: BtfType>() -> u32 {
    if T::SIZE > u32::MAX as usize { u32::MAX } else { T::SIZE as u32 }
}

/// Never implemented: what is asked of what has not been checked yet.
#[diagnostic::on_unimplemented(
    message = "the look-up may have found nothing: check it before use",
    label = "not checked yet",
    note = "write .or_return(..), .or_else(..) or .if_some(..) first"
)]
pub trait Checked {}

/// What there is only once it is checked.
impl<'f, T, M, R> MaybeNull<'f, Place<'f, T, M>, R> {
    #[doc(hidden)]
    pub fn field<U: BtfType>(self, _: Field<T, U>) -> Place<'f, U, M>
    where
        Self: Checked,
    {
        unreachable!("nothing is `Checked`")
    }

    #[doc(hidden)]
    pub fn get(self) -> Value<'f, T::Number>
    where
        Self: Checked,
        T: Readable,
    {
        unreachable!("nothing is `Checked`")
    }

    #[doc(hidden)]
    pub fn set(self, _: impl Operand<'f, T::Number>)
    where
        Self: Checked,
        T: Readable,
    {
        unreachable!("nothing is `Checked`")
    }
}
