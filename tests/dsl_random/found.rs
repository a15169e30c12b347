//! What random programs have found, smaller: programs that the kernel takes, and what they return.

use bpfsmith::dsl::{Func, Place, Syscall};
use bpfsmith::object::{Object, ObjectBuilder};

use crate::run::{On, Runner};
use crate::support::{Suite, all, has_cap_bpf, has_cap_perfmon};

type Numbers = [u64; 4];

pub fn add(suite: &mut Suite) {
    for (name, object, numbers, returned) in cases() {
        let object = object.unwrap();
        suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), name, move || {
            let mut runner = Runner::new(On::Kernel, &object).unwrap_or_else(|log| panic!("{log}"));
            assert_eq!(runner.run("prog", &numbers).unwrap().returned, returned);
        });
    }
}

type Case = (&'static str, Result<Object, String>, Numbers, u32);

fn cases() -> Vec<Case> {
    vec![
        ("a loop of bytes from a start that is not known ends", from_a_start(), [9, 0, 0, 0], 4),
        ("an index that a shift makes small is bounded by its mask", shifted_index(), [200, 0, 0, 0], 7),
    ]
}

fn object(body: impl for<'f> FnOnce(Func<'f, i32>, Place<'f, Numbers>)) -> Result<Object, String> {
    let mut object = ObjectBuilder::new("found").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, context| {
        body(f, context.args::<Numbers>());
        f.return_(0)
    });
    object.finish().map_err(|error| error.to_string())
}

fn from_a_start() -> Result<Object, String> {
    object(|f, numbers| {
        let start = numbers.at(0).get().to::<u8>() & 3;
        let rounds = f.var(0i32);
        f.for_(start..f.val(5), |_| rounds.set(rounds + 1));
        f.return_(rounds);
    })
}

/// The index is at most 1 without the mask, but the verifier does not see it: the shift may be by 64 or more.
fn shifted_index() -> Result<Object, String> {
    object(|f, numbers| {
        let array = f.zeroed::<[u8; 8]>();
        array.at(1).set(7);
        let small = (numbers.at(0).get().to::<u8>() >> 7).to::<u64>() >> numbers.at(1).get();
        f.return_(array.at(small & 7).get().to::<i32>());
    })
}
