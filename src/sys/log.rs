//! The buffer for the kernel's log.

use super::abi::LogLevel;
use super::call::output;

/// Where the kernel writes why it refuses a program or BTF.
///
/// A buffer that is too small turns even a good program into `ENOSPC`; then [`true_size`](Self::true_size) is what it would
/// have taken. A level without a buffer is a question for that size (6.4).
#[derive(Debug, Default)]
pub struct Log<'a> {
    /// How much is said. With [`LogLevel::empty`] and an empty buffer nothing is; with a buffer it is `EINVAL`.
    pub level: LogLevel,
    /// Text that ends with a NUL, not always UTF-8. Of more than 1 GiB only the first is used: the kernel takes no more.
    pub buffer: &'a mut [u8],
    /// Written by the call, whether it succeeds or not: bytes of the whole log with its NUL; 0 before 6.4.
    pub true_size: u32,
}

impl<'a> Log<'a> {
    /// Nothing is asked for.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A log of `level` into `buffer`.
    pub fn new(level: LogLevel, buffer: &'a mut [u8]) -> Self {
        Self { level, buffer, true_size: 0 }
    }

    /// The log as far as it fits the buffer: up to its NUL.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let end = self.buffer.iter().position(|&byte| byte == 0).unwrap_or(self.buffer.len());
        &self.buffer[..end]
    }

    /// Whether the kernel is asked for anything.
    pub(super) fn is_wanted(&self) -> bool {
        !self.level.is_empty() || !self.buffer.is_empty()
    }

    /// Level, size and place, as the attributes have them. What an earlier call wrote is forgotten: a call that never comes
    /// to writing leaves an empty text.
    pub(super) fn start(&mut self) -> (u32, u32, u64) {
        const MOST: u32 = u32::MAX >> 2;
        self.true_size = 0;
        if let Some(first) = self.buffer.first_mut() {
            *first = 0;
        }
        let size = u32::try_from(self.buffer.len()).map_or(MOST, |size| size.min(MOST));
        (self.level.bits(), size, output(self.buffer))
    }
}
