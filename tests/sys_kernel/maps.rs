//! Element operations.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use bpfsmith::base::{Errno, KernelVersion};
use bpfsmith::sys::abi::ElemFlags;
use bpfsmith::sys::map::{self, Cursor};
use bpfsmith::sys::{MapFd, host};

use crate::samples::{ARRAY, HASH, PERCPU_ARRAY, PERCPU_HASH, QUEUE, RINGBUF, create};
use crate::support::{Suite, has_cap_bpf};

pub fn add(suite: &mut Suite) {
    suite.since(KernelVersion::new(5, 14), "look-ups that delete from a hash", |suite| {
        suite.test_if(has_cap_bpf, "map: one element, and what is not there", one_element);
    });
    suite.test_if(has_cap_bpf, "map: keys one after another", keys);
    suite.test_if(has_cap_bpf, "map: a value for each CPU", per_cpu);
    suite.test_if(has_cap_bpf, "map: a queue has no keys", queue);
    suite.test_if(has_cap_bpf, "map: wrong lengths never reach the kernel", lengths);
    suite.test_if(has_cap_bpf, "map: batches see each element once", batches);
    suite.test_if(has_cap_bpf, "map: batches of an array, and of small keys", small_batches);
    suite.test_if(has_cap_bpf, "map: batches that stop say where", batch_errors);
    suite.test_if(has_cap_bpf, "map: a cursor of another map", foreign_cursor);
    suite.test_if(has_cap_bpf, "map: frozen", freeze);
}

const ANY: ElemFlags = ElemFlags::empty();

fn one_element() {
    let map = create(HASH, 4, 8, 2);
    let mut value = [0; 8];
    assert_eq!(map::lookup(&map, &[1; 4], &mut value, ANY), Err(Errno::ENOENT));
    assert_eq!(map::update(&map, &[1; 4], &[7; 8], ElemFlags::EXIST), Err(Errno::ENOENT));
    map::update(&map, &[1; 4], &[7; 8], ElemFlags::NOEXIST).unwrap();
    assert_eq!(map::update(&map, &[1; 4], &[7; 8], ElemFlags::NOEXIST), Err(Errno::EEXIST));
    map::lookup(&map, &[1; 4], &mut value, ANY).unwrap();
    assert_eq!(value, [7; 8]);
    map::lookup_and_delete(&map, &[1; 4], &mut value, ANY).unwrap();
    assert_eq!(map::delete(&map, &[1; 4]), Err(Errno::ENOENT));
    assert_eq!(map::lookup(&map, &[1; 4], &mut value, ElemFlags::LOCK), Err(Errno::EINVAL));
    assert_eq!(map::delete(&create(ARRAY, 4, 8, 1), &[0; 4]), Err(Errno::EINVAL));
    assert_eq!(map::update(&create(ARRAY, 4, 8, 1), &[9; 4], &[0; 8], ANY), Err(Errno::E2BIG));
}

fn keys() {
    let map = create(HASH, 4, 4, 10);
    let mut key = [0; 4];
    assert_eq!(map::next_key(&map, None, &mut key), Ok(false));
    for i in 0..10u32 {
        map::update(&map, &i.to_ne_bytes(), &[0; 4], ANY).unwrap();
    }
    let mut seen = BTreeSet::new();
    let mut last = None;
    while map::next_key(&map, last.as_ref().map(<[u8; 4]>::as_slice), &mut key).unwrap() {
        assert!(seen.insert(u32::from_ne_bytes(key)));
        last = Some(key);
    }
    assert!(seen.into_iter().eq(0..10));
}

