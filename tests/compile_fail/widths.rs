//! Numbers of two widths.

use bpfsmith::dsl::Syscall;
use bpfsmith::object::ObjectBuilder;

fn main() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let bytes = f.val(1u32);
        f.local(bytes + f.val(2u64));
        f.return_(0)
    });
}
