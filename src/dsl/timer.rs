//! Timers in map values: made ready for their map, given a callback of that map, armed, disarmed.

use std::panic::Location;
use std::time::Duration;

use super::dynamic::{self, Arg, MapArg};
use super::error::{Error, site};
use super::func::Func;
use super::function::Callback;
use super::ir::At;
use super::map::AsMap;
use super::place::Place;
use super::record::{Argument, Brand, Datum, MapArgument, MapId};
use super::scalar::{Operand, Scalar};
use super::types::ScalarType;
use super::value::{Value, Var};
use crate::base::{Clock, Helper, TimerFlags};
use crate::btf::Timer;

/// Timers, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// Makes a timer ready (`bpf_timer_init`, since 5.15). Its map is the one the place lies in.
    #[doc(alias = "bpf_timer_init")]
    #[track_caller]
    pub fn timer_init(self, timer: dynamic::Place<'f>, clock: Clock) -> dynamic::Value<'f> {
        let map = self.map_of(timer, Location::caller());
        self.timer_init_in(timer, map, clock)
    }

    /// As [`timer_init`](Self::timer_init), where the map is not known from the place.
    #[track_caller]
    pub fn timer_init_in(
        self,
        timer: dynamic::Place<'f>,
        map: MapArg<'f>,
        clock: Clock,
    ) -> dynamic::Value<'f> {
        self.same_map(timer, map.id(), "the call", Location::caller());
        let clock = Arg::number(clock.number().cast_signed());
        self.call(Helper::TIMER_INIT, &[timer.into(), map.into(), clock]).value()
    }

    /// Gives a timer the function to call when it fires (`bpf_timer_set_callback`). It has to be a callback of the timer's map.
    #[doc(alias = "bpf_timer_set_callback")]
    #[track_caller]
    pub fn timer_set_callback<K, V>(
        self,
        timer: dynamic::Place<'f>,
        callback: Callback<K, V>,
    ) -> dynamic::Value<'f> {
        let at = Location::caller();
        let function = self.callback(timer, callback, at);
        self.call(Helper::TIMER_SET_CALLBACK, &[timer.into(), Arg::new(function)]).value()
    }

    /// Arms a timer (`bpf_timer_start`), so many nanoseconds from now, or for that point in time with
    /// [`TimerFlags::ABS`].
    #[doc(alias = "bpf_timer_start")]
    #[track_caller]
    pub fn timer_start(
        self,
        timer: dynamic::Place<'f>,
        nanoseconds: impl IntoNanos<'f>,
        flags: TimerFlags,
    ) -> dynamic::Value<'f> {
        let (brand, at) = (self.brand(), Location::caller());
        let time = nanoseconds.nanoseconds(brand, at);
        check_deadline(brand, time, flags, at);
        let flags = Arg::number(flags.bits().cast_signed());
        let time = dynamic::Value::new(brand, time);
        self.call(Helper::TIMER_START, &[timer.into(), time.into(), flags]).value()
    }

    /// Disarms a timer (`bpf_timer_cancel`): 1 if it was armed, 0 if not, or a negative error number.
    #[doc(alias = "bpf_timer_cancel")]
    #[track_caller]
    pub fn timer_cancel(self, timer: dynamic::Place<'f>) -> dynamic::Value<'f> {
        self.call(Helper::TIMER_CANCEL, &[timer.into()]).value()
    }

    fn map_of(self, timer: dynamic::Place<'f>, at: At) -> MapArg<'f> {
        let known = match timer.map() {
            Some(id @ MapId::Object(_)) => id,
            _ => {
                self.brand().with(|state| state.fail(Error::NoMap { what: "the timer", site: site(at) }));
                MapId::Object(usize::MAX)
            }
        };
        MapArg::new(self.brand(), MapArgument { id: known, pointer: None })
    }

    fn callback<K, V>(self, timer: dynamic::Place<'f>, callback: Callback<K, V>, at: At) -> Argument {
        let index = self.brand().with(|state| {
            let index = callback.index_in(state.object.recorder().owner);
            if index.is_none() {
                state.fail(Error::Foreign { what: "callback", site: site(at) });
            }
            index.unwrap_or(usize::MAX)
        });
        let of = self.brand().with(|state| {
            let known = state.object.recorder().announced.get(index)?;
            Some((MapId::Object(known.map?), format!("callback `{}`", known.name)))
        });
        if let Some((map, what)) = of {
            self.same_map(timer, map, &what, at);
        }
        Argument::Function(index)
    }

    fn same_map(self, timer: dynamic::Place<'f>, map: MapId, what: &str, at: At) {
        let Some(lies_in) = timer.map().filter(|lies_in| *lies_in != map) else { return };
        self.brand().with(|state| {
            let named =
                |id| state.map_def(id).map(|def| (def.name.clone(), def.site.clone())).unwrap_or_default();
            let ((map, map_site), (other, other_site)) = (named(map), named(lies_in));
            let what = what.to_owned();
            state.fail(Error::OtherMap { what, map, map_site, other, other_site, site: site(at) });
        });
    }
}

/// What has passed the half of 64 bits is no deadline: the kernel takes it for one that has passed.
fn check_deadline(brand: Brand<'_>, time: Datum, flags: TimerFlags, at: At) {
    let Some(time) = time.number() else { return };
    if flags.contains(TimerFlags::ABS) && time >= 1 << 63 {
        let what = format!("the deadline {time} ns, which is not below 2^63");
        brand.with(|state| state.fail(Error::Time { what, site: site(at) }));
    }
}

/// Timers.
impl<'f, R> Func<'f, R> {
    /// Makes a timer ready (`bpf_timer_init`, since 5.15): 0, or -EBUSY if it is ready already. Its map is the one the place
    /// lies in.
    ///
    /// Nothing but a [`Timer`] will do:
    ///
    /// ```compile_fail,E0308
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Clock, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
    ///     f.timer_init(value.field(Elem::COUNTER), Clock::Monotonic);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, Clock, Verdict}, map::MapSpec, object::ObjectBuilder};
    /// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    /// object.program("prog", CgroupSkb::EGRESS, |f, _| {
    ///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
    ///     f.timer_init(value.field(Elem::TIMER), Clock::Monotonic);
    ///     f.return_(Verdict::ALLOW)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[doc(alias = "bpf_timer_init")]
    #[track_caller]
    pub fn timer_init(self, timer: Place<'f, Timer>, clock: Clock) -> Value<'f, i64> {
        self.dynamic().timer_init(untyped(timer), clock).typed()
    }

    /// As [`timer_init`](Self::timer_init), where the map is not known from the place: in a map inside a map.
    #[track_caller]
    pub fn timer_init_in<K, V>(
        self,
        timer: Place<'f, Timer>,
        map: impl AsMap<'f, K, V>,
        clock: Clock,
    ) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().timer_init_in(untyped(timer), map, clock).typed()
    }

    /// Gives a timer the function to call when it fires (`bpf_timer_set_callback`). It has to be a callback of the timer's map.
    #[doc(alias = "bpf_timer_set_callback")]
    #[track_caller]
    pub fn timer_set_callback<K, V>(
        self,
        timer: Place<'f, Timer>,
        callback: Callback<K, V>,
    ) -> Value<'f, i64> {
        self.dynamic().timer_set_callback(untyped(timer), callback).typed()
    }

    /// Arms a timer (`bpf_timer_start`): it fires once, after this time, or at this point in time with [`TimerFlags::ABS`].
    #[doc(alias = "bpf_timer_start")]
    #[track_caller]
    pub fn timer_start(
        self,
        timer: Place<'f, Timer>,
        time: impl IntoNanos<'f>,
        flags: TimerFlags,
    ) -> Value<'f, i64> {
        self.dynamic().timer_start(untyped(timer), time, flags).typed()
    }

    /// Disarms a timer (`bpf_timer_cancel`): 1 if it was armed, 0 if not, or a negative error number.
    #[doc(alias = "bpf_timer_cancel")]
    #[track_caller]
    pub fn timer_cancel(self, timer: Place<'f, Timer>) -> Value<'f, i64> {
        self.dynamic().timer_cancel(untyped(timer)).typed()
    }
}

