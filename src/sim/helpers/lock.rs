//! Spin locks and kernel pointers of map values.

use super::{Row, done};
use crate::base::Helper;
use crate::btf::special::FieldKind;
use crate::sim::cpu::Answer;
use crate::sim::memory::RegionKind;
use crate::sim::trap::Trap;
use crate::sim::world::{World, number};

pub(super) const ROWS: &[Row] =
    &[(Helper::SPIN_LOCK, lock), (Helper::SPIN_UNLOCK, unlock), (Helper::KPTR_XCHG, kptr_xchg)];

/// The special field at an address has one of these kinds.
fn field(
    world: &World,
    helper: Helper,
    address: u64,
    kinds: &[FieldKind],
    expected: &'static str,
) -> Result<(), Trap> {
    let trap = Trap::Argument { helper, argument: 1, address, expected };
    let Some(RegionKind::Values(map)) = world.memory.kind(address) else { return Err(trap) };
    let inside = world.memory.element_offset(address);
    let fields = &world.shape(map).fields;
    let found = fields.iter().any(|field| field.offset == inside && kinds.contains(&field.kind));
    if found { Ok(()) } else { Err(trap) }
}

const LOCK: &str = "the spin lock of a map value";

/// A CPU that holds a lock may take no other; one that another CPU holds is waited for.
fn lock(world: &mut World, [address, ..]: [u64; 5]) -> Result<Answer, Trap> {
    field(world, Helper::SPIN_LOCK, address, &[FieldKind::SpinLock], LOCK)?;
    if world.locks.iter().any(|(_, cpu)| *cpu == world.cpu) {
        return Err(Trap::Deadlock);
    }
    if world.locks.iter().any(|(held, _)| *held == address) {
        return Ok(Answer::Wait);
    }
    world.locks.push((address, world.cpu));
    Ok(done(Ok(())))
}

fn unlock(world: &mut World, [address, ..]: [u64; 5]) -> Result<Answer, Trap> {
    field(world, Helper::SPIN_UNLOCK, address, &[FieldKind::SpinLock], LOCK)?;
    let held = world.locks.iter().position(|held| *held == (address, world.cpu));
    let expected = "a spin lock that is held";
    let held = held.ok_or(Trap::Argument { helper: Helper::SPIN_UNLOCK, argument: 1, address, expected })?;
    world.locks.remove(held);
    Ok(done(Ok(())))
}

/// The pointer that was there.
fn kptr_xchg(world: &mut World, [address, new, ..]: [u64; 5]) -> Result<Answer, Trap> {
    let kinds = [FieldKind::Kptr, FieldKind::PercpuKptr];
    field(world, Helper::KPTR_XCHG, address, &kinds, "the kernel pointer of a map value")?;
    let endian = world.memory.endian;
    let old = number(world.memory.own(address, 8), endian);
    world.write_number(address, 8, new)?;
    Ok(Answer::Value(old))
}
