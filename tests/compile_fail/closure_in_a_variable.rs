//! A closure in a variable, its parameters without types.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let body = |f, _ctx| f.return_(XdpAction::PASS);
    object.program("prog", Xdp::XDP, body);
}
