//! Tail calls: another program goes on in place of this one.

use std::panic::Location;

use super::context::{Context, DynamicContext};
use super::dynamic::{self, MapArg, ScalarType};
use super::error::{Error, site};
use super::func::Func;
use super::ir::At;
use super::map::AsMap;
use super::record::Brand;
use super::scalar::Operand;
use crate::base::Helper;
use crate::map::MapKind;

/// The context of a program, as an argument.
#[diagnostic::on_unimplemented(message = "the context of the program is expected, `{Self}` is not it")]
pub trait AsContext<'f> {
    #[doc(hidden)]
    fn context_place(self) -> dynamic::Place<'f>;
}

impl<'f, P> AsContext<'f> for &Context<'f, P> {
    fn context_place(self) -> dynamic::Place<'f> {
        self.dynamic().place()
    }
}

impl<'f> AsContext<'f> for &DynamicContext<'f> {
    fn context_place(self) -> dynamic::Place<'f> {
        self.place()
    }
}

/// Tail calls, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// Goes on with the program at `index`, a `u32`, of a program array, in place of this one (`bpf_tail_call`, since 4.2): what is
    /// recorded behind runs only if there is none, or after 33 tail calls in a row.
    #[doc(alias = "bpf_tail_call")]
    #[track_caller]
    pub fn tail_call(self, context: dynamic::Place<'f>, programs: MapArg<'f>, index: dynamic::Value<'f>) {
        let at = Location::caller();
        need_kind(self.brand(), programs, &[MapKind::PROG_ARRAY], "holds no programs", at);
        if index.ty() != ScalarType::U32 {
            self.brand().with(|state| state.mismatch(ScalarType::U32, index.ty(), at));
        }
        self.call(Helper::TAIL_CALL, &[context.into(), programs.into(), index.into()]).nothing();
    }
}

/// Tail calls.
impl<'f, R> Func<'f, R> {
    /// Goes on with the program at `index` of a program array, in place of this one (C: `bpf_tail_call(ctx, &programs, index)`,
    /// since 4.2): what is recorded behind runs only if there is none, or after 33 tail calls in a row.
    ///
    /// Programs of the object get into the array with
    /// [`add_entry_program`](crate::object::ObjectBuilder::add_entry_program).
    #[doc(alias = "bpf_tail_call")]
    #[track_caller]
    pub fn tail_call(
        self,
        context: impl AsContext<'f>,
        programs: impl AsMap<'f, u32, ()>,
        index: impl Operand<'f, u32>,
    ) {
        let (brand, at) = (self.brand(), Location::caller());
        let programs = programs.map_arg(brand, at);
        let index = dynamic::Value::new(brand, index.datum(brand, at));
        self.dynamic().tail_call(context.context_place(), programs, index);
    }
}

/// The map has to be of one of these kinds.
pub(crate) fn need_kind(brand: Brand<'_>, map: MapArg<'_>, kinds: &[MapKind], what: &str, at: At) {
    brand.with(|state| {
        let Some(def) = state.map_def(map.id()).filter(|def| !kinds.contains(&def.kind)) else { return };
        let error = Error::MapShape { map: def.name.clone(), what: what.to_owned(), site: site(at) };
        state.fail(error);
    });
}
