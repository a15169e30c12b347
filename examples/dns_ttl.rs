//! Remembers the addresses in DNS answers for as long as they are valid: a program at XDP reads each answer (A and AAAA, over
//! IPv4 and IPv6) and keeps its records in an LRU map, where a timer in each takes it out again when its time to live has
//! run out, long before the map would be full.
//!
//! Records are kept under the name that was asked for, which is what the next to ask will ask for, whatever aliases lead from there
//! to the address; so the pointers that compress names are stepped over and never followed.
//!
//! Packets are passed on as they came, whatever is in them. What cannot be read is not remembered.
//!
//! In the kernel the answers come over a veth pair in a network namespace of this process's own, for which `ip` has to be
//! there; in the simulator they are handed to the program.

mod support;

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::{Backend, Input, Kernel};
use bpfsmith::btf::{Be, Timer};
use bpfsmith::dsl::{
    Callback, Clock, Errno, Func, Map, Packet, Place, TimerFlags, UpdateFlags, Value, Xdp, XdpAction,
};
use bpfsmith::link::{XdpLink, XdpMode};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder, ObjectError};
use nix::sched::{CloneFlags, unshare};
use support::Running;

/// The key of the map `records`. Of several addresses of a name, the last counts.
#[derive(BtfType, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Key {
    /// FNV-1a of the name that was asked for, as it stands in messages, without regard to case.
    pub(crate) name: u64,
    /// [`A`] or [`AAAA`].
    pub(crate) kind: u32,
}

/// The value of the map `records`.
#[derive(BtfType, Debug, Default)]
#[repr(C)]
pub(crate) struct Record {
    timer: Timer,
    /// As in the packet; of A records the first.
    pub(crate) address: [u32; 4],
    /// In seconds.
    pub(crate) ttl: u32,
}

/// Where a packet is read.
#[derive(BtfType)]
#[repr(C)]
struct Scratch {
    cursor: u32,
    /// The last byte of the label.
    label: u32,
}

pub(crate) const A: u32 = 1;
pub(crate) const AAAA: u32 = 28;
/// Bytes of data in a record that is looked at.
const DATA: u16 = 1024;
/// Labels of the name of a record, the end counted as one.
const LABELS: u32 = 16;
/// Records of a message that are looked at.
const ANSWERS: u16 = 8;
/// Bytes of the longest name that is looked at.
const NAME: u32 = 128;
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[derive(BtfType)]
#[repr(C)]
struct Ethernet {
    destination: [u8; 6],
    source: [u8; 6],
    protocol: Be<u16>,
}

#[derive(BtfType)]
#[repr(C)]
struct Ipv4 {
    version_and_words: u8,
    service: u8,
    length: Be<u16>,
    id: Be<u16>,
    fragment: Be<u16>,
    ttl: u8,
    protocol: u8,
    checksum: Be<u16>,
    addresses: [Be<u32>; 2],
}

#[derive(BtfType)]
#[repr(C)]
struct Ipv6 {
    version_and_flow: Be<u32>,
    length: Be<u16>,
    next_header: u8,
    hop_limit: u8,
    addresses: [u8; 32],
}

#[derive(BtfType)]
#[repr(C)]
struct Udp {
    source: Be<u16>,
    destination: Be<u16>,
    length: Be<u16>,
    checksum: Be<u16>,
}

#[derive(BtfType)]
#[repr(C)]
struct Header {
    id: Be<u16>,
    flags: Be<u16>,
    questions: Be<u16>,
    answers: Be<u16>,
    authorities: Be<u16>,
    additional: Be<u16>,
}

/// What stands behind the name of a record. It lies anywhere: fields of two bytes, and no padding.
#[derive(BtfType)]
#[repr(C)]
struct Answer {
    kind: Be<u16>,
    class: Be<u16>,
    ttl: [Be<u16>; 2],
    length: Be<u16>,
}

