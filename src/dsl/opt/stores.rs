//! Stores to the stack that other stores of the same block write over before anything may read them: the zeros of what is
//! filled in at once.

use std::mem;

use super::super::ir::hash::Map;
use super::super::ir::{Addr, Base, Function, Local, Memory, Op};

/// Only places of so many bytes are looked at.
const BYTES: i32 = 64;

/// Drops them.
pub(super) fn drop_overwritten(function: &mut Function) {
    for block in &mut function.blocks {
        if block.insts.iter().filter(|inst| stored(&inst.op).is_some()).count() < 2 {
            continue;
        }
        let mut overwritten = Overwritten::default();
        let mut keep: Vec<bool> =
            block.insts.iter().rev().map(|inst| !overwritten.is_dead(&inst.op)).collect();
        block.insts.retain(|_| keep.pop().unwrap_or(true));
    }
}

/// The bytes of places that are written before they are read, from one operation of a block on.
#[derive(Default)]
struct Overwritten {
    bytes: Map<Local, u64>,
}

impl Overwritten {
    /// Goes up by one operation, which may be a store that nobody will see.
    fn is_dead(&mut self, op: &Op) -> bool {
        if let Some((local, bytes)) = stored(op) {
            let known = self.bytes.entry(local).or_default();
            return mem::replace(known, *known | bytes) & bytes == bytes;
        }
        match op {
            Op::Store { addr: Addr { base: Base::Local(_), .. }, .. } => {}
            Op::Load { addr: Addr { base: Base::Local(local), .. }, .. } => {
                self.bytes.remove(local);
            }
            Op::Load { memory, .. } if !matches!(memory, Memory::Stack | Memory::Other) => {}
            _ if op.addr().is_some()
                || matches!(op, Op::Call { .. } | Op::Asm(_) | Op::PacketLoad { .. }) =>
            {
                self.bytes.clear();
            }
            _ => {}
        }
        false
    }
}

/// The bytes of a place that a store writes, one bit each.
fn stored(op: &Op) -> Option<(Local, u64)> {
    let Op::Store { size, addr: Addr { base: Base::Local(local), off }, .. } = *op else { return None };
    let count = i32::from(size.bytes());
    let inside = 0 <= off && off <= BYTES - count;
    inside.then(|| (local, ((1 << count) - 1) << off))
}
