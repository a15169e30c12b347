//! Helpers that make room in a packet with a socket buffer, or take it away.

use super::{Row, done};
use crate::base::{Errno, Helper};
use crate::sim::context::{Frame, encapsulated_protocol};
use crate::sim::cpu::Answer;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] = &[
    (Helper::SKB_CHANGE_HEAD, change_head),
    (Helper::SKB_CHANGE_TAIL, change_tail),
    (Helper::SKB_CHANGE_PROTO, change_proto),
    (Helper::SKB_ADJUST_ROOM, adjust_room),
    (Helper::SKB_VLAN_PUSH, vlan_push),
    (Helper::SKB_VLAN_POP, vlan_pop),
];

/// The most bytes a packet can be grown to (`SKB_MAX_ALLOC`): four pages, less `skb_shared_info`.
const MOST: usize = 4 * 4096 - 320;
const ETH_P_IP: u64 = 0x0800;
const ETH_P_IPV6: u64 = 0x86dd;
const ETH_P_8021Q: u64 = 0x8100;
const ETH_P_8021AD: u64 = 0x88a8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// The two addresses before the type.
const ADDRESSES: usize = 12;
const ETHERNET: i64 = 14;
const VLAN_TAG: usize = 4;

impl Frame<'_> {
    /// What the packet carries, as people write it.
    fn protocol(&self) -> u64 {
        self.to_network(self.field("protocol"))
    }

    /// Sixteen bits of the network's byte order, or back.
    fn to_network(&self, value: u64) -> u64 {
        match self.endian {
            crate::base::Endian::Little => u64::from((value as u16).swap_bytes()),
            crate::base::Endian::Big => value & 0xffff,
        }
    }

    fn set_protocol(&mut self, protocol: u64) {
        let protocol = self.to_network(protocol);
        self.set("protocol", protocol);
    }

    /// The version of IP that the packet carries.
    pub(super) fn network_protocol(&self) -> Option<u8> {
        match self.protocol() {
            ETH_P_IP => Some(4),
            ETH_P_IPV6 => Some(6),
            _ => None,
        }
    }

    fn is_gso(&self) -> bool {
        self.field("gso_size") != 0
    }

    /// Bytes of the header before the network's (`skb_mac_header_len`).
    fn mac_len(&self) -> usize {
        usize::try_from(self.packet.network - self.packet.mac).unwrap_or(0)
    }

    fn clear_hash(&mut self) {
        self.packet.hashed = false;
        self.set("hash", 0);
    }
}

fn change_head(world: &mut World, [context, room, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SKB_CHANGE_HEAD, context)?;
    let room = room as u32 as usize;
    let len = frame.data().len();
    if flags != 0 || !frame.is_gso() && len + room > MOST || (len + room) as u32 as usize != len + room {
        return Ok(done(Err(Errno::EINVAL)));
    }
    frame.insert(0, room);
    frame.packet.network += room as i64;
    // The Ethernet header is what begins here now.
    frame.packet.mac = 0;
    frame.packet.before.clear();
    Ok(done(Ok(())))
}

fn change_tail(world: &mut World, [context, len, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SKB_CHANGE_TAIL, context)?;
    let len = len as u32 as usize;
    let least = usize::try_from(frame.packet.network).unwrap_or(0);
    if flags != 0 || len > MOST || len < least {
        return Ok(done(Err(Errno::EINVAL)));
    }
    if frame.packet.encapsulated {
        return Ok(done(Err(Errno::ENOTSUPP)));
    }
    frame.resize(len);
    if frame.is_gso() {
        frame.set("gso_size", 0);
        frame.set("gso_segs", 0);
    }
    Ok(done(Ok(())))
}

fn change_proto(world: &mut World, [context, protocol, flags, ..]: [u64; 5]) -> Result<Answer, Trap> {
    const DIFFERENCE: usize = IPV6_HEADER - IPV4_HEADER;
    let mut frame = world.frame(Helper::SKB_CHANGE_PROTO, context)?;
    if flags != 0 {
        return Ok(done(Err(Errno::EINVAL)));
    }
    let at = frame.mac_len();
    match (frame.protocol(), frame.to_network(protocol)) {
        (ETH_P_IP, to @ ETH_P_IPV6) => {
            frame.insert(at, DIFFERENCE);
            frame.set_protocol(to);
        }
        (ETH_P_IPV6, ETH_P_IP) if frame.data().len() < at + DIFFERENCE => {
            return Ok(done(Err(Errno::ENOMEM)));
        }
        (ETH_P_IPV6, to @ ETH_P_IP) => {
            frame.remove(at, DIFFERENCE);
            frame.set_protocol(to);
        }
        _ => return Ok(done(Err(Errno::ENOTSUPP))),
    }
    frame.clear_hash();
    Ok(done(Ok(())))
}

