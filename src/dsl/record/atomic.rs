//! Atomic operations on places.

use super::{Datum, Pointer, State};
use crate::asm::AtomicOp;
use crate::dsl::error::{Error, site};
use crate::dsl::ir::{At, Op};
use crate::dsl::types::{Layout, ScalarType};

impl State {
    /// An atomic operation. What was there before, where the operation gives it.
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        to: Pointer,
        value: Datum,
        expected: Option<Datum>,
        at: At,
    ) -> Datum {
        let ty = self.atomic_type(to, at);
        let (value, expected) =
            (self.of_type(ty, value, at), expected.map(|datum| self.of_type(ty, datum, at)));
        if !matches!(ty.bits(), 32 | 64) {
            self.no_atomic(ty.to_string(), at);
            return Datum::constant(0, ty);
        }
        let (addr, memory) = (to.addr(), to.region.memory());
        let old = self.push(Op::Atomic { op, size: ty.size(), addr, memory, value, expected }, at);
        self.made(old, ty)
    }

    /// A load before which none that follow are done.
    pub(crate) fn load_acquire(&mut self, from: Pointer, at: At) -> Datum {
        self.check_scope(from.scope, at);
        let Layout::Scalar(ty) = from.layout else {
            let ty = self.atomic_type(from, at);
            return Datum::constant(0, ty);
        };
        let loaded = self
            .push(Op::LoadAcquire { size: ty.size(), addr: from.addr(), memory: from.region.memory() }, at);
        self.loaded(loaded, ty, at)
    }

    /// A store behind which none that come before are done.
    pub(crate) fn store_release(&mut self, to: Pointer, value: Datum, at: At) {
        let ty = self.atomic_type(to, at);
        let value = self.of_type(ty, value, at);
        let (addr, memory) = (to.addr(), to.region.memory());
        self.push(Op::StoreRelease { size: ty.size(), addr, memory, value }, at);
    }

    fn of_type(&mut self, ty: ScalarType, value: Datum, at: At) -> crate::dsl::ir::Operand {
        if ty != value.ty {
            self.mismatch(ty, value.ty, at);
        }
        self.use_of(value, at)
    }

    fn atomic_type(&mut self, place: Pointer, at: At) -> ScalarType {
        self.check_scope(place.scope, at);
        self.check_writable(place, at);
        let Layout::Scalar(ty) = place.layout else {
            let what = place.layout.describe(self.btf().view());
            self.no_atomic(what, at);
            return ScalarType::U64;
        };
        ty
    }

    fn no_atomic(&mut self, what: String, at: At) {
        self.fail(Error::NoAtomic { what, site: site(at) });
    }
}
