//! Packets: views of what lies in them, each with one check for all that is read through it.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::context::{Context, DynamicContext};
use super::dynamic::{self, Arg, Layout, MaybeNull, Rhs};
use super::error::Error;
use super::func::Func;
use super::ir::At;
use super::kinds::{self, Kind};
use super::place::{AsPtr, Index, Place, Ro, Rw, size_of_type};
use super::record::{Brand, Datum, PacketPoint};
use super::scalar::Operand;
use super::types::ScalarType;
use super::value::Value;
use crate::base::Helper;
use crate::btf::BtfType;
use crate::kind::{ContextField, ContextPointer};

/// A point in a packet, with types known at run time: see [`dsl::Packet`](super::Packet).
pub struct DynamicPacket<'f, R> {
    brand: Brand<'f>,
    point: PacketPoint,
    returns: PhantomData<fn() -> R>,
}

impl<R> Clone for DynamicPacket<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for DynamicPacket<'_, R> {}

impl<R> fmt::Debug for DynamicPacket<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.point.fmt(f)
    }
}

impl<'f, R> DynamicPacket<'f, R> {
    const fn new(brand: Brand<'f>, point: PacketPoint) -> Self {
        Self { brand, point, returns: PhantomData }
    }

    /// The point so many bytes further on. The kernel has to know a bound of the number: one of a small type, or one that
    /// `&`, `>>` or the end of a loop keeps small; all that is added comes to at most 65535.
    #[track_caller]
    pub fn at(self, offset: impl Rhs<'f>) -> Self {
        let at = Location::caller();
        let zero = dynamic::Value::new(self.brand, Datum::constant(0, ScalarType::U64));
        self.moved(offset.datum_of(zero, at), at)
    }

    fn moved(self, by: Datum, at: At) -> Self {
        Self::new(self.brand, self.brand.with(|state| state.packet_at(self.point, by, at)))
    }

    /// What lies `offset` bytes from here, if the packet is long enough.
    #[track_caller]
    pub fn view(self, offset: usize, layout: Layout) -> MaybeNull<'f, dynamic::Place<'f>, R> {
        let at = Location::caller();
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        let (pointer, beyond) = self.brand.with(|state| state.packet_view(self.point, offset, layout, at));
        MaybeNull::unless(self.brand, beyond, dynamic::Place::new(self.brand, pointer))
    }

    /// How many bytes there are from here to the end, an `i64`: less than 0 if the packet ends before.
    #[track_caller]
    pub fn remaining(self) -> dynamic::Value<'f> {
        let at = Location::caller();
        dynamic::Value::new(self.brand, self.brand.with(|state| state.packet_len(self.point, at)))
    }
}

impl<'f> DynamicContext<'f> {
    /// The packet, or other data that is accessed in the same way (`optval`), from its first byte.
    ///
    /// # Errors
    /// Programs of the kind cannot access one directly.
    #[track_caller]
    pub fn packet<R>(self, f: dynamic::Func<'f, R>) -> Result<DynamicPacket<'f, R>, Error> {
        self.points(f, ContextPointer::Packet, ContextPointer::PacketEnd, "data", Location::caller())
    }

    /// What stands before the packet (`data_meta`, since 4.15), from its first byte.
    ///
    /// # Errors
    /// Programs of the kind cannot access it.
    #[track_caller]
    pub fn packet_meta<R>(self, f: dynamic::Func<'f, R>) -> Result<DynamicPacket<'f, R>, Error> {
        self.points(f, ContextPointer::PacketMeta, ContextPointer::Packet, "data_meta", Location::caller())
    }

    fn points<R>(
        self,
        f: dynamic::Func<'f, R>,
        start: ContextPointer,
        end: ContextPointer,
        name: &str,
        at: At,
    ) -> Result<DynamicPacket<'f, R>, Error> {
        let context = self.kind().context();
        let find = |wanted| context.fields().find(|field: &ContextField| field.pointer == Some(wanted));
        let (Some(start), Some(end)) = (find(start), find(end)) else {
            return Err(self.wrong(name, "is not there", at));
        };
        let pointer = self.place().pointer();
        let point = f.brand().with(|state| state.packet(pointer, (&start, &end), at));
        Ok(DynamicPacket::new(f.brand(), point))
    }

    /// Copies bytes of the packet to a place, also those that cannot be accessed directly (`bpf_skb_load_bytes`, since 4.5;
    /// `bpf_xdp_load_bytes`, since 5.18): 0 or a negative error number.
    #[doc(alias = "bpf_skb_load_bytes")]
    #[doc(alias = "bpf_xdp_load_bytes")]
    #[track_caller]
    pub fn load_bytes(self, offset: dynamic::Value<'f>, into: dynamic::Place<'f>) -> dynamic::Value<'f> {
        let xdp = self.kind().helper(Helper::XDP_LOAD_BYTES).is_some();
        let helper = if xdp { Helper::XDP_LOAD_BYTES } else { Helper::SKB_LOAD_BYTES };
        self.bytes(helper, offset, into, &[])
    }

