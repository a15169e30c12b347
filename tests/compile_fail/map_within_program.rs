//! A map that is added while a program is recorded.

use bpfsmith::dsl::{CgroupSkb, Verdict};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", CgroupSkb::EGRESS, |f, _| {
        let counts = object.map(MapSpec::array::<u64>("counts").max_entries(1));
        f.map_lookup(&counts, &f.local(0u32)).or_return(Verdict::ALLOW).set(1);
        f.return_(Verdict::ALLOW)
    });
}
