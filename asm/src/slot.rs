//! The eight bytes of an instruction as fields, whatever their values.

use core::fmt;

use crate::{Endian, op::special, wire, wire::Fields};

/// Eight bytes of a program, taken apart: what a [`Code`](crate::Code) stores, and what an ELF file or a kernel
/// dump may hold.
///
/// ```text
///  opcode:8  dst:4  src:4  off:16  imm:32
/// ```
/// Any value can be a slot, valid instruction or not; [`Insn::decode`](crate::Insn::decode) is the checked view. An
/// instruction is one slot, or two where it carries 64 bits. Source: `struct bpf_insn`, uapi/linux/bpf.h.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_insn")]
pub struct Slot(Fields);

impl Slot {
    /// The size of a slot in bytes.
    pub const SIZE: usize = 8;

    /// The slot with these fields; `None` if `dst` or `src` is above 15, the most a nibble holds.
    #[must_use]
    pub const fn new(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Option<Self> {
        match wire::pack_regs(dst, src) {
            Some(regs) => Some(Self(Fields { opcode, regs, off, imm })),
            None => None,
        }
    }

    /// The slot with these fields, whose registers are known to fit.
    #[inline]
    pub(crate) const fn of(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Self {
        Self(Fields { opcode, regs: wire::pack_known(dst, src), off, imm })
    }

    /// Class, operation and source, or class, mode and size.
    #[must_use]
    #[inline]
    pub const fn opcode(self) -> u8 {
        self.0.opcode
    }

    /// The number of the destination register, 0 to 15.
    #[must_use]
    #[inline]
    pub const fn dst(self) -> u8 {
        wire::dst(self.0.regs)
    }

    /// The number of the source register, or the pseudo form of an instruction; 0 to 15.
    #[must_use]
    #[inline]
    pub const fn src(self) -> u8 {
        wire::src(self.0.regs)
    }

    /// The offset: bytes in memory, or slots to jump.
    #[must_use]
    #[inline]
    pub const fn off(self) -> i16 {
        self.0.off
    }

    /// The immediate.
    #[must_use]
    #[inline]
    pub const fn imm(self) -> i32 {
        self.0.imm
    }

    /// Whether this is the first of the two slots of a 64-bit load, the only instruction that has two.
    #[must_use]
    #[inline]
    #[doc(alias = "BPF_LD_IMM64")]
    pub const fn is_wide(self) -> bool {
        self.opcode() == special::LOAD_IMM64
    }

    /// The same slot with another offset.
    #[must_use]
    #[inline]
    pub const fn with_off(self, off: i16) -> Self {
        Self(Fields { off, ..self.0 })
    }

    /// The same slot with another immediate.
    #[must_use]
    #[inline]
    pub const fn with_imm(self, imm: i32) -> Self {
        Self(Fields { imm, ..self.0 })
    }

    /// The eight bytes in the given byte order; in big-endian the two registers change places too.
    #[must_use]
    #[inline]
    pub const fn to_bytes(self, endian: Endian) -> [u8; Self::SIZE] {
        self.0.to_bytes(endian)
    }

    /// The slot that these bytes of the given byte order are.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: [u8; Self::SIZE], endian: Endian) -> Self {
        Self(Fields::from_bytes(bytes, endian))
    }
}

impl fmt::Debug for Slot {
    /// `Slot { 07 dst 1 src 0 off 0 imm -4 }`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opcode, dst, src) = (self.opcode(), self.dst(), self.src());
        write!(f, "Slot {{ {opcode:02x} dst {dst} src {src} off {} imm {} }}", self.off(), self.imm())
    }
}
