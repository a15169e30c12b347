//! Slots to instructions, refusing what the instruction set does not have.

use core::fmt;

use super::{Insn, MapRef, Source, StackArg};
use crate::{
    Helper, Reg, Slot,
    op::{
        AluOp, AtomicOp, Cast, Cond, Extend, K, Narrow, Size, SwapBits, SwapOp, Width, X, call, class, mode,
        pseudo, special,
    },
    wire,
};

/// Why a slot is no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There was no slot to decode.
    #[error("there is no instruction here")]
    Empty,
    /// No instruction has this opcode.
    #[error("no instruction has the opcode 0x{opcode:02x}")]
    Opcode {
        /// The opcode.
        opcode: u8,
    },
    /// A field holds what the instruction with this opcode cannot have there; zero, where it does not use the field.
    #[error("the instruction with the opcode 0x{opcode:02x} cannot have {value} as its {field}")]
    Field {
        /// The opcode.
        opcode: u8,
        /// The field.
        field: Field,
        /// What it holds.
        value: i32,
    },
    /// The second slot of a 64-bit immediate load is missing.
    #[error("the second half of the 64-bit load (opcode 0x18) is missing")]
    Truncated,
    /// The second slot of a 64-bit immediate load has something in a field other than the immediate.
    #[error("the second half of the 64-bit load (opcode 0x18) cannot have {value} as its {field}")]
    SecondSlot {
        /// The field.
        field: Field,
        /// What it holds.
        value: i32,
    },
}

/// A field of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// [`Slot::opcode`].
    Opcode,
    /// [`Slot::dst`].
    Dst,
    /// [`Slot::src`].
    Src,
    /// [`Slot::off`].
    Off,
    /// [`Slot::imm`].
    Imm,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opcode => "opcode",
            Self::Dst => "destination register",
            Self::Src => "source register",
            Self::Off => "offset",
            Self::Imm => "immediate",
        })
    }
}

type Result<T> = core::result::Result<T, DecodeError>;

pub(super) fn decode(slots: &[Slot]) -> Result<(Insn, usize)> {
    let (&slot, rest) = slots.split_first().ok_or(DecodeError::Empty)?;
    if slot.is_wide() {
        return Ok((wide(slot, rest.first())?, 2));
    }
    let insn = match wire::class(slot.opcode()) {
        class::LD => packet(slot),
        class::LDX => load(slot),
        class::ST => store_imm(slot),
        class::STX => store(slot),
        class::ALU => alu(slot, Width::Bits32),
        class::ALU64 => alu(slot, Width::Bits64),
        class::JMP => jump(slot, Width::Bits64),
        _ => jump(slot, Width::Bits32),
    }?;
    Ok((insn, 1))
}

fn wide(slot: Slot, second: Option<&Slot>) -> Result<Insn> {
    let dst = dst(slot)?;
    zero(slot, Field::Off)?;
    let &second = second.ok_or(DecodeError::Truncated)?;
    for field in [Field::Opcode, Field::Dst, Field::Src, Field::Off] {
        if value(second, field) != 0 {
            return Err(DecodeError::SecondSlot { field, value: value(second, field) });
        }
    }
    let (low, high) = (slot.imm(), second.imm());
    match slot.src() {
        pseudo::VALUE => Ok(Insn::LoadImm64 { dst, value: wire::join64(low, high) }),
        pseudo::MAP_VALUE => Ok(Insn::LoadMapValue { dst, map: MapRef::Fd(low), offset: high as u32 }),
        pseudo::MAP_IDX_VALUE => {
            Ok(Insn::LoadMapValue { dst, map: MapRef::Index(low as u32), offset: high as u32 })
        }
        pseudo::BTF_ID => Ok(Insn::LoadBtfId { dst, id: low as u32, btf_fd: high }),
        form => half_wide(slot, dst, form, high),
    }
}

/// The forms that leave the second immediate unused.
fn half_wide(slot: Slot, dst: Reg, form: u8, high: i32) -> Result<Insn> {
    let low = slot.imm();
    let insn = match form {
        pseudo::MAP_FD => Insn::LoadMap { dst, map: MapRef::Fd(low) },
        pseudo::MAP_IDX => Insn::LoadMap { dst, map: MapRef::Index(low as u32) },
        pseudo::FUNC => Insn::LoadFunction { dst, off: low },
        _ => return refuse(slot, Field::Src),
    };
    if high == 0 { Ok(insn) } else { Err(DecodeError::SecondSlot { field: Field::Imm, value: high }) }
}

fn packet(slot: Slot) -> Result<Insn> {
    let size = narrow(slot)?;
    let offset = slot.imm();
    zero(slot, Field::Dst)?;
    match wire::mode(slot.opcode()) {
        mode::ABS => {
            zero(slot, Field::Src)?;
            zero(slot, Field::Off)?;
            Ok(Insn::LoadAbs { size, offset })
        }
        mode::IND => {
            zero(slot, Field::Off)?;
            Ok(Insn::LoadInd { size, src: src(slot)?, offset })
        }
        _ => unknown(slot),
    }
}

