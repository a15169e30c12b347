//! A callback that ends in 1.

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let elems = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    object.timer_callback(&elems, "tick", |_, _, _, value| {
        value.field(Elem::COUNTER).set(1);
        1
    });
}
