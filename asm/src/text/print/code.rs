//! A whole function: one line an instruction, with its slot and the names it refers to.

use core::fmt::{self, Display as _, Formatter, Write as _};

use super::Form;
use crate::{BtfScope, Code, Endian, Helper, Insn, MapRef, Reg, Reloc, RelocKind, Slot, text::words};

impl Code {
    /// The function as text in one of the forms: one line an instruction, the number of its slot in front.
    ///
    /// In the [`Llvm`](Form::Llvm) form it can be read back, into an equal function.
    #[must_use]
    pub const fn display(&self, form: Form) -> DisplayCode<'_> {
        DisplayCode { code: self, form }
    }
}

impl fmt::Display for Code {
    /// LLVM's assembler syntax.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.display(Form::Llvm).fmt(f)
    }
}

/// A function that prints itself; made by [`Code::display`].
#[derive(Clone, Copy, Debug)]
pub struct DisplayCode<'a> {
    code: &'a Code,
    form: Form,
}

impl fmt::Display for DisplayCode<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = digits(self.code.len().saturating_sub(1));
        let mut relocs = self.code.relocs();
        let mut index = 0;
        while let Some(first) = self.code.slot(index) {
            write!(f, "{index:>width$}: ")?;
            let own = take_slot(&mut relocs, index);
            index += match self.insn(first, index, relocs) {
                Some((insn, taken)) => {
                    self.line(f, insn, own)?;
                    taken
                }
                None => {
                    bytes(f, first)?;
                    self.suffixes(f, own)?;
                    1
                }
            };
            f.write_char('\n')?;
        }
        Ok(())
    }
}

impl DisplayCode<'_> {
    /// The instruction that begins with `first`. One whose second slot has a relocation of its own is shown as bytes,
    /// or the relocation would be lost.
    fn insn(&self, first: Slot, index: usize, later: &[Reloc]) -> Option<(Insn, usize)> {
        let claimed = later.first().is_some_and(|reloc| reloc.slot as usize == index + 1);
        match self.code.slot(index + 1) {
            Some(second) if !claimed => Insn::decode(&[first, second]).ok(),
            _ => Insn::decode(&[first]).ok(),
        }
    }

    fn line(&self, f: &mut Formatter<'_>, insn: Insn, relocs: &[Reloc]) -> fmt::Result {
        match (self.form, relocs) {
            (_, []) => insn.display(self.form).fmt(f),
            (Form::Llvm | Form::Hex, [reloc]) => match self.named(insn, reloc) {
                Some(named) => named.fmt(f),
                None => self.with_suffixes(f, insn, relocs),
            },
            (Form::Kernel, [reloc]) => match self.named(insn, reloc) {
                Some(named) => write!(f, "({:02x}) {:#}", insn.encode().first().opcode(), named),
                None => self.with_suffixes(f, insn, relocs),
            },
            _ => self.with_suffixes(f, insn, relocs),
        }
    }

    /// The instruction with its name in the place of the number, if it is one that is made so.
    fn named(&self, insn: Insn, reloc: &Reloc) -> Option<NamedInsn<'_>> {
        let what = match (insn, reloc.kind) {
            (Insn::LoadMap { dst, map: MapRef::Fd(0) }, RelocKind::Map) => Named::Map(dst),
            (
                Insn::LoadMapValue { dst, map: MapRef::Fd(0), offset },
                RelocKind::MapValue { offset: same },
            ) if offset == same => Named::MapValue(dst, offset),
            (Insn::LoadFunction { dst, off: 0 }, RelocKind::LoadFunction) => Named::Load("func", dst),
            (Insn::LoadImm64 { dst, value: 0 }, RelocKind::Ksym { typed: false }) => Named::Load("ksym", dst),
            (Insn::LoadBtfId { dst, id: 0, btf_fd: 0 }, RelocKind::Ksym { typed: true }) => {
                Named::Load("typed_ksym", dst)
            }
            (Insn::CallFunction { off: 0 }, RelocKind::CallFunction) => Named::Call,
            (Insn::CallKfunc { id: 0, btf_index: 0 }, RelocKind::Kfunc) => Named::CallKfunc,
            _ => return None,
        };
        Some(NamedInsn { what, name: self.code.symbol(reloc.symbol) })
    }

    fn with_suffixes(&self, f: &mut Formatter<'_>, insn: Insn, relocs: &[Reloc]) -> fmt::Result {
        insn.display(self.form).fmt(f)?;
        self.suffixes(f, relocs)
    }

    fn suffixes(&self, f: &mut Formatter<'_>, relocs: &[Reloc]) -> fmt::Result {
        relocs.iter().try_for_each(|reloc| {
            f.write_str(" reloc ")?;
            self.suffix(f, reloc)
        })
    }

    fn suffix(&self, f: &mut Formatter<'_>, reloc: &Reloc) -> fmt::Result {
        let name = Name(self.code.symbol(reloc.symbol));
        match reloc.kind {
            RelocKind::Map => write!(f, "map({name})"),
            RelocKind::MapValue { offset } => write!(f, "map_value({name}, {offset})"),
            RelocKind::CallFunction => write!(f, "call({name})"),
            RelocKind::LoadFunction => write!(f, "func({name})"),
            RelocKind::Kfunc => write!(f, "kfunc({name})"),
            RelocKind::Ksym { typed: false } => write!(f, "ksym({name})"),
            RelocKind::Ksym { typed: true } => write!(f, "typed_ksym({name})"),
            RelocKind::BtfId(BtfScope::Program) => write!(f, "btf_id(program, {name})"),
            RelocKind::BtfId(BtfScope::Kernel) => write!(f, "btf_id(kernel, {name})"),
            RelocKind::Core(core) => {
                let (kind, access) = (words::core_kind(core.kind), Name(self.code.symbol(core.access)));
                write!(f, "core({kind}, {}, {access}, {name})", core.type_id)
            }
        }
    }
}

