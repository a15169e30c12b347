//! A field of another struct.

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::{CgroupSkb, Verdict};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

#[derive(BtfType)]
#[repr(C)]
struct Other {
    counter: i32,
}

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    object.program("prog", CgroupSkb::EGRESS, |f, _| {
        let value = f.map_lookup(&elems, &f.local(0u32)).or_return(Verdict::ALLOW);
        value.field(Other::COUNTER).set(1);
        f.return_(Verdict::ALLOW)
    });
}