fn load(slot: Slot) -> Result<Insn> {
    let mode = wire::mode(slot.opcode());
    if mode != mode::MEM && mode != mode::MEMSX {
        return unknown(slot);
    }
    let sized = size(slot)?;
    let (dst, off) = (dst(slot)?, slot.off());
    if mode == mode::MEMSX {
        let size = narrow(slot)?;
        zero(slot, Field::Imm)?;
        return Ok(Insn::LoadSx { size, dst, base: src(slot)?, off });
    }
    zero(slot, Field::Imm)?;
    if sized == Size::DW && slot.src() == special::ARGS_BASE {
        return Ok(Insn::LoadArg { dst, arg: stack_arg(slot, off)? });
    }
    Ok(Insn::Load { size: sized, dst, base: src(slot)?, off })
}

fn store_imm(slot: Slot) -> Result<Insn> {
    if wire::mode(slot.opcode()) != mode::MEM {
        return unknown(slot);
    }
    zero(slot, Field::Src)?;
    let (size, off, imm) = (size(slot)?, slot.off(), slot.imm());
    if size == Size::DW && slot.dst() == special::ARGS_BASE {
        return Ok(Insn::StoreArgImm { arg: stack_arg(slot, off.wrapping_neg())?, imm });
    }
    Ok(Insn::StoreImm { size, base: dst(slot)?, off, imm })
}

fn store(slot: Slot) -> Result<Insn> {
    let (size, off) = (size(slot)?, slot.off());
    match wire::mode(slot.opcode()) {
        mode::MEM => {
            zero(slot, Field::Imm)?;
            let src = src(slot)?;
            if size == Size::DW && slot.dst() == special::ARGS_BASE {
                return Ok(Insn::StoreArg { arg: stack_arg(slot, off.wrapping_neg())?, src });
            }
            Ok(Insn::Store { size, base: dst(slot)?, off, src })
        }
        mode::ATOMIC => atomic(slot, size),
        _ => unknown(slot),
    }
}

fn atomic(slot: Slot, size: Size) -> Result<Insn> {
    let (left, right, off) = (dst(slot)?, src(slot)?, slot.off());
    match slot.imm() {
        special::LOAD_ACQUIRE => return Ok(Insn::LoadAcquire { size, dst: left, base: right, off }),
        special::STORE_RELEASE => return Ok(Insn::StoreRelease { size, base: left, off, src: right }),
        _ => {}
    }
    let op = u8::try_from(slot.imm()).ok().and_then(AtomicOp::from_bits);
    match (op, size.atomic()) {
        (Some(op), Some(width)) => Ok(Insn::Atomic { op, width, base: left, off, src: right }),
        // One and two bytes have no atomics but the two above.
        _ => refuse(slot, Field::Imm),
    }
}

fn alu(slot: Slot, width: Width) -> Result<Insn> {
    match wire::operation(slot.opcode()) {
        special::NEG => neg(slot, width),
        special::END => swap(slot),
        special::MOV if wire::source(slot.opcode()) == X && slot.off() != 0 => mov_special(slot, width),
        bits => arithmetic(slot, width, bits),
    }
}

fn neg(slot: Slot, width: Width) -> Result<Insn> {
    if wire::source(slot.opcode()) != K {
        return unknown(slot);
    }
    zero(slot, Field::Src)?;
    zero(slot, Field::Off)?;
    zero(slot, Field::Imm)?;
    Ok(Insn::Neg { width, dst: dst(slot)? })
}

fn swap(slot: Slot) -> Result<Insn> {
    let bits = wire::class(slot.opcode()) | wire::source(slot.opcode());
    let Some(op) = SwapOp::from_bits(bits) else { return unknown(slot) };
    zero(slot, Field::Src)?;
    zero(slot, Field::Off)?;
    let bits = u8::try_from(slot.imm()).ok().and_then(SwapBits::from_bits);
    let bits = bits.ok_or(bad(slot, Field::Imm))?;
    Ok(Insn::Swap { op, bits, dst: dst(slot)? })
}

/// Moves whose offset makes them something else.
fn mov_special(slot: Slot, width: Width) -> Result<Insn> {
    let (dst, src) = (dst(slot)?, src(slot)?);
    if slot.off() == special::ADDR_SPACE_CAST && width == Width::Bits64 {
        let cast = Cast::from_imm(slot.imm()).ok_or(bad(slot, Field::Imm))?;
        return Ok(Insn::AddrSpaceCast { cast, dst, src });
    }
    let from = u32::try_from(slot.off()).ok();
    let extend = from.and_then(|from| Extend::new(from, width)).ok_or(bad(slot, Field::Off))?;
    zero(slot, Field::Imm)?;
    Ok(Insn::MovSx { extend, dst, src })
}

