//! Building one function, instruction by instruction.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::panic::Location;

use crate::{
    AsmError, Code, CoreReloc, Insn, Isa, Label, Loc, LocId, Reloc, RelocKind, Slot, Slots, SymbolId,
    code::Line, label::Owner, loc::LocTable, resolve,
};

/// Where in the user's code an instruction is emitted: captured once, on entry to a public method.
pub(crate) type At = &'static Location<'static>;

/// Builds one function: instructions in their order, labels for the places they jump to.
///
/// The methods are the mnemonics, 64-bit ones under their plain name, 32-bit ones with the suffix `32`. Each remembers
/// the line that called it, and returns the assembler, so that calls can be chained. The first mistake is kept with
/// its place and returned by [`finish`](Self::finish); what follows it is not looked at.
///
/// ```
/// use bpfsmith_asm::{Assembler, Helper, Reg::*, Size};
///
/// let mut a = Assembler::new();
/// let out = a.label();
/// a.ldx(Size::W, R2, R1, 0).mov(R0, 0).jeq(R2, 0, out).mov(R0, 1).bind(out).exit();
/// let code = a.finish()?;
/// assert_eq!(code.len(), 5);
/// # Ok::<(), bpfsmith_asm::AsmError>(())
/// ```
///
/// Assembling changes nothing: finishing twice gives the same code twice, and so does adding instructions in between,
/// each time with the right offsets.
#[derive(Debug)]
pub struct Assembler {
    isa: Isa,
    owner: Owner,
    lines: Vec<Line>,
    locs: LocTable,
    labels: Vec<Place>,
    fixups: Vec<Fixup>,
    lowered: Vec<Lowered>,
    relocs: Vec<Reloc>,
    symbols: Symbols,
    error: Option<AsmError>,
}

/// What is known of a label: the slot it stands for, and where it was bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) slot: Option<u32>,
    pub(crate) bound: LocId,
}

/// A jump whose offset is not known before the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixup {
    pub(crate) slot: u32,
    pub(crate) target: Target,
}

/// Where a jump goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Label(Label),
    /// By a distance given as a number: to this slot as asked for.
    Slot(i64),
    /// The same in a raw slot, which may be anything.
    Raw(i64),
}

/// An instruction that several stand for: from here on, slots as asked for and slots as emitted differ.
#[derive(Clone, Copy, Debug)]
struct Lowered {
    /// Its slot as asked for.
    slot: i64,
    /// How many more slots than asked for there are behind it.
    growth: i64,
}

