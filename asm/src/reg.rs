//! The eleven registers a program can name.

use core::fmt;

/// A register of the eBPF machine.
///
/// `R0` holds results, `R1` to `R5` hold arguments and are lost by a call, `R6` to `R9` survive calls, `R10` is
/// the frame pointer and can only be read. The stack arguments of Linux 7.2 are no register: see
/// [`Insn::LoadArg`](crate::Insn::LoadArg). Source: RFC 9669, section 3.1,
/// and the kernel's calling convention (Documentation/bpf/standardization/abi.rst).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reg {
    /// The result of a call and of the program (`BPF_REG_0`).
    R0,
    /// The first argument (`BPF_REG_1`); the context on entry.
    R1,
    /// The second argument (`BPF_REG_2`).
    R2,
    /// The third argument (`BPF_REG_3`).
    R3,
    /// The fourth argument (`BPF_REG_4`).
    R4,
    /// The fifth argument (`BPF_REG_5`).
    R5,
    /// Survives calls (`BPF_REG_6`); the packet of [`Insn::LoadAbs`](crate::Insn::LoadAbs).
    R6,
    /// Survives calls (`BPF_REG_7`).
    R7,
    /// Survives calls (`BPF_REG_8`).
    R8,
    /// Survives calls (`BPF_REG_9`).
    R9,
    /// The frame pointer, read-only (`BPF_REG_10`): the stack lies at negative offsets from it.
    R10,
}

impl Reg {
    /// The frame pointer, `R10`.
    #[doc(alias = "BPF_REG_FP")]
    pub const FP: Self = Self::R10;

    /// Every register, ascending.
    pub const ALL: [Self; 11] = [
        Self::R0,
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
    ];

    /// The number of the register, 0 to 10.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The register with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
    }
}

impl fmt::Display for Reg {
    /// `r0` to `r10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.number())
    }
}

impl From<Reg> for u8 {
    fn from(reg: Reg) -> Self {
        reg.number()
    }
}

impl TryFrom<u8> for Reg {
    type Error = NoSuchRegister;

    fn try_from(number: u8) -> Result<Self, NoSuchRegister> {
        Self::from_number(number).ok_or(NoSuchRegister(number))
    }
}

/// There is no register with this number: they end at 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no register r{0}: they end at r10")]
pub struct NoSuchRegister(pub u8);