fn untyped(timer: Place<'_, Timer>) -> dynamic::Place<'_> {
    dynamic::Place::new(timer.brand(), timer.pointer())
}

/// A time in nanoseconds: a [`Duration`], or a number or value of type `u64`.
///
/// Nanoseconds have 64 bits, for 32 are four seconds:
///
/// ```compile_fail,E0277
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, TimerFlags, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
///     f.timer_start(value.field(Elem::TIMER), 10u32, TimerFlags::empty());
///     f.return_(Verdict::ALLOW)
/// });
/// ```
/// ```
/// # use bpfsmith::{BtfType, btf::Timer, dsl::{CgroupSkb, TimerFlags, Verdict}, map::MapSpec, object::ObjectBuilder};
/// # #[derive(BtfType)] #[repr(C)] struct Elem { counter: i32, timer: Timer }
/// # let mut object = ObjectBuilder::new("test").license("GPL");
/// # let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
/// object.program("prog", CgroupSkb::EGRESS, |f, _| {
///     let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
///     f.timer_start(value.field(Elem::TIMER), 10u64, TimerFlags::empty());
///     f.return_(Verdict::ALLOW)
/// });
/// # assert!(object.finish().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "a timer is set to a `Duration`, or to nanoseconds as a `u64`, not to `{Self}`"
)]
pub trait IntoNanos<'f> {
    #[doc(hidden)]
    fn nanoseconds(self, brand: Brand<'f>, at: At) -> Datum;
}

impl<'f> IntoNanos<'f> for Duration {
    fn nanoseconds(self, brand: Brand<'f>, at: At) -> Datum {
        let nanoseconds = u64::try_from(self.as_nanos()).unwrap_or_else(|_| {
            let what = format!("{self:?}, which is more than 2^64 ns");
            brand.with(|state| state.fail(Error::Time { what, site: site(at) }));
            0
        });
        Datum::constant(nanoseconds.bits(), ScalarType::U64)
    }
}

macro_rules! nanoseconds {
    ($($ty:ty)*) => {$(
        impl<'f> IntoNanos<'f> for $ty {
            fn nanoseconds(self, brand: Brand<'f>, at: At) -> Datum {
                Operand::<'f, u64>::datum(self, brand, at)
            }
        }
    )*};
}

nanoseconds! { u64 Value<'f, u64> Var<'f, u64> }

impl<'f> IntoNanos<'f> for dynamic::Value<'f> {
    fn nanoseconds(self, _: Brand<'f>, at: At) -> Datum {
        super::scalar::typed::<u64>(self, at)
    }
}