impl Assembler {
    /// An empty function for the default instruction set, [`Isa::V3`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_isa(Isa::default())
    }

    /// An empty function for this instruction set.
    ///
    /// What the set lacks is lowered where that is exact (a sign extension to shifts, a byte swap to two conversions,
    /// less-than to greater-than); anything else it lacks is an error.
    #[must_use]
    pub fn with_isa(isa: Isa) -> Self {
        Self {
            isa,
            owner: Owner::new(),
            lines: Vec::new(),
            locs: LocTable::new(),
            labels: Vec::new(),
            fixups: Vec::new(),
            lowered: Vec::new(),
            relocs: Vec::new(),
            symbols: Symbols::default(),
            error: None,
        }
    }

    /// The instruction set it assembles for.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// How many slots there are so far; long jumps can add some when the function is finished.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing has been emitted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A new label, without a place yet.
    #[must_use = "a label is of use only where something jumps to it"]
    #[track_caller]
    #[inline]
    pub fn label(&mut self) -> Label {
        let index = self.labels.len() as u32;
        self.labels.push(Place { slot: None, bound: LocId::UNKNOWN });
        Label::new(self.owner, index, Location::caller())
    }

    /// Gives a label its place: before the next instruction. Several labels can have the same place, and one can be
    /// bound after the last instruction, though nothing may jump there.
    #[track_caller]
    #[inline]
    pub fn bind(&mut self, label: Label) -> &mut Self {
        self.bind_at(label, Location::caller())
    }

    /// The same, as if `at` had called [`bind`](Self::bind).
    #[inline]
    pub fn bind_at(&mut self, label: Label, at: &'static Location<'static>) -> &mut Self {
        let here = self.next_slot();
        let bound = self.locs.id(at);
        match self.labels.get_mut(label.index as usize) {
            Some(place) if label.belongs_to(self.owner) && place.slot.is_none() => {
                *place = Place { slot: Some(here), bound };
                self
            }
            _ => self.cannot_bind(label, at),
        }
    }

    /// Emits any instruction.
    ///
    /// A distance in it, of a jump or of a call within the function, is counted in slots as they are asked for: it stays
    /// right if an instruction in between is lowered to several, or a long jump needs more of them.
    #[track_caller]
    #[inline]
    pub fn insn(&mut self, insn: Insn) -> &mut Self {
        self.insn_at(insn, Location::caller())
    }

    /// Emits any instruction, as if `at` had called [`insn`](Self::insn).
    pub fn insn_at(&mut self, insn: Insn, at: &'static Location<'static>) -> &mut Self {
        match resolve::distance(insn.encode().first()) {
            Some(distance) => {
                let target = Target::Slot(self.slot_asked_for() + 1 + i64::from(distance));
                self.emit_jump(insn, target, at)
            }
            None => self.emit(insn, at),
        }
    }

    /// Emits a slot as it is, whatever it holds: nothing about it is checked.
    #[track_caller]
    pub fn raw(&mut self, slot: Slot) -> &mut Self {
        self.aim_raw(slot);
        self.push(slot, Location::caller());
        self
    }

    /// Emits a finished piece: its slots as they are, with the places they came from and what is still to be filled in.
    /// It is entered at its first slot and left behind its last, or by what returns in it.
    pub fn splice(&mut self, piece: &Code) -> &mut Self {
        let locs: Vec<_> = piece.locs().iter().map(|loc| self.locs.add(loc)).collect();
        let mut relocs = piece.relocs().iter().peekable();
        for (index, (slot, loc)) in piece.lines().enumerate() {
            let mut named = false;
            while let Some(reloc) = relocs.next_if(|reloc| reloc.slot as usize == index) {
                self.splice_reloc(piece, *reloc);
                named = true;
            }
            // The distance to what has a name is not known yet.
            if !named {
                self.aim_raw(slot);
            }
            let loc = loc.index().and_then(|index| locs.get(index)).copied().unwrap_or(LocId::UNKNOWN);
            self.lines.push((slot, loc));
        }
        self
    }

    /// The finished function.
    ///
    /// # Errors
    /// The first mistake that was made: [`AsmError`] names the line of Rust, or both where two are at odds.
    pub fn finish(&self) -> Result<Code, AsmError> {
        let mut code = Code::default();
        self.finish_into(&mut code)?;
        Ok(code)
    }

    /// The same as [`finish`](Self::finish), in place of what `code` held: no allocation if its capacity suffices.
    ///
    /// # Errors
    /// As of [`finish`](Self::finish); `code` is empty then.
    pub fn finish_into(&self, code: &mut Code) -> Result<(), AsmError> {
        let result = match &self.error {
            Some(error) => Err(error.clone()),
            None => resolve::resolve(self, code),
        };
        if result.is_err() {
            *code = Code::default();
        }
        result
    }

    /// Forgets everything but the instruction set, and keeps the memory. Labels made before belong to it no more.
    pub fn clear(&mut self) {
        self.owner = Owner::new();
        self.lines.clear();
        self.locs.clear();
        self.labels.clear();
        self.fixups.clear();
        self.lowered.clear();
        self.relocs.clear();
        self.symbols.clear();
        self.error = None;
    }
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new()
    }
}

/// What the mnemonics build on.
impl Assembler {
    /// Emits an instruction that does not jump.
    #[inline(always)] // The shape is known to every caller: nearly all of this folds away.
    pub(crate) fn emit(&mut self, insn: Insn, at: At) -> &mut Self {
        if self.isa.contains(insn.isa()) && insn.refusal().is_none() {
            self.push_all(insn.encode(), at);
            self
        } else {
            self.emit_otherwise(insn, at)
        }
    }

