//! Elements with timers and locks in them: copied under the lock, taken out.
//!
//! Timers and locks are never copied: they read as zeros, and what is written there is ignored. What an operation does to a timer
//! that is in the element:
//!
//! | operation | array | hash | LRU hash |
//! |---|---|---|---|
//! | look-up | nothing | nothing | nothing |
//! | update | freed | freed, with the element that is replaced | as hash |
//! | update under the lock | freed | goes on, of a key that is there | as update; needs no lock |
//! | delete, take | EINVAL, ENOTSUPP | freed | freed |
//! | eviction | | | freed |
//!
//! Freed is cancelled, its program let go, and the place empty: `bpf_timer_start` there returns -EINVAL, `bpf_timer_init` makes a
//! new one.

use super::{Map, MapError, TypedMap};
use crate::base::Errno;
use crate::base::flags::ElemFlags;
use crate::btf::BtfType;
use crate::kernel::value::{read, with_bytes, with_zeros};
use crate::sys;

impl Map {
    /// [`lookup`](Self::lookup) under `flags`: [`ElemFlags::LOCK`] copies under the value's spin lock (5.1).
    ///
    /// # Errors
    /// [`MapError::Kernel`]; EINVAL for a wrong length, without a call, and where the value has no lock.
    #[doc(alias = "BPF_F_LOCK")]
    pub fn lookup_with(&self, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool, MapError> {
        self.found("MAP_LOOKUP_ELEM", sys::map::lookup(&self.fd, key, value, flags))
    }

    /// Moves the value of `key` into `value`: the element is deleted, its timer freed. False where there is none
    /// (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`, since 4.20 for queues and stacks, 5.14 for hashes).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: ENOTSUPP where the kind cannot do that, EINVAL for a wrong length, without a call.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub fn take(&self, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool, MapError> {
        self.found("MAP_LOOKUP_AND_DELETE_ELEM", sys::map::lookup_and_delete(&self.fd, key, value, flags))
    }

    fn found(&self, operation: &'static str, result: Result<(), Errno>) -> Result<bool, MapError> {
        match result {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(self.error(operation, errno)),
        }
    }
}

impl<K: BtfType, V: BtfType> TypedMap<'_, K, V> {
    /// The value of `key`, copied under its spin lock: no program that holds the lock is in the middle of writing it (5.1).
    ///
    /// # Errors
    /// [`MapError::Kernel`]: EINVAL where the value has no [`SpinLock`](crate::btf::SpinLock). Else as [`get`](Self::get).
    #[doc(alias = "BPF_F_LOCK")]
    pub fn get_locked(&self, key: &K) -> Result<Option<V>, MapError> {
        self.read_with(key, |key, value| self.map.lookup_with(key, value, ElemFlags::LOCK))
    }

    /// Sets the value of `key` under its spin lock (5.1). In a hash an element that is there is written in place, and *its timer
    /// goes on*; in an array the timer is freed, as by [`set`](Self::set).
    ///
    /// # Errors
    /// As [`get_locked`](Self::get_locked).
    #[doc(alias = "BPF_F_LOCK")]
    pub fn set_locked(&self, key: &K, value: &V) -> Result<(), MapError> {
        self.set_with(key, value, ElemFlags::LOCK)
    }

    /// Takes the value of `key` out: the element is deleted, its timer freed.
    ///
    /// # Errors
    /// As [`Map::take`].
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub fn take(&self, key: &K) -> Result<Option<V>, MapError> {
        self.read_with(key, |key, value| self.map.take(key, value, ElemFlags::empty()))
    }

    fn read_with(
        &self,
        key: &K,
        found: impl FnOnce(&[u8], &mut [u8]) -> Result<bool, MapError>,
    ) -> Result<Option<V>, MapError> {
        self.one_value(1)?;
        with_zeros(self.stride(), |value| {
            if !with_bytes(key, |key| found(key, value))? {
                return Ok(None);
            }
            value.get(..V::SIZE).and_then(read).map(Some).ok_or_else(|| self.unreadable("value"))
        })
    }
}
