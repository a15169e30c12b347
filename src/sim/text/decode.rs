//! Slots to ops: operands resolved, immediates apart from registers, jumps to indexes.

use super::{Text, function_address};
use crate::asm::{
    AtomicOp, BtfScope, DecodeError, Extend, Insn, MapRef, Narrow, Reg, RelocKind, Size, Source, SwapBits,
    SwapOp, Width,
};
use crate::base::{Endian, Helper};
use crate::object::Object;
use crate::object::linker::{LinkedProgram, OpenReloc};
use crate::sim::error::SimError;
use crate::sim::helpers;
use crate::sim::maps::Shape;
use crate::sim::op::{Code, Op};
use crate::site::Site;

/// Appends the ops of a program.
pub(super) fn program(
    text: &mut Text,
    object: &Object,
    linked: &LinkedProgram,
    maps: &[Shape],
    values: &[u64],
) -> Result<(), SimError> {
    let start = text.ops.len();
    let mut decoder = Decoder { text, object, linked, maps, values, start, slot: 0, relocs: &linked.relocs };
    decoder.core()?;
    while decoder.slot < linked.slots.len() {
        decoder.next()?;
    }
    Ok(())
}

struct Decoder<'a> {
    text: &'a mut Text,
    object: &'a Object,
    linked: &'a LinkedProgram,
    maps: &'a [Shape],
    values: &'a [u64],
    /// The index of the program's first op.
    start: usize,
    slot: usize,
    /// Those of later slots.
    relocs: &'a [OpenReloc],
}

impl<'a> Decoder<'a> {
    /// CO-RE relocations ask for types of a kernel.
    fn core(&self) -> Result<(), SimError> {
        match self.linked.core_relos.first() {
            None => Ok(()),
            Some(relo) => {
                Err(self.lacks_at(relo.insn_off as usize / crate::asm::Slot::SIZE, "CO-RE relocations"))
            }
        }
    }

    fn next(&mut self) -> Result<(), SimError> {
        let rest = &self.linked.slots[self.slot..];
        let (insn, len) = Insn::decode(rest).map_err(|error| self.no_instruction(error))?;
        self.named()?;
        let op = self.op(insn)?;
        self.text.ops.push(op);
        self.text.ops.extend((1..len).map(|_| Op::new(Code::Never)));
        self.slot += len;
        Ok(())
    }