    /// Emits an instruction that jumps; its own distance does not matter.
    #[inline(always)] // As above.
    pub(crate) fn emit_jump(&mut self, insn: Insn, target: Target, at: At) -> &mut Self {
        if let Target::Label(label) = target
            && !label.belongs_to(self.owner)
        {
            return self.fail(AsmError::Foreign { used: Loc::of(at), made: Loc::of(label.made) });
        }
        if self.isa.contains(insn.isa()) && insn.refusal().is_none() {
            self.fixups.push(Fixup { slot: self.lines.len() as u32, target });
            self.push_all(insn.encode(), at);
            self
        } else {
            self.emit_jump_otherwise(insn, target, at)
        }
    }

    /// Emits an instruction with something to fill in.
    pub(crate) fn emit_reloc(&mut self, insn: Insn, kind: RelocKind, name: &str, at: At) -> &mut Self {
        if !kind.takes_name(name) {
            return self.no_such_name(name, at);
        }
        if let RelocKind::Core(core) = kind
            && self.symbols.names.get(core.access.0 as usize).is_none()
        {
            return self.no_such_name("", at);
        }
        if !kind.fits(insn) {
            return self.fail(AsmError::Reloc { loc: Loc::of(at), insn, kind });
        }
        let symbol = self.symbols.id(name);
        self.relocs.push(Reloc { slot: self.next_slot(), kind, symbol });
        self.emit(insn, at)
    }

    /// What is to be filled into the next slot, as in another piece of code.
    fn splice_reloc(&mut self, piece: &Code, reloc: Reloc) {
        let kind = match reloc.kind {
            RelocKind::Core(core) => {
                RelocKind::Core(CoreReloc { access: self.symbols.id(piece.symbol(core.access)), ..core })
            }
            other => other,
        };
        let symbol = self.symbols.id(piece.symbol(reloc.symbol));
        self.relocs.push(Reloc { slot: self.next_slot(), kind, symbol });
    }

    pub(crate) fn symbol_id(&mut self, name: &str) -> SymbolId {
        self.symbols.id(name)
    }

    /// The slot that comes next.
    #[inline]
    pub(crate) fn next_slot(&self) -> u32 {
        self.lines.len() as u32
    }

    /// The same as asked for: an instruction that was lowered counts as one.
    pub(crate) fn slot_asked_for(&self) -> i64 {
        self.lines.len() as i64 - self.growth()
    }

    /// Remembers that what has been emitted since `first` stands for one instruction of one slot.
    pub(crate) fn lowered_since(&mut self, first: u32) {
        let more = i64::from(self.next_slot()) - i64::from(first) - 1;
        if more > 0 {
            let growth = self.growth();
            self.lowered.push(Lowered { slot: i64::from(first) - growth, growth: growth + more });
        }
    }

    fn growth(&self) -> i64 {
        self.lowered.last().map_or(0, |last| last.growth)
    }

    /// Keeps the first error.
    #[cold]
    pub(crate) fn fail(&mut self, error: AsmError) -> &mut Self {
        self.error.get_or_insert(error);
        self
    }

    #[inline(always)] // As above.
    fn push_all(&mut self, slots: Slots, at: At) {
        self.push(slots.first(), at);
        if let Some(second) = slots.second() {
            self.push(second, at);
        }
    }

    /// What a raw slot that jumps goes to, so that it still does when slots move.
    fn aim_raw(&mut self, slot: Slot) {
        if let Some(distance) = resolve::distance(slot) {
            let target = Target::Raw(self.slot_asked_for() + 1 + i64::from(distance));
            self.fixups.push(Fixup { slot: self.next_slot(), target });
        }
    }

    #[inline(never)] // One call for each instruction is faster than a copy of this for each.
    fn push(&mut self, slot: Slot, at: At) {
        match self.locs.cached(at) {
            Some(loc) if self.lines.len() < self.lines.capacity() => self.lines.push((slot, loc)),
            _ => self.push_new(slot, at),
        }
    }

