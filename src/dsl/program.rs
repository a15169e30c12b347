//! Programs, callbacks and functions from closures: recording, lowering, and what `finish` asks of the object.

use std::mem;
use std::panic::Location;

use super::context::DynamicContext;
use super::dynamic::{self, ScalarType};
use super::error::{Error, site};
use super::flow::Exit;
use super::func::Func;
use super::function::{Callback, Function, Params, param_of};
use super::ir::{At, Operand};
use super::kinds::{Kind, ReturnType};
use super::lower;
use super::map::{MapParam, callback_params};
use super::place::{Place, Ro};
use super::record::{Body, Brand, MapId, Returns, Setup, State, check_records};
use super::scalar::Scalar;
use crate::btf::Linkage;
use crate::check::{self, Report};
use crate::map::MapSpec;
use crate::object::{Announced, FunctionError, MapRef, Object, ObjectBuilder, ObjectError};
use crate::program::ProgramSpec;
use crate::site::Site;
use crate::target::Target;

/// What the closure of a program or function ends in.
///
/// A return that need not be reached is not enough:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     f.if_(f.get_prandom_u32().eq(0), || f.return_(XdpAction::DROP));
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// object.program("prog", Xdp::XDP, |f, _| {
///     f.if_(f.get_prandom_u32().eq(0), || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "a program must end with f.return_(..)",
    label = "the closure ends in `{Self}`",
    note = "every path has to return"
)]
pub trait ProgramEnd {
    #[doc(hidden)]
    fn error(self) -> Option<Error>;
}

impl ProgramEnd for Exit {
    fn error(self) -> Option<Error> {
        None
    }
}

impl ProgramEnd for Result<Exit, Error> {
    fn error(self) -> Option<Error> {
        self.err()
    }
}

/// What the closure of a callback ends in.
///
/// The kernel wants 0 of every one, so there is nothing to choose:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |_, _, _, value| {
///     value.field(Elem::COUNTER).set(1);
///     1
/// });
/// ```
/// ```
/// # use bpfsmith::{BtfType, btf::Timer, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.timer_callback(&elems, "tick", |_, _, _, value| {
///     value.field(Elem::COUNTER).set(1);
///     ()
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "a callback returns 0 by itself: its closure must end with ()",
    label = "the closure ends in `{Self}`"
)]
pub trait CallbackEnd {
    #[doc(hidden)]
    fn error(self) -> Option<Error>;
}

impl CallbackEnd for () {
    fn error(self) -> Option<Error> {
        None
    }
}

impl CallbackEnd for Result<(), Error> {
    fn error(self) -> Option<Error> {
        self.err()
    }
}

