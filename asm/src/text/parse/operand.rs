//! What is assigned to a register.

use alloc::borrow::Cow;

use super::{
    Parsed, Parser, TextErrorKind,
    error::Number,
    mistake,
    place::{Named, Place, Type, fits, immediate, stack_arg},
    statement::Emit,
};
use crate::{
    AluOp, Cast, Extend, Insn, MapRef, Narrow, Reg, RelocKind, Size, Source, SwapBits, SwapOp, Width,
    op::AtomicOp,
    text::words::{self, Atomic},
};

impl<'a> Parser<'a> {
    /// `r1 += r2` and all that begins with a register.
    #[inline]
    pub(super) fn assignment(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let op = self.operation()?;
        self.cursor.blanks()?;
        let from = self.cursor.at();
        if let Some(src) = self.cursor.try_register()? {
            return self.register_to(op, dst, src, from);
        }
        match (op, self.cursor.peek()) {
            (AluOp::Mov, _) => self.assigned(dst, at),
            (_, _) => {
                let src = Source::Imm(self.cursor.immediate(dst.width)?);
                Ok(Emit::Insn(Insn::Alu { op, width: dst.width, dst: dst.reg, src }))
            }
        }
    }

    #[inline]
    fn operation(&mut self) -> Parsed<AluOp> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let before = self.cursor.take_while(|byte| {
            matches!(byte, b's' | b'+' | b'-' | b'*' | b'/' | b'|' | b'&' | b'<' | b'>' | b'%' | b'^')
        });
        let length = before.len() + 1;
        self.cursor.back_to(at);
        let word = self.cursor.rest().get(..length).unwrap_or_default();
        match AluOp::ALL.iter().find(|op| words::alu(**op) == word) {
            Some(op) => {
                self.cursor.skip(length);
                Ok(*op)
            }
            None => Err(self.cursor.expected("an assignment")),
        }
    }

    #[inline]
    fn register_to(&self, op: AluOp, dst: Named, src: Named, at: usize) -> Parsed<Emit<'a>> {
        if dst.width != src.width {
            return mistake(at, TextErrorKind::Widths);
        }
        Ok(Emit::Insn(Insn::Alu { op, width: dst.width, dst: dst.reg, src: Source::Reg(src.reg) }))
    }

    /// What `dst =` can be followed by, but a register.
    fn assigned(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        match self.cursor.peek() {
            Some(b'0'..=b'9' | b'+') => self.number_for(dst, at),
            Some(b'-') => self.negative(dst, at),
            Some(b'*') => self.load(dst, at),
            Some(b'(') => self.extension(dst),
            Some(b'"') => {
                let name = self.cursor.name()?;
                self.map(dst, at, name)
            }
            _ => self.function(dst, at),
        }
    }

    fn negative(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let minus = self.cursor.at();
        self.cursor.skip(1);
        self.cursor.blanks()?;
        if self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.cursor.back_to(minus);
            return self.number_for(dst, at);
        }
        self.cursor.same_register(dst.reg, dst.width)?;
        Ok(Emit::Insn(Insn::Neg { width: dst.width, dst: dst.reg }))
    }

    /// `r1 = 7`, `r1 = 7 ll`
    #[inline]
    fn number_for(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let from = self.cursor.at();
        let value = self.cursor.number()?;
        if self.cursor.eat("ll")? {
            let dst = whole(dst, at)?;
            let value = wide(from, value)?;
            return Ok(Emit::Insn(Insn::LoadImm64 { dst, value }));
        }
        let src = Source::Imm(immediate(from, value, dst.width)?);
        Ok(Emit::Insn(Insn::Alu { op: AluOp::Mov, width: dst.width, dst: dst.reg, src }))
    }

    /// `r1 = *(u32 *)(r10 - 4)`, `r0 = *(u32 *)skb[12]`
    #[inline]
    fn load(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let pointed = self.cursor.pointed()?;
        self.cursor.blanks()?;
        let from = self.cursor.at();
        if self.cursor.peek() != Some(b'(') {
            return self.packet(dst, at, pointed);
        }
        let insn = match (pointed, self.cursor.place()?) {
            (Type::Unsigned(size), Place::At(base, off)) => {
                Insn::Load { size, dst: fits(dst, size, at)?, base, off }
            }
            (Type::Signed(size), Place::At(base, off)) => {
                Insn::LoadSx { size, dst: whole(dst, at)?, base, off }
            }
            (Type::Unsigned(Size::DW), Place::Arg(off)) => {
                Insn::LoadArg { dst: whole(dst, at)?, arg: stack_arg(from, Some(off))? }
            }
            (_, Place::Arg(_)) => {
                return stack_arg(from, None).map(|arg| Emit::Insn(Insn::LoadArg { dst: dst.reg, arg }));
            }
        };
        Ok(Emit::Insn(insn))
    }

    fn packet(&mut self, dst: Named, at: usize, pointed: Type) -> Parsed<Emit<'a>> {
        self.cursor.expect("skb")?;
        self.cursor.expect("[")?;
        let size = match pointed {
            Type::Unsigned(size) => size.narrow(),
            Type::Signed(_) => None,
        };
        let (Some(size), Named { width: Width::Bits64, reg: Reg::R0 }) = (size, dst) else {
            self.cursor.back_to(at);
            return Err(self.cursor.expected("r0 = *(u8 *)skb[...], or u16 or u32"));
        };
        let insn = self.packet_place(size)?;
        self.cursor.expect("]")?;
        Ok(Emit::Insn(insn))
    }

    fn packet_place(&mut self, size: Narrow) -> Parsed<Insn> {
        const OFFSET: &str = "an offset of 32 bits";
        let signed = |n: i64| i32::try_from(n).ok();
        if self.cursor.sign()?.is_some() || self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Ok(Insn::LoadAbs { size, offset: self.cursor.number_in(OFFSET, signed)? });
        }
        let src = self.cursor.whole_register()?;
        let offset = match self.cursor.sign()? {
            Some(_) => self.cursor.number_in(OFFSET, signed)?,
            None => 0,
        };
        Ok(Insn::LoadInd { size, src, offset })
    }

    /// `r1 = (s8)r2`
    fn extension(&mut self, dst: Named) -> Parsed<Emit<'a>> {
        self.cursor.expect("(")?;
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let from = match self.cursor.word() {
            "s8" => 8,
            "s16" => 16,
            "s32" => 32,
            _ => 0,
        };
        let Some(extend) = Extend::new(from, dst.width) else {
            self.cursor.back_to(at);
            return Err(self.cursor.expected("s8, s16, or s32 of an r register"));
        };
        self.cursor.expect(")")?;
        let src = self.cursor.register_of(dst.width)?;
        Ok(Emit::Insn(Insn::MovSx { extend, dst: dst.reg, src }))
    }

    /// `r1 = be16 r1`, `r0 = xchg_64(...)`, `r1 = value(name) ll`, `r1 = name ll`
    fn function(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let from = self.cursor.at();
        if !self.cursor.peek().is_some_and(words::is_name_byte) {
            return Err(self.cursor.expected("a register, a number, memory or a name"));
        }
        let name = self.cursor.name()?;
        self.cursor.blanks()?;
        match self.cursor.peek() {
            Some(b'(') => {
                self.cursor.skip(1);
                self.applied(&name, dst, at, from)
            }
            Some(b'r' | b'w') => self.swap(&name, dst, from),
            _ => self.map(dst, at, name),
        }
    }

    fn swap(&mut self, word: &str, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let Some((op, bits)) = swap(word) else {
            return mistake(at, TextErrorKind::Unknown { word: word.into() });
        };
        if dst.width != Width::Bits64 {
            return mistake(at, TextErrorKind::Widths);
        }
        self.cursor.same_register(dst.reg, Width::Bits64)?;
        Ok(Emit::Insn(Insn::Swap { op, bits, dst: dst.reg }))
    }

    /// `r1 = hmap ll`
    fn map(&mut self, dst: Named, at: usize, name: Cow<'a, str>) -> Parsed<Emit<'a>> {
        let insn = Insn::LoadMap { dst: whole(dst, at)?, map: MapRef::Fd(0) };
        self.cursor.expect("ll")?;
        Ok(Emit::Named(insn, RelocKind::Map, name))
    }

    fn applied(&mut self, word: &str, dst: Named, at: usize, from: usize) -> Parsed<Emit<'a>> {
        match word {
            "value" => self.map_value(dst, at),
            "func" => {
                self.named_load(RelocKind::LoadFunction, Insn::LoadFunction { dst: whole(dst, at)?, off: 0 })
            }
            "ksym" => {
                let insn = Insn::LoadImm64 { dst: whole(dst, at)?, value: 0 };
                self.named_load(RelocKind::Ksym { typed: false }, insn)
            }
            "typed_ksym" => {
                let insn = Insn::LoadBtfId { dst: whole(dst, at)?, id: 0, btf_fd: 0 };
                self.named_load(RelocKind::Ksym { typed: true }, insn)
            }
            "addr_space_cast" => self.cast(dst, at),
            "load_acquire" => self.load_acquire(dst, at),
            "xchg_64" => self.exchange(AtomicOp::Xchg, Width::Bits64, dst, at),
            "xchg32_32" => self.exchange(AtomicOp::Xchg, Width::Bits32, dst, at),
            "cmpxchg_64" => self.exchange(AtomicOp::CmpXchg, Width::Bits64, dst, at),
            "cmpxchg32_32" => self.exchange(AtomicOp::CmpXchg, Width::Bits32, dst, at),
            _ => match fetch(word) {
                Some(op) => self.fetch(op, dst, at),
                None => mistake(from, TextErrorKind::Unknown { word: word.into() }),
            },
        }
    }

    /// `value(counters) + 16 ll`
    fn map_value(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let dst = whole(dst, at)?;
        let name = self.cursor.name()?;
        self.cursor.expect(")")?;
        let plus = self.cursor.eat("+")?;
        let offset = if plus { self.cursor.number_in("32 bits", |n| u32::try_from(n).ok())? } else { 0 };
        self.cursor.expect("ll")?;
        let insn = Insn::LoadMapValue { dst, map: MapRef::Fd(0), offset };
        Ok(Emit::Named(insn, RelocKind::MapValue { offset }, name))
    }

    /// `func(tick) ll`
    fn named_load(&mut self, kind: RelocKind, insn: Insn) -> Parsed<Emit<'a>> {
        let name = self.cursor.name()?;
        self.cursor.expect(")")?;
        self.cursor.expect("ll")?;
        Ok(Emit::Named(insn, kind, name))
    }

    /// `addr_space_cast(r2, 0, 1)`
    fn cast(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let dst = whole(dst, at)?;
        let src = self.cursor.whole_register()?;
        self.cursor.expect(",")?;
        self.cursor.blanks()?;
        let from = self.cursor.at();
        let space = |n: i64| u8::try_from(n).ok();
        let to_space = self.cursor.number_in("an address space, 0 or 1", space)?;
        self.cursor.expect(",")?;
        let from_space = self.cursor.number_in("an address space, 0 or 1", space)?;
        let Some(&cast) = Cast::ALL.iter().find(|cast| words::cast(**cast) == (to_space, from_space)) else {
            self.cursor.back_to(from);
            return Err(self.cursor.expected("0, 1 or 1, 0"));
        };
        self.cursor.expect(")")?;
        Ok(Emit::Insn(Insn::AddrSpaceCast { cast, dst, src }))
    }

    /// `load_acquire((u64 *)(r1 + 0))`
    fn load_acquire(&mut self, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let size = self.cursor.unsigned_pointer()?;
        let (base, off) = self.cursor.register_place()?;
        self.cursor.expect(")")?;
        Ok(Emit::Insn(Insn::LoadAcquire { size, dst: fits(dst, size, at)?, base, off }))
    }

    /// `atomic_fetch_add((u64 *)(r1 + 0), r2)`
    fn fetch(&mut self, op: AtomicOp, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        self.cursor.blanks()?;
        let from = self.cursor.at();
        let size = self.cursor.unsigned_pointer()?;
        let Some(width) = size.atomic() else {
            self.cursor.back_to(from);
            return Err(self.cursor.expected("(u32 *) or (u64 *)"));
        };
        let dst = fits(dst, size, at)?;
        let (base, off) = self.cursor.register_place()?;
        self.operand_again(dst, size)?;
        Ok(Emit::Insn(Insn::Atomic { op, width, base, off, src: dst }))
    }

    /// `xchg_64(r1 + 0, r2)`, `cmpxchg_64(r1 + 0, r0, r2)`
    fn exchange(&mut self, op: AtomicOp, width: Width, dst: Named, at: usize) -> Parsed<Emit<'a>> {
        let size = Size::from(width);
        let dst = fits(dst, size, at)?;
        let (base, off) = self.cursor.bare_register_place()?;
        if op == AtomicOp::Xchg {
            self.operand_again(dst, size)?;
            return Ok(Emit::Insn(Insn::Atomic { op, width, base, off, src: dst }));
        }
        if dst != Reg::R0 {
            return mistake(at, TextErrorKind::TwoRegisters);
        }
        self.cursor.expect(",")?;
        self.same_for(Reg::R0, size)?;
        self.cursor.expect(",")?;
        let src = self.cursor.register_for(size)?;
        self.cursor.expect(")")?;
        Ok(Emit::Insn(Insn::Atomic { op, width, base, off, src }))
    }

    /// `, r2)`: the register that also receives the result.
    fn operand_again(&mut self, dst: Reg, size: Size) -> Parsed<()> {
        self.cursor.expect(",")?;
        self.same_for(dst, size)?;
        self.cursor.expect(")")
    }

    fn same_for(&mut self, first: Reg, size: Size) -> Parsed<()> {
        self.cursor.blanks()?;
        let at = self.cursor.at();
        let second = self.cursor.register_for(size)?;
        if second == first { Ok(()) } else { mistake(at, TextErrorKind::TwoRegisters) }
    }
}

