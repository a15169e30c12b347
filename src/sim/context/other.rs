//! The kinds with a test run of their own shape, and those without one.

use super::fields::{Struct, put};
use super::packet::NewPacket;
use super::skb::ETHERNET;
use super::{Input, Made};
use crate::base::{Endian, Errno};
use crate::kind::{ContextPointer, ProgramKind};
use crate::sim::world::number;

/// `struct bpf_flow_keys`: offsets of what the kernel itself reads and writes.
mod keys {
    pub(super) const SIZE: usize = 56;
    pub(super) const NHOFF: usize = 0;
    pub(super) const THOFF: usize = 2;
    pub(super) const N_PROTO: usize = 10;
    pub(super) const FLAGS: usize = 48;
}

/// `bpf_prog_test_run_flow_dissector`: the context given is one of keys, of which the flags count.
pub(super) fn flow_dissector(input: &Input, endian: Endian) -> Result<Made, Errno> {
    let packet = input.packet.as_deref().unwrap_or_default();
    if packet.len() < ETHERNET || packet.len() > 4096 {
        return Err(Errno::EINVAL);
    }
    if input.context.iter().skip(keys::SIZE).any(|byte| *byte != 0) {
        return Err(Errno::E2BIG);
    }
    let mut given = input.context.clone();
    given.resize(keys::SIZE, 0);
    let flags = keys::FLAGS..keys::FLAGS + 4;
    if given.iter().enumerate().any(|(at, byte)| *byte != 0 && !flags.contains(&at)) {
        return Err(Errno::EINVAL);
    }
    let mut seen = vec![0; keys::SIZE];
    put(&mut seen, keys::NHOFF, 2, ETHERNET as u64, endian);
    put(&mut seen, keys::THOFF, 2, ETHERNET as u64, endian);
    seen[keys::N_PROTO..keys::N_PROTO + 2].copy_from_slice(&packet[12..14]);
    seen[flags.clone()].copy_from_slice(&given[flags]);
    let packet = NewPacket {
        bytes: packet.to_vec(),
        network: ETHERNET as i64,
        read_only: true,
        ends: true,
        ..NewPacket::default()
    };
    Ok(Made { given, packet: Some(packet), keys: Some(seen), ..Made::default() })
}

/// What a flow dissector found, its offsets inside of the packet (`bpf_flow_dissect`).
pub(super) fn keys(mut keys: Vec<u8>, len: usize, endian: Endian) -> Vec<u8> {
    let len = len.min(u16::MAX.into()) as u64;
    let at = |keys: &[u8], at| number(&keys[at..at + 2], endian);
    let network = at(&keys, keys::NHOFF).clamp(ETHERNET as u64, len);
    let transport = at(&keys, keys::THOFF).clamp(network, len);
    put(&mut keys, keys::NHOFF, 2, network, endian);
    put(&mut keys, keys::THOFF, 2, transport, endian);
    keys
}

/// `bpf_prog_test_run_sk_lookup`.
pub(super) fn sk_lookup(input: &Input, endian: Endian) -> Result<Made, Errno> {
    const AF_INET: u64 = 2;
    const AF_INET6: u64 = 10;
    const SIZE: usize = 72;
    if input.packet.is_some() || input.context.is_empty() {
        return Err(Errno::EINVAL);
    }
    let kind = ProgramKind::SK_LOOKUP;
    let given = Struct::given(kind, SIZE, &input.context, endian).ok_or(Errno::E2BIG)?;
    if given.get("sk") != 0 || given.get("ingress_ifindex") != 0 {
        return Err(Errno::EINVAL);
    }
    if given.get("local_port") > u16::MAX.into() {
        return Err(Errno::ERANGE);
    }
    let mut fields = Struct { kind, bytes: given.bytes.clone(), endian };
    for name in ["family", "protocol"] {
        fields.set(name, given.get(name) & 0xffff);
    }
    // Sixteen bits, and sixteen of zeros.
    let port = super::fields::place(kind, "remote_port").map(|(at, _)| at);
    if let Some(padding) = port.and_then(|at| fields.bytes.get_mut(at + 2..at + 4)) {
        padding.fill(0);
    }
    let other: &[&str] = match fields.get("family") {
        AF_INET => &["remote_ip6", "local_ip6"],
        AF_INET6 => &["remote_ip4", "local_ip4"],
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    for name in other {
        if let Some((at, size)) = super::fields::place(kind, name) {
            fields.bytes[at..at + size].fill(0);
        }
    }
    Ok(Made { fields: fields.bytes, given: given.bytes, ..Made::default() })
}

/// `bpf_prog_test_run_nf`, where no state is given: what is sent from here, from its IPv4 header on.
pub(super) fn netfilter(kind: ProgramKind, input: &Input, _: Endian) -> Result<Made, Errno> {
    /// `sizeof(struct iphdr)`.
    const HEADER: usize = 20;
    let packet = input.packet.as_deref().unwrap_or_default();
    if packet.len() < HEADER || !input.context.is_empty() {
        return Err(Errno::EINVAL);
    }
    let packet = NewPacket { bytes: packet.to_vec(), ..NewPacket::default() };
    Ok(Made { fields: vec![0; kind.context().size() as usize], packet: Some(packet), ..Made::default() })
}

/// `bpf_prog_test_run_raw_tp`: arguments of eight bytes.
pub(super) fn raw_tracepoint(kind: ProgramKind, input: &Input) -> Result<Made, Errno> {
    if input.packet.is_some() || input.context.len() > kind.context().size() as usize {
        return Err(Errno::EINVAL);
    }
    Ok(Made { fields: input.context.clone(), given: input.context.clone(), ..Made::default() })
}

/// `bpf_prog_test_run_syscall`, and kinds of which only a kernel knows the fields.
pub(super) fn bytes(_: ProgramKind, input: &Input) -> Result<Made, Errno> {
    if input.packet.is_some() || input.context.len() > u16::MAX.into() {
        return Err(Errno::EINVAL);
    }
    Ok(Made { fields: input.context.clone(), ..Made::default() })
}

/// What no kernel runs on request: the fields as given, and the data they point to.
pub(super) fn fields(kind: ProgramKind, input: &Input) -> Made {
    let points = |to: ContextPointer| kind.context().fields().any(|field| field.pointer == Some(to));
    let packet = points(ContextPointer::PacketEnd).then(|| NewPacket {
        bytes: input.packet.clone().unwrap_or_default(),
        ends: true,
        ..NewPacket::default()
    });
    let mut fields = input.context.clone();
    fields.resize(kind.context().size() as usize, 0);
    // All of it is zero: a socket without a name.
    let socket = points(ContextPointer::Socket).then(|| vec![0; 80]);
    Made { fields, packet, socket, ..Made::default() }
}
