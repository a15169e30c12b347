//! `bpf_prog_test_run_skb`: packets with a socket buffer.

use super::fields::{Fields, Struct};
use super::packet::NewPacket;
use super::{Input, Made};
use crate::base::{Endian, Errno};
use crate::kind::ProgramKind;
use crate::sim::world::number;

/// The length of an Ethernet header.
pub(super) const ETHERNET: usize = 14;
/// `sizeof(struct __sk_buff)`.
const SIZE: usize = 192;
/// The most bytes a test run takes: a page, less what the kernel needs around them (`NET_SKB_PAD`, `skb_shared_info`).
const MOST: usize = 4096 - 64 - 320;
/// `GSO_LEGACY_MAX_SIZE`.
const MOST_WIRE: u64 = 65_536;
/// `GSO_MAX_SEGS`.
const MOST_SEGMENTS: u64 = 65_535;
/// The interface of test runs.
const LOOPBACK: u64 = 1;
/// Its socket has no name (`TCP_CLOSE`).
const CLOSED: u64 = 7;

/// Fields that a test run takes from its context, besides the sizes.
const TAKEN: [&str; 9] =
    ["mark", "priority", "ingress_ifindex", "ifindex", "cb", "tstamp", "wire_len", "gso_segs", "gso_size"];
/// Fields that a test run gives back.
const GIVEN: [&str; 9] =
    ["mark", "priority", "ingress_ifindex", "ifindex", "cb", "tstamp", "wire_len", "gso_segs", "hwtstamp"];

const LAYOUT: ProgramKind = ProgramKind::SCHED_CLS;

pub(super) fn made(header: bool, input: &Input, endian: Endian) -> Result<Made, Errno> {
    let packet = input.packet.as_deref().unwrap_or_default();
    if packet.len() < ETHERNET || packet.len() > MOST {
        return Err(Errno::EINVAL);
    }
    let given = Struct::given(LAYOUT, SIZE, &input.context, endian).ok_or(Errno::E2BIG)?;
    let start = if header { 0 } else { ETHERNET };
    let mut fields = Struct { kind: LAYOUT, bytes: vec![0; SIZE], endian };
    fields.set("len", (packet.len() - start) as u64);
    fields.set("ifindex", LOOPBACK);
    fields.set("protocol", protocol(packet, endian));
    fields.set("pkt_type", packet_type(packet));
    let socket = addresses(&mut fields, packet)?;
    if !input.context.is_empty() {
        take(&mut fields, &given)?;
    }
    let (before, bytes) = packet.split_at(start);
    let packet = NewPacket {
        bytes: bytes.to_vec(),
        before: before.to_vec(),
        mac: -(start as i64),
        network: (ETHERNET - start) as i64,
        ends: true,
        ..NewPacket::default()
    };
    Ok(Made {
        fields: fields.bytes,
        given: given.bytes,
        packet: Some(packet),
        socket: Some(socket),
        keys: None,
    })
}

/// `convert___skb_to_skb`.
fn take(fields: &mut Struct, given: &Struct) -> Result<(), Errno> {
    let mut allowed = TAKEN.to_vec();
    allowed.push("hwtstamp");
    if !given.only(&allowed) {
        return Err(Errno::EINVAL);
    }
    let len = fields.get("len");
    for name in allowed {
        fields.set_part(name, given.part(name));
    }
    fields.set("ifindex", given.get("ifindex").max(LOOPBACK));
    match given.get("wire_len") {
        0 => fields.set("wire_len", len),
        wire if wire < len || wire > MOST_WIRE => return Err(Errno::EINVAL),
        _ => {}
    }
    if given.get("gso_segs") > MOST_SEGMENTS {
        return Err(Errno::EINVAL);
    }
    // The kernel has 16 bits for it.
    fields.set("gso_size", given.get("gso_size") & 0xffff);
    Ok(())
}

/// `eth_type_trans`: the type in the header, or what a length there stands for; a number of the network's byte order.
pub(in crate::sim) fn protocol(packet: &[u8], endian: Endian) -> u64 {
    encapsulated_protocol(&packet[12..], endian)
}