    fn op(&mut self, insn: Insn) -> Result<Op, SimError> {
        Ok(match insn {
            Insn::Alu { op, width, dst, src } => {
                with_source(Code::alu(op, width, matches!(src, Source::Reg(_))), dst, src)
            }
            Insn::Neg { width: Width::Bits64, dst } => with(Code::Neg, dst),
            Insn::Neg { width: Width::Bits32, dst } => with(Code::Neg32, dst),
            Insn::MovSx { extend, dst, src } => two(sign_extension(extend), dst, src),
            Insn::Swap { op, bits, dst } => self.swap(op, bits, dst),
            Insn::Load { size, dst, base, off } => memory(Code::load(size), dst, base, off),
            Insn::LoadSx { size, dst, base, off } => memory(Code::load_sx(size), dst, base, off),
            Insn::Store { size, base, off, src } => memory(Code::store(size), base, src, off),
            Insn::StoreImm { size, base, off, imm } => Op {
                aux: i32::from(off).cast_unsigned(),
                imm: extend(imm),
                ..with(Code::store_imm(size), base)
            },
            Insn::Atomic { op, width, base, off, src } => atomic(op, width, base, off, src),
            Insn::LoadAcquire { size, dst, base, off } => ordered(Code::Acquire, size, dst, base, off),
            Insn::StoreRelease { size, base, off, src } => ordered(Code::Release, size, base, src, off),
            Insn::LoadArg { dst, arg } => Op { aux: u32::from(arg.number()) - 1, ..with(Code::LoadArg, dst) },
            Insn::StoreArg { arg, src } => {
                Op { aux: u32::from(arg.number()) - 1, ..two(Code::StoreArg, src, src) }
            }
            Insn::StoreArgImm { arg, imm } => {
                Op { aux: u32::from(arg.number()) - 1, imm: extend(imm), ..Op::new(Code::StoreArgI) }
            }
            Insn::LoadAbs { size, offset } => packet(Code::LoadAbs, size, Reg::R0, offset),
            Insn::LoadInd { size, src, offset } => packet(Code::LoadInd, size, src, offset),
            Insn::LoadImm64 { dst, value } => Op { imm: value, ..with(Code::Wide, dst) },
            Insn::LoadMap { dst, .. } => Op { imm: self.map_handle()?, ..with(Code::Wide, dst) },
            Insn::LoadMapValue { dst, offset, map: MapRef::Fd(_) | MapRef::Index(_) } => {
                Op { imm: self.map_value()? + u64::from(offset), ..with(Code::Wide, dst) }
            }
            Insn::LoadFunction { dst, off } => {
                let at = self.target(off.into())?;
                Op { imm: function_address(at as usize), ..with(Code::Wide, dst) }
            }
            Insn::Ja { off } => Op { aux: self.target(off.into())?, ..Op::new(Code::Ja) },
            Insn::JaLong { off } => Op { aux: self.target(off.into())?, ..Op::new(Code::Ja) },
            Insn::Jump { cond, width, dst, src, off } => {
                let code = Code::jump(cond, width, matches!(src, Source::Reg(_)));
                Op { aux: self.target(off.into())?, ..with_source(code, dst, src) }
            }
            Insn::MayGoto { off } => Op { aux: self.target(off.into())?, ..Op::new(Code::MayGoto) },
            Insn::Call { helper } => Op { aux: self.helper(helper)?, ..Op::new(Code::Helper) },
            Insn::CallFunction { off } => Op { aux: self.target(off.into())?, ..Op::new(Code::CallFunction) },
            Insn::Exit => Op::new(Code::Exit),
            Insn::CallKfunc { .. } | Insn::LoadBtfId { .. } => return Err(self.name()),
            Insn::AddrSpaceCast { .. } => return Err(self.lacks("arenas (addr_space_cast)")),
            Insn::Gotox { .. } => return Err(self.lacks("instruction arrays (gotox)")),
        })
    }

    /// Which bytes change places depends on the order the object is for.
    fn swap(&self, op: SwapOp, bits: SwapBits, dst: Reg) -> Op {
        let native = match self.object.endian() {
            Endian::Little => SwapOp::ToLe,
            Endian::Big => SwapOp::ToBe,
        };
        let code = match (op == native, bits) {
            (false, SwapBits::B16) => Code::Swap16,
            (false, SwapBits::B32) => Code::Swap32,
            (false, SwapBits::B64) => Code::Swap64,
            (true, SwapBits::B16) => Code::Cut16,
            (true, SwapBits::B32) => Code::Cut32,
            // Nothing changes: r |= 0.
            (true, SwapBits::B64) => Code::OrI,
        };
        with(code, dst)
    }

    /// Refuses what only a kernel has.
    fn named(&mut self) -> Result<(), SimError> {
        match self.reloc().map(|reloc| reloc.kind) {
            Some(RelocKind::Kfunc | RelocKind::Ksym { .. } | RelocKind::BtfId(BtfScope::Kernel)) => {
                Err(self.name())
            }
            _ => Ok(()),
        }
    }

    fn map_handle(&mut self) -> Result<u64, SimError> {
        let map = self.map()?;
        Ok(self.maps[map].handle.at(0))
    }

    fn map_value(&mut self) -> Result<u64, SimError> {
        let map = self.map()?;
        match self.values.get(map) {
            Some(address) if *address != 0 => Ok(*address),
            _ => Err(self.lacks("the address of a value of such a map")),
        }
    }

    fn map(&mut self) -> Result<usize, SimError> {
        let object = self.object;
        let index = self.reloc().and_then(|reloc| object.map_index(&reloc.symbol));
        index.filter(|index| *index < self.maps.len()).ok_or_else(|| self.lacks("map behind this number"))
    }

