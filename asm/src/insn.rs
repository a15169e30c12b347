//! One instruction, checked: what can be written here is what a kernel can be asked to run.

use crate::{
    Helper, Isa, Reg, Slot,
    op::{AluOp, AtomicOp, Cast, Cond, Extend, Narrow, Size, SwapBits, SwapOp, Width},
};

mod decode;
mod encode;

pub use decode::{DecodeError, Field};
pub use encode::Slots;

/// An instruction.
///
/// Each variant is a shape, filled with operations and operands; a combination that has no meaning (a negation with a
/// register source, a sign extension of an immediate, an atomic on two bytes, register 11) cannot be written down.
/// `width` says how many bits of the registers count; offsets of memory are in bytes, those of jumps in slots,
/// counted from the following instruction.
///
/// Source: RFC 9669; for what came later, the kernel's `kernel/bpf/verifier.c` and `include/linux/filter.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn {
    /// `dst op= src`
    Alu {
        /// The operation.
        op: AluOp,
        /// How many bits of the registers count.
        width: Width,
        /// The first operand and the result.
        dst: Reg,
        /// The second operand.
        src: Source,
    },
    /// `dst = -dst`
    #[doc(alias = "BPF_NEG")]
    Neg {
        /// How many bits of the register count.
        width: Width,
        /// The operand and the result.
        dst: Reg,
    },
    /// `dst = (s8)src`: a move that extends the sign. Since Linux 6.6.
    #[doc(alias = "movsx")]
    MovSx {
        /// From how many bits to how many.
        extend: Extend,
        /// The result.
        dst: Reg,
        /// What is extended.
        src: Reg,
    },
    /// `dst = be16 dst`, `dst = bswap16 dst`: byte order conversion.
    #[doc(alias = "BPF_END")]
    Swap {
        /// To which byte order.
        op: SwapOp,
        /// How many bits; those above become zero.
        bits: SwapBits,
        /// The operand and the result.
        dst: Reg,
    },
    /// `dst = addr_space_cast(src, 0, 1)`. Since Linux 6.9.
    #[doc(alias = "BPF_ADDR_SPACE_CAST")]
    AddrSpaceCast {
        /// Between which spaces.
        cast: Cast,
        /// The result.
        dst: Reg,
        /// The pointer.
        src: Reg,
    },
    /// `dst = *(u32 *)(base + off)`: a load that fills with zeros.
    #[doc(alias = "BPF_LDX")]
    Load {
        /// How many bytes.
        size: Size,
        /// The result.
        dst: Reg,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
    },
    /// `dst = *(s32 *)(base + off)`: a load that extends the sign. Since Linux 6.6.
    #[doc(alias = "BPF_MEMSX")]
    LoadSx {
        /// How many bytes.
        size: Narrow,
        /// The result.
        dst: Reg,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
    },
    /// `*(u32 *)(base + off) = src`
    #[doc(alias = "BPF_STX")]
    Store {
        /// How many bytes.
        size: Size,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
        /// What is stored.
        src: Reg,
    },
    /// `*(u32 *)(base + off) = imm`
    #[doc(alias = "BPF_ST")]
    StoreImm {
        /// How many bytes.
        size: Size,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
        /// What is stored, its sign extended to eight bytes.
        imm: i32,
    },
    /// `lock *(u64 *)(base + off) += src` and its kin, on four or eight bytes.
    #[doc(alias = "BPF_ATOMIC")]
    Atomic {
        /// The operation.
        op: AtomicOp,
        /// How many bits of memory and registers.
        width: Width,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
        /// The operand; receives the old value if the operation returns one.
        src: Reg,
    },
    /// `dst = load_acquire((u32 *)(base + off))`. Since Linux 6.15.
    #[doc(alias = "BPF_LOAD_ACQ")]
    LoadAcquire {
        /// How many bytes.
        size: Size,
        /// The result.
        dst: Reg,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
    },
    /// `store_release((u32 *)(base + off), src)`. Since Linux 6.15.
    #[doc(alias = "BPF_STORE_REL")]
    StoreRelease {
        /// How many bytes.
        size: Size,
        /// The address.
        base: Reg,
        /// Added to the address, in bytes.
        off: i16,
        /// What is stored.
        src: Reg,
    },
    /// `dst = *(u64 *)(r11 + 8)`: an argument the function received on the stack. Since Linux 7.2.
    LoadArg {
        /// The result.
        dst: Reg,
        /// Which argument.
        arg: StackArg,
    },
    /// `*(u64 *)(r11 - 8) = src`: an argument of the next call, on the stack. Since Linux 7.2.
    StoreArg {
        /// Which argument.
        arg: StackArg,
        /// What is passed.
        src: Reg,
    },
    /// `*(u64 *)(r11 - 8) = imm`: an argument of the next call, on the stack. Since Linux 7.2.
    StoreArgImm {
        /// Which argument.
        arg: StackArg,
        /// What is passed, its sign extended.
        imm: i32,
    },
    /// `r0 = *(u32 *)skb[offset]`: legacy load from the packet in `R6`, converted from network byte order.
    #[doc(alias = "BPF_ABS")]
    LoadAbs {
        /// How many bytes.
        size: Narrow,
        /// The offset into the packet.
        offset: i32,
    },
    /// `r0 = *(u32 *)skb[src + offset]`
    #[doc(alias = "BPF_IND")]
    LoadInd {
        /// How many bytes.
        size: Narrow,
        /// Added to the offset.
        src: Reg,
        /// The offset into the packet.
        offset: i32,
    },
    /// `dst = value ll`: 64 bits, in two slots.
    #[doc(alias = "BPF_LD_IMM64")]
    LoadImm64 {
        /// The result.
        dst: Reg,
        /// The number.
        value: u64,
    },
    /// `dst =` the address of a map (`BPF_PSEUDO_MAP_FD`, `BPF_PSEUDO_MAP_IDX`).
    #[doc(alias = "BPF_PSEUDO_MAP_FD")]
    LoadMap {
        /// The result.
        dst: Reg,
        /// Which map.
        map: MapRef,
    },
    /// `dst =` an address in the value of a map with one entry (`BPF_PSEUDO_MAP_VALUE`, `BPF_PSEUDO_MAP_IDX_VALUE`).
    /// Since Linux 5.2.
    #[doc(alias = "BPF_PSEUDO_MAP_VALUE")]
    LoadMapValue {
        /// The result.
        dst: Reg,
        /// Which map.
        map: MapRef,
        /// Bytes into the value.
        offset: u32,
    },
    /// `dst =` the address of a kernel variable. Since Linux 5.10.
    #[doc(alias = "BPF_PSEUDO_BTF_ID")]
    LoadBtfId {
        /// The result.
        dst: Reg,
        /// The BTF id of the variable.
        id: u32,
        /// The file descriptor of its module's BTF; 0 for the kernel's own.
        btf_fd: i32,
    },
    /// `dst =` the address of a function of the same program. Since Linux 5.13.
    #[doc(alias = "BPF_PSEUDO_FUNC")]
    LoadFunction {
        /// The result.
        dst: Reg,
        /// The distance in slots, counted from the slot after this one's first.
        off: i32,
    },
    /// `goto +off`
    #[doc(alias = "BPF_JA")]
    Ja {
        /// The distance in slots.
        off: i16,
    },
    /// `gotol +off`: a jump with a 32-bit offset. Since Linux 6.6.
    #[doc(alias = "gotol")]
    JaLong {
        /// The distance in slots.
        off: i32,
    },
    /// `if dst == src goto +off`
    #[doc(alias = "BPF_JMP")]
    Jump {
        /// The condition.
        cond: Cond,
        /// How many bits of the registers count.
        width: Width,
        /// The first operand.
        dst: Reg,
        /// The second operand; an immediate has its sign extended.
        src: Source,
        /// The distance in slots.
        off: i16,
    },
    /// `may_goto +off`: falls through a limited number of times, then jumps. Since Linux 6.9.
    #[doc(alias = "BPF_JCOND")]
    MayGoto {
        /// The distance in slots.
        off: i16,
    },
    /// `gotox dst`: jumps to an address read from an instruction array. Since Linux 6.19.
    Gotox {
        /// The address.
        dst: Reg,
    },
    /// `call bpf_timer_init`: a helper of the kernel.
    #[doc(alias = "BPF_CALL")]
    Call {
        /// Which one.
        helper: Helper,
    },
    /// `call +off`: a function of the same program. Since Linux 4.16.
    #[doc(alias = "BPF_PSEUDO_CALL")]
    CallFunction {
        /// The distance in slots.
        off: i32,
    },
    /// `call kfunc`: a function of the kernel, by BTF id. Since Linux 5.13.
    #[doc(alias = "BPF_PSEUDO_KFUNC_CALL")]
    CallKfunc {
        /// The BTF id of the function.
        id: u32,
        /// The index of its module's BTF in the load's `fd_array`; 0 for the kernel's own.
        btf_index: i16,
    },
    /// `exit`: returns `R0`.
    #[doc(alias = "BPF_EXIT")]
    Exit,
}

