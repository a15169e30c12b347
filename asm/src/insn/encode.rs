//! Instructions to slots.

use super::{Insn, MapRef, Source};
use crate::{
    Reg, Slot,
    op::{Size, SwapOp, Width, X, call, class, mode, pseudo, special},
    wire,
};

/// The one or two slots of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slots {
    first: Slot,
    second: Option<Slot>,
}

impl Slots {
    /// The first slot.
    #[must_use]
    #[inline]
    pub const fn first(self) -> Slot {
        self.first
    }

    /// The second slot, of an instruction that carries 64 bits.
    #[must_use]
    #[inline]
    pub const fn second(self) -> Option<Slot> {
        self.second
    }

    /// How many there are: 1 or 2.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // There is always one.
    pub const fn len(self) -> usize {
        if self.second.is_some() { 2 } else { 1 }
    }
}

impl IntoIterator for Slots {
    type Item = Slot;
    type IntoIter = core::iter::Chain<core::iter::Once<Slot>, core::option::IntoIter<Slot>>;

    fn into_iter(self) -> Self::IntoIter {
        core::iter::once(self.first).chain(self.second)
    }
}

#[inline(always)] // Folds where the shape is known.
pub(super) const fn encode(insn: Insn) -> Slots {
    let first = match insn {
        Insn::LoadImm64 { dst, value } => {
            let (low, high) = wire::split64(value);
            return wide(dst, pseudo::VALUE, low, high);
        }
        Insn::LoadMap { dst, map: MapRef::Fd(fd) } => return wide(dst, pseudo::MAP_FD, fd, 0),
        Insn::LoadMap { dst, map: MapRef::Index(index) } => {
            return wide(dst, pseudo::MAP_IDX, index as i32, 0);
        }
        Insn::LoadMapValue { dst, map: MapRef::Fd(fd), offset } => {
            return wide(dst, pseudo::MAP_VALUE, fd, offset as i32);
        }
        Insn::LoadMapValue { dst, map: MapRef::Index(index), offset } => {
            return wide(dst, pseudo::MAP_IDX_VALUE, index as i32, offset as i32);
        }
        Insn::LoadBtfId { dst, id, btf_fd } => return wide(dst, pseudo::BTF_ID, id as i32, btf_fd),
        Insn::LoadFunction { dst, off } => return wide(dst, pseudo::FUNC, off, 0),
        Insn::Alu { op, width, dst, src } => {
            operation(alu_class(width) | op.opcode_bits(), dst, src, op.offset())
        }
        Insn::Neg { width, dst } => plain(alu_class(width) | special::NEG, dst, 0, 0),
        Insn::MovSx { extend, dst, src } => {
            let opcode = alu_class(extend.to()) | special::MOV | X;
            both(opcode, dst, src, extend.from() as i16, 0)
        }
        Insn::Swap { op, bits, dst } => plain(special::END | op.bits(), dst, 0, bits.bits() as i32),
        Insn::AddrSpaceCast { cast, dst, src } => {
            both(class::ALU64 | special::MOV | X, dst, src, special::ADDR_SPACE_CAST, cast.imm())
        }
        Insn::Load { size, dst, base, off } => both(class::LDX | mode::MEM | size.bits(), dst, base, off, 0),
        Insn::LoadSx { size, dst, base, off } => {
            both(class::LDX | mode::MEMSX | size.bits(), dst, base, off, 0)
        }
        Insn::Store { size, base, off, src } => both(class::STX | mode::MEM | size.bits(), base, src, off, 0),
        Insn::StoreImm { size, base, off, imm } => plain(class::ST | mode::MEM | size.bits(), base, off, imm),
        Insn::Atomic { op, width, base, off, src } => {
            both(atomic(atomic_size(width)), base, src, off, op.bits() as i32)
        }
        Insn::LoadAcquire { size, dst, base, off } => {
            both(atomic(size), dst, base, off, special::LOAD_ACQUIRE)
        }
        Insn::StoreRelease { size, base, off, src } => {
            both(atomic(size), base, src, off, special::STORE_RELEASE)
        }
        Insn::LoadArg { dst, arg } => {
            let opcode = class::LDX | mode::MEM | Size::DW.bits();
            Slot::of(opcode, dst.number(), special::ARGS_BASE, arg.bytes(), 0)
        }
        Insn::StoreArg { arg, src } => {
            let opcode = class::STX | mode::MEM | Size::DW.bits();
            Slot::of(opcode, special::ARGS_BASE, src.number(), -arg.bytes(), 0)
        }
        Insn::StoreArgImm { arg, imm } => {
            let opcode = class::ST | mode::MEM | Size::DW.bits();
            Slot::of(opcode, special::ARGS_BASE, 0, -arg.bytes(), imm)
        }
        Insn::LoadAbs { size, offset } => plain(class::LD | mode::ABS | size.bits(), Reg::R0, 0, offset),
        Insn::LoadInd { size, src, offset } => {
            both(class::LD | mode::IND | size.bits(), Reg::R0, src, 0, offset)
        }
        Insn::Ja { off } => plain(class::JMP | special::JA, Reg::R0, off, 0),
        Insn::JaLong { off } => plain(class::JMP32 | special::JA, Reg::R0, 0, off),
        Insn::Jump { cond, width, dst, src, off } => {
            operation(jump_class(width) | cond.bits(), dst, src, off)
        }
        Insn::MayGoto { off } => plain(class::JMP | special::JCOND, Reg::R0, off, 0),
        Insn::Gotox { dst } => plain(class::JMP | special::JA | X, dst, 0, 0),
        Insn::Call { helper } => called(call::HELPER, 0, helper.0 as i32),
        Insn::CallFunction { off } => called(call::FUNCTION, 0, off),
        Insn::CallKfunc { id, btf_index } => called(call::KFUNC, btf_index, id as i32),
        Insn::Exit => plain(class::JMP | special::EXIT, Reg::R0, 0, 0),
    };
    Slots { first, second: None }
}

