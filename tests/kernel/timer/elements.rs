//! What an operation on an element does to the timer in it, and what user space sees of it.

use std::os::fd::AsFd;

use bpfsmith::BtfType;
use bpfsmith::base::{Clock, Errno};
use bpfsmith::kernel::{ElemFlags, MapError};
use bpfsmith::map::{MapFlags, MapKind};
use bpfsmith::sys::MapFd;
use bpfsmith::sys::map::{self, Cursor};

use super::rig::{
    AGAIN, ARRAY, EINVAL, ENOENT, HASH, HOUR, Locked, MILLISECOND, Plain, Rig, Setup, assert_goes, is_loaded,
    may_use_ids, may_use_locks, wait_for_ticks,
};
use crate::common::wait_until;
use crate::dialect::add_dialects;
use crate::support::Suite;

pub fn add(suite: &mut Suite) {
    for (name, operation, fates) in OPERATIONS {
        add_dialects(suite, may_use_locks, &format!("timer elements: {name}"), move || {
            for (setup, fate) in SETUPS.iter().zip(fates) {
                assert_fate(*setup, *operation, *fate);
            }
        });
    }
    let tests: [(&str, fn()); 2] = [
        ("what an LRU hash drops has no timer left", evicted),
        ("under the lock there has to be one", without_lock),
    ];
    for (name, test) in tests {
        add_dialects(suite, may_use_ids, &format!("timer elements: {name}"), test);
    }
    let tests: [(&str, fn()); 2] = [
        ("typed, under the lock, timers and locks read as zeros", typed),
        ("a running timer reads as zeros, one element or many", running),
    ];
    for (name, test) in tests {
        add_dialects(suite, may_use_locks, &format!("timer elements: {name}"), test);
    }
    add_dialects(suite, may_use_locks, "timer elements: garbage in an update does no harm", garbage);
}

/// Values of LRU hashes may have no lock.
const SETUPS: [Setup; 4] = [
    Setup { locked: true, ..ARRAY },
    Setup { locked: true, ..HASH },
    Setup { locked: true, flags: MapFlags::NO_PREALLOC, ..HASH },
    Setup { kind: MapKind::LRU_HASH, ..HASH },
];

#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It is armed as before.
    GoesOn,
    /// It is no more; its program is let go.
    Freed,
    /// The kernel refuses, and the timer goes on.
    Refused(Errno),
}
use Fate::{Freed, GoesOn, Refused};

type Operation = fn(&Rig) -> Result<(), Errno>;

/// What each does in an array, a hash, a hash that is not allocated up front, an LRU hash.
const OPERATIONS: &[(&str, Operation, [Fate; 4])] = &[
    ("a look-up", |rig| look_up(rig, ElemFlags::empty()), [GoesOn; 4]),
    (
        "a look-up under the lock",
        |rig| look_up(rig, ElemFlags::LOCK),
        [GoesOn, GoesOn, GoesOn, Refused(Errno::EINVAL)],
    ),
    ("a look-up of many", |rig| look_up_many(rig, map::lookup_batch), [GoesOn; 4]),
    ("an update", |rig| update(rig, ElemFlags::empty()), [Freed; 4]),
    ("an update of what is there", |rig| update(rig, ElemFlags::EXIST), [Freed; 4]),
    ("an update that must not find it", |rig| update(rig, ElemFlags::NOEXIST), [Refused(Errno::EEXIST); 4]),
    (
        "an update under the lock",
        |rig| update(rig, ElemFlags::LOCK),
        [Freed, GoesOn, GoesOn, Refused(Errno::EINVAL)],
    ),
    ("an update of many", |rig| update_many(rig, ElemFlags::empty()), [Freed; 4]),
    (
        "an update of many under the lock",
        |rig| update_many(rig, ElemFlags::LOCK),
        [Freed, GoesOn, GoesOn, Refused(Errno::EINVAL)],
    ),
    ("an update by a program", |rig| by_program(rig, "update"), [Freed; 4]),
    ("a delete", delete, [Refused(Errno::EINVAL), Freed, Freed, Freed]),
    ("a delete of many", delete_many, [Refused(Errno::ENOTSUPP), Freed, Freed, Freed]),
    ("a delete by a program", |rig| by_program(rig, "delete"), [Refused(Errno::EINVAL), Freed, Freed, Freed]),
    ("a look-up that deletes", take, [Refused(Errno::ENOTSUPP), Freed, Freed, Freed]),
    (
        "a look-up of many that deletes",
        |rig| look_up_many(rig, map::lookup_and_delete_batch),
        [Refused(Errno::ENOTSUPP), Freed, Freed, Freed],
    ),
];

