//! Both sides run on the same packets, with the same in their maps: they have to return the same and to leave the same behind.

use std::error::Error;
use std::path::Path;

use bpfsmith::asm::Isa;
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::kernel::{self, Loaded, Map, Program, TestRun};

use crate::packets;
use crate::twins::{self, Twin};

/// What no test run can be had of, and what depends on the time.
const LEFT_OUT: [&str; 4] = ["log2_histogram", "ringbuf_submit", "device_table", "token_bucket"];

/// Where `struct __sk_buff` has its mark and priority, and how long it is.
const MARK: usize = 8;
const PRIORITY: usize = 32;
const SK_BUFF: usize = 192;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Compares with the programs and maps that are pinned as `program-isa` and `program-isa-maps/`.
pub fn compare(pins: &Path) -> Outcome<()> {
    for twin in twins::ALL.iter().filter(|twin| !LEFT_OUT.contains(&twin.0)) {
        for (isa, name) in [(Isa::V3, "v3"), (Isa::V4, "v4")] {
            let sides = Sides::new(*twin, isa, &pins.join(format!("{}-{name}", twin.0)))?;
            let packets = sides.run()?;
            println!("{} {name}: the same on {packets} packets", twin.0);
        }
    }
    Ok(())
}

struct Sides {
    name: &'static str,
    loaded: Loaded,
    theirs: Program,
    /// Those of both sides, by name.
    maps: Vec<(Map, Map)>,
}

impl Sides {
    fn new(twin: Twin, isa: Isa, pin: &Path) -> Outcome<Self> {
        let loaded = kernel::load(&twins::object(twin, isa)?)?;
        let pinned = pin.with_file_name(format!("{}-maps", pin.file_name().unwrap_or_default().display()));
        let open = |map: &Map| -> Outcome<_> { Ok((map.try_clone()?, Map::open(pinned.join(map.name()))?)) };
        let maps = loaded.maps().map(open).collect::<Outcome<Vec<_>>>()?;
        Ok(Self { name: twin.0, theirs: Program::open(pin)?, loaded, maps })
    }

    fn run(&self) -> Outcome<usize> {
        for (map, key, value) in packets::seeds(self.name) {
            let (ours, theirs) =
                self.maps.iter().find(|(ours, _)| ours.name() == map).ok_or("no such map")?;
            ours.update(&key, &value, ElemFlags::empty())?;
            theirs.update(&key, &value, ElemFlags::empty())?;
        }
        let ours = self.loaded.program(self.name)?;
        let on_skb = ours.prog_type() == bpfsmith::kind::ProgType::SCHED_CLS;
        let packets = packets::all();
        for (index, packet) in packets.iter().enumerate() {
            let mut run = TestRun::new().data(packet.clone());
            if on_skb {
                let mut context = vec![0; SK_BUFF];
                context[MARK..MARK + 4].copy_from_slice(&(index as u32 % 300).to_ne_bytes());
                run = TestRun::new().data(packet.clone()).context(context);
            }
            let (one, other) = (ours.test_run(&run)?, self.theirs.test_run(&run)?);
            let field = |context: &[u8], at: usize| context.get(at..at + 4).map(<[u8]>::to_vec);
            let left = |context: &[u8]| [field(context, MARK), field(context, PRIORITY)];
            let same = one.retval == other.retval && left(&one.context) == left(&other.context);
            if !same {
                let (one, other) = (one.retval, other.retval);
                return Err(format!("{}: {one}, C {other}, on {packet:02x?}", self.name).into());
            }
        }
        for (ours, theirs) in &self.maps {
            if contents(ours)? != contents(theirs)? {
                return Err(format!("{}: other contents of {}", self.name, ours.name()).into());
            }
        }
        Ok(packets.len())
    }
}

/// All keys with their values, in order; nothing of maps that cannot be read so.
fn contents(map: &Map) -> Outcome<Vec<(Vec<u8>, Vec<u8>)>> {
    use bpfsmith::map::MapKind;
    let mut all = Vec::new();
    if [MapKind::PROG_ARRAY, MapKind::RINGBUF].contains(&map.kind()) {
        return Ok(all);
    }
    let mut key: Option<Vec<u8>> = None;
    let mut next = vec![0; map.key_size()];
    while map.next_key(key.as_deref(), &mut next)? {
        let cpus = map.values_per_key();
        let size = if cpus > 1 { map.value_size().next_multiple_of(8) * cpus } else { map.value_size() };
        let mut value = vec![0; size];
        if map.lookup(&next, &mut value)? {
            // Timers are not shown; sums of all CPUs are what is the same.
            all.push((next.clone(), if cpus > 1 { summed(&value, cpus) } else { value }));
        }
        key = Some(next.clone());
    }
    all.sort();
    Ok(all)
}

/// Counters of 64 bits, over all CPUs.
fn summed(value: &[u8], cpus: usize) -> Vec<u8> {
    let mut sums = vec![0u64; value.len() / cpus / 8];
    for (index, number) in value.chunks_exact(8).enumerate() {
        let place = index % sums.len();
        sums[place] = sums[place].wrapping_add(number.try_into().map_or(0, u64::from_ne_bytes));
    }
    sums.iter().flat_map(|sum| sum.to_ne_bytes()).collect()
}
