//! Special fields: `bpf_timer`, `bpf_spin_lock` and the like inside of a map value, which the kernel keeps for
//! itself. Where the kernel would see none, or silently ignore what was surely meant, [`scan`] says why.

mod graph;
mod inside;
mod pointer;
mod scan;

use super::error::{BtfError, DecodeError};
use super::kind::Kind;
use super::types::TypeId;
use crate::base::KernelVersion;
use std::fmt;

pub(crate) use scan::check_structs;
pub use scan::scan;

/// How many special fields a value may have, all kinds together (`BTF_FIELDS_MAX`).
#[doc(alias = "BTF_FIELDS_MAX")]
pub const MAX_FIELDS: usize = 11;

/// What a special field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldKind {
    /// `struct bpf_spin_lock`.
    #[doc(alias = "BPF_SPIN_LOCK")]
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    #[doc(alias = "BPF_RES_SPIN_LOCK")]
    ResSpinLock,
    /// `struct bpf_timer`.
    #[doc(alias = "BPF_TIMER")]
    Timer,
    /// `struct bpf_wq`.
    #[doc(alias = "BPF_WORKQUEUE")]
    WorkQueue,
    /// `struct bpf_task_work`.
    #[doc(alias = "BPF_TASK_WORK")]
    TaskWork,
    /// A pointer with the type tag `kptr_untrusted`.
    #[doc(alias = "BPF_KPTR_UNREF")]
    KptrUntrusted,
    /// A pointer with the type tag `kptr`.
    #[doc(alias = "BPF_KPTR_REF")]
    Kptr,
    /// A pointer with the type tag `percpu_kptr`.
    #[doc(alias = "BPF_KPTR_PERCPU")]
    PercpuKptr,
    /// A pointer with the type tag `uptr`.
    #[doc(alias = "BPF_UPTR")]
    Uptr,
    /// `struct bpf_list_head`, with a declaration tag `contains:type:member`.
    #[doc(alias = "BPF_LIST_HEAD")]
    ListHead,
    /// `struct bpf_list_node`; in allocated objects, not in map values.
    #[doc(alias = "BPF_LIST_NODE")]
    ListNode,
    /// `struct bpf_rb_root`, with a declaration tag `contains:type:member`.
    #[doc(alias = "BPF_RB_ROOT")]
    RbRoot,
    /// `struct bpf_rb_node`; in allocated objects, not in map values.
    #[doc(alias = "BPF_RB_NODE")]
    RbNode,
    /// `struct bpf_refcount`.
    #[doc(alias = "BPF_REFCOUNT")]
    RefCount,
}

bitflags::bitflags! {
    /// A set of [`FieldKind`]s: what a map kind allows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct FieldKinds: u16 {
        /// [`FieldKind::SpinLock`].
        const SPIN_LOCK = 1 << FieldKind::SpinLock as u16;
        /// [`FieldKind::ResSpinLock`].
        const RES_SPIN_LOCK = 1 << FieldKind::ResSpinLock as u16;
        /// [`FieldKind::Timer`].
        const TIMER = 1 << FieldKind::Timer as u16;
        /// [`FieldKind::WorkQueue`].
        const WORK_QUEUE = 1 << FieldKind::WorkQueue as u16;
        /// [`FieldKind::TaskWork`].
        const TASK_WORK = 1 << FieldKind::TaskWork as u16;
        /// [`FieldKind::KptrUntrusted`].
        const KPTR_UNTRUSTED = 1 << FieldKind::KptrUntrusted as u16;
        /// [`FieldKind::Kptr`].
        const KPTR = 1 << FieldKind::Kptr as u16;
        /// [`FieldKind::PercpuKptr`].
        const PERCPU_KPTR = 1 << FieldKind::PercpuKptr as u16;
        /// [`FieldKind::Uptr`].
        const UPTR = 1 << FieldKind::Uptr as u16;
        /// [`FieldKind::ListHead`].
        const LIST_HEAD = 1 << FieldKind::ListHead as u16;
        /// [`FieldKind::ListNode`].
        const LIST_NODE = 1 << FieldKind::ListNode as u16;
        /// [`FieldKind::RbRoot`].
        const RB_ROOT = 1 << FieldKind::RbRoot as u16;
        /// [`FieldKind::RbNode`].
        const RB_NODE = 1 << FieldKind::RbNode as u16;
        /// [`FieldKind::RefCount`].
        const REFCOUNT = 1 << FieldKind::RefCount as u16;
        /// The three kinds of pointers to kernel objects.
        const KPTRS = Self::KPTR_UNTRUSTED.bits() | Self::KPTR.bits() | Self::PERCPU_KPTR.bits();
        /// What the kernel looks for in a map value (`map_check_btf`); the rest is for allocated objects.
        const MAP_VALUE = !(Self::LIST_NODE.bits() | Self::RB_NODE.bits()) & 0x3fff;
        /// What the kernel looks for in every struct of loaded BTF (`btf_parse_struct_metas`).
        const OBJECT = Self::SPIN_LOCK.bits() | Self::RES_SPIN_LOCK.bits() | Self::LIST_HEAD.bits()
            | Self::LIST_NODE.bits() | Self::RB_ROOT.bits() | Self::RB_NODE.bits() | Self::REFCOUNT.bits()
            | Self::KPTRS.bits();
    }
}