    /// For a place that is met for the first time, or into more memory. On its own, so that nothing is saved for it otherwise.
    #[cold]
    #[inline(never)]
    fn push_new(&mut self, slot: Slot, at: At) {
        let loc = self.locs.id(at);
        self.lines.push((slot, loc));
    }

    #[cold]
    pub(crate) fn no_such_name(&mut self, name: &str, at: At) -> &mut Self {
        self.fail(AsmError::Symbol { loc: Loc::of(at), name: name.into() })
    }

    #[cold]
    fn cannot_bind(&mut self, label: Label, at: At) -> &mut Self {
        let first = match self.labels.get(label.index as usize) {
            Some(place) if label.belongs_to(self.owner) => self.loc(place.bound),
            _ => return self.fail(AsmError::Foreign { used: Loc::of(at), made: Loc::of(label.made) }),
        };
        self.fail(AsmError::BoundTwice { second: Loc::of(at), first })
    }
}

/// What reading text builds on: everything is emitted as written, and a place is an index into a table the reader keeps.
#[cfg(feature = "text")]
impl Assembler {
    pub(crate) fn text_insn(&mut self, insn: Insn, at: LocId) {
        let slots = insn.encode();
        self.text_raw(slots.first(), at);
        if let Some(second) = slots.second() {
            self.lines.push((second, at));
        }
    }

    pub(crate) fn text_raw(&mut self, slot: Slot, at: LocId) {
        self.aim_raw(slot);
        self.lines.push((slot, at));
    }

    pub(crate) fn text_jump(&mut self, insn: Insn, label: Label, at: LocId) {
        self.fixups.push(Fixup { slot: self.next_slot(), target: Target::Label(label) });
        self.lines.push((insn.encode().first(), at));
    }

    pub(crate) fn text_reloc(&mut self, slot: u32, kind: RelocKind, name: &str) {
        let symbol = self.symbols.id(name);
        self.relocs.push(Reloc { slot, kind, symbol });
    }

    /// Gives a label its place; the reader knows that it has none yet.
    pub(crate) fn text_bind(&mut self, label: Label, at: LocId) {
        let here = self.next_slot();
        if let Some(place) = self.labels.get_mut(label.index as usize) {
            *place = Place { slot: Some(here), bound: at };
        }
    }

    /// The table the places are indexes of, for errors to name them.
    pub(crate) fn set_locs(&mut self, locs: Vec<Loc>) {
        self.locs.set(locs);
    }
}

/// What resolving looks at.
impl Assembler {
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn fixups(&self) -> &[Fixup] {
        &self.fixups
    }

    pub(crate) fn relocs(&self) -> &Vec<Reloc> {
        &self.relocs
    }

    pub(crate) fn symbols(&self) -> &Vec<Arc<str>> {
        &self.symbols.names
    }

    pub(crate) fn loc_table(&self) -> &Vec<Loc> {
        self.locs.locs()
    }

    pub(crate) fn place(&self, label: Label) -> Option<&Place> {
        self.labels.get(label.index as usize)
    }

    /// Where a slot as asked for has been emitted.
    pub(crate) fn emitted(&self, slot: i64) -> i64 {
        let before = self.lowered.partition_point(|lowered| lowered.slot < slot);
        slot + before.checked_sub(1).and_then(|last| self.lowered.get(last)).map_or(0, |last| last.growth)
    }

    /// The place behind an id; every id comes from the table, so there always is one.
    pub(crate) fn loc(&self, id: LocId) -> Loc {
        self.locs.get(id).cloned().unwrap_or_else(|| Loc::new("", 0, 0, None))
    }

    pub(crate) fn loc_of_slot(&self, slot: u32) -> Loc {
        self.loc(self.lines.get(slot as usize).map_or(LocId::UNKNOWN, |(_, id)| *id))
    }
}

/// Names, each once, numbered in the order of first use.
#[derive(Debug, Default)]
struct Symbols {
    names: Vec<Arc<str>>,
    ids: BTreeMap<Arc<str>, SymbolId>,
}

impl Symbols {
    fn id(&mut self, name: &str) -> SymbolId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = SymbolId(self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    fn clear(&mut self) {
        self.names.clear();
        self.ids.clear();
    }
}
