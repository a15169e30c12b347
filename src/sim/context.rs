//! What a program is started with: its context and its packet.
//!
//! Programs of most kinds see fields, which stand for what the kernel keeps elsewhere: a load or a store is looked up in the
//! table of the kind. What a test run takes and gives back is that of `net/bpf/test_run.c`, in a file for each shape.

mod fields;
mod other;
mod packet;
mod skb;
mod xdp;

use fields::Fields;
pub(super) use fields::Table as FieldTable;
pub(super) use packet::Frame;
use packet::{NewPacket, Packet};
pub use packet::{Redirect, RedirectTo};
pub(super) use skb::encapsulated_protocol;
pub(super) use xdp::is_metadata;

use super::error::Access;
use super::memory::{Memory, Permit, Region, RegionId, RegionKind};
use super::trap::Trap;
use super::world::World;
use crate::base::{Endian, Errno, Helper};
use crate::kind::{ContextPointer, Known, ProgType, ProgramKind};

/// What a program is to be run on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    packet: Option<Vec<u8>>,
    context: Vec<u8>,
}

impl Input {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A packet, from its Ethernet header on; at least 14 bytes. For kinds whose context points to other data, that data.
    #[must_use]
    pub fn packet(bytes: &[u8]) -> Self {
        Self { packet: Some(bytes.to_vec()), context: Vec::new() }
    }

    /// The context: what a syscall program's author likes, or the C struct of the kind.
    #[must_use]
    pub fn context(bytes: &[u8]) -> Self {
        Self { packet: None, context: bytes.to_vec() }
    }

    /// The packet, if there is one, and the context.
    #[must_use]
    pub fn parts(&self) -> (Option<&[u8]>, &[u8]) {
        (self.packet.as_deref(), &self.context)
    }

    /// The context that goes with the packet.
    #[must_use]
    pub fn with_context(mut self, bytes: &[u8]) -> Self {
        self.context = bytes.to_vec();
        self
    }
}

/// How a kind is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A packet with `struct __sk_buff`; whether it begins with its Ethernet header.
    Skb {
        header: bool,
    },
    Xdp,
    FlowDissector,
    SkLookup,
    Netfilter,
    /// Read only, and not given back.
    RawTracepoint,
    /// Bytes as the author likes.
    Bytes,
    /// No kernel runs it on request: fields, and data if they point to any.
    Fields,
}

impl Shape {
    const fn of(kind: ProgramKind) -> Self {
        match kind.prog_type() {
            ProgType::SCHED_CLS | ProgType::SCHED_ACT => Self::Skb { header: true },
            ProgType::SOCKET_FILTER
            | ProgType::CGROUP_SKB
            | ProgType::LWT_IN
            | ProgType::LWT_OUT
            | ProgType::LWT_XMIT
            | ProgType::LWT_SEG6LOCAL => Self::Skb { header: false },
            ProgType::XDP => Self::Xdp,
            ProgType::FLOW_DISSECTOR => Self::FlowDissector,
            ProgType::SK_LOOKUP => Self::SkLookup,
            ProgType::NETFILTER => Self::Netfilter,
            ProgType::RAW_TRACEPOINT => Self::RawTracepoint,
            ProgType::SYSCALL => Self::Bytes,
            _ => match kind.context().known() {
                Known::Fully => Self::Fields,
                _ => Self::Bytes,
            },
        }
    }
}

/// What a shape makes of the input.
#[derive(Debug, Default)]
struct Made {
    /// The fields, as C lays them out.
    fields: Vec<u8>,
    /// What is given back, but for what the program can change.
    given: Vec<u8>,
    packet: Option<NewPacket>,
    socket: Option<Vec<u8>>,
    keys: Option<Vec<u8>>,
}

/// The context of a run.
#[derive(Debug)]
pub(super) struct Context {
    kind: Option<ProgramKind>,
    region: Option<RegionId>,
    packet: Option<Packet>,
    /// What programs see; none where they see bytes.
    fields: Option<Fields>,
    given: Vec<u8>,
    /// `struct bpf_sock`.
    socket: Option<RegionId>,
    /// `struct bpf_flow_keys`.
    keys: Option<RegionId>,
    /// What [`ContextPointer::Kernel`] points to: it has no bytes here.
    opaque: Option<RegionId>,
}