impl fmt::Display for FieldKinds {
    /// The names, joined by `|`; `0` without a flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("0") } else { bitflags::parser::to_writer(self, f) }
    }
}

/// A row of the table: name in BTF, bytes, alignment, most in one value, since which kernel.
struct Row(&'static str, u32, u32, u32, (u16, u16));

impl FieldKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::SpinLock,
        Self::ResSpinLock,
        Self::Timer,
        Self::WorkQueue,
        Self::TaskWork,
        Self::KptrUntrusted,
        Self::Kptr,
        Self::PercpuKptr,
        Self::Uptr,
        Self::ListHead,
        Self::ListNode,
        Self::RbRoot,
        Self::RbNode,
        Self::RefCount,
    ];

    const fn row(self) -> Row {
        match self {
            Self::SpinLock => Row("bpf_spin_lock", 4, 4, 1, (5, 1)),
            Self::ResSpinLock => Row("bpf_res_spin_lock", 4, 4, 1, (6, 15)),
            Self::Timer => Row("bpf_timer", 16, 8, 1, (5, 15)),
            Self::WorkQueue => Row("bpf_wq", 16, 8, 1, (6, 10)),
            Self::TaskWork => Row("bpf_task_work", 8, 8, 1, (6, 18)),
            Self::KptrUntrusted => Row("kptr_untrusted", 8, 8, 11, (5, 19)),
            Self::Kptr => Row("kptr", 8, 8, 11, (5, 19)),
            Self::PercpuKptr => Row("percpu_kptr", 8, 8, 11, (6, 6)),
            Self::Uptr => Row("uptr", 8, 8, 11, (6, 13)),
            Self::ListHead => Row("bpf_list_head", 16, 8, 11, (6, 2)),
            Self::ListNode => Row("bpf_list_node", 24, 8, 11, (6, 2)),
            Self::RbRoot => Row("bpf_rb_root", 16, 8, 11, (6, 3)),
            Self::RbNode => Row("bpf_rb_node", 32, 8, 11, (6, 3)),
            Self::RefCount => Row("bpf_refcount", 4, 4, 1, (6, 4)),
        }
    }

    /// The name of the struct, or of the type tag on a pointer: `bpf_timer`, `kptr`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// In bytes.
    #[must_use]
    pub const fn size(self) -> u32 {
        self.row().1
    }

    /// In bytes.
    #[must_use]
    pub const fn align(self) -> u32 {
        self.row().2
    }

    /// How many a value may have.
    #[must_use]
    pub const fn max_per_value(self) -> u32 {
        self.row().3
    }

    /// The first kernel that knows it.
    #[must_use]
    pub const fn since(self) -> KernelVersion {
        let (major, minor) = self.row().4;
        KernelVersion::new(major, minor)
    }

    /// The set of this kind alone.
    #[must_use]
    pub const fn set(self) -> FieldKinds {
        FieldKinds::from_bits_retain(1 << self as u16)
    }

    /// Whether it is a tagged pointer, not a struct.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        FieldKinds::KPTRS.union(FieldKinds::UPTR).contains(self.set())
    }

    /// Whether it may be an element of an array of more than one.
    #[must_use]
    pub const fn repeats(self) -> bool {
        self.is_pointer() || matches!(self, Self::ListHead | Self::RbRoot)
    }

    pub(crate) fn of_struct(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| !kind.is_pointer() && kind.name().as_bytes() == name)
    }

    fn of_tag(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.is_pointer() && kind.name().as_bytes() == name)
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A special field that the kernel will find in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialField {
    /// What it is.
    pub kind: FieldKind,
    /// In bytes from the start of the value.
    pub offset: u32,
    /// The members that lead to it: `inner.t`, `heads[2]`.
    pub path: String,
    /// The struct that a pointer points to, or that a list or tree holds.
    pub of: Option<TypeId>,
}

/// Why a type is no map value, or why the kernel will not see a special field of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The type of the value: `struct elem`.
    pub value: String,
    /// The members that lead to the field; empty for the value itself.
    pub path: String,
    /// What the field is or should have been.
    pub kind: Option<FieldKind>,
    /// In bytes from the start of the value.
    pub offset: u32,
    /// What is wrong.
    pub rule: FieldRule,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        match self.kind {
            Some(kind) => write!(f, " ({kind} at byte {})", self.offset)?,
            None if !self.path.is_empty() => write!(f, " (byte {})", self.offset)?,
            None => {}
        }
        write!(f, ": {}", self.rule)
    }
}