pub(crate) fn object() -> Result<Object, ObjectError> {
    let mut object = ObjectBuilder::new("dns_ttl").license("GPL");
    let records = object.map(MapSpec::lru_hash::<Key, Record>("records").max_entries(1024));

    let scratch = object.map(MapSpec::percpu_array::<Scratch>("scratch").max_entries(1));

    let expired = object.timer_callback(&records, "expired", |f, map, key, _value| {
        f.map_delete(&map, &key);
    });

    object.program("dns_ttl", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let dns = Dns::of(f, packet);
        let header = dns.at(f.val(0)).view::<Header>(0).or_return(XdpAction::PASS);
        // An answer, without error, to one question.
        let flags = header.field(Header::FLAGS).get() & 0x800f;
        let questions = header.field(Header::QUESTIONS).get();
        f.if_(flags.ne(0x8000) | questions.ne(1), || f.return_(XdpAction::PASS));
        let answers = header.field(Header::ANSWERS).get();

        // Of a number that comes out of a map the verifier knows nothing, so that all rounds of a loop look alike to it; a
        // variable it would follow from value to value.
        let scratch = f.map_lookup(&scratch, &f.local(0u32)).or_return(XdpAction::PASS);
        let cursor = scratch.field(Scratch::CURSOR);
        cursor.set(12);
        let name = name(f, dns, scratch);
        cursor.set(cursor.get() + 4);
        f.for_(0..ANSWERS, |index| {
            f.if_(index.ge(answers), || f.break_());
            skip_name(f, dns, cursor);
            let answer = dns.at(cursor.get()).view::<Answer>(0).or_return(XdpAction::PASS);
            let data = dns.at(cursor.get() + 10);
            let length = answer.field(Answer::LENGTH).get();
            f.if_(length.gt(DATA), || f.return_(XdpAction::PASS));
            cursor.set(cursor.get() + 10 + length.to::<u32>());

            let kind = answer.field(Answer::KIND).get().to::<u32>();
            let ttl = answer.field(Answer::TTL);
            let ttl = (ttl.at(0).get().to::<u32>() << 16) | ttl.at(1).get().to::<u32>();
            let internet = answer.field(Answer::CLASS).get().eq(1);
            // A time to live with the highest bit is none (RFC 2181).
            let lives = internet & ttl.ne(0) & ttl.lt(1 << 31);
            let read = (name, kind, ttl);
            f.if_(lives & kind.eq(A) & length.eq(4), || keep::<1>(f, &records, expired, read, data));
            f.if_(lives & kind.eq(AAAA) & length.eq(16), || keep::<4>(f, &records, expired, read, data));
        });
        f.return_(XdpAction::PASS)
    });
    object.finish()
}

/// A DNS message in a packet.
#[derive(Clone, Copy)]
struct Dns<'f>(Packet<'f, XdpAction>);

impl<'f> Dns<'f> {
    /// The payload of a packet of UDP from port 53; others are passed on.
    fn of(f: Func<'f, XdpAction>, packet: Packet<'f, XdpAction>) -> Self {
        let pass = || f.return_(XdpAction::PASS);
        let network = packet.at(size_of::<Ethernet>());
        let protocol = packet.view::<Ethernet>(0).or_return(XdpAction::PASS).field(Ethernet::PROTOCOL).get();
        f.if_(protocol.ne(0x0800) & protocol.ne(0x86dd), pass);
        let header = f.if_else(
            protocol.eq(0x0800),
            || {
                let ip = network.view::<Ipv4>(0).or_return(XdpAction::PASS);
                let words = ip.field(Ipv4::VERSION_AND_WORDS).get() & 0x0f;
                // Of fragments only the first says what it is, and none is complete.
                let fragment = (ip.field(Ipv4::FRAGMENT).get() & 0x3fff).ne(0);
                f.if_(words.lt(5) | fragment | ip.field(Ipv4::PROTOCOL).get().ne(17), pass);
                words.to::<u32>() * 4
            },
            || {
                let ip = network.view::<Ipv6>(0).or_return(XdpAction::PASS);
                f.if_(ip.field(Ipv6::NEXT_HEADER).get().ne(17), pass);
                f.val(40u32)
            },
        );
        // The mask, which has no effect, shows the bound of both.
        let transport = network.at(header & 0x3c);
        let udp = transport.view::<Udp>(0).or_return(XdpAction::PASS);
        f.if_(udp.field(Udp::SOURCE).get().ne(53), pass);
        Self(transport.at(size_of::<Udp>()))
    }