impl Insn {
    /// The slots of this instruction: one, or two where it carries 64 bits.
    #[must_use]
    #[inline(always)] // Folds where the shape is known.
    pub const fn encode(self) -> Slots {
        encode::encode(self)
    }

    /// The first instruction of `slots`, and how many of them it takes.
    ///
    /// Stricter than the kernel: every field the instruction does not use must be zero.
    ///
    /// # Errors
    /// [`DecodeError`] names what is wrong: the opcode, the field, or the missing second slot.
    pub fn decode(slots: &[Slot]) -> Result<(Self, usize), DecodeError> {
        decode::decode(slots)
    }

    /// The groups an implementation must have to run this instruction.
    #[must_use]
    #[inline(always)] // As above.
    pub const fn isa(self) -> Isa {
        match self {
            Self::Alu { op, width, .. } => op.isa(width),
            Self::Neg { width: Width::Bits32, .. } | Self::Call { .. } | Self::Exit => Isa::BASE32,
            Self::Neg { width: Width::Bits64, .. } => Isa::BASE64,
            Self::MovSx { .. } | Self::LoadSx { .. } | Self::JaLong { .. } => Isa::CPUV4,
            Self::Swap { op, bits, .. } => op.isa(bits),
            Self::AddrSpaceCast { .. } => Isa::ARENA,
            Self::Load { size, .. } | Self::Store { size, .. } | Self::StoreImm { size, .. } => size.isa(),
            Self::Atomic { op, width, .. } => op.isa(width),
            Self::LoadAcquire { .. } | Self::StoreRelease { .. } => Isa::ACQUIRE_RELEASE,
            Self::LoadArg { .. } | Self::StoreArg { .. } | Self::StoreArgImm { .. } => Isa::STACK_ARGUMENTS,
            Self::LoadAbs { .. } | Self::LoadInd { .. } => Isa::PACKET,
            Self::LoadImm64 { .. } => Isa::BASE64,
            Self::LoadMap { map, .. } => map.isa(),
            Self::LoadMapValue { map, .. } => map.isa().union(Isa::MAP_VALUE),
            Self::LoadBtfId { .. } => Isa::BTF_ID,
            Self::LoadFunction { .. } => Isa::FUNCTION_ADDRESS,
            Self::Ja { .. } => Isa::BASE32,
            Self::Jump { cond, width, .. } => cond.isa(width),
            Self::MayGoto { .. } => Isa::MAY_GOTO,
            Self::Gotox { .. } => Isa::INDIRECT_JUMP,
            Self::CallFunction { .. } => Isa::FUNCTION_CALL,
            Self::CallKfunc { .. } => Isa::KFUNC_CALL,
        }
    }
}