#[inline]
fn whole(register: Named, at: usize) -> Parsed<Reg> {
    match register.width {
        Width::Bits64 => Ok(register.reg),
        Width::Bits32 => mistake(at, TextErrorKind::Widths),
    }
}

/// 64 bits, written with a sign or without.
fn wide(at: usize, value: Number) -> Parsed<u64> {
    match (value.signed(), value.negative) {
        (Some(signed), _) => Ok(signed.cast_unsigned()),
        (None, false) => Ok(value.magnitude),
        (None, true) => mistake(at, TextErrorKind::Range { value, what: "64 bits" }),
    }
}

fn swap(word: &str) -> Option<(SwapOp, SwapBits)> {
    SwapOp::ALL.iter().find_map(|op| {
        let bits = word.strip_prefix(words::swap(*op))?;
        let bits = match bits {
            "16" => SwapBits::B16,
            "32" => SwapBits::B32,
            "64" => SwapBits::B64,
            _ => return None,
        };
        Some((*op, bits))
    })
}

fn fetch(word: &str) -> Option<AtomicOp> {
    let operation = word.strip_prefix("atomic_fetch_")?;
    AtomicOp::ALL
        .iter()
        .copied()
        .find(|op| matches!(words::atomic(*op), Atomic::Fetch(name) if name == operation))
}
