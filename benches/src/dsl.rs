//! Programs as closures: from the closure to bytes, and how that grows with the program.

use bpfsmith::dsl::{Func, Place, Value, Xdp, XdpAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::{ObjectBuilder, ObjectError};

use crate::rounds::{Contender, Role, table};
use crate::{Outcome, told};

/// Rows of the curve: names, and how many operations are recorded.
const SIZES: [(&str, usize); 5] =
    [("100 operations", 100), ("1,000", 1000), ("10,000", 10_000), ("30,000", 30_000), ("100,000", 100_000)];

/// Operations that one round of [`work`] records.
const ROUND: usize = 10;

pub fn tables() {
    let title = format!("dsl: from the closure to bytes, a program of {} instructions", small().unwrap_or(0));
    table(&title, 1, vec![Contender::new("bpfsmith", Role::Ours, small)]);
    for (name, operations) in SIZES {
        let title = format!("dsl: from the closure to bytes, {name}, each");
        let row = Contender::new("bpfsmith", Role::Ours, move || sized(operations));
        table(&title, operations, vec![row]);
    }
}

/// Counts packets by their first bytes.
fn small() -> Outcome<usize> {
    let mut object = ObjectBuilder::new("bench").license("GPL");
    let counts = object.map(MapSpec::array::<[u64; 4]>("counts").max_entries(256));
    object.program("small", Xdp::XDP, |f, ctx| {
        let packet = ctx.packet(f);
        let bytes = packet.bytes::<34>(0).or_return(XdpAction::PASS);
        f.if_(bytes.at(12).get().ne(8), || f.return_(XdpAction::PASS));
        let protocol = bytes.at(23).get().to::<u32>();
        let count = f.map_lookup(&counts, &f.local(protocol)).or_return(XdpAction::PASS);
        count.at(0).set(count.at(0).get() + 1);
        count.at(1).set(count.at(1).get() + packet.remaining().to::<u64>());
        f.if_(bytes.at(22).get().lt(2), || count.at(2).set(count.at(2).get() + 1));
        f.if_(protocol.eq(6) | protocol.eq(17), || {
            let fragment = (bytes.at(20).get() & 0x1f) | bytes.at(21).get();
            f.if_(fragment.ne(0), || count.at(3).set(count.at(3).get() + 1));
        });
        f.return_(XdpAction::PASS)
    });
    finished(object)
}

fn sized(operations: usize) -> Outcome<usize> {
    let mut object = ObjectBuilder::new("bench").license("GPL");
    let numbers = object.map(MapSpec::array::<[u64; 8]>("numbers").max_entries(1));
    object.program("sized", Xdp::XDP, |f, _| {
        let place = f.map_lookup(&numbers, &f.local(0u32)).or_return(XdpAction::PASS);
        (0..operations / ROUND).for_each(|round| work(f, place, round));
        f.return_(XdpAction::PASS)
    });
    finished(object)
}

/// Loads, arithmetic, a branch and stores.
fn work<'f>(f: Func<'f, XdpAction>, place: Place<'f, [u64; 8]>, round: usize) {
    let at = |index: usize| place.at((round + index) % 8);
    let (a, b): (Value<'_, u64>, _) = (at(0).get(), at(3).get());
    let mixed = (a ^ (b >> 7)) * 31 + round as u64;
    at(1).set(mixed);
    f.if_(mixed.any_bits(1 << (round % 16)), || at(2).set(b - mixed));
}

fn finished(object: ObjectBuilder) -> Outcome<usize> {
    let object = object.finish().map_err(told::<ObjectError>)?;
    Ok(object.linked().programs.iter().map(|program| program.slots.len()).sum())
}