/// The second operand of arithmetic and of a conditional jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A register (`BPF_X`).
    Reg(Reg),
    /// A number, its sign extended to the width of the operation (`BPF_K`).
    Imm(i32),
}

/// Which map an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// By file descriptor.
    Fd(i32),
    /// By index into the load's `fd_array`. Since Linux 5.14.
    Index(u32),
}

impl MapRef {
    const fn isa(self) -> Isa {
        match self {
            Self::Fd(_) => Isa::BASE64,
            Self::Index(_) => Isa::MAP_INDEX,
        }
    }
}

/// Which of the arguments on the stack: 1 is the first after those in registers, the sixth of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackArg(u16);

impl StackArg {
    /// The last that an offset can reach; the kernel takes fewer.
    pub const MAX: u16 = 4095;

    /// The argument with this number, from 1 to [`MAX`](Self::MAX).
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 1 && number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// The number, from 1.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The distance from the base in bytes.
    pub(crate) const fn bytes(self) -> i16 {
        self.0 as i16 * 8
    }

    pub(crate) const fn from_bytes(bytes: i16) -> Option<Self> {
        if bytes > 0 && bytes % 8 == 0 { Self::new(bytes as u16 / 8) } else { None }
    }
}

const _: () = assert!(size_of::<Insn>() <= 16);
const _: () = assert!(size_of::<(Slot, crate::LocId)>() == 12);
