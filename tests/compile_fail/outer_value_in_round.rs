//! A value of the function around a loop that is a function of its own.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let (n, sum) = (f.get_prandom_u32(), f.local(0u32));
        f.bpf_loop(4, &sum, |_, _, sum| sum.set(sum.get() + n));
        f.return_(0)
    });
}
