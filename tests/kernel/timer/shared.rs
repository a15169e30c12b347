//! Three programs and one map, as the kernel's page on timers has them: the objects of the example `asm_shared_map`.

#[path = "../../../examples/asm_shared_map.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod example;

use bpfsmith::BtfType;
use bpfsmith::btf::Timer;
use bpfsmith::kernel::{Loaded, TestRun};

use super::rig::{
    EBUSY, EINVAL, ENOENT, assert_goes, is_loaded, may_use_ids, may_use_timers, wait_for_ticks,
};
use crate::common::{load, wait_until};
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    suite.test_if(may_use_timers, "timer shared: each program does its part, in order", in_order);
    suite.test_if(may_use_timers, "timer shared: what comes too early is -EINVAL", too_early);
    suite.test_if(may_use_timers, "timer shared: every element has a timer of its own", elements);
    suite.test_if(
        may_use_ids,
        "timer shared: the program with the callback stays, the others go",
        programs_closed,
    );
}

#[derive(BtfType, Default)]
#[repr(C)]
struct MapElem {
    counter: i32,
    timer: Timer,
}

struct Shared(Loaded);

impl Shared {
    fn new() -> Self {
        let shared = Self(load(&example::object().unwrap()));
        shared.insert(0);
        shared
    }

    fn insert(&self, key: i32) {
        self.0.typed_map("hmap").unwrap().set(&key, &MapElem::default()).unwrap();
    }

    fn run(&self, number: u32, key: i32) -> i32 {
        let program = self.0.program(&format!("bpf_prog{number}")).unwrap();
        program.test_run(&TestRun::new().context(key.to_ne_bytes())).unwrap().retval.cast_signed()
    }

    fn counter(&self, key: i32) -> i32 {
        self.0.typed_map::<i32, MapElem>("hmap").unwrap().get(&key).unwrap().unwrap().counter
    }

    fn wait_for(&self, key: i32, count: i32) {
        wait_until("the callback counts", || self.counter(key) >= count);
    }
}

fn in_order() {
    let shared = Shared::new();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    shared.wait_for(0, 3);
    assert_eq!(shared.run(1, 0), EBUSY);
}

fn too_early() {
    let shared = Shared::new();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 1)), [ENOENT; 3]);
    assert_eq!([2, 3].map(|number| shared.run(number, 0)), [EINVAL; 2]);
    assert_eq!(shared.run(1, 0), 0);
    assert_eq!(shared.run(3, 0), EINVAL);
    assert_eq!([2, 3].map(|number| shared.run(number, 0)), [0; 2]);
    shared.wait_for(0, 1);
}

fn elements() {
    let shared = Shared::new();
    shared.insert(1);
    shared.insert(2);
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    assert_eq!([2, 3].map(|number| shared.run(number, 1)), [EINVAL; 2]);
    assert_eq!([1, 3].map(|number| shared.run(number, 2)), [0, EINVAL]);
    wait_for_ticks();
    shared.wait_for(0, 1);
    assert_eq!([1, 2].map(|key| shared.counter(key)), [0; 2]);
}

fn programs_closed() {
    let mut shared = Shared::new();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    let ids = ["bpf_prog1", "bpf_prog2", "bpf_prog3"].map(|name| {
        let program = shared.0.take_program(name).unwrap();
        program.id().unwrap()
    });
    assert_goes(ids[0]);
    assert_goes(ids[2]);
    let count = shared.counter(0);
    shared.wait_for(0, count + 3);
    assert!(is_loaded(ids[1]));
    drop(shared.0.take_map("hmap"));
    assert_goes(ids[1]);
}