    /// The point so many bytes into the message.
    ///
    /// No message takes anybody beyond the mask.
    fn at(self, offset: Value<'f, u32>) -> Packet<'f, XdpAction> {
        self.0.at(offset & 0x3fff)
    }
}

/// Reads the name of the question, which has no pointers, and moves the cursor behind it. The hash of the name.
///
/// A name is a row of labels, each behind its length; 0 ends it.
fn name<'f>(f: Func<'f, XdpAction>, dns: Dns<'f>, scratch: Place<'f, Scratch>) -> Value<'f, u64> {
    let (cursor, label) = (scratch.field(Scratch::CURSOR), scratch.field(Scratch::LABEL));
    let (hash, steps) = (f.var(FNV_BASIS), f.var(0u32));
    label.set(12);
    f.loop_(|| {
        f.if_(steps.ge(NAME), || f.return_(XdpAction::PASS));
        steps.set(steps + 1);
        let byte = dns.at(cursor.get()).view::<u8>(0).or_return(XdpAction::PASS).get();
        cursor.set(cursor.get() + 1);
        f.if_(cursor.get().le(label.get()), || {
            hash.set((hash ^ (byte | 0x20).to::<u64>()) * FNV_PRIME);
            f.continue_()
        });
        f.if_(byte.ge(0x40), || f.return_(XdpAction::PASS));
        hash.set((hash ^ byte.to::<u64>()) * FNV_PRIME);
        label.set(cursor.get() + byte.to::<u32>());
        f.if_(byte.eq(0), || f.break_());
    });
    hash.get()
}

/// Moves the cursor behind the name of a record: labels, and 0 or a pointer (two bytes, the highest bits set) to the rest.
fn skip_name<'f>(f: Func<'f, XdpAction>, dns: Dns<'f>, cursor: Place<'f, u32>) {
    let labels = f.var(0u32);
    f.loop_(|| {
        f.if_(labels.ge(LABELS), || f.return_(XdpAction::PASS));
        labels.set(labels + 1);
        let length = dns.at(cursor.get()).view::<u8>(0).or_return(XdpAction::PASS).get();
        f.if_(length.ge(0xc0), || {
            cursor.set(cursor.get() + 2);
            f.break_()
        });
        f.if_(length.ge(0x40), || f.return_(XdpAction::PASS));
        cursor.set(cursor.get() + length.to::<u32>() + 1);
        f.if_(length.eq(0), || f.break_());
    });
}

/// Puts a record with an address of `N` words into the map and arms its timer.
fn keep<'f, const N: usize>(
    f: Func<'f, XdpAction>,
    records: &Map<Key, Record>,
    expired: Callback<Key, Record>,
    (name, kind, ttl): (Value<'f, u64>, Value<'f, u32>, Value<'f, u32>),
    data: Packet<'f, XdpAction>,
) {
    let address = data.view::<[u32; N]>(0).or_return(XdpAction::PASS);
    let (key, record) = (f.zeroed::<Key>(), f.zeroed::<Record>());
    key.field(Key::NAME).set(name);
    key.field(Key::KIND).set(kind);
    record.field(Record::TTL).set(ttl);
    for index in 0..N {
        record.field(Record::ADDRESS).at(index).set(address.at(index).get());
    }
    f.map_update(records, &key, &record, UpdateFlags::ANY);
    f.map_lookup(records, &key).if_some(|stored| {
        let timer = stored.field(Record::TIMER);
        let err = f.timer_init(timer, Clock::Boottime);
        f.if_else(
            err.ne(0) & err.ne(-Errno::EBUSY),
            // What nothing would take out must not stay.
            || {
                f.map_delete(records, &key);
            },
            || {
                f.timer_set_callback(timer, expired);
                f.timer_start(timer, ttl.to::<u64>() * 1_000_000_000, TimerFlags::empty());
            },
        );
    });
}

/// Names, their addresses, seconds to live.
const ANSWERED: [(&str, IpAddr, u32); 4] = [
    ("www.example.org", IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 1),
    ("www.example.org", IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1)), 2),
    ("mail.example.org", IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)), 2),
    ("example.net", IpAddr::V4(Ipv4Addr::new(198, 51, 100, 3)), 3),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut running = Running::start(&object()?)?;
    let link = match &mut running {
        Running::Kernel(kernel) => Some(over_a_veth_pair(kernel)?),
        Running::Simulator(simulated) => {
            for (name, address, ttl) in ANSWERED {
                simulated.run("dns_ttl", &Input::packet(&frame(&message(name, &[(address, ttl)]), false)))?;
            }
            None
        }
    };
    running.wait(Duration::from_millis(200))?;
    for seconds in 0..4 {
        println!("after {seconds} s: {}", shown(&mut running)?);
        running.wait(Duration::from_secs(1))?;
    }
    drop(link);
    Ok(())
}

