//! A block that ends in the result of a call.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.if_(f.get_prandom_u32().eq(1), || f.ktime_get_ns());
        f.return_(0)
    });
}
