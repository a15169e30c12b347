//! Atomic operations: on values of maps, on global variables, wherever other processors write too.

use std::panic::Location;

use super::dynamic::{self, Rhs};
use super::place::{Place, Rw};
use super::record::Datum;
use super::scalar::{Number, Operand, Readable};
use super::types::{Layout, ScalarType};
use super::value::Value;
use crate::asm::AtomicOp;

/// A number of 32 or 64 bits: what atomic operations there are for.
#[diagnostic::on_unimplemented(
    message = "there are no atomic operations on `{Self}`: `u32`, `u64`, `i32` and `i64` have them"
)]
pub trait Atomic: Number + Readable<Number = Self> {}

impl Atomic for u32 {}
impl Atomic for u64 {}
impl Atomic for i32 {}
impl Atomic for i64 {}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        /// Atomic operations. Each gives what was there before; where that is not used, the instruction is one that does not
        /// fetch it.
        impl<'f> dynamic::Place<'f> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, value: impl Rhs<'f>) -> dynamic::Value<'f> {
                let at = Location::caller();
                let value = self.like(value, at);
                let old = self.brand().with(|state| {
                    state.atomic(AtomicOp::$op, self.pointer(), value, None, at)
                });
                dynamic::Value::new(self.brand(), old)
            })*
        }

        /// Atomic operations. Each gives what was there before; where that is not used, the instruction is one that does not
        /// fetch it.
        ///
        /// ```
        /// # use bpfsmith::{dsl::{Xdp, XdpAction}, map::MapSpec, object::ObjectBuilder};
        /// # let mut object = ObjectBuilder::new("test");
        /// let counts = object.map(MapSpec::array::<u64>("counts").max_entries(1));
        /// object.program("count", Xdp::XDP, |f, _| {
        ///     let count = f.map_lookup(&counts, &f.local(0u32)).or_return(XdpAction::ABORTED);
        ///     count.fetch_add(1); // __sync_fetch_and_add(count, 1);
        ///     f.return_(XdpAction::PASS)
        /// });
        /// # object.finish()?;
        /// # Ok::<(), bpfsmith::object::ObjectError>(())
        /// ```
        impl<'f, T: Atomic> Place<'f, T, Rw> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(self, value: impl Operand<'f, T>) -> Value<'f, T> {
                let value = dynamic::Value::new(self.brand(), value.datum(self.brand(), Location::caller()));
                self.as_number().$name(value).typed()
            })*
        }
    };
}

operations! {
    /// Adds (`__sync_fetch_and_add`; what was there before since 5.12).
    #[doc(alias = "BPF_FETCH")]
    fetch_add FetchAdd;
    /// Ands (`__sync_fetch_and_and`, since 5.12).
    fetch_and FetchAnd;
    /// Ors (`__sync_fetch_and_or`, since 5.12).
    fetch_or FetchOr;
    /// Xors (`__sync_fetch_and_xor`, since 5.12).
    fetch_xor FetchXor;
    /// Puts the value in the place of what is there (`__sync_lock_test_and_set`, since 5.12).
    #[doc(alias = "BPF_XCHG")]
    swap Xchg;
}

impl<'f> dynamic::Place<'f> {
    /// Puts `new` in the place of `expected`, if that is what is there (`__sync_val_compare_and_swap`, since 5.12). What was
    /// there before.
    #[doc(alias = "BPF_CMPXCHG")]
    #[track_caller]
    pub fn compare_exchange(self, expected: impl Rhs<'f>, new: impl Rhs<'f>) -> dynamic::Value<'f> {
        let at = Location::caller();
        let (expected, new) = (self.like(expected, at), self.like(new, at));
        let old = self
            .brand()
            .with(|state| state.atomic(AtomicOp::CmpXchg, self.pointer(), new, Some(expected), at));
        dynamic::Value::new(self.brand(), old)
    }

    /// The number that lies here; no load that follows is done before it (`BPF_LOAD_ACQ`, since 6.15, with
    /// [`Isa::ACQUIRE_RELEASE`](crate::asm::Isa::ACQUIRE_RELEASE)).
    #[doc(alias = "BPF_LOAD_ACQ")]
    #[track_caller]
    pub fn load_acquire(self) -> dynamic::Value<'f> {
        let at = Location::caller();
        dynamic::Value::new(self.brand(), self.brand().with(|state| state.load_acquire(self.pointer(), at)))
    }

    /// Writes a number here; no store that comes before is done after it (`BPF_STORE_REL`, since 6.15, with
    /// [`Isa::ACQUIRE_RELEASE`](crate::asm::Isa::ACQUIRE_RELEASE)).
    #[doc(alias = "BPF_STORE_REL")]
    #[track_caller]
    pub fn store_release(self, value: impl Rhs<'f>) {
        let at = Location::caller();
        let value = self.like(value, at);
        self.brand().with(|state| state.store_release(self.pointer(), value, at));
    }

    fn like(self, value: impl Rhs<'f>, at: super::ir::At) -> Datum {
        let ty = match self.layout() {
            Layout::Scalar(ty) => ty,
            _ => ScalarType::U64,
        };
        value.datum_of(dynamic::Value::new(self.brand(), Datum::constant(0, ty)), at)
    }
}

impl<'f, T: Atomic> Place<'f, T, Rw> {
    /// Puts `new` in the place of `expected`, if that is what is there (`__sync_val_compare_and_swap`, since 5.12). What was
    /// there before.
    #[doc(alias = "BPF_CMPXCHG")]
    #[track_caller]
    pub fn compare_exchange(self, expected: impl Operand<'f, T>, new: impl Operand<'f, T>) -> Value<'f, T> {
        let (brand, at) = (self.brand(), Location::caller());
        let (expected, new) = (expected.datum(brand, at), new.datum(brand, at));
        let value = |datum| dynamic::Value::new(brand, datum);
        self.as_number().compare_exchange(value(expected), value(new)).typed()
    }
}

impl<'f, T: Number + Readable<Number = T>, M> Place<'f, T, M> {
    fn as_number(self) -> dynamic::Place<'f> {
        let pointer = super::record::Pointer { layout: T::LAYOUT, ..self.pointer() };
        dynamic::Place::new(self.brand(), pointer)
    }

    /// The number that lies here; no load that follows is done before it (`BPF_LOAD_ACQ`, since 6.15).
    #[doc(alias = "BPF_LOAD_ACQ")]
    #[track_caller]
    pub fn load_acquire(self) -> Value<'f, T> {
        self.as_number().load_acquire().typed()
    }
}

impl<'f, T: Number + Readable<Number = T>> Place<'f, T, Rw> {
    /// Writes a number here; no store that comes before is done after it (`BPF_STORE_REL`, since 6.15).
    #[doc(alias = "BPF_STORE_REL")]
    #[track_caller]
    pub fn store_release(self, value: impl Operand<'f, T>) {
        let value = value.datum(self.brand(), Location::caller());
        self.as_number().store_release(dynamic::Value::new(self.brand(), value));
    }
}
