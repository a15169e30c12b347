//! A constant that is written.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let limit = object.constant("limit", &1000u64);
    object.program("prog", Xdp::XDP, |f, _| {
        f.constant(limit).set(1);
        f.return_(XdpAction::PASS)
    });
}