fn assert_fate(setup: Setup, operation: Operation, fate: Fate) {
    let mut rig = setup.load();
    rig.first().arm(HOUR);
    let id = rig.close_programs_but(&["cancel", "start", "init", "update", "delete"]);
    let context = format!("{} {:?}", setup.kind, setup.flags);
    match (operation(&rig), fate) {
        (Ok(()), GoesOn) => {}
        (Ok(()), Freed) => return assert_freed(&rig, id, &context),
        (Err(errno), Refused(expected)) => assert_eq!(errno, expected, "{context}"),
        (result, fate) => panic!("{context}: {result:?}, not {fate:?}"),
    }
    assert!(is_loaded(id), "{context}");
    assert_eq!(rig.first().cancel(), 1, "{context}");
}

fn assert_freed(rig: &Rig, id: u32, context: &str) {
    assert_goes(id);
    let started = rig.first().start(0, 0_u64);
    assert!(started == EINVAL || started == ENOENT, "{context}: {started}");
    if started == ENOENT {
        rig.insert(0);
        assert_eq!(rig.first().start(0, 0_u64), EINVAL, "{context}");
    }
    assert_eq!(rig.first().init(Clock::Monotonic), 0, "{context}");
    assert_eq!(rig.fired(), 0, "{context}");
}

fn fd(rig: &Rig) -> MapFd {
    MapFd::try_from(rig.map().as_fd().try_clone_to_owned().unwrap()).unwrap()
}

const GARBAGE: [u8; Plain::SIZE] = [0x5a; Plain::SIZE];

/// The counter is what was written, the timer zeros.
fn assert_zeros(value: &[u8]) {
    assert_eq!(value[..4], [0xa5; 4]);
    assert_eq!(value[Plain::TIMER.offset()..], [0; 16]);
}

fn look_up(rig: &Rig, flags: ElemFlags) -> Result<(), Errno> {
    let mut value = GARBAGE;
    map::lookup(&fd(rig), &[0; 4], &mut value, flags)?;
    assert_zeros(&value);
    Ok(())
}

type LookUpBatch = fn(&MapFd, &mut Cursor, &mut [u8], &mut [u8], ElemFlags) -> Result<usize, map::BatchError>;

fn look_up_many(rig: &Rig, batch: LookUpBatch) -> Result<(), Errno> {
    let fd = fd(rig);
    let mut cursor = Cursor::new(&fd);
    let (mut keys, mut values) = ([0; 4 * 8], [0x5a; 8 * Plain::SIZE]);
    while !cursor.is_done() {
        let count = batch(&fd, &mut cursor, &mut keys, &mut values, ElemFlags::empty())
            .map_err(|error| error.errno)?;
        let all = keys.chunks(4).zip(values.chunks(Plain::SIZE)).take(count);
        all.filter(|(key, _)| *key == [0; 4]).for_each(|(_, value)| assert_zeros(value));
    }
    Ok(())
}

fn update(rig: &Rig, flags: ElemFlags) -> Result<(), Errno> {
    map::update(&fd(rig), &[0; 4], &GARBAGE, flags)
}

fn update_many(rig: &Rig, flags: ElemFlags) -> Result<(), Errno> {
    let keys = [0_u32, 1].map(u32::to_ne_bytes).concat();
    let count = map::update_batch(&fd(rig), &keys, &[GARBAGE; 2].concat(), flags);
    assert_eq!(count.map_err(|error| error.errno)?, 2);
    Ok(())
}

