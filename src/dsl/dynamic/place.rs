//! Places in memory, and pointers that may be null.

use std::marker::PhantomData;
use std::panic::Location;

use super::{Layout, Rhs, Value};
use crate::asm;
use crate::dsl::error::Error;
use crate::dsl::flow::{self, Diverges, End, IntoReturn, Merge};
use crate::dsl::ir::{At, Compare, Operand};
use crate::dsl::record::{Brand, CondId, Datum, MapId, Pointer};
use crate::dsl::types::ScalarType;

/// A place in memory whose layout is known at run time: on the stack, in a map's value, in the context, ...
#[derive(Clone, Copy, Debug)]
pub struct Place<'f> {
    brand: Brand<'f>,
    pointer: Pointer,
}

impl<'f> Place<'f> {
    pub(crate) const fn new(brand: Brand<'f>, pointer: Pointer) -> Self {
        Self { brand, pointer }
    }

    pub(crate) const fn brand(self) -> Brand<'f> {
        self.brand
    }

    pub(crate) const fn pointer(self) -> Pointer {
        self.pointer
    }

    pub(crate) const fn map(self) -> Option<MapId> {
        self.pointer.map
    }

    /// What lies there.
    #[must_use]
    pub const fn layout(self) -> Layout {
        self.pointer.layout
    }

    /// The same bytes, as something else.
    pub(crate) const fn as_layout(self, layout: Layout) -> Self {
        let Self { brand, pointer } = self;
        Self { brand, pointer: Pointer { layout, ..pointer } }
    }

    /// The member of the struct or union that lies here.
    ///
    /// # Errors
    /// It has none of this name, or is no struct.
    #[track_caller]
    pub fn field(self, name: &str) -> Result<Self, Error> {
        let at = Location::caller();
        let pointer = self.brand.with(|state| state.member(self.pointer, name, at))?;
        Ok(Self::new(self.brand, pointer))
    }

    /// What lies `offset` bytes from its start.
    #[track_caller]
    pub fn offset(self, offset: usize, layout: Layout) -> Self {
        let at = Location::caller();
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        Self::new(self.brand, self.brand.with(|state| state.inside(self.pointer, offset, layout, at)))
    }

    /// An element of the array that lies here. The verifier has to see as well that the index is below the number of elements:
    /// a number, a value of a small type, or one that `&`, `>>` or the end of a loop keeps small.
    #[track_caller]
    pub fn at(self, index: impl Rhs<'f>) -> Self {
        let at = Location::caller();
        let left = Value::new(self.brand, Datum::constant(0, ScalarType::U64));
        let index = index.datum_of(left, at);
        let pointer = self.brand.with(|state| {
            let elements = state.elements(self.pointer, at);
            state.element(self.pointer, elements, index, at)
        });
        Self::new(self.brand, pointer)
    }

    /// The number that lies here.
    #[track_caller]
    pub fn get(self) -> Value<'f> {
        self.get_at(Location::caller())
    }

    pub(crate) fn get_at(self, at: At) -> Value<'f> {
        Value::new(self.brand, self.brand.with(|state| state.load(self.pointer, at)))
    }

    pub(crate) fn set_at(self, value: Value<'f>, at: At) {
        self.brand.with(|state| state.store(self.pointer, value.datum(), at));
    }

    /// Writes a number here.
    #[track_caller]
    pub fn set(self, value: impl Rhs<'f>) {
        let at = Location::caller();
        let ty = match self.layout() {
            Layout::Scalar(ty) | Layout::Network(ty) => ty,
            _ => ScalarType::U64,
        };
        let value = value.datum_of(Value::new(self.brand, Datum::constant(0, ty)), at);
        self.brand.with(|state| state.store(self.pointer, value, at));
    }
}

/// What may be there or not: the result of a look-up. The check is the only way to it.
///
/// Nothing can be done with it before:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u32));
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
#[must_use = "what may be null has to be checked: or_return(..), or_else(..), if_some(..)"]
#[derive(Debug)]
pub struct MaybeNull<'f, P, R> {
    brand: Brand<'f>,
    missing: Missing,
    place: P,
    returns: PhantomData<fn() -> R>,
}

