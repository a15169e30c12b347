//! The verdict of another kind of program.

use bpfsmith::dsl::{TcAction, Xdp};
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        f.return_(TcAction::OK)
    });
}
