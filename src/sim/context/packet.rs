//! The packet of a run: its bytes, what lies before them, where its headers are.

use super::fields::Fields;
use crate::base::Endian;
use crate::kind::{ContextPointer, ProgramKind};
use crate::sim::memory::{Memory, Permit, Region, RegionId, RegionKind};
use crate::sim::world::number;

/// Where a packet, or a copy of it, is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirect {
    /// What it was sent to.
    pub to: RedirectTo,
    /// The flags of the helper.
    pub flags: u64,
    /// The copy that was sent; empty where the packet itself goes.
    pub packet: Vec<u8>,
}

impl Redirect {
    pub(in crate::sim) const fn new(to: RedirectTo, flags: u64) -> Self {
        Self { to, flags, packet: Vec::new() }
    }
}

/// What a packet is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectTo {
    /// An interface (`bpf_redirect`, `bpf_clone_redirect`).
    Interface(u32),
    /// The peer of an interface, in its network namespace (`bpf_redirect_peer`).
    Peer(u32),
    /// An interface, its addresses filled in (`bpf_redirect_neigh`).
    Neighbour(u32),
    /// An entry of a map (`bpf_redirect_map`).
    Map {
        /// The map.
        map: String,
        /// Which entry.
        key: u64,
    },
}

/// Where XDP keeps what it may not overwrite.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Room {
    /// Bytes behind the packet that it can grow to.
    pub(in crate::sim) tail: usize,
    /// Bytes at the start that belong to the kernel.
    pub(in crate::sim) reserved: usize,
}

/// What a shape knows of the packet of a run.
#[derive(Debug, Default)]
pub(super) struct NewPacket {
    pub(super) bytes: Vec<u8>,
    /// What lies before it.
    pub(super) before: Vec<u8>,
    /// How many of its bytes are metadata.
    pub(super) meta: usize,
    pub(super) mac: i64,
    pub(super) network: i64,
    pub(super) room: Room,
    /// Programs may not write it.
    pub(super) read_only: bool,
    /// Whether `data_end` says where it ends; null in the context where it does not.
    pub(super) ends: bool,
}

impl NewPacket {
    pub(super) fn add(self, memory: &mut Memory) -> Packet {
        let permit = if self.read_only { Permit::READ } else { Permit::BOTH };
        Packet {
            region: memory.add(Region::whole(RegionKind::Packet, self.bytes, permit)),
            before: self.before,
            meta: self.meta,
            mac: self.mac,
            network: self.network,
            room: self.room,
            ends: self.ends,
            hashed: false,
            checked: None,
            encapsulated: false,
            redirect: None,
            sent: Vec::new(),
        }
    }
}

/// The packet of a run. Offsets count from the first byte of data, behind the metadata.
#[derive(Debug)]
pub(in crate::sim) struct Packet {
    pub(in crate::sim) region: RegionId,
    pub(in crate::sim) before: Vec<u8>,
    pub(in crate::sim) meta: usize,
    /// Where the Ethernet header is.
    pub(in crate::sim) mac: i64,
    /// Where what follows it is.
    pub(in crate::sim) network: i64,
    pub(in crate::sim) room: Room,
    ends: bool,
    /// Whether the hash counts.
    pub(in crate::sim) hashed: bool,
    /// Checksums found right, less one (`csum_level`); none: nothing is known of them.
    pub(in crate::sim) checked: Option<u8>,
    pub(in crate::sim) encapsulated: bool,
    pub(in crate::sim) redirect: Option<Redirect>,
    pub(in crate::sim) sent: Vec<Redirect>,
}

/// Offsets of legacy loads from here on count from the network header (`SKF_NET_OFF`).
const NET_OFF: i32 = -0x10_0000;
/// And these from the Ethernet header (`SKF_LL_OFF`).
const LL_OFF: i32 = -0x20_0000;