    /// Writes bytes from a place into the packet (`bpf_skb_store_bytes` without flags, since 4.1; `bpf_xdp_store_bytes`, since
    /// 5.18): 0 or a negative error number. Views made before are of no use afterwards.
    #[doc(alias = "bpf_skb_store_bytes")]
    #[doc(alias = "bpf_xdp_store_bytes")]
    #[track_caller]
    pub fn store_bytes(self, offset: dynamic::Value<'f>, from: dynamic::Place<'f>) -> dynamic::Value<'f> {
        if self.kind().helper(Helper::XDP_STORE_BYTES).is_some() {
            return self.bytes(Helper::XDP_STORE_BYTES, offset, from, &[]);
        }
        self.bytes(Helper::SKB_STORE_BYTES, offset, from, &[Arg::number(0)])
    }

    #[track_caller]
    fn bytes(
        self,
        helper: Helper,
        offset: dynamic::Value<'f>,
        place: dynamic::Place<'f>,
        flags: &[Arg<'f>],
    ) -> dynamic::Value<'f> {
        let f = dynamic::Func::<()>::new(self.place().brand());
        let len = Arg::number(place.layout().size().into());
        let mut args = vec![self.place().into(), offset.into(), place.into(), len];
        args.extend_from_slice(flags);
        f.call(helper, &args).value()
    }
}

/// A kind of program that accesses packets directly.
#[diagnostic::on_unimplemented(message = "programs of kind `{Self}` cannot access a packet directly")]
pub trait PacketKind: Kind {
    /// [`Rw`] if they may write it too.
    type Access;
}

macro_rules! packet_kinds {
    ($($access:ident: $($kind:ident)*;)*) => {
        $($(impl PacketKind for kinds::$kind {
            type Access = $access;
        })*)*
    };
}

packet_kinds! {
    Rw: Xdp SchedCls SchedAct LwtXmit SkSkb StreamParser SkMsg CgroupSockopt;
    Ro: CgroupSkb CgroupEgress LwtIn LwtOut LwtSeg6Local SkReuseport FlowDissector SockOps;
}

