//! Memory in programs written as closures: atomics, global variables, spin locks, places.

use bpfsmith::BtfType;
use bpfsmith::asm::Isa;
use bpfsmith::btf::SpinLock;
use bpfsmith::dsl::dynamic::ScalarType;
use bpfsmith::dsl::{CgroupSkb, Exit, Func, Syscall, Verdict};
use bpfsmith::kernel::{Loaded, TestRun};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::common::{builder, load, run_on_packet};
use crate::support::{Condition, Suite, all, has_cap_bpf, has_cap_perfmon, has_kernel};

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 5] = [
        ("atomic operations", atomics),
        ("global variables and constants", globals),
        ("a lock is let go on every way out", locks),
        ("values are written, copied and compared", values),
        ("an index is checked when the program runs", elements),
    ];
    for (name, test) in tests {
        suite.test_if(all(&[has_cap_bpf, has_cap_perfmon]), &format!("dsl memory: {name}"), test);
    }
    let acquire: &'static [fn() -> Condition] = &[has_cap_bpf, has_cap_perfmon, || has_kernel(6, 15)];
    suite.test_if(all(acquire), "dsl memory: loads that acquire, stores that release", acquires);
}

/// Runs a syscall program, which has to return 0.
fn run(mut object: ObjectBuilder, body: impl for<'f> FnOnce(Func<'f, i32>) -> Exit) -> Loaded {
    object.program("prog", Syscall::SYSCALL, |f, _| body(f));
    let loaded = load(&object.finish().unwrap());
    assert_eq!(loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap().retval, 0);
    loaded
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Numbers {
    word: u32,
    signed: i32,
    double: u64,
    old: [u64; 8],
}

fn atomics() {
    let mut object = builder();
    let map = object.map(MapSpec::array::<Numbers>("numbers").max_entries(1));
    let start = Numbers { word: 0xffff_fff0, signed: -5, double: 100, old: [0; 8] };
    object.add_entry(map, &0, &start);
    let loaded = run(object, |f| {
        let numbers = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let (word, signed) = (numbers.field(Numbers::WORD), numbers.field(Numbers::SIGNED));
        let (double, old) = (numbers.field(Numbers::DOUBLE), numbers.field(Numbers::OLD));
        old.at(0).set(word.fetch_add(0x20).to::<u64>());
        old.at(1).set(signed.swap(7).to::<i64>().to::<u64>());
        double.fetch_add(1);
        double.fetch_or(0x10);
        old.at(2).set(double.fetch_and(0xf5));
        old.at(3).set(double.fetch_xor(1));
        old.at(4).set(double.compare_exchange(0x74, 50));
        old.at(5).set(double.compare_exchange(0, 51));
        let dynamic = numbers.dynamic().field("word").unwrap();
        old.at(6).set(dynamic.fetch_add(1).typed::<u32>().to::<u64>());
        f.return_(0)
    });
    let got = loaded.typed_map::<u32, Numbers>("numbers").unwrap().get(&0).unwrap().unwrap();
    let old = [0xffff_fff0, (-5i64).cast_unsigned(), 0x75, 0x75, 0x74, 50, 0x10, 0];
    assert_eq!(got, Numbers { word: 0x11, signed: 7, double: 50, old });
}

fn acquires() {
    let mut object = builder().isa(Isa::V4 | Isa::ACQUIRE_RELEASE);
    let (flag, seen) = (object.global("flag", &5u8), object.global("seen", &0u64));
    let loaded = run(object, |f| {
        let was = f.global(flag).load_acquire();
        f.global(flag).store_release(6);
        f.global(seen).store_release(was.to::<u64>());
        f.return_(0)
    });
    assert_eq!(loaded.global(flag).unwrap().get().unwrap(), 6);
    assert_eq!(loaded.global(seen).unwrap().get().unwrap(), 5);
}

fn globals() {
    let mut object = builder();
    let small = object.global("small", &3u8);
    let count = object.global("count", &0u64);
    let numbers = object.global("numbers", &[1u32, 2, 3, 4]);
    let limit = object.constant("limit", &40i32);
    let ty = <u32 as BtfType>::btf(object.btf()).unwrap();
    object.global_bytes("late", ty, 9u32.to_ne_bytes().to_vec(), false);
    let loaded = run(object, |f| {
        let sum = f.var(0u32);
        f.for_(0..4u32, |i| sum.set(sum + f.global(numbers).at(i).get()));
        let late = f.dynamic().global("late").unwrap();
        assert_eq!(late.get().ty(), ScalarType::U32);
        sum.set(sum + late.get().typed::<u32>());
        f.global(count).fetch_add(sum.get().to::<u64>());
        let small = f.global(small);
        small.set(small.get() + 1);
        f.if_(f.constant(limit).get().ne(40), || f.return_(1));
        f.return_(0)
    });
    let program = loaded.program("prog").unwrap();
    assert_eq!(loaded.global(count).unwrap().get().unwrap(), 19);
    assert_eq!(loaded.global(small).unwrap().get().unwrap(), 4);
    assert_eq!(loaded.constant(limit).unwrap().get().unwrap(), 40);
    loaded.global(numbers).unwrap().set(&[10, 0, 0, 0]).unwrap();
    assert_eq!(program.test_run(&TestRun::new()).unwrap().retval, 0);
    assert_eq!(loaded.global(count).unwrap().get().unwrap(), 38);
    assert_eq!(loaded.global(small).unwrap().get().unwrap(), 5);
    let frozen = loaded.map(".rodata").unwrap().update(&[0; 4], &[0; 4], bpfsmith::kernel::ElemFlags::ANY);
    assert!(frozen.is_err());
}

#[derive(BtfType, Clone, Copy, Debug)]
#[repr(C)]
struct Locked {
    lock: SpinLock,
    count: u32,
    rounds: u64,
}

fn locks() {
    let mut object = builder();
    let map = object.map(MapSpec::array::<Locked>("locked").max_entries(1));
    object.program("prog", CgroupSkb::EGRESS, |f, _| {
        let value = f.map_lookup(&map, &f.local(0u32)).or_return(Verdict::DENY);
        let (lock, count) = (value.field(Locked::LOCK), value.field(Locked::COUNT));
        let rounds = value.field(Locked::ROUNDS);
        f.for_(0..10u32, |round| {
            f.lock(lock, || {
                count.set(count.get() + 1);
                f.if_(round.eq(3), || f.continue_());
                f.for_(0..4u32, |_| {
                    f.if_(count.get().eq(100), || f.break_());
                    rounds.set(rounds.get() + 1);
                });
                f.if_(round.eq(5), || f.break_());
            });
        });
        f.lock(lock, || {
            f.if_(count.get().eq(6), || f.return_(Verdict::ALLOW));
        });
        f.return_(Verdict::DENY)
    });
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run_on_packet(loaded.program("prog").unwrap()), 1);
    let got = loaded.typed_map::<u32, Locked>("locked").unwrap().get_locked(&0).unwrap().unwrap();
    assert_eq!((got.count, got.rounds), (6, 20));
}

