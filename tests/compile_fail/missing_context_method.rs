//! What the context of this kind does not have.

use bpfsmith::dsl::{CgroupDevice, Verdict};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", CgroupDevice::DEVICE, |f, ctx| {
        f.if_(ctx.len().gt(1000), || f.return_(Verdict::DENY));
        f.return_(Verdict::ALLOW)
    });
}