fn per_cpu() {
    let cpus = host::possible_cpus().unwrap() as usize;
    for kind in [PERCPU_ARRAY, PERCPU_HASH] {
        let map = create(kind, 4, 12, 1);
        assert_eq!((map.shape().stride(), map.shape().value_len()), (16, 16 * cpus));
        let written: Vec<u8> = (0..cpus).flat_map(|cpu| [cpu as u8 + 1; 16]).collect();
        map::update(&map, &[0; 4], &written, ANY).unwrap();
        let mut read = vec![0xff; 16 * cpus];
        map::lookup(&map, &[0; 4], &mut read, ANY).unwrap();
        for (cpu, value) in read.chunks(16).enumerate() {
            assert_eq!(value[..12], [cpu as u8 + 1; 12]);
        }
        assert_eq!(map::lookup(&map, &[0; 4], &mut [0; 12], ANY), Err(Errno::EINVAL));
    }
}

fn queue() {
    let map = create(QUEUE, 0, 4, 2);
    map::update(&map, &[], &[1; 4], ANY).unwrap();
    map::update(&map, &[], &[2; 4], ANY).unwrap();
    assert_eq!(map::update(&map, &[], &[3; 4], ANY), Err(Errno::E2BIG));
    let mut value = [0; 4];
    map::lookup(&map, &[], &mut value, ANY).unwrap();
    map::lookup_and_delete(&map, &[], &mut value, ANY).unwrap();
    assert_eq!(value, [1; 4]);
}

fn lengths() {
    let map = create(HASH, 4, 8, 1);
    let refused = Err(Errno::EINVAL);
    map::update(&map, &[0; 4], &[1; 8], ANY).unwrap();
    for (key, value) in [(3, 8), (5, 8), (4, 7), (4, 9), (0, 8), (4, 0)] {
        let (key, mut value) = (vec![0; key], vec![0; value]);
        assert_eq!(map::lookup(&map, &key, &mut value, ANY), refused);
        assert_eq!(map::lookup_and_delete(&map, &key, &mut value, ANY), refused);
        assert_eq!(map::update(&map, &key, &value, ANY), refused);
    }
    assert_eq!(map::delete(&map, &[0; 3]), refused);
    assert_eq!(map::next_key(&map, None, &mut [0; 3]), Err(Errno::EINVAL));
    assert_eq!(map::next_key(&map, Some(&[0; 5]), &mut [0; 4]), Err(Errno::EINVAL));
    let ring = create(RINGBUF, 0, 0, host::page_size().unwrap() as u32);
    assert!(map::lookup(&ring, &[], &mut [], ANY).is_err());
    assert_eq!(
        map::lookup_batch(&ring, &mut Cursor::new(&ring), &mut [], &mut [], ANY).unwrap_err().errno,
        Errno::EINVAL
    );
}

fn filled(count: u32) -> MapFd {
    let map = create(HASH, 4, 8, count);
    let keys: Vec<u8> = (0..count).flat_map(u32::to_ne_bytes).collect();
    let values: Vec<u8> = (0..count).flat_map(|i| (u64::from(i) * 3).to_ne_bytes()).collect();
    assert_eq!(map::update_batch(&map, &keys, &values, ANY), Ok(count as usize));
    map
}

/// Walks `map` in batches of `room`, more when a bucket asks for it, and gives keys and values in order.
fn walk(map: &MapFd, mut room: usize, delete: bool) -> Vec<(u32, u64)> {
    let mut cursor = Cursor::new(map);
    let mut all = Vec::new();
    while !cursor.is_done() {
        let (mut keys, mut values) = (vec![0; room * 4], vec![0; room * 8]);
        let step = if delete { map::lookup_and_delete_batch } else { map::lookup_batch };
        let count = match step(map, &mut cursor, &mut keys, &mut values, ANY) {
            Err(error) if error.errno == Errno::ENOSPC => {
                room *= 2;
                continue;
            }
            result => result.unwrap(),
        };
        let keys = keys.chunks(4).map(|key| u32::from_ne_bytes(key.try_into().unwrap()));
        let values = values.chunks(8).map(|value| u64::from_ne_bytes(value.try_into().unwrap()));
        all.extend(keys.zip(values).take(count));
    }
    all.sort_unstable();
    all
}

