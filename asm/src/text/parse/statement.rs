//! One statement: labels, an instruction, and what is to be filled in.

use alloc::borrow::Cow;

use super::{
    Parsed, Parser, TextErrorKind, mistake,
    place::{Named, Place, Type, fits, low_word, named, register_word, stack_arg},
};
use crate::{
    BtfScope, Cond, CoreKind, CoreReloc, Helper, Insn, LocId, RelocKind, Size, Slot, Source, Width,
    op::{AtomicOp, pseudo, special},
    text::words::{self, Atomic},
};

/// What a statement emits.
pub(super) enum Emit<'a> {
    Insn(Insn),
    /// A jump to a label that stands at this place in the text.
    Jump(Insn, Cow<'a, str>, usize),
    /// An instruction with a name to fill in.
    Named(Insn, RelocKind, Cow<'a, str>),
    /// One slot as it is, or two.
    Raw(Slot, Option<Slot>),
}

impl<'a> Parser<'a> {
    pub(super) fn statement(&mut self) -> Parsed<()> {
        let at = self.cursor.at();
        let emit = match self.cursor.peek() {
            Some(b'*') => self.store()?,
            Some(b'"') => return self.quoted_label(at),
            _ => match self.word_or_label(at)? {
                Some(word) => self.instruction(word, at)?,
                None => return Ok(()),
            },
        };
        let slot = self.asm.next_slot();
        let place = self.place(at);
        self.emit(emit, place);
        self.relocs(slot)?;
        self.end()
    }

    /// The word that begins an instruction, or none if a label was there instead.
    #[inline]
    fn word_or_label(&mut self, at: usize) -> Parsed<Option<&'a str>> {
        let word = self.cursor.word();
        if self.cursor.peek() != Some(b':') {
            return Ok(Some(word));
        }
        self.cursor.skip(1);
        // A number in front of a line is that of its slot.
        let numbered = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if !numbered {
            self.label(Cow::Borrowed(word), at)?;
        }
        Ok(None)
    }

    fn quoted_label(&mut self, at: usize) -> Parsed<()> {
        let name = self.cursor.name()?;
        self.cursor.expect(":")?;
        self.label(name, at)
    }

    fn label(&mut self, name: Cow<'a, str>, at: usize) -> Parsed<()> {
        if name.is_empty() {
            return mistake(at, TextErrorKind::Name { name: "".into() });
        }
        let asm = &mut self.asm;
        let label = self.labels.stands(name, self.line.number, at, || asm.label())?;
        let place = self.place(at);
        self.asm.text_bind(label, place);
        Ok(())
    }

    fn instruction(&mut self, word: &'a str, at: usize) -> Parsed<Emit<'a>> {
        if let Some((width, number)) = register_word(word) {
            return self.assignment(named(width, number, at)?, at);
        }
        match word {
            "if" => self.branch(),
            "call" => self.call(),
            "goto" => self.jump(|off| Insn::Ja { off }),
            "exit" => Ok(Emit::Insn(Insn::Exit)),
            "lock" => self.lock(),
            "gotol" => self.jump_long(),
            "may_goto" => self.jump(|off| Insn::MayGoto { off }),
            "gotox" => Ok(Emit::Insn(Insn::Gotox { dst: self.cursor.whole_register()? })),
            "store_release" => self.store_release(),
            "ld_pseudo" => self.load_pseudo(),
            ".byte" => self.bytes(),
            "callx" => mistake(at, TextErrorKind::Callx),
            "" => Err(self.cursor.expected("an instruction")),
            _ => mistake(at, TextErrorKind::Unknown { word: word.into() }),
        }
    }

    /// `*(u32 *)(r10 - 4) = 7`
    fn store(&mut self) -> Parsed<Emit<'a>> {
        self.cursor.skip(1);
        let size = self.cursor.unsigned_pointer()?;
        let at = self.cursor.at();
        let place = self.cursor.place()?;
        self.cursor.expect("=")?;
        self.cursor.blanks()?;
        let from = self.cursor.at();
        let insn = match (place, self.cursor.try_register()?) {
            (Place::At(base, off), Some(register)) => {
                let src = fits(register, size, from)?;
                Insn::Store { size, base, off, src }
            }
            (Place::At(base, off), None) => Insn::StoreImm { size, base, off, imm: self.stored(size)? },
            (Place::Arg(off), source) => {
                let arg = stack_arg(at, off.checked_neg().filter(|_| size == Size::DW))?;
                match source {
                    Some(register) => Insn::StoreArg { arg, src: fits(register, size, from)? },
                    None => Insn::StoreArgImm { arg, imm: self.stored(size)? },
                }
            }
        };
        Ok(Emit::Insn(insn))
    }

    /// What is stored can be written without a sign where it is not extended.
    fn stored(&mut self, size: Size) -> Parsed<i32> {
        self.cursor.immediate(if size == Size::DW { Width::Bits64 } else { Width::Bits32 })
    }

    /// `store_release((u64 *)(r1 + 0), r2)`
    fn store_release(&mut self) -> Parsed<Emit<'a>> {
        self.cursor.expect("(")?;
        let size = self.cursor.unsigned_pointer()?;
        let (base, off) = self.cursor.register_place()?;
        self.cursor.expect(",")?;
        let src = self.cursor.register_for(size)?;
        self.cursor.expect(")")?;
        Ok(Emit::Insn(Insn::StoreRelease { size, base, off, src }))
    }

    /// `lock *(u64 *)(r1 + 0) += r2`
    fn lock(&mut self) -> Parsed<Emit<'a>> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let width = match self.cursor.pointed()? {
            Type::Unsigned(Size::W) => Width::Bits32,
            Type::Unsigned(Size::DW) => Width::Bits64,
            _ => {
                self.cursor.back_to(at);
                return Err(self.cursor.expected("*(u32 *) or *(u64 *)"));
            }
        };
        let (base, off) = self.cursor.register_place()?;
        let op = self.lock_operation()?;
        let src = self.cursor.register_for(width.into())?;
        Ok(Emit::Insn(Insn::Atomic { op, width, base, off, src }))
    }

    fn lock_operation(&mut self) -> Parsed<AtomicOp> {
        for &op in AtomicOp::ALL {
            if let Atomic::Plain(word) = words::atomic(op)
                && self.cursor.eat(word)?
            {
                return Ok(op);
            }
        }
        Err(self.cursor.expected("+=, |=, &= or ^="))
    }

    /// `if r0 == 0 goto +3`
    fn branch(&mut self) -> Parsed<Emit<'a>> {
        let Named { width, reg: dst } = self.cursor.register()?;
        let cond = self.condition()?;
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let src = match self.cursor.try_register()? {
            Some(register) if register.width == width => Source::Reg(register.reg),
            Some(_) => return mistake(at, TextErrorKind::Widths),
            None => Source::Imm(self.cursor.immediate(width)?),
        };
        self.cursor.expect("goto")?;
        self.jump(|off| Insn::Jump { cond, width, dst, src, off })
    }

    #[inline]
    fn condition(&mut self) -> Parsed<Cond> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let word = self.cursor.take_while(|byte| matches!(byte, b's' | b'=' | b'!' | b'<' | b'>' | b'&'));
        match Cond::ALL.iter().find(|cond| words::cond(**cond) == word) {
            Some(cond) => Ok(*cond),
            None => {
                self.cursor.back_to(at);
                Err(self.cursor.expected("a comparison"))
            }
        }
    }

    #[inline]
    fn jump(&mut self, insn: impl Fn(i16) -> Insn) -> Parsed<Emit<'a>> {
        match self.cursor.sign()? {
            Some(_) => Ok(Emit::Insn(insn(self.cursor.distance("a distance of 16 bits")?))),
            None => self.jump_to_label(insn(0)),
        }
    }

    fn jump_long(&mut self) -> Parsed<Emit<'a>> {
        match self.cursor.sign()? {
            Some(_) => Ok(Emit::Insn(Insn::JaLong { off: self.cursor.distance("a distance of 32 bits")? })),
            None => self.jump_to_label(Insn::JaLong { off: 0 }),
        }
    }

    fn jump_to_label(&mut self, insn: Insn) -> Parsed<Emit<'a>> {
        let at = self.cursor.at();
        let name = self.cursor.name().map_err(|_| {
            self.cursor.back_to(at);
            self.cursor.expected("a label, or a distance with + or -")
        })?;
        Ok(Emit::Jump(insn, name, at))
    }

    fn call(&mut self) -> Parsed<Emit<'a>> {
        self.cursor.blanks()?;
        if self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let number = self.cursor.number_in("the number of a helper", |n| u32::try_from(n).ok())?;
            return Ok(Emit::Insn(Insn::Call { helper: Helper(number) }));
        }
        let quoted = self.cursor.peek() == Some(b'"');
        if self.cursor.sign()?.is_some() {
            return Err(self.cursor.expected("func(...) around a distance, or a name"));
        }
        let name = self.cursor.name()?;
        match (&*name, quoted) {
            ("kfunc", false) if self.cursor.eat("(")? => self.call_kfunc(),
            ("func", false) if self.cursor.eat("(")? => self.call_function(),
            (word, false) => match Helper::by_name(word) {
                Some(helper) => Ok(Emit::Insn(Insn::Call { helper })),
                None => Ok(call_function(name)),
            },
            (_, true) => Ok(call_function(name)),
        }
    }

    fn call_function(&mut self) -> Parsed<Emit<'a>> {
        let emit = match self.cursor.sign()? {
            Some(_) => Emit::Insn(Insn::CallFunction { off: self.cursor.distance("a distance of 32 bits")? }),
            None => call_function(self.cursor.name()?),
        };
        self.cursor.expect(")")?;
        Ok(emit)
    }

    fn call_kfunc(&mut self) -> Parsed<Emit<'a>> {
        self.cursor.blanks()?;
        let emit = if self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let id = self.cursor.number_in("a BTF id", |n| u32::try_from(n).ok())?;
            let second = self.cursor.eat(",")?;
            let btf_index = if second { self.cursor.distance("an index of 16 bits")? } else { 0 };
            Emit::Insn(Insn::CallKfunc { id, btf_index })
        } else {
            let insn = Insn::CallKfunc { id: 0, btf_index: 0 };
            Emit::Named(insn, RelocKind::Kfunc, self.cursor.name()?)
        };
        self.cursor.expect(")")?;
        Ok(emit)
    }

    /// `ld_pseudo r1, 1, 5`
    fn load_pseudo(&mut self) -> Parsed<Emit<'a>> {
        let dst = self.cursor.whole_register()?.number();
        self.cursor.expect(",")?;
        let form = |n| u8::try_from(n).ok().filter(|form| (1..=pseudo::MAP_IDX_VALUE).contains(form));
        let src = self.cursor.number_in("a source field, 1 to 6", form)?;
        self.cursor.expect(",")?;
        let low = self.cursor.number_in("32 bits", low_word)?;
        let high = if self.cursor.eat(",")? { self.cursor.number_in("32 bits", low_word)? } else { 0 };
        let first = Slot::of(special::LOAD_IMM64, dst, src, 0, low);
        Ok(Emit::Raw(first, Some(Slot::of(0, 0, 0, 0, high))))
    }

    /// `.byte 0x8d, 0x01, ...`
    fn bytes(&mut self) -> Parsed<Emit<'a>> {
        let mut bytes = [0; Slot::SIZE];
        for (i, byte) in bytes.iter_mut().enumerate() {
            if i > 0 {
                self.cursor.expect(",")?;
            }
            *byte = self.cursor.number_in("a byte", |n| u8::try_from(n).ok())?;
        }
        Ok(Emit::Raw(Slot::from_bytes(bytes, crate::Endian::Little), None))
    }

    #[inline]
    fn emit(&mut self, emit: Emit<'a>, place: LocId) {
        match emit {
            Emit::Insn(insn) => self.asm.text_insn(insn, place),
            Emit::Jump(insn, name, at) => {
                let asm = &mut self.asm;
                let label = self.labels.used(name, at, || asm.label());
                self.asm.text_jump(insn, label, place);
            }
            Emit::Named(insn, kind, name) => {
                self.asm.text_reloc(self.asm.next_slot(), kind, &name);
                self.asm.text_insn(insn, place);
            }
            Emit::Raw(first, second) => {
                self.asm.text_raw(first, place);
                if let Some(second) = second {
                    self.asm.text_raw(second, place);
                }
            }
        }
    }

    /// `reloc map(hmap)`, any number of times.
    #[inline]
    fn relocs(&mut self, slot: u32) -> Parsed<()> {
        self.cursor.blanks()?;
        while self.cursor.peek() == Some(b'r') {
            self.cursor.expect("reloc")?;
            self.reloc(slot)?;
            self.cursor.blanks()?;
        }
        Ok(())
    }

    fn reloc(&mut self, slot: u32) -> Parsed<()> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let word = self.cursor.word();
        self.cursor.expect("(")?;
        let (kind, name) = match word {
            "map" => (RelocKind::Map, self.cursor.name()?),
            "map_value" => {
                let name = self.cursor.name()?;
                self.cursor.expect(",")?;
                let offset = self.cursor.number_in("32 bits", |n| u32::try_from(n).ok())?;
                (RelocKind::MapValue { offset }, name)
            }
            "call" => (RelocKind::CallFunction, self.cursor.name()?),
            "func" => (RelocKind::LoadFunction, self.cursor.name()?),
            "kfunc" => (RelocKind::Kfunc, self.cursor.name()?),
            "ksym" => (RelocKind::Ksym { typed: false }, self.cursor.name()?),
            "typed_ksym" => (RelocKind::Ksym { typed: true }, self.cursor.name()?),
            "btf_id" => self.btf_id()?,
            "core" => self.core()?,
            _ => return mistake(at, TextErrorKind::Unknown { word: word.into() }),
        };
        self.cursor.expect(")")?;
        self.asm.text_reloc(slot, kind, &name);
        Ok(())
    }

    fn btf_id(&mut self) -> Parsed<(RelocKind, Cow<'a, str>)> {
        let scope = if self.cursor.eat("program")? {
            BtfScope::Program
        } else if self.cursor.eat("kernel")? {
            BtfScope::Kernel
        } else {
            return Err(self.cursor.expected("program or kernel"));
        };
        self.cursor.expect(",")?;
        Ok((RelocKind::BtfId(scope), self.cursor.name()?))
    }

    fn core(&mut self) -> Parsed<(RelocKind, Cow<'a, str>)> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let word = self.cursor.word();
        let Some(&kind) = CoreKind::ALL.iter().find(|kind| words::core_kind(**kind) == word) else {
            return mistake(at, TextErrorKind::Unknown { word: word.into() });
        };
        self.cursor.expect(",")?;
        let type_id = self.cursor.number_in("a type id", |n| u32::try_from(n).ok())?;
        self.cursor.expect(",")?;
        let access = self.cursor.name()?;
        self.cursor.expect(",")?;
        let access = self.asm.symbol_id(&access);
        Ok((RelocKind::Core(CoreReloc { kind, type_id, access }), self.cursor.name_or_none()?))
    }

    /// The end of the statement; `<.text+0x18>`, as `llvm-objdump` writes behind a jump, is passed over.
    #[inline]
    fn end(&mut self) -> Parsed<()> {
        self.cursor.blanks()?;
        if self.cursor.peek() == Some(b'<') {
            self.cursor.take_while(|byte| !matches!(byte, b'>' | b'\n'));
            self.cursor.expect(">")?;
            self.cursor.blanks()?;
        }
        if self.cursor.ends() { Ok(()) } else { Err(self.cursor.expected("the end of the line")) }
    }
}

fn call_function(name: Cow<'_, str>) -> Emit<'_> {
    Emit::Named(Insn::CallFunction { off: 0 }, RelocKind::CallFunction, name)
}