impl std::error::Error for FieldError {}

/// What is wrong with a special field. The errno is what the kernel keeps to itself: it makes the map without
/// the field, and the program that uses it is refused later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldRule {
    /// The type has no size, or its size cannot be told.
    #[error("no map value: {0}")]
    NotAValue(Box<BtfError>),
    /// The value type is the special struct, which the kernel looks for only inside of a struct.
    #[error("the value is the special struct itself; the kernel finds it only as a member of a struct")]
    ValueItself,
    /// The value is neither a struct nor a section.
    #[error("the kernel finds special fields in structs only; the value is of kind {value_kind}")]
    ValueNotStruct {
        /// What the value is.
        value_kind: Kind,
    },
    /// Inside of a union.
    #[error("the kernel does not look into unions")]
    InUnion,
    /// Behind a typedef, const or volatile.
    #[error("the kernel does not look behind {modifier}; use the struct itself")]
    Behind {
        /// `typedef foo_t`, `const`, ….
        modifier: String,
    },
    /// Of this name, but no struct.
    #[error("must be a struct, is of kind {found}")]
    NotAStruct {
        /// What it is.
        found: Kind,
    },
    /// Of the wrong size.
    #[error("must have {} bytes, has {found}", .expected)]
    Size {
        /// What the kernel's struct has.
        expected: u32,
        /// What this one has.
        found: u32,
    },
    /// Not aligned, in the value or in the struct it is a member of (which the kernel goes by).
    #[error("must be at a multiple of {align} bytes, is {inner} bytes into {of}")]
    Misaligned {
        /// The alignment in bytes.
        align: u32,
        /// `the value`, or `the struct around it`.
        of: &'static str,
        /// In bytes from the start of that.
        inner: u32,
    },
    /// In an array of more than one.
    #[error("in an array of {len}; only arrays of one may hold it")]
    InArray {
        /// How many elements.
        len: u64,
    },
    /// In an array of none.
    #[error("in an array without elements")]
    InEmptyArray,
    /// More than one in a value (`E2BIG`).
    #[error("a value may have one only, and {first} is one already")]
    Second {
        /// The first one.
        first: String,
    },
    /// Both kinds of locks.
    #[error("a value may have bpf_spin_lock or bpf_res_spin_lock, and {first} is there already")]
    TwoLocks {
        /// The other lock.
        first: String,
    },
    /// More than 11 in a value (`E2BIG`).
    #[error("a value may have at most {MAX_FIELDS} special fields")]
    TooMany,
    /// Two of them at one place (`EEXIST`).
    #[error("overlaps {other}")]
    Overlap {
        /// The one before it.
        other: String,
    },
    /// A member within a byte makes the kernel give up on the whole value.
    #[error("starts within a byte, and the kernel then ignores {field}")]
    BitField {
        /// A special field that is lost.
        field: String,
    },
    /// A pointer with a tag the kernel does not know makes it give up on the whole value.
    #[error("has the type tag {tag}, and the kernel then ignores {field}")]
    Tag {
        /// The tag.
        tag: String,
        /// A special field that is lost.
        field: String,
    },
    /// A pointer with two tags.
    #[error("has two type tags")]
    TwoTags,
    /// A pointer to something that is no struct.
    #[error("must point to a struct, points to {found}")]
    PointsTo {
        /// What it points to.
        found: &'static str,
    },
    /// Deeper than the kernel looks.
    #[error("nested deeper than the {} levels the kernel looks into", super::size::MAX_DEPTH)]
    TooDeep,
    /// A list or tree that does not say what it holds.
    #[error("needs exactly one declaration tag `contains:type:member`, has {found}")]
    Contains {
        /// How many there are.
        found: usize,
    },
    /// A list or tree whose tag is wrong.
    #[error("the declaration tag `{tag}` must name a struct and a {node} in it")]
    ContainsWhat {
        /// The tag.
        tag: String,
        /// `bpf_list_node` or `bpf_rb_node`.
        node: &'static str,
    },
    /// A list or tree without a lock beside it.
    #[error("needs a bpf_spin_lock or bpf_res_spin_lock in the same value")]
    NeedsLock,
    /// An object in a list and a tree must be counted.
    #[error("a struct with list and tree nodes needs a bpf_refcount")]
    NeedsRefCount,
    /// A section that gives the variable more or fewer bytes than it has.
    #[error("takes {found} bytes in its section, must take {expected}")]
    SectionSize {
        /// What its type has.
        expected: u32,
        /// What the section gives it.
        found: u32,
    },
    /// The BTF itself is wrong.
    #[error("{0}")]
    Undecodable(#[from] DecodeError),
}