/// Flags of `bpf_skb_adjust_room`.
mod flag {
    pub(super) const FIXED_GSO: u64 = 1 << 0;
    pub(super) const ENCAP_L3_IPV4: u64 = 1 << 1;
    pub(super) const ENCAP_L3_IPV6: u64 = 1 << 2;
    pub(super) const ENCAP_L3: u64 = ENCAP_L3_IPV4 | ENCAP_L3_IPV6;
    pub(super) const ENCAP_L4_GRE: u64 = 1 << 3;
    pub(super) const ENCAP_L4_UDP: u64 = 1 << 4;
    pub(super) const ENCAP_L4: u64 = ENCAP_L4_GRE | ENCAP_L4_UDP;
    pub(super) const NO_CSUM_RESET: u64 = 1 << 5;
    pub(super) const ENCAP_L2_ETH: u64 = 1 << 6;
    pub(super) const DECAP_L3_IPV4: u64 = 1 << 7;
    pub(super) const DECAP_L3_IPV6: u64 = 1 << 8;
    pub(super) const DECAP_L3: u64 = DECAP_L3_IPV4 | DECAP_L3_IPV6;
    /// The length of the inner Ethernet header.
    pub(super) const ENCAP_L2_SHIFT: u32 = 56;
    pub(super) const ENCAP_L2: u64 = 0xff << ENCAP_L2_SHIFT;
    pub(super) const ALL: u64 =
        FIXED_GSO | ENCAP_L3 | ENCAP_L4 | NO_CSUM_RESET | ENCAP_L2_ETH | DECAP_L3 | ENCAP_L2;
    pub(super) const SHRINKING: u64 = FIXED_GSO | DECAP_L3 | NO_CSUM_RESET;
}

fn adjust_room(world: &mut World, [context, difference, mode, flags, _]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SKB_ADJUST_ROOM, context)?;
    Ok(done(adjust(&mut frame, difference as i32, mode as u32, flags)))
}

fn adjust(frame: &mut Frame<'_>, difference: i32, mode: u32, flags: u64) -> Result<(), Errno> {
    const BPF_ADJ_ROOM_NET: u32 = 0;
    const BPF_ADJ_ROOM_MAC: u32 = 1;
    let (shrink, count) = (difference < 0, difference.unsigned_abs() as usize);
    if flags & !flag::ALL != 0 {
        return Err(Errno::EINVAL);
    }
    if count > 0xfff {
        return Err(Errno::EFAULT);
    }
    let header = match frame.network_protocol().ok_or(Errno::ENOTSUPP)? {
        4 => IPV4_HEADER,
        _ => IPV6_HEADER,
    };
    let at = match mode {
        BPF_ADJ_ROOM_NET => frame.mac_len() + header,
        BPF_ADJ_ROOM_MAC => frame.mac_len(),
        _ => return Err(Errno::ENOTSUPP),
    };
    let least = match flags & flag::DECAP_L3 {
        0 => header,
        _ if !shrink => return Err(Errno::EINVAL),
        flag::DECAP_L3_IPV4 => IPV4_HEADER,
        flag::DECAP_L3_IPV6 => IPV6_HEADER,
        _ => return Err(Errno::EINVAL),
    };
    let len = frame.data().len();
    let carried = len.saturating_sub(usize::try_from(frame.packet.network).unwrap_or(0));
    let fits = match shrink {
        true => count < carried && carried - count >= least,
        false => len + count <= MOST || frame.is_gso(),
    };
    if !fits {
        return Err(Errno::ENOTSUPP);
    }
    if shrink {
        shrink_room(frame, at, count, flags)?
    } else {
        grow_room(frame, at, count, flags)?
    }
    if flags & flag::NO_CSUM_RESET == 0 {
        frame.packet.checked = None;
    }
    Ok(())
}

