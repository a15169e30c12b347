//! Ring buffers: records that are reserved, written and submitted, or copied at once. That each reserved record is handed back
//! exactly once is found out when the function is complete, over all its paths.

use std::panic::Location;

use super::dynamic::{self, Arg, Layout, MapArg, MaybeNull};
use super::func::Func;
use super::map::AsMap;
use super::place::{AsPtr, Place, size_of_type};
use super::scalar::Operand;
use super::tail::{AsContext, need_kind};
use super::value::Value;
use crate::base::Helper;
use crate::base::flags::RingbufFlags;
use crate::btf::BtfType;
use crate::map::MapKind;

const NO_RING: &str = "is no ring buffer";

/// What a ring buffer can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum RingbufQuery {
    /// How many bytes have not been read.
    #[doc(alias = "BPF_RB_AVAIL_DATA")]
    Available = 0,
    /// How many bytes it holds.
    #[doc(alias = "BPF_RB_RING_SIZE")]
    Size = 1,
    /// Up to where user space has read.
    #[doc(alias = "BPF_RB_CONS_POS")]
    ConsumerPosition = 2,
    /// Up to where programs have written.
    #[doc(alias = "BPF_RB_PROD_POS")]
    ProducerPosition = 3,
}

/// Ring buffers, with types known at run time.
impl<'f, R> dynamic::Func<'f, R> {
    /// Room for a record in a ring buffer (`bpf_ringbuf_reserve`, since 5.8). On every path it has to be
    /// [submitted](Self::ringbuf_submit) or [discarded](Self::ringbuf_discard), and is not used behind that.
    #[doc(alias = "bpf_ringbuf_reserve")]
    #[track_caller]
    pub fn ringbuf_reserve(self, map: MapArg<'f>, layout: Layout) -> MaybeNull<'f, dynamic::Place<'f>, R> {
        need_kind(self.brand(), map, &[MapKind::RINGBUF], NO_RING, Location::caller());
        let args = [map.into(), Arg::number(i64::from(layout.size())), Arg::number(0)];
        self.call(Helper::RINGBUF_RESERVE, &args).maybe_null().map(|place| place.as_layout(layout))
    }

    /// Hands a reserved record to the reader (`bpf_ringbuf_submit`, since 5.8).
    #[doc(alias = "bpf_ringbuf_submit")]
    #[track_caller]
    pub fn ringbuf_submit(self, record: dynamic::Place<'f>, flags: RingbufFlags) {
        self.call(Helper::RINGBUF_SUBMIT, &[record.into(), bits(flags)]).nothing();
    }

    /// Gives a reserved record back unread (`bpf_ringbuf_discard`, since 5.8).
    #[doc(alias = "bpf_ringbuf_discard")]
    #[track_caller]
    pub fn ringbuf_discard(self, record: dynamic::Place<'f>, flags: RingbufFlags) {
        self.call(Helper::RINGBUF_DISCARD, &[record.into(), bits(flags)]).nothing();
    }

    /// Copies a record into a ring buffer (`bpf_ringbuf_output`, since 5.8): 0 or a negative error number.
    #[doc(alias = "bpf_ringbuf_output")]
    #[track_caller]
    pub fn ringbuf_output(
        self,
        map: MapArg<'f>,
        data: dynamic::Place<'f>,
        flags: RingbufFlags,
    ) -> dynamic::Value<'f> {
        need_kind(self.brand(), map, &[MapKind::RINGBUF], NO_RING, Location::caller());
        let size = Arg::number(i64::from(data.layout().size()));
        self.call(Helper::RINGBUF_OUTPUT, &[map.into(), data.into(), size, bits(flags)]).value()
    }

    /// How a ring buffer stands (`bpf_ringbuf_query`, since 5.8): by the time it is looked at, it may have changed.
    #[doc(alias = "bpf_ringbuf_query")]
    #[track_caller]
    pub fn ringbuf_query(self, map: MapArg<'f>, query: RingbufQuery) -> dynamic::Value<'f> {
        need_kind(self.brand(), map, &[MapKind::RINGBUF], NO_RING, Location::caller());
        self.call(Helper::RINGBUF_QUERY, &[map.into(), Arg::number(query as i64)]).value()
    }

    /// Copies a record into the perf event at an index of an array of them (`bpf_perf_event_output`, since 4.4): 0 or a negative error
    /// number. The lowest 32 bits of `flags` are the index; all of them set mean that of this CPU.
    #[doc(alias = "bpf_perf_event_output")]
    #[track_caller]
    pub fn perf_event_output(
        self,
        context: dynamic::Place<'f>,
        events: MapArg<'f>,
        flags: dynamic::Value<'f>,
        data: dynamic::Place<'f>,
    ) -> dynamic::Value<'f> {
        let at = Location::caller();
        need_kind(self.brand(), events, &[MapKind::PERF_EVENT_ARRAY], "holds no perf events", at);
        let size = Arg::number(i64::from(data.layout().size()));
        let args = [context.into(), events.into(), flags.into(), data.into(), size];
        self.call(Helper::PERF_EVENT_OUTPUT, &args).value()
    }
}