/// When something is not there.
#[derive(Clone, Copy, Debug)]
enum Missing {
    /// Where the pointer is null.
    Null(Pointer),
    /// Where the condition holds.
    If(CondId),
}

impl<'f, P: Copy, R> MaybeNull<'f, P, R> {
    pub(crate) const fn new(brand: Brand<'f>, pointer: Pointer, place: P) -> Self {
        Self { brand, missing: Missing::Null(pointer), place, returns: PhantomData }
    }

    /// What is there unless the condition holds.
    pub(crate) const fn unless(brand: Brand<'f>, missing: CondId, place: P) -> Self {
        Self { brand, missing: Missing::If(missing), place, returns: PhantomData }
    }

    /// The same, as another kind of place.
    pub(crate) fn map<Q: Copy>(self, f: impl FnOnce(P) -> Q) -> MaybeNull<'f, Q, R> {
        MaybeNull { brand: self.brand, missing: self.missing, place: f(self.place), returns: PhantomData }
    }

    /// What is there; where nothing is, the function returns.
    #[track_caller]
    pub fn or_return(self, value: impl IntoReturn<'f, R>) -> P {
        let at = Location::caller();
        let (brand, null) = (self.brand, self.is_null(at));
        let arm = brand.with(|state| state.if_begin(null, false, at));
        let value = value.into_return(brand, at);
        brand.with(|state| {
            state.return_(value, at);
            state.if_end(&arm, at);
        });
        self.place
    }

    /// What is there; where nothing is, what the closure does, which has to end in a return, a break or a continue.
    ///
    /// ```compile_fail,E0277
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_else(|| ());
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
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_else(|| f.return_(Verdict::ALLOW));
    ///     value.field(Elem::COUNTER).set(1);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn or_else<E: Diverges>(self, none: impl FnOnce() -> E) -> P {
        let at = Location::caller();
        let null = self.is_null(at);
        flow::if_(self.brand, null, at, || {
            none();
        });
        self.place
    }

    /// What is there; where nothing is, the place that the closure ends in (C: `if (!p) p = ..;`).
    ///
    /// ```
    /// # use bpfsmith::dsl::{UpdateFlags, Xdp, XdpAction};
    /// # use bpfsmith::{map::MapSpec, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// let counts = object.map(MapSpec::hash::<u32, u64>("counts").max_entries(16));
    /// object.program("count", Xdp::XDP, |f, ctx| {
    ///     let key = f.local(ctx.ingress_ifindex());
    ///     let count = f.map_lookup(&counts, &key).or_place(|| {
    ///         f.map_update(&counts, &key, &f.local(0u64), UpdateFlags::NOEXIST);
    ///         f.map_lookup(&counts, &key).or_return(XdpAction::ABORTED)
    ///     });
    ///     count.fetch_add(1);
    ///     f.return_(XdpAction::PASS)
    /// });
    /// # object.finish().unwrap();
    /// ```
    #[track_caller]
    pub fn or_place(self, none: impl FnOnce() -> P) -> P
    where
        P: Merge<'f>,
    {
        let at = Location::caller();
        let null = self.is_null(at);
        flow::if_else(self.brand, null, at, none, || self.place)
    }

    /// Does this where something is there.
    #[track_caller]
    pub fn if_some<E: End>(self, some: impl FnOnce(P) -> E) -> E::Out {
        let at = Location::caller();
        let there = self.is_there(at);
        flow::if_(self.brand, there, at, || some(self.place))
    }

    fn is_null(&self, at: At) -> CondId {
        match self.missing {
            Missing::Null(pointer) => self.compare(pointer, asm::Cond::Eq, at),
            Missing::If(missing) => missing,
        }
    }

    fn is_there(&self, at: At) -> CondId {
        match self.missing {
            Missing::Null(pointer) => self.compare(pointer, asm::Cond::Ne, at),
            Missing::If(missing) => self.brand.with(|state| state.not(missing, at)),
        }
    }

    fn compare(&self, pointer: Pointer, cond: asm::Cond, at: At) -> CondId {
        let zero = Operand::Imm(0);
        self.brand.with(|state| {
            let a = state.address(pointer, at);
            state.comparison(Compare { cond, width: asm::Width::Bits64, a, b: zero })
        })
    }
}
