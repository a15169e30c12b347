//! The operations of the instruction set, with the bits the kernel and RFC 9669 give them.
//!
//! The value of each enum is the field of the opcode (or, for atomics, of the immediate) that selects it; nothing
//! else in the crate knows these numbers.
//!
//! ```text
//!   7   6   5   4   3   2   1   0
//! +---------------+---+-----------+
//! |   operation   | X |   class   |   ALU, ALU64, JMP, JMP32
//! +-----------+---+---+-----------+
//! |   mode    | size  |   class   |   LD, LDX, ST, STX
//! +-----------+-------+-----------+
//! ```

use crate::Isa;

/// Classes of instructions: the low three bits of an opcode.
pub(crate) mod class {
    pub(crate) const LD: u8 = 0x00;
    pub(crate) const LDX: u8 = 0x01;
    pub(crate) const ST: u8 = 0x02;
    pub(crate) const STX: u8 = 0x03;
    pub(crate) const ALU: u8 = 0x04;
    pub(crate) const JMP: u8 = 0x05;
    pub(crate) const JMP32: u8 = 0x06;
    pub(crate) const ALU64: u8 = 0x07;
}

/// Modes of loads and stores: the high three bits of an opcode.
pub(crate) mod mode {
    pub(crate) const ABS: u8 = 0x20;
    pub(crate) const IND: u8 = 0x40;
    pub(crate) const MEM: u8 = 0x60;
    pub(crate) const MEMSX: u8 = 0x80;
    pub(crate) const ATOMIC: u8 = 0xc0;
}

/// Operations that are shapes of their own in [`Insn`](crate::Insn).
pub(crate) mod special {
    /// `BPF_NEG`
    pub(crate) const NEG: u8 = 0x80;
    /// `BPF_MOV`, with an offset: sign extension or address space cast.
    pub(crate) const MOV: u8 = 0xb0;
    /// `BPF_END`
    pub(crate) const END: u8 = 0xd0;
    /// `BPF_JA`
    pub(crate) const JA: u8 = 0x00;
    /// `BPF_CALL`
    pub(crate) const CALL: u8 = 0x80;
    /// `BPF_EXIT`
    pub(crate) const EXIT: u8 = 0x90;
    /// `BPF_JCOND`
    pub(crate) const JCOND: u8 = 0xe0;
    /// `BPF_LOAD_ACQ`, in the immediate of an atomic.
    pub(crate) const LOAD_ACQUIRE: i32 = 0x100;
    /// `BPF_STORE_REL`, in the immediate of an atomic.
    pub(crate) const STORE_RELEASE: i32 = 0x110;
    /// `BPF_ADDR_SPACE_CAST`, in the offset of a move.
    pub(crate) const ADDR_SPACE_CAST: i16 = 1;
    /// The offset that makes a division or remainder signed.
    pub(crate) const SIGNED: i16 = 1;
    /// `BPF_REG_PARAMS`: base of the stack arguments, not a register that can be named.
    pub(crate) const ARGS_BASE: u8 = 11;
    /// `BPF_LD | BPF_DW | BPF_IMM`: the only instruction of two slots.
    pub(crate) const LOAD_IMM64: u8 = 0x18;
}

/// `BPF_K`: the second operand is the immediate.
pub(crate) const K: u8 = 0x00;
/// `BPF_X`: the second operand is a register.
pub(crate) const X: u8 = 0x08;

/// What the source nibble of a call says.
pub(crate) mod call {
    pub(crate) const HELPER: u8 = 0;
    /// `BPF_PSEUDO_CALL`
    pub(crate) const FUNCTION: u8 = 1;
    /// `BPF_PSEUDO_KFUNC_CALL`
    pub(crate) const KFUNC: u8 = 2;
}

/// What the source nibble of a 64-bit immediate load says.
pub(crate) mod pseudo {
    pub(crate) const VALUE: u8 = 0;
    /// `BPF_PSEUDO_MAP_FD`
    pub(crate) const MAP_FD: u8 = 1;
    /// `BPF_PSEUDO_MAP_VALUE`
    pub(crate) const MAP_VALUE: u8 = 2;
    /// `BPF_PSEUDO_BTF_ID`
    pub(crate) const BTF_ID: u8 = 3;
    /// `BPF_PSEUDO_FUNC`
    pub(crate) const FUNC: u8 = 4;
    /// `BPF_PSEUDO_MAP_IDX`
    pub(crate) const MAP_IDX: u8 = 5;
    /// `BPF_PSEUDO_MAP_IDX_VALUE`
    pub(crate) const MAP_IDX_VALUE: u8 = 6;
}

