//! Programs inside an object: plain data.

use crate::base::KernelVersion;
use crate::kind::ProgramKind;
use crate::site::Site;

use bitflags::bitflags;

/// A program: an entry function and a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramDef {
    /// The name it is loaded under; the kernel sees the first 15 bytes.
    pub name: String,
    /// What it is and where it attaches.
    pub kind: ProgramKind,
    /// The name of its entry function.
    pub entry: String,
    /// `prog_flags`.
    pub flags: ProgramFlags,
    /// What it attaches to, by name, where its kind needs that at load time (`attach_btf_id`).
    pub target: Option<String>,
    /// The Rust line that added it.
    pub site: Site,
}

/// A program as its author describes it; [`ObjectBuilder::add_program`] takes it together with the code of its entry function.
///
/// [`ObjectBuilder::add_program`]: crate::object::ObjectBuilder::add_program
#[derive(Clone, Debug)]
#[must_use = "a specification does nothing until an ObjectBuilder takes it"]
pub struct ProgramSpec {
    pub(crate) name: String,
    pub(crate) kind: ProgramKind,
    pub(crate) flags: ProgramFlags,
    pub(crate) target: Option<String>,
}

impl ProgramSpec {
    /// A program `name` of `kind`; sleepable where the kind always is.
    pub fn new(name: impl Into<String>, kind: ProgramKind) -> Self {
        let flags = if kind.sleepable() { ProgramFlags::SLEEPABLE } else { ProgramFlags::empty() };
        Self { name: name.into(), kind, flags, target: None }
    }

    /// Adds `prog_flags`.
    pub fn flags(mut self, flags: ProgramFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// What it attaches to, by the name in the kernel's BTF (`attach_btf_id`, since 5.5).
    pub fn attach_to(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }
}

bitflags! {
    /// `prog_flags` of `BPF_PROG_LOAD` (uapi `BPF_F_*`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct ProgramFlags: u32 {
        /// `BPF_F_STRICT_ALIGNMENT` (4.12): every access aligned, as if the machine demanded it.
        const STRICT_ALIGNMENT = 1;
        /// `BPF_F_ANY_ALIGNMENT` (5.0): unaligned accesses allowed where the machine demands alignment.
        const ANY_ALIGNMENT = 2;
        /// `BPF_F_TEST_RND_HI32` (5.3): random upper halves of 32-bit results, for tests of the verifier.
        const TEST_RND_HI32 = 4;
        /// `BPF_F_TEST_STATE_FREQ` (5.4): verifier checkpoints at every instruction, for its tests.
        const TEST_STATE_FREQ = 8;
        /// `BPF_F_SLEEPABLE` (5.10): the program may sleep.
        const SLEEPABLE = 16;
        /// `BPF_F_XDP_HAS_FRAGS` (5.18): the program understands packets in fragments.
        const XDP_HAS_FRAGS = 32;
        /// `BPF_F_XDP_DEV_BOUND_ONLY` (6.3): bound to one device without being offloaded to it.
        const XDP_DEV_BOUND_ONLY = 64;
        /// `BPF_F_TEST_REG_INVARIANTS` (6.8): a broken register invariant is an error, for tests of the verifier.
        const TEST_REG_INVARIANTS = 128;
        /// `BPF_F_TOKEN_FD` (6.9): `prog_token_fd` is given.
        const TOKEN_FD = crate::base::flags::BPF_F_TOKEN_FD;
        const _ = !0;
    }
}

impl ProgramFlags {
    /// The first release that knows all of the flags; `None` without a flag, or with one that has no name.
    #[must_use]
    pub fn since(self) -> Option<KernelVersion> {
        self.iter().map(Self::since_one).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    fn since_one(flag: Self) -> Option<KernelVersion> {
        let (major, minor) = match flag {
            Self::STRICT_ALIGNMENT => (4, 12),
            Self::ANY_ALIGNMENT => (5, 0),
            Self::TEST_RND_HI32 => (5, 3),
            Self::TEST_STATE_FREQ => (5, 4),
            Self::SLEEPABLE => (5, 10),
            Self::XDP_HAS_FRAGS => (5, 18),
            Self::XDP_DEV_BOUND_ONLY => (6, 3),
            Self::TEST_REG_INVARIANTS => (6, 8),
            Self::TOKEN_FD => (6, 9),
            _ => return None,
        };
        Some(KernelVersion::new(major, minor))
    }
}

/// The names, joined by `|`; `0` without a flag.
impl std::fmt::Display for ProgramFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() { f.write_str("0") } else { bitflags::parser::to_writer(self, f) }
    }
}
