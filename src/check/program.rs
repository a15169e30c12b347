//! One linked program, decoded: what stands in each slot, and what the names in it mean.

use crate::asm::{DecodeError, Insn, RelocKind, Slot};
use crate::base::{Capabilities, KernelVersion};
use crate::kind::{ProgType, ProgramKind};
use crate::map::MapDef;
use crate::object::Object;
use crate::object::linker::{LinkedProgram, OpenReloc, Placed};
use crate::target::{Fact, Target};

/// What stands in a slot.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// An instruction, and how many slots it takes.
    Insn(Insn, usize),
    /// The second half of the instruction before.
    Second,
    /// No instruction.
    Invalid(DecodeError),
}

/// The maps of an object, then the templates of maps inside of them.
pub(super) struct Maps<'a> {
    all: Vec<&'a MapDef>,
    /// For each, the index of its template.
    inner: Vec<Option<usize>>,
}

impl<'a> Maps<'a> {
    pub(super) fn new(object: &'a Object) -> Self {
        let mut all: Vec<_> = object.maps().iter().collect();
        let mut inner = Vec::with_capacity(all.len());
        for map in object.maps() {
            inner.push(map.inner.as_deref().map(|template| {
                all.push(template);
                all.len() - 1
            }));
        }
        Self { all, inner }
    }
}

/// A program, ready to be checked.
pub(super) struct Program<'a> {
    pub(super) linked: &'a LinkedProgram,
    pub(super) target: &'a Target,
    pub(super) kind: ProgramKind,
    pub(super) gpl: bool,
    at: Vec<At>,
    /// For each slot, 1 + the index of its relocation; 0 for none.
    relocs: Vec<u32>,
    /// Slots whose immediate or offset is filled in by what only the kernel knows.
    patched: Vec<bool>,
    maps: &'a Maps<'a>,
    object: &'a Object,
}

impl<'a> Program<'a> {
    pub(super) fn new(
        object: &'a Object,
        maps: &'a Maps<'a>,
        linked: &'a LinkedProgram,
        target: &'a Target,
    ) -> Self {
        let len = linked.slots.len();
        let mut relocs = vec![0; len];
        let mut patched = vec![false; len];
        for (index, reloc) in (1u32..).zip(&linked.relocs) {
            if let Some(at) = relocs.get_mut(reloc.slot as usize) {
                *at = index;
            }
        }
        for core in &linked.core_relos {
            if let Some(at) = patched.get_mut(core.insn_off as usize / Slot::SIZE) {
                *at = true;
            }
        }
        Self {
            linked,
            target,
            kind: linked.def.kind,
            gpl: is_gpl(object.license()),
            at: decode(linked),
            relocs,
            patched,
            maps,
            object,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    pub(super) fn at(&self, slot: usize) -> Option<At> {
        self.at.get(slot).copied()
    }

    pub(super) fn raw(&self, slot: usize) -> Option<Slot> {
        self.linked.slots.get(slot).copied()
    }

    pub(super) fn reloc(&self, slot: usize) -> Option<&OpenReloc> {
        let index = self.relocs.get(slot)?.checked_sub(1)?;
        self.linked.relocs.get(index as usize)
    }

    /// Whether a field of the instruction is not what will run.
    pub(super) fn is_patched(&self, slot: usize) -> bool {
        let by_name = |reloc: &OpenReloc| !matches!(reloc.kind, RelocKind::Map | RelocKind::MapValue { .. });
        self.patched.get(slot).copied().unwrap_or(false) || self.reloc(slot).is_some_and(by_name)
    }

    pub(super) fn functions(&self) -> &[Placed] {
        &self.linked.functions
    }

    /// The slots of a function.
    pub(super) fn range(&self, function: usize) -> std::ops::Range<usize> {
        let start =
            |index: usize| self.functions().get(index).map_or(self.len(), |placed| placed.start as usize);
        start(function)..start(function + 1)
    }

    /// The function that holds a slot.
    pub(super) fn function_of(&self, slot: usize) -> usize {
        self.functions().partition_point(|placed| placed.start as usize <= slot).saturating_sub(1)
    }

    /// In which order slots are walked: callees, which stand behind their callers, first.
    pub(super) fn rank(&self, slot: usize) -> usize {
        let range = self.range(self.function_of(slot));
        self.len() - range.end + (slot - range.start)
    }

    /// The function that begins at a slot.
    pub(super) fn function_at(&self, slot: usize) -> Option<usize> {
        let index = self.function_of(slot);
        (self.range(index).start == slot).then_some(index)
    }

    pub(super) fn map_index(&self, name: &str) -> Option<usize> {
        self.object.map_index(name)
    }

    pub(super) fn map(&self, map: usize) -> Option<&'a MapDef> {
        self.maps.all.get(map).copied()
    }

    /// The template of the maps in a map of maps.
    pub(super) fn inner_of(&self, map: usize) -> Option<usize> {
        self.maps.inner.get(map).copied().flatten()
    }

    /// Whether the target surely lacks what came with a release.
    pub(super) fn is_before(&self, major: u16, minor: u16) -> bool {
        self.target.since(KernelVersion::new(major, minor)) == Fact::No
    }

    /// Whether the tables of what programs may do are those of the target: later releases may allow more.
    pub(super) fn is_told(&self) -> bool {
        self.target.release().is_some_and(|release| release <= super::TABLES_END)
    }

    /// Whether who loads surely lacks a capability.
    pub(super) fn lacks(&self, capability: Capabilities) -> bool {
        self.target.capabilities().is_some_and(|have| !have.lacking(capability).is_empty())
    }

    pub(super) fn is_tracing(&self) -> bool {
        matches!(
            self.kind.prog_type(),
            ProgType::KPROBE
                | ProgType::TRACEPOINT
                | ProgType::PERF_EVENT
                | ProgType::RAW_TRACEPOINT
                | ProgType::RAW_TRACEPOINT_WRITABLE
                | ProgType::TRACING
                | ProgType::LSM
                | ProgType::STRUCT_OPS
                | ProgType::EXT
        )
    }
}

fn decode(linked: &LinkedProgram) -> Vec<At> {
    let mut at = Vec::with_capacity(linked.slots.len());
    for placed in &linked.functions {
        for (_, insn) in placed.def.code.insns() {
            match insn {
                Ok(insn) => {
                    let insn = with_linked_offset(insn, linked, at.len());
                    let wide = insn.encode().len();
                    at.push(At::Insn(insn, wide));
                    at.extend((1..wide).map(|_| At::Second));
                }
                Err(error) => at.push(At::Invalid(error)),
            }
        }
    }
    at
}

/// Calls between functions have their distance only after linking.
fn with_linked_offset(insn: Insn, linked: &LinkedProgram, slot: usize) -> Insn {
    let imm = linked.slots.get(slot).map_or(0, |slot| slot.imm());
    match insn {
        Insn::CallFunction { .. } => Insn::CallFunction { off: imm },
        Insn::LoadFunction { dst, .. } => Insn::LoadFunction { dst, off: imm },
        other => other,
    }
}

/// The licences that `license_is_gpl_compatible` of the kernel takes.
fn is_gpl(license: &str) -> bool {
    matches!(
        license,
        "GPL" | "GPL v2" | "GPL and additional rights" | "Dual BSD/GPL" | "Dual MIT/GPL" | "Dual MPL/GPL"
    )
}
