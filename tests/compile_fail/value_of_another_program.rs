//! A value that leaves its program.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let mut kept = None;
    object.program("prog", Xdp::XDP, |f, _| {
        kept = Some(f.val(1u32));
        f.return_(XdpAction::PASS)
    });
}
