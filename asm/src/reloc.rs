//! What only a door out can fill in: the places of a function that depend on something with a name.

use crate::{AluOp, Insn, Source};

/// One place to fill in: the slot, what belongs there, and the name to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reloc {
    /// The slot (the first, where the instruction has two).
    pub slot: u32,
    /// What belongs there.
    pub kind: RelocKind,
    /// The name of it, in the [`Code`](crate::Code)'s table of symbols.
    pub symbol: SymbolId,
}

impl Reloc {
    /// Every name the relocation uses.
    pub(crate) fn names(&self) -> impl Iterator<Item = SymbolId> {
        let access = match self.kind {
            RelocKind::Core(core) => Some(core.access),
            _ => None,
        };
        core::iter::once(self.symbol).chain(access)
    }
}

/// What belongs into a relocated field. The pseudo form (the source nibble) is already in the slot; the field itself
/// is zero until it is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelocKind {
    /// The file descriptor or index of a map, into a 64-bit load (`BPF_PSEUDO_MAP_FD`).
    Map,
    /// The same for the address of a map's value (`BPF_PSEUDO_MAP_VALUE`).
    MapValue {
        /// Bytes into the value; already in the second slot's immediate.
        offset: u32,
    },
    /// The distance to a function that is called (`BPF_PSEUDO_CALL`), in slots.
    CallFunction,
    /// The distance to a function whose address is loaded (`BPF_PSEUDO_FUNC`), in slots.
    LoadFunction,
    /// The BTF id of a kernel function that is called, and its module (`BPF_PSEUDO_KFUNC_CALL`).
    Kfunc,
    /// The address of a kernel symbol, into a 64-bit load.
    Ksym {
        /// By BTF id (`BPF_PSEUDO_BTF_ID`), so that the verifier knows its type; else a plain number.
        typed: bool,
    },
    /// The BTF id of a type, into the immediate. The symbol names it as C does: `struct task_struct`.
    BtfId(BtfScope),
    /// What a type looks like on the kernel the program is loaded on ("compile once, run everywhere"). The symbol
    /// names the type.
    Core(CoreReloc),
}

impl RelocKind {
    /// Whether an instruction has the field that this fills in, in the form that goes with it.
    #[must_use]
    pub const fn fits(self, insn: Insn) -> bool {
        match self {
            Self::Map => matches!(insn, Insn::LoadMap { .. }),
            Self::MapValue { offset: into } => {
                matches!(insn, Insn::LoadMapValue { offset, .. } if offset == into)
            }
            Self::CallFunction => matches!(insn, Insn::CallFunction { .. }),
            Self::LoadFunction => matches!(insn, Insn::LoadFunction { .. }),
            Self::Kfunc => matches!(insn, Insn::CallKfunc { .. }),
            Self::Ksym { typed: true } => matches!(insn, Insn::LoadBtfId { .. }),
            Self::Ksym { typed: false } => matches!(insn, Insn::LoadImm64 { .. }),
            Self::BtfId(_) => {
                matches!(insn, Insn::LoadImm64 { .. } | Insn::Alu { op: AluOp::Mov, src: Source::Imm(_), .. })
            }
            Self::Core(_) => takes_core(insn),
        }
    }
}

impl RelocKind {
    /// Whether what is filled in can have this name. A type that a CO-RE relocation asks for can be anonymous.
    pub(crate) fn takes_name(self, name: &str) -> bool {
        is_text(name) || (name.is_empty() && matches!(self, Self::Core(_)))
    }

    /// What is asked, whatever the indexes of the names in it.
    pub(crate) const fn without_names(self) -> Self {
        match self {
            Self::Core(core) => Self::Core(CoreReloc { access: SymbolId(0), ..core }),
            other => other,
        }
    }
}