/// Ring buffers.
impl<'f, R> Func<'f, R> {
    /// Room for a record in a ring buffer (C: `bpf_ringbuf_reserve(&map, sizeof(T), 0)`, since 5.8). On every path it has to be
    /// [submitted](Self::ringbuf_submit) or [discarded](Self::ringbuf_discard), and is not used behind that: an error of `finish()`
    /// otherwise, with the line.
    ///
    /// ```
    /// # use bpfsmith::dsl::{RingbufFlags, Syscall};
    /// # use bpfsmith::map::MapSpec;
    /// # let mut object = bpfsmith::object::ObjectBuilder::new("test").license("GPL");
    /// let events = object.map(MapSpec::ringbuf("events", 4096));
    /// object.program("event", Syscall::SYSCALL, |f, _| {
    ///     let record = f.ringbuf_reserve::<u64>(&events).or_return(1);
    ///     record.set(f.ktime_get_ns());
    ///     f.ringbuf_submit(&record, RingbufFlags::empty());
    ///     f.return_(0)
    /// });
    /// # object.finish().unwrap();
    /// ```
    #[doc(alias = "bpf_ringbuf_reserve")]
    #[track_caller]
    pub fn ringbuf_reserve<T: BtfType>(self, map: impl AsMap<'f, (), ()>) -> MaybeNull<'f, Place<'f, T>, R> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().ringbuf_reserve(map, Layout::Bytes(size_of_type::<T>())).map(Place::new)
    }

    /// Hands a reserved record to the reader (C: `bpf_ringbuf_submit(record, flags)`, since 5.8).
    #[doc(alias = "bpf_ringbuf_submit")]
    #[track_caller]
    pub fn ringbuf_submit<T>(self, record: &Place<'f, T>, flags: RingbufFlags) {
        self.dynamic().ringbuf_submit(AsPtr::<T>::place(record), flags);
    }

    /// Gives a reserved record back unread (C: `bpf_ringbuf_discard(record, flags)`, since 5.8).
    #[doc(alias = "bpf_ringbuf_discard")]
    #[track_caller]
    pub fn ringbuf_discard<T>(self, record: &Place<'f, T>, flags: RingbufFlags) {
        self.dynamic().ringbuf_discard(AsPtr::<T>::place(record), flags);
    }

    /// Copies a record into a ring buffer: 0 or a negative error number (C: `bpf_ringbuf_output(&map, &data, sizeof(data), flags)`, since
    /// 5.8).
    #[doc(alias = "bpf_ringbuf_output")]
    #[track_caller]
    pub fn ringbuf_output<T: BtfType>(
        self,
        map: impl AsMap<'f, (), ()>,
        data: impl AsPtr<'f, T>,
        flags: RingbufFlags,
    ) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        let data = data.place().as_layout(Layout::Bytes(size_of_type::<T>()));
        self.dynamic().ringbuf_output(map, data, flags).typed()
    }

    /// How a ring buffer stands (C: `bpf_ringbuf_query(&map, BPF_RB_AVAIL_DATA)`, since 5.8): by the time it is looked at, it may have
    /// changed.
    #[doc(alias = "bpf_ringbuf_query")]
    #[track_caller]
    pub fn ringbuf_query(self, map: impl AsMap<'f, (), ()>, query: RingbufQuery) -> Value<'f, i64> {
        let map = map.map_arg(self.brand(), Location::caller());
        self.dynamic().ringbuf_query(map, query).typed()
    }

    /// Copies a record into the perf event of this CPU: 0 or a negative error number (C:
    /// `bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &data, sizeof(data))`, since 4.4).
    #[doc(alias = "bpf_perf_event_output")]
    #[track_caller]
    pub fn perf_event_output<T: BtfType>(
        self,
        context: impl AsContext<'f>,
        events: impl AsMap<'f, u32, ()>,
        data: impl AsPtr<'f, T>,
    ) -> Value<'f, i64> {
        let (brand, at) = (self.brand(), Location::caller());
        let events = events.map_arg(brand, at);
        let this_cpu = dynamic::Value::new(brand, Operand::<u64>::datum(u64::from(u32::MAX), brand, at));
        let data = data.place().as_layout(Layout::Bytes(size_of_type::<T>()));
        self.dynamic().perf_event_output(context.context_place(), events, this_cpu, data).typed()
    }
}

fn bits<'f>(flags: RingbufFlags) -> Arg<'f> {
    Arg::number(flags.bits().cast_signed())
}