impl Context {
    /// That of a callback: none.
    pub(super) const fn none() -> Self {
        Self {
            kind: None,
            region: None,
            packet: None,
            fields: None,
            given: Vec::new(),
            socket: None,
            keys: None,
            opaque: None,
        }
    }

    /// Whether programs see fields, not bytes.
    pub(super) const fn has_fields(&self) -> bool {
        self.fields.is_some()
    }

    /// The kind of the program that runs.
    pub(super) const fn kind(&self) -> Option<ProgramKind> {
        self.kind
    }

    /// Where the packet goes, if it goes.
    pub(super) fn set_redirect(&mut self, redirect: Redirect) {
        if let Some(packet) = &mut self.packet {
            packet.redirect = Some(redirect);
        }
    }

    /// A load from a field.
    pub(super) fn load(&self, memory: &Memory, offset: i64, size: u32) -> Result<u64, Trap> {
        let refused = || self.trap(Access::Read, offset, size);
        let fields = self.fields.as_ref().ok_or_else(refused)?;
        let (value, pointer) = fields.load(offset, size, memory.endian).ok_or_else(refused)?;
        Ok(pointer.map_or(value, |pointer| self.pointer(memory, pointer)))
    }

    /// A store to a field.
    pub(super) fn store(&mut self, endian: Endian, offset: i64, size: u32, value: u64) -> Result<(), Trap> {
        let stored = self.fields.as_mut().is_some_and(|fields| fields.store(offset, size, value, endian));
        if stored { Ok(()) } else { Err(self.trap(Access::Write, offset, size)) }
    }

    /// Bytes of the packet, as legacy loads see them; none outside of it.
    pub(super) fn load_packet(&self, memory: &Memory, offset: i32, size: u32) -> Option<u64> {
        let packet = self.packet.as_ref()?;
        packet.load(&memory.region(packet.region).bytes, offset, size as usize)
    }

    fn pointer(&self, memory: &Memory, pointer: ContextPointer) -> u64 {
        let start = |id: Option<RegionId>| id.map_or(0, |id| memory.region(id).start(id));
        match pointer {
            ContextPointer::FlowKeys => start(self.keys),
            ContextPointer::Socket | ContextPointer::SocketOrNull | ContextPointer::SockCommonOrNull => {
                start(self.socket)
            }
            ContextPointer::Kernel(_) | ContextPointer::TracepointBuffer => start(self.opaque),
            _ => self.packet.as_ref().map_or(0, |packet| packet.pointer(memory, pointer)),
        }
    }

    fn trap(&self, access: Access, offset: i64, size: u32) -> Trap {
        let context = self.kind.map_or("none", |kind| kind.context().name());
        Trap::Field { access, size, offset, context }
    }
}

impl World {
    /// The packet of the context that argument 1 of a helper is.
    pub(super) fn frame(&mut self, helper: Helper, address: u64) -> Result<Frame<'_>, Trap> {
        let trap = Trap::Argument { helper, argument: 1, address, expected: "the context of a packet" };
        let cpu = self.context_argument(helper, address)?;
        let endian = self.memory.endian;
        let Context { kind: Some(kind), packet: Some(packet), fields, .. } = &mut self.contexts[cpu as usize]
        else {
            return Err(trap);
        };
        let region = self.memory.region_mut(packet.region);
        Ok(Frame { kind: *kind, packet, region, fields: fields.as_mut().ok_or(trap)?, endian })
    }

    /// The CPU whose context argument 1 of a helper is.
    pub(super) fn context_argument(&self, helper: Helper, address: u64) -> Result<u32, Trap> {
        match self.memory.kind(address) {
            Some(RegionKind::Context(cpu)) if self.memory.offset(address) == 0 => Ok(cpu),
            _ => Err(Trap::Argument { helper, argument: 1, address, expected: "the context" }),
        }
    }

    /// The context of what runs.
    pub(super) fn here(&mut self) -> &mut Context {
        &mut self.contexts[self.cpu as usize]
    }
}

