//! The structs a kernel keeps for itself, as fields of a map value, and places within a value.

use super::builder::Builder;
use super::error::BtfError;
use super::layout::StructDef;
use super::special::FieldKind;
use super::types::TypeId;
use super::value::BtfType;
use crate::base::Endian;
use std::fmt;
use std::marker::PhantomData;

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident, $kind:expr, $align:literal, $bytes:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// The kernel alone sees what is in it: user space reads zeros, and what it writes is ignored.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(C, align($align))]
        pub struct $name {
            zero: [u8; $bytes],
        }

        impl $name {
            /// Zeros: not set up yet.
            #[must_use]
            pub const fn new() -> Self {
                Self { zero: [0; $bytes] }
            }
        }

        impl BtfType for $name {
            const SIZE: usize = $bytes;

            fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
                builder.structure(StructDef::new($kind.name()).size($kind.size()))
            }

            fn write_to(&self, _: &mut [u8], _: Endian) {}

            fn read_from(bytes: &[u8], _: Endian) -> Option<Self> {
                (bytes.len() >= $bytes).then(Self::new)
            }
        }

        const _: () = assert!($bytes == $kind.size() && $align == $kind.align());
    )*};
}

opaque! {
    /// `struct bpf_timer` (kernel 5.15): calls a function of the program after a while. One in a value.
    #[doc(alias = "bpf_timer")]
    Timer, FieldKind::Timer, 8, 16;
    /// `struct bpf_spin_lock` (kernel 5.1): guards the rest of the value. One in a value.
    #[doc(alias = "bpf_spin_lock")]
    SpinLock, FieldKind::SpinLock, 4, 4;
    /// `struct bpf_res_spin_lock` (kernel 6.15): a lock that fails instead of hanging. One in a value, and not
    /// with a [`SpinLock`].
    #[doc(alias = "bpf_res_spin_lock")]
    ResSpinLock, FieldKind::ResSpinLock, 4, 4;
    /// `struct bpf_wq` (kernel 6.10): runs a function of the program where it may sleep. One in a value.
    #[doc(alias = "bpf_wq")]
    WorkQueue, FieldKind::WorkQueue, 8, 16;
    /// `struct bpf_task_work` (kernel 6.18): runs a function of the program in a task. One in a value.
    #[doc(alias = "bpf_task_work")]
    TaskWork, FieldKind::TaskWork, 8, 8;
    /// `struct bpf_list_head` (kernel 6.2): a list of allocated objects. Needs a declaration tag
    /// `contains:type:member`, and a lock in the same value.
    #[doc(alias = "bpf_list_head")]
    ListHead, FieldKind::ListHead, 8, 16;
    /// `struct bpf_list_node` (kernel 6.2): what puts an allocated object into a list.
    #[doc(alias = "bpf_list_node")]
    ListNode, FieldKind::ListNode, 8, 24;
    /// `struct bpf_rb_root` (kernel 6.3): a tree of allocated objects. Needs a declaration tag
    /// `contains:type:member`, and a lock in the same value.
    #[doc(alias = "bpf_rb_root")]
    RbRoot, FieldKind::RbRoot, 8, 16;
    /// `struct bpf_rb_node` (kernel 6.3): what puts an allocated object into a tree.
    #[doc(alias = "bpf_rb_node")]
    RbNode, FieldKind::RbNode, 8, 32;
    /// `struct bpf_refcount` (kernel 6.4): counts who owns an allocated object. One in a value.
    #[doc(alias = "bpf_refcount")]
    RefCount, FieldKind::RefCount, 4, 4;
}

/// A place of type `T` within a value of type `S`. The derive makes one for each field: `Elem::COUNTER`.
pub struct Field<S, T> {
    offset: usize,
    types: PhantomData<fn(S) -> T>,
}

impl<S, T> Field<S, T> {
    /// The place `offset` bytes from the start of the value.
    #[must_use]
    pub const fn at(offset: usize) -> Self {
        Self { offset, types: PhantomData }
    }

    /// In bytes from the start of the value.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// The same as an instruction's offset or immediate takes it; what an `i32` does not hold is `i32::MAX`, which no
    /// offset in memory reaches.
    #[must_use]
    pub const fn off(self) -> i32 {
        if self.offset > i32::MAX as usize { i32::MAX } else { self.offset as i32 }
    }

    /// A place within this place: `Outer::INNER.then(Inner::TIMER)`.
    #[must_use]
    pub const fn then<U>(self, inner: Field<T, U>) -> Field<S, U> {
        Field::at(self.offset + inner.offset)
    }
}

impl<S, T, const N: usize> Field<S, [T; N]> {
    /// An element of an array; `None` beyond its end.
    #[must_use]
    pub const fn index(self, index: usize) -> Option<Field<S, T>> {
        if index < N { Some(Field::at(self.offset + index * size_of::<T>())) } else { None }
    }
}

impl<S, T> Clone for Field<S, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, T> Copy for Field<S, T> {}

impl<S, T> PartialEq for Field<S, T> {
    fn eq(&self, other: &Self) -> bool {
        self.offset == other.offset
    }
}

impl<S, T> Eq for Field<S, T> {}

impl<S, T> fmt::Debug for Field<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.offset)
    }
}
