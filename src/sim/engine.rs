//! The engine: one loop over decoded instructions.

mod alu;
mod atomic;

use super::cpu::{Answer, Back, Cpu};
use super::error::Access;
use super::op::{Code, Op};
use super::text::Text;
use super::trap::Trap;
use super::world::World;
use crate::asm::Endian;

/// Why the engine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The program, or the function that was started, returned this.
    Returned(u64),
    /// Its quota of instructions is used up: it goes on when it is run again.
    Paused,
    /// A helper waits for another CPU: it goes on when it is run again, once that has come further.
    Waiting,
}

/// Runs until the end, or for `quota` instructions. After a trap, [`Cpu::at`] is the op that caused it.
pub(super) fn run(cpu: &mut Cpu, world: &mut World, text: &Text, quota: u64) -> Result<Stop, Trap> {
    match world.memory.endian {
        Endian::Little => run_as::<false>(cpu, world, text, quota),
        Endian::Big => run_as::<true>(cpu, world, text, quota),
    }
}

/// The loop, for memory of one byte order.
fn run_as<const BIG: bool>(cpu: &mut Cpu, world: &mut World, text: &Text, quota: u64) -> Result<Stop, Trap> {
    let ops: &[Op] = &text.ops;
    let mut r = cpu.registers;
    let mut at = cpu.at;
    let mut left = quota;
    let end = loop {
        let Some(op) = ops.get(at) else { break Err(Trap::NoInstruction) };
        if left == 0 {
            break Ok(Stop::Paused);
        }
        left -= 1;
        at += 1;
        // Masked, a register's number needs no check.
        let (dst, src) = (usize::from(op.dst & 15), usize::from(op.src & 15));

        // The value of a result, or the end.
        macro_rules! get {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(trap) => break Err(trap),
                }
            };
        }
        // r[dst] = f(r[dst], operand), on so many bits; the upper half of a 32-bit result is zero.
        macro_rules! alu {
            ($ty:ty, $f:expr, $operand:expr) => {{
                let f: fn($ty, $ty) -> $ty = $f;
                r[dst] = u64::from(f(r[dst] as $ty, $operand as $ty));
            }};
        }
        macro_rules! jump {
            ($ty:ty, $f:expr, $operand:expr) => {{
                let f: fn($ty, $ty) -> bool = $f;
                if f(r[dst] as $ty, $operand as $ty) {
                    at = op.aux as usize;
                }
            }};
        }
        macro_rules! load {
            ($ty:ty) => {{
                const SIZE: usize = size_of::<$ty>();
                let address = r[src].wrapping_add(op.imm);
                match world.memory.get::<SIZE>(address) {
                    Some(bytes) if BIG => <$ty>::from_be_bytes(bytes),
                    Some(bytes) => <$ty>::from_le_bytes(bytes),
                    None => get!(world.load_slowly(address, SIZE as u32)) as $ty,
                }
            }};
        }
        macro_rules! store {
            ($ty:ty, $off:expr, $value:expr) => {{
                const SIZE: usize = size_of::<$ty>();
                let (address, value) = (r[dst].wrapping_add($off), $value as $ty);
                let bytes = if BIG { value.to_be_bytes() } else { value.to_le_bytes() };
                if !world.memory.put(address, bytes) {
                    get!(world.store_slowly(address, SIZE as u32, u64::from(value)));
                }
            }};
        }

        match op.code {
            Code::AddR => alu!(u64, u64::wrapping_add, r[src]),
            Code::AddI => alu!(u64, u64::wrapping_add, op.imm),
            Code::AddR32 => alu!(u32, u32::wrapping_add, r[src]),
            Code::AddI32 => alu!(u32, u32::wrapping_add, op.imm),
            Code::SubR => alu!(u64, u64::wrapping_sub, r[src]),
            Code::SubI => alu!(u64, u64::wrapping_sub, op.imm),
            Code::SubR32 => alu!(u32, u32::wrapping_sub, r[src]),
            Code::SubI32 => alu!(u32, u32::wrapping_sub, op.imm),
            Code::MulR => alu!(u64, u64::wrapping_mul, r[src]),
            Code::MulI => alu!(u64, u64::wrapping_mul, op.imm),
            Code::MulR32 => alu!(u32, u32::wrapping_mul, r[src]),
            Code::MulI32 => alu!(u32, u32::wrapping_mul, op.imm),
            Code::DivR => alu!(u64, alu::div64, r[src]),
            Code::DivI => alu!(u64, alu::div64, op.imm),
            Code::DivR32 => alu!(u32, alu::div32, r[src]),
            Code::DivI32 => alu!(u32, alu::div32, op.imm),
            Code::SDivR => alu!(u64, alu::sdiv64, r[src]),
            Code::SDivI => alu!(u64, alu::sdiv64, op.imm),
            Code::SDivR32 => alu!(u32, alu::sdiv32, r[src]),
            Code::SDivI32 => alu!(u32, alu::sdiv32, op.imm),
            Code::OrR => alu!(u64, |a, b| a | b, r[src]),
            Code::OrI => alu!(u64, |a, b| a | b, op.imm),
            Code::OrR32 => alu!(u32, |a, b| a | b, r[src]),
            Code::OrI32 => alu!(u32, |a, b| a | b, op.imm),
            Code::AndR => alu!(u64, |a, b| a & b, r[src]),
            Code::AndI => alu!(u64, |a, b| a & b, op.imm),
            Code::AndR32 => alu!(u32, |a, b| a & b, r[src]),
            Code::AndI32 => alu!(u32, |a, b| a & b, op.imm),
            Code::LshR => alu!(u64, |a, b| a << (b & 63), r[src]),
            Code::LshI => alu!(u64, |a, b| a << (b & 63), op.imm),
            Code::LshR32 => alu!(u32, |a, b| a << (b & 31), r[src]),
            Code::LshI32 => alu!(u32, |a, b| a << (b & 31), op.imm),
            Code::RshR => alu!(u64, |a, b| a >> (b & 63), r[src]),
            Code::RshI => alu!(u64, |a, b| a >> (b & 63), op.imm),
            Code::RshR32 => alu!(u32, |a, b| a >> (b & 31), r[src]),
            Code::RshI32 => alu!(u32, |a, b| a >> (b & 31), op.imm),
            Code::ModR => alu!(u64, alu::rem64, r[src]),
            Code::ModI => alu!(u64, alu::rem64, op.imm),
            Code::ModR32 => alu!(u32, alu::rem32, r[src]),
            Code::ModI32 => alu!(u32, alu::rem32, op.imm),
            Code::SModR => alu!(u64, alu::srem64, r[src]),
            Code::SModI => alu!(u64, alu::srem64, op.imm),
            Code::SModR32 => alu!(u32, alu::srem32, r[src]),
            Code::SModI32 => alu!(u32, alu::srem32, op.imm),
            Code::XorR => alu!(u64, |a, b| a ^ b, r[src]),
            Code::XorI => alu!(u64, |a, b| a ^ b, op.imm),
            Code::XorR32 => alu!(u32, |a, b| a ^ b, r[src]),
            Code::XorI32 => alu!(u32, |a, b| a ^ b, op.imm),
            Code::MovR => alu!(u64, |_, b| b, r[src]),
            Code::MovI => alu!(u64, |_, b| b, op.imm),
            Code::MovR32 => alu!(u32, |_, b| b, r[src]),
            Code::MovI32 => alu!(u32, |_, b| b, op.imm),
            Code::ArshR => alu!(u64, |a: u64, b| (a.cast_signed() >> (b & 63)).cast_unsigned(), r[src]),
            Code::ArshI => alu!(u64, |a: u64, b| (a.cast_signed() >> (b & 63)).cast_unsigned(), op.imm),
            Code::ArshR32 => alu!(u32, |a: u32, b| (a.cast_signed() >> (b & 31)).cast_unsigned(), r[src]),
            Code::ArshI32 => alu!(u32, |a: u32, b| (a.cast_signed() >> (b & 31)).cast_unsigned(), op.imm),
            Code::JeqR => jump!(u64, |a, b| a == b, r[src]),
            Code::JeqI => jump!(u64, |a, b| a == b, op.imm),
            Code::JeqR32 => jump!(u32, |a, b| a == b, r[src]),
            Code::JeqI32 => jump!(u32, |a, b| a == b, op.imm),
            Code::JgtR => jump!(u64, |a, b| a > b, r[src]),
            Code::JgtI => jump!(u64, |a, b| a > b, op.imm),
            Code::JgtR32 => jump!(u32, |a, b| a > b, r[src]),
            Code::JgtI32 => jump!(u32, |a, b| a > b, op.imm),
            Code::JgeR => jump!(u64, |a, b| a >= b, r[src]),
            Code::JgeI => jump!(u64, |a, b| a >= b, op.imm),
            Code::JgeR32 => jump!(u32, |a, b| a >= b, r[src]),
            Code::JgeI32 => jump!(u32, |a, b| a >= b, op.imm),
            Code::JsetR => jump!(u64, |a, b| a & b != 0, r[src]),
            Code::JsetI => jump!(u64, |a, b| a & b != 0, op.imm),
            Code::JsetR32 => jump!(u32, |a, b| a & b != 0, r[src]),
            Code::JsetI32 => jump!(u32, |a, b| a & b != 0, op.imm),
            Code::JneR => jump!(u64, |a, b| a != b, r[src]),
            Code::JneI => jump!(u64, |a, b| a != b, op.imm),
            Code::JneR32 => jump!(u32, |a, b| a != b, r[src]),
            Code::JneI32 => jump!(u32, |a, b| a != b, op.imm),
            Code::JsgtR => jump!(u64, |a: u64, b: u64| a.cast_signed() > b.cast_signed(), r[src]),
            Code::JsgtI => jump!(u64, |a: u64, b: u64| a.cast_signed() > b.cast_signed(), op.imm),
            Code::JsgtR32 => jump!(u32, |a: u32, b: u32| a.cast_signed() > b.cast_signed(), r[src]),
            Code::JsgtI32 => jump!(u32, |a: u32, b: u32| a.cast_signed() > b.cast_signed(), op.imm),
            Code::JsgeR => jump!(u64, |a: u64, b: u64| a.cast_signed() >= b.cast_signed(), r[src]),
            Code::JsgeI => jump!(u64, |a: u64, b: u64| a.cast_signed() >= b.cast_signed(), op.imm),
            Code::JsgeR32 => jump!(u32, |a: u32, b: u32| a.cast_signed() >= b.cast_signed(), r[src]),
            Code::JsgeI32 => jump!(u32, |a: u32, b: u32| a.cast_signed() >= b.cast_signed(), op.imm),
            Code::JltR => jump!(u64, |a, b| a < b, r[src]),
            Code::JltI => jump!(u64, |a, b| a < b, op.imm),
            Code::JltR32 => jump!(u32, |a, b| a < b, r[src]),
            Code::JltI32 => jump!(u32, |a, b| a < b, op.imm),
            Code::JleR => jump!(u64, |a, b| a <= b, r[src]),
            Code::JleI => jump!(u64, |a, b| a <= b, op.imm),
            Code::JleR32 => jump!(u32, |a, b| a <= b, r[src]),
            Code::JleI32 => jump!(u32, |a, b| a <= b, op.imm),
            Code::JsltR => jump!(u64, |a: u64, b: u64| a.cast_signed() < b.cast_signed(), r[src]),
            Code::JsltI => jump!(u64, |a: u64, b: u64| a.cast_signed() < b.cast_signed(), op.imm),
            Code::JsltR32 => jump!(u32, |a: u32, b: u32| a.cast_signed() < b.cast_signed(), r[src]),
            Code::JsltI32 => jump!(u32, |a: u32, b: u32| a.cast_signed() < b.cast_signed(), op.imm),
            Code::JsleR => jump!(u64, |a: u64, b: u64| a.cast_signed() <= b.cast_signed(), r[src]),
            Code::JsleI => jump!(u64, |a: u64, b: u64| a.cast_signed() <= b.cast_signed(), op.imm),
            Code::JsleR32 => jump!(u32, |a: u32, b: u32| a.cast_signed() <= b.cast_signed(), r[src]),
            Code::JsleI32 => jump!(u32, |a: u32, b: u32| a.cast_signed() <= b.cast_signed(), op.imm),
            Code::Neg => r[dst] = r[dst].wrapping_neg(),
            Code::Neg32 => r[dst] = u64::from((r[dst] as u32).wrapping_neg()),
            Code::Sx8 => r[dst] = (r[src] as i8 as i64).cast_unsigned(),
            Code::Sx16 => r[dst] = (r[src] as i16 as i64).cast_unsigned(),
            Code::Sx32 => r[dst] = (r[src] as i32 as i64).cast_unsigned(),
            Code::Sx8To32 => r[dst] = u64::from((r[src] as i8 as i32).cast_unsigned()),
            Code::Sx16To32 => r[dst] = u64::from((r[src] as i16 as i32).cast_unsigned()),
            Code::Swap16 => r[dst] = u64::from((r[dst] as u16).swap_bytes()),
            Code::Swap32 => r[dst] = u64::from((r[dst] as u32).swap_bytes()),
            Code::Swap64 => r[dst] = r[dst].swap_bytes(),
            Code::Cut16 => r[dst] = u64::from(r[dst] as u16),
            Code::Cut32 => r[dst] = u64::from(r[dst] as u32),
            Code::Wide => {
                r[dst] = op.imm;
                at += 1;
            }
            Code::Load1 => r[dst] = u64::from(load!(u8)),
            Code::Load2 => r[dst] = u64::from(load!(u16)),
            Code::Load4 => {
                // A pointer in a context is loaded as four bytes.
                let address = r[src].wrapping_add(op.imm);
                r[dst] = match world.memory.get::<4>(address) {
                    Some(bytes) if BIG => u64::from(u32::from_be_bytes(bytes)),
                    Some(bytes) => u64::from(u32::from_le_bytes(bytes)),
                    None => get!(world.load_slowly(address, 4)),
                }
            }
            Code::Load8 => r[dst] = load!(u64),
            Code::LoadSx1 => r[dst] = (load!(i8) as i64).cast_unsigned(),
            Code::LoadSx2 => r[dst] = (load!(i16) as i64).cast_unsigned(),
            Code::LoadSx4 => r[dst] = (load!(i32) as i64).cast_unsigned(),
            Code::Store1 => store!(u8, op.imm, r[src]),
            Code::Store2 => store!(u16, op.imm, r[src]),
            Code::Store4 => store!(u32, op.imm, r[src]),
            Code::Store8 => store!(u64, op.imm, r[src]),
            Code::StoreI1 => store!(u8, offset(op), op.imm),
            Code::StoreI2 => store!(u16, offset(op), op.imm),
            Code::StoreI4 => store!(u32, offset(op), op.imm),
            Code::StoreI8 => store!(u64, offset(op), op.imm),
            Code::Atomic32 => get!(atomic::update32::<BIG>(world, &mut r, op)),
            Code::Atomic64 => get!(atomic::update64::<BIG>(world, &mut r, op)),
            Code::Acquire => get!(atomic::acquire(world, &mut r, op)),
            Code::Release => get!(atomic::release(world, &mut r, op)),
            Code::LoadArg => r[dst] = get!(cpu.argument(op.aux)),
            Code::StoreArg => get!(cpu.pass(op.aux, r[src])),
            Code::StoreArgI => get!(cpu.pass(op.aux, op.imm)),
            Code::LoadAbs | Code::LoadInd => {
                let index = if op.code == Code::LoadInd { r[src] as u32 } else { 0 };
                match get!(load_packet(world, r[6], op, index)) {
                    Some(value) => r[0] = value,
                    // Outside of the packet, the function returns 0.
                    None => {
                        r[0] = 0;
                        match get!(cpu.ret(world, &mut r)) {
                            Back::To(back) => at = back,
                            Back::Done => break Ok(Stop::Returned(0)),
                        }
                    }
                }
            }
            Code::Ja => at = op.aux as usize,
            Code::MayGoto => {
                if cpu.may_goto() {
                    at = op.aux as usize;
                }
            }
            Code::Helper => {
                world.timers.op = Some(at - 1);
                let arguments = [r[1], r[2], r[3], r[4], r[5]];
                match get!((text.helpers[op.aux as usize])(world, arguments)) {
                    Answer::Value(value) => {
                        r[0] = value;
                        if world.timers.blocks(world.cpu) {
                            break Ok(Stop::Waiting);
                        }
                    }
                    Answer::Wait => {
                        at -= 1;
                        left += 1;
                        break Ok(Stop::Waiting);
                    }
                    other => at = get!(cpu.answer(other, world, &mut r, text, at)),
                }
            }
            Code::CallFunction => {
                get!(cpu.call(world, &mut r, at, None));
                at = op.aux as usize;
            }
            Code::Exit => match get!(cpu.ret(world, &mut r)) {
                Back::To(back) => at = back,
                Back::Done => break Ok(Stop::Returned(r[0])),
            },
            Code::Never => break Err(Trap::NoInstruction),
        }
    };
    cpu.executed += quota - left;
    cpu.registers = r;
    cpu.at = if end.is_err() { at.saturating_sub(1) } else { at };
    end
}

/// The offset of a store of an immediate.
const fn offset(op: &Op) -> u64 {
    (op.aux.cast_signed() as i64).cast_unsigned()
}

/// A legacy load from the packet; none outside of it.
#[cold]
fn load_packet(world: &World, context: u64, op: &Op, index: u32) -> Result<Option<u64>, Trap> {
    let offset = (op.imm as u32).wrapping_add(index).cast_signed();
    if world.memory.kind(context).is_none() {
        return Err(world.refused(Access::Read, op.aux, context));
    }
    Ok(world.load_packet(context, offset, op.aux))
}
