//! Programs written as closures, in the running kernel: the design's example, and what each construct comes to.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::dsl::dynamic::ScalarType;
use bpfsmith::dsl::{
    CgroupSkb, Clock, Errno, Func, Map, Place, Syscall, TimerFlags, UpdateFlags, Value, Verdict,
};
use bpfsmith::kernel::TestRun;
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{Object, ObjectBuilder};

use crate::common::{builder, load, run_on_packet, wait_until};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 8] = [
        ("the example of the design fires", fires),
        ("a timer that is cancelled does not fire", cancelled),
        ("arithmetic is that of Rust", arithmetic),
        ("control flow goes where it says", control_flow),
        ("functions are called", functions),
        ("what may be null is checked", checks),
        ("queues, and maps inside of maps", other_maps),
        ("with types known at run time only", dynamic),
    ];
    for (name, test) in tests {
        suite.test_if(all(&[has_cap_bpf, has_cap_perfmon, has_cap_net_admin]), &format!("dsl: {name}"), test);
    }
}

const EBUSY: Errno = Errno::EBUSY;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

fn example(cancel: bool) -> Object {
    let mut object = ObjectBuilder::new("timers").license("GPL");
    let hmap = object.map(MapSpec::hash::<u32, Elem>("hmap").max_entries(1000));
    let tick = object.timer_callback(&hmap, "tick", |f, _map, _key, value| {
        let counter = value.field(Elem::COUNTER);
        counter.set(counter.get() + 1);
        f.timer_start(value.field(Elem::TIMER), Duration::from_millis(10), TimerFlags::empty());
    });
    object.program("arm", CgroupSkb::EGRESS, |f, _ctx| {
        let key = f.local(0u32);
        f.map_update(&hmap, &key, &f.zeroed::<Elem>(), UpdateFlags::ANY);
        let value = f.map_lookup(&hmap, &key).or_return(Verdict::ALLOW);
        let timer = value.field(Elem::TIMER);
        let err = f.timer_init(timer, Clock::Monotonic);
        f.if_(err.ne(0) & err.ne(-EBUSY), || f.return_(Verdict::ALLOW));
        f.timer_set_callback(timer, tick);
        f.timer_start(timer, Duration::from_millis(1), TimerFlags::empty());
        if cancel {
            f.timer_cancel(timer);
        }
        f.return_(Verdict::ALLOW)
    });
    object.finish().unwrap()
}

fn fires() {
    let loaded = load(&example(false));
    assert_eq!(run_on_packet(loaded.program("arm").unwrap()), 1);
    let map = loaded.typed_map::<u32, Elem>("hmap").unwrap();
    wait_until("the timer fires three times", || map.get(&0).unwrap().unwrap().counter >= 3);
}

fn cancelled() {
    let (loaded, other) = (load(&example(true)), load(&example(false)));
    run_on_packet(loaded.program("arm").unwrap());
    run_on_packet(other.program("arm").unwrap());
    let fired = other.typed_map::<u32, Elem>("hmap").unwrap();
    wait_until("the other timer fires", || fired.get(&0).unwrap().unwrap().counter >= 5);
    let map = loaded.typed_map::<u32, Elem>("hmap").unwrap();
    assert_eq!(map.get(&0).unwrap().unwrap().counter, 0);
}

/// What the program writes into the results: one number each.
fn results<const N: usize>(
    inputs: &[u64],
    body: impl for<'f> FnOnce(Func<'f, i32>, Place<'f, [u64; 8]>) -> [Value<'f, u64>; N],
) -> [u64; N] {
    let mut object = builder();
    let input = object.map(MapSpec::array::<[u64; 8]>("input").max_entries(1));
    let output = object.map(MapSpec::array::<[u64; 64]>("output").max_entries(1));
    let mut given = [0; 8];
    given[..inputs.len()].copy_from_slice(inputs);
    object.add_entry(input, &0, &given);
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let key = f.local(0u32);
        let input = f.map_lookup(&input, &key).or_return(1);
        let output = f.map_lookup(&output, &key).or_return(1);
        for (index, value) in body(f, input).into_iter().enumerate() {
            output.at(index).set(value);
        }
        f.return_(0)
    });
    let loaded = load(&object.finish().unwrap());
    let outcome = loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap();
    assert_eq!(outcome.retval, 0);
    let all = loaded.typed_map::<u32, [u64; 64]>("output").unwrap().get(&0).unwrap().unwrap();
    std::array::from_fn(|index| all[index])
}

