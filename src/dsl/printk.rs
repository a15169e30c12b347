//! Lines in the kernel's trace pipe: the format is read when the program is recorded, and held against its arguments.

mod format;

use std::panic::Location;

use super::dynamic::{self, Arg};
use super::error::{Error, site};
use super::func::Func;
use super::ir::At;
use super::record::{Argument, Brand, Datum, State};
use super::types::{Layout, ScalarType};
use super::value::Value;
use crate::base::Helper;
use format::{Directive, directives};

/// How many values `bpf_trace_printk` takes.
const OF_TRACE_PRINTK: usize = 3;
/// How many values `bpf_trace_vprintk` takes (`MAX_BPRINTF_VARARGS`, include/linux/bpf.h).
const OF_TRACE_VPRINTK: usize = 12;

/// The arguments of a format: `()`, or a tuple of up to 12 values and places.
#[diagnostic::on_unimplemented(message = "a format takes a tuple of values and places, not `{Self}`")]
pub trait PrintArgs<'f> {
    #[doc(hidden)]
    fn all(self) -> Vec<Arg<'f>>;
}

macro_rules! tuples {
    ($(($($ty:ident $index:tt),*);)*) => {$(
        impl<'f, $($ty: Into<Arg<'f>>),*> PrintArgs<'f> for ($($ty,)*) {
            fn all(self) -> Vec<Arg<'f>> {
                vec![$(self.$index.into()),*]
            }
        }
    )*};
}

tuples! {
    ();
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
}

