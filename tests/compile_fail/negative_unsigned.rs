//! A negative number for one without a sign.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.local(f.val(1u64) + -1);
        f.return_(0)
    });
}
