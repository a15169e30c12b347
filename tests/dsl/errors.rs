//! Every mistake that is found while a function is recorded, and its message.

use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::asm::Isa;
use bpfsmith::base::{Endian, Helper};
use bpfsmith::btf::{BtfError, Builder, StructDef, Timer, TypeId};
use bpfsmith::dsl::dynamic::{Arg, Layout, ScalarType};
use bpfsmith::dsl::{
    self, Callback, CgroupSkb, Clock, Context, Errno, Exit, Func, Map, RawTracepoint, RingbufFlags, Syscall,
    TimerFlags, UpdateFlags, Verdict, Xdp, XdpAction,
};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::MapSpec;
use bpfsmith::object::{ObjectBuilder, ObjectError};
use bpfsmith::target::Target;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Elem {
    counter: i32,
    timer: Timer,
}

fn error(result: Result<impl Sized, ObjectError>) -> String {
    match result {
        Ok(_) => panic!("nothing was found"),
        Err(error) => {
            assert!(error.loc().is_some(), "{error}");
            crate::mistake(&error)
        }
    }
}

/// What a syscall program is told.
fn told(body: impl for<'f> FnOnce(Func<'f, i32>, Context<'f, Syscall>)) -> String {
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Syscall::SYSCALL, |f, ctx| {
        body(f, ctx);
        f.return_(0)
    });
    error(object.finish())
}

/// What a syscall program with a map of timers is told.
fn told_with_map(body: impl for<'f> FnOnce(Func<'f, i32>, Map<u32, Elem>)) -> String {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        body(f, map);
        f.return_(0)
    });
    error(object.finish())
}

macro_rules! told_of {
    (|$f:ident| $what:expr) => {
        told(|$f, _| {
            let _ = $what;
        })
    };
}

