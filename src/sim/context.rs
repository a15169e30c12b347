//! What a program is started with: its context and its packet.

use super::error::Access;
use super::memory::{Memory, Permit, Region, RegionId, RegionKind};
use super::trap::Trap;
use super::world::{World, number};
use crate::base::{Endian, Errno};
use crate::kind::{ContextAccess, ContextPointer, Direction, Known, ProgType, ProgramKind};

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

    /// A packet, from its Ethernet header on; at least 14 bytes.
    #[must_use]
    pub fn packet(bytes: &[u8]) -> Self {
        Self { packet: Some(bytes.to_vec()), context: Vec::new() }
    }

    /// The context: what a syscall program's author likes, or the C struct of the kind.
    #[must_use]
    pub fn context(bytes: &[u8]) -> Self {
        Self { packet: None, context: bytes.to_vec() }
    }

    /// The context that goes with the packet.
    #[must_use]
    pub fn with_context(mut self, bytes: &[u8]) -> Self {
        self.context = bytes.to_vec();
        self
    }
}

/// The length of an Ethernet header.
const ETHERNET: usize = 14;

/// How a kind sees its packet in a test run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packet {
    /// From its Ethernet header on.
    WithHeader,
    /// From what the Ethernet header carries.
    WithoutHeader,
    /// It has none.
    None,
}

impl Packet {
    const fn of(kind: ProgramKind) -> Self {
        match kind.prog_type() {
            ProgType::XDP | ProgType::SCHED_CLS | ProgType::SCHED_ACT => Self::WithHeader,
            ProgType::SOCKET_FILTER
            | ProgType::CGROUP_SKB
            | ProgType::LWT_IN
            | ProgType::LWT_OUT
            | ProgType::LWT_XMIT
            | ProgType::LWT_SEG6LOCAL => Self::WithoutHeader,
            _ => Self::None,
        }
    }
}

/// The context of a run.
#[derive(Debug)]
pub(super) struct Context {
    kind: Option<ProgramKind>,
    region: Option<RegionId>,
    packet: Option<RegionId>,
    /// What each byte allows, if programs see fields; else the bytes are in the region.
    cells: Vec<Cell>,
    /// The C struct, as programs see it.
    bytes: Vec<u8>,
}

/// What accesses that begin at a byte of the context may be: bits of the widths 1, 2, 4, 8.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    reads: u8,
    writes: u8,
    pointer: Option<ContextPointer>,
}

impl Context {
    /// That of a callback: none.
    pub(super) const fn none() -> Self {
        Self { kind: None, region: None, packet: None, cells: Vec::new(), bytes: Vec::new() }
    }

    /// The packet.
    pub(super) const fn packet(&self) -> Option<RegionId> {
        self.packet
    }

    /// Whether programs see fields, not bytes.
    pub(super) const fn has_fields(&self) -> bool {
        !self.cells.is_empty()
    }

    /// A load from a field.
    pub(super) fn load(&self, memory: &Memory, offset: i64, size: u32) -> Result<u64, Trap> {
        let (at, cell) = self.cell(offset).ok_or_else(|| self.trap(Access::Read, offset, size))?;
        if u32::from(cell.reads) & size == 0 {
            return Err(self.trap(Access::Read, offset, size));
        }
        Ok(match cell.pointer {
            Some(pointer) => self.pointer(memory, pointer),
            None => number(&self.bytes[at..at + size as usize], memory.endian),
        })
    }

    /// A store to a field.
    pub(super) fn store(&mut self, endian: Endian, offset: i64, size: u32, value: u64) -> Result<(), Trap> {
        let (at, cell) = self.cell(offset).ok_or_else(|| self.trap(Access::Write, offset, size))?;
        if u32::from(cell.writes) & size == 0 {
            return Err(self.trap(Access::Write, offset, size));
        }
        put(&mut self.bytes, at, size as usize, value, endian);
        Ok(())
    }

    fn cell(&self, offset: i64) -> Option<(usize, Cell)> {
        let at = usize::try_from(offset).ok()?;
        Some((at, *self.cells.get(at)?))
    }

    fn pointer(&self, memory: &Memory, pointer: ContextPointer) -> u64 {
        let Some(packet) = self.packet else { return 0 };
        let region = memory.region(packet);
        match pointer {
            ContextPointer::Packet | ContextPointer::PacketMeta => region.start(packet),
            ContextPointer::PacketEnd => region.start(packet) + region.bytes.len() as u64,
            _ => 0,
        }
    }

