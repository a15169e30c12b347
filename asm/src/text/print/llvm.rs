//! LLVM's assembler syntax, with decimal or hexadecimal numbers.

use core::fmt::{self, Formatter};

use crate::{
    Insn, Reg, Source,
    op::{AtomicOp, Size, Width, special},
    text::words::{self, Atomic},
};

pub(super) fn write(f: &mut Formatter<'_>, insn: Insn, hex: bool) -> fmt::Result {
    let n = |value: i64| Number { value, hex };
    let jump = |value: i64| Signed(n(value));
    match insn {
        Insn::Alu { op, width, dst, src } => {
            let word = words::alu(op);
            write!(f, "{} {word} {}", Named(width, dst), operand(width, src, hex))
        }
        Insn::Neg { width, dst } => write!(f, "{0} = -{0}", Named(width, dst)),
        Insn::MovSx { extend, dst, src } => {
            let (from, width) = (extend.from(), extend.to());
            write!(f, "{} = (s{from}){}", Named(width, dst), Named(width, src))
        }
        Insn::Swap { op, bits, dst } => write!(f, "{dst} = {}{} {dst}", words::swap(op), bits.bits()),
        Insn::AddrSpaceCast { cast, dst, src } => {
            let (to, from) = words::cast(cast);
            write!(f, "{dst} = addr_space_cast({src}, {}, {})", n(to.into()), n(from.into()))
        }
        Insn::Load { size, dst, base, off } => {
            write!(f, "{dst} = *({} *)({})", words::size(size), place(base, off, hex))
        }
        Insn::LoadSx { size, dst, base, off } => {
            write!(f, "{dst} = *({} *)({})", words::signed(size), place(base, off, hex))
        }
        Insn::Store { size, base, off, src } => {
            write!(f, "*({} *)({}) = {src}", words::size(size), place(base, off, hex))
        }
        Insn::StoreImm { size, base, off, imm } => {
            write!(f, "*({} *)({}) = {}", words::size(size), place(base, off, hex), n(imm.into()))
        }
        Insn::Atomic { op, width, base, off, src } => atomic(f, op, width, place(base, off, hex), src),
        Insn::LoadAcquire { size, dst, base, off } => {
            let dst = Named(register_width(size), dst);
            write!(f, "{dst} = load_acquire(({} *)({}))", words::size(size), place(base, off, hex))
        }
        Insn::StoreRelease { size, base, off, src } => {
            let src = Named(register_width(size), src);
            write!(f, "store_release(({} *)({}), {src})", words::size(size), place(base, off, hex))
        }
        Insn::LoadArg { dst, arg } => write!(f, "{dst} = *(u64 *)({})", args_place(arg.bytes(), hex)),
        Insn::StoreArg { arg, src } => write!(f, "*(u64 *)({}) = {src}", args_place(-arg.bytes(), hex)),
        Insn::StoreArgImm { arg, imm } => {
            write!(f, "*(u64 *)({}) = {}", args_place(-arg.bytes(), hex), n(imm.into()))
        }
        Insn::LoadAbs { size, offset } => {
            write!(f, "r0 = *({} *)skb[{}]", words::size(size.into()), n(offset.into()))
        }
        Insn::LoadInd { size, src, offset: 0 } => {
            write!(f, "r0 = *({} *)skb[{src}]", words::size(size.into()))
        }
        Insn::LoadInd { size, src, offset } => {
            write!(f, "r0 = *({} *)skb[{src} {}]", words::size(size.into()), Spaced(n(offset.into())))
        }
        Insn::LoadImm64 { dst, value } => write!(f, "{dst} = {} ll", n(value as i64)),
        Insn::LoadMap { .. }
        | Insn::LoadMapValue { .. }
        | Insn::LoadBtfId { .. }
        | Insn::LoadFunction { .. } => load_pseudo(f, insn, hex),
        Insn::Ja { off } => write!(f, "goto {}", jump(off.into())),
        Insn::JaLong { off } => write!(f, "gotol {}", jump(off.into())),
        Insn::Jump { cond, width, dst, src, off } => {
            let (dst, src) = (Named(width, dst), operand(width, src, hex));
            write!(f, "if {dst} {} {src} goto {}", words::cond(cond), jump(off.into()))
        }
        Insn::MayGoto { off } => write!(f, "may_goto {}", jump(off.into())),
        Insn::Gotox { dst } => write!(f, "gotox {dst}"),
        Insn::Call { helper } => match helper.name() {
            Some(name) if !hex => write!(f, "call {name}"),
            _ => write!(f, "call {}", n(helper.number().into())),
        },
        Insn::CallFunction { off } => write!(f, "call func({})", jump(off.into())),
        Insn::CallKfunc { id, btf_index: 0 } => write!(f, "call kfunc({})", n(id.into())),
        Insn::CallKfunc { id, btf_index } => {
            write!(f, "call kfunc({}, {})", n(id.into()), n(btf_index.into()))
        }
        Insn::Exit => f.write_str("exit"),
    }
}

