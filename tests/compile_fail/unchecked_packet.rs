//! A view of the packet that is used before it is checked.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, ctx| {
        ctx.packet(f).view::<u8>(0).set(1);
        f.return_(XdpAction::PASS)
    });
}
