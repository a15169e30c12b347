//! Many elements at once.

use super::{MapError, RawMap, Right};
use crate::base::Errno;
use crate::base::flags::ElemFlags;

/// Where a walk in batches goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(u32);

/// What a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Keys and values, as [`RawMap::get`] gives them.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the next batch begins; none behind the last element.
    pub next: Option<Cursor>,
}

impl RawMap<'_> {
    /// Up to `count` elements, from the start or from where a batch before ended (`BPF_MAP_LOOKUP_BATCH`, since 5.6).
    ///
    /// # Errors
    /// ENOTSUPP: the kind has no batches. EPERM: user space may not read the map.
    #[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
    pub fn lookup_batch(&mut self, from: Option<Cursor>, count: usize) -> Result<Batch, MapError> {
        self.batches("BPF_MAP_LOOKUP_BATCH", Right::Read)?;
        Ok(self.batch(from, count))
    }

    /// As [`lookup_batch`](Self::lookup_batch), and takes the elements away (`BPF_MAP_LOOKUP_AND_DELETE_BATCH`, since 5.6).
    ///
    /// # Errors
    /// As [`lookup_batch`](Self::lookup_batch); ENOTSUPP also where elements cannot go.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
    pub fn take_batch(&mut self, from: Option<Cursor>, count: usize) -> Result<Batch, MapError> {
        let operation = "BPF_MAP_LOOKUP_AND_DELETE_BATCH";
        self.batches(operation, Right::Read)?;
        self.may(operation, Right::Write)?;
        if !self.is_hash() {
            return Err(self.refused(operation, Errno::ENOTSUPP));
        }
        let batch = self.batch(from, count);
        for (key, _) in &batch.entries {
            self.delete(key)?;
        }
        Ok(batch)
    }

    /// Sets one element after the other (`BPF_MAP_UPDATE_BATCH`, since 5.6), until one cannot be set: how many were.
    ///
    /// # Errors
    /// [`MapError::Batch`] with the number of elements that were set, and what the kernel says of the next; EINVAL for
    /// other flags than [`ElemFlags::LOCK`].
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn update_batch(&mut self, entries: &[(Vec<u8>, Vec<u8>)], flags: ElemFlags) -> Result<(), MapError> {
        let operation = "BPF_MAP_UPDATE_BATCH";
        self.batches(operation, Right::Write)?;
        let locks = flags == ElemFlags::LOCK && self.world.shape(self.map).has_lock();
        if !flags.is_empty() && !locks {
            return Err(self.refused(operation, Errno::EINVAL));
        }
        for (done, (key, value)) in entries.iter().enumerate() {
            self.update(key, value, flags)
                .map_err(|error| MapError::Batch { done, error: Box::new(error) })?;
        }
        Ok(())
    }

    /// Takes one element after the other away (`BPF_MAP_DELETE_BATCH`, since 5.6), until one is not there.
    ///
    /// # Errors
    /// [`MapError::Batch`] with the number of elements that were taken away, and what the kernel says of the next.
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub fn delete_batch(&mut self, keys: &[Vec<u8>]) -> Result<(), MapError> {
        self.batches("BPF_MAP_DELETE_BATCH", Right::Write)?;
        for (done, key) in keys.iter().enumerate() {
            self.delete(key).map_err(|error| MapError::Batch { done, error: Box::new(error) })?;
        }
        Ok(())
    }

    fn batch(&mut self, from: Option<Cursor>, count: usize) -> Batch {
        let (key_size, value_size) = self.sizes();
        self.world.with_map(self.map, |map, at| {
            let mut entries = Vec::new();
            let mut after = from.map(|Cursor(after)| after);
            while let Some(element) = map.next(at, after) {
                if entries.len() == count {
                    return Batch { entries, next: after.map(Cursor) };
                }
                after = Some(element.position);
                let key = at.key_bytes(element.key, key_size);
                let mut value = vec![0; value_size];
                if map.user_get(at, &key, &mut value).is_ok() {
                    entries.push((key, value));
                }
            }
            Batch { entries, next: None }
        })
    }

    fn batches(&self, operation: &'static str, right: Right) -> Result<(), MapError> {
        self.may(operation, right)?;
        match self.world.shape(self.map).kind.batch() {
            Some(_) => Ok(()),
            None => Err(self.refused(operation, Errno::ENOTSUPP)),
        }
    }

    fn is_hash(&self) -> bool {
        use crate::map::MapKind;
        let kind = self.world.shape(self.map).kind;
        matches!(
            kind,
            MapKind::HASH
                | MapKind::PERCPU_HASH
                | MapKind::LRU_HASH
                | MapKind::LRU_PERCPU_HASH
                | MapKind::HASH_OF_MAPS
        )
    }
}
