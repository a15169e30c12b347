//! One finished function: its slots, where each came from, and what is still to be filled in.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{DecodeError, Endian, Insn, Isa, Loc, LocId, Reloc, Slot, SymbolId, error::CodeError};

/// A slot and the place it came from.
pub(crate) type Line = (Slot, LocId);

/// One function, finished and read-only: an entry point, a callback, or a function that others call.
///
/// Its jumps stay inside; calls, callbacks, maps and kernel symbols are names (see [`Code::relocs`]). Any slots can be
/// in it, also such as [`Insn::decode`] does not know. Two are equal if the same bytes with the same names come out;
/// where they came from does not matter.
#[derive(Clone, Default)]
pub struct Code {
    pub(crate) lines: Vec<Line>,
    pub(crate) locs: Vec<Loc>,
    pub(crate) relocs: Vec<Reloc>,
    pub(crate) symbols: Vec<Arc<str>>,
}

impl Code {
    /// A function of these slots, for whatever reads code instead of assembling it.
    ///
    /// `lines` are the slots with the places they came from, which are indexes into `locs`; `relocs` are in ascending
    /// order of their slots and index `symbols`.
    ///
    /// # Errors
    /// [`CodeError`], if an index leads nowhere or the relocations are out of order.
    pub fn from_parts(
        lines: Vec<(Slot, LocId)>,
        locs: Vec<Loc>,
        relocs: Vec<Reloc>,
        symbols: Vec<Arc<str>>,
    ) -> Result<Self, CodeError> {
        let code = Self { lines, locs, relocs, symbols };
        code.check_locs()?;
        code.check_relocs()?;
        Ok(code)
    }

    /// How many slots there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no slot at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One slot.
    #[must_use]
    pub fn slot(&self, index: usize) -> Option<Slot> {
        self.lines.get(index).map(|(slot, _)| *slot)
    }

    /// All slots.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot> + '_ {
        self.lines.iter().map(|(slot, _)| *slot)
    }

    /// All slots with the places they came from.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (Slot, LocId)> + '_ {
        self.lines.iter().copied()
    }

    /// All instructions with the index of their first slot. What is none is an error, takes one slot, and does not
    /// end the iteration.
    pub fn insns(&self) -> impl Iterator<Item = (usize, Result<Insn, DecodeError>)> + '_ {
        let mut next = 0;
        core::iter::from_fn(move || {
            let index = next;
            let rest = self.lines.get(index..)?;
            let first = rest.first()?.0;
            let decoded = match rest.get(1) {
                Some((second, _)) => Insn::decode(&[first, *second]),
                None => Insn::decode(&[first]),
            };
            next += decoded.map_or(1, |(_, taken)| taken);
            Some((index, decoded.map(|(insn, _)| insn)))
        })
    }

    /// Where a slot came from, if it is known.
    #[must_use]
    pub fn loc(&self, index: usize) -> Option<&Loc> {
        self.locs.get(self.loc_id(index).index()?)
    }

    /// Where a slot came from, as an index into [`Code::locs`]; [`LocId::UNKNOWN`] beyond the end too.
    #[must_use]
    pub fn loc_id(&self, index: usize) -> LocId {
        self.lines.get(index).map_or(LocId::UNKNOWN, |(_, loc)| *loc)
    }

    /// The places that slots came from, each once, in the order of first use.
    #[must_use]
    pub fn locs(&self) -> &[Loc] {
        &self.locs
    }

    /// What is still to be filled in, ascending by slot.
    #[must_use]
    pub fn relocs(&self) -> &[Reloc] {
        &self.relocs
    }

    /// The name behind an id of this code; the empty string for one of another code that is out of range here.
    #[must_use]
    pub fn symbol(&self, id: SymbolId) -> &str {
        self.symbols.get(id.0 as usize).map_or("", |name| name)
    }

    /// All names that relocations use, in the order of first use.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.symbols.iter().map(|name| &**name)
    }

    /// The groups of instructions that an implementation must have to run this; slots that are no instruction do not
    /// count.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.insns().filter_map(|(_, insn)| insn.ok()).fold(Isa::empty(), |isa, insn| isa | insn.isa())
    }

    /// The bytes: eight for each slot.
    #[must_use]
    pub fn encode(&self, endian: Endian) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(endian, &mut bytes);
        bytes
    }

    /// The bytes, in place of what `bytes` held: no allocation if its capacity suffices.
    pub fn encode_into(&self, endian: Endian, bytes: &mut Vec<u8>) {
        bytes.resize(self.lines.len() * Slot::SIZE, 0);
        let (chunks, _) = bytes.as_chunks_mut::<{ Slot::SIZE }>();
        for (bytes, (slot, _)) in chunks.iter_mut().zip(&self.lines) {
            *bytes = slot.to_bytes(endian);
        }
    }

    fn check_locs(&self) -> Result<(), CodeError> {
        let known = |id: LocId| id.index().is_none_or(|index| index < self.locs.len());
        match self.lines.iter().position(|(_, id)| !known(*id)) {
            Some(slot) => Err(CodeError::NoSuchLoc { slot }),
            None => Ok(()),
        }
    }

    fn check_relocs(&self) -> Result<(), CodeError> {
        for (index, reloc) in self.relocs.iter().enumerate() {
            if reloc.slot as usize >= self.lines.len() {
                return Err(CodeError::NoSuchSlot { slot: reloc.slot });
            }
            if reloc.names().any(|name| name.0 as usize >= self.symbols.len()) {
                return Err(CodeError::NoSuchSymbol { slot: reloc.slot });
            }
            if self.relocs.get(index + 1).is_some_and(|next| next.slot < reloc.slot) {
                return Err(CodeError::Order { slot: reloc.slot });
            }
        }
        Ok(())
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.relocs == other.relocs && self.symbols == other.symbols && self.slots().eq(other.slots())
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    /// One line for each instruction: its slot, the instruction, what is to be filled in, and where it came from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Code {{")?;
        for (index, insn) in self.insns() {
            write!(f, "  {index:>5}: ")?;
            match (insn, self.slot(index)) {
                (Err(_), Some(slot)) => write!(f, "{slot:?}")?,
                (Err(error), None) => write!(f, "{error}")?,
                (Ok(insn), _) => write!(f, "{insn:?}")?,
            }
            for reloc in self.relocs_of(index) {
                write!(f, "  ; {:?} {:?}", reloc.kind, self.symbol(reloc.symbol))?;
            }
            match self.loc(index) {
                Some(loc) => writeln!(f, "  ; {loc}")?,
                None => writeln!(f)?,
            }
        }
        write!(f, "}}")
    }
}

impl Code {
    fn relocs_of(&self, slot: usize) -> &[Reloc] {
        let start = self.relocs.partition_point(|reloc| (reloc.slot as usize) < slot);
        let end = self.relocs.partition_point(|reloc| (reloc.slot as usize) <= slot);
        self.relocs.get(start..end).unwrap_or_default()
    }
}