/// Programs as closures.
impl ObjectBuilder {
    /// Adds a map: `object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1000))`.
    ///
    /// Maps come first: while a program is recorded, the object is lent to it.
    ///
    /// ```compile_fail,E0499
    /// # use bpfsmith::{dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let counts = object.map(MapSpec::array::<u64>("counts").max_entries(1));
    ///     f.map_lookup(&counts, &f.local(0u32)).or_return(Verdict::ALLOW).set(1);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{dsl::{CgroupSkb, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// let counts = object.map(MapSpec::array::<u64>("counts").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     f.map_lookup(&counts, &f.local(0u32)).or_return(Verdict::ALLOW).set(1);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn map<K, V>(&mut self, spec: MapSpec<K, V>) -> MapRef<K, V> {
        self.add_map(spec)
    }

    /// Adds a program: the closure says what it does. It gets the function that is recorded and the context of the kind,
    /// and ends in [`Func::return_`]. A mistake is kept with its line and returned by [`finish`](Self::finish).
    ///
    /// A closure that is not written in the call has to say what it takes:
    ///
    /// ```compile_fail,E0282
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// let body = |f, _ctx| f.return_(XdpAction::PASS);
    /// object.program("prog", Xdp::XDP, body);
    /// ```
    /// ```
    /// # use bpfsmith::{dsl::{Context, Func, Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// let body = |f: Func<XdpAction>, _ctx: Context<Xdp>| f.return_(XdpAction::PASS);
    /// object.program("prog", Xdp::XDP, body);
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn program<P: Kind, O: ProgramEnd>(
        &mut self,
        name: &str,
        kind: P,
        body: impl for<'f> FnOnce(Func<'f, P::Return>, P::Context<'f>) -> O,
    ) {
        let at = Location::caller();
        let spec = kind.spec(name);
        let (kind, returns) = (spec.kind, P::Return::RETURNS);
        let session =
            Session::begin(self, &Setup { name, params: 1, kind: Some(kind), returns, at }, spec.into());
        let brand = Brand::new(session.body());
        let context = P::context(DynamicContext::new(brand, kind));
        let error = body(Func::new(brand), context).error();
        session.end(error);
    }

    /// Adds a function that the kernel calls when a timer in a value of `map` fires. The closure gets the map, the key and
    /// the value; the function returns 0 by itself.
    #[track_caller]
    pub fn timer_callback<K, V, O: CallbackEnd>(
        &mut self,
        map: &MapRef<K, V>,
        name: &str,
        body: impl for<'f> FnOnce(Func<'f>, MapParam<'f, K, V>, Place<'f, K, Ro>, Place<'f, V>) -> O,
    ) -> Callback<K, V> {
        let callback = self.declare_timer_callback(map, name);
        self.define_timer_callback(callback, body);
        callback
    }

    /// Announces a callback that is recorded later: one that sets itself, or one of two that set each other.
    #[track_caller]
    pub fn declare_timer_callback<K, V>(&mut self, map: &MapRef<K, V>, name: &str) -> Callback<K, V> {
        let at = Location::caller();
        let owner = self.recorder().owner;
        let map = map.index_in(owner);
        if map.is_none() {
            fail(self, name, Error::Foreign { what: "map", site: site(at) });
        }
        Callback::new(owner, announce(self, name, map, at))
    }

    /// Records a callback that was [declared](Self::declare_timer_callback).
    #[track_caller]
    pub fn define_timer_callback<K, V, O: CallbackEnd>(
        &mut self,
        callback: Callback<K, V>,
        body: impl for<'f> FnOnce(Func<'f>, MapParam<'f, K, V>, Place<'f, K, Ro>, Place<'f, V>) -> O,
    ) {
        let at = Location::caller();
        let Some((name, map)) = claim(self, callback.index_in(self.recorder().owner), at) else { return };
        let setup = Setup { name: &name, params: 3, kind: None, returns: Returns::Zero, at };
        let session = Session::begin(self, &setup, Home::Function);
        let f = Func::new(Brand::new(session.body()));
        let (map, key, value) = callback_params(f.dynamic(), MapId::Object(map.unwrap_or(usize::MAX)));
        let error = body(f, MapParam::new(map), Place::new(key), Place::new(value)).error();
        session.end(error);
    }

    /// Adds a function that others call: `object.function::<(u32, u64), u64>("add", |f, (a, b)| f.return_(..))`.
    #[track_caller]
    pub fn function<A: Params, R: Scalar>(
        &mut self,
        name: &str,
        body: impl for<'f> FnOnce(Func<'f, R>, A::Values<'f>) -> Exit,
    ) -> Function<A, R> {
        let function = self.declare_function(name);
        self.define_function(function, body);
        function
    }

    /// Announces a function that is recorded later.
    #[track_caller]
    pub fn declare_function<A: Params, R: Scalar>(&mut self, name: &str) -> Function<A, R> {
        let at = Location::caller();
        Function::new(self.recorder().owner, announce(self, name, None, at))
    }

    /// Records a function that was [declared](Self::declare_function).
    #[track_caller]
    pub fn define_function<A: Params, R: Scalar>(
        &mut self,
        function: Function<A, R>,
        body: impl for<'f> FnOnce(Func<'f, R>, A::Values<'f>) -> Exit,
    ) {
        let at = Location::caller();
        let Some((name, _)) = claim(self, function.index_in(self.recorder().owner), at) else { return };
        let params = u8::try_from(A::TYPES.len()).unwrap_or(u8::MAX);
        let setup = Setup { name: &name, params, kind: None, returns: R::RETURNS, at };
        let session = Session::begin(self, &setup, Home::Function);
        let brand = Brand::new(session.body());
        body(Func::new(brand), A::values(brand));
        session.end(None);
    }

    /// Adds a function whose parameters and result are known at run time only; at most five parameters.
    #[track_caller]
    pub fn dynamic_function<O: ProgramEnd>(
        &mut self,
        name: &str,
        params: &[ScalarType],
        returns: ScalarType,
        body: impl for<'f> FnOnce(Func<'f, dynamic::Any>, Vec<dynamic::Value<'f>>) -> O,
    ) -> dynamic::Function {
        let at = Location::caller();
        if params.len() > 5 {
            let (expected, found) = (5, params.len());
            let callee = name.to_owned();
            fail(self, name, Error::ArgumentCount { callee, expected, found, site: site(at) });
        }
        let (owner, params) = (self.recorder().owner, &params[..params.len().min(5)]);
        let index = announce(self, name, None, at);
        claim(self, Some(index), at);
        let count = u8::try_from(params.len()).unwrap_or(5);
        let setup = Setup { name, params: count, kind: None, returns: Returns::Typed(returns), at };
        let session = Session::begin(self, &setup, Home::Function);
        let brand = Brand::new(session.body());
        let values =
            (0..count).zip(params).map(|(index, &ty)| dynamic::Value::new(brand, param_of(brand, index, ty)));
        let error = body(Func::new(brand), values.collect()).error();
        session.end(error);
        dynamic::Function { owner, index, params: params.to_vec(), returns }
    }

    /// As [`finish`](Self::finish), and checks the object against what is known of this kernel, not only against what holds for all.
    ///
    /// The report holds what is [suspect](Report::suspects); what is [rejected](Report::rejected) is an error.
    ///
    /// # Errors
    /// The first mistake, or what the kernel would refuse.
    pub fn finish_for(mut self, target: &Target) -> Result<(Object, Report), ObjectError> {
        self.recorder_mut().inspect = None;
        let object = self.finish()?;
        let report = checked(&object, target)?;
        Ok((object, report))
    }
}

