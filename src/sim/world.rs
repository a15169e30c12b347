//! What a program finds around it: memory, maps, timers, its context, the log.

use std::sync::Arc;

use super::context::{Context, FieldTable};
use super::error::{Access, Refusal};
use super::maps::{Around, Entry, Map, Shape, Template};
use super::memory::{Memory, RegionId, RegionKind};
use super::random::Random;
use super::task::{CurrentTask, UserMemory};
use super::timers::Timers;
use super::trap::Trap;
use crate::base::Helper;

/// The virtual kernel. Helpers work on it; the engine lends it to them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) maps: Vec<Entry>,
    /// What maps must be like to be put into maps, by number.
    pub(super) templates: Vec<Template>,
    pub(super) timers: Timers,
    /// The context of what runs on each CPU.
    pub(super) contexts: Vec<Context>,
    /// What kinds may do with the fields of their contexts, as far as they have run.
    pub(super) field_tables: Vec<Arc<FieldTable>>,
    /// The CPU that executes.
    pub(super) cpu: u32,
    pub(super) random: Random,
    /// The task that programs run in.
    pub(super) task: CurrentTask,
    /// What stands for it.
    pub(super) task_region: Option<RegionId>,
    pub(super) user_memory: UserMemory,
    /// Spin locks that are held: where, and by which CPU.
    pub(super) locks: Vec<(u64, u32)>,
    /// What programs printed, line by line.
    pub(super) printed: Vec<String>,
    /// Room for keys and values on their way between memory and maps.
    scratch: [Vec<u8>; 2],
}

impl World {
    pub(super) fn new(memory: Memory, timers: Timers, cpus: u32) -> Self {
        Self {
            memory,
            maps: Vec::new(),
            templates: Vec::new(),
            timers,
            contexts: (0..cpus).map(|_| Context::none()).collect(),
            field_tables: Vec::new(),
            cpu: 0,
            random: Random::new(0),
            task: CurrentTask::new(),
            task_region: None,
            user_memory: UserMemory::default(),
            locks: Vec::new(),
            printed: Vec::new(),
            scratch: [Vec::new(), Vec::new()],
        }
    }

    /// The map that argument `argument` of a helper names.
    pub(super) fn map_argument(&self, helper: Helper, argument: u8, address: u64) -> Result<u32, Trap> {
        match self.memory.kind(address) {
            Some(RegionKind::Map(map)) => Ok(map),
            _ => Err(Trap::Argument { helper, argument, address, expected: "a map" }),
        }
    }

