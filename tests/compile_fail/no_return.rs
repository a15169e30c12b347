//! A program that does not return.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        f.if_(f.get_prandom_u32().eq(0), || f.return_(XdpAction::DROP));
    });
}
