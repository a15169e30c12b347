//! The Rust types of numbers: which there are, what can stand for one, and which can be read from memory.

use super::dynamic;
use super::error::{Error, site};
use super::flow::IntoReturn;
use super::ir::At;
use super::record::{Brand, Datum};
use super::types::{Layout, ScalarType};
use super::value::{Value, Var};
use crate::base::Errno;
use crate::btf::{Be, BtfType};

/// A Rust type that a register holds a value of: an integer, `bool`, or what programs of a kind return.
///
/// A `usize` is as wide as on the machine that compiles, which says nothing about the kernel's:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.local(f.val(1u64) + 2usize);
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     f.local(f.val(1u64) + 2u64);
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of values in BPF: integers of 8 to 64 bits and `bool` are"
)]
pub trait Scalar: Copy + 'static {
    /// The same type at run time.
    const TYPE: ScalarType;

    /// The number, or its lowest bits.
    #[doc(hidden)]
    fn bits(self) -> i64;
}

/// An integer of 8, 16, 32 or 64 bits: what there is arithmetic for.
#[diagnostic::on_unimplemented(message = "there is no arithmetic for `{Self}`")]
pub trait Number: Scalar {}

macro_rules! numbers {
    ($($ty:ident $name:ident;)*) => {$(
        impl Scalar for $ty {
            const TYPE: ScalarType = ScalarType::$name;

            #[allow(clippy::cast_lossless, clippy::cast_possible_wrap, trivial_numeric_casts)]
            fn bits(self) -> i64 {
                self as i64
            }
        }

        impl Number for $ty {}
    )*};
}

numbers! {
    u8 U8;
    u16 U16;
    u32 U32;
    u64 U64;
    i8 I8;
    i16 I16;
    i32 I32;
    i64 I64;
}

impl Scalar for bool {
    const TYPE: ScalarType = ScalarType::BOOL;

    fn bits(self) -> i64 {
        i64::from(self)
    }
}

/// What can stand where a `T` of the function is wanted: a value, a variable, or a number that is known now.
///
/// There are no conversions but those written down:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let bytes = f.val(1u32);
///     f.local(bytes + f.val(2u64));
///     f.return_(0)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::Syscall, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Syscall::SYSCALL, |f, _| {
///     let bytes = f.val(1u32);
///     f.local(bytes + f.val(2u32));
///     f.return_(0)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used where a `{T}` of this BPF function is expected",
    label = "not a `{T}`",
    note = "convert a value with `.to::<{T}>()`"
)]
pub trait Operand<'f, T> {
    #[doc(hidden)]
    fn datum(self, brand: Brand<'f>, at: At) -> Datum;
}

impl<'f, T: Scalar> Operand<'f, T> for T {
    fn datum(self, _: Brand<'f>, _: At) -> Datum {
        Datum::constant(self.bits(), T::TYPE)
    }
}

impl<'f, T: Scalar> Operand<'f, T> for Value<'f, T> {
    fn datum(self, _: Brand<'f>, _: At) -> Datum {
        self.dynamic().datum()
    }
}

impl<'f, T: Scalar> Operand<'f, T> for &Value<'f, T> {
    fn datum(self, _: Brand<'f>, _: At) -> Datum {
        self.dynamic().datum()
    }
}

impl<'f, T: Scalar> Operand<'f, T> for Var<'f, T> {
    fn datum(self, _: Brand<'f>, _: At) -> Datum {
        self.get().dynamic().datum()
    }
}

impl<'f, R: Scalar> IntoReturn<'f, R> for R {
    fn into_return(self, _: Brand<'f>, _: At) -> Datum {
        Datum::constant(self.bits(), R::TYPE)
    }
}

impl<'f, R: Scalar> IntoReturn<'f, R> for Value<'f, R> {
    fn into_return(self, _: Brand<'f>, _: At) -> Datum {
        self.dynamic().datum()
    }
}

impl<'f, R: Scalar> IntoReturn<'f, R> for Var<'f, R> {
    fn into_return(self, _: Brand<'f>, _: At) -> Datum {
        self.get().dynamic().datum()
    }
}

/// A negative error number, `-Errno::EBUSY`: what helpers return, and programs may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegErrno(Errno);

impl std::ops::Neg for Errno {
    type Output = NegErrno;

    fn neg(self) -> NegErrno {
        NegErrno(self)
    }
}

macro_rules! error_numbers {
    ($($ty:ident)*) => {$(
        impl<'f> Operand<'f, $ty> for NegErrno {
            fn datum(self, _: Brand<'f>, _: At) -> Datum {
                Datum::constant(-i64::from(self.0.0), <$ty>::TYPE)
            }
        }

        impl<'f> IntoReturn<'f, $ty> for NegErrno {
            fn into_return(self, brand: Brand<'f>, at: At) -> Datum {
                Operand::<'f, $ty>::datum(self, brand, at)
            }
        }
    )*};
}

error_numbers! { i32 i64 }

/// A Rust type that is read from memory as one number.
///
/// The kernel lets nobody read or write a timer, a lock or the like:
///
/// ```compile_fail,E0599
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
///     value.field(Elem::TIMER).get();
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
///     value.field(Elem::COUNTER).get();
///     f.return_(Verdict::ALLOW)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number that could be read or written at once",
    label = "go to a field of it first"
)]
pub trait Readable: BtfType {
    /// What is read.
    type Number: Scalar;

    /// The same at run time.
    #[doc(hidden)]
    const LAYOUT: Layout;
}

macro_rules! readable {
    ($($ty:ident)*) => {$(
        impl Readable for $ty {
            type Number = Self;
            const LAYOUT: Layout = Layout::Scalar(<$ty as Scalar>::TYPE);
        }
    )*};
}

readable! { u8 u16 u32 u64 i8 i16 i32 i64 bool }

macro_rules! network_order {
    ($($ty:ident)*) => {$(
        impl Readable for Be<$ty> {
            type Number = $ty;
            const LAYOUT: Layout = Layout::Network(<$ty as Scalar>::TYPE);
        }
    )*};
}

network_order! { u16 u32 u64 }

/// A value whose type is only known at run time, as the Rust type that it has.
pub(crate) fn typed<T: Scalar>(value: dynamic::Value<'_>, at: At) -> Datum {
    let datum = value.datum();
    if datum.ty == T::TYPE {
        return datum;
    }
    let (expected, found) = (T::TYPE.to_string(), datum.ty.to_string());
    value.brand().with(|state| state.fail(Error::Type { expected, found, site: site(at) }));
    Datum::constant(0, T::TYPE)
}
