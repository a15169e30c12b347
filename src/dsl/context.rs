//! Contexts: their fields by name, as the table of [`kind`](crate::kind) has them.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::dynamic;
use super::error::{Error, site};
use super::ir::At;
use super::record::{Brand, Datum, Pointer, Region};
use super::scalar::{Operand, Scalar};
use super::types::{Layout, ScalarType};
use super::value::Value;
use crate::kind::{ContextAccess, ContextField, Direction, ProgramKind};

/// What a program starts with, with types known at run time.
#[derive(Clone, Copy, Debug)]
pub struct DynamicContext<'f> {
    place: dynamic::Place<'f>,
    kind: ProgramKind,
}

impl<'f> DynamicContext<'f> {
    pub(crate) fn new(brand: Brand<'f>, kind: ProgramKind) -> Self {
        let pointer = brand.with(|state| {
            let layout = Layout::Bytes(kind.context().size());
            Pointer::new(state.param_base(0), layout, Region::Context, state.scope())
        });
        Self { place: dynamic::Place::new(brand, pointer), kind }
    }

    /// The kind of the program.
    #[must_use]
    pub const fn kind(self) -> ProgramKind {
        self.kind
    }

    /// The context itself, as an argument of helpers.
    #[must_use]
    pub const fn place(self) -> dynamic::Place<'f> {
        self.place
    }

    /// The number in the field `name`.
    ///
    /// # Errors
    /// Programs of the kind have no such field, cannot read it, or it is no number.
    #[track_caller]
    pub fn get(self, name: &str) -> Result<dynamic::Value<'f>, Error> {
        let at = Location::caller();
        let field = self.field(name, at)?;
        let ty = self.whole(&field, at)?;
        self.access(&field, 0, ty, Direction::Read, at).map(|place| place.get_at(at))
    }

    /// Sets the field `name`.
    ///
    /// # Errors
    /// Programs of the kind have no such field, cannot write it, or it is no number.
    #[track_caller]
    pub fn set(self, name: &str, value: dynamic::Value<'f>) -> Result<(), Error> {
        let at = Location::caller();
        let field = self.field(name, at)?;
        let ty = self.whole(&field, at)?;
        let place = self.access(&field, 0, ty, Direction::Write, at)?;
        place.set_at(value, at);
        Ok(())
    }

    /// A number in the field `name`, so many bytes from its start: an element of an array, or a part.
    ///
    /// # Errors
    /// Programs of the kind have no such field, or cannot read it so.
    #[track_caller]
    pub fn get_part(self, name: &str, offset: u32, ty: ScalarType) -> Result<dynamic::Value<'f>, Error> {
        let at = Location::caller();
        let field = self.field(name, at)?;
        self.access(&field, offset, ty, Direction::Read, at).map(|place| place.get_at(at))
    }

    /// The argument `index` of a context that is an array of arguments of 8 bytes each: of raw tracepoints, of `fentry`.
    ///
    /// # Errors
    /// The context is no such array.
    #[track_caller]
    pub fn arg(self, index: u32) -> Result<dynamic::Value<'f>, Error> {
        let at = Location::caller();
        let offset = index.saturating_mul(8);
        if self.kind.context().access(Direction::Read, offset, 8) == ContextAccess::Refused {
            return Err(self.wrong(&format!("argument {index}"), "is not there", at));
        }
        Ok(self.number_at(offset, ScalarType::U64).get_at(at))
    }

    /// Sets a number in the field `name`, so many bytes from its start.
    ///
    /// # Errors
    /// Programs of the kind have no such field, or cannot write it so.
    #[track_caller]
    pub fn set_part(self, name: &str, offset: u32, value: dynamic::Value<'f>) -> Result<(), Error> {
        let at = Location::caller();
        let field = self.field(name, at)?;
        let place = self.access(&field, offset, value.ty(), Direction::Write, at)?;
        place.set_at(value, at);
        Ok(())
    }

    /// The context as a place of this layout.
    pub(crate) fn as_layout(self, layout: Layout) -> dynamic::Place<'f> {
        dynamic::Place::new(self.place.brand(), Pointer { layout, ..self.place.pointer() })
    }

    fn field(self, name: &str, at: At) -> Result<ContextField, Error> {
        self.kind.context().field(name).ok_or_else(|| self.wrong(name, "is not there", at))
    }

    fn whole(self, field: &ContextField, at: At) -> Result<ScalarType, Error> {
        let whole = ScalarType::of_size(field.size, false);
        whole.ok_or_else(|| self.wrong(field.name, "is an array: take a part of it", at))
    }

    fn access(
        self,
        field: &ContextField,
        offset: u32,
        ty: ScalarType,
        direction: Direction,
        at: At,
    ) -> Result<dynamic::Place<'f>, Error> {
        let offset = field.offset.saturating_add(offset);
        if field.pointer.is_some() {
            return Err(self.wrong(field.name, "holds a pointer, not a number", at));
        }
        if !field.allows(direction, offset, ty.bytes()) {
            let what = match direction {
                Direction::Read => "cannot be read so",
                Direction::Write => "cannot be written so",
            };
            return Err(self.wrong(field.name, what, at));
        }
        Ok(self.number_at(offset, ty))
    }

    fn number_at(self, offset: u32, ty: ScalarType) -> dynamic::Place<'f> {
        let off = i32::try_from(offset).unwrap_or(i32::MAX);
        let pointer = Pointer { off, layout: Layout::Scalar(ty), ..self.place.pointer() };
        dynamic::Place::new(self.place.brand(), pointer)
    }

    pub(crate) fn wrong(self, field: &str, what: &str, at: At) -> Error {
        Error::Context { kind: self.kind, field: field.to_owned(), what: what.to_owned(), site: site(at) }
    }
}