/// A point in a packet.
///
/// C has a pointer and compares it with `data_end` before each access. Here a [`view`](Self::view) is compared once, and
/// what is read or written through it lies inside:
///
/// ```
/// use bpfsmith::BtfType;
/// use bpfsmith::btf::Be;
/// use bpfsmith::dsl::{Xdp, XdpAction};
/// use bpfsmith::object::ObjectBuilder;
///
/// #[derive(BtfType, Clone, Copy)]
/// #[repr(C)]
/// struct Ethernet {
///     destination: [u8; 6],
///     source: [u8; 6],
///     protocol: Be<u16>,
/// }
///
/// let mut object = ObjectBuilder::new("filter");
/// object.program("ipv4", Xdp::XDP, |f, ctx| {
///     // if (data + sizeof(*eth) > data_end) return XDP_PASS;
///     let packet = ctx.packet(f);
///     let ethernet = packet.view::<Ethernet>(0).or_return(XdpAction::PASS);
///     // if (eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
///     f.if_(ethernet.field(Ethernet::PROTOCOL).get().ne(0x0800), || f.return_(XdpAction::PASS));
///     // A header of variable length: the point behind it.
///     let ip = packet.at(size_of::<Ethernet>());
///     let words = ip.view::<u8>(0).or_return(XdpAction::PASS).get() & 0x0f;
///     let port = ip.at(words * 4).view::<Be<u16>>(2).or_return(XdpAction::PASS);
///     f.if_(port.get().eq(53), || f.return_(XdpAction::DROP));
///     f.return_(XdpAction::PASS)
/// });
/// object.finish()?;
/// # Ok::<(), bpfsmith::object::ObjectError>(())
/// ```
///
/// Where programs of a kind only read packets, a write does not compile:
///
/// ```compile_fail,E0599
/// # use bpfsmith::{dsl::{CgroupSkb, Verdict}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test");
/// object.program("write", CgroupSkb::EGRESS, |f, ctx| {
///     ctx.packet(f).view::<u8>(0).or_return(Verdict::ALLOW).set(1);
///     f.return_(Verdict::ALLOW)
/// });
/// ```
/// ```
/// # use bpfsmith::{dsl::{SchedCls, TcAction}, object::ObjectBuilder};
/// # let mut object = ObjectBuilder::new("test");
/// object.program("write", SchedCls::CLASSIFIER, |f, ctx| {
///     ctx.packet(f).view::<u8>(0).or_return(TcAction::OK).set(1);
///     f.return_(TcAction::OK)
/// });
/// ```
///
/// A helper that moves the packet makes all of this worthless: what is used afterwards is an error at
/// [`finish`](crate::object::ObjectBuilder::finish), and the context is asked for the packet again.
pub struct Packet<'f, R, M = Rw> {
    packet: DynamicPacket<'f, R>,
    access: PhantomData<fn() -> M>,
}

impl<R, M> Clone for Packet<'_, R, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, M> Copy for Packet<'_, R, M> {}

impl<R, M> fmt::Debug for Packet<'_, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.packet.fmt(f)
    }
}

impl<'f, R, M> Packet<'f, R, M> {
    /// The same point, with types known at run time only.
    #[must_use]
    pub const fn dynamic(self) -> DynamicPacket<'f, R> {
        self.packet
    }

    /// The point so many bytes further on. The kernel has to know a bound of the number: one of a small type, or one that
    /// `&`, `>>` or the end of a loop keeps small; all that is added comes to at most 65535.
    #[track_caller]
    pub fn at(self, offset: impl Index<'f>) -> Self {
        let at = Location::caller();
        let by = offset.index(self.packet.brand, at);
        Self { packet: self.packet.moved(by, at), access: PhantomData }
    }

    /// The `T` that lies `offset` bytes from here, if the packet is long enough.
    ///
    /// ```compile_fail,E0277
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// object.program("prog", Xdp::XDP, |f, ctx| {
    ///     ctx.packet(f).view::<u8>(0).set(1);
    ///     f.return_(XdpAction::PASS)
    /// });
    /// ```
    /// ```
    /// # use bpfsmith::{dsl::{Xdp, XdpAction}, object::ObjectBuilder};
    /// # let mut object = ObjectBuilder::new("test").license("GPL");
    /// object.program("prog", Xdp::XDP, |f, ctx| {
    ///     ctx.packet(f).view::<u8>(0).or_return(XdpAction::PASS).set(1);
    ///     f.return_(XdpAction::PASS)
    /// });
    /// # assert!(object.finish().is_ok());
    /// ```
    #[track_caller]
    pub fn view<T: BtfType>(self, offset: usize) -> MaybeNull<'f, Place<'f, T, M>, R> {
        self.packet.view(offset, Layout::Bytes(size_of_type::<T>())).map(Place::new)
    }

    /// The `N` bytes that lie `offset` bytes from here, if the packet is long enough.
    #[track_caller]
    pub fn bytes<const N: usize>(self, offset: usize) -> MaybeNull<'f, Place<'f, [u8; N], M>, R> {
        self.view(offset)
    }

    /// How many bytes there are from here to the end; less than 0 if the packet ends before.
    #[track_caller]
    pub fn remaining(self) -> Value<'f, i64> {
        self.packet.remaining().typed()
    }
}