fn arithmetic() {
    let (a, b) = (0xfedc_ba98_7654_3210_u64, 0x0000_0007_8000_0003_u64);
    let got = results(&[a, b], |_, input| {
        let (a, b) = (input.at(0).get(), input.at(1).get());
        let (narrow_a, narrow_b) = (a.to::<i8>(), b.to::<i8>());
        let (half_a, half_b) = (a.to::<u16>(), b.to::<u16>());
        let (word_a, word_b) = (a.to::<i32>(), b.to::<i32>());
        [
            a + b,
            a - b,
            a * b,
            a / b,
            a % b,
            a >> 4,
            1 + (a & 0xff),
            (narrow_a - narrow_b - 100).to(),
            (narrow_a * narrow_b).to::<i64>().to(),
            (half_a * half_b + 7).to(),
            (word_a >> 3).to::<i64>().to(),
            (word_a / 7).to(),
            (-word_b).to(),
            (!half_a).to(),
            narrow_a.to::<u32>().to(),
            (a.to::<i64>() / -3).to(),
        ]
    });
    let (narrow_a, narrow_b) = (a as i8, b as i8);
    let (half_a, half_b) = (a as u16, b as u16);
    let (word_a, word_b) = (a as i32, b as i32);
    let expected = [
        a.wrapping_add(b),
        a.wrapping_sub(b),
        a.wrapping_mul(b),
        a / b,
        a % b,
        a >> 4,
        1 + (a & 0xff),
        narrow_a.wrapping_sub(narrow_b).wrapping_sub(100) as u64,
        narrow_a.wrapping_mul(narrow_b) as i64 as u64,
        half_a.wrapping_mul(half_b).wrapping_add(7).into(),
        (word_a >> 3) as i64 as u64,
        (word_a / 7) as u64,
        word_b.wrapping_neg() as u64,
        (!half_a).into(),
        (narrow_a as u32).into(),
        (a as i64 / -3) as u64,
    ];
    assert_eq!(got, expected);
}

fn control_flow() {
    let got = results(&[5, 1000], |f, input| {
        let (n, many) = (input.at(0).get(), input.at(1).get());
        let sum = f.var(0u64);
        f.for_(0..8u64, |i| sum.set(sum + input.at(i).get()));
        let counted = f.var(0u64);
        f.for_(..n & 15, |i| {
            f.if_(i.eq(3), || f.continue_());
            counted.set(counted + 1);
        });
        let halved = f.var(many);
        let rounds = f.var(0u32);
        f.while_(
            || halved.gt(1) & rounds.lt(64),
            || {
                halved.set(halved >> 1);
                rounds.set(rounds + 1);
            },
        );
        let found = f.var(99u64);
        f.for_(0..8u32, |i| {
            f.if_(input.at(i).get().eq(1000), || {
                found.set(i.to::<u64>());
                f.break_()
            });
        });
        let either = f.if_else(n.lt(3) | many.eq(1000), || n + 1, || many);
        let chosen = f.switch(n).case(1, || f.val(10)).case(5, || n * 2).default(|| f.val(30));
        let not = f.if_else(!(n.lt(3) | many.eq(1000)), || f.val(1u64), || f.val(2));
        [
            sum.get(),
            counted.get(),
            rounds.get().to(),
            found.get(),
            either,
            chosen,
            not,
            n.eq(5).value().typed::<bool>().to(),
        ]
    });
    assert_eq!(got, [1005, 4, 9, 1, 6, 10, 2, 1]);
}

fn checks() {
    let got = maps(|f, map, _, output| {
        let set = |key: u32, value: u64| f.map_update(map, &f.local(key), &f.local(value), UpdateFlags::ANY);
        set(1, 10);
        set(2, 20);
        set(4, 40);
        f.map_delete(map, &f.local(2u32));
        let (sum, missing) = (f.var(0u64), f.var(0u64));
        f.for_(0..8u32, |i| {
            let value = f.map_lookup(map, &f.local(i)).or_else(|| {
                missing.set(missing + 1);
                f.continue_()
            });
            f.if_(i.gt(4), || f.break_());
            sum.set(sum + value.get());
        });
        output.at(0).set(sum);
        output.at(1).set(missing);
        f.map_lookup(map, &f.local(4u32)).if_some(|value| output.at(2).set(value.get() * 2));
        f.map_lookup(map, &f.local(2u32)).if_some(|value| output.at(3).set(value.get() + 1));
        f.map_lookup(map, &f.local(2u32)).or_else(|| {
            output.at(4).set(5);
            f.return_(0)
        });
    });
    assert_eq!(got[..5], [50, 6, 80, 0, 5]);
}