/// `bpf_skb_net_grow`.
fn grow_room(frame: &mut Frame<'_>, at: usize, count: usize, flags: u64) -> Result<(), Errno> {
    // Test runs give segments no type, so none of TCP.
    if frame.is_gso() {
        return Err(Errno::ENOTSUPP);
    }
    let encapsulates = flags & flag::ENCAP_L3 != 0;
    if encapsulates {
        let inner = (flags >> flag::ENCAP_L2_SHIFT) as usize;
        let both = |mask| flags & mask == mask;
        let short = flags & flag::ENCAP_L2_ETH != 0 && inner < ETHERNET as usize;
        if both(flag::ENCAP_L3) || both(flag::ENCAP_L4) || short {
            return Err(Errno::EINVAL);
        }
        if frame.packet.encapsulated {
            return Err(Errno::EALREADY);
        }
        if inner > count {
            return Err(Errno::EINVAL);
        }
    }
    frame.insert(at, count);
    if encapsulates {
        frame.packet.encapsulated = true;
        outer_protocol(frame, flags & flag::ENCAP_L3_IPV4 != 0, flags & flag::ENCAP_L3_IPV6 != 0);
    }
    Ok(())
}

/// `bpf_skb_net_shrink`.
fn shrink_room(frame: &mut Frame<'_>, at: usize, count: usize, flags: u64) -> Result<(), Errno> {
    if flags & !flag::SHRINKING != 0 {
        return Err(Errno::EINVAL);
    }
    if frame.is_gso() {
        return Err(Errno::ENOTSUPP);
    }
    if frame.data().len() < at + count {
        return Err(Errno::ENOMEM);
    }
    frame.remove(at, count);
    outer_protocol(frame, flags & flag::DECAP_L3_IPV4 != 0, flags & flag::DECAP_L3_IPV6 != 0);
    Ok(())
}

fn outer_protocol(frame: &mut Frame<'_>, ipv4: bool, ipv6: bool) {
    match frame.protocol() {
        ETH_P_IP if ipv6 => frame.set_protocol(ETH_P_IPV6),
        ETH_P_IPV6 if ipv4 => frame.set_protocol(ETH_P_IP),
        _ => {}
    }
}

fn is_vlan(protocol: u64) -> bool {
    matches!(protocol, ETH_P_8021Q | ETH_P_8021AD)
}

/// The tag is kept beside the packet; one that is there already goes into it.
fn vlan_push(world: &mut World, [context, protocol, tci, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SKB_VLAN_PUSH, context)?;
    if frame.field("vlan_present") != 0 {
        let protocol = frame.to_network(frame.field("vlan_proto"));
        let tci = frame.field("vlan_tci");
        if frame.data().len() < ADDRESSES {
            return Ok(done(Err(Errno::ENOMEM)));
        }
        frame.insert(ADDRESSES, VLAN_TAG);
        let tag = (protocol as u32) << 16 | tci as u32;
        if let Some(room) = frame.part(ADDRESSES, VLAN_TAG) {
            room.copy_from_slice(&tag.to_be_bytes());
        }
        frame.set_protocol(protocol);
    }
    let asked = frame.to_network(protocol);
    put_tag(&mut frame, if is_vlan(asked) { asked } else { ETH_P_8021Q }, tci & 0xffff);
    Ok(done(Ok(())))
}

fn put_tag(frame: &mut Frame<'_>, protocol: u64, tci: u64) {
    let protocol = frame.to_network(protocol);
    frame.set("vlan_present", 1);
    frame.set("vlan_proto", protocol);
    frame.set("vlan_tci", tci);
}

fn vlan_pop(world: &mut World, [context, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let mut frame = world.frame(Helper::SKB_VLAN_POP, context)?;
    Ok(done(pop_tag(&mut frame)))
}

/// Takes the outermost tag away; the next one takes its place beside the packet.
fn pop_tag(frame: &mut Frame<'_>) -> Result<(), Errno> {
    if frame.field("vlan_present") != 0 {
        for name in ["vlan_present", "vlan_proto", "vlan_tci"] {
            frame.set(name, 0);
        }
    } else if is_vlan(frame.protocol()) {
        take_tag(frame)?;
    }
    let next = frame.protocol();
    if is_vlan(next) {
        let tci = take_tag(frame)?;
        put_tag(frame, next, tci);
    }
    Ok(())
}

/// Takes the tag inside of the packet out of it.
fn take_tag(frame: &mut Frame<'_>) -> Result<u64, Errno> {
    let tag = frame.read(ADDRESSES as i64, VLAN_TAG + 2).ok_or(Errno::ENOMEM)?;
    let tci = number(&tag[2..4], crate::base::Endian::Big);
    let inside = frame.read((ADDRESSES + VLAN_TAG) as i64, 4).unwrap_or_else(|| tag[4..6].to_vec());
    let protocol = encapsulated_protocol(&inside, frame.endian);
    frame.remove(ADDRESSES, VLAN_TAG);
    frame.set("protocol", protocol);
    frame.packet.network = (frame.packet.network - VLAN_TAG as i64).max(ETHERNET);
    Ok(tci)
}