    /// The relocation of the slot at hand.
    fn reloc(&mut self) -> Option<&'a OpenReloc> {
        let here = self.slot as u32;
        let skip = self.relocs.partition_point(|reloc| reloc.slot < here);
        self.relocs = &self.relocs[skip..];
        self.relocs.first().filter(|reloc| reloc.slot == here)
    }

    /// The index of the op `off` slots after the next.
    fn target(&self, off: i64) -> Result<u32, SimError> {
        let target = self.slot as i64 + 1 + off;
        match usize::try_from(target) {
            Ok(slot) if slot < self.linked.slots.len() => Ok((self.start + slot) as u32),
            _ => {
                let (program, slot, site) = self.place(self.slot);
                Err(SimError::Target { program, slot, target, site })
            }
        }
    }

    fn helper(&mut self, helper: Helper) -> Result<u32, SimError> {
        let Some(run) = helpers::find(helper) else {
            let (program, slot, site) = self.place(self.slot);
            return Err(SimError::Helper { program, slot, helper, site });
        };
        let known = self.text.helpers.iter().position(|known| std::ptr::fn_addr_eq(*known, run));
        let index = known.unwrap_or_else(|| {
            self.text.helpers.push(run);
            self.text.helpers.len() - 1
        });
        Ok(index as u32)
    }

    fn no_instruction(&self, error: DecodeError) -> SimError {
        let (program, slot, site) = self.place(self.slot);
        SimError::NoInstruction { program, slot, error, site }
    }

    fn lacks(&self, what: &'static str) -> SimError {
        self.lacks_at(self.slot, what)
    }

    fn lacks_at(&self, slot: usize, what: &'static str) -> SimError {
        let (program, slot, site) = self.place(slot);
        SimError::Instruction { program, slot, what, site }
    }

    /// What only a kernel has, by the name the relocation gives it.
    fn name(&mut self) -> SimError {
        let name = self.reloc().map_or_else(|| "BTF id".to_owned(), |reloc| reloc.symbol.to_string());
        let (program, slot, site) = self.place(self.slot);
        SimError::Name { program, slot, name, site }
    }

    fn place(&self, slot: usize) -> (String, usize, Site) {
        (self.linked.def.name.clone(), slot, Site::from(self.linked.loc(slot)))
    }
}

const fn with(code: Code, dst: Reg) -> Op {
    Op { dst: dst.number(), ..Op::new(code) }
}

const fn two(code: Code, dst: Reg, src: Reg) -> Op {
    Op { src: src.number(), ..with(code, dst) }
}

const fn with_source(code: Code, dst: Reg, src: Source) -> Op {
    match src {
        Source::Reg(src) => two(code, dst, src),
        Source::Imm(imm) => Op { imm: extend(imm), ..with(code, dst) },
    }
}

const fn memory(code: Code, dst: Reg, src: Reg, off: i16) -> Op {
    Op { imm: extend(off as i32), ..two(code, dst, src) }
}

const fn ordered(code: Code, size: Size, dst: Reg, src: Reg, off: i16) -> Op {
    Op { aux: size.bytes() as u32, ..memory(code, dst, src, off) }
}

fn atomic(op: AtomicOp, width: Width, base: Reg, off: i16, src: Reg) -> Op {
    let code = match width {
        Width::Bits32 => Code::Atomic32,
        Width::Bits64 => Code::Atomic64,
    };
    let index = AtomicOp::ALL.iter().position(|known| *known == op).unwrap_or_default();
    Op { aux: index as u32, ..memory(code, base, src, off) }
}

const fn packet(code: Code, size: Narrow, src: Reg, offset: i32) -> Op {
    Op { aux: size.bytes() as u32, imm: extend(offset), ..two(code, Reg::R0, src) }
}

const fn sign_extension(extend: Extend) -> Code {
    match extend {
        Extend::S8To64 => Code::Sx8,
        Extend::S16To64 => Code::Sx16,
        Extend::S32To64 => Code::Sx32,
        Extend::S8To32 => Code::Sx8To32,
        Extend::S16To32 => Code::Sx16To32,
    }
}

const fn extend(imm: i32) -> u64 {
    (imm as i64).cast_unsigned()
}
