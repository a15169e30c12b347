//! A loop from a literal to a value.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let (n, sum) = (f.get_prandom_u32() & 7, f.var(0u32));
        f.for_(0..n, |i| sum.set(sum + i));
        f.return_(0)
    });
}