fn batches() {
    let map = filled(10_000);
    let expected: Vec<_> = (0..10_000).map(|i| (i, u64::from(i) * 3)).collect();
    for room in [1, 512, 20_000] {
        assert_eq!(walk(&map, room, false), expected);
    }
    assert_eq!(walk(&map, 512, true), expected);
    assert_eq!(walk(&map, 512, false), []);
    assert_eq!(map::next_key(&map, None, &mut [0; 4]), Ok(false));
}

fn small_batches() {
    let map = create(HASH, 1, 1, 200);
    let bytes: Vec<u8> = (0..200).collect();
    assert_eq!(map::update_batch(&map, &bytes, &bytes, ANY), Ok(200));
    let mut cursor = Cursor::new(&map);
    let mut seen = BTreeSet::<u8>::new();
    while !cursor.is_done() {
        let (mut keys, mut values) = ([0; 64], [0; 64]);
        let count = map::lookup_batch(&map, &mut cursor, &mut keys, &mut values, ANY).unwrap();
        assert_eq!(keys[..count], values[..count]);
        seen.extend(&keys[..count]);
    }
    assert!(seen.into_iter().eq(0..200));

    let array = create(ARRAY, 4, 8, 100);
    assert_eq!(walk(&array, 30, false).len(), 100);
    let mut cursor = Cursor::new(&array);
    while !cursor.is_done() {
        map::lookup_batch(&array, &mut cursor, &mut [0; 4 * 7], &mut [0; 8 * 9], ANY).unwrap();
    }
    assert_eq!(map::lookup_batch(&array, &mut cursor, &mut [0; 4], &mut [0; 8], ANY), Ok(0));
}

fn batch_errors() {
    let map = filled(4);
    let keys: Vec<u8> = [0u32, 1, 9, 2].into_iter().flat_map(u32::to_ne_bytes).collect();
    let error = map::delete_batch(&map, &keys, ANY).unwrap_err();
    assert_eq!((error.errno, error.count), (Errno::ENOENT, 2));
    let error = map::update_batch(&map, &keys, &[0; 32], ElemFlags::from_bits_retain(64)).unwrap_err();
    assert_eq!((error.errno, error.count), (Errno::EINVAL, 0));
    for (keys, values) in [(0, 0), (4, 0), (4, 7), (7, 8), (8, 8)] {
        let error = map::update_batch(&map, &vec![0; keys], &vec![0; values], ANY).unwrap_err();
        assert_eq!(error.errno, Errno::EINVAL, "{keys} {values}");
    }
    let error = map::lookup_batch(&map, &mut Cursor::new(&map), &mut [0; 3], &mut [0; 8], ANY).unwrap_err();
    assert_eq!(error.errno, Errno::EINVAL);
    let error =
        map::lookup_batch(&create(QUEUE, 0, 4, 1), &mut Cursor::new(&map), &mut [0; 4], &mut [0; 4], ANY);
    assert_eq!(error.unwrap_err().errno, Errno::EINVAL);
}

fn foreign_cursor() {
    let (small, large) = (create(HASH, 4, 4, 1), create(ARRAY, 4, 4, 1));
    let wide = create(HASH, 64, 4, 1);
    let mut cursor = Cursor::new(&small);
    map::lookup_batch(&large, &mut cursor, &mut [0; 4], &mut [0; 4], ANY).unwrap();
    let error = map::lookup_batch(&wide, &mut Cursor::new(&small), &mut [0; 64], &mut [0; 4], ANY);
    assert_eq!(error.unwrap_err().errno, Errno::EINVAL);
}

fn freeze() {
    let map = create(ARRAY, 4, 4, 1);
    map::freeze(map.as_fd()).unwrap();
    assert_eq!(map::update(&map, &[0; 4], &[1; 4], ANY), Err(Errno::EPERM));
    // Since some release between 6.1 and 6.12 the kernel asks first whether the map can be written.
    assert!(matches!(map::freeze(map.as_fd()), Err(Errno::EPERM | Errno::EBUSY)));
    map::lookup(&map, &[0; 4], &mut [0; 4], ANY).unwrap();
}
