//! From an object to a machine.

use std::collections::BTreeMap;

use super::{BUDGET, Machine};
use crate::asm::limits;
use crate::base::{Errno, KernelVersion};
use crate::map::{EntryValue, MapDef};
use crate::object::Object;
use crate::sim::cpu::Cpu;
use crate::sim::error::SimError;
use crate::sim::maps::{self, Entry, Rules, Shape, Template};
use crate::sim::memory::{Memory, Permit, Region, RegionKind};
use crate::sim::text::Text;
use crate::sim::timers::{Profile, Timers};
use crate::sim::watch::Watch;
use crate::sim::world::World;
use crate::target::{Fact, Feature, Target};

pub(super) fn machine(object: &Object, target: &Target) -> Result<Machine, SimError> {
    let cpus = target.possible_cpus().unwrap_or(1).max(1);
    let profile = match target.feature(Feature::TracingTimers) {
        Fact::Yes => Profile::AnyContext,
        _ => Profile::Locked,
    };
    let mut world = World::new(Memory::new(object.endian()), Timers::new(profile, cpus), cpus);
    let rules = Rules {
        small_lru_batches: target.since(KernelVersion::new(6, 16)) != Fact::No,
        page_size: target.page_size().unwrap_or(4096),
    };
    for def in object.maps() {
        add_map(&mut world, def, rules, cpus)?;
    }
    for (index, def) in (0..).zip(object.maps()) {
        fill(&mut world, object, index, def)?;
    }
    let shapes: Vec<Shape> = world.maps.iter().map(|entry| entry.shape.clone()).collect();
    let values: Vec<u64> = (0..shapes.len()).map(|map| first_value(&mut world, map as u32)).collect();
    let text = Text::new(object, &shapes, &values)?;
    let frames = match target.since(KernelVersion::new(7, 2)) {
        Fact::Yes => limits::CALL_FRAMES_7_2,
        _ => limits::CALL_FRAMES,
    };
    let cpus = (0..cpus).map(|_| [(); 2].map(|()| Cpu::new(&mut world.memory, frames))).collect();
    let opened = vec![true; text.programs.len()];
    Ok(Machine {
        object: object.clone(),
        text,
        world,
        cpus,
        budget: BUDGET,
        pins: BTreeMap::new(),
        watch: Watch::default(),
        opened,
    })
}

fn add_map(world: &mut World, def: &MapDef, rules: Rules, cpus: u32) -> Result<(), SimError> {
    let id = world.maps.len() as u32;
    let handle = world.memory.add(Region::whole(RegionKind::Map(id), Vec::new(), Permit::READ));
    let shape = Shape::new(id, def, handle, cpus);
    match maps::make(&shape, &mut world.memory, rules) {
        Some(Ok(map)) => {
            world.templates.push(Template::of(def).made(handle.at(0)));
            world.maps.push(Entry::new(shape, map));
        }
        Some(Err(errno)) => return Err(refused(def, errno)),
        None => {
            let (map, kind, site) = (def.name.clone(), def.kind, def.site.clone());
            return Err(SimError::MapKind { map, kind, site });
        }
    }
    Ok(())
}

/// What a map holds from the start. A map or a program is written as its number, four bytes.
fn fill(world: &mut World, object: &Object, index: u32, def: &MapDef) -> Result<(), SimError> {
    for entry in &def.entries {
        let number = |index: Option<usize>| {
            let number = index.and_then(|index| u32::try_from(index).ok());
            let number = number.ok_or_else(|| refused(def, Errno::EBADF))?;
            Ok(crate::btf::BtfType::to_bytes(&number, object.endian()))
        };
        let value = match &entry.value {
            EntryValue::Bytes(bytes) => bytes.clone(),
            EntryValue::Map(name) => number(object.map_index(name))?,
            EntryValue::Program(name) => number(object.program_index(name))?,
        };
        let updated = world.with_map(index, |map, at| map.user_set(at, &entry.key, &value, 0));
        updated.map_err(|errno| refused(def, errno))?;
    }
    world.maps[index as usize].frozen = def.freeze;
    Ok(())
}

fn refused(def: &MapDef, errno: Errno) -> SimError {
    SimError::Map { map: def.name.clone(), errno, site: def.site.clone() }
}

/// Where global data begins; 0 for maps whose values cannot be addressed directly.
fn first_value(world: &mut World, map: u32) -> u64 {
    let shape = world.shape(map);
    if shape.kind != crate::map::MapKind::ARRAY || shape.max_entries != 1 {
        return 0;
    }
    let key = vec![0; shape.key_size as usize];
    world.with_map(map, |map, at| map.lookup(at, &key)).unwrap_or(0)
}
