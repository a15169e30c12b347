//! Packets that the programs tell apart, and what lies in the maps meanwhile.

/// So many mutations of each sort.
const ROUNDS: u64 = 60;

const SOURCES: [[u8; 4]; 4] = [[10, 0, 0, 1], [10, 0, 0, 2], [127, 0, 0, 1], [192, 168, 1, 7]];
const PORTS: [u16; 10] = [22, 80, 443, 8080, 53, 67, 68, 123, 7, 65535];
const ADDRESS: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

pub fn all() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(1);
    let mut packets = Vec::new();
    for _ in 0..ROUNDS {
        let sorts = [
            tcp(&mut numbers),
            udp(&mut numbers),
            dns(&mut numbers),
            options(&mut numbers),
            other(&mut numbers),
        ];
        for packet in sorts {
            packets.push(mutated(packet.clone(), &mut numbers));
            packets.push(packet);
        }
    }
    packets
}

/// Map, key and value, before a program runs.
pub fn seeds(program: &str) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let number = |number: u32| number.to_ne_bytes().to_vec();
    let long = |number: u64| number.to_ne_bytes().to_vec();
    match program {
        "nested_lookup" => {
            let mut seeds = vec![
                ("clients", SOURCES[0].to_vec(), number(3)),
                ("clients", SOURCES[1].to_vec(), number(63)),
                ("limits", number(3), long(60)),
            ];
            for (index, port) in PORTS.iter().enumerate() {
                for protocol in [6, 17] {
                    let key = [
                        &number(if index % 2 == 0 { 3 } else { 63 })[..],
                        &port.to_be_bytes(),
                        &[protocol, 0],
                    ];
                    let deny = u32::from(index % 3 == 0);
                    seeds.push(("policies", key.concat(), [long(0), number(deny), number(0)].concat()));
                }
            }
            seeds
        }
        "compare16" => vec![("blocked", number(0), ADDRESS.to_vec())],
        "lpm_lookup" => (0..5)
            .map(|index| {
                let key = [number(8 * index), vec![10, 0, 0, 2][..].to_vec()].concat();
                ("routes", key, [long(0), number(index), number(0)].concat())
            })
            .collect(),
        "tcp_options" => vec![("smallest", number(0), number(1000))],
        "loop_sum" => (0..200)
            .map(|index| ("numbers", number(index), long(u64::from(index * 7919 % 1000 + 1))))
            .collect(),
        "signed_division" => {
            vec![(
                "averages",
                number(0),
                [long(300), long((-40i64).cast_unsigned()), number(7), number(90)].concat(),
            )]
        }
        _ => Vec::new(),
    }
}

/// Numbers at random, the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.next(choices.len())]
    }
}

fn ethernet(protocol: u16) -> Vec<u8> {
    [&[2; 12][..], &protocol.to_be_bytes()].concat()
}

fn ipv4(protocol: u8, options: &[u8], payload: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let words = 5 + options.len() / 4;
    let length = (words * 4 + payload.len()) as u16;
    let fragment = numbers.of(&[0u16, 0, 0, 0x4000, 0x8000, 0x4001, 0x2001]);
    let mut header = vec![0x40 | words as u8, 0];
    header.extend([length.to_be_bytes(), [0, 1], fragment.to_be_bytes(), [64, protocol], [0, 0]].concat());
    header.extend(numbers.of(&SOURCES));
    header.extend(numbers.of(&SOURCES));
    if numbers.next(3) == 0 {
        let sum = header.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u32>();
        let sum = (sum & 0xffff) + (sum >> 16);
        header[10..12].copy_from_slice(&(!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
    }
    [&ethernet(0x0800), &header[..], options, payload].concat()
}

fn tcp(numbers: &mut Numbers) -> Vec<u8> {
    let options = option_bytes(numbers, &[0, 1, 2, 3, 8]);
    let mut header = [7u16, numbers.of(&PORTS)].map(u16::to_be_bytes).concat();
    header.extend([0; 8]);
    header.extend([(5 + options.len() as u8 / 4) << 4, numbers.of(&[2u8, 2, 18, 16]), 1, 1, 0, 0, 0, 0]);
    header.extend(options);
    ipv4(6, &[], &header, numbers)
}

fn udp(numbers: &mut Numbers) -> Vec<u8> {
    let ports = [numbers.of(&PORTS), numbers.of(&PORTS)].map(u16::to_be_bytes).concat();
    ipv4(17, &[], &[&ports[..], &[0, 20, 0, 0], &[1; 12]].concat(), numbers)
}

fn dns(numbers: &mut Numbers) -> Vec<u8> {
    let mut payload = [numbers.of(&[53u16, 1024]), 53].map(u16::to_be_bytes).concat();
    payload.extend([0; 4 + 12]);
    for _ in 0..numbers.next(19) {
        let length = numbers.next(12) as u8 + 1;
        payload.push(length);
        payload.extend(vec![b'a'; length.into()]);
    }
    payload.extend(numbers.of(&[&[0][..], &[0xc0, 12], &[0x80], &[0]]));
    payload.extend([0, numbers.of(&[1, 28, 15]), 0, 1]);
    ipv4(17, &[], &payload, numbers)
}

fn options(numbers: &mut Numbers) -> Vec<u8> {
    let options = option_bytes(numbers, &[0, 1, 7, 68, 131, 148]);
    ipv4(numbers.of(&[1, 6, 17, 47]), &options, &[9; 24], numbers)
}

/// Options of some kinds, to a multiple of four bytes.
fn option_bytes(numbers: &mut Numbers, kinds: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..numbers.next(5) {
        match numbers.of(kinds) {
            kind @ (0 | 1) => bytes.push(kind),
            2 => bytes.extend([2, 4, numbers.of(&[1, 3, 5]), 0xb4]),
            kind => {
                let length = numbers.next(7) as u8 + 1;
                bytes.push(kind);
                bytes.push(length);
                bytes.extend(vec![1; usize::from(length).saturating_sub(2)]);
            }
        }
    }
    bytes.resize(bytes.len().next_multiple_of(4).min(40), 1);
    bytes
}

fn other(numbers: &mut Numbers) -> Vec<u8> {
    match numbers.next(3) {
        0 => [ethernet(0x0806), vec![0; 28]].concat(),
        1 => [ethernet(0x1234), vec![0; 60]].concat(),
        _ => {
            let mut source = ADDRESS;
            source[15] = numbers.of(&[9, 9, 8]);
            let head = [0x60, 0, 0, 0, 0, 8, numbers.of(&[6, 17, 58]), 64];
            [&ethernet(0x86dd)[..], &head, &source, &[1; 16], &[0; 8]].concat()
        }
    }
}

/// A byte changed or the end cut off; a test run takes no fewer bytes than an Ethernet header and one.
fn mutated(mut packet: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    match numbers.next(3) {
        0 => packet.truncate(15 + numbers.next(packet.len() - 14)),
        1 => {
            let at = 14 + numbers.next((packet.len() - 14).min(60));
            packet[at] = numbers.next(256) as u8;
        }
        _ => {
            let at = 14 + numbers.next((packet.len() - 14).min(60));
            packet[at] ^= 1 << numbers.next(8);
        }
    }
    packet
}
