//! Functions that the kernel calls again and again: for the rounds of `bpf_loop`, for the elements of a map.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::Location;

use super::dynamic::{self, Arg, MapArg, ScalarType};
use super::error::{Error, site};
use super::flow::{Exit, Jump};
use super::func::Func;
use super::ir::{At, Op};
use super::map::{AsMap, MapParam, callback_params};
use super::place::{Place, Ro, size_of_type};
use super::program::{Home, Session, announce, claim};
use super::record::{Argument, Brand, Pointer, Region, Returns, Setup};
use super::scalar::Operand;
use super::tail::need_kind;
use super::types::Layout;
use super::value::Value;
use super::verdict::LoopFlow;
use crate::asm::limits;
use crate::base::Helper;
use crate::btf::BtfType;
use crate::map::MapKind;
use crate::object::{ObjectBuilder, Owner};

/// The kinds whose elements can be walked.
const WALKED: [MapKind; 6] = [
    MapKind::HASH,
    MapKind::ARRAY,
    MapKind::PERCPU_HASH,
    MapKind::PERCPU_ARRAY,
    MapKind::LRU_HASH,
    MapKind::LRU_PERCPU_HASH,
];

/// What the closure of a round may end in: nothing, or what `return_`, `break_` or `continue_` give.
#[diagnostic::on_unimplemented(
    message = "a round ends in nothing, in `g.return_(LoopFlow::..)`, `g.break_()` or `g.continue_()`, not in `{Self}`"
)]
pub trait LoopEnd {
    #[doc(hidden)]
    fn error(self) -> Option<Error>;
}

macro_rules! ends {
    ($($end:ty)*) => {$(
        impl LoopEnd for $end {
            fn error(self) -> Option<Error> {
                None
            }
        }
    )*};
}

ends! { () Exit Jump }

impl<E: LoopEnd> LoopEnd for Result<E, Error> {
    fn error(self) -> Option<Error> {
        self.map_or_else(Some, LoopEnd::error)
    }
}

/// What the rounds of a loop share with the function around it: a place on its stack, or `()`.
#[diagnostic::on_unimplemented(
    message = "what the rounds share is a place on the stack, or `()`, not `{Self}`",
    note = "write `&f.zeroed::<T>()` or `&f.local(0u64)` before the loop"
)]
pub trait LoopContext<'f> {
    /// What the closure of a round gets.
    type Inner<'g>: Copy;
    /// What lies there.
    type Of;

    #[doc(hidden)]
    fn outer(self) -> Option<dynamic::Place<'f>>;
    #[doc(hidden)]
    fn inner(place: dynamic::Place<'_>) -> Self::Inner<'_>;
}

impl<'f> LoopContext<'f> for () {
    type Inner<'g> = ();
    type Of = ();

    fn outer(self) -> Option<dynamic::Place<'f>> {
        None
    }

    fn inner(_: dynamic::Place<'_>) {}
}

impl<'f, T> LoopContext<'f> for &Place<'f, T> {
    type Inner<'g> = Place<'g, T>;
    type Of = T;

    fn outer(self) -> Option<dynamic::Place<'f>> {
        Some(dynamic::Place::new(self.brand(), self.pointer()))
    }

    fn inner(place: dynamic::Place<'_>) -> Place<'_, T> {
        Place::new(place)
    }
}

/// A function for the rounds of [`bpf_loop`](Func::bpf_loop_with), which shares a `C` with whoever begins the loop.
pub struct LoopCallback<C> {
    owner: Owner,
    index: usize,
    shared: PhantomData<fn() -> C>,
}

impl<C> Clone for LoopCallback<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for LoopCallback<C> {}

impl<C> fmt::Debug for LoopCallback<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopCallback({})", self.index)
    }
}