    /// Works on a map.
    pub(super) fn with_map<T>(
        &mut self,
        map: u32,
        work: impl FnOnce(&mut dyn Map, &mut Around<'_>) -> T,
    ) -> T {
        self.with_map_of(self.cpu, map, work)
    }

    /// Works on a map as if on another CPU: what is seen of a per-CPU map is the value of that CPU.
    pub(super) fn with_map_of<T>(
        &mut self,
        cpu: u32,
        map: u32,
        work: impl FnOnce(&mut dyn Map, &mut Around<'_>) -> T,
    ) -> T {
        let Entry { shape, map, .. } = &mut self.maps[map as usize];
        let (memory, timers, templates) = (&mut self.memory, &mut self.timers, &self.templates);
        work(&mut **map, &mut Around { shape, memory, timers, cpu, templates })
    }

    /// Works on a map with the key, and the value if there is one, that a program points to.
    pub(super) fn with_map_bytes<T>(
        &mut self,
        map: u32,
        key: u64,
        value: Option<u64>,
        work: impl FnOnce(&mut dyn Map, &mut Around<'_>, &[u8], &[u8]) -> T,
    ) -> Result<T, Trap> {
        let [mut key_bytes, mut value_bytes] = std::mem::take(&mut self.scratch);
        let shape = &self.maps[map as usize].shape;
        let (key_size, value_size) = (shape.key_size as usize, shape.value_size as usize);
        copy(&self.memory, &mut key_bytes, key, key_size)?;
        value_bytes.clear();
        if let Some(value) = value {
            copy(&self.memory, &mut value_bytes, value, value_size)?;
        }
        let result = self.with_map(map, |map, at| work(map, at, &key_bytes, &value_bytes));
        self.scratch = [key_bytes, value_bytes];
        Ok(result)
    }

    /// The description of a map.
    pub(super) fn shape(&self, map: u32) -> &Shape {
        &self.maps[map as usize].shape
    }

    /// The address of the map itself, as programs pass it.
    pub(super) fn handle(&self, map: u32) -> u64 {
        self.shape(map).handle.at(0)
    }

    /// Bytes that a helper reads.
    pub(super) fn read(&self, address: u64, size: usize) -> Result<&[u8], Trap> {
        self.memory.read(address, size).map_err(|refusal| Trap::access(Access::Read, size, address, refusal))
    }

    /// Bytes that a helper writes.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        let trap = |refusal| Trap::access(Access::Write, bytes.len(), address, refusal);
        self.memory.write(address, bytes).map_err(trap)
    }

    /// A load that is not one of plain bytes.
    #[cold]
    pub(super) fn load_slowly(&mut self, address: u64, size: u32) -> Result<u64, Trap> {
        let offset = self.memory.offset(address);
        match self.memory.kind(address) {
            Some(RegionKind::Context(cpu)) if self.contexts[cpu as usize].has_fields() => {
                self.contexts[cpu as usize].load(&self.memory, offset, size)
            }
            Some(RegionKind::Indexes) => Ok(self.load_index(offset, size)),
            _ => Err(self.refused(Access::Read, size, address)),
        }
    }

    /// A store that is not one of plain bytes.
    #[cold]
    pub(super) fn store_slowly(&mut self, address: u64, size: u32, value: u64) -> Result<(), Trap> {
        let offset = self.memory.offset(address);
        match self.memory.kind(address) {
            Some(RegionKind::Context(cpu)) if self.contexts[cpu as usize].has_fields() => {
                self.contexts[cpu as usize].store(self.memory.endian, offset, size, value)
            }
            _ => Err(self.refused(Access::Write, size, address)),
        }
    }

    /// Why an access failed.
    #[cold]
    pub(super) fn refused(&self, access: Access, size: u32, address: u64) -> Trap {
        let refusal = self.memory.refusal(address, access != Access::Read);
        Trap::Access { access, size, address, refusal }
    }

    /// An atomic operation at an address that is not a multiple of its size.
    #[cold]
    pub(super) fn misaligned(&self, size: u32, address: u64) -> Trap {
        Trap::Access { access: Access::Atomic, size, address, refusal: Refusal::Misaligned }
    }

    fn load_index(&self, offset: i64, size: u32) -> u64 {
        let bytes = |at: i64| {
            let index = (at >> 2) as u32;
            let bytes = match self.memory.endian {
                crate::base::Endian::Little => index.to_le_bytes(),
                crate::base::Endian::Big => index.to_be_bytes(),
            };
            bytes[(at & 3) as usize]
        };
        let mut buffer = [0; 8];
        for (byte, at) in buffer.iter_mut().zip(offset..offset + i64::from(size)) {
            *byte = bytes(at);
        }
        number(&buffer[..size as usize], self.memory.endian)
    }

    /// The bytes of a packet, as legacy loads see them; none outside of it.
    pub(super) fn load_packet(&self, context: u64, offset: i32, size: u32) -> Option<u64> {
        let RegionKind::Context(cpu) = self.memory.kind(context)? else { return None };
        self.contexts.get(cpu as usize)?.load_packet(&self.memory, offset, size)
    }

    /// The stack of a function begins empty.
    pub(super) fn clear(&mut self, region: RegionId) {
        self.memory.region_mut(region).bytes.fill(0);
    }
}

fn copy(memory: &Memory, to: &mut Vec<u8>, address: u64, size: usize) -> Result<(), Trap> {
    to.clear();
    if RegionId::of(address) == RegionId::INDEXES {
        let index = (memory.offset(address) >> 2) as u32;
        let little = memory.endian == crate::base::Endian::Little;
        to.extend_from_slice(&if little { index.to_le_bytes() } else { index.to_be_bytes() });
        return Ok(());
    }
    let bytes = memory.read(address, size);
    to.extend_from_slice(bytes.map_err(|refusal| Trap::access(Access::Read, size, address, refusal))?);
    Ok(())
}

/// The number in up to eight bytes.
pub(super) fn number(bytes: &[u8], endian: crate::base::Endian) -> u64 {
    let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    match endian {
        crate::base::Endian::Little => bytes.iter().rev().fold(0, join),
        crate::base::Endian::Big => bytes.iter().fold(0, join),
    }
}