/// What two bytes, and those that follow, say of what they carry.
pub(in crate::sim) fn encapsulated_protocol(bytes: &[u8], endian: Endian) -> u64 {
    /// `ETH_P_802_3_MIN`: smaller numbers are lengths.
    const FIRST: u64 = 0x0600;
    const ETH_P_802_3: [u8; 2] = [0, 1];
    const ETH_P_802_2: [u8; 2] = [0, 4];
    let proto = bytes.get(..2).unwrap_or(&ETH_P_802_2);
    if number(proto, Endian::Big) >= FIRST {
        return number(proto, endian);
    }
    match bytes.get(2..4) {
        Some([0xff, 0xff]) => number(&ETH_P_802_3, endian),
        _ => number(&ETH_P_802_2, endian),
    }
}

/// `eth_skb_pkt_type`: the loopback's address is zero, and it has none for broadcasts.
fn packet_type(packet: &[u8]) -> u64 {
    const HOST: u64 = 0;
    const MULTICAST: u64 = 2;
    const OTHERHOST: u64 = 3;
    match &packet[..6] {
        [0, 0, 0, 0, 0, 0] => HOST,
        [first, ..] if first & 1 == 1 => MULTICAST,
        _ => OTHERHOST,
    }
}

/// The addresses of the socket are those of the packet. The fields of `struct bpf_sock`.
fn addresses(fields: &mut Struct, packet: &[u8]) -> Result<Vec<u8>, Errno> {
    const AF_INET: u64 = 2;
    const AF_INET6: u64 = 10;
    let mut socket =
        Struct { kind: ProgramKind::CGROUP_SOCK_CREATE, bytes: vec![0; 80], endian: fields.endian };
    let header = &packet[ETHERNET..];
    match packet[12..14] {
        [0x08, 0x00] => {
            let (local, remote) = (header.get(12..16), header.get(16..20));
            let (Some(local), Some(remote)) = (local, remote) else { return Err(Errno::EINVAL) };
            for part in [&mut *fields, &mut socket] {
                part.set("family", AF_INET);
                part.set_part("remote_ip4", remote);
                part.set_part("local_ip4", local);
                part.set_part("dst_ip4", remote);
            }
            set_hidden(&mut socket, "src_ip4", local);
        }
        [0x86, 0xdd] => {
            let (local, remote) = (header.get(8..24), header.get(24..40));
            let (Some(local), Some(remote)) = (local, remote) else { return Err(Errno::EINVAL) };
            for part in [&mut *fields, &mut socket] {
                part.set("family", AF_INET6);
                part.set_part("remote_ip6", remote);
                part.set_part("local_ip6", local);
                part.set_part("dst_ip6", remote);
            }
            set_hidden(&mut socket, "src_ip6", local);
        }
        _ => {}
    }
    socket.set("state", CLOSED);
    // None.
    socket.set("rx_queue_mapping", u64::MAX);
    Ok(socket.bytes)
}

/// Fields that are only seen after bind.
fn set_hidden(socket: &mut Struct, name: &str, bytes: &[u8]) {
    let kind = socket.kind;
    for seen in [ProgramKind::CGROUP_POST_BIND4, ProgramKind::CGROUP_POST_BIND6] {
        socket.kind = seen;
        socket.set_part(name, bytes);
    }
    socket.kind = kind;
}

/// The packet as it is given back: with an Ethernet header of zeros where the program did not see it.
pub(super) fn packet(header: bool, mut bytes: Vec<u8>) -> Vec<u8> {
    if !header {
        bytes.splice(..0, [0; ETHERNET]);
    }
    bytes
}

/// `convert_skb_to___skb`.
pub(super) fn context(fields: &Fields, given: Vec<u8>, endian: Endian) -> Vec<u8> {
    let mut context = Struct { kind: LAYOUT, bytes: given, endian };
    for name in GIVEN {
        context.set_part(name, fields.part(name));
    }
    context.bytes
}