fn atomic(f: &mut Formatter<'_>, op: AtomicOp, width: Width, place: Place, src: Reg) -> fmt::Result {
    let (size, src) = (words::size(width.into()), Named(width, src));
    match (words::atomic(op), width) {
        (Atomic::Plain(word), _) => write!(f, "lock *({size} *)({place}) {word} {src}"),
        (Atomic::Fetch(word), _) => write!(f, "{src} = atomic_fetch_{word}(({size} *)({place}), {src})"),
        (Atomic::Xchg, Width::Bits64) => write!(f, "{src} = xchg_64({place}, {src})"),
        (Atomic::Xchg, Width::Bits32) => write!(f, "{src} = xchg32_32({place}, {src})"),
        (Atomic::CmpXchg, Width::Bits64) => write!(f, "r0 = cmpxchg_64({place}, r0, {src})"),
        (Atomic::CmpXchg, Width::Bits32) => write!(f, "w0 = cmpxchg32_32({place}, w0, {src})"),
    }
}

/// A 64-bit load that is not of a number: register, source field, first half, and the second half if it is not zero.
fn load_pseudo(f: &mut Formatter<'_>, insn: Insn, hex: bool) -> fmt::Result {
    let slots = insn.encode();
    let (first, second) = (slots.first(), slots.second().map_or(0, |slot| slot.imm()));
    let n = |value: u32| Number { value: value.into(), hex };
    write!(f, "ld_pseudo r{}, {}, {}", first.dst(), n(first.src().into()), n(first.imm().cast_unsigned()))?;
    if second != 0 {
        write!(f, ", {}", n(second.cast_unsigned()))?;
    }
    Ok(())
}

const fn register_width(size: Size) -> Width {
    match size {
        Size::DW => Width::Bits64,
        Size::B | Size::H | Size::W => Width::Bits32,
    }
}

/// A register by its name at this width.
struct Named(Width, Reg);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", words::letter(self.0), self.1.number())
    }
}

const fn operand(width: Width, source: Source, hex: bool) -> Operand {
    Operand { width, source, hex }
}

struct Operand {
    width: Width,
    source: Source,
    hex: bool,
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Reg(reg) => Named(self.width, reg).fmt(f),
            Source::Imm(imm) => Number { value: imm.into(), hex: self.hex }.fmt(f),
        }
    }
}

const fn place(base: Reg, off: i16, hex: bool) -> Place {
    Place { base: base.number(), off, hex }
}

const fn args_place(off: i16, hex: bool) -> Place {
    Place { base: special::ARGS_BASE, off, hex }
}

/// `r10 - 4`
struct Place {
    base: u8,
    off: i16,
    hex: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r{} {}", self.base, Spaced(Number { value: self.off.into(), hex: self.hex }))
    }
}

/// A number in the base of the form: `-4`, `-0x4`.
#[derive(Clone, Copy)]
struct Number {
    value: i64,
    hex: bool,
}

impl Number {
    fn magnitude(self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.hex {
            true => write!(f, "{:#x}", self.value.unsigned_abs()),
            false => write!(f, "{}", self.value.unsigned_abs()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.value < 0 {
            f.write_str("-")?;
        }
        self.magnitude(f)
    }
}

/// The same with a sign in any case: `+3`.
struct Signed(Number);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.value < 0 { "-" } else { "+" })?;
        self.0.magnitude(f)
    }
}

/// The same with the sign as an operator: `+ 3`.
struct Spaced(Number);

impl fmt::Display for Spaced {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.value < 0 { "- " } else { "+ " })?;
        self.0.magnitude(f)
    }
}
