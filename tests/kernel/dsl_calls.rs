//! What closures call: other programs, rounds of loops, ring buffers, what the kernel knows of the time and the task.

use bpfsmith::BtfType;
use bpfsmith::asm::Assembler;
use bpfsmith::asm::Reg::{R0, R1, R2, R3};
use bpfsmith::asm::Size;
use bpfsmith::dsl::{RingbufFlags, RingbufQuery, SchedCls, Syscall, TcAction, UpdateFlags};
use bpfsmith::kernel::{Loaded, TestRun};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::common::{builder, load, run_on_packet};
use crate::support::{Suite, all, has_cap_bpf, has_cap_net_admin, has_cap_perfmon};

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 9] = [
        ("a tail call goes on elsewhere, or falls through", tail_calls),
        ("rounds of bpf_loop share a place", rounds),
        ("a function for rounds is used by two programs", callbacks),
        ("every element of a map is seen", elements),
        ("records are reserved, submitted, discarded, copied", records),
        ("lines are printed", lines),
        ("instructions by hand, within a function and as one", by_hand),
        ("places meet, and are held by variables", places),
        ("the time, the CPU and the task are known", current),
    ];
    for (name, test) in tests {
        suite.test_if(all(&[has_cap_bpf, has_cap_perfmon, has_cap_net_admin]), &format!("dsl: {name}"), test);
    }
}

fn returned(loaded: &Loaded, program: &str) -> u32 {
    loaded.program(program).unwrap().test_run(&TestRun::new()).unwrap().retval
}

fn run(object: ObjectBuilder) -> Loaded {
    load(&object.finish().unwrap())
}

fn tail_calls() {
    let mut object = builder();
    let programs = object.map(MapSpec::prog_array("programs").max_entries(2));
    object.program("other", SchedCls::CLASSIFIER, |f, _| f.return_(TcAction::STOLEN));
    object.add_entry_program(programs, &1, "other");
    for (name, index) in [("there", 1), ("nowhere", 0)] {
        object.program(name, SchedCls::CLASSIFIER, |f, ctx| {
            f.tail_call(&ctx, &programs, index);
            f.return_(TcAction::PIPE)
        });
    }
    let loaded = run(object);
    let returned = |program| run_on_packet(loaded.program(program).unwrap());
    assert_eq!((returned("there"), returned("nowhere")), (4, 3));
}

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Shared {
    sum: u64,
    rounds: u32,
}

fn rounds() {
    let mut object = builder();
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let shared = f.zeroed::<Shared>();
        let made = f.bpf_loop(1000, &shared, |g, i, shared| {
            let (sum, rounds) = (shared.field(Shared::SUM), shared.field(Shared::ROUNDS));
            rounds.set(rounds.get() + 1);
            g.if_(i.any_bits(1), || g.continue_());
            sum.set(sum.get() + i.to::<u64>());
            g.if_(i.ge(10), || g.break_());
        });
        // A comparison of what the rounds count would have the verifier walk each of them.
        let nested = f.local(0u64);
        f.bpf_loop(5, &nested, |g, _, count| {
            g.bpf_loop(4, &count, |_, _, count| count.set(count.get() + 1));
        });
        let empty = f.bpf_loop(6, (), |_, _, ()| ());
        let all =
            (shared.field(Shared::SUM).get() * 100 + shared.field(Shared::ROUNDS).get().to::<u64>()) * 100;
        f.return_(((all + nested.get()) * 1000 + (made * 10 + empty).to::<u64>()).to::<i32>())
    });
    // The sum, the rounds, the nested rounds, 10 times the rounds made and those of nothing.
    assert_eq!(returned(&run(object), "prog"), 301_120_116);
}

