//! Atomics on four or eight bytes of memory.

use core::panic::Location;

use crate::{AsmError, Assembler, AtomicOp, Insn, Loc, Reg, Size, assembler::At};

macro_rules! atomics {
    ($($(#[$doc:meta])* $op:ident $name:ident;)+) => {
        impl Assembler {
            $(
                $(#[$doc])*
                #[track_caller]
                #[inline]
                pub fn $name(&mut self, size: Size, base: Reg, off: i32, src: Reg) -> &mut Self {
                    self.put_atomic(AtomicOp::$op, size, base, off, src, Location::caller())
                }
            )+
        }
    };
}

atomics! {
    /// `lock *(size *)(base + off) += src`, of `W` or `DW`.
    #[doc(alias = "BPF_XADD")]
    Add atomic_add;
    /// `lock *(size *)(base + off) |= src`, of `W` or `DW`. Since Linux 5.12.
    Or atomic_or;
    /// `lock *(size *)(base + off) &= src`, of `W` or `DW`. Since Linux 5.12.
    And atomic_and;
    /// `lock *(size *)(base + off) ^= src`, of `W` or `DW`. Since Linux 5.12.
    Xor atomic_xor;
    /// `src = atomic_fetch_add((size *)(base + off), src)`, of `W` or `DW`. Since Linux 5.12.
    #[doc(alias = "BPF_FETCH")]
    FetchAdd fetch_add;
    /// `src = atomic_fetch_or((size *)(base + off), src)`, of `W` or `DW`. Since Linux 5.12.
    FetchOr fetch_or;
    /// `src = atomic_fetch_and((size *)(base + off), src)`, of `W` or `DW`. Since Linux 5.12.
    FetchAnd fetch_and;
    /// `src = atomic_fetch_xor((size *)(base + off), src)`, of `W` or `DW`. Since Linux 5.12.
    FetchXor fetch_xor;
    /// `src = xchg((size *)(base + off), src)`, of `W` or `DW`. Since Linux 5.12.
    #[doc(alias = "BPF_XCHG")]
    Xchg xchg;
    /// `r0 = cmpxchg((size *)(base + off), r0, src)`: stores `src` where `R0` was found, `W` or `DW`. Since Linux 5.12.
    #[doc(alias = "BPF_CMPXCHG")]
    CmpXchg cmpxchg;
}

impl Assembler {
    /// Any atomic operation on `W` or `DW`.
    #[track_caller]
    #[inline]
    pub fn atomic(&mut self, op: AtomicOp, size: Size, base: Reg, off: i32, src: Reg) -> &mut Self {
        self.put_atomic(op, size, base, off, src, Location::caller())
    }

    /// `dst = load_acquire((size *)(base + off))`, of any size. Since Linux 6.15.
    #[doc(alias = "BPF_LOAD_ACQ")]
    #[track_caller]
    pub fn load_acquire(&mut self, size: Size, dst: Reg, base: Reg, off: i32) -> &mut Self {
        let at = Location::caller();
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::LoadAcquire { size, dst, base, off }, at),
            None => self,
        }
    }

    /// `store_release((size *)(base + off), src)`, of any size. Since Linux 6.15.
    #[doc(alias = "BPF_STORE_REL")]
    #[track_caller]
    pub fn store_release(&mut self, size: Size, base: Reg, off: i32, src: Reg) -> &mut Self {
        let at = Location::caller();
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::StoreRelease { size, base, off, src }, at),
            None => self,
        }
    }

    #[inline]
    fn put_atomic(&mut self, op: AtomicOp, size: Size, base: Reg, off: i32, src: Reg, at: At) -> &mut Self {
        let Some(width) = size.atomic() else {
            return self.fail(AsmError::Size { loc: Loc::of(at), size });
        };
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::Atomic { op, width, base, off, src }, at),
            None => self,
        }
    }
}
