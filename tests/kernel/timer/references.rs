//! Who keeps timers running: what a handle says about it, and what comes true.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use bpfsmith::kernel::{self, Loaded, Map, MapError, OnDrop, unpin};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use super::rig::{
    AGAIN, EINVAL, HASH, HOUR, MILLISECOND, Plain, Rig, Setup, may_use_ids, may_use_timers, wait_for_ticks,
};
use crate::common::load;
use crate::dialect::{add_dialects, with_bpffs};
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    let tests: [(&str, fn()); 4] = [
        ("a map says where its timer is", offsets),
        ("the only handle stops them", only_handle),
        ("one of two handles does not", two_handles),
        ("an object names the maps whose timers stop with it", loaded),
    ];
    for (name, test) in tests {
        add_dialects(suite, may_use_timers, &format!("timer references: {name}"), test);
    }
    add_dialects(suite, may_use_ids, "timer references: a map from elsewhere is asked", elsewhere);
    add_dialects(suite, may_use_ids, "timer references: a pin keeps them, until it is gone", || {
        with_bpffs(pinned)
    });
    add_dialects(suite, may_use_ids, "timer references: a pin that is another map's does not count", || {
        with_bpffs(replaced_pin);
    });
    add_dialects(suite, may_use_ids, "timer references: a map the object pins is kept", || {
        with_bpffs(object_pins)
    });
}

fn armed() -> Rig {
    let rig = Setup { callback: AGAIN, ..HASH }.load();
    rig.first().arm(MILLISECOND);
    rig
}

fn assert_goes_on(rig: &Rig) {
    rig.wait_for(rig.fired() + 3);
}

fn assert_stopped(rig: &Rig) {
    assert_eq!(rig.first().start(HOUR, 0_u64), EINVAL);
    wait_for_ticks();
    let fired = rig.fired();
    wait_for_ticks();
    assert_eq!(rig.fired(), fired);
}

fn offsets() {
    let rig = HASH.load();
    assert_eq!(rig.map().timer_offset(), Ok(Some(8)));
    assert_eq!(rig.map().has_timers(), Ok(true));
    let seen = rig.loaded().map("seen").unwrap();
    assert_eq!((seen.timer_offset(), seen.on_drop()), (Ok(None), Ok(OnDrop::NoTimers)));
}

fn only_handle() {
    let mut rig = armed();
    assert_goes_on(&rig);
    let map = rig.loaded_mut().take_map("timers").unwrap();
    assert_eq!(map.on_drop(), Ok(OnDrop::TimersStop));
    drop(map);
    assert_stopped(&rig);
}

fn two_handles() {
    let mut rig = armed();
    let map = rig.loaded_mut().take_map("timers").unwrap();
    let other = map.try_clone().unwrap();
    assert_eq!([&map, &other].map(Map::on_drop), [Ok(OnDrop::TimersGoOn), Ok(OnDrop::TimersGoOn)]);
    drop(map);
    assert_goes_on(&rig);
    assert_eq!(other.on_drop(), Ok(OnDrop::TimersStop));
    drop(other);
    assert_stopped(&rig);
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.stopped_by_drop().unwrap().into_iter().map(Map::name).collect()
}

fn loaded() {
    let mut object = ObjectBuilder::new("many").license("GPL");
    object.add_map(MapSpec::array::<u32>("none").max_entries(1));
    object.add_map(MapSpec::array::<Plain>("first").max_entries(1));
    object.add_map(MapSpec::hash::<u32, Plain>("second").max_entries(1));
    let mut loaded = load(&object.finish().unwrap());
    assert_eq!(names(&loaded), ["first", "second"]);
    let second = loaded.map("second").unwrap().try_clone().unwrap();
    assert_eq!(names(&loaded), ["first"]);
    drop(second);
    let first = loaded.take_map("first");
    assert_eq!(names(&loaded), ["second"]);
    drop(first);
}

fn elsewhere() {
    let rig = HASH.load();
    let by_id = |name: &str| Map::from_id(rig.loaded().map(name).unwrap().id().unwrap()).unwrap();
    let same = by_id("timers");
    assert_eq!((same.timer_offset(), same.on_drop()), (Ok(Some(8)), Ok(OnDrop::TimersStop)));
    assert_eq!(by_id("seen").timer_offset(), Ok(None));
    let fd: OwnedFd = rig.map().as_fd().try_clone_to_owned().unwrap();
    assert_eq!(Map::from_fd("again", fd).unwrap().has_timers(), Ok(true));

    let mut object = ObjectBuilder::new("untyped").license("GPL");
    let spec = MapSpec::new(bpfsmith::map::MapKind::HASH, "untyped").key_size(4).value_size(24);
    object.add_map(spec.max_entries(1));
    let untyped = load(&object.finish().unwrap());
    let untyped = Map::from_id(untyped.map("untyped").unwrap().id().unwrap()).unwrap();
    assert_eq!(untyped.timer_offset(), Ok(None));
}

fn pinned(bpffs: &Path) {
    let path = bpffs.join("timers");
    let mut rig = armed();
    let map = rig.loaded_mut().take_map("timers").unwrap();
    map.pin(&path).unwrap();
    assert_eq!(map.on_drop(), Ok(OnDrop::TimersGoOn));
    drop(map);
    assert_goes_on(&rig);

    let opened = Map::open(&path).unwrap();
    assert_eq!((opened.timer_offset(), opened.on_drop()), (Ok(Some(8)), Ok(OnDrop::TimersGoOn)));
    unpin(&path).unwrap();
    assert_eq!(opened.on_drop(), Ok(OnDrop::TimersStop));
    assert_goes_on(&rig);
    drop(opened);
    assert_stopped(&rig);
}

fn replaced_pin(bpffs: &Path) {
    let path = bpffs.join("timers");
    let (rig, other) = (HASH.load(), HASH.load());
    rig.map().pin(&path).unwrap();
    assert!(matches!(other.map().pin(&path), Err(MapError::Kernel { .. })));
    unpin(&path).unwrap();
    other.map().pin(&path).unwrap();
    assert_eq!(rig.map().on_drop(), Ok(OnDrop::TimersStop));
    assert_eq!(other.map().on_drop(), Ok(OnDrop::TimersGoOn));
}

fn object_pins(bpffs: &Path) {
    let path = bpffs.join("timers");
    let mut object = ObjectBuilder::new("pins").license("GPL");
    let spec = MapSpec::hash::<u32, Plain>("timers").max_entries(1);
    object.add_map(spec.pinned(path.to_str().unwrap()));
    let loaded = kernel::load(&object.finish().unwrap()).unwrap();
    assert_eq!(names(&loaded), [""; 0]);
    unpin(&path).unwrap();
    assert_eq!(names(&loaded), ["timers"]);
}