fn callbacks() {
    let mut object = builder();
    let count = object.loop_callback::<u64, _>("count", |_, i, sum| sum.set(sum.get() + i.to::<u64>()));
    for (name, times) in [("few", 3), ("many", 100_000)] {
        object.program(name, Syscall::SYSCALL, |f, _| {
            let sum = f.local(0u64);
            f.bpf_loop_with(times, &sum, count);
            f.return_((sum.get() % 1_000_003).to::<i32>())
        });
    }
    let loaded = run(object);
    assert_eq!(returned(&loaded, "few"), 3);
    assert_eq!(returned(&loaded, "many"), u32::try_from(99_999u64 * 100_000 / 2 % 1_000_003).unwrap());
}

fn elements() {
    let mut object = builder();
    let hash = object.map(MapSpec::hash::<u32, u64>("hash").max_entries(8));
    let array = object.map(MapSpec::array::<u64>("array").max_entries(4));
    let percpu = object.map(MapSpec::percpu_array::<u64>("percpu").max_entries(4));
    for key in 1..=3u32 {
        object.add_entry(hash, &key, &u64::from(key * 10));
        object.add_entry(array, &key, &u64::from(key));
    }
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let sum = f.local(0u64);
        let seen = f.for_each_map_elem(&hash, &sum, |g, map, key, value, sum| {
            sum.set(sum.get() + value.get() + key.get().to::<u64>());
            g.map_delete(&map, &key);
        });
        f.if_(seen.ne(3) | sum.get().ne(66), || f.return_(-1));
        f.for_each_map_elem(&array, &sum, |g, _, key, value, sum| {
            g.if_(key.get().eq(3), || g.break_());
            sum.set(sum.get() + value.get());
        });
        f.if_(f.for_each_map_elem(&percpu, (), |_, _, _, value, ()| value.set(5)).ne(4), || f.return_(-2));
        f.if_(f.map_lookup(&percpu, &f.local(2u32)).or_return(-3).get().ne(5), || f.return_(-4));
        f.return_(sum.get().to::<i32>())
    });
    let loaded = run(object);
    assert_eq!(returned(&loaded, "prog"), 69);
    assert!(loaded.typed_map::<u32, u64>("hash").unwrap().get(&1).unwrap().is_none());
}

fn records() {
    let mut object = builder();
    let ring = object.map(MapSpec::ringbuf("ring", 4096));
    let seen = object.map(MapSpec::array::<[u64; 4]>("seen").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let record = f.ringbuf_reserve::<Shared>(&ring).or_return(-1);
        record.field(Shared::SUM).set(5);
        record.field(Shared::ROUNDS).set(f.get_smp_processor_id());
        let odd = f.get_prandom_u32().any_bits(0x8000_0000);
        f.if_else(
            odd,
            || f.ringbuf_submit(&record, RingbufFlags::NO_WAKEUP),
            || {
                f.ringbuf_discard(&record, RingbufFlags::NO_WAKEUP);
            },
        );
        f.if_(f.ringbuf_output(&ring, &f.local(9u32), RingbufFlags::empty()).ne(0), || f.return_(-2));
        let seen = f.map_lookup(&seen, &f.local(0u32)).or_return(-3);
        seen.at(0).set(f.ringbuf_query(&ring, RingbufQuery::Size).to::<u64>());
        seen.at(1).set(f.ringbuf_query(&ring, RingbufQuery::Available).to::<u64>());
        f.return_(0)
    });
    let loaded = run(object);
    assert_eq!(returned(&loaded, "prog"), 0);
    let seen = loaded.typed_map::<u32, [u64; 4]>("seen").unwrap().get(&0).unwrap().unwrap();
    // A record is 8 bytes of header and its data, rounded up to 8.
    assert_eq!(&seen[..2], [4096, 24 + 16]);
}

