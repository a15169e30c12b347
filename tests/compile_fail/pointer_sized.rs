//! A number as wide as a pointer of the machine that compiles.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.local(f.val(1u64) + 2usize);
        f.return_(0)
    });
}