fn arithmetic(slot: Slot, width: Width, bits: u8) -> Result<Insn> {
    let op = AluOp::from_bits(bits).ok_or(DecodeError::Opcode { opcode: slot.opcode() })?;
    let op = match (slot.off(), op.signed()) {
        (0, _) => op,
        (special::SIGNED, Some(signed)) => signed,
        _ => return refuse(slot, Field::Off),
    };
    Ok(Insn::Alu { op, width, dst: dst(slot)?, src: source(slot)? })
}

fn jump(slot: Slot, width: Width) -> Result<Insn> {
    let off = slot.off();
    let bits = wire::operation(slot.opcode());
    if let Some(cond) = Cond::from_bits(bits) {
        return Ok(Insn::Jump { cond, width, dst: dst(slot)?, src: source(slot)?, off });
    }
    match (bits, wire::source(slot.opcode()), width) {
        (special::JA, K, Width::Bits64) => {
            zeros(slot, [Field::Dst, Field::Src, Field::Imm], Insn::Ja { off })
        }
        (special::JA, K, Width::Bits32) => {
            zeros(slot, [Field::Dst, Field::Src, Field::Off], Insn::JaLong { off: slot.imm() })
        }
        (special::JA, _, Width::Bits64) => {
            let insn = Insn::Gotox { dst: dst(slot)? };
            zeros(slot, [Field::Src, Field::Off, Field::Imm], insn)
        }
        (special::JCOND, K, Width::Bits64) => {
            zeros(slot, [Field::Dst, Field::Src, Field::Imm], Insn::MayGoto { off })
        }
        (special::CALL, K, Width::Bits64) => called(slot),
        (special::EXIT, K, Width::Bits64) => {
            zero(slot, Field::Dst)?;
            zeros(slot, [Field::Src, Field::Off, Field::Imm], Insn::Exit)
        }
        _ => unknown(slot),
    }
}

fn called(slot: Slot) -> Result<Insn> {
    zero(slot, Field::Dst)?;
    match slot.src() {
        call::HELPER => zeros(slot, [Field::Off], Insn::Call { helper: Helper(slot.imm() as u32) }),
        call::FUNCTION => zeros(slot, [Field::Off], Insn::CallFunction { off: slot.imm() }),
        call::KFUNC => Ok(Insn::CallKfunc { id: slot.imm() as u32, btf_index: slot.off() }),
        _ => refuse(slot, Field::Src),
    }
}

/// The second operand of arithmetic or a comparison; the field it does not use must be zero.
fn source(slot: Slot) -> Result<Source> {
    if wire::source(slot.opcode()) == X {
        zero(slot, Field::Imm)?;
        Ok(Source::Reg(src(slot)?))
    } else {
        zero(slot, Field::Src)?;
        Ok(Source::Imm(slot.imm()))
    }
}

fn size(slot: Slot) -> Result<Size> {
    Size::from_bits(wire::size(slot.opcode())).ok_or(DecodeError::Opcode { opcode: slot.opcode() })
}

fn narrow(slot: Slot) -> Result<Narrow> {
    size(slot)?.narrow().ok_or(DecodeError::Opcode { opcode: slot.opcode() })
}

fn stack_arg(slot: Slot, bytes: i16) -> Result<StackArg> {
    StackArg::from_bytes(bytes).ok_or(bad(slot, Field::Off))
}

fn dst(slot: Slot) -> Result<Reg> {
    Reg::from_number(slot.dst()).ok_or(bad(slot, Field::Dst))
}

fn src(slot: Slot) -> Result<Reg> {
    Reg::from_number(slot.src()).ok_or(bad(slot, Field::Src))
}

fn zeros<const N: usize>(slot: Slot, fields: [Field; N], insn: Insn) -> Result<Insn> {
    fields.into_iter().try_for_each(|field| zero(slot, field))?;
    Ok(insn)
}

fn zero(slot: Slot, field: Field) -> Result<()> {
    if value(slot, field) == 0 { Ok(()) } else { Err(bad(slot, field)) }
}

fn refuse<T>(slot: Slot, field: Field) -> Result<T> {
    Err(bad(slot, field))
}

fn bad(slot: Slot, field: Field) -> DecodeError {
    DecodeError::Field { opcode: slot.opcode(), field, value: value(slot, field) }
}

fn unknown<T>(slot: Slot) -> Result<T> {
    Err(DecodeError::Opcode { opcode: slot.opcode() })
}

fn value(slot: Slot, field: Field) -> i32 {
    match field {
        Field::Opcode => slot.opcode().into(),
        Field::Dst => slot.dst().into(),
        Field::Src => slot.src().into(),
        Field::Off => slot.off().into(),
        Field::Imm => slot.imm(),
    }
}
