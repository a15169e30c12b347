//! Byte order, nibbles and opcode fields: the only file with shifts and masks.
//!
//! ```text
//!  byte      0        1         2..4      4..8
//!       +--------+---------+----------+----------+
//!       | opcode | src|dst |   off    |   imm    |   little-endian
//!       | opcode | dst|src |   off    |   imm    |   big-endian
//!       +--------+---------+----------+----------+
//! ```
//! Source: RFC 9669, section 3.

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

/// The fields of one slot; `regs` holds dst in its low and src in its high nibble, as on little-endian machines.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fields {
    pub(crate) opcode: u8,
    pub(crate) regs: u8,
    pub(crate) off: i16,
    pub(crate) imm: i32,
}

impl Fields {
    #[inline]
    pub(crate) const fn to_bytes(self, endian: Endian) -> [u8; 8] {
        match endian {
            Endian::Little => join(self.opcode, self.regs, self.off.to_le_bytes(), self.imm.to_le_bytes()),
            Endian::Big => {
                join(self.opcode, swap_nibbles(self.regs), self.off.to_be_bytes(), self.imm.to_be_bytes())
            }
        }
    }

    #[inline]
    pub(crate) const fn from_bytes(bytes: [u8; 8], endian: Endian) -> Self {
        let [opcode, regs, o0, o1, i0, i1, i2, i3] = bytes;
        match endian {
            Endian::Little => Self {
                opcode,
                regs,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Self {
                opcode,
                regs: swap_nibbles(regs),
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }
}

const fn join(opcode: u8, regs: u8, off: [u8; 2], imm: [u8; 4]) -> [u8; 8] {
    [opcode, regs, off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
}

const fn swap_nibbles(byte: u8) -> u8 {
    byte.rotate_left(4)
}

/// Both registers in one byte, if both fit a nibble.
#[inline]
pub(crate) const fn pack_regs(dst: u8, src: u8) -> Option<u8> {
    if dst > 15 || src > 15 { None } else { Some(dst | src << 4) }
}

/// Both registers in one byte; numbers of registers always fit.
#[inline]
pub(crate) const fn pack_known(dst: u8, src: u8) -> u8 {
    (dst & 0x0f) | src << 4
}

#[inline]
pub(crate) const fn dst(regs: u8) -> u8 {
    regs & 0x0f
}

#[inline]
pub(crate) const fn src(regs: u8) -> u8 {
    regs >> 4
}

/// The low three bits of an opcode.
#[inline]
pub(crate) const fn class(opcode: u8) -> u8 {
    opcode & 0x07
}

/// The bit that tells a register source (`BPF_X`) from an immediate one (`BPF_K`).
#[inline]
pub(crate) const fn source(opcode: u8) -> u8 {
    opcode & 0x08
}

/// The operation of an arithmetic or jump opcode.
#[inline]
pub(crate) const fn operation(opcode: u8) -> u8 {
    opcode & 0xf0
}

/// The size of a load or store opcode.
#[inline]
pub(crate) const fn size(opcode: u8) -> u8 {
    opcode & 0x18
}

/// The mode of a load or store opcode.
#[inline]
pub(crate) const fn mode(opcode: u8) -> u8 {
    opcode & 0xe0
}

/// The two immediates of a wide instruction: low half, high half.
#[inline]
pub(crate) const fn split64(value: u64) -> (i32, i32) {
    (value as u32 as i32, (value >> 32) as u32 as i32)
}

#[inline]
pub(crate) const fn join64(low: i32, high: i32) -> u64 {
    low as u32 as u64 | (high as u32 as u64) << 32
}
