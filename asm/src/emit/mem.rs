//! Memory: loads, stores, stack arguments, packet loads.

use core::panic::Location;

use crate::{AsmError, Assembler, Insn, Loc, Narrow, Reg, Size, StackArg, assembler::At};

impl Assembler {
    /// `dst = *(size *)(base + off)`, filling with zeros; `off` is in bytes, −32768 to 32767.
    #[doc(alias = "BPF_LDX")]
    #[track_caller]
    #[inline]
    pub fn ldx(&mut self, size: Size, dst: Reg, base: Reg, off: i32) -> &mut Self {
        let at = Location::caller();
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::Load { size, dst, base, off }, at),
            None => self,
        }
    }

    /// `dst = *(s8 *)(base + off)`, extending the sign, of `B`, `H` or `W`. Since Linux 6.6; three instructions before.
    #[doc(alias = "BPF_MEMSX")]
    #[track_caller]
    pub fn ldsx(&mut self, size: Size, dst: Reg, base: Reg, off: i32) -> &mut Self {
        let at = Location::caller();
        match (self.narrow(size, at), self.offset(off, at)) {
            (Some(size), Some(off)) => self.emit(Insn::LoadSx { size, dst, base, off }, at),
            _ => self,
        }
    }

    /// `*(size *)(base + off) = src`; `off` is in bytes, −32768 to 32767.
    #[doc(alias = "BPF_STX")]
    #[track_caller]
    #[inline]
    pub fn stx(&mut self, size: Size, base: Reg, off: i32, src: Reg) -> &mut Self {
        let at = Location::caller();
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::Store { size, base, off, src }, at),
            None => self,
        }
    }

    /// `*(size *)(base + off) = imm`; the number must fit the size, signed or unsigned, and a `DW` is a 32-bit number
    /// whose sign is extended.
    #[doc(alias = "BPF_ST")]
    #[track_caller]
    #[inline]
    pub fn st(&mut self, size: Size, base: Reg, off: i32, imm: impl Into<i64>) -> &mut Self {
        let (at, value) = (Location::caller(), imm.into());
        let Some(imm) = stored(value, size) else {
            return self.fail(AsmError::Stored { loc: Loc::of(at), value, size });
        };
        match self.offset(off, at) {
            Some(off) => self.emit(Insn::StoreImm { size, base, off, imm }, at),
            None => self,
        }
    }

    /// `dst = *(u64 *)(r11 + 8 * number)`: an argument that this function got on the stack; number 1 is the sixth of
    /// all. Since Linux 7.2.
    #[track_caller]
    pub fn load_arg(&mut self, dst: Reg, number: u16) -> &mut Self {
        let at = Location::caller();
        match self.stack_arg(number, at) {
            Some(arg) => self.emit(Insn::LoadArg { dst, arg }, at),
            None => self,
        }
    }

    /// `*(u64 *)(r11 - 8 * number) = src`: an argument on the stack for the next call; number 1 is the sixth of all.
    /// Since Linux 7.2.
    #[track_caller]
    pub fn store_arg(&mut self, number: u16, src: Reg) -> &mut Self {
        let at = Location::caller();
        match self.stack_arg(number, at) {
            Some(arg) => self.emit(Insn::StoreArg { arg, src }, at),
            None => self,
        }
    }

    /// `*(u64 *)(r11 - 8 * number) = imm`: the same for a 32-bit number whose sign is extended. Since Linux 7.2.
    #[track_caller]
    pub fn store_arg_imm(&mut self, number: u16, imm: i32) -> &mut Self {
        let at = Location::caller();
        match self.stack_arg(number, at) {
            Some(arg) => self.emit(Insn::StoreArgImm { arg, imm }, at),
            None => self,
        }
    }

    /// `r0 = *(size *)skb[offset]`: from the packet in `R6`, `B`, `H` or `W`, converted from network byte order. Only
    /// for programs on packets; loses `R1` to `R5`; ends the program where the packet is too short.
    #[doc(alias = "BPF_ABS")]
    #[track_caller]
    pub fn ld_abs(&mut self, size: Size, offset: i32) -> &mut Self {
        let at = Location::caller();
        match self.narrow(size, at) {
            Some(size) => self.emit(Insn::LoadAbs { size, offset }, at),
            None => self,
        }
    }

    /// `r0 = *(size *)skb[src + offset]`: as [`ld_abs`](Self::ld_abs), with a register added to the offset.
    #[doc(alias = "BPF_IND")]
    #[track_caller]
    pub fn ld_ind(&mut self, size: Size, src: Reg, offset: i32) -> &mut Self {
        let at = Location::caller();
        match self.narrow(size, at) {
            Some(size) => self.emit(Insn::LoadInd { size, src, offset }, at),
            None => self,
        }
    }

    fn narrow(&mut self, size: Size, at: At) -> Option<Narrow> {
        let narrow = size.narrow();
        if narrow.is_none() {
            self.fail(AsmError::Size { loc: Loc::of(at), size });
        }
        narrow
    }

    fn stack_arg(&mut self, number: u16, at: At) -> Option<StackArg> {
        let arg = StackArg::new(number);
        if arg.is_none() {
            self.fail(AsmError::StackArg { loc: Loc::of(at), number });
        }
        arg
    }
}

/// The immediate that leaves this number in memory, if one does.
#[inline]
fn stored(value: i64, size: Size) -> Option<i32> {
    let (least, most) = match size {
        Size::B => (i8::MIN.into(), u8::MAX.into()),
        Size::H => (i16::MIN.into(), u16::MAX.into()),
        Size::W => (i32::MIN.into(), u32::MAX.into()),
        Size::DW => (i32::MIN.into(), i64::from(i32::MAX)),
    };
    if (least..=most).contains(&value) { Some(value as i32) } else { None }
}
