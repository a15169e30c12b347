//! Bytes of places: copied, compared, set.

use super::memory::widest;
use super::{CondId, Pointer, Region, State};
use crate::asm::{Cond, Size, Width};
use crate::base::Endian;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{Addr, At, Compare, Op, Operand};

impl Pointer {
    /// How many bytes can be accessed at once, so far from its start. Packets are accessed as widely as can be: machines
    /// that run BPF take it, others the verifier tells.
    fn widest_at(&self, offset: i32, left: i32) -> Size {
        let free = i32::from(self.region == Region::Packet) * 8;
        let aligned = 1 << (self.off.saturating_add(offset) | 8).trailing_zeros();
        widest(left.min(aligned.min(i32::from(self.align)).max(free)))
    }
}

/// Where the pieces of so many bytes begin, and how wide they are.
fn pieces(size: u32, widest_at: impl Fn(i32, i32) -> Size) -> Vec<(i32, Size)> {
    let (mut offset, end) = (0, i32::try_from(size).unwrap_or(i32::MAX));
    let mut pieces = Vec::new();
    while offset < end {
        let size = widest_at(offset, end - offset);
        pieces.push((offset, size));
        offset += size.bytes() as i32;
    }
    pieces
}

fn of_both(a: Pointer, b: Pointer) -> Vec<(i32, Size)> {
    pieces(a.layout.size(), |offset, left| {
        let (a, b) = (a.widest_at(offset, left), b.widest_at(offset, left));
        if a.bytes() < b.bytes() { a } else { b }
    })
}

impl State {
    /// Copies what lies at a place to another one of the same size.
    pub(crate) fn copy(&mut self, to: Pointer, from: Pointer, at: At) {
        self.check_pair(to, from, at);
        self.check_writable(to, at);
        for (offset, size) in of_both(to, from) {
            let value = self.piece(from, offset, size, at);
            self.set_piece(to, offset, size, value, at);
        }
    }

    /// Whether the same bytes lie at two places.
    pub(crate) fn same_bytes(&mut self, a: Pointer, b: Pointer, at: At) -> CondId {
        self.check_pair(a, b, at);
        let pairs: Vec<_> = of_both(a, b)
            .into_iter()
            .map(|(offset, size)| (self.piece(a, offset, size, at), self.piece(b, offset, size, at), size))
            .collect();
        self.all_equal(pairs, at)
    }

    /// Whether these bytes lie at a place.
    pub(crate) fn are_bytes(&mut self, a: Pointer, bytes: &[u8], at: At) -> CondId {
        self.check_scope(a.scope, at);
        let pairs: Vec<_> = pieces(a.layout.size(), |offset, left| a.widest_at(offset, left))
            .into_iter()
            .map(|(offset, size)| {
                (self.piece(a, offset, size, at), Operand::Imm(self.number_of(bytes, offset, size)), size)
            })
            .collect();
        self.all_equal(pairs, at)
    }

    /// Writes these bytes to a place.
    pub(crate) fn set_bytes(&mut self, to: Pointer, bytes: &[u8], at: At) {
        self.check_scope(to.scope, at);
        self.check_writable(to, at);
        for (offset, size) in pieces(to.layout.size(), |offset, left| to.widest_at(offset, left)) {
            let value = Operand::Imm(self.number_of(bytes, offset, size));
            self.set_piece(to, offset, size, value, at);
        }
    }

    fn all_equal(&mut self, pairs: Vec<(Operand, Operand, Size)>, at: At) -> CondId {
        let compares = pairs.into_iter().map(|(a, b, size)| {
            let width = if size == Size::DW { Width::Bits64 } else { Width::Bits32 };
            Compare { cond: Cond::Eq, width, a, b }
        });
        let mut all = None;
        for compare in compares {
            let one = self.comparison(compare);
            all = Some(all.map_or(one, |all| self.and(all, one, at)));
        }
        let nothing =
            Compare { cond: Cond::Eq, width: Width::Bits64, a: Operand::Imm(0), b: Operand::Imm(0) };
        all.unwrap_or_else(|| self.comparison(nothing))
    }

    fn piece(&mut self, from: Pointer, offset: i32, size: Size, at: At) -> Operand {
        let addr = Addr { base: from.base, off: from.off.saturating_add(offset) };
        self.push(Op::Load { size, addr, memory: from.region.memory() }, at)
    }

    fn set_piece(&mut self, to: Pointer, offset: i32, size: Size, value: Operand, at: At) {
        let addr = Addr { base: to.base, off: to.off.saturating_add(offset) };
        self.push(Op::Store { size, addr, memory: to.region.memory(), value }, at);
    }

    /// The number that these bytes are to the machine that the object is for.
    fn number_of(&self, bytes: &[u8], offset: i32, size: Size) -> i64 {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let given = bytes.get(start..).unwrap_or_default().iter().take(size.bytes() as usize);
        let digit = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
        let number = match self.object.byte_order() {
            Endian::Big => given.fold(0, digit),
            Endian::Little => given.rev().fold(0, digit),
        };
        number.cast_signed()
    }

    fn check_pair(&mut self, a: Pointer, b: Pointer, at: At) {
        self.check_scope(a.scope, at);
        self.check_scope(b.scope, at);
        let (expected, found) = (a.layout.size(), b.layout.size());
        if expected != found {
            let (expected, found) = (format!("{expected} bytes"), format!("{found} bytes"));
            self.fail(Error::Type { expected, found, site: site(at) });
        }
    }
}
