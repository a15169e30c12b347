//! How long a timer holds the program it calls: until it is cancelled, replaced or freed, not until it fires.

use std::os::fd::{AsFd, AsRawFd};

use bpfsmith::base::Clock;
use bpfsmith::kernel::ElemFlags;
use bpfsmith::map::MapKind;
use bpfsmith::sys::map;

use super::rig::{
    AGAIN, ARRAY, EINVAL, EPERM, HASH, HOUR, MILLISECOND, Rig, Setup, assert_goes, is_loaded, may_use_ids,
    wait_for_ticks,
};
use crate::dialect::add_dialects;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 9] = [
        ("after a one-shot timer fired its program is still loaded", fired),
        ("after cancel it is gone, fired or not", cancelled),
        ("after an update of the element it is gone", updated),
        ("after a delete of the element it is gone", deleted),
        ("after the last handle of the map is dropped it is gone", map_dropped),
        ("after another program's callback is set it is gone", replaced),
        ("setting the same callback again and again holds it once", set_again),
        ("a callback that is never started holds it too", never_started),
        ("a map that is only in another map has no timers left", inner_map),
    ];
    for (name, test) in tests {
        add_dialects(suite, may_use_ids, &format!("timer lifetime: {name}"), test);
    }
}

/// A timer that fired once, and the id of the program it called, which is closed.
fn one_shot(setup: Setup, kept: &[&str]) -> (Rig, u32) {
    let mut rig = setup.load();
    rig.first().arm(MILLISECOND);
    let id = rig.close_programs_but(kept);
    rig.wait_for(1);
    assert!(is_loaded(id));
    (rig, id)
}

fn fired() {
    let (rig, id) = one_shot(HASH, &[]);
    wait_for_ticks();
    assert!(is_loaded(id));
    assert_eq!(rig.fired(), 1);
}

fn cancelled() {
    let (rig, id) = one_shot(HASH, &["cancel"]);
    assert_eq!(rig.first().cancel(), 0);
    assert_goes(id);
    let mut rig = HASH.load();
    rig.first().arm(HOUR);
    let id = rig.close_programs_but(&["cancel"]);
    assert!(is_loaded(id));
    assert_eq!(rig.first().cancel(), 1);
    assert_goes(id);
}

fn updated() {
    for setup in [HASH, ARRAY] {
        let (rig, id) = one_shot(setup, &[]);
        rig.insert(0);
        assert_goes(id);
        assert_eq!(rig.fired(), 1);
    }
}

fn deleted() {
    let (rig, id) = one_shot(HASH, &[]);
    assert!(rig.map().delete(&[0; 4]).unwrap());
    assert_goes(id);
}

fn map_dropped() {
    let (mut rig, id) = one_shot(Setup { callback: AGAIN, ..HASH }, &["cancel"]);
    drop(rig.loaded_mut().take_map("timers"));
    assert_goes(id);
}

fn replaced() {
    let (rig, id) = one_shot(HASH, &["set_other"]);
    assert_eq!(rig.first().set_other(), 0);
    assert_goes(id);
}

fn set_again() {
    let mut rig = HASH.load();
    rig.first().prepare(Clock::Monotonic);
    for _ in 0..100 {
        assert_eq!(rig.first().set(), 0);
    }
    let id = rig.close_programs_but(&["cancel"]);
    assert!(is_loaded(id));
    assert_eq!(rig.first().cancel(), 0);
    assert_goes(id);
}

fn never_started() {
    let mut rig = HASH.load();
    rig.first().prepare(Clock::Monotonic);
    let id = rig.close_programs_but(&[]);
    assert!(is_loaded(id));
    rig.insert(0);
    assert_goes(id);
}

/// The outer map keeps it, not its timers.
fn inner_map() {
    let mut rig = HASH.load();
    let outer = map::create(&map::Create {
        map_type: MapKind::ARRAY_OF_MAPS.0,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        inner: Some(rig.map().as_fd()),
        ..Default::default()
    });
    let outer = outer.unwrap();
    let fd = rig.map().as_fd().as_raw_fd().to_ne_bytes();
    map::update(&outer, &[0; 4], &fd, ElemFlags::empty()).unwrap();
    rig.first().arm(HOUR);
    let id = rig.close_programs_but(&["init", "start"]);
    assert!(is_loaded(id));
    drop(rig.loaded_mut().take_map("timers"));
    assert_goes(id);
    assert_eq!((rig.first().start(0, 0_u64), rig.first().init(Clock::Monotonic)), (EINVAL, EPERM));
}