fn current() {
    let mut object = builder();
    let seen = object.map(MapSpec::hash::<u32, [u64; 8]>("seen").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let numbers = f.zeroed::<[u64; 8]>();
        let (before, after) = (f.ktime_get_ns(), f.ktime_get_ns());
        f.if_(after.lt(before) | f.ktime_get_boot_ns().lt(before), || f.return_(-1));
        numbers.at(0).set(f.current_tgid().to::<u64>());
        numbers.at(1).set(f.current_pid().to::<u64>());
        numbers.at(2).set(f.current_uid().to::<u64>());
        let name = f.zeroed::<[u8; 16]>();
        f.if_(f.get_current_comm(&name).ne(0), || f.return_(-2));
        numbers.at(3).set(name.at(0).get().to::<u64>());
        let copy = f.zeroed::<[u8; 16]>();
        let task = f.get_current_task();
        f.if_(f.probe_read_kernel(&copy, task).ne(0), || f.return_(-3));
        f.map_update(&seen, &f.local(0u32), &numbers, UpdateFlags::ANY);
        f.if_(f.get_numa_node_id().gt(4096), || f.return_(-4));
        f.return_(0)
    });
    let loaded = run(object);
    assert_eq!(returned(&loaded, "prog"), 0);
    let seen = loaded.typed_map::<u32, [u64; 8]>("seen").unwrap().get(&0).unwrap().unwrap();
    assert_eq!(seen[0], u64::from(std::process::id()));
    let name = std::fs::read("/proc/thread-self/comm").unwrap();
    assert_eq!(seen[3], u64::from(name[0]));
}

fn lines() {
    let mut object = builder();
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let short = f.printk("bpfsmith %d%% %c\n", (f.val(-7i32), f.val(b'x')));
        // 14 characters and the end of the line.
        f.if_(short.ne(15), || f.return_(-1));
        let name = f.zeroed::<[u8; 16]>();
        f.get_current_comm(&name);
        let long = f.printk(
            "%u %lu %x %d %lld\n",
            (f.val(1u8), f.val(22u64), f.val(255u32), f.val(4i32), f.val(-5i64)),
        );
        f.if_(long.ne(13), || f.return_(-2));
        f.return_(f.printk("plain\n", ()).to::<i32>())
    });
    assert_eq!(returned(&run(object), "prog"), 6);
}

fn by_hand() {
    let mut object = builder();
    let difference = object.asm_function::<(u64, u64), u64>("difference", {
        let mut a = Assembler::new();
        a.mov(R0, R1).sub(R0, R2).exit();
        a.finish()
    });
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let (kept, place) = (f.local(5u64), f.local(1u64));
        let n = kept.get();
        let (sum, product) = f.asm(|a| {
            a.input(R1, n);
            a.input(R2, f.val(7u64));
            a.input(R3, &place);
            a.clobber([R1]);
            a.code().mov(R0, R1).add(R0, R2).mul(R1, R2).stx(Size::DW, R3, 0, R1).mov(R2, R1);
            (a.output::<u64>(R0), a.output::<u64>(R2))
        });
        f.if_(product.ne(place.get()) | n.ne(5), || f.return_(-1));
        f.return_((f.call_fn(difference, (product, sum)) + n).to::<i32>())
    });
    assert_eq!(returned(&run(object), "prog"), 35 - 12 + 5);
}

fn places() {
    let mut object = builder();
    let numbers = object.map(MapSpec::array::<[u64; 4]>("numbers").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let numbers = f.map_lookup(&numbers, &f.local(0u32)).or_return(-1);
        let odd = numbers.at(3).get().any_bits(1);
        let chosen = f.if_else(odd, || numbers.at(0), || numbers.at(1));
        chosen.set(chosen.get() + 9);
        let held = f.place_var(&numbers.at(0));
        f.for_(1..3u32, |i| held.set(&numbers.at(i)));
        held.get().set(4);
        let stack = f.if_else(odd, || f.local(1u64), || f.local(2u64));
        let all = numbers.at(0).get() * 1000 + numbers.at(1).get() * 100 + numbers.at(2).get() * 10;
        f.return_((all + stack.get()).to::<i32>())
    });
    assert_eq!(returned(&run(object), "prog"), 942);
}