/// Loops, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// Calls the function `rounds` times, a `u32` of at most 2^23 (`bpf_loop`, since 5.17). It gets the number of the round and what lies
    /// at `shared`, a place on the stack.
    #[track_caller]
    pub fn bpf_loop<E: LoopEnd>(
        self,
        rounds: dynamic::Value<'f>,
        shared: Option<dynamic::Place<'f>>,
        body: impl for<'g> FnOnce(Func<'g, LoopFlow>, dynamic::Value<'g>, dynamic::Place<'g>) -> E,
    ) -> dynamic::Value<'f> {
        let at = Location::caller();
        let layout = shared.map_or(Layout::Bytes(0), dynamic::Place::layout);
        let index = within(self.brand(), 2, at, |g| {
            let (round, place) = round_params(g, layout, at);
            body(Func::new(g), round, place).error()
        });
        self.bpf_loop_at(rounds, shared, index, at)
    }

    fn bpf_loop_at(
        self,
        rounds: dynamic::Value<'f>,
        shared: Option<dynamic::Place<'f>>,
        index: usize,
        at: At,
    ) -> dynamic::Value<'f> {
        self.check_rounds(rounds, at);
        let args = [rounds.into(), function(index), shared_argument(shared), Arg::number(0)];
        self.call_at(Helper::LOOP, &args, at).value()
    }

    fn check_rounds(self, rounds: dynamic::Value<'f>, at: At) {
        self.brand().with(|state| {
            if rounds.ty() != ScalarType::U32 {
                state.mismatch(ScalarType::U32, rounds.ty(), at);
            }
            if let Some(rounds) = rounds.number().filter(|rounds| *rounds > i128::from(limits::LOOPS)) {
                state.fail(Error::Rounds { rounds, site: site(at) });
            }
        });
    }

    /// Calls the function for every element of a map: with the map, the key, the value and what lies at `shared`, a place on the stack
    /// (`bpf_for_each_map_elem`, since 5.13).
    #[doc(alias = "bpf_for_each_map_elem")]
    #[track_caller]
    pub fn for_each_map_elem<E: LoopEnd>(
        self,
        map: MapArg<'f>,
        shared: Option<dynamic::Place<'f>>,
        body: impl for<'g> FnOnce(
            Func<'g, LoopFlow>,
            MapArg<'g>,
            dynamic::Place<'g>,
            dynamic::Place<'g>,
            dynamic::Place<'g>,
        ) -> E,
    ) -> dynamic::Value<'f> {
        let at = Location::caller();
        need_kind(self.brand(), map, &WALKED, "is of a kind whose elements cannot be walked", at);
        let layout = shared.map_or(Layout::Bytes(0), dynamic::Place::layout);
        let index = within(self.brand(), 4, at, |g| {
            let (map, key, value) = callback_params(dynamic::Func::<LoopFlow>::new(g), map.id());
            body(Func::new(g), map, key, value, shared_param(g, 3, layout)).error()
        });
        let args = [map.into(), function(index), shared_argument(shared), Arg::number(0)];
        self.call_at(Helper::FOR_EACH_MAP_ELEM, &args, at).value()
    }
}

/// Loops whose rounds are functions, which the kernel calls.
impl<'f, R> Func<'f, R> {
    /// Calls the function `rounds` times, at most 2^23 (C: `bpf_loop(rounds, body, &shared, 0)`, since 5.17): however many rounds
    /// there are, the verifier walks one. The number of rounds there were, or a negative error number.
    ///
    /// The closure records a function of its own, `g`; it shares nothing but what lies at `shared` with the one around it.
    /// `g.break_()` ends the loop, `g.continue_()` the round. The verifier does walk every round where it has to know what the rounds
    /// count: where that is compared, or indexes an array.
    ///
    /// ```
    /// # use bpfsmith::dsl::{Syscall};
    /// # let mut object = bpfsmith::object::ObjectBuilder::new("test").license("GPL");
    /// object.program("sum", Syscall::SYSCALL, |f, _| {
    ///     let sum = f.local(0u64);
    ///     f.bpf_loop(100, &sum, |g, i, sum| {
    ///         sum.set(sum.get() + i.to::<u64>());
    ///         g.if_(sum.get().gt(1000), || g.break_());
    ///     });
    ///     f.return_(sum.get().to::<i32>())
    /// });
    /// # object.finish().unwrap();
    /// ```
    #[track_caller]
    pub fn bpf_loop<C: LoopContext<'f>, E: LoopEnd>(
        self,
        rounds: impl Operand<'f, u32>,
        shared: C,
        body: impl for<'g> FnOnce(Func<'g, LoopFlow>, Value<'g, u32>, C::Inner<'g>) -> E,
    ) -> Value<'f, i64> {
        let (brand, at) = (self.brand(), Location::caller());
        let rounds = dynamic::Value::new(brand, rounds.datum(brand, at));
        let shared = shared.outer();
        self.dynamic()
            .bpf_loop(rounds, shared, |g, round, place| {
                body(g, Value::new(g.brand(), round.datum()), C::inner(place))
            })
            .typed()
    }

    /// As [`bpf_loop`](Self::bpf_loop), with a function that was recorded before: [`ObjectBuilder::loop_callback`].
    #[track_caller]
    pub fn bpf_loop_with<C>(
        self,
        rounds: impl Operand<'f, u32>,
        shared: impl LoopContext<'f, Of = C>,
        callback: LoopCallback<C>,
    ) -> Value<'f, i64> {
        let (brand, at) = (self.brand(), Location::caller());
        let rounds = dynamic::Value::new(brand, rounds.datum(brand, at));
        let known = brand.with(|state| {
            let known = callback.owner == state.object.recorder().owner;
            if !known {
                state.fail(Error::Foreign { what: "callback", site: site(at) });
            }
            known
        });
        let index = if known { callback.index } else { usize::MAX };
        self.dynamic().bpf_loop_at(rounds, shared.outer(), index, at).typed()
    }

    /// Calls the function for every element of a map (C: `bpf_for_each_map_elem(&map, body, &shared, 0)`, since 5.13): hash tables
    /// and arrays, of per-CPU ones the value of this CPU. The number of elements there were, or a negative error number.
    ///
    /// The closure records a function of its own, as that of [`bpf_loop`](Self::bpf_loop) does.
    #[doc(alias = "bpf_for_each_map_elem")]
    #[track_caller]
    pub fn for_each_map_elem<K, V, C: LoopContext<'f>, E: LoopEnd>(
        self,
        map: impl AsMap<'f, K, V>,
        shared: C,
        body: impl for<'g> FnOnce(
            Func<'g, LoopFlow>,
            MapParam<'g, K, V>,
            Place<'g, K, Ro>,
            Place<'g, V>,
            C::Inner<'g>,
        ) -> E,
    ) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        let shared = shared.outer();
        self.dynamic()
            .for_each_map_elem(map, shared, |g, map, key, value, place| {
                body(g, MapParam::new(map), Place::new(key), Place::new(value), C::inner(place))
            })
            .typed()
    }
}

