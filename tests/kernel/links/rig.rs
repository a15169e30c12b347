//! What the tests of links share: programs that count how often they run, and a network of a test's own.

use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use bpfsmith::asm::Reg::{R0, R1, R2};
use bpfsmith::asm::{Assembler, Size};
use bpfsmith::kernel::{Loaded, Program};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::Object;
use bpfsmith::program::ProgramSpec;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

use crate::common::{builder, load};
use crate::support::with_own_network;

/// A program that counts its runs and returns the same every time.
pub struct Counting(Loaded);

impl Counting {
    pub fn new(kind: ProgramKind, returned: i32) -> Self {
        Self::of(ProgramSpec::new("prog", kind), returned)
    }

    pub fn of(spec: ProgramSpec, returned: i32) -> Self {
        Self(load(&Self::object(spec, returned)))
    }

    pub fn object(spec: ProgramSpec, returned: i32) -> Object {
        let mut a = Assembler::new();
        a.load_map_value(R1, "count", 0).mov(R2, 1).atomic_add(Size::DW, R1, 0, R2);
        a.mov(R0, returned).exit();
        let mut object = builder();
        object.add_map(MapSpec::array::<u64>("count").max_entries(1));
        object.add_program(spec, a.finish());
        object.finish().unwrap()
    }

    pub fn program(&self) -> &Program {
        self.0.program("prog").unwrap()
    }

    pub fn id(&self) -> u32 {
        self.program().id().unwrap()
    }

    pub fn runs(&self) -> u64 {
        count(&self.0)
    }
}

/// What an object has counted in its map `count`.
pub fn count(loaded: &Loaded) -> u64 {
    loaded.typed_map::<u32, u64>("count").unwrap().get(&0).unwrap().unwrap()
}

/// The number of the loopback device of every network namespace.
pub const LOOPBACK: u32 = 1;

/// Runs `test` in a network namespace of its own whose loopback is up.
pub fn with_loopback(test: impl FnOnce() + Send) {
    with_own_network(|| {
        set_up(LOOPBACK);
        test();
    });
}

/// Sends a packet over the loopback, and says whether it came.
pub fn packet_passes(runs: impl Fn() -> u64) -> bool {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = runs();
    // The sender may be told that it was dropped.
    let _ = sender.send_to(b"packet", receiver.local_addr().unwrap());
    crate::common::wait_until("the program sees the packet", || runs() > before);
    // What has been dropped never comes; what has not is there at once, or soon on a slow machine.
    receiver.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    receiver.recv(&mut [0; 16]).is_ok()
}

/// Sends a packet over the loopback that has to come.
pub fn packet_comes() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    sender.send_to(b"packet", receiver.local_addr().unwrap()).unwrap();
    assert_eq!(receiver.recv(&mut [0; 16]).unwrap(), 6);
}

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE: u16 = 0x400;
const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;

/// Sets a device up.
pub fn set_up(index: u32) {
    route(RTM_NEWLINK, 0, index, IFF_UP, &[]).unwrap();
}

/// Makes a device of a kind, or says the error number.
pub fn make_device(name: &str, kind: &str) -> Result<(), i32> {
    let mut attributes = attribute(IFLA_IFNAME, &zero_ended(name));
    attributes.extend(attribute(IFLA_LINKINFO, &attribute(IFLA_INFO_KIND, kind.as_bytes())));
    route(RTM_NEWLINK, NLM_F_CREATE, 0, 0, &attributes)
}

/// Removes a device.
pub fn remove_device(index: u32) {
    route(RTM_DELLINK, 0, index, 0, &[]).unwrap();
}

fn zero_ended(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

/// One rtnetlink request about a link, and its acknowledgement: `struct nlmsghdr`, `struct ifinfomsg`, attributes.
fn route(message: u16, flags: u16, index: u32, up: u32, attributes: &[u8]) -> Result<(), i32> {
    let mut bytes = Vec::new();
    bytes.extend(u32::try_from(32 + attributes.len()).unwrap().to_ne_bytes());
    bytes.extend(message.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([0; 4]);
    bytes.extend(index.to_ne_bytes());
    bytes.extend(up.to_ne_bytes());
    bytes.extend(up.to_ne_bytes());
    bytes.extend(attributes);
    let socket = netlink();
    sendto(socket.as_raw_fd(), &bytes, &NetlinkAddr::new(0, 0), MsgFlags::empty()).unwrap();
    let mut reply = [0; 4096];
    let length = recv(socket.as_raw_fd(), &mut reply, MsgFlags::empty()).unwrap();
    assert!(length >= 20);
    // `struct nlmsgerr`: its number, negative, or 0.
    match i32::from_ne_bytes(reply[16..20].try_into().unwrap()) {
        0 => Ok(()),
        error => Err(-error),
    }
}

fn netlink() -> OwnedFd {
    let protocol = SockProtocol::NetlinkRoute;
    socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).unwrap()
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
