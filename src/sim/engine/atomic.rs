//! Atomic operations. One instruction is executed at a time, so they are atomic by themselves; addresses are aligned.

use crate::asm::AtomicOp;
use crate::sim::cpu::Registers;
use crate::sim::error::Access;
use crate::sim::op::Op;
use crate::sim::trap::Trap;
use crate::sim::world::World;

macro_rules! update {
    ($name:ident, $ty:ty) => {
        /// Reads, changes and writes; the old value goes where the operation puts it.
        pub(super) fn $name<const BIG: bool>(
            world: &mut World,
            r: &mut Registers,
            op: &Op,
        ) -> Result<(), Trap> {
            const SIZE: u32 = size_of::<$ty>() as u32;
            let (dst, src) = (usize::from(op.dst & 15), usize::from(op.src & 15));
            let address = r[dst].wrapping_add(op.imm);
            if !address.is_multiple_of(u64::from(SIZE)) {
                return Err(world.misaligned(SIZE, address));
            }
            let Some(room) = world.memory.room(address) else {
                return Err(world.refused(Access::Atomic, SIZE, address));
            };
            let old = if BIG { <$ty>::from_be_bytes(*room) } else { <$ty>::from_le_bytes(*room) };
            let operand = r[src] as $ty;
            let (new, fetched) = match AtomicOp::ALL.get(op.aux as usize) {
                Some(AtomicOp::Add) => (old.wrapping_add(operand), None),
                Some(AtomicOp::FetchAdd) => (old.wrapping_add(operand), Some(src)),
                Some(AtomicOp::Or) => (old | operand, None),
                Some(AtomicOp::FetchOr) => (old | operand, Some(src)),
                Some(AtomicOp::And) => (old & operand, None),
                Some(AtomicOp::FetchAnd) => (old & operand, Some(src)),
                Some(AtomicOp::Xor) => (old ^ operand, None),
                Some(AtomicOp::FetchXor) => (old ^ operand, Some(src)),
                Some(AtomicOp::Xchg) => (operand, Some(src)),
                Some(AtomicOp::CmpXchg) if old == r[0] as $ty => (operand, Some(0)),
                Some(AtomicOp::CmpXchg) => (old, Some(0)),
                None => return Err(Trap::NoInstruction),
            };
            *room = if BIG { new.to_be_bytes() } else { new.to_le_bytes() };
            if let Some(register) = fetched {
                r[register] = u64::from(old);
            }
            Ok(())
        }
    };
}

update!(update32, u32);
update!(update64, u64);

/// A load that nothing later overtakes.
pub(super) fn acquire(world: &mut World, r: &mut Registers, op: &Op) -> Result<(), Trap> {
    let address = aligned(world, r[usize::from(op.src & 15)], op)?;
    let endian = world.memory.endian;
    r[usize::from(op.dst & 15)] = match world.memory.read(address, op.aux as usize) {
        Ok(bytes) => super::super::world::number(bytes, endian),
        Err(_) => world.load_slowly(address, op.aux)?,
    };
    Ok(())
}

/// A store that overtakes nothing earlier.
pub(super) fn release(world: &mut World, r: &mut Registers, op: &Op) -> Result<(), Trap> {
    let address = aligned(world, r[usize::from(op.dst & 15)], op)?;
    let value = r[usize::from(op.src & 15)];
    let size = op.aux as usize;
    let bytes = match world.memory.endian {
        crate::base::Endian::Little => value.to_le_bytes(),
        crate::base::Endian::Big => (value << (64 - 8 * op.aux)).to_be_bytes(),
    };
    match world.memory.write(address, &bytes[..size]) {
        Ok(()) => Ok(()),
        Err(_) => world.store_slowly(address, op.aux, value),
    }
}

fn aligned(world: &World, base: u64, op: &Op) -> Result<u64, Trap> {
    let address = base.wrapping_add(op.imm);
    match address.is_multiple_of(u64::from(op.aux)) {
        true => Ok(address),
        false => Err(world.misaligned(op.aux, address)),
    }
}