/// An instruction whose number is a name until it is filled in.
struct NamedInsn<'a> {
    what: Named,
    name: &'a str,
}

enum Named {
    Map(Reg),
    MapValue(Reg, u32),
    Load(&'static str, Reg),
    Call,
    CallKfunc,
}

impl fmt::Display for NamedInsn<'_> {
    /// With `#`, without the words that only reading it back needs.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Name(self.name);
        let ll = if f.alternate() { "" } else { " ll" };
        match self.what {
            Named::Map(dst) => write!(f, "{dst} = {name}{ll}"),
            Named::MapValue(dst, 0) => write!(f, "{dst} = value({name}){ll}"),
            Named::MapValue(dst, offset) => write!(f, "{dst} = value({name}) + {offset}{ll}"),
            Named::Load(word, dst) => write!(f, "{dst} = {word}({name}){ll}"),
            Named::Call if Helper::by_name(self.name).is_some() => write!(f, "call func({name})"),
            Named::Call => write!(f, "call {name}"),
            Named::CallKfunc => write!(f, "call kfunc({name})"),
        }
    }
}

/// A name, in quotes if it could be read as something else.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if words::is_plain_name(self.0) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// The relocations of this slot, taken from the front.
fn take_slot<'a>(relocs: &mut &'a [Reloc], slot: usize) -> &'a [Reloc] {
    let count = relocs.iter().take_while(|reloc| reloc.slot as usize <= slot).count();
    let (own, rest) = relocs.split_at(count);
    *relocs = rest;
    own
}

fn bytes(f: &mut Formatter<'_>, slot: Slot) -> fmt::Result {
    for (i, byte) in slot.to_bytes(Endian::Little).into_iter().enumerate() {
        let before = if i == 0 { ".byte " } else { ", " };
        write!(f, "{before}{byte:#04x}")?;
    }
    Ok(())
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}