#[test]
fn of_values() {
    let mut all = Vec::new();
    let escaped = told(|f, _| {
        let mut kept = None;
        let n = f.val(1u64);
        f.if_(n.eq(2), || kept = Some(n + 5));
        if let Some(kept) = kept {
            f.local(kept);
        }
    });
    all.push(escaped);
    all.push(told_of!(|f| f.val(1u32) / 0));
    all.push(told_of!(|f| f.val(1u8) << 8));
    all.push(told_of!(|f| f.dynamic().number(ScalarType::U8, 256)));
    let mixed = told(|f, _| {
        let (a, b) = (f.val(1u8).dynamic(), f.val(2i64).dynamic());
        let _ = a + b;
    });
    all.push(mixed);
    all.push(told_of!(|f| f.val(1u8).dynamic().typed::<u64>()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_control_flow() {
    let mut all = Vec::new();
    all.push(told_of!(|f| f.break_()));
    all.push(told_of!(|f| f.continue_()));
    all.push(told(|f, _| f.switch(f.val(1u8)).case(1, || ()).case(1, || ()).default(|| ())));
    all.push(told(|f, _| f.switch(f.val(1u8)).case(300, || ()).default(|| ())));
    let mut object = ObjectBuilder::new("test");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let mut exit: Option<Exit> = None;
        f.if_(f.dynamic().local(f.val(1u64).dynamic()).get().eq(2), || exit = Some(f.return_(0)));
        exit.unwrap()
    });
    all.push(error(object.finish()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_places() {
    let mut all = Vec::new();
    let outside = told_of!(|f| f.dynamic().zeroed(Layout::Bytes(8)).offset(6, Layout::Bytes(4)));
    all.push(outside);
    all.push(told_of!(|f| f.zeroed::<[u32; 4]>().at(4).get()));
    let unbounded = told(|f, _| {
        let index = f.local(1u32).get();
        f.zeroed::<[u32; 4]>().at(index).get();
    });
    all.push(unbounded);
    all.push(told_of!(|f| f.zeroed::<u64>().dynamic().at(0)));
    all.push(told_of!(|f| f.zeroed::<Elem>().dynamic().get()));
    let mut object = ObjectBuilder::new("test");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.zeroed::<Elem>().dynamic().field("number")?;
        Ok(f.return_(0))
    });
    all.push(error(object.finish()));
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    object.timer_callback(&map, "tick", |_, _, key, _| key.dynamic().set(1));
    all.push(error(object.finish()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_calls() {
    let mut all = Vec::new();
    let mut object = ObjectBuilder::new("test").license("GPL");
    object.program("prog", Xdp::XDP, |f, _| {
        f.dynamic().call(Helper::SKB_LOAD_BYTES, &[]).value();
        f.return_(XdpAction::PASS)
    });
    all.push(error(object.finish()));
    all.push(told_of!(|f| f.dynamic().call(Helper(9999), &[])));
    all.push(told_of!(|f| f.dynamic().call(Helper::KTIME_GET_NS, &[Arg::NULL]).value()));
    all.push(told_of!(|f| f.dynamic().call(Helper::KTIME_GET_NS, &[]).maybe_null()));
    let key = told_with_map(|f, map| {
        let map = f.dynamic().map(map);
        let _ = f.dynamic().map_lookup(map, f.zeroed::<u64>().dynamic());
    });
    all.push(key);
    let mut object = ObjectBuilder::new("test");
    let add = object.function::<(u32,), u32>("add", |f, (a,)| f.return_(a + 1)).dynamic();
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.dynamic().call_function(&add, &[]);
        f.return_(0)
    });
    all.push(error(object.finish()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_maps() {
    let mut all = Vec::new();
    let foreign = ObjectBuilder::new("other").map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    let told = told_with_map(|f, _| {
        f.map_lookup(&foreign, &f.local(0u32)).or_return(0);
    });
    all.push(told);
    let mut object = ObjectBuilder::new("test");
    let inner = MapSpec::array::<u64>("inner").max_entries(1);
    let outer = object.map(MapSpec::array_of_maps("outer", inner).max_entries(1));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.map_lookup(&outer, &f.local(0u32)).or_return(1);
        f.return_(0)
    });
    all.push(error(object.finish()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_timers() {
    let mut all = Vec::new();
    all.push(told_of!(|f| f.timer_init(f.zeroed::<Elem>().field(Elem::TIMER), Clock::Monotonic)));
    let mut object = ObjectBuilder::new("test").license("GPL");
    let first = object.map(MapSpec::hash::<u32, Elem>("first").max_entries(1));
    let second = object.map(MapSpec::hash::<u32, Elem>("second").max_entries(1));
    let tick = object.timer_callback(&first, "tick", |_, _, _, _| ());
    let mut other = object.clone();
    object.program("prog", Syscall::SYSCALL, |f, _| {
        let value = f.map_lookup(&second, &f.local(0u32)).or_return(0);
        f.timer_set_callback(value.field(Elem::TIMER), tick);
        f.return_(0)
    });
    all.push(error(object.finish()));
    other.program("prog", Syscall::SYSCALL, |f, _| {
        let value = f.map_lookup(&second, &f.local(0u32)).or_return(0);
        f.timer_init_in(value.field(Elem::TIMER), &first, Clock::Monotonic);
        f.return_(0)
    });
    all.push(error(other.finish()));
    let late = told_with_map(|f, map| {
        let value = f.map_lookup(&map, &f.local(0u32)).or_return(0);
        f.timer_start(value.field(Elem::TIMER), u64::MAX, TimerFlags::ABS);
    });
    all.push(late);
    let long = told_with_map(|f, map| {
        let value = f.map_lookup(&map, &f.local(0u32)).or_return(0);
        f.timer_start(value.field(Elem::TIMER), Duration::MAX, TimerFlags::empty());
    });
    all.push(long);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_functions() {
    let mut all = Vec::new();
    let mut object = ObjectBuilder::new("test").license("GPL");
    let map = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
    let tick: Callback<u32, Elem> = object.declare_timer_callback(&map, "tick");
    object.define_timer_callback(tick, |_, _, _, _| ());
    let foreign = object.clone();
    object.define_timer_callback(tick, |_, _, _, _| ());
    all.push(error(object.finish()));
    let mut other = ObjectBuilder::new("other");
    other.define_timer_callback(tick, |_, _, _, _| ());
    all.push(error(other.finish()));
    assert!(foreign.finish().is_ok());
    let mut object = ObjectBuilder::new("test");
    object.dynamic_function("many", &[ScalarType::U8; 6], ScalarType::U8, |f, args| f.return_(args[0]));
    all.push(error(object.finish()));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_programs() {
    let mut all = Vec::new();
    let mut object = ObjectBuilder::new("test");
    object.program("prog", ProgramKind::CGROUP_DEVICE, |f, _| {
        f.return_(f.dynamic().number(ScalarType::I32, 2))
    });
    all.push(error(object.finish()));
    let field = |name: &'static str| {
        let mut object = ObjectBuilder::new("test");
        object.program("prog", Xdp::XDP, |f, ctx| {
            ctx.dynamic().get(name)?;
            Ok(f.return_(XdpAction::PASS))
        });
        error(object.finish())
    };
    all.push(field("mark"));
    all.push(field("data"));
    let mut object = ObjectBuilder::new("test");
    object.program("prog", RawTracepoint::RAW, |f, ctx| {
        ctx.dynamic().arg(1)?;
        Ok(f.return_(-Errno::EINVAL))
    });
    assert!(object.finish().is_ok());
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_lowering() {
    let mut all = Vec::new();
    let frame = told(|f, _| {
        f.zeroed::<[u64; 65]>();
    });
    all.push(frame);
    insta::assert_snapshot!(all.join("\n"));
}

/// What the kernel would refuse is found when the object is closed.
#[test]
fn of_the_finished_object() {
    let mut all = Vec::new();
    let object = |license: &str| {
        let mut object = ObjectBuilder::new("test").license(license);
        let map = object.map(MapSpec::hash::<u32, Elem>("elems").max_entries(1));
        object.program("prog", CgroupSkb::EGRESS, |f, _| {
            let value = f.map_lookup(&map, &f.local(0u32)).or_return(Verdict::ALLOW);
            f.timer_init(value.field(Elem::TIMER), Clock::Monotonic);
            f.map_delete(&map, &f.local(0u32));
            f.return_(Verdict::ALLOW)
        });
        object
    };
    all.push(error(object("MIT").finish()));
    all.push(error(object("GPL").finish_for(&Target::of_kernel(5, 10))));
    let (finished, report) = object("GPL").finish_for(&Target::of_kernel(6, 12)).unwrap();
    assert!(!report.is_rejected() && finished.program("prog").is_some());
    let Err(refused) = object("MIT").finish() else { panic!() };
    let ObjectError::Refused { source } = refused else { panic!() };
    let Some(dsl::Error::Rejected { report }) = source.downcast_ref() else { panic!() };
    assert_eq!(report.rejected().count(), 1);
    assert_eq!(ObjectBuilder::new("x").isa(Isa::V4).finish().unwrap().isa(), Isa::empty());
    let _ = UpdateFlags::ANY;
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_calls_of_the_kernel() {
    let mut all = Vec::new();
    all.push(told_of!(|f| f.printk("%d\n", ())));
    all.push(told_of!(|f| f.printk("%f\n", (f.val(1u64),))));
    all.push(told_of!(|f| f.printk("%d\n", (f.val(1u64),))));
    all.push(told_of!(|f| f.printk("%lu\n", (f.val(-1i64),))));
    all.push(told_of!(|f| f.printk("%s\n", (f.val(1u8),))));
    all.push(told_of!(|f| f.printk("\u{e9}", ())));
    all.push(told_of!(|f| f.bpf_loop(1 << 24, (), |_, _, ()| ())));
    all.push(told(|f, _| {
        f.bpf_loop(4, (), |_, _, ()| {
            f.local(2u64);
        });
    }));
    all.push(told_with_map(|f, map| {
        f.ringbuf_reserve::<u64>(&map.untyped()).if_some(|_| ());
    }));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_instructions_by_hand() {
    use bpfsmith::asm::Reg::{self, R0, R1};
    let mut all = Vec::new();
    all.push(told(|f, _| f.asm(|a| _ = a.code().mov(R0, 1))));
    all.push(told(|f, _| f.asm(|a| _ = a.code().exit())));
    all.push(told(|f, _| f.asm(|a| a.clobber([Reg::FP]))));
    let twice = told(|f, _| {
        f.asm(|a| {
            a.input(R1, f.val(1u64));
            a.input(R1, f.val(2u64));
        });
    });
    all.push(twice);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn of_places_that_meet() {
    let mut all = Vec::new();
    all.push(told_with_map(|f, map| {
        let counter = f.map_lookup(&map, &f.local(0u32)).or_return(1).field(Elem::COUNTER);
        f.if_else(f.get_prandom_u32().eq(1), || counter, || f.local(1i32)).set(2);
    }));
    all.push(told_with_map(|f, map| {
        let counter = f.map_lookup(&map, &f.local(0u32)).or_return(1).field(Elem::COUNTER);
        f.place_var(&f.local(1i32)).set(&counter);
    }));
    insta::assert_snapshot!(all.join("\n"));
}

/// What a syscall program with a ring buffer is told.
fn told_with_ring(body: impl for<'f> FnOnce(Func<'f, i32>, Map<(), ()>)) -> String {
    let mut object = ObjectBuilder::new("test").license("GPL");
    let ring = object.map(MapSpec::ringbuf("ring", 4096));
    object.program("prog", Syscall::SYSCALL, |f, _| {
        body(f, ring);
        f.return_(0)
    });
    error(object.finish())
}

#[test]
fn of_records() {
    let mut all = Vec::new();
    let none = RingbufFlags::empty();
    all.push(told_with_ring(|f, ring| f.ringbuf_reserve::<u64>(&ring).or_return(1).set(1)));
    all.push(told_with_ring(|f, ring| {
        let record = f.ringbuf_reserve::<u64>(&ring).or_return(1);
        f.if_(f.get_prandom_u32().eq(1), || f.return_(2));
        f.ringbuf_submit(&record, none);
    }));
    all.push(told_with_ring(|f, ring| {
        let record = f.ringbuf_reserve::<u64>(&ring).or_return(1);
        f.ringbuf_submit(&record, none);
        f.ringbuf_discard(&record, none);
    }));
    all.push(told_with_ring(|f, ring| {
        let record = f.ringbuf_reserve::<u64>(&ring).or_return(1);
        f.ringbuf_submit(&record, none);
        record.set(1);
    }));
    all.push(told_with_ring(|f, ring| {
        f.for_(..f.get_prandom_u32() & 7, |_| {
            f.ringbuf_reserve::<u64>(&ring).if_some(|record| record.set(1));
        });
    }));
    insta::assert_snapshot!(all.join("\n"));
}

/// Describes itself by a name that the kernel does not take.
struct Odd;

impl BtfType for Odd {
    const SIZE: usize = 4;

    fn btf(builder: &mut Builder) -> Result<TypeId, BtfError> {
        builder.structure(StructDef::new("no-name").size(4))
    }

    fn write_to(&self, _: &mut [u8], _: Endian) {}

    fn read_from(_: &[u8], _: Endian) -> Option<Self> {
        Some(Self)
    }
}

#[test]
fn of_types_names_and_jumps() {
    let mut all = Vec::new();
    all.push(told(|f, _| {
        f.zeroed::<Odd>().dynamic();
    }));
    let mut object = ObjectBuilder::new("test");
    object.program("prog", Syscall::SYSCALL, |f, _| {
        f.dynamic().global("nowhere")?;
        Ok(f.return_(0))
    });
    all.push(error(object.finish()));
    all.push(told(|f, _| {
        f.asm(|a| {
            let nowhere = a.code().label();
            a.code().ja(nowhere);
        });
    }));
    insta::assert_snapshot!(all.join("\n"));
}

/// What no program brings about: only the message can be held.
#[test]
fn of_this_crate() {
    let internal = dsl::Error::Internal { message: "v7 is used before it is made".into() };
    assert!(internal.loc().is_none());
    insta::assert_snapshot!(format!("Internal: {internal}"));
}
