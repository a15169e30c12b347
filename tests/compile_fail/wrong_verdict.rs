//! A number where a verdict is wanted.

use bpfsmith::dsl::Xdp;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        f.return_(1)
    });
}
