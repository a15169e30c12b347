//! The instructions of a program while names become numbers.

use std::collections::BTreeMap;

use super::{Fd, ProgLoad};
use crate::asm::{Insn, MapRef, Slot};
use crate::base::Endian;
use crate::btf::TypeId;
use crate::kind::ProgType;

/// The instructions of a program, and the descriptors they use.
pub(super) struct Body {
    slots: Vec<Slot>,
    fd_array: Vec<Fd>,
    index: BTreeMap<Fd, usize>,
    fd_slots: Vec<(u32, Fd)>,
}

impl Body {
    pub(super) fn new(slots: Vec<Slot>) -> Self {
        Self { slots, fd_array: Vec::new(), index: BTreeMap::new(), fd_slots: Vec::new() }
    }

    /// A map. By index into fd_array the bytes of a program do not depend on the numbers of descriptors.
    pub(super) fn map(&mut self, slot: u32, map: Fd, by_index: bool) {
        if !by_index {
            self.fd_slots.push((slot, map));
            return;
        }
        let index = MapRef::Index(u32::try_from(self.index_of(map)).unwrap_or(u32::MAX));
        let Some(pair) = self.slots.get_mut(slot as usize..slot as usize + 2) else { return };
        let by_index = match Insn::decode(pair) {
            Ok((Insn::LoadMap { dst, .. }, _)) => Insn::LoadMap { dst, map: index },
            Ok((Insn::LoadMapValue { dst, offset, .. }, _)) => Insn::LoadMapValue { dst, map: index, offset },
            _ => return,
        };
        pair.iter_mut().zip(by_index.encode()).for_each(|(slot, new)| *slot = new);
    }

    /// A number of 64 bits, in both slots of a load.
    pub(super) fn number(&mut self, slot: u32, number: u64) {
        let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
        self.imm(slot, i32::from_le_bytes([a, b, c, d]));
        self.imm(slot + 1, i32::from_le_bytes([e, f, g, h]));
    }

    /// The id of a type or variable; a module's descriptor goes into the second slot of the load.
    pub(super) fn type_id(&mut self, slot: u32, id: TypeId, module: Option<Fd>) {
        self.imm(slot, id.0.cast_signed());
        self.fd_slots.extend(module.map(|module| (slot + 1, module)));
    }

    /// The id of a function of the kernel.
    pub(super) fn function(&mut self, slot: u32, id: TypeId) {
        self.imm(slot, id.0.cast_signed());
    }

    /// The id of a function of a module, whose place in fd_array goes into the offset. Offset 0 is the kernel, so that no
    /// module may be first.
    pub(super) fn module_function(&mut self, slot: u32, id: TypeId, module: Fd) {
        if self.fd_array.is_empty() {
            self.fd_array.push(module);
        }
        let index = i16::try_from(self.index_of(module)).unwrap_or(i16::MAX);
        if let Some(insn) = self.slots.get_mut(slot as usize) {
            *insn = insn.with_off(index).with_imm(id.0.cast_signed());
        }
    }

    /// A load of these instructions with their descriptors, all else empty.
    pub(super) fn into_load(self, prog_type: ProgType, endian: Endian, out: Fd) -> ProgLoad {
        let insns = bytes(self.slots.iter().map(|slot| slot.to_bytes(endian)));
        let Self { fd_array, fd_slots, .. } = self;
        ProgLoad { fd_array, fd_slots, ..ProgLoad::new(prog_type, insns, out) }
    }

    fn index_of(&mut self, fd: Fd) -> usize {
        let next = self.fd_array.len();
        *self.index.entry(fd).or_insert_with(|| {
            self.fd_array.push(fd);
            next
        })
    }

    fn imm(&mut self, slot: u32, imm: i32) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            *slot = slot.with_imm(imm);
        }
    }
}

/// Records one after another; their number is known, so that there is one allocation.
pub(super) fn bytes<const SIZE: usize>(records: impl ExactSizeIterator<Item = [u8; SIZE]>) -> Vec<u8> {
    records.collect::<Vec<_>>().into_flattened()
}