impl Packet {
    pub(super) fn pointer(&self, memory: &Memory, pointer: ContextPointer) -> u64 {
        let region = memory.region(self.region);
        let start = region.start(self.region);
        match pointer {
            ContextPointer::Packet => start + self.meta as u64,
            ContextPointer::PacketMeta => start,
            ContextPointer::PacketEnd if self.ends => start + region.bytes.len() as u64,
            _ => 0,
        }
    }

    pub(super) fn load(&self, bytes: &[u8], offset: i32, size: usize) -> Option<u64> {
        let at = match offset {
            0.. => offset.into(),
            NET_OFF.. => self.network + i64::from(offset - NET_OFF),
            LL_OFF.. => self.mac + i64::from(offset - LL_OFF),
            _ => return None,
        };
        self.read(bytes, at, size).map(|bytes| number(&bytes, Endian::Big))
    }

    /// Bytes of the packet, or of what lies before it.
    fn read(&self, bytes: &[u8], at: i64, size: usize) -> Option<Vec<u8>> {
        let at = at + (self.before.len() + self.meta) as i64;
        let at = usize::try_from(at).ok()?;
        let all = self.before.iter().chain(bytes);
        let found: Vec<u8> = all.skip(at).take(size).copied().collect();
        (found.len() == size).then_some(found)
    }
}

/// The packet of a context, lent to a helper.
pub(in crate::sim) struct Frame<'a> {
    pub(in crate::sim) kind: ProgramKind,
    pub(in crate::sim) packet: &'a mut Packet,
    pub(in crate::sim) region: &'a mut Region,
    pub(in crate::sim) fields: &'a mut Fields,
    pub(in crate::sim) endian: Endian,
}

impl Frame<'_> {
    /// The bytes, without metadata.
    pub(in crate::sim) fn data(&self) -> &[u8] {
        self.region.bytes.get(self.packet.meta..).unwrap_or_default()
    }

    /// Part of the bytes, to write; none outside of them.
    pub(in crate::sim) fn part(&mut self, at: usize, size: usize) -> Option<&mut [u8]> {
        let at = self.packet.meta.checked_add(at)?;
        self.region.bytes.get_mut(at..at.checked_add(size)?)
    }

    /// Bytes at an offset from a header, which may lie before the data.
    pub(in crate::sim) fn read(&self, at: i64, size: usize) -> Option<Vec<u8>> {
        self.packet.read(&self.region.bytes, at, size)
    }

    pub(in crate::sim) fn field(&self, name: &str) -> u64 {
        self.fields.get(name, self.endian)
    }

    pub(in crate::sim) fn set(&mut self, name: &str, value: u64) {
        self.fields.set(name, value, self.endian);
    }

    /// Zeros at `at`, what stands before them moved forward.
    pub(in crate::sim) fn insert(&mut self, at: usize, count: usize) {
        let mut front = self.region.bytes[..at].to_vec();
        front.resize(at + count, 0);
        self.region.replace_front(at, &front);
        self.resized();
    }

    /// Takes bytes away, what stood before them moved back.
    pub(in crate::sim) fn remove(&mut self, at: usize, count: usize) {
        let front = self.region.bytes[..at].to_vec();
        self.region.replace_front(at + count, &front);
        self.resized();
    }

    /// Cuts the end off, or appends zeros.
    pub(in crate::sim) fn resize(&mut self, len: usize) {
        self.region.bytes.resize(self.packet.meta + len, 0);
        self.resized();
    }

    /// Moves the start of what programs see; what is left behind is kept.
    pub(in crate::sim) fn start_at(&mut self, start: usize) {
        let before = &mut self.packet.before;
        if start >= before.len() {
            let count = (start - before.len()).min(self.region.bytes.len());
            before.extend_from_slice(&self.region.bytes[..count]);
            self.region.replace_front(count, &[]);
        } else {
            let front = before.split_off(start);
            self.region.replace_front(0, &front);
        }
    }

    fn resized(&mut self) {
        let len = self.data().len() as u64;
        self.set("len", len);
    }
}
