//! Global variables of a loaded object.

use std::fmt;
use std::marker::PhantomData;

use super::{Map, MapError};
use crate::btf::BtfType;
use crate::kernel::value::{read, with_bytes, with_zeros};
use crate::sys::abi::ElemFlags;

/// A global variable of a loaded object.
pub struct Variable<'a, T> {
    constant: LoadedConstant<'a, T>,
}

/// A constant of a loaded object.
pub struct LoadedConstant<'a, T> {
    map: &'a Map,
    offset: usize,
    ty: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Variable<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.constant.fmt(f)
    }
}

impl<T> fmt::Debug for LoadedConstant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}", self.map.name(), self.offset)
    }
}

impl Map {
    pub(crate) fn constant<T: BtfType>(&self, offset: u32) -> Result<LoadedConstant<'_, T>, MapError> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let (actual, given) = (self.value_size(), offset.saturating_add(T::SIZE));
        if actual < given {
            return Err(MapError::Size { map: self.name().to_owned(), part: "value", actual, given });
        }
        self.same_size("key", self.key_size(), 4)?;
        Ok(LoadedConstant { map: self, offset, ty: PhantomData })
    }

    pub(crate) fn variable<T: BtfType>(&self, offset: u32) -> Result<Variable<'_, T>, MapError> {
        self.constant(offset).map(|constant| Variable { constant })
    }
}

impl<T: BtfType> LoadedConstant<'_, T> {
    /// What it is.
    ///
    /// # Errors
    /// [`MapError::Kernel`]; [`MapError::Value`] where the bytes are no `T`.
    pub fn get(&self) -> Result<T, MapError> {
        let value = self.section(|bytes| bytes.get(self.offset..).and_then(read))?;
        value.ok_or_else(|| MapError::Value { map: self.map.name().to_owned(), part: "value" })
    }

    /// Does this with all variables of the section.
    fn section<U>(&self, work: impl FnOnce(&mut [u8]) -> U) -> Result<U, MapError> {
        with_zeros(self.map.value_size(), |bytes| {
            self.map.lookup(&[0; 4], bytes)?;
            Ok(work(bytes))
        })
    }
}

impl<T: BtfType> Variable<'_, T> {
    /// What it is now.
    ///
    /// # Errors
    /// [`MapError::Kernel`]; [`MapError::Value`] where the bytes are no `T`.
    pub fn get(&self) -> Result<T, MapError> {
        self.constant.get()
    }

    /// Sets it. The kernel writes sections as a whole: what programs, or others, write to other variables of the section at the
    /// same moment may be lost.
    ///
    /// # Errors
    /// [`MapError::Kernel`].
    pub fn set(&self, value: &T) -> Result<(), MapError> {
        let LoadedConstant { map, offset, .. } = self.constant;
        self.constant.section(|bytes| {
            with_bytes(value, |value| {
                if let Some(place) = bytes.get_mut(offset..).and_then(|rest| rest.get_mut(..value.len())) {
                    place.copy_from_slice(value);
                }
            });
            map.update(&[0; 4], bytes, ElemFlags::empty())
        })?
    }
}
