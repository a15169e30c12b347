//! What `dns_ttl` remembers of crafted answers, in the simulator and in the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bpfsmith::backend::{Backend, Input};

use super::dns_ttl::{A, AAAA, Key, Record, frame, hash, message};

const PASS: u32 = 2;
const IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));

/// Hands a packet to the program, which has to pass it on as it is.
fn hand(backend: &mut dyn Backend, packet: &[u8]) {
    let run = backend.run("dns_ttl", &Input::packet(packet)).unwrap();
    assert_eq!(run.retval, PASS);
    assert_eq!(run.packet, packet);
}

fn known(backend: &mut dyn Backend, name: &str, kind: u32) -> Option<(IpAddr, u32)> {
    let record: Option<Record> = backend.get("records", &Key { name: hash(name), kind }).unwrap();
    record.map(|record| (record.address(kind), record.ttl))
}

pub(crate) fn answers_are_remembered(backend: &mut dyn Backend) {
    for (name, ipv6) in [("four.example.org", false), ("six.example.org", true)] {
        hand(backend, &frame(&message(name, &[(IPV4, 100), (IPV6, 200)]), ipv6));
        assert_eq!(known(backend, name, A), Some((IPV4, 100)), "{name}");
        assert_eq!(known(backend, name, AAAA), Some((IPV6, 200)), "{name}");
    }
    // Names are the same in every case; the last address counts.
    hand(
        backend,
        &frame(&message("FOUR.Example.org", &[(IPV4, 5), (IpAddr::from([10, 0, 0, 1]), 300)]), false),
    );
    assert_eq!(known(backend, "four.example.org", A), Some((IpAddr::from([10, 0, 0, 1]), 300)));
}

/// An alias and what it stands for, whose name is a pointer into the data of the first.
pub(crate) fn aliases_lead_to_the_address(backend: &mut dyn Backend) {
    let mut packet = message("alias.example.org", &[]);
    packet[7] = 2;
    let data = u8::try_from(packet.len() + 12).unwrap();
    packet.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 7]);
    packet.extend(*b"\x04real\xc0\x12");
    packet.extend([0xc0, data, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]);
    hand(backend, &frame(&packet, false));
    assert_eq!(known(backend, "alias.example.org", A), Some((IpAddr::from([10, 1, 2, 3]), 60)));
}

pub(crate) fn records_go_when_their_time_is_over(backend: &mut dyn Backend) {
    hand(backend, &frame(&message("short.example.org", &[(IPV4, 1), (IPV6, 60)]), false));
    assert!(known(backend, "short.example.org", A).is_some());
    let gone = backend.wait_until(Duration::from_secs(20), |backend| {
        Ok(backend
            .get::<Key, Record>("records", &Key { name: hash("short.example.org"), kind: A })?
            .is_none())
    });
    assert!(gone.unwrap());
    assert_eq!(known(backend, "short.example.org", AAAA), Some((IPV6, 60)));
}

/// Nothing is kept of what is no complete answer.
pub(crate) fn what_is_malformed_is_passed_on(backend: &mut dyn Backend) {
    const NAME: &str = "broken.example.org";
    let whole = message(NAME, &[(IPV4, 60)]);
    let changed = |at: usize, byte: u8| {
        let mut message = whole.clone();
        message[at] = byte;
        message
    };
    let record = whole.len() - 16;
    let messages = [
        changed(2, 0x01),           // a question
        changed(3, 0x83),           // no such name
        changed(5, 2),              // two questions
        changed(7, 0),              // no records
        changed(12, 0x40),          // a label of a kind that there is not
        changed(12, 0xc0),          // a pointer in the question
        changed(12, 63),            // a label that runs into the record
        changed(record, 0x80),      // the same, in a record
        changed(record + 5, 3),     // not of the Internet
        changed(record + 6, 0x80),  // a time to live below 0
        changed(record + 9, 0),     // ... of 0
        changed(record + 10, 0xff), // data beyond the end
        changed(record + 11, 5),    // an address of five bytes
        message(&"a.".repeat(80), &[(IPV4, 60)]),
    ];
    for message in &messages {
        hand(backend, &frame(message, false));
        assert_eq!(known(backend, NAME, A), None, "{message:x?}");
    }
    for ipv6 in [false, true] {
        let packet = frame(&whole, ipv6);
        for end in 15..packet.len() {
            hand(backend, &packet[..end]);
        }
        let (protocol, port) = if ipv6 { (20, 55) } else { (23, 35) };
        for at in [protocol, port] {
            let mut other = packet.clone();
            other[at] ^= 1;
            hand(backend, &other);
        }
    }
    let mut fragment = frame(&whole, false);
    fragment[20] = 0x20;
    hand(backend, &fragment);
    assert_eq!(known(backend, NAME, A), None);
    // The tests above would pass if nothing were ever kept.
    hand(backend, &frame(&whole, false));
    assert_eq!(known(backend, NAME, A), Some((IPV4, 60)));
}