/// What a program of kind `P` starts with.
///
/// It has the fields that the kernel gives this kind:
///
/// ```compile_fail,E0599
/// # use bpfsmith::{dsl::{CgroupDevice, Verdict}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", CgroupDevice::DEVICE, |f, ctx| {
///     f.if_(ctx.len().gt(1000), || f.return_(Verdict::DENY));
///     f.return_(Verdict::ALLOW)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{CgroupSkb, Verdict}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", CgroupSkb::EGRESS, |f, ctx| {
///     f.if_(ctx.len().gt(1000), || f.return_(Verdict::DENY));
///     f.return_(Verdict::ALLOW)
/// });
/// # assert!(object.finish().is_ok());
/// ```
pub struct Context<'f, P> {
    context: DynamicContext<'f>,
    kind: PhantomData<fn() -> P>,
}

impl<P> Clone for Context<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Context<'_, P> {}

impl<P> fmt::Debug for Context<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.context.fmt(f)
    }
}

impl<'f, P> Context<'f, P> {
    pub(crate) const fn new(context: DynamicContext<'f>) -> Self {
        Self { context, kind: PhantomData }
    }

    #[track_caller]
    pub(crate) fn read_field<T: Scalar>(self, name: &str) -> Value<'f, T> {
        let found = self.context.get(name);
        self.or_zero(found)
    }

    #[track_caller]
    pub(crate) fn write_field<T: Scalar>(self, name: &str, value: impl Operand<'f, T>) {
        let value = self.operand(value, Location::caller());
        let done = self.context.set(name, value);
        self.noted(done);
    }

    #[track_caller]
    pub(crate) fn read_element<T: Scalar>(self, name: &str, index: usize) -> Value<'f, T> {
        let found = self.context.get_part(name, distance::<T>(index), T::TYPE);
        self.or_zero(found)
    }

    #[track_caller]
    pub(crate) fn write_element<T: Scalar>(self, name: &str, index: usize, value: impl Operand<'f, T>) {
        let value = self.operand(value, Location::caller());
        let done = self.context.set_part(name, distance::<T>(index), value);
        self.noted(done);
    }

    fn operand<T: Scalar>(self, value: impl Operand<'f, T>, at: At) -> dynamic::Value<'f> {
        let brand = self.context.place.brand();
        dynamic::Value::new(brand, value.datum(brand, at))
    }

    /// The value; after a mistake, which is noted, one that stands for it.
    #[track_caller]
    pub(crate) fn or_zero<T: Scalar>(self, found: Result<dynamic::Value<'f>, Error>) -> Value<'f, T> {
        match self.noted(found) {
            Some(value) => value.typed(),
            None => Value::new(self.context.place.brand(), Datum::constant(0, T::TYPE)),
        }
    }

    fn noted<U>(self, found: Result<U, Error>) -> Option<U> {
        found.map_err(|error| self.context.place.brand().with(|state| state.fail(error))).ok()
    }

    /// The same context, with its fields by name.
    #[must_use]
    pub const fn dynamic(self) -> DynamicContext<'f> {
        self.context
    }
}

fn distance<T: Scalar>(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(T::TYPE.bytes())
}