const fn wide(dst: Reg, form: u8, low: i32, high: i32) -> Slots {
    let first = Slot::of(special::LOAD_IMM64, dst.number(), form, 0, low);
    Slots { first, second: Some(Slot::of(0, 0, 0, 0, high)) }
}

/// Neither a source register nor a reason to name one.
const fn plain(opcode: u8, dst: Reg, off: i16, imm: i32) -> Slot {
    Slot::of(opcode, dst.number(), 0, off, imm)
}

const fn both(opcode: u8, dst: Reg, src: Reg, off: i16, imm: i32) -> Slot {
    Slot::of(opcode, dst.number(), src.number(), off, imm)
}

/// An operation on a register and a second operand of either kind.
const fn operation(opcode: u8, dst: Reg, src: Source, off: i16) -> Slot {
    match src {
        Source::Reg(src) => both(opcode | X, dst, src, off, 0),
        Source::Imm(imm) => plain(opcode, dst, off, imm),
    }
}

const fn called(form: u8, off: i16, imm: i32) -> Slot {
    Slot::of(class::JMP | special::CALL, 0, form, off, imm)
}

const fn atomic(size: Size) -> u8 {
    class::STX | mode::ATOMIC | size.bits()
}

const fn atomic_size(width: Width) -> Size {
    match width {
        Width::Bits32 => Size::W,
        Width::Bits64 => Size::DW,
    }
}

const fn alu_class(width: Width) -> u8 {
    match width {
        Width::Bits32 => class::ALU,
        Width::Bits64 => class::ALU64,
    }
}

const fn jump_class(width: Width) -> u8 {
    match width {
        Width::Bits32 => class::JMP32,
        Width::Bits64 => class::JMP,
    }
}

// The bits of a swap are a class and a source; should they change there, this stops compiling.
const _: () = assert!(
    SwapOp::ToLe.bits() == class::ALU
        && SwapOp::ToBe.bits() == class::ALU | X
        && SwapOp::Swap.bits() == class::ALU64
);