/// An enum with the list of all of its values.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$row:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$row])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

/// An enum whose values are opcode bits, with the list of all of them and the way back from bits.
macro_rules! operations {
    ($(#[$meta:meta])* $name:ident: $repr:ty { $($(#[$row:meta])* $variant:ident = $bits:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr($repr)]
        pub enum $name {
            $($(#[$row])* $variant = $bits,)+
        }

        impl $name {
            /// All of them, in the order of their bits.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            #[inline]
            pub(crate) const fn bits(self) -> $repr {
                self as $repr
            }

            #[inline]
            pub(crate) const fn from_bits(bits: $repr) -> Option<Self> {
                match bits {
                    $($bits => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

choices! {
    /// How many bits of its registers an instruction works on. The upper half of a 32-bit result is zero.
    Width {
        /// `BPF_ALU`, `BPF_JMP32`, `BPF_W`.
        Bits32,
        /// `BPF_ALU64`, `BPF_JMP`, `BPF_DW`.
        Bits64,
    }
}

impl Width {
    /// The number of bits.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> i32 {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }
}

operations! {
    /// Arithmetic with a register or an immediate: `dst = dst op src` (`dst = src` for [`Mov`](Self::Mov)).
    ///
    /// The bits are the high nibble of the opcode. [`SDiv`](Self::SDiv) and [`SMod`](Self::SMod) share the nibble of
    /// `Div` and `Mod` and set the offset to 1, which their low nibble stands for here.
    AluOp: u8 {
        /// `dst += src`
        #[doc(alias = "BPF_ADD")]
        Add = 0x00,
        /// `dst -= src`
        #[doc(alias = "BPF_SUB")]
        Sub = 0x10,
        /// `dst *= src`
        #[doc(alias = "BPF_MUL")]
        Mul = 0x20,
        /// `dst /= src`, unsigned; 0 where `src` is 0.
        #[doc(alias = "BPF_DIV")]
        Div = 0x30,
        /// `dst s/= src`, signed; 0 where `src` is 0. Since Linux 6.6.
        SDiv = 0x31,
        /// `dst |= src`
        #[doc(alias = "BPF_OR")]
        Or = 0x40,
        /// `dst &= src`
        #[doc(alias = "BPF_AND")]
        And = 0x50,
        /// `dst <<= src`, the shift taken modulo the width.
        #[doc(alias = "BPF_LSH")]
        Lsh = 0x60,
        /// `dst >>= src`, filling with zeros.
        #[doc(alias = "BPF_RSH")]
        Rsh = 0x70,
        /// `dst %= src`, unsigned; unchanged where `src` is 0.
        #[doc(alias = "BPF_MOD")]
        Mod = 0x90,
        /// `dst s%= src`, signed, with the sign of `dst`; unchanged where `src` is 0. Since Linux 6.6.
        SMod = 0x91,
        /// `dst ^= src`
        #[doc(alias = "BPF_XOR")]
        Xor = 0xa0,
        /// `dst = src`
        #[doc(alias = "BPF_MOV")]
        Mov = 0xb0,
        /// `dst s>>= src`, filling with the sign.
        #[doc(alias = "BPF_ARSH")]
        Arsh = 0xc0,
    }
}

impl AluOp {
    /// The operation's bits of the opcode.
    #[inline]
    pub(crate) const fn opcode_bits(self) -> u8 {
        match self {
            Self::SDiv => Self::Div.bits(),
            Self::SMod => Self::Mod.bits(),
            unsigned => unsigned.bits(),
        }
    }

    /// The offset that goes with the operation.
    #[inline]
    pub(crate) const fn offset(self) -> i16 {
        if matches!(self, Self::SDiv | Self::SMod) { special::SIGNED } else { 0 }
    }

    /// The signed variant of a division or remainder.
    pub(crate) const fn signed(self) -> Option<Self> {
        match self {
            Self::Div => Some(Self::SDiv),
            Self::Mod => Some(Self::SMod),
            _ => None,
        }
    }

    /// Whether a zero divisor is possible: the kernel refuses one that is an immediate.
    #[must_use]
    pub const fn divides(self) -> bool {
        matches!(self, Self::Div | Self::SDiv | Self::Mod | Self::SMod)
    }

    /// Whether the second operand counts bits: the kernel refuses an immediate that is not below the width.
    #[must_use]
    pub const fn shifts(self) -> bool {
        matches!(self, Self::Lsh | Self::Rsh | Self::Arsh)
    }

    /// The groups an implementation must have to run this operation.
    #[must_use]
    #[inline]
    pub const fn isa(self, width: Width) -> Isa {
        match (self, width) {
            (Self::SDiv | Self::SMod, _) => Isa::CPUV4,
            (Self::Mul | Self::Div | Self::Mod, Width::Bits32) => Isa::DIVMUL32,
            (Self::Mul | Self::Div | Self::Mod, Width::Bits64) => Isa::DIVMUL64,
            (_, Width::Bits32) => Isa::BASE32,
            (_, Width::Bits64) => Isa::BASE64,
        }
    }
}

operations! {
    /// Byte order conversion of the low bits of a register; the bits above become zero.
    ///
    /// The bits are class and source of the opcode.
    SwapOp: u8 {
        /// To little-endian: swaps on big-endian machines only.
        #[doc(alias = "BPF_TO_LE")]
        ToLe = 0x04,
        /// Swaps on every machine. Since Linux 6.6.
        #[doc(alias = "BPF_BSWAP")]
        Swap = 0x07,
        /// To big-endian: swaps on little-endian machines only.
        #[doc(alias = "BPF_TO_BE")]
        ToBe = 0x0c,
    }
}

impl SwapOp {
    /// The groups an implementation must have to run this operation.
    #[must_use]
    pub const fn isa(self, bits: SwapBits) -> Isa {
        match (self, bits) {
            (Self::Swap, _) => Isa::CPUV4,
            (_, SwapBits::B64) => Isa::BASE64,
            _ => Isa::BASE32,
        }
    }
}

operations! {
    /// How many bits a byte order conversion takes: its immediate.
    SwapBits: u8 {
        /// The low two bytes.
        B16 = 16,
        /// The low four bytes.
        B32 = 32,
        /// All eight bytes.
        B64 = 64,
    }
}

choices! {
    /// Moves that extend the sign: from how many bits, to how many. Since Linux 6.6.
    Extend {
        /// `dst = (s8)src`
        S8To64,
        /// `w_dst = (s8)w_src`
        S8To32,
        /// `dst = (s16)src`
        S16To64,
        /// `w_dst = (s16)w_src`
        S16To32,
        /// `dst = (s32)src`
        S32To64,
    }
}

impl Extend {
    /// How many bits of the source count.
    #[must_use]
    pub const fn from(self) -> u8 {
        match self {
            Self::S8To32 | Self::S8To64 => 8,
            Self::S16To32 | Self::S16To64 => 16,
            Self::S32To64 => 32,
        }
    }

    /// How many bits the result has.
    #[must_use]
    pub const fn to(self) -> Width {
        match self {
            Self::S8To32 | Self::S16To32 => Width::Bits32,
            Self::S8To64 | Self::S16To64 | Self::S32To64 => Width::Bits64,
        }
    }

    /// The extension between these widths, if there is one.
    #[must_use]
    pub const fn new(from: u32, to: Width) -> Option<Self> {
        match (from, to) {
            (8, Width::Bits32) => Some(Self::S8To32),
            (8, Width::Bits64) => Some(Self::S8To64),
            (16, Width::Bits32) => Some(Self::S16To32),
            (16, Width::Bits64) => Some(Self::S16To64),
            (32, Width::Bits64) => Some(Self::S32To64),
            _ => None,
        }
    }
}

choices! {
    /// Casts between the address spaces of a program with an arena map. Since Linux 6.9.
    Cast {
        /// `dst = addr_space_cast(src, 0, 1)`: an arena pointer becomes one that can be dereferenced.
        ToKernel,
        /// `dst = addr_space_cast(src, 1, 0)`: a pointer becomes the one user space sees.
        ToUser,
    }
}

impl Cast {
    /// The destination space in the high half, the source space in the low half.
    pub(crate) const fn imm(self) -> i32 {
        match self {
            Self::ToKernel => 1,
            Self::ToUser => 65536,
        }
    }

    pub(crate) const fn from_imm(imm: i32) -> Option<Self> {
        match imm {
            1 => Some(Self::ToKernel),
            65536 => Some(Self::ToUser),
            _ => None,
        }
    }
}

operations! {
    /// How many bytes a load or store moves. The bits are bits 3 and 4 of the opcode.
    Size: u8 {
        /// Four bytes, a word.
        #[doc(alias = "BPF_W")]
        W = 0x00,
        /// Two bytes, half a word.
        #[doc(alias = "BPF_H")]
        H = 0x08,
        /// One byte.
        #[doc(alias = "BPF_B")]
        B = 0x10,
        /// Eight bytes, a double word.
        #[doc(alias = "BPF_DW")]
        DW = 0x18,
    }
}

impl Size {
    /// How many bytes that is: 1, 2, 4 or 8.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::B => 1,
            Self::H => 2,
            Self::W => 4,
            Self::DW => 8,
        }
    }

    /// The size below a double word that this is, if it is one.
    #[must_use]
    pub const fn narrow(self) -> Option<Narrow> {
        Narrow::from_bits(self.bits())
    }

    /// The width of an atomic operation of this size; there is none of one or two bytes.
    #[must_use]
    pub const fn atomic(self) -> Option<Width> {
        match self {
            Self::W => Some(Width::Bits32),
            Self::DW => Some(Width::Bits64),
            Self::B | Self::H => None,
        }
    }

    /// The groups an implementation must have to load or store this size.
    #[must_use]
    #[inline]
    pub const fn isa(self) -> Isa {
        if matches!(self, Self::DW) { Isa::BASE64 } else { Isa::BASE32 }
    }
}

impl From<Width> for Size {
    fn from(width: Width) -> Self {
        match width {
            Width::Bits32 => Self::W,
            Width::Bits64 => Self::DW,
        }
    }
}

operations! {
    /// A size below a double word: what sign-extending and packet loads take. The bits are those of [`Size`].
    Narrow: u8 {
        /// Four bytes, a word.
        W = 0x00,
        /// Two bytes, half a word.
        H = 0x08,
        /// One byte.
        B = 0x10,
    }
}

impl Narrow {
    /// How many bytes that is: 1, 2 or 4.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::B => 1,
            Self::H => 2,
            Self::W => 4,
        }
    }
}

impl From<Narrow> for Size {
    fn from(narrow: Narrow) -> Self {
        match narrow {
            Narrow::B => Self::B,
            Narrow::H => Self::H,
            Narrow::W => Self::W,
        }
    }
}

operations! {
    /// Conditions of a jump, comparing `dst` with `src`. The bits are the high nibble of the opcode.
    Cond: u8 {
        /// `dst == src`
        #[doc(alias = "BPF_JEQ")]
        Eq = 0x10,
        /// `dst > src`, unsigned.
        #[doc(alias = "BPF_JGT")]
        Gt = 0x20,
        /// `dst >= src`, unsigned.
        #[doc(alias = "BPF_JGE")]
        Ge = 0x30,
        /// `dst & src`: any bit in common.
        #[doc(alias = "BPF_JSET")]
        Set = 0x40,
        /// `dst != src`
        #[doc(alias = "BPF_JNE")]
        Ne = 0x50,
        /// `dst s> src`, signed.
        #[doc(alias = "BPF_JSGT")]
        SGt = 0x60,
        /// `dst s>= src`, signed.
        #[doc(alias = "BPF_JSGE")]
        SGe = 0x70,
        /// `dst < src`, unsigned. Since Linux 4.14.
        #[doc(alias = "BPF_JLT")]
        Lt = 0xa0,
        /// `dst <= src`, unsigned. Since Linux 4.14.
        #[doc(alias = "BPF_JLE")]
        Le = 0xb0,
        /// `dst s< src`, signed. Since Linux 4.14.
        #[doc(alias = "BPF_JSLT")]
        SLt = 0xc0,
        /// `dst s<= src`, signed. Since Linux 4.14.
        #[doc(alias = "BPF_JSLE")]
        SLe = 0xd0,
    }
}

impl Cond {
    /// The condition that holds exactly where this one does not; [`Set`](Self::Set) has none.
    #[must_use]
    pub const fn inverse(self) -> Option<Self> {
        match self {
            Self::Eq => Some(Self::Ne),
            Self::Ne => Some(Self::Eq),
            Self::Gt => Some(Self::Le),
            Self::Le => Some(Self::Gt),
            Self::Ge => Some(Self::Lt),
            Self::Lt => Some(Self::Ge),
            Self::SGt => Some(Self::SLe),
            Self::SLe => Some(Self::SGt),
            Self::SGe => Some(Self::SLt),
            Self::SLt => Some(Self::SGe),
            Self::Set => None,
        }
    }

    /// The condition that says the same with the operands the other way round.
    #[must_use]
    pub const fn swapped(self) -> Self {
        match self {
            Self::Gt => Self::Lt,
            Self::Lt => Self::Gt,
            Self::Ge => Self::Le,
            Self::Le => Self::Ge,
            Self::SGt => Self::SLt,
            Self::SLt => Self::SGt,
            Self::SGe => Self::SLe,
            Self::SLe => Self::SGe,
            symmetric => symmetric,
        }
    }

    /// The groups an implementation must have to jump on this condition.
    #[must_use]
    #[inline]
    pub const fn isa(self, width: Width) -> Isa {
        match (self, width) {
            (_, Width::Bits32) => Isa::JUMP32,
            (Self::Lt | Self::Le | Self::SLt | Self::SLe, Width::Bits64) => Isa::LESS_THAN,
            (_, Width::Bits64) => Isa::BASE64,
        }
    }
}

operations! {
    /// Atomic operations on four or eight bytes of memory. The bits are the immediate of the instruction.
    ///
    /// Those that return the old value leave it in the source register, [`CmpXchg`](Self::CmpXchg) in `R0`. All but
    /// [`Add`](Self::Add) since Linux 5.12.
    AtomicOp: u8 {
        /// `lock *dst += src`
        #[doc(alias = "BPF_XADD")]
        Add = 0x00,
        /// `src = fetch_add(dst, src)`
        #[doc(alias = "BPF_FETCH")]
        FetchAdd = 0x01,
        /// `lock *dst |= src`
        Or = 0x40,
        /// `src = fetch_or(dst, src)`
        FetchOr = 0x41,
        /// `lock *dst &= src`
        And = 0x50,
        /// `src = fetch_and(dst, src)`
        FetchAnd = 0x51,
        /// `lock *dst ^= src`
        Xor = 0xa0,
        /// `src = fetch_xor(dst, src)`
        FetchXor = 0xa1,
        /// `src = xchg(dst, src)`
        #[doc(alias = "BPF_XCHG")]
        Xchg = 0xe1,
        /// `r0 = cmpxchg(dst, r0, src)`
        #[doc(alias = "BPF_CMPXCHG")]
        CmpXchg = 0xf1,
    }
}

impl AtomicOp {
    /// Whether the old value comes back in a register.
    #[must_use]
    pub const fn fetches(self) -> bool {
        !matches!(self, Self::Add | Self::Or | Self::And | Self::Xor)
    }

    /// Whether that register is the source: all that fetch but [`CmpXchg`](Self::CmpXchg).
    pub(crate) const fn fetches_into_source(self) -> bool {
        self.fetches() && !matches!(self, Self::CmpXchg)
    }

    /// The groups an implementation must have to run this operation.
    #[must_use]
    pub const fn isa(self, width: Width) -> Isa {
        match (self, width) {
            (Self::Add, Width::Bits32) => Isa::XADD32,
            (Self::Add, Width::Bits64) => Isa::XADD64,
            (_, Width::Bits32) => Isa::ATOMIC32,
            (_, Width::Bits64) => Isa::ATOMIC64,
        }
    }
}
