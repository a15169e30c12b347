//! Byte order: the only file with shifts, masks and nibbles.

/// The byte order of the machine a program is meant for (`bpfel`, `bpfeb`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endian {
    /// Least significant byte first (x86-64, arm64, riscv64; `bpfel`).
    Little,
    /// Most significant byte first (s390x; `bpfeb`).
    Big,
}

impl Endian {
    /// The byte order of the machine this code runs on.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}