/// What is remembered of the names.
fn shown(running: &mut Running) -> Result<String, Box<dyn Error>> {
    let mut known = Vec::new();
    for (name, address, _) in ANSWERED {
        let kind = if address.is_ipv4() { A } else { AAAA };
        if let Some(record) = running.get::<Key, Record>("records", &Key { name: hash(name), kind })? {
            known.push(format!("{name} {} ({} s)", record.address(kind), record.ttl));
        }
    }
    Ok(if known.is_empty() { "nothing".to_owned() } else { known.join(", ") })
}

impl Record {
    pub(crate) fn address(&self, kind: u32) -> IpAddr {
        let bytes: [u8; 16] = std::array::from_fn(|index| self.address[index / 4].to_ne_bytes()[index % 4]);
        match kind {
            A => IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]),
            _ => IpAddr::from(bytes),
        }
    }
}

/// The network: what is sent to the neighbours goes out of dns0, and comes in at dns1.
const NETWORK: &str = "
    link add dns0 type veth peer name dns1
    addr add 192.0.2.1/24 dev dns0
    addr add 2001:db8::1/64 dev dns0 nodad
    link set dns0 up
    link set dns1 up
    neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev dns0
    neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev dns0
";

/// Attaches the program to a device, and sends the answers there, every other one over IPv6.
fn over_a_veth_pair(kernel: &mut Kernel) -> Result<XdpLink, Box<dyn Error>> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    ip.stdin.take().ok_or("ip takes no input")?.write_all(NETWORK.as_bytes())?;
    if !ip.wait()?.success() {
        return Err("ip could not make the network".into());
    }
    let link = XdpLink::attach(kernel.loaded().program("dns_ttl")?, "dns1", XdpMode::Any)?;
    let ipv4 = UdpSocket::bind("192.0.2.1:53")?;
    let ipv6 = UdpSocket::bind("[2001:db8::1]:53")?;
    for (index, (name, address, ttl)) in ANSWERED.into_iter().enumerate() {
        let message = message(name, &[(address, ttl)]);
        match index % 2 {
            0 => ipv4.send_to(&message, "192.0.2.2:5353")?,
            _ => ipv6.send_to(&message, "[2001:db8::2]:5353")?,
        };
    }
    Ok(link)
}

/// A name as it stands in messages.
fn encoded(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
    name.split('.').map(label).chain([vec![0]]).flatten().collect()
}

/// The hash that stands for a name.
pub(crate) fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
    let labels = name.split('.').fold(FNV_BASIS, |hash, label| {
        label.bytes().map(|byte| byte | 0x20).fold(step(hash, label.len() as u8), step)
    });
    step(labels, 0)
}

/// An answer to a question for a name: its addresses, for so many seconds each.
pub(crate) fn message(name: &str, records: &[(IpAddr, u32)]) -> Vec<u8> {
    let mut message = vec![0, 1, 0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
    message.extend(encoded(name));
    message.extend([0, 1, 0, 1]);
    for (address, ttl) in records {
        let (kind, data) = match address {
            IpAddr::V4(address) => (A, address.octets().to_vec()),
            IpAddr::V6(address) => (AAAA, address.octets().to_vec()),
        };
        // The name is a pointer to that of the question.
        message.extend([0xc0, 12, 0, kind as u8, 0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend([0, data.len() as u8]);
        message.extend(data);
    }
    message
}

/// The packet that brings a message, from port 53.
pub(crate) fn frame(message: &[u8], ipv6: bool) -> Vec<u8> {
    let udp_length = (8 + message.len()) as u16;
    let mut frame = vec![2; 12];
    if ipv6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend(udp_length.to_be_bytes());
        frame.extend([17, 64]);
        frame.extend([0; 32]);
    } else {
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((20 + udp_length).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    }
    frame.extend([0, 53, 0x14, 0xe9]);
    frame.extend(udp_length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(message);
    frame
}