fn other_maps() {
    let got = maps(|f, _, queue, output| {
        for value in [7u32, 8] {
            f.map_push(queue, &f.local(value), UpdateFlags::ANY);
        }
        let taken = f.local(0u32);
        f.map_peek(queue, &taken);
        output.at(0).set(taken.get().to::<u64>());
        f.map_pop(queue, &taken);
        f.map_pop(queue, &taken);
        output.at(1).set(taken.get().to::<u64>());
        let err = f.map_pop(queue, &taken);
        f.if_(err.eq(-Errno::ENOENT), || output.at(2).set(1));
    });
    assert_eq!(got[..3], [7, 8, 1]);

    let mut object = builder();
    let inner = object.map(MapSpec::array::<u64>("inner").max_entries(1));
    let template = MapSpec::array::<u64>("template").max_entries(1);
    let outer = object.map(MapSpec::array_of_maps("outer", template).max_entries(1));
    object.add_entry_map(outer, &0, "inner");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let key = f.local(0u32);
        let found = f.map_inner::<_, u32, u64>(&outer, &key).or_return(1);
        f.map_lookup(&found, &key).or_return(2).set(77);
        f.return_(0)
    });
    let loaded = load(&object.finish().unwrap());
    assert_eq!(loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap().retval, 0);
    let _ = inner;
    assert_eq!(loaded.typed_map::<u32, u64>("inner").unwrap().get(&0).unwrap(), Some(77));
}

/// What a program with a hash map and a queue writes.
fn maps(
    body: impl for<'f> FnOnce(Func<'f, i32>, &Map<u32, u64>, &Map<(), u32>, Place<'f, [u64; 8]>),
) -> [u64; 8] {
    let mut object = builder();
    let map = object.map(MapSpec::hash::<u32, u64>("map").max_entries(8));
    let queue = object.map(MapSpec::queue::<u32>("queue").max_entries(8));
    let output = object.map(MapSpec::array::<[u64; 8]>("output").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let output = f.map_lookup(&output, &f.local(0u32)).or_return(1);
        body(f, &map, &queue, output);
        f.return_(0)
    });
    let loaded = load(&object.finish().unwrap());
    assert_eq!(loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap().retval, 0);
    loaded.typed_map::<u32, [u64; 8]>("output").unwrap().get(&0).unwrap().unwrap()
}

fn functions() {
    let mut object = builder();
    let output = object.map(MapSpec::array::<u64>("output").max_entries(1));
    let add = object.function::<(u32, u64), u64>("add", |f, (a, b)| f.return_(a.to::<u64>() + b));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let key = f.local(0u32);
        let output = f.map_lookup(&output, &key).or_return(1);
        let sum = f.call_fn(add, (7, f.val(35)));
        output.set(f.call_fn(add, (1, sum)));
        f.return_(0)
    });
    let loaded = load(&object.finish().unwrap());
    let program = loaded.program("prog").unwrap();
    assert_eq!(program.test_run(&TestRun::new()).unwrap().retval, 0);
    assert_eq!(loaded.typed_map::<u32, u64>("output").unwrap().get(&0).unwrap(), Some(43));
}

/// The same as the first test, with nothing but names.
fn dynamic() {
    let mut object = ObjectBuilder::new("timers").license("GPL");
    let hmap = object.map(MapSpec::hash::<u32, Elem>("hmap").max_entries(1000));
    let tick = object.timer_callback(&hmap, "tick", |f, _map, _key, value| {
        let counter = value.dynamic().field("counter")?;
        counter.set(counter.get() + 1);
        f.dynamic().timer_start(
            value.dynamic().field("timer")?,
            Duration::from_millis(1),
            TimerFlags::empty(),
        );
        Ok(())
    });
    object.program("arm", ProgramKind::CGROUP_SKB_EGRESS, |f, ctx| {
        let (pass, d) = (f.dynamic().number(ScalarType::I32, 1), f.dynamic());
        let map = d.map(hmap);
        let (key, value) = (d.zeroed(map.key_layout()), d.zeroed(map.value_layout()));
        d.map_update(map, key, value, UpdateFlags::ANY);
        let value = d.map_lookup(map, key).or_return(pass);
        value.field("counter")?.set(ctx.get("len")?.convert(ScalarType::I32) - 14);
        let timer = value.field("timer")?;
        d.timer_init(timer, Clock::Boottime);
        d.timer_set_callback(timer, tick);
        d.timer_start(timer, Duration::from_millis(1), TimerFlags::empty());
        Ok(f.return_(pass))
    });
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run_on_packet(loaded.program("arm").unwrap()), 1);
    let map = loaded.typed_map::<u32, Elem>("hmap").unwrap();
    wait_until("the timer fires three times", || map.get(&0).unwrap().unwrap().counter >= 3);
}