#[derive(BtfType, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Odd {
    bytes: [u8; 7],
    half: u16,
    words: [u32; 3],
}

const ODD: Odd = Odd { bytes: [1, 2, 3, 4, 5, 6, 0xf7], half: 0xfedc, words: [7, 0x8000_0000, u32::MAX] };

fn values() {
    let mut object = builder();
    let map = object.map(MapSpec::array::<[Odd; 4]>("odd").max_entries(1));
    let loaded = run(object, |f| {
        let values = f.map_lookup(&map, &f.local(0u32)).or_return(1);
        let stack = f.literal(&ODD);
        values.at(1).copy_from(stack);
        f.if_(!values.at(1).same_as(stack) | values.at(0).same_as(stack), || f.return_(2));
        f.if_(!stack.is(&ODD), || f.return_(3));
        let array = f.zeroed::<[Odd; 4]>();
        f.for_(0..4u32, |index| array.at(index).copy_from(values.at(1)));
        values.at(3).copy_from(array.at(2));
        values.at(2).write(&Odd { half: 5, ..ODD });
        f.if_(values.at(2).is(&ODD), || f.return_(4));
        let words = values.at(1).field(Odd::WORDS);
        words.zero();
        let dynamic = values.dynamic().at(3).field("bytes").unwrap();
        f.if_(!dynamic.is(&ODD.bytes), || f.return_(5));
        dynamic.at(6).write(&[9]);
        f.return_(0)
    });
    let got = loaded.typed_map::<u32, [Odd; 4]>("odd").unwrap().get(&0).unwrap().unwrap();
    assert_eq!(got[1], Odd { words: [0; 3], ..ODD });
    assert_eq!(got[2], Odd { half: 5, ..ODD });
    assert_eq!(got[3], Odd { bytes: [1, 2, 3, 4, 5, 6, 9], ..ODD });
}

fn elements() {
    let mut object = builder();
    let index = object.global("index", &2u64);
    let missed = object.global("missed", &0u32);
    let numbers = object.global("numbers", &[1u32, 2, 3, 4]);
    let loaded = run(object, |f| {
        let array = f.global(numbers);
        f.element(array, f.global(index).get()).if_some(|element| element.set(9));
        f.element(array, f.val(7u32)).or_else(|| {
            f.global(missed).set(1);
            f.return_(0)
        });
        f.return_(1)
    });
    assert_eq!(loaded.global(numbers).unwrap().get().unwrap(), [1, 2, 9, 4]);
    assert_eq!(loaded.global(missed).unwrap().get().unwrap(), 1);
    loaded.global(index).unwrap().set(&u64::MAX).unwrap();
    loaded.program("prog").unwrap().test_run(&TestRun::new()).unwrap();
}
