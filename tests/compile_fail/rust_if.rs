//! A condition of the program in an `if` of Rust.

use bpfsmith::dsl::{Xdp, XdpAction};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        let n = f.get_prandom_u32();
        if n.eq(1) {
            f.return_(XdpAction::DROP);
        }
        f.return_(XdpAction::PASS)
    });
}