    fn trap(&self, access: Access, offset: i64, size: u32) -> Trap {
        let context = self.kind.map_or("none", |kind| kind.context().name());
        Trap::Field { access, size, offset, context }
    }
}

/// Gives a CPU the context of a run; its address.
pub(super) fn begin(world: &mut World, kind: ProgramKind, input: &Input) -> Result<u64, Errno> {
    end(world);
    let mut context = Context { kind: Some(kind), ..Context::none() };
    let packet = packet(kind, input)?;
    let fields = has_fields(kind);
    let bytes = if fields { Vec::new() } else { input.context.clone() };
    let region = Region::whole(RegionKind::Context(world.cpu), bytes, Permit::BOTH);
    let region = world.memory.add(region);
    context.region = Some(region);
    if fields {
        context.cells = cells(kind);
        context.bytes = input.context.clone();
        context.bytes.resize(context.cells.len() + 8, 0);
        describe(&mut context.bytes, kind, packet, world.memory.endian);
    }
    if let Some(packet) = packet {
        let bytes = packet[start(kind)..].to_vec();
        context.packet = Some(world.memory.add(Region::whole(RegionKind::Packet, bytes, Permit::BOTH)));
    }
    world.contexts[world.cpu as usize] = context;
    Ok(region.at(0))
}

/// Takes the context of a run away; packet and context as the program left them.
pub(super) fn end(world: &mut World) -> (Vec<u8>, Vec<u8>) {
    let context = std::mem::replace(&mut world.contexts[world.cpu as usize], Context::none());
    let mut left = (Vec::new(), context.bytes);
    left.1.truncate(context.cells.len());
    if let Some(packet) = context.packet {
        // The kernel gives back an Ethernet header of zeros where the program did not see it.
        left.0 = vec![0; context.kind.map_or(0, start)];
        left.0.append(&mut world.memory.region_mut(packet).bytes);
        world.memory.remove(packet);
    }
    if let Some(region) = context.region {
        if context.cells.is_empty() {
            left.1 = std::mem::take(&mut world.memory.region_mut(region).bytes);
        }
        world.memory.remove(region);
    }
    left
}

const fn start(kind: ProgramKind) -> usize {
    match Packet::of(kind) {
        Packet::WithoutHeader => ETHERNET,
        Packet::WithHeader | Packet::None => 0,
    }
}

/// The packet, where the kind takes one.
fn packet(kind: ProgramKind, input: &Input) -> Result<Option<&[u8]>, Errno> {
    match (Packet::of(kind), &input.packet) {
        (Packet::None, None) => Ok(None),
        (Packet::None, Some(_)) => Err(Errno::EINVAL),
        (_, Some(packet)) if packet.len() >= ETHERNET => Ok(Some(packet)),
        _ => Err(Errno::EINVAL),
    }
}

/// Whether programs see fields, not bytes.
fn has_fields(kind: ProgramKind) -> bool {
    kind.prog_type() != ProgType::SYSCALL && kind.context().known() == Known::Fully
}

fn cells(kind: ProgramKind) -> Vec<Cell> {
    let context = kind.context();
    let mut cells = vec![Cell::default(); context.size() as usize];
    for (offset, cell) in (0..).zip(&mut cells) {
        for width in [1u8, 2, 4, 8] {
            if let ContextAccess::Allowed(field) = context.access(Direction::Read, offset, width.into()) {
                cell.reads |= width;
                cell.pointer = field.pointer;
            }
            if let ContextAccess::Allowed(_) = context.access(Direction::Write, offset, width.into()) {
                cell.writes |= width;
            }
        }
    }
    cells
}

/// What a test run says of a packet.
fn describe(bytes: &mut [u8], kind: ProgramKind, packet: Option<&[u8]>, endian: Endian) {
    let Some(packet) = packet else { return };
    let mut set = |name: &str, value: u64| {
        if let Some(field) = kind.context().field(name) {
            put(bytes, field.offset as usize, field.size as usize, value, endian);
        }
    };
    set("len", (packet.len() - start(kind)) as u64);
    set("protocol", number(&packet[12..14], endian));
    set("ifindex", LOOPBACK);
}

/// The interface of test runs.
const LOOPBACK: u64 = 1;

fn put(bytes: &mut [u8], at: usize, size: usize, value: u64, endian: Endian) {
    let Some(room) = bytes.get_mut(at..at + size) else { return };
    match endian {
        Endian::Little => room.copy_from_slice(&value.to_le_bytes()[..size]),
        Endian::Big => room.copy_from_slice(&value.to_be_bytes()[8 - size..]),
    }
}
