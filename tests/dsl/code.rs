//! What small programs become.

use bpfsmith::btf::Be;
use bpfsmith::dsl::{Func, Map, Syscall};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

/// The code of a syscall program with a map of eight numbers.
fn code(body: impl for<'f> FnOnce(Func<'f, i32>, Map<u32, [u32; 8]>)) -> String {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::array::<[u32; 8]>("numbers").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        body(f, map);
        f.return_(0)
    });
    super::text(&object.finish().unwrap())
}

#[test]
fn a_counter() {
    insta::assert_snapshot!(code(|f, map| {
        let place = f.map_lookup(&map, &f.local(0u32)).or_return(1).at(3);
        place.set(place.get() + 1);
    }));
}

#[test]
fn an_if_and_an_else() {
    insta::assert_snapshot!(code(|f, map| {
        let numbers = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let n = numbers.at(0).get();
        f.if_(n.lt(10) | n.gt(20), || numbers.at(1).set(1));
        let chosen = f.if_else(n.any_bits(1), || n * 3, || n / 2);
        numbers.at(2).set(chosen);
    }));
}

#[test]
fn a_loop_over_an_array() {
    insta::assert_snapshot!(code(|f, map| {
        let numbers = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let sum = f.var(0u32);
        f.for_(0..8u32, |i| {
            let n = numbers.at(i).get();
            f.if_(n.eq(0), || f.continue_());
            f.if_(n.gt(100), || f.break_());
            sum.set(sum + n);
        });
        numbers.at(7).set(sum);
    }));
}

#[test]
fn a_while_and_a_switch() {
    insta::assert_snapshot!(code(|f, map| {
        let numbers = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let n = f.var(numbers.at(0).get() & 0xff);
        let bits = f.var(0u32);
        f.while_(
            || n.ne(0),
            || {
                bits.set(bits + 1);
                n.set(n >> 1);
            },
        );
        let name = f.switch(bits.get()).case(0, || f.val(10)).case(8, || f.val(11)).default(|| f.val(12));
        numbers.at(1).set(name);
    }));
}

#[test]
fn narrow_and_signed_numbers() {
    insta::assert_snapshot!(code(|f, map| {
        let numbers = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let (a, b) = (numbers.at(0).get().to::<i8>(), numbers.at(1).get().to::<i16>());
        numbers.at(2).set((a + 1).to::<u32>());
        numbers.at(3).set((b >> 3).to::<u32>());
        numbers.at(4).set((a.to::<i64>() * b.to()).to::<u32>());
    }));
}

#[test]
fn numbers_in_network_order() {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::array::<Be<u16>>("port").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let port = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        f.if_(port.get().eq(53), || port.set(5353));
        f.return_(0)
    });
    insta::assert_snapshot!(super::text(&object.finish().unwrap()));
}
