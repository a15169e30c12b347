//! Whole values at places: written, copied, compared.

use std::panic::Location;

use super::dynamic::{self, Cond, Layout, MaybeNull};
use super::func::Func;
use super::place::{Index, Place, Rw, size_of_type};
use super::record::{Datum, Pointer};
use crate::btf::BtfType;

impl<'f> dynamic::Place<'f> {
    /// Copies what lies at another place of the same size here, as many bytes at once as its alignment allows.
    #[doc(alias = "memcpy")]
    #[track_caller]
    pub fn copy_from(self, from: Self) {
        let at = Location::caller();
        self.brand().with(|state| state.copy(self.pointer(), from.pointer(), at));
    }

    /// Writes zeros to all of it.
    #[doc(alias = "memset")]
    #[track_caller]
    pub fn zero(self) {
        self.write(&[]);
    }

    /// Writes these bytes, and zeros behind them to the end.
    #[track_caller]
    pub fn write(self, bytes: &[u8]) {
        let at = Location::caller();
        self.brand().with(|state| state.set_bytes(self.pointer(), bytes, at));
    }

    /// Whether the same bytes lie here as at another place of the same size.
    #[doc(alias = "memcmp")]
    #[track_caller]
    pub fn same_as(self, other: Self) -> Cond<'f> {
        let at = Location::caller();
        let id = self.brand().with(|state| state.same_bytes(self.pointer(), other.pointer(), at));
        Cond::new(self.brand(), id)
    }

    /// Whether these bytes, and zeros behind them, lie here.
    #[track_caller]
    pub fn is(self, bytes: &[u8]) -> Cond<'f> {
        let at = Location::caller();
        let id = self.brand().with(|state| state.are_bytes(self.pointer(), bytes, at));
        Cond::new(self.brand(), id)
    }
}

impl<'f, R> dynamic::Func<'f, R> {
    /// The element of an array at an index that may lie behind its end: that is found out when the program runs.
    #[track_caller]
    pub fn element(
        self,
        array: dynamic::Place<'f>,
        index: dynamic::Value<'f>,
    ) -> MaybeNull<'f, dynamic::Place<'f>, R> {
        let at = Location::caller();
        let elements = self.brand().with(|state| state.elements(array.pointer(), at));
        self.element_of(array.pointer(), elements, index.datum(), at)
    }

    fn element_of(
        self,
        array: Pointer,
        elements: (Layout, u32),
        index: Datum,
        at: super::ir::At,
    ) -> MaybeNull<'f, dynamic::Place<'f>, R> {
        let pointer = self.brand().with(|state| state.checked_element(array, elements, index, at));
        MaybeNull::new(self.brand(), pointer, dynamic::Place::new(self.brand(), pointer))
    }
}

impl<'f, R> Func<'f, R> {
    /// Room on the stack that holds this value: `struct key key = { .. };` in C. Padding is zero.
    #[track_caller]
    pub fn literal<T: BtfType>(self, value: &T) -> Place<'f, T> {
        let at = Location::caller();
        let layout = Layout::Bytes(size_of_type::<T>());
        let pointer = self.brand().with(|state| {
            let place = state.local(layout, at);
            let bytes = value.to_bytes(state.object.byte_order());
            state.set_bytes(place, &bytes, at);
            place
        });
        Place::new(dynamic::Place::new(self.brand(), pointer))
    }

    /// The element of an array at an index that may lie behind its end: that is found out when the program runs.
    #[track_caller]
    pub fn element<T: BtfType, M, const N: usize>(
        self,
        array: Place<'f, [T; N], M>,
        index: impl Index<'f>,
    ) -> MaybeNull<'f, Place<'f, T, M>, R> {
        let at = Location::caller();
        let elements = (Layout::Bytes(size_of_type::<T>()), u32::try_from(N).unwrap_or(u32::MAX));
        let index = index.index(self.brand(), at);
        self.dynamic().element_of(array.pointer(), elements, index, at).map(Place::new)
    }
}

impl<'f, T: BtfType, M> Place<'f, T, M> {
    /// Whether the same bytes lie here as there, padding included.
    #[doc(alias = "memcmp")]
    #[track_caller]
    pub fn same_as<N>(self, other: Place<'f, T, N>) -> Cond<'f> {
        self.whole().same_as(other.whole())
    }

    /// Whether this value lies here; padding has to be zero.
    #[track_caller]
    pub fn is(self, value: &T) -> Cond<'f> {
        let endian = self.brand().with(|state| state.object.byte_order());
        self.whole().is(&value.to_bytes(endian))
    }

    fn whole(self) -> dynamic::Place<'f> {
        let layout = Layout::Bytes(size_of_type::<T>());
        dynamic::Place::new(self.brand(), Pointer { layout, ..self.pointer() })
    }
}

impl<'f, T: BtfType> Place<'f, T, Rw> {
    /// Copies what lies there here (`*to = *from;` in C), as many bytes at once as its alignment allows.
    #[doc(alias = "memcpy")]
    #[track_caller]
    pub fn copy_from<N>(self, from: Place<'f, T, N>) {
        self.whole().copy_from(from.whole());
    }

    /// Writes zeros to all of it, padding included.
    #[doc(alias = "memset")]
    #[track_caller]
    pub fn zero(self) {
        self.whole().zero();
    }

    /// Writes this value, with zeros for its padding.
    #[track_caller]
    pub fn write(self, value: &T) {
        let endian = self.brand().with(|state| state.object.byte_order());
        self.whole().write(&value.to_bytes(endian));
    }
}
