//! Three programs and one map, as the kernel's page on timers has them: the objects of the examples `asm_shared_map` and `shared_map`.

#[path = "../../../examples/asm_shared_map.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod example;

#[path = "../../../examples/shared_map.rs"]
#[allow(dead_code, reason = "the example's own main")]
mod closures;

use std::cell::RefCell;
use std::time::Duration;

use bpfsmith::BtfType;
use bpfsmith::backend::{Backend, Input, Kernel, Simulated};
use bpfsmith::base::Endian;
use bpfsmith::base::flags::ElemFlags;
use bpfsmith::btf::Timer;
use bpfsmith::object::Object;

use super::rig::{
    EBUSY, EINVAL, ENOENT, add_both, assert_goes, is_loaded, is_simulated, may_use_ids, may_use_timers,
};
use crate::common::load;
use crate::dialect::{Dialect, add_dialects};
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    add_both(suite, may_use_timers, "timer shared: each program does its part, in order", in_order);
    add_both(suite, may_use_timers, "timer shared: what comes too early is -EINVAL", too_early);
    add_both(suite, may_use_timers, "timer shared: every element has a timer of its own", elements);
    add_dialects(
        suite,
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

struct Shared<B: Backend + ?Sized>(RefCell<B>);

/// Where the scenario is to run.
fn shared() -> Box<Shared<dyn Backend>> {
    if !is_simulated() {
        return Box::new(in_kernel());
    }
    let shared = Shared(RefCell::new(Simulated::new(&object()).unwrap()));
    shared.insert(0);
    Box::new(shared)
}

fn object() -> Object {
    Dialect::current().object(|| example::object().unwrap(), || closures::object().unwrap())
}

fn in_kernel() -> Shared<Kernel> {
    let shared = Shared(RefCell::new(Kernel::from(load(&object()))));
    shared.insert(0);
    shared
}

impl<B: Backend + ?Sized> Shared<B> {
    fn insert(&self, key: i32) {
        let value = MapElem::default().to_bytes(Endian::NATIVE);
        self.0.borrow_mut().update("hmap", &key.to_ne_bytes(), &value, ElemFlags::empty()).unwrap();
    }

    fn run(&self, number: u32, key: i32) -> i32 {
        let input = Input::context(&key.to_ne_bytes());
        self.0.borrow_mut().run(&format!("bpf_prog{number}"), &input).unwrap().retval.cast_signed()
    }

    fn counter(&self, key: i32) -> i32 {
        let value = self.0.borrow_mut().lookup("hmap", &key.to_ne_bytes()).unwrap().unwrap();
        MapElem::read_from(&value, Endian::NATIVE).unwrap().counter
    }

    fn wait_for(&self, key: i32, count: i32) {
        let begun = self.0.borrow().now().unwrap();
        while self.counter(key) < count {
            assert!(self.0.borrow().now().unwrap() < begun + PATIENCE, "the callback does not count");
            self.wait();
        }
    }

    fn wait(&self) {
        self.0.borrow_mut().wait(Duration::from_millis(1)).unwrap();
    }
}

/// In nanoseconds.
const PATIENCE: u64 = 20_000_000_000;

fn in_order() {
    let shared = shared();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    shared.wait_for(0, 3);
    assert_eq!(shared.run(1, 0), EBUSY);
}

fn too_early() {
    let shared = shared();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 1)), [ENOENT; 3]);
    assert_eq!([2, 3].map(|number| shared.run(number, 0)), [EINVAL; 2]);
    assert_eq!(shared.run(1, 0), 0);
    assert_eq!(shared.run(3, 0), EINVAL);
    assert_eq!([2, 3].map(|number| shared.run(number, 0)), [0; 2]);
    shared.wait_for(0, 1);
}

fn elements() {
    let shared = shared();
    shared.insert(1);
    shared.insert(2);
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    assert_eq!([2, 3].map(|number| shared.run(number, 1)), [EINVAL; 2]);
    assert_eq!([1, 3].map(|number| shared.run(number, 2)), [0, EINVAL]);
    shared.wait_for(0, 3);
    assert_eq!([1, 2].map(|key| shared.counter(key)), [0; 2]);
}

fn programs_closed() {
    let mut shared = in_kernel();
    assert_eq!([1, 2, 3].map(|number| shared.run(number, 0)), [0; 3]);
    let ids = ["bpf_prog1", "bpf_prog2", "bpf_prog3"].map(|name| {
        let program = shared.0.get_mut().loaded().take_program(name).unwrap();
        program.id().unwrap()
    });
    assert_goes(ids[0]);
    assert_goes(ids[2]);
    let count = shared.counter(0);
    shared.wait_for(0, count + 3);
    assert!(is_loaded(ids[1]));
    drop(shared.0.get_mut().loaded().take_map("hmap"));
    assert_goes(ids[1]);
}