/// The trace pipe, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// As [`printk`](Func::printk).
    #[doc(alias = "bpf_trace_printk")]
    #[track_caller]
    pub fn printk(self, format: &str, args: &[Arg<'f>]) -> dynamic::Value<'f> {
        let (brand, at) = (self.brand(), Location::caller());
        if let Err(what) = check(format, args) {
            let format = format.to_owned();
            brand.with(|state| state.fail(Error::Format { format, what, site: site(at) }));
            return dynamic::Value::new(brand, Datum::constant(0, ScalarType::I64));
        }
        let text = text_on_stack(brand, format, at);
        let size = Arg::number(i64::from(text.layout().size()));
        if args.len() <= OF_TRACE_PRINTK {
            let given: Vec<_> = [text.into(), size].into_iter().chain(args.iter().copied()).collect();
            let printed = brand.with(|state| state.call_variadic(Helper::TRACE_PRINTK, &plain(&given), at));
            return dynamic::Value::new(brand, printed);
        }
        let values = values_on_stack(brand, args, at);
        let bytes = Arg::number(i64::from(values.layout().size()));
        self.call_at(Helper::TRACE_VPRINTK, &[text.into(), size, values.into(), bytes], at).value()
    }
}

/// The trace pipe.
impl<'f, R> Func<'f, R> {
    /// Prints a line into `/sys/kernel/tracing/trace_pipe` (C: `bpf_printk("%d: %llu\n", a, b)`): how many bytes, or a negative error
    /// number. With up to three arguments `bpf_trace_printk` (4.1), with up to twelve `bpf_trace_vprintk` (5.16). The licence has to be
    /// compatible with the GPL. The format lies on the stack of the function while it prints.
    ///
    /// The format is C's as far as the kernel has it: `%d %i %u %x %X` and with `l` or `ll`, `%c`, `%s`, `%p` and `%pK %px %ps %pS %pB
    /// %pi4 %pI4 %pi6 %pI6 %pks %pus`, each with a width. A number has to be of the size that the directive says, or smaller.
    ///
    /// ```
    /// # use bpfsmith::dsl::Syscall;
    /// # let mut object = bpfsmith::object::ObjectBuilder::new("test").license("GPL");
    /// object.program("hello", Syscall::SYSCALL, |f, _| {
    ///     f.printk("on CPU %u at %llu\n", (f.get_smp_processor_id(), f.ktime_get_ns()));
    ///     f.return_(0)
    /// });
    /// # object.finish().unwrap();
    /// ```
    #[doc(alias = "bpf_printk")]
    #[doc(alias = "bpf_trace_printk")]
    #[doc(alias = "bpf_trace_vprintk")]
    #[track_caller]
    pub fn printk(self, format: &str, args: impl PrintArgs<'f>) -> Value<'f, i64> {
        self.dynamic().printk(format, &args.all()).typed()
    }
}

fn plain(args: &[Arg<'_>]) -> Vec<Argument> {
    args.iter().map(|arg| arg.0).collect()
}

/// What the kernel, or a reader of what it prints, would object to.
fn check(format: &str, args: &[Arg<'_>]) -> Result<(), String> {
    let directives = directives(format)?;
    if directives.len() != args.len() {
        return Err(format!("has {} directives for {} arguments", directives.len(), args.len()));
    }
    if args.len() > OF_TRACE_VPRINTK {
        return Err(format!("has {} directives, the kernel prints {OF_TRACE_VPRINTK}", args.len()));
    }
    directives.iter().zip(args).try_for_each(|(directive, arg)| fits(*directive, arg.0))
}

fn fits(directive: Directive<'_>, argument: Argument) -> Result<(), String> {
    let Directive { text, bits, pointer, signed } = directive;
    match argument {
        Argument::Pointer(_) if pointer => Ok(()),
        Argument::Number(datum) if pointer && datum.ty.bits() == 64 => Ok(()),
        _ if pointer => Err(format!("has {text} for what is no pointer")),
        Argument::Number(datum) if datum.ty.bits() > bits => {
            Err(format!("has {text}, {bits} bits, for a {}", datum.ty))
        }
        Argument::Number(datum) => match signed {
            Some(signed) if signed != datum.ty.is_signed() && datum.ty.bits() == bits => {
                let sign = if signed { "with" } else { "without" };
                Err(format!("has {text}, a number {sign} a sign, for a {}", datum.ty))
            }
            _ => Ok(()),
        },
        _ => Err(format!("has {text} for what is no number")),
    }
}

/// The format with its 0, on the stack.
fn text_on_stack<'f>(brand: Brand<'f>, format: &str, at: At) -> dynamic::Place<'f> {
    let bytes: Vec<u8> = format.bytes().chain([0]).collect();
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let pointer = brand.with(|state| {
        let place = state.local(Layout::Bytes(size), at);
        state.fill(place, &bytes, at);
        place
    });
    dynamic::Place::new(brand, pointer)
}

fn values_on_stack<'f>(brand: Brand<'f>, args: &[Arg<'f>], at: At) -> dynamic::Place<'f> {
    let size = u32::try_from(args.len() * 8).unwrap_or(u32::MAX);
    let pointer = brand.with(|state| {
        let place = state.local(Layout::Bytes(size), at);
        for (index, arg) in args.iter().enumerate() {
            state.fill_argument(place, index, &arg.0, at);
        }
        place
    });
    dynamic::Place::new(brand, pointer)
}

impl State {
    /// Writes bytes to the stack, eight at a time where there are as many.
    fn fill(&mut self, place: super::record::Pointer, bytes: &[u8], at: At) {
        let little = self.object.is_little_endian();
        let mut offset = 0;
        while offset < bytes.len() {
            let count = [8, 4, 2, 1].into_iter().find(|count| offset + count <= bytes.len()).unwrap_or(1);
            let chunk = &bytes[offset..offset + count];
            let shift = |number: i64, byte: &u8| (number << 8) | i64::from(*byte);
            let number = if little { chunk.iter().rev().fold(0, shift) } else { chunk.iter().fold(0, shift) };
            let ty = ScalarType::of_size(u32::try_from(count).unwrap_or(1), false).unwrap_or(ScalarType::U8);
            let to = self.inside(place, offset as u64, Layout::Scalar(ty), at);
            self.store(to, Datum::constant(number, ty), at);
            offset += count;
        }
    }

    fn fill_argument(&mut self, place: super::record::Pointer, index: usize, arg: &Argument, at: At) {
        let to = self.inside(place, index as u64 * 8, Layout::Scalar(ScalarType::U64), at);
        let operand = self.argument(arg, at);
        let value = self.made(operand, ScalarType::U64);
        self.store(to, value, at);
    }
}
