//! The headers that the programs read.

use bpfsmith::BtfType;
use bpfsmith::btf::Be;

pub const ETH_P_IP: u16 = 0x0800;
pub const ETH_P_ARP: u16 = 0x0806;
pub const ETH_P_IPV6: u16 = 0x86dd;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub struct Ethernet {
    pub destination: [u8; 6],
    pub source: [u8; 6],
    pub protocol: Be<u16>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub struct Ipv4 {
    /// The version in the upper half, the length of the header in words in the lower one.
    pub version_ihl: u8,
    pub service: u8,
    pub total_length: Be<u16>,
    pub id: Be<u16>,
    pub fragment: Be<u16>,
    pub ttl: u8,
    pub protocol: u8,
    pub checksum: Be<u16>,
    pub source: Be<u32>,
    pub destination: Be<u32>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub struct Ipv6 {
    pub flow: Be<u32>,
    pub payload_length: Be<u16>,
    pub next_header: u8,
    pub hop_limit: u8,
    pub source: [u8; 16],
    pub destination: [u8; 16],
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub struct Udp {
    pub source: Be<u16>,
    pub destination: Be<u16>,
    pub length: Be<u16>,
    pub checksum: Be<u16>,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
pub struct Tcp {
    pub source: Be<u16>,
    pub destination: Be<u16>,
    pub sequence: Be<u32>,
    pub acknowledged: Be<u32>,
    /// The length of the header in words in the upper half.
    pub offset: u8,
    pub flags: u8,
    pub window: Be<u16>,
    pub checksum: Be<u16>,
    pub urgent: Be<u16>,
}

pub const SYN: u8 = 2;

/// Ethernet with IPv4 in it: one view, one check.
#[derive(BtfType, Clone, Copy)]
#[repr(C, packed)]
pub struct Ipv4Frame {
    pub ethernet: Ethernet,
    pub ip: Ipv4,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C, packed)]
pub struct UdpFrame {
    pub ethernet: Ethernet,
    pub ip: Ipv4,
    pub udp: Udp,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C, packed)]
pub struct TcpFrame {
    pub ethernet: Ethernet,
    pub ip: Ipv4,
    pub tcp: Tcp,
}

#[derive(BtfType, Clone, Copy)]
#[repr(C, packed)]
pub struct Ipv6Frame {
    pub ethernet: Ethernet,
    pub ip: Ipv6,
}