impl<'f, P: PacketKind> Context<'f, P> {
    /// The packet, or other data that is accessed in the same way (`optval`), from its first byte.
    #[doc(alias = "data")]
    #[doc(alias = "data_end")]
    #[track_caller]
    pub fn packet<R>(self, f: Func<'f, R>) -> Packet<'f, R, P::Access> {
        let at = Location::caller();
        self.points(f, self.dynamic().packet(f.dynamic()), at)
    }

    /// What stands before the packet (`data_meta`, since 4.15), from its first byte.
    #[doc(alias = "data_meta")]
    #[track_caller]
    pub fn packet_meta<R>(self, f: Func<'f, R>) -> Packet<'f, R, P::Access> {
        let at = Location::caller();
        self.points(f, self.dynamic().packet_meta(f.dynamic()), at)
    }

    fn points<R>(
        self,
        f: Func<'f, R>,
        found: Result<DynamicPacket<'f, R>, Error>,
        at: At,
    ) -> Packet<'f, R, P::Access> {
        let packet = found.unwrap_or_else(|error| {
            let point = f.brand().with(|state| {
                state.fail(error);
                state.no_packet(at)
            });
            DynamicPacket::new(f.brand(), point)
        });
        Packet { packet, access: PhantomData }
    }

    /// Copies bytes of the packet to a place, also those that cannot be accessed directly (`bpf_skb_load_bytes`, since 4.5;
    /// `bpf_xdp_load_bytes`, since 5.18): 0 or a negative error number.
    #[doc(alias = "bpf_skb_load_bytes")]
    #[doc(alias = "bpf_xdp_load_bytes")]
    #[track_caller]
    pub fn load_bytes<T: BtfType>(
        self,
        offset: impl Operand<'f, u32>,
        into: impl AsPtr<'f, T>,
    ) -> Value<'f, i64> {
        let offset = self.offset(offset, Location::caller());
        self.dynamic().load_bytes(offset, sized::<T>(into.place())).typed()
    }

    /// Writes bytes from a place into the packet (`bpf_skb_store_bytes` without flags, since 4.1; `bpf_xdp_store_bytes`, since
    /// 5.18): 0 or a negative error number. Views made before are of no use afterwards.
    #[doc(alias = "bpf_skb_store_bytes")]
    #[doc(alias = "bpf_xdp_store_bytes")]
    #[track_caller]
    pub fn store_bytes<T: BtfType>(
        self,
        offset: impl Operand<'f, u32>,
        from: impl AsPtr<'f, T>,
    ) -> Value<'f, i64> {
        let offset = self.offset(offset, Location::caller());
        self.dynamic().store_bytes(offset, sized::<T>(from.place())).typed()
    }

    fn offset(self, offset: impl Operand<'f, u32>, at: At) -> dynamic::Value<'f> {
        let brand = self.dynamic().place().brand();
        dynamic::Value::new(brand, offset.datum(brand, at))
    }
}

fn sized<T: BtfType>(place: dynamic::Place<'_>) -> dynamic::Place<'_> {
    let layout = Layout::Bytes(size_of_type::<T>());
    dynamic::Place::new(place.brand(), super::record::Pointer { layout, ..place.pointer() })
}
