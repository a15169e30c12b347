//! A value that is given for an element: one by a program, or one for each CPU by user space.

use super::Around;

#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    /// For the CPU that asks, or the only one there is.
    One(&'a [u8]),
    /// For each CPU, rounded up to 8 bytes.
    All(&'a [u8]),
}

impl Given<'_> {
    /// Writes to an element whose values, one for each CPU, begin at `first`.
    pub(super) fn write(self, at: &mut Around<'_>, first: u64) {
        let size = at.shape.lane_size().max(1);
        match self {
            Self::One(value) => at.write_value(at.lane(first), value),
            Self::All(values) => {
                for (lane, value) in (0..).zip(values.chunks_exact(size)) {
                    let address = first + lane * at.lane_stride();
                    at.shape.copy_lane(at.memory.own(address, size), value);
                }
            }
        }
    }
}

impl Around<'_> {
    /// How far the values of two CPUs are apart.
    pub(super) fn lane_stride(&self) -> u64 {
        u64::from(super::stride(self.shape.value_size))
    }

    /// The value of the CPU that asks, given that of the first.
    pub(super) fn lane(&self, first: u64) -> u64 {
        if self.shape.lanes() == 1 { first } else { first + u64::from(self.cpu) * self.lane_stride() }
    }

    /// As [`free_fields`](Self::free_fields), for the values of all CPUs.
    pub(super) fn free_lanes(&mut self, first: u64) {
        for lane in 0..u64::from(self.shape.lanes()) {
            self.free_fields(first + lane * self.lane_stride());
        }
    }
}