/// Gives a CPU the context of a run; its address.
pub(super) fn begin(world: &mut World, kind: ProgramKind, input: &Input) -> Result<u64, Errno> {
    end(world);
    let endian = world.memory.endian;
    let made = match Shape::of(kind) {
        Shape::Skb { header } => skb::made(header, input, endian)?,
        Shape::Xdp => xdp::made(kind, input, endian)?,
        Shape::FlowDissector => other::flow_dissector(input, endian)?,
        Shape::SkLookup => other::sk_lookup(input, endian)?,
        Shape::Netfilter => other::netfilter(kind, input, endian)?,
        Shape::RawTracepoint => other::raw_tracepoint(kind, input)?,
        Shape::Bytes => other::bytes(kind, input)?,
        Shape::Fields => other::fields(kind, input),
    };
    Ok(add(world, kind, made))
}

fn add(world: &mut World, kind: ProgramKind, made: Made) -> u64 {
    let mut context = Context { kind: Some(kind), given: made.given, ..Context::none() };
    let bytes = match Shape::of(kind) {
        Shape::Bytes => made.fields,
        _ => {
            context.fields = Some(Fields::new(world.field_table(kind), made.fields));
            Vec::new()
        }
    };
    let memory = &mut world.memory;
    let region = memory.add(Region::whole(RegionKind::Context(world.cpu), bytes, Permit::BOTH));
    let mut kernel =
        |name, bytes: Vec<u8>, permit| memory.add(Region::whole(RegionKind::Kernel(name), bytes, permit));
    context.region = Some(region);
    context.socket = made.socket.map(|socket| kernel("bpf_sock", socket, Permit::READ));
    context.keys = made.keys.map(|keys| kernel("bpf_flow_keys", keys, Permit::BOTH));
    if matches!(Shape::of(kind), Shape::Netfilter | Shape::Fields) {
        context.opaque = Some(kernel("structures", Vec::new(), Permit::READ));
    }
    context.packet = made.packet.map(|packet| packet.add(memory));
    world.contexts[world.cpu as usize] = context;
    region.at(0)
}

/// What a run leaves.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) packet: Vec<u8>,
    pub(super) context: Vec<u8>,
    pub(super) redirect: Option<Redirect>,
    /// Copies that were sent.
    pub(super) sent: Vec<Redirect>,
}

/// Takes the context of a run away; packet and context as the program left them.
pub(super) fn end(world: &mut World) -> Left {
    let endian = world.memory.endian;
    let cpu = world.cpu;
    world.locks.retain(|(_, holder)| *holder != cpu);
    let mut context = std::mem::replace(&mut world.contexts[world.cpu as usize], Context::none());
    let Some(kind) = context.kind else { return Left::default() };
    for map in 0..world.maps.len() {
        world.with_map(map as u32, |map, at| map.run_over(at));
    }
    let mut left = Left::default();
    let mut take = |id: Option<RegionId>| {
        let id = id?;
        let bytes = std::mem::take(&mut world.memory.region_mut(id).bytes);
        world.memory.remove(id);
        Some(bytes)
    };
    let bytes = take(context.region).unwrap_or_default();
    take(context.opaque);
    take(context.socket);
    let keys = take(context.keys);
    let packet = context.packet.as_ref().and_then(|packet| take(Some(packet.region))).unwrap_or_default();
    let given = std::mem::take(&mut context.given);
    (left.packet, left.context) = match (Shape::of(kind), &context.fields, &context.packet) {
        (Shape::Bytes, ..) => (packet, bytes),
        (Shape::Skb { header }, Some(fields), _) => {
            (skb::packet(header, packet), skb::context(fields, given, endian))
        }
        (Shape::Xdp, _, Some(frame)) => {
            let context = xdp::context(frame, packet.len(), given, endian);
            (packet, context)
        }
        (Shape::FlowDissector, ..) => (other::keys(keys.unwrap_or_default(), packet.len(), endian), given),
        (Shape::SkLookup | Shape::RawTracepoint | Shape::Netfilter, ..) => (Vec::new(), given),
        (_, Some(fields), _) => (packet, fields.bytes()),
        _ => (packet, given),
    };
    if let Some(packet) = context.packet {
        (left.redirect, left.sent) = (packet.redirect, packet.sent);
    }
    left
}
