//! `bpf_prog_test_run_xdp`.

use super::fields::Struct;
use super::packet::{NewPacket, Packet, Room};
use super::skb::ETHERNET;
use super::{Input, Made};
use crate::base::{Endian, Errno};
use crate::kind::{AttachType, ProgramKind};

/// `sizeof(struct xdp_md)`.
const SIZE: usize = 24;
/// `XDP_PACKET_HEADROOM`.
const HEADROOM: usize = 256;
/// `sizeof(struct xdp_frame)`: the start of the headroom, which programs cannot have.
const FRAME: usize = 40;
/// What the kernel has behind a packet: `skb_shared_info`.
const TAIL: usize = 320;
const PAGE: usize = 4096;
/// Most metadata (`meta_len` has 8 bits), in steps of 4.
const MOST_META: usize = 255;

const LAYOUT: ProgramKind = ProgramKind::XDP_DEVMAP;

pub(super) fn made(kind: ProgramKind, input: &Input, endian: Endian) -> Result<Made, Errno> {
    let elsewhere = [AttachType::XDP_DEVMAP, AttachType::XDP_CPUMAP];
    if kind.expected_attach_type().is_some_and(|at| elsewhere.contains(&at)) {
        return Err(Errno::EINVAL);
    }
    let packet = input.packet.as_deref().unwrap_or_default();
    let given = Struct::given(LAYOUT, SIZE, &input.context, endian).ok_or(Errno::E2BIG)?;
    let meta = if input.context.is_empty() { 0 } else { metadata(&given, packet.len())? };
    if packet.len().checked_sub(meta).is_none_or(|len| len < ETHERNET) {
        return Err(Errno::EINVAL);
    }
    let most = PAGE - (HEADROOM - meta) - TAIL;
    if packet.len() > most {
        return Err(Errno::EINVAL);
    }
    let mut fields = Struct { kind: LAYOUT, bytes: vec![0; SIZE], endian };
    interface(&mut fields, &given)?;
    let packet = NewPacket {
        bytes: packet.to_vec(),
        before: vec![0; HEADROOM - meta],
        meta,
        network: ETHERNET as i64,
        room: Room { tail: most - packet.len(), reserved: FRAME },
        ends: true,
        ..NewPacket::default()
    };
    Ok(Made { fields: fields.bytes, given: given.bytes, packet: Some(packet), ..Made::default() })
}

/// How many bytes of the packet are metadata.
fn metadata(given: &Struct, len: usize) -> Result<usize, Errno> {
    let (data, end) = (given.get("data") as usize, given.get("data_end") as usize);
    let refused = given.get("data_meta") != 0 || end > len || data > end;
    if refused || !is_metadata(data) || data > HEADROOM - FRAME {
        return Err(Errno::EINVAL);
    }
    // What follows would be in fragments.
    if end < len { Err(Errno::EINVAL) } else { Ok(data) }
}

/// Whether metadata may have this length (`xdp_metalen_invalid`).
pub(in crate::sim) const fn is_metadata(len: usize) -> bool {
    len.is_multiple_of(4) && len <= MOST_META
}

/// `xdp_convert_md_to_buff`.
fn interface(fields: &mut Struct, given: &Struct) -> Result<(), Errno> {
    const LOOPBACK: u64 = 1;
    let (interface, queue) = (given.get("ingress_ifindex"), given.get("rx_queue_index"));
    // The loopback has one queue.
    if given.get("egress_ifindex") != 0 || interface <= LOOPBACK && queue != 0 {
        return Err(Errno::EINVAL);
    }
    fields.set("ingress_ifindex", interface.max(LOOPBACK));
    fields.set("rx_queue_index", queue);
    Ok(())
}

/// `xdp_convert_buff_to_md`.
pub(super) fn context(packet: &Packet, len: usize, given: Vec<u8>, endian: Endian) -> Vec<u8> {
    let mut context = Struct { kind: LAYOUT, bytes: given, endian };
    context.set("data", packet.meta as u64);
    context.set("data_end", len as u64);
    context.bytes
}
