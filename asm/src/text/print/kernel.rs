//! The form of the kernel's log (`kernel/bpf/disasm.c` of Linux 6.18).

use core::fmt::{self, Formatter};

use crate::{
    Insn, Reg, Source,
    op::{AtomicOp, Width, special},
    text::words::{self, Atomic},
    wire,
};

pub(super) fn write(f: &mut Formatter<'_>, insn: Insn) -> fmt::Result {
    write!(f, "({:02x}) ", insn.encode().first().opcode())?;
    body(f, insn)
}

fn body(f: &mut Formatter<'_>, insn: Insn) -> fmt::Result {
    match insn {
        Insn::Alu { op, width, dst, src } => {
            let (w, op) = (words::letter(width), words::alu(op));
            match src {
                Source::Reg(src) => write!(f, "{w}{} {op} {w}{}", dst.number(), src.number()),
                Source::Imm(imm) => write!(f, "{w}{} {op} {imm}", dst.number()),
            }
        }
        Insn::Neg { width, dst } => write!(f, "{0}{1} = -{0}{1}", words::letter(width), dst.number()),
        Insn::MovSx { extend, dst, src } => {
            let w = words::letter(extend.to());
            write!(f, "{w}{} = (s{}){w}{}", dst.number(), extend.from(), src.number())
        }
        Insn::Swap { op, bits, dst } => write!(f, "{dst} = {}{} {dst}", words::swap(op), bits.bits()),
        Insn::AddrSpaceCast { cast, dst, src } => {
            let (to, from) = words::cast(cast);
            write!(f, "{dst} = addr_space_cast({src}, {to}, {from})")
        }
        Insn::Load { size, dst, base, off } => {
            write!(f, "{dst} = *({} *)({base} {off:+})", words::size(size))
        }
        Insn::LoadSx { size, dst, base, off } => {
            write!(f, "{dst} = *({} *)({base} {off:+})", words::signed(size))
        }
        Insn::Store { size, base, off, src } => {
            write!(f, "*({} *)({base} {off:+}) = {src}", words::size(size))
        }
        Insn::StoreImm { size, base, off, imm } => {
            write!(f, "*({} *)({base} {off:+}) = {imm}", words::size(size))
        }
        Insn::Atomic { op, width, base, off, src } => atomic(f, op, width, (base, off), src),
        Insn::LoadAcquire { size, dst, base, off } => {
            write!(f, "{dst} = load_acquire(({} *)({base} {off:+}))", words::size(size))
        }
        Insn::StoreRelease { size, base, off, src } => {
            write!(f, "store_release(({} *)({base} {off:+}), {src})", words::size(size))
        }
        Insn::LoadArg { dst, arg } => write!(f, "{dst} = *(u64 *)(r{ARGS} {:+})", arg.bytes()),
        Insn::StoreArg { arg, src } => write!(f, "*(u64 *)(r{ARGS} {:+}) = {src}", -arg.bytes()),
        Insn::StoreArgImm { arg, imm } => write!(f, "*(u64 *)(r{ARGS} {:+}) = {imm}", -arg.bytes()),
        Insn::LoadAbs { size, offset } => write!(f, "r0 = *({} *)skb[{offset}]", words::size(size.into())),
        Insn::LoadInd { size, src, offset } => {
            write!(f, "r0 = *({} *)skb[{src} + {offset}]", words::size(size.into()))
        }
        Insn::LoadImm64 { dst, .. }
        | Insn::LoadMap { dst, .. }
        | Insn::LoadMapValue { dst, .. }
        | Insn::LoadBtfId { dst, .. }
        | Insn::LoadFunction { dst, .. } => write!(f, "{dst} = {:#x}", halves(insn)),
        Insn::Ja { off } => write!(f, "goto pc{off:+}"),
        Insn::JaLong { off } => write!(f, "gotol pc{off:+}"),
        Insn::Jump { cond, width, dst, src, off } => {
            let (w, cond) = (words::letter(width), words::cond(cond));
            match src {
                Source::Reg(src) => {
                    write!(f, "if {w}{} {cond} {w}{} goto pc{off:+}", dst.number(), src.number())
                }
                Source::Imm(imm) => write!(f, "if {w}{} {cond} {imm:#x} goto pc{off:+}", dst.number()),
            }
        }
        Insn::MayGoto { off } => write!(f, "may_goto pc{off:+}"),
        Insn::Gotox { dst } => write!(f, "gotox {dst}"),
        Insn::Call { helper } => {
            write!(f, "call {}#{}", helper.name().unwrap_or("unknown"), helper.number() as i32)
        }
        Insn::CallFunction { off } => write!(f, "call pc{off:+}"),
        Insn::CallKfunc { id, .. } => write!(f, "call kernel-function#{}", id as i32),
        Insn::Exit => f.write_str("exit"),
    }
}

const ARGS: u8 = special::ARGS_BASE;

fn atomic(
    f: &mut Formatter<'_>,
    op: AtomicOp,
    width: Width,
    (base, off): (Reg, i16),
    src: Reg,
) -> fmt::Result {
    let size = words::size(width.into());
    let bits = match width {
        Width::Bits64 => "64",
        Width::Bits32 => "",
    };
    match words::atomic(op) {
        Atomic::Plain(word) => write!(f, "lock *({size} *)({base} {off:+}) {word} {src}"),
        Atomic::Fetch(word) => {
            write!(f, "{src} = atomic{bits}_fetch_{word}(({size} *)({base} {off:+}), {src})")
        }
        Atomic::Xchg => write!(f, "{src} = atomic{bits}_xchg(({size} *)({base} {off:+}), {src})"),
        Atomic::CmpXchg => write!(f, "r0 = atomic{bits}_cmpxchg(({size} *)({base} {off:+}), r0, {src})"),
    }
}

/// The 64 bits that both slots of a wide load carry.
fn halves(insn: Insn) -> u64 {
    let slots = insn.encode();
    wire::join64(slots.first().imm(), slots.second().map_or(0, |slot| slot.imm()))
}