impl ObjectBuilder {
    /// Adds a function for the rounds of loops, by a name of its own: for [`Func::bpf_loop_with`].
    #[track_caller]
    pub fn loop_callback<C: BtfType, E: LoopEnd>(
        &mut self,
        name: &str,
        body: impl for<'g> FnOnce(Func<'g, LoopFlow>, Value<'g, u32>, Place<'g, C>) -> E,
    ) -> LoopCallback<C> {
        let at = Location::caller();
        let (owner, index) = (self.recorder().owner, announce(self, name, None, at));
        claim(self, Some(index), at);
        let setup = Setup { name, params: 2, kind: None, returns: Returns::Flow, at };
        let session = Session::begin(self, &setup, Home::Function);
        let brand = Brand::new(session.body());
        let (round, place) = round_params(brand, Layout::Bytes(size_of_type::<C>()), at);
        let error = body(Func::new(brand), Value::new(brand, round.datum()), Place::new(place)).error();
        session.end(error);
        LoopCallback { owner, index, shared: PhantomData }
    }
}

fn function<'f>(index: usize) -> Arg<'f> {
    Arg::new(Argument::Function(index))
}

fn shared_argument(shared: Option<dynamic::Place<'_>>) -> Arg<'_> {
    shared.map_or(Arg::NULL, Arg::from)
}

/// What a round gets: its number, in r1 with the upper half unknown to the verifier, and the shared place.
fn round_params(brand: Brand<'_>, layout: Layout, at: At) -> (dynamic::Value<'_>, dynamic::Place<'_>) {
    let round = brand.with(|state| {
        let a = state.param(0);
        let round = state.push(Op::ZeroExtend { bits: 32, a }, at);
        state.made(round, ScalarType::U32)
    });
    (dynamic::Value::new(brand, round), shared_param(brand, 1, layout))
}

fn shared_param(brand: Brand<'_>, index: u8, layout: Layout) -> dynamic::Place<'_> {
    let pointer =
        brand.with(|state| Pointer::new(state.param_base(index), layout, Region::CallerStack, state.scope()));
    dynamic::Place::new(brand, pointer)
}

/// The object while it is lent to a function within another one; it goes back also if the closure panics.
struct Lent<'f> {
    brand: Brand<'f>,
    object: ObjectBuilder,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let object = mem::replace(&mut self.object, ObjectBuilder::new(String::new()));
        self.brand.with(|state| state.take_back(object));
    }
}

/// Records a function within another one, which is called after it and numbered. Where it stands among those announced.
fn within(
    brand: Brand<'_>,
    params: u8,
    at: At,
    body: impl for<'g> FnOnce(Brand<'g>) -> Option<Error>,
) -> usize {
    let (object, outer, kind) = brand.with(|state| (state.lend(), state.name().to_owned(), state.kind));
    let mut lent = Lent { brand, object };
    let name = format!("{outer}_{}", lent.object.recorder().announced.len());
    let index = announce(&mut lent.object, &name, None, at);
    claim(&mut lent.object, Some(index), at);
    let setup = Setup { name: &name, params, kind, returns: Returns::Flow, at };
    let session = Session::begin(&mut lent.object, &setup, Home::Function);
    let error = body(Brand::new(session.body()));
    session.end(error);
    index
}
