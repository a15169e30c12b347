//! Which instructions a program may use: groups, each with the kernel it came with.

use crate::KernelVersion;

bitflags::bitflags! {
    /// A set of instruction groups.
    ///
    /// The groups of RFC 9669 (section 2.4), cut finer where kernels took parts of them later, and what came after.
    /// An [`Assembler`](crate::Assembler) has one: what it lacks is lowered where that is exact, else an error. The
    /// presets name what LLVM calls `-mcpu`; what needs a newer kernel than a machine model (callbacks, kfuncs, map
    /// values) is in every preset, and [`Code::isa`](crate::Code::isa) tells a loader what to ask of the kernel.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Isa: u32 {
        /// 32-bit arithmetic, loads and stores of up to four bytes, calls, exit. Since Linux 3.18.
        const BASE32 = 1 << 0;
        /// 64-bit arithmetic, jumps, loads and stores. Since Linux 3.18.
        const BASE64 = 1 << 1;
        /// 32-bit multiplication and unsigned division. Since Linux 3.18.
        const DIVMUL32 = 1 << 2;
        /// 64-bit multiplication and unsigned division. Since Linux 3.18.
        const DIVMUL64 = 1 << 3;
        /// `lock *(u32 *)dst += src`. Since Linux 3.18.
        const XADD32 = 1 << 4;
        /// `lock *(u64 *)dst += src`. Since Linux 3.18.
        const XADD64 = 1 << 5;
        /// Legacy packet loads, `LD_ABS` and `LD_IND`. Since Linux 3.18.
        const PACKET = 1 << 6;
        /// Jumps on less than and less or equal. Since Linux 4.14.
        const LESS_THAN = 1 << 7;
        /// Calls of functions of the same program. Since Linux 4.16.
        const FUNCTION_CALL = 1 << 8;
        /// Jumps that compare 32 bits. Since Linux 5.1.
        const JUMP32 = 1 << 9;
        /// Direct addresses of map values (`BPF_PSEUDO_MAP_VALUE`). Since Linux 5.2.
        const MAP_VALUE = 1 << 10;
        /// Addresses of kernel variables by BTF id (`BPF_PSEUDO_BTF_ID`). Since Linux 5.10.
        const BTF_ID = 1 << 11;
        /// Every other 32-bit atomic. Since Linux 5.12.
        const ATOMIC32 = 1 << 12;
        /// Every other 64-bit atomic. Since Linux 5.12.
        const ATOMIC64 = 1 << 13;
        /// Addresses of functions, for callbacks (`BPF_PSEUDO_FUNC`). Since Linux 5.13.
        const FUNCTION_ADDRESS = 1 << 14;
        /// Calls of kernel functions (`BPF_PSEUDO_KFUNC_CALL`). Since Linux 5.13.
        const KFUNC_CALL = 1 << 15;
        /// Maps by index into the load's `fd_array` (`BPF_PSEUDO_MAP_IDX`). Since Linux 5.14.
        const MAP_INDEX = 1 << 16;
        /// Signed division, sign-extending moves and loads, byte swap, 32-bit jump offsets. Since Linux 6.6.
        const CPUV4 = 1 << 17;
        /// `may_goto`. Since Linux 6.9.
        const MAY_GOTO = 1 << 18;
        /// Address space casts of arena pointers. Since Linux 6.9.
        const ARENA = 1 << 19;
        /// Loads with acquire, stores with release semantics. Since Linux 6.15.
        const ACQUIRE_RELEASE = 1 << 20;
        /// Jumps to an address in a register, `gotox`. Since Linux 6.19.
        const INDIRECT_JUMP = 1 << 21;
        /// Arguments beyond the fifth, on the stack. Since Linux 7.2.
        const STACK_ARGUMENTS = 1 << 22;
    }
}

/// Each group with the first kernel that runs it: ascending.
const SINCE: [(Isa, KernelVersion); 23] = [
    (Isa::BASE32, KernelVersion::new(3, 18)),
    (Isa::BASE64, KernelVersion::new(3, 18)),
    (Isa::DIVMUL32, KernelVersion::new(3, 18)),
    (Isa::DIVMUL64, KernelVersion::new(3, 18)),
    (Isa::XADD32, KernelVersion::new(3, 18)),
    (Isa::XADD64, KernelVersion::new(3, 18)),
    (Isa::PACKET, KernelVersion::new(3, 18)),
    (Isa::LESS_THAN, KernelVersion::new(4, 14)),
    (Isa::FUNCTION_CALL, KernelVersion::new(4, 16)),
    (Isa::JUMP32, KernelVersion::new(5, 1)),
    (Isa::MAP_VALUE, KernelVersion::new(5, 2)),
    (Isa::BTF_ID, KernelVersion::new(5, 10)),
    (Isa::ATOMIC32, KernelVersion::new(5, 12)),
    (Isa::ATOMIC64, KernelVersion::new(5, 12)),
    (Isa::FUNCTION_ADDRESS, KernelVersion::new(5, 13)),
    (Isa::KFUNC_CALL, KernelVersion::new(5, 13)),
    (Isa::MAP_INDEX, KernelVersion::new(5, 14)),
    (Isa::CPUV4, KernelVersion::new(6, 6)),
    (Isa::MAY_GOTO, KernelVersion::new(6, 9)),
    (Isa::ARENA, KernelVersion::new(6, 9)),
    (Isa::ACQUIRE_RELEASE, KernelVersion::new(6, 15)),
    (Isa::INDIRECT_JUMP, KernelVersion::new(6, 19)),
    (Isa::STACK_ARGUMENTS, KernelVersion::new(7, 2)),
];

impl Isa {
    /// What is a matter of the loader, not of the machine: in every preset.
    const LOADER: Self = Self::FUNCTION_CALL
        .union(Self::MAP_VALUE)
        .union(Self::BTF_ID)
        .union(Self::FUNCTION_ADDRESS)
        .union(Self::KFUNC_CALL)
        .union(Self::MAP_INDEX);

    /// LLVM's `-mcpu=v1`: the instructions of Linux 3.18.
    pub const V1: Self = Self::BASE32
        .union(Self::BASE64)
        .union(Self::DIVMUL32)
        .union(Self::DIVMUL64)
        .union(Self::XADD32)
        .union(Self::XADD64)
        .union(Self::PACKET)
        .union(Self::LOADER);

    /// LLVM's `-mcpu=v2`: and jumps on less than (4.14).
    pub const V2: Self = Self::V1.union(Self::LESS_THAN);

    /// LLVM's `-mcpu=v3`: and 32-bit jumps and all atomics (5.12). The default.
    pub const V3: Self = Self::V2.union(Self::JUMP32).union(Self::ATOMIC32).union(Self::ATOMIC64);

    /// LLVM's `-mcpu=v4`: and signed division, sign extension, byte swap, long jumps (6.6).
    pub const V4: Self = Self::V3.union(Self::CPUV4);

    /// The groups that the release `major.minor` runs; none before 3.18.
    #[must_use]
    pub fn of_kernel(major: u16, minor: u16) -> Self {
        let kernel = KernelVersion::new(major, minor);
        SINCE.iter().filter(|(_, since)| *since <= kernel).map(|(group, _)| *group).collect()
    }

    /// The first release that runs all of these groups; `None` for the empty set.
    #[must_use]
    pub fn since(self) -> Option<KernelVersion> {
        SINCE.iter().filter(|(group, _)| self.contains(*group)).map(|(_, since)| *since).max()
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::V3
    }
}
