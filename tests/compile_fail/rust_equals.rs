//! A comparison with `==`.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        let n = f.get_prandom_u32();
        f.if_(n == 1, || f.return_(XdpAction::DROP));
        f.return_(XdpAction::PASS)
    });
}
