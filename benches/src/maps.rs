//! Updating and looking up elements of one hash map, all contenders on the same.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use aya::maps::{HashMap, Map, MapData};
use bpfsmith::kernel::{ElemFlags, Loaded, TypedMap, load};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

use crate::raw::{self, attr};
use crate::rounds::{Contender, Role, table};
use crate::{Outcome, told};

const ENTRIES: u32 = 1024;
/// Calls a round.
const CALLS: u32 = 4096;

pub fn tables() {
    if let Err(why) = updates_and_look_ups() {
        println!("\n**maps**: {why}");
    }
}

fn updates_and_look_ups() -> Outcome<()> {
    let loaded = map()?;
    let ours = loaded.typed_map::<u32, u64>("numbers").map_err(told)?;
    let mut updates = vec![raw_update(&loaded)?, our_update(&loaded)?, our_set(ours)];
    let mut look_ups = vec![raw_look_up(&loaded)?, our_look_up(&loaded)?, our_get(ours)];
    let mut for_update = aya(&loaded)?;
    let for_look_up = aya(&loaded)?;
    updates
        .push(calls("aya", Role::Peer, move |key| for_update.insert(key, u64::from(key), 0).map_err(told)));
    look_ups.push(calls("aya", Role::Peer, move |key| for_look_up.get(&key, 0).map(drop).map_err(told)));
    libbpf::add(&loaded, &mut updates, &mut look_ups)?;
    table("map update", CALLS as usize, updates);
    table("map look-up", CALLS as usize, look_ups);
    Ok(())
}

fn map() -> Outcome<Loaded> {
    let mut object = ObjectBuilder::new("maps");
    object.add_map(MapSpec::hash::<u32, u64>("numbers").max_entries(ENTRIES));
    let loaded = load(&object.finish().map_err(told)?);
    let loaded = loaded.map_err(|error| match error.is_not_permitted() {
        true => "needs CAP_BPF".to_owned(),
        false => told(error),
    })?;
    let numbers = loaded.typed_map::<u32, u64>("numbers").map_err(told)?;
    (0..ENTRIES).try_for_each(|key| numbers.set(&key, &0)).map_err(told)?;
    Ok(loaded)
}

fn calls<'a>(name: &'static str, role: Role, mut call: impl FnMut(u32) -> Outcome<()> + 'a) -> Contender<'a> {
    Contender::timed(name, role, move || {
        let start = Instant::now();
        (0..CALLS).try_for_each(|key| call(key % ENTRIES))?;
        Ok::<Duration, String>(start.elapsed())
    })
}

fn raw_elem(command: libc::c_int, fd: i32, key: u32, value: &mut u64) -> Outcome<()> {
    let mut elem = attr::MapElem {
        map_fd: fd as u64,
        key: (&raw const key).expose_provenance() as u64,
        value: std::ptr::from_mut(value).expose_provenance() as u64,
        flags: 0,
    };
    // SAFETY: the key has 4 bytes and the value 8, as the map.
    unsafe { raw::bpf(command, &mut elem) }.map(drop).map_err(told)
}

fn raw_update(loaded: &Loaded) -> Outcome<Contender<'_>> {
    let fd = loaded.map("numbers").map_err(told)?.as_fd().as_raw_fd();
    Ok(calls(RAW, Role::Limit, move |key| raw_elem(raw::MAP_UPDATE_ELEM, fd, key, &mut u64::from(key))))
}

fn raw_look_up(loaded: &Loaded) -> Outcome<Contender<'_>> {
    let fd = loaded.map("numbers").map_err(told)?.as_fd().as_raw_fd();
    Ok(calls(RAW, Role::Limit, move |key| raw_elem(raw::MAP_LOOKUP_ELEM, fd, key, &mut 0)))
}

const RAW: &str = "raw bpf(2)";
const OURS: &str = "bpfsmith, bytes";
const OURS_TYPED: &str = "bpfsmith, Rust types";

fn our_update(loaded: &Loaded) -> Outcome<Contender<'_>> {
    let map = loaded.map("numbers").map_err(told)?;
    Ok(calls(OURS, Role::Ours, move |key| {
        let value = u64::from(key).to_ne_bytes();
        map.update(&key.to_ne_bytes(), &value, ElemFlags::empty()).map_err(told)
    }))
}

fn our_look_up(loaded: &Loaded) -> Outcome<Contender<'_>> {
    let map = loaded.map("numbers").map_err(told)?;
    Ok(calls(OURS, Role::Ours, move |key| {
        map.lookup(&key.to_ne_bytes(), &mut [0; 8]).map(drop).map_err(told)
    }))
}

fn our_set(map: TypedMap<'_, u32, u64>) -> Contender<'_> {
    calls(OURS_TYPED, Role::Peer, move |key| map.set(&key, &u64::from(key)).map_err(told))
}

fn our_get(map: TypedMap<'_, u32, u64>) -> Contender<'_> {
    calls(OURS_TYPED, Role::Peer, move |key| map.get(&key).map(drop).map_err(told))
}

fn aya(loaded: &Loaded) -> Outcome<HashMap<MapData, u32, u64>> {
    let fd = loaded.map("numbers").map_err(told)?.as_fd().try_clone_to_owned().map_err(told)?;
    Map::HashMap(MapData::from_fd(fd).map_err(told)?).try_into().map_err(told)
}

#[cfg(feature = "libbpf")]
mod libbpf {
    use bpfsmith::kernel::Loaded;
    use libbpf_rs::{MapCore, MapFlags, MapHandle};

    use super::calls;
    use crate::rounds::{Contender, Role};
    use crate::{Outcome, told};

    pub fn add<'a>(
        loaded: &Loaded,
        updates: &mut Vec<Contender<'a>>,
        look_ups: &mut Vec<Contender<'a>>,
    ) -> Outcome<()> {
        let id = loaded.map("numbers").map_err(told)?.id().map_err(told)?;
        let for_update = MapHandle::from_map_id(id).map_err(told)?;
        let for_look_up = MapHandle::from_map_id(id).map_err(told)?;
        updates.push(calls("libbpf-rs", Role::Peer, move |key| {
            let value = u64::from(key).to_ne_bytes();
            for_update.update(&key.to_ne_bytes(), &value, MapFlags::ANY).map_err(told)
        }));
        look_ups.push(calls("libbpf-rs", Role::Peer, move |key| {
            let mut value = [0; 8];
            for_look_up.lookup_into(&key.to_ne_bytes(), &mut value, MapFlags::ANY).map(drop).map_err(told)
        }));
        Ok(())
    }
}

#[cfg(not(feature = "libbpf"))]
mod libbpf {
    use bpfsmith::kernel::Loaded;

    use crate::Outcome;
    use crate::rounds::{Contender, NO_LIBBPF};

    pub fn add<'a>(
        _loaded: &Loaded,
        updates: &mut Vec<Contender<'a>>,
        look_ups: &mut Vec<Contender<'a>>,
    ) -> Outcome<()> {
        for rows in [updates, look_ups] {
            rows.push(Contender::missing("libbpf-rs", NO_LIBBPF));
        }
        Ok(())
    }
}
