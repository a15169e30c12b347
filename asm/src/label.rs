//! Places to jump to, before their offsets are known.

use core::{
    fmt,
    panic::Location,
    sync::atomic::{AtomicU32, Ordering},
};

/// A place in the function an [`Assembler`](crate::Assembler) is building.
///
/// Made by [`Assembler::label`](crate::Assembler::label), given a place by
/// [`Assembler::bind`](crate::Assembler::bind). It is a handle: two labels never collide, whatever snippets make them,
/// and one of another assembler (or from before a [`clear`](crate::Assembler::clear)) is told apart.
#[derive(Clone, Copy)]
pub struct Label {
    owner: Owner,
    pub(crate) index: u32,
    pub(crate) made: &'static Location<'static>,
}

impl Label {
    pub(crate) const fn new(owner: Owner, index: u32, made: &'static Location<'static>) -> Self {
        Self { owner, index, made }
    }

    #[inline]
    pub(crate) fn belongs_to(self, owner: Owner) -> bool {
        self.owner == owner
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.owner == other.owner && self.index == other.index
    }
}

impl Eq for Label {}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({} made at {})", self.index, crate::Loc::of(self.made))
    }
}

/// Who made a label: compared, never printed, so that nothing that comes out depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    /// One that no label has, but for one made four billion assemblers ago.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner")
    }
}
