//! A packet is written by a kind that only reads it.

use bpfsmith::dsl::{CgroupSkb, Verdict};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", CgroupSkb::EGRESS, |f, ctx| {
        ctx.packet(f).view::<u8>(0).or_return(Verdict::ALLOW).set(1);
        f.return_(Verdict::ALLOW)
    });
}