/// Whether ELF, BTF and the kernel can hold this text, which they end with NUL, as more than nothing.
pub(crate) fn is_text(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Whether an instruction has an offset in memory or a number.
const fn takes_core(insn: Insn) -> bool {
    matches!(
        insn,
        Insn::Alu { src: Source::Imm(_), .. }
            | Insn::Load { .. }
            | Insn::LoadSx { .. }
            | Insn::Store { .. }
            | Insn::StoreImm { .. }
            | Insn::LoadImm64 { .. }
    )
}

/// Whose type ids are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BtfScope {
    /// Those of the BTF that is loaded with the program.
    Program,
    /// Those of the kernel or of one of its modules.
    Kernel,
}

/// A question to the kernel's types, answered when the program is loaded.
///
/// Source: `struct bpf_core_relo`, uapi/linux/bpf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "bpf_core_relo")]
pub struct CoreReloc {
    /// What is asked.
    pub kind: CoreKind,
    /// The type it is asked of, in the program's own BTF.
    pub type_id: u32,
    /// The way to the field or enumerator: indexes with colons between them, `0:1:2`.
    pub access: SymbolId,
}

/// What a CO-RE relocation asks. The value is the kernel's `enum bpf_core_relo_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
#[doc(alias = "bpf_core_relo_kind")]
pub enum CoreKind {
    /// The offset of a field in bytes.
    #[doc(alias = "BPF_CORE_FIELD_BYTE_OFFSET")]
    FieldByteOffset = 0,
    /// The size of a field in bytes.
    #[doc(alias = "BPF_CORE_FIELD_BYTE_SIZE")]
    FieldByteSize = 1,
    /// Whether the field exists: 1 or 0.
    #[doc(alias = "BPF_CORE_FIELD_EXISTS")]
    FieldExists = 2,
    /// Whether the field is signed: 1 or 0.
    #[doc(alias = "BPF_CORE_FIELD_SIGNED")]
    FieldSigned = 3,
    /// How far a bit field is shifted left to drop what is above it.
    #[doc(alias = "BPF_CORE_FIELD_LSHIFT_U64")]
    FieldLeftShift = 4,
    /// How far it is then shifted right to drop what is below it.
    #[doc(alias = "BPF_CORE_FIELD_RSHIFT_U64")]
    FieldRightShift = 5,
    /// The id of the type in the program's BTF.
    #[doc(alias = "BPF_CORE_TYPE_ID_LOCAL")]
    TypeIdLocal = 6,
    /// The id of the matching type of the kernel.
    #[doc(alias = "BPF_CORE_TYPE_ID_TARGET")]
    TypeIdTarget = 7,
    /// Whether the type exists: 1 or 0.
    #[doc(alias = "BPF_CORE_TYPE_EXISTS")]
    TypeExists = 8,
    /// The size of the type in bytes.
    #[doc(alias = "BPF_CORE_TYPE_SIZE")]
    TypeSize = 9,
    /// Whether the enumerator exists: 1 or 0.
    #[doc(alias = "BPF_CORE_ENUMVAL_EXISTS")]
    EnumValueExists = 10,
    /// The value of the enumerator.
    #[doc(alias = "BPF_CORE_ENUMVAL_VALUE")]
    EnumValue = 11,
    /// Whether a type with the same fields exists: 1 or 0.
    #[doc(alias = "BPF_CORE_TYPE_MATCHES")]
    TypeMatches = 12,
}

impl CoreKind {
    /// All of them, ascending.
    pub const ALL: [Self; 13] = [
        Self::FieldByteOffset,
        Self::FieldByteSize,
        Self::FieldExists,
        Self::FieldSigned,
        Self::FieldLeftShift,
        Self::FieldRightShift,
        Self::TypeIdLocal,
        Self::TypeIdTarget,
        Self::TypeExists,
        Self::TypeSize,
        Self::EnumValueExists,
        Self::EnumValue,
        Self::TypeMatches,
    ];

    /// The kernel's number for it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The kind with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// The index of a name in a [`Code`](crate::Code)'s table of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);
