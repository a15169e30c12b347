//! Records between programs and user space: ring buffers both ways, and perf events.

use std::marker::PhantomData;

use super::MapError;
use crate::base::Errno;
use crate::btf::BtfType;
use crate::map::MapKind;
use crate::sim::maps::Map;
use crate::sim::world::World;

/// A ring of records, or an array of perf events, as bytes.
#[derive(Debug)]
pub struct RawRing<'a> {
    world: &'a mut World,
    map: u32,
}

impl<'a> RawRing<'a> {
    pub(in crate::sim) fn new(world: &'a mut World, map: u32) -> Self {
        Self { world, map }
    }

    /// The next record of a ring buffer; none where there is none, or an earlier one is still being written.
    ///
    /// # Errors
    /// [`MapError::Kind`].
    #[doc(alias = "ring_buffer__consume")]
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, MapError> {
        let record = self.with(MapKind::RINGBUF, |map| map.ring().map(super::super::maps::Ring::consume))?;
        Ok(record.map(Into::into))
    }

    /// How often programs have woken user space for a ring buffer.
    ///
    /// # Errors
    /// [`MapError::Kind`].
    pub fn wakeups(&mut self) -> Result<u64, MapError> {
        self.with(MapKind::RINGBUF, |map| map.ring().map(|ring| ring.wakes))
    }

    /// Writes a record into a user ring buffer, for programs.
    ///
    /// # Errors
    /// [`MapError::Kind`]; ENOSPC: there is no room now; E2BIG: there will never be.
    #[doc(alias = "user_ring_buffer__submit")]
    pub fn write(&mut self, record: &[u8]) -> Result<(), MapError> {
        let pushed = self.with(MapKind::USER_RINGBUF, |map| map.user_ring().map(|ring| ring.push(record)))?;
        pushed.map_err(|errno| self.refused("writing a record", errno))
    }

    /// Opens the perf event of a CPU at its own index, as perf buffers do.
    ///
    /// # Errors
    /// [`MapError::Kind`]; E2BIG: the array is shorter.
    #[doc(alias = "perf_event_open")]
    pub fn open(&mut self, cpu: u32) -> Result<(), MapError> {
        let opened =
            self.with(MapKind::PERF_EVENT_ARRAY, |map| map.events().map(|events| events.open(cpu, cpu)))?;
        opened.map_err(|errno| self.refused("BPF_MAP_UPDATE_ELEM", errno))
    }

    /// The next sample of a CPU's perf event: its bytes, and zeros up to a length that is four less than a multiple of eight,
    /// as the kernel gives them.
    ///
    /// # Errors
    /// [`MapError::Kind`].
    pub fn read_cpu(&mut self, cpu: u32) -> Result<Option<Vec<u8>>, MapError> {
        let sample =
            self.with(MapKind::PERF_EVENT_ARRAY, |map| map.events().map(|events| events.read(cpu)))?;
        Ok(sample.map(Into::into))
    }

    fn with<T>(
        &mut self,
        expected: MapKind,
        work: impl FnOnce(&mut dyn Map) -> Option<T>,
    ) -> Result<T, MapError> {
        let found = self.world.with_map(self.map, |map, _| work(map));
        let shape = self.world.shape(self.map);
        found.ok_or_else(|| MapError::Kind { map: shape.name.clone(), kind: shape.kind, expected })
    }

    fn refused(&self, operation: &'static str, errno: Errno) -> MapError {
        MapError::Refused { map: self.world.shape(self.map).name.clone(), operation, errno }
    }
}

/// The records of a ring buffer, with their Rust type.
#[derive(Debug)]
pub struct Records<'a, T> {
    raw: RawRing<'a>,
    record: PhantomData<fn() -> T>,
}

impl<'a, T: BtfType> Records<'a, T> {
    pub(in crate::sim) fn new(raw: RawRing<'a>) -> Self {
        Self { raw, record: PhantomData }
    }

    /// The next record; none where there is none.
    ///
    /// # Errors
    /// [`MapError::Kind`]; [`MapError::NoValue`]: its bytes are no `T`.
    pub fn read(&mut self) -> Result<Option<T>, MapError> {
        let Some(bytes) = self.raw.read()? else { return Ok(None) };
        let world = &self.raw.world;
        let record = T::read_from(&bytes, world.memory.endian);
        let map = || world.shape(self.raw.map).name.clone();
        record.map(Some).ok_or_else(|| MapError::NoValue { map: map(), part: "record" })
    }

    /// All records there are.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_all(&mut self) -> Result<Vec<T>, MapError> {
        let mut records = Vec::new();
        while let Some(record) = self.read()? {
            records.push(record);
        }
        Ok(records)
    }
}