/// Asks [`check`](crate::check) about an object whose kernel is not known.
fn inspect(object: &Object) -> Result<(), ObjectError> {
    checked(object, &Target::unknown(object.endian())).map(|_| ())
}

fn checked(object: &Object, target: &Target) -> Result<Report, ObjectError> {
    let report = check::check(object, target);
    let Some(first) = report.rejected().next() else { return Ok(report) };
    let site = first.site.clone();
    let error = Error::Rejected { report: Box::new(report) };
    Err(ObjectError::Refused { source: FunctionError::new(error, &site) })
}

fn fail(object: &mut ObjectBuilder, function: &str, error: Error) {
    let site = Site::from(error.loc());
    let source = FunctionError::new(error, &site);
    object.push_error(ObjectError::Function { function: function.to_owned(), source });
}

pub(crate) fn announce(object: &mut ObjectBuilder, name: &str, map: Option<usize>, at: At) -> usize {
    let announced = &mut object.recorder_mut().announced;
    announced.push(Announced { name: name.into(), map, recorded: false, site: site(at) });
    announced.len() - 1
}

/// The name of a function that is to be recorded now, and the map it is called back for.
pub(crate) fn claim(
    object: &mut ObjectBuilder,
    index: Option<usize>,
    at: At,
) -> Option<(String, Option<usize>)> {
    let announced = &mut object.recorder_mut().announced;
    let Some(known) = index.and_then(|index| announced.get_mut(index)) else {
        fail(object, "?", Error::Foreign { what: "function", site: site(at) });
        return None;
    };
    let name = known.name.to_string();
    if mem::replace(&mut known.recorded, true) {
        let announced = known.site.clone();
        fail(object, &name, Error::RecordedTwice { name: name.clone(), announced, site: site(at) });
        return None;
    }
    Some((name, known.map))
}

/// What a recording becomes.
pub(crate) enum Home {
    Function,
    Program(ProgramSpec),
}

impl From<ProgramSpec> for Home {
    fn from(spec: ProgramSpec) -> Self {
        Self::Program(spec)
    }
}

/// A function while it is recorded. The object is lent to it, and goes back when the closure has run, also if it panics.
pub(crate) struct Session<'o> {
    object: &'o mut ObjectBuilder,
    body: Body,
    name: String,
    home: Option<Home>,
    at: At,
}

impl<'o> Session<'o> {
    pub(crate) fn begin(object: &'o mut ObjectBuilder, setup: &Setup<'_>, home: Home) -> Self {
        let lent = mem::replace(object, ObjectBuilder::new(String::new()));
        let body = Body::new(State::new(lent, setup));
        Self { object, body, name: setup.name.to_owned(), home: Some(home), at: setup.at }
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// The closure has run: the function is lowered and goes into the object.
    pub(crate) fn end(mut self, error: Option<Error>) {
        let Some(home) = self.home.take() else { return };
        let (at, name) = (self.at, mem::take(&mut self.name));
        let code = Brand::new(&self.body).with(|state| state.complete(&name, error, at));
        Brand::new(&self.body).with(|state| {
            let object = &mut state.object;
            object.recorder_mut().inspect = Some(inspect);
            let linkage = match home {
                Home::Function => Linkage::Static,
                Home::Program(spec) => {
                    object.push_program(spec, site(at));
                    Linkage::Global
                }
            };
            match code {
                Ok(code) => object.push_code(&name, code, linkage, site(at)),
                Err(error) => fail(object, &name, error),
            }
        });
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        Brand::new(&self.body).with(|state| mem::swap(&mut state.object, self.object));
    }
}

impl State {
    fn complete(&mut self, name: &str, error: Option<Error>, at: At) -> Result<crate::asm::Code, Error> {
        if self.is_live() {
            match self.returns {
                Returns::Zero | Returns::Flow => self.ir.ret(Operand::Imm(0), at),
                _ if error.is_some() => self.ir.ret(Operand::Imm(0), at),
                _ => self.fail(Error::NoReturn { site: site(at) }),
            }
        }
        if let Some(error) = self.take_error().or(error) {
            return Err(error);
        }
        let function = mem::replace(&mut self.ir, super::ir::Builder::new(name, 0)).finish();
        check_records(&function)?;
        let isa = self.object.recorder().isa;
        Ok(lower::compile(function, isa, None)?)
    }
}