fn by_program(rig: &Rig, program: &str) -> Result<(), Errno> {
    match rig.run(program, 0, [0; 2]) {
        0 => Ok(()),
        errno => Err(Errno(-errno)),
    }
}

fn delete(rig: &Rig) -> Result<(), Errno> {
    map::delete(&fd(rig), &[0; 4])
}

fn delete_many(rig: &Rig) -> Result<(), Errno> {
    map::delete_batch(&fd(rig), &[0; 4], ElemFlags::empty()).map(drop).map_err(|error| error.errno)
}

fn take(rig: &Rig) -> Result<(), Errno> {
    let mut value = GARBAGE;
    map::lookup_and_delete(&fd(rig), &[0; 4], &mut value, ElemFlags::empty())?;
    assert_zeros(&value);
    Ok(())
}

fn evicted() {
    let mut rig = Setup { kind: MapKind::LRU_HASH, entries: 64, ..HASH }.load();
    rig.first().arm(HOUR);
    let id = rig.close_programs_but(&["start", "cancel"]);
    let map = rig.loaded().typed_map::<u32, Plain>("timers").unwrap();
    let mut keys = 1..;
    wait_until("the element is dropped", || {
        for key in keys.by_ref().take(64) {
            rig.insert(key);
            // Used by a program, as the one that shall go.
            assert_eq!(rig.at(key).cancel(), EINVAL);
        }
        map.get(&0).unwrap().is_none()
    });
    assert_goes(id);
    rig.insert(0);
    assert_eq!((rig.first().start(0, 0_u64), rig.fired()), (EINVAL, 0));
}

fn without_lock() {
    let rig = HASH.load();
    let map = rig.loaded().typed_map::<u32, Plain>("timers").unwrap();
    let refused = |error: MapError| matches!(error, MapError::Kernel { errno: Errno::EINVAL, .. });
    assert!(map.get_locked(&0).is_err_and(refused));
    assert!(map.set_locked(&0, &Plain::default()).is_err_and(refused));
}

fn typed() {
    for (setup, fate) in SETUPS.into_iter().zip([Freed, GoesOn, GoesOn]) {
        let rig = setup.load();
        rig.first().arm(HOUR);
        let map = rig.loaded().typed_map::<u32, Locked>("timers").unwrap();
        let value = Locked { counter: 7, ..Locked::default() };
        map.set_locked(&0, &value).unwrap();
        assert_eq!(map.get_locked(&0), Ok(Some(value)));
        assert!(map.iter().map(Result::unwrap).any(|element| element == (0, value)));
        assert_eq!(rig.first().cancel(), if matches!(fate, GoesOn) { 1 } else { EINVAL });
        if setup.kind != MapKind::ARRAY {
            assert_eq!(
                (map.take(&0), map.take(&0), map.get_locked(&0)),
                (Ok(Some(value)), Ok(None), Ok(None))
            );
        }
    }
}

fn running() {
    for setup in SETUPS {
        let rig = Setup { callback: AGAIN, ..setup }.load();
        rig.first().arm(MILLISECOND);
        wait_until("the timer fires often", || {
            look_up(&rig, ElemFlags::empty()).unwrap();
            look_up_many(&rig, map::lookup_batch).unwrap();
            rig.fired() > 10
        });
    }
}

/// What user space writes where the kernel keeps its pointers is not what the kernel finds there.
fn garbage() {
    for setup in SETUPS {
        let rig = Setup { callback: AGAIN, ..setup }.load();
        for _ in 0..20 {
            rig.insert(0);
            assert_eq!(rig.first().start(0, 0_u64), EINVAL);
            rig.first().arm(0);
            rig.wait_for(rig.fired() + 1);
        }
        rig.insert(0);
        wait_for_ticks();
        let fired = rig.fired();
        wait_for_ticks();
        assert_eq!(rig.fired(), fired);
    }
}
